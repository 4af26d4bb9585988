"""Welford's update, value by value, in float32 where the input is no wider."""

import numpy as np


def batch_norm_2d(x, weight, bias, eps=1e-5):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError(f"float please, not {x.dtype}")
    if x.ndim != 4:
        raise ValueError(f"(N, C, H, W) wanted, got {x.shape}")
    N, C, H, W = x.shape
    for p in (weight, bias):
        if p is not None and p.shape != (C,):
            raise ValueError(f"wanted ({C},), got {p.shape}")
    f = np.float64 if x.dtype == np.float64 else np.float32
    y = np.empty(x.shape, x.dtype)
    for c in range(C):
        count, mean, squares = 0, f(0), f(0)
        for n in range(N):
            for h in range(H):
                for w in range(W):
                    count += 1
                    v = f(x[n, c, h, w])
                    d = v - mean
                    mean = mean + d / f(count)
                    squares = squares + d * (v - mean)
        std = np.sqrt(squares / f(count) + f(eps))
        for n in range(N):
            for h in range(H):
                for w in range(W):
                    t = (f(x[n, c, h, w]) - mean) / std
                    if weight is not None:
                        t = t * weight[c]
                    if bias is not None:
                        t = t + bias[c]
                    y[n, c, h, w] = t
    return y
