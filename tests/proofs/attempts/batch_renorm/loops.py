"""A Python loop over channels, min and max instead of clip."""

import numpy as np


def batch_renorm(x, weight, bias, running_mean, running_std, r_max, d_max, eps=1e-5):
    if x.dtype not in (np.float16, np.float32, np.float64):
        raise TypeError(x.dtype)
    if x.ndim < 2:
        raise ValueError(f"(N, C, ...) wanted, {x.shape} given")
    C = x.shape[1]
    for p in [weight, bias, running_mean, running_std]:
        if p is not None and p.shape != (C,):
            raise ValueError(f"({C},) wanted, {p.shape} given")
    for c in range(C):
        if not running_std[c] > 0:
            raise ValueError(f"running_std > 0 wanted, {running_std[c]} given")
    if r_max < 1:
        raise ValueError(f"r_max must be at least 1, not {r_max}")
    if d_max < 0:
        raise ValueError(f"d_max must be at least 0, not {d_max}")
    y = np.empty(x.shape, x.dtype)
    for c in range(C):
        v = x[:, c].astype(np.float64)
        m = v.sum() / v.size
        s = (((v - m) ** 2).sum() / v.size + eps) ** 0.5
        mu, sd = float(running_mean[c]), float(running_std[c])
        r = min(max(s / sd, 1 / r_max), r_max)
        d = max(min((m - mu) / sd, d_max), -d_max)
        g = 1.0 if weight is None else float(weight[c])
        b = 0.0 if bias is None else float(bias[c])
        # one straight line per channel
        y[:, c] = (v - m) * (g * r / s) + (b + g * d)
    return y
