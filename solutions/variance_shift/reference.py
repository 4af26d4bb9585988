"""Dividing by 1 - p repairs the mean and inflates the second moment, so the variance changes.

With q = 1 - p and a mask a that is 1 with probability q, y = a·x / q has E[y] = E[x], but E[y²] is
E[x²] / q, for a² = a. Hence Var[y] = (v + c²) / q - c² = (v + p·c²) / q. A batch norm behind it
stores that, and evaluation brings v: q times as much if the mean c is 0, even less if not.
"""

import numpy as np


def dropout_variances(mean, var, p):
    _refuse(mean, var, p)
    # A plain float leaves the dtype of arrays alone, a NumPy one would not.
    dtype = np.result_type(mean, var, float(p))
    # Evaluation is dropout that drops nothing.
    return _variance(mean, var, p).astype(dtype), _variance(mean, var, 0.0).astype(dtype)


def variance_shift(mean, var, p):
    _refuse(mean, var, p)
    # Divided before it is cast: a variance that float16 cannot hold has a ratio that it can.
    ratio = _variance(mean, var, 0.0) / _variance(mean, var, p)
    return ratio.astype(np.result_type(mean, var, float(p)))


def _variance(mean, var, p):
    c, v = np.asarray(mean, np.float64), np.asarray(var, np.float64)
    # (v + c²) / q - c² with the two large terms put together, so that they cannot cancel.
    return (v + p * c**2) / (1 - p)


def _refuse(mean, var, p):
    for values in (mean, var):
        if isinstance(values, np.ndarray) and not np.issubdtype(values.dtype, np.floating):
            raise TypeError(f"expected floating values, got {values.dtype}")
    if not 0 <= p < 1:
        raise ValueError(f"expected p in [0, 1), got {p}")
    if np.min(var) < 0:
        raise ValueError(f"expected a var of at least 0, got {np.min(var)}")
