"""Padding is no data: it counts in no sum and in no divisor, and it comes out as it went in, empty.

The mask enters three times: the mean, the variance and the output. Between the first two lies the
trap: zeros in the padding do no harm to a sum of x, but (0 - mean)² is not zero. And choosing is
not multiplying, for 0 · NaN is NaN.
"""

import numpy as np


def masked_batch_norm(x, mask, weight, bias, eps=1e-5):
    _refuse(x, mask, weight, bias)
    valid = mask[:, None, :]
    m = mask.sum() or 1  # without any valid position all sums are 0
    wide = np.where(valid, x.astype(np.float64), 0)
    mean = wide.sum(axis=(0, 2)) / m
    centred = np.where(valid, wide - mean[:, None], 0)
    var = (centred**2).sum(axis=(0, 2)) / m
    y = centred / np.sqrt(var[:, None] + eps)
    if weight is not None:
        y = y * weight[:, None]
    if bias is not None:
        y = y + bias[:, None]
    return np.where(valid, y, 0).astype(x.dtype)


def _refuse(x, mask, weight, bias):
    if not np.issubdtype(x.dtype, np.floating) or mask.dtype != bool:
        raise TypeError(f"expected floating x and boolean mask, got {x.dtype} and {mask.dtype}")
    if x.ndim != 3:
        raise ValueError(f"expected x of shape (N, C, L), got {x.shape}")
    n, c, length = x.shape
    expected = {"mask": (mask, (n, length)), "weight": (weight, (c,)), "bias": (bias, (c,))}
    for name, (values, shape) in expected.items():
        if values is not None and values.shape != shape:
            raise ValueError(f"expected {name} of shape {shape}, got {values.shape}")
