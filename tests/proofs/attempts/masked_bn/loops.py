"""A list of valid positions and a loop over channels."""

import numpy as np


def masked_batch_norm(x, mask, weight, bias, eps=1e-5):
    if x.dtype.kind != "f":
        raise TypeError("x must hold floats")
    if mask.dtype != np.bool_:
        raise TypeError("mask must be boolean")
    if x.ndim != 3:
        raise ValueError(f"x must be (N, C, L), is {x.shape}")
    N, C, L = x.shape
    if mask.shape != (N, L):
        raise ValueError(f"mask must be {(N, L)}, is {mask.shape}")
    w = np.ones(C) if weight is None else weight
    b = np.zeros(C) if bias is None else bias
    if w.shape != (C,):
        raise ValueError(f"weight must be {(C,)}, is {w.shape}")
    if b.shape != (C,):
        raise ValueError(f"bias must be {(C,)}, is {b.shape}")
    y = np.zeros(x.shape, x.dtype)
    where = [(n, l) for n in range(N) for l in range(L) if mask[n, l]]
    for c in range(C):
        v = np.array([x[n, c, l] for n, l in where], float)
        if not len(v):
            continue
        v = w[c] * (v - v.mean()) / np.sqrt(v.var() + eps) + b[c]
        for (n, l), t in zip(where, v):
            y[n, c, l] = t
    return y
