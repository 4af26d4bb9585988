"""One row per channel, in float32 unless x is wider."""

import numpy as np


def identity_parameters(x, eps=1e-5):
    if x.dtype.kind != "f":
        raise TypeError("float")
    if x.ndim < 2:
        raise ValueError(f"at least two axes, not {x.shape}")
    dt = np.promote_types(x.dtype, np.float32)
    v = np.moveaxis(x, 1, 0).reshape(x.shape[1], -1).astype(dt)
    return np.sqrt(v.var(axis=1) + dt.type(eps)).astype(x.dtype), v.mean(axis=1).astype(x.dtype)
