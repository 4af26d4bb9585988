"""By the singular values of the data, without a covariance."""

import numpy as np


def _c(x):
    if x.dtype.kind != "f":
        raise TypeError("float")
    if x.ndim != 2:
        raise ValueError(f"two axes (N, D), not {x.shape}")
    dt = np.promote_types(x.dtype, np.float32)
    z = x.astype(dt)
    return z - z.mean(0, dtype=dt)


def zca_whiten(x, eps=1e-5):
    z = _c(x).astype(float)
    n = len(x)
    u, s, vt = np.linalg.svd(z, full_matrices=False)
    # z = u s vt; y = u s/sqrt(s²/n+eps) vt
    return ((u * (s / np.sqrt(s**2 / n + eps))) @ vt).astype(x.dtype)


def standardize(x, eps=1e-5):
    z = _c(x)
    return (z / np.sqrt(np.square(z).mean(0) + z.dtype.type(eps))).astype(x.dtype)
