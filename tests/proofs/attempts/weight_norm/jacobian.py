"""Slice by slice, dv by the matrix of derivatives of each slice."""

import numpy as np


def check(v, g, dim):
    for a in (v, g):
        if not np.issubdtype(a.dtype, np.floating):
            raise TypeError("v and g have to be floating")
    if not 0 <= dim < v.ndim:
        raise ValueError(f"dim={dim}, but v has {v.ndim} axes")
    want = tuple(v.shape[i] if i == dim else 1 for i in range(v.ndim))
    if g.shape != want:
        raise ValueError(f"want g {want}, got {g.shape}")


def weight_norm(v, g, dim=0):
    check(v, g, dim)
    w = np.empty(v.shape, v.dtype)
    for i, length in enumerate(g.ravel()):
        where = (slice(None),) * dim + (i,)
        one = v[where].astype(float)
        w[where] = float(length) * one / np.sqrt((one * one).sum())
    return w


def weight_norm_backward(dw, v, g, dim=0):
    check(v, g, dim)
    if not np.issubdtype(dw.dtype, np.floating):
        raise TypeError("dw has to be floating")
    if dw.shape != v.shape:
        raise ValueError(f"want dw {v.shape}, got {dw.shape}")
    dv, dg = np.empty(v.shape, v.dtype), []
    for i, length in enumerate(g.ravel()):
        where = (slice(None),) * dim + (i,)
        one, d = v[where].astype(float).ravel(), dw[where].astype(float).ravel()
        norm = np.sqrt(one @ one)
        dg.append(d @ one / norm)
        jacobian = float(length) * (np.eye(one.size) - np.outer(one, one) / norm**2) / norm
        dv[where] = (jacobian @ d).reshape(dv[where].shape)
    return dv, np.array(dg, v.dtype).reshape(g.shape)
