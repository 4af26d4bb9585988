"""Rows of channels, the six derivatives one after another, in the width of the input."""

import numpy as np


def batch_norm_forward(x, weight, bias, eps=1e-5):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError(x.dtype)
    if x.ndim not in (2, 3, 4, 5):
        raise ValueError(f"x must be (N, C, *spatial), got shape {x.shape}")
    shape, C = x.shape, x.shape[1]
    wide = np.float64 if x.dtype == np.float64 else np.float32
    z = np.moveaxis(x, 1, -1).reshape(-1, C).astype(wide)
    w = np.ones(C, wide) if weight is None else weight.astype(wide)
    b = np.zeros(C, wide) if bias is None else bias.astype(wide)
    if w.shape != (C,) or b.shape != (C,):
        raise ValueError(f"weight and bias must have shape {(C,)}, got {w.shape} and {b.shape}")
    mu = z.mean(0)
    xc = z - mu
    var = (xc * xc).mean(0)
    std = np.sqrt(var + eps)
    xh = xc / std
    y = w * xh + b
    return np.moveaxis(y.reshape(shape[0], *shape[2:], C), -1, 1).astype(x.dtype), (
        x.dtype,
        shape,
        xc,
        std,
        xh,
        w,
        wide,
    )


def batch_norm_backward(dy, cache):
    dt, shape, xc, std, xh, w, wide = cache
    if dy.shape != shape:
        raise ValueError(f"dy should be {shape} but is {dy.shape}")
    if not np.issubdtype(dy.dtype, np.floating):
        raise TypeError(dy.dtype)
    C = shape[1]
    g = np.moveaxis(dy, 1, -1).reshape(-1, C).astype(wide)
    m = len(g)
    db = g.sum(0)
    dw = (g * xh).sum(0)
    dxh = g * w
    dvar = (dxh * xc).sum(0) * -0.5 / std**3
    dmu = -(dxh / std).sum(0) + dvar * (-2 * xc).mean(0)
    dx = dxh / std + dvar * 2 * xc / m + dmu / m
    return (
        np.moveaxis(dx.reshape(shape[0], *shape[2:], C), -1, 1).astype(dt),
        dw.astype(dt),
        db.astype(dt),
    )
