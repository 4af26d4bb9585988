"""The valid positions picked out as rows and put back, float32 where the input is no wider."""

import numpy as np


def masked_batch_norm(x, mask, weight, bias, eps=1e-5):
    if x.dtype.kind != "f" or mask.dtype.kind != "b":
        raise TypeError(f"floats and a boolean mask wanted, got {x.dtype} and {mask.dtype}")
    if x.ndim != 3:
        raise ValueError(f"three axes wanted, got {x.shape}")
    N, C, L = x.shape
    if mask.shape != (N, L):
        raise ValueError(f"mask {(N, L)} wanted, got {mask.shape}")
    for p in (weight, bias):
        if p is not None and p.shape != (C,):
            raise ValueError(f"({C},) wanted, got {p.shape}")
    work = np.promote_types(x.dtype, np.float32)
    out = np.zeros((N, L, C), x.dtype)
    if mask.any():
        rows = x.transpose(0, 2, 1)[mask].astype(work)
        rows -= rows.mean(0)
        rows /= np.sqrt(rows.var(0) + work.type(eps))
        if weight is not None:
            rows *= weight
        if bias is not None:
            rows += bias
        out[mask] = rows
    return np.ascontiguousarray(out.transpose(0, 2, 1))
