"""A list of valid places, then channel by channel."""

import numpy as np


def masked_batch_norm(x, mask, weight, bias, eps=1e-5):
    if x.dtype not in (np.float16, np.float32, np.float64):
        raise TypeError("x must hold floats")
    if mask.dtype != np.bool_:
        raise TypeError("mask must be boolean")
    if len(x.shape) != 3:
        raise ValueError(f"x must be (N, C, L), is {x.shape}")
    N, C, L = x.shape
    if mask.shape != (N, L):
        raise ValueError(f"mask must be {(N, L)}, is {mask.shape}")
    for name, p in (("weight", weight), ("bias", bias)):
        if p is not None and p.shape != (C,):
            raise ValueError(f"{name} must be {(C,)}, is {p.shape}")
    places = [(n, l) for n in range(N) for l in range(L) if mask[n, l]]
    y = np.zeros(x.shape, x.dtype)
    for c in range(C):
        values = [float(x[n, c, l]) for n, l in places]
        if not values:
            break
        mean = sum(values) / len(values)
        std = (sum((v - mean) ** 2 for v in values) / len(values) + eps) ** 0.5
        scale = 1.0 if weight is None else float(weight[c])
        shift = 0.0 if bias is None else float(bias[c])
        for (n, l), v in zip(places, values):
            y[n, c, l] = (v - mean) / std * scale + shift
    return y
