"""float16 is for storing: 11 bits, nothing above 65,504, next to nothing below 0.00006.

A sum of a few thousand values passes the top, so does the square of 256, and 1e-8 is 0. So x is
widened first and rounded last, weight and bias stay in float32, and half the memory is still saved
where it counts: in x and y.
"""

import numpy as np


def batch_norm_half(x, weight, bias, eps=1e-5):
    _refuse(x, weight, bias)
    n, c = x.shape[:2]
    wide = x.astype(np.float32).reshape(n, c, x[0, 0].size)
    mean = wide.mean(axis=(0, 2), keepdims=True)
    var = ((wide - mean) ** 2).mean(axis=(0, 2), keepdims=True)
    y = (wide - mean) / np.sqrt(var + eps)
    if weight is not None:
        y = y * weight[:, None]
    if bias is not None:
        y = y + bias[:, None]
    return y.reshape(x.shape).astype(np.float16)


def _refuse(x, weight, bias):
    if x.dtype != np.float16:
        raise TypeError(f"expected float16 values, got {x.dtype}")
    if x.ndim < 2:
        raise ValueError(f"expected x of shape (N, C, *spatial), got {x.shape}")
    for name, values in {"weight": weight, "bias": bias}.items():
        if values is not None and values.shape != x.shape[1:2]:
            raise ValueError(f"expected {name} of shape {x.shape[1:2]}, got {values.shape}")
