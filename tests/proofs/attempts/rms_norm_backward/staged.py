"""Through the root and the mean square in steps, in float32 where the input is no wider."""

import numpy as np


def rms_norm_forward(x, weight, eps=1e-6):
    if x.dtype.kind != "f":
        raise TypeError(f"x is {x.dtype}")
    if x.ndim < 1:
        raise ValueError(f"at least one axis, got {x.shape}")
    D = x.shape[-1]
    work = np.promote_types(x.dtype, np.float32)
    w = np.ones(D, work) if weight is None else weight.astype(work)
    if w.shape != (D,):
        raise ValueError(f"expected ({D},), got {w.shape}")
    z = x.astype(work)
    rms = np.sqrt((z * z).mean(-1, keepdims=True) + work.type(eps))
    return (w * (z / rms)).astype(x.dtype), (z, rms, w, x.dtype)


def rms_norm_backward(dy, cache):
    z, rms, w, dtype = cache
    if dy.dtype.kind != "f":
        raise TypeError(f"dy is {dy.dtype}")
    if dy.shape != z.shape:
        raise ValueError(f"dy is {dy.shape}, x was {z.shape}")
    g, D = dy.astype(z.dtype), z.shape[-1]
    dweight = (g * (z / rms)).reshape(-1, D).sum(0)
    dx_hat = g * w
    drms = -(dx_hat * (z / rms)).sum(-1, keepdims=True) / rms
    dsquare = drms / (2 * rms)
    dx = dx_hat / rms + dsquare * 2 * z / D
    return dx.astype(dtype), dweight.astype(dtype)
