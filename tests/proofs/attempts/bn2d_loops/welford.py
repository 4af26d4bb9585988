"""Four nested loops and Welford, in float32 where x is narrower."""

import numpy as np


def batch_norm_2d(x, weight, bias, eps=1e-5):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError("float please")
    if x.ndim != 4:
        raise ValueError(f"(N, C, H, W) wanted, got {x.shape}")
    N, C, H, W = x.shape
    for p in (weight, bias):
        if p is not None and p.shape != (C,):
            raise ValueError(f"wanted ({C},), got {p.shape}")
    dt = np.float64 if x.dtype == np.float64 else np.float32
    mean = np.zeros(C, dt)
    var = np.zeros(C, dt)
    # Welford, in float32 where x is narrower
    for c in range(C):
        k = 0
        mu = dt(0)
        M = dt(0)
        for n in range(N):
            for h in range(H):
                for w in range(W):
                    k += 1
                    v = dt(x[n, c, h, w])
                    d = v - mu
                    mu = mu + d / dt(k)
                    M = M + d * (v - mu)
        mean[c] = mu
        var[c] = M / dt(k)
    y = np.empty(x.shape, x.dtype)
    for n in range(N):
        for c in range(C):
            for h in range(H):
                for w in range(W):
                    t = (dt(x[n, c, h, w]) - mean[c]) / np.sqrt(var[c] + dt(eps))
                    if weight is not None:
                        t = t * weight[c]
                    if bias is not None:
                        t = t + bias[c]
                    y[n, c, h, w] = t
    return y
