"""The kept axis first, the others as one; float32 where v is no wider; gradients by quotient rule."""

import numpy as np


def _rows(v, g, dim):
    if v.dtype.kind != "f" or g.dtype.kind != "f":
        raise TypeError(f"floats, not {v.dtype} and {g.dtype}")
    if dim < 0 or dim >= v.ndim:
        raise ValueError(f"dim must be at least 0 and below {v.ndim}, is {dim}")
    shape = [1] * v.ndim
    shape[dim] = v.shape[dim]
    if g.shape != tuple(shape):
        raise ValueError(f"g must be {tuple(shape)}, is {g.shape}")
    work = np.promote_types(v.dtype, np.float32)
    return _as_rows(v, dim, work), g.reshape(-1).astype(work)


def _as_rows(a, dim, work):
    return np.moveaxis(a, dim, 0).reshape(a.shape[dim], -1).astype(work)


def _back(rows, v, dim):
    first = np.moveaxis(v, dim, 0).shape
    return np.moveaxis(rows.reshape(first), 0, dim).astype(v.dtype)


def weight_norm(v, g, dim=0):
    V, G = _rows(v, g, dim)
    return _back(V * (G / np.linalg.norm(V, axis=1))[:, None], v, dim)


def weight_norm_backward(dw, v, g, dim=0):
    V, G = _rows(v, g, dim)
    if dw.dtype.kind != "f":
        raise TypeError(f"floats, not {dw.dtype}")
    if dw.shape != v.shape:
        raise ValueError(f"dw is {dw.shape}, v is {v.shape}")
    D = _as_rows(dw, dim, V.dtype)
    norm = np.sqrt(np.einsum("oi,oi->o", V, V))
    inner = np.einsum("oi,oi->o", D, V)
    dnorm = -G * inner / norm**2
    dv = (G / norm)[:, None] * D + (dnorm / norm)[:, None] * V
    return _back(dv, v, dim), (inner / norm).reshape(g.shape).astype(v.dtype)
