"""The covariance as a sum of outer products, in float32 unless x is wider."""

import numpy as np


def zca_whiten(x, eps=1e-5):
    if x.dtype.kind != "f":
        raise TypeError("float")
    if x.ndim != 2:
        raise ValueError(f"(N, D), not {x.shape}")
    z = x.astype(np.float32 if x.dtype != np.float64 else np.float64)
    z = z - z.mean(0)
    D = x.shape[1]
    s = np.zeros((D, D), z.dtype)
    for r in z:
        s += np.outer(r, r)
    s = s / z.dtype.type(len(x)) + z.dtype.type(eps) * np.eye(D, dtype=z.dtype)
    l, V = np.linalg.eigh(s)
    return (z @ (V @ np.diag(l**-0.5) @ V.T)).astype(x.dtype)


def standardize(x, eps=1e-5):
    if x.dtype.kind != "f":
        raise TypeError("float")
    if x.ndim != 2:
        raise ValueError(f"(N, D), not {x.shape}")
    return np.stack(
        [((c - c.mean()) / np.sqrt(c.var() + eps)) for c in x.T.astype(float)], 1
    ).astype(x.dtype)
