"""A loop over channels, in long double."""

import numpy as np


def identity_parameters(x, eps=1e-5):
    if x.dtype.kind != "f":
        raise TypeError("float")
    if x.ndim < 2:
        raise ValueError(f"(N, C, ...), not {x.shape}")
    w = []
    b = []
    for c in range(x.shape[1]):
        v = x[:, c].astype(np.longdouble)
        b.append(v.mean())
        w.append((((v - v.mean()) ** 2).mean() + eps) ** 0.5)
    return np.array(w, x.dtype), np.array(b, x.dtype)
