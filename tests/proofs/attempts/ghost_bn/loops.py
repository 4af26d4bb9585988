"""Two loops, over ghost batches and channels, float32 where the input is no wider."""

import numpy as np


def ghost_batch_norm(x, weight, bias, virtual_batch_size, eps=1e-5):
    if x.dtype.kind != "f":
        raise TypeError(f"x must be floating, is {x.dtype}")
    if x.ndim < 2:
        raise ValueError(f"need (N, C, ...), not {x.shape}")
    if virtual_batch_size <= 0:
        raise ValueError(f"virtual_batch_size must be 1 or more, not {virtual_batch_size}")
    N, C = x.shape[:2]
    for p in (weight, bias):
        if p is not None and p.shape != (C,):
            raise ValueError(f"need ({C},), not {p.shape}")
    f = np.float64 if x.dtype == np.float64 else np.float32
    out = np.zeros(x.shape, x.dtype)
    for first in range(0, N, virtual_batch_size):
        ghost = slice(first, first + virtual_batch_size)
        for c in range(C):
            v = x[ghost, c].astype(f)
            h = (v - v.mean()) / np.sqrt(v.var() + f(eps))
            if weight is not None:
                h = h * weight[c]
            if bias is not None:
                h = h + bias[c]
            out[ghost, c] = h
    return out
