"""Lists of floats for each channel, math.fsum over comprehensions."""

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
    out = np.zeros(x.shape, x.dtype)
    for c in range(C):
        values = x[:, c].ravel().tolist()
        mu = math.fsum(values) / len(values)
        var = math.fsum((v - mu) ** 2 for v in values) / len(values)
        g = 1 if weight is None else float(weight[c])
        b = 0 if bias is None else float(bias[c])
        new = [g * (v - mu) * (var + eps) ** -0.5 + b for v in values]
        out[:, c] = np.array(new).reshape(N, H, W)
    return out
