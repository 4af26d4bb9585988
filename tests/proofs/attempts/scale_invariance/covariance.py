"""From the covariance of x and that of dy with x: the samples are summed up once for all scales."""

import numpy as np


def weight_gradients(w, x, dy, scale, eps=1e-12):
    if any(not np.issubdtype(a.dtype, np.floating) for a in (w, x, dy)):
        raise TypeError("w, x and dy have to be floating")
    if w.ndim != 2 or x.ndim != 2 or dy.ndim != 2:
        raise ValueError(f"two axes each, (O, I), (N, I), (N, O): {w.shape}, {x.shape}, {dy.shape}")
    if w.shape[1] != x.shape[1]:
        raise ValueError(f"w {w.shape} does not fit x {x.shape}")
    if dy.shape != (len(x), len(w)):
        raise ValueError(f"dy should be {(len(x), len(w))}, is {dy.shape}")
    xc = x - x.mean(0)
    S = xc.T @ xc / len(x)
    C = (dy - dy.mean(0)).T @ xc

    def at(w):
        Sw = w @ S
        v = np.einsum("oi,oi->o", Sw, w)[:, None] + eps
        along = np.einsum("oi,oi->o", C, w)[:, None]
        return (C - along / v * Sw) / np.sqrt(v)

    return at(w), at(scale * w)
