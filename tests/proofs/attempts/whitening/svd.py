"""Singular values of the centred data instead of eigenvalues of the covariance."""

import numpy as np


def centre(x):
    if x.dtype.kind != "f":
        raise TypeError(f"floats, not {x.dtype}")
    if x.ndim != 2:
        raise ValueError(f"two axes (N, D), not {x.shape}")
    z = x.astype(np.float64)
    z -= z.mean(0)
    return z


def zca_whiten(x, eps=1e-5):
    u, s, vt = np.linalg.svd(centre(x), full_matrices=False)
    # z = u s vt, its covariance v s²/N vt
    shrunk = s / np.sqrt(s**2 / len(x) + eps)
    return ((u * shrunk) @ vt).astype(x.dtype)


def standardize(x, eps=1e-5):
    z = centre(x)
    z /= np.sqrt(np.einsum("nd,nd->d", z, z) / len(z) + eps)
    return z.astype(x.dtype)
