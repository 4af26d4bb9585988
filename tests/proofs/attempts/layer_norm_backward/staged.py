"""Through the variance and the mean in steps, in float32 where the input is no wider."""

import numpy as np


def layer_norm_forward(x, weight, bias, eps=1e-5):
    if x.dtype.kind != "f":
        raise TypeError(f"x is {x.dtype}")
    if x.ndim != 2:
        raise ValueError(f"x must have two axes, got {x.shape}")
    D = x.shape[1]
    for p in (weight, bias):
        if p is not None and p.shape != (D,):
            raise ValueError(f"expected ({D},), got {p.shape}")
    work = np.promote_types(x.dtype, np.float32)
    w = np.ones(D, work) if weight is None else weight.astype(work)
    z = x.astype(work)
    centred = z - z.mean(-1, keepdims=True)
    std = np.sqrt(centred.var(-1, keepdims=True) + work.type(eps))
    y = w * (centred / std)
    if bias is not None:
        y = y + bias
    return y.astype(x.dtype), {"centred": centred, "std": std, "w": w, "dtype": x.dtype}


def layer_norm_backward(dy, cache):
    xc, std, w, dtype = (cache[k] for k in ("centred", "std", "w", "dtype"))
    if dy.dtype.kind != "f":
        raise TypeError(f"dy is {dy.dtype}")
    if dy.shape != xc.shape:
        raise ValueError(f"dy is {dy.shape}, x was {xc.shape}")
    D = xc.shape[1]
    g = dy.astype(xc.dtype)
    dweight = np.einsum("nd,nd->d", g, xc / std)
    dbias = np.einsum("nd->d", g)
    dx_hat = g * w
    dvar = -0.5 * (dx_hat * xc).sum(1, keepdims=True) / std**3
    dmean = -dx_hat.sum(1, keepdims=True) / std
    dx = dx_hat / std + dvar * 2 * xc / D + dmean / D
    return dx.astype(dtype), dweight.astype(dtype), dbias.astype(dtype)
