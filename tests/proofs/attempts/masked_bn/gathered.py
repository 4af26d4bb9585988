"""Gathers the valid positions, normalizes a table, puts it back."""

import numpy as np


def masked_batch_norm(x, mask, weight, bias, eps=1e-5):
    if x.dtype.kind != "f" or mask.dtype.kind != "b":
        raise TypeError("types")
    if x.ndim != 3:
        raise ValueError(f"three axes wanted, got {x.shape}")
    N, C, L = x.shape
    if mask.shape != (N, L):
        raise ValueError(f"mask {(N, L)} wanted, got {mask.shape}")
    for p in (weight, bias):
        if p is not None and p.shape != (C,):
            raise ValueError(f"({C},) wanted, got {p.shape}")
    dt = np.promote_types(x.dtype, np.float32)
    rows = x.transpose(0, 2, 1)[mask].astype(dt)
    out = np.zeros((N, L, C), x.dtype)
    if len(rows):
        z = (rows - rows.mean(0)) / np.sqrt(rows.var(0) + dt.type(eps))
        if weight is not None:
            z = z * weight
        if bias is not None:
            z = z + bias
        out[mask] = z
    return np.ascontiguousarray(out.transpose(0, 2, 1))
