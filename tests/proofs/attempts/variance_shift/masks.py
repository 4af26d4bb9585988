"""Going through both masks and two values, in float64."""

import numpy as np


def dropout_variances(mean, var, p):
    dtype = _dtype(mean, var, p)
    train = _train(mean, var, p)
    return train.astype(dtype), (var + np.zeros_like(train)).astype(dtype)


def variance_shift(mean, var, p):
    dtype = _dtype(mean, var, p)
    return (np.asarray(var, np.float64) / _train(mean, var, p)).astype(dtype)


def _train(mean, var, p):
    mean, std = np.asarray(mean, np.float64), np.sqrt(np.asarray(var, np.float64))
    total = np.zeros(np.broadcast_shapes(mean.shape, std.shape))
    for deviation in (-std, std):
        dropped = 0 - mean
        kept = (p * mean + deviation) / (1 - p)  # (mean + deviation) / (1 - p) - mean
        total = total + 0.5 * (p * dropped**2 + (1 - p) * kept**2)
    return total


def _dtype(mean, var, p):
    for x in (mean, var):
        if isinstance(x, np.ndarray) and x.dtype.kind != "f":
            raise TypeError(f"{x.dtype} is not floating")
    if not (p >= 0 and p < 1):
        raise ValueError(f"p={p} is not in [0, 1)")
    if (np.asarray(var) < 0).any():
        raise ValueError(f"a var has to be at least 0, the smallest is {np.asarray(var).min()}")
    kinds = [x.dtype for x in (mean, var) if isinstance(x, np.ndarray)] or [np.dtype(float)]
    return np.result_type(*kinds)
