"""By the parts of a variance, within the masks and between them; numbers stay Python floats."""

import numpy as np


def dropout_variances(mean, var, p):
    dtype = check(mean, var, p)
    c, v = np.broadcast_arrays(np.asarray(mean, np.float64), np.asarray(var, np.float64))
    train = within(v, p) + between(c, p)
    if dtype is None:
        return float(train), float(v)
    return np.array(train, dtype), np.array(v, dtype)


def variance_shift(mean, var, p):
    dtype = check(mean, var, p)
    c, v = np.asarray(mean, np.float64), np.asarray(var, np.float64)
    ratio = v / (within(v, p) + between(c, p))
    return float(ratio) if dtype is None else np.array(ratio, dtype)


def within(v, p):
    """A value is kept with probability 1 - p and then varies by v / (1 - p)²."""
    return (1 - p) * v / (1 - p) ** 2


def between(c, p):
    """The mean is c / (1 - p) or 0, as the mask says: a coin with these two sides."""
    return p * (1 - p) * (c / (1 - p)) ** 2


def check(mean, var, p):
    arrays = [a for a in (mean, var) if isinstance(a, np.ndarray)]
    if any(a.dtype.kind != "f" for a in arrays):
        raise TypeError(f"{[a.dtype for a in arrays]}")
    if p != p or p < 0 or p >= 1:
        raise ValueError(f"p has to lie between 0 and 1, got {p}")
    if np.any(np.less(var, 0)):
        raise ValueError(f"a variance is at least 0, got {var}")
    return np.result_type(*arrays) if arrays else None
