"""Lists and math.fsum, one channel at a time."""

import math

import numpy as np


def batch_norm_2d(x, weight, bias, eps=1e-5):
    if x.dtype.kind != "f":
        raise TypeError("float please")
    if x.ndim != 4:
        raise ValueError(f"four axes (N, C, H, W) wanted, got {x.shape}")
    N, C, H, W = x.shape
    if weight is not None and weight.shape != (C,):
        raise ValueError(f"weight: wanted {(C,)}, got {weight.shape}")
    if bias is not None and bias.shape != (C,):
        raise ValueError(f"bias: wanted {(C,)}, got {bias.shape}")
    out = np.zeros_like(x)
    for c in range(C):
        vals = x[:, c].ravel().tolist()
        mu = math.fsum(vals) / len(vals)
        var = math.fsum((v - mu) ** 2 for v in vals) / len(vals)
        g = 1 if weight is None else weight[c]
        b = 0 if bias is None else bias[c]
        new = [g * (v - mu) * (var + eps) ** -0.5 + b for v in vals]
        out[:, c] = np.array(new).reshape(N, H, W)
    return out
