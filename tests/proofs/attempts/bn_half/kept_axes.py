"""Axes kept for broadcasting, float32 from ufunc dtype arguments, own buffer updated in place."""

import numpy as np


def batch_norm_half(x, weight, bias, eps=1e-5):
    if x.dtype != np.float16:
        raise TypeError(f"half only, not {x.dtype}")
    if x.ndim < 2:
        raise ValueError(f"two axes at least, got {x.shape}")
    C = x.shape[1]
    for p in (weight, bias):
        if p is not None and p.shape != (C,):
            raise ValueError(f"({C},) wanted, got {p.shape}")
    axes = tuple(i for i in range(x.ndim) if i != 1)
    shape = [1] * x.ndim
    shape[1] = C
    mu = np.mean(x, axis=axes, dtype=np.float32, keepdims=True)
    y = np.subtract(x, mu, dtype=np.float32)
    var = np.mean(y * y, axis=axes, keepdims=True)
    y /= np.sqrt(var + np.float32(eps))
    if weight is not None:
        y *= weight.reshape(shape)
    if bias is not None:
        y += bias.reshape(shape)
    return y.astype("f2")
