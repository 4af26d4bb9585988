"""Vector by vector."""

import numpy as np


def rms_norm_forward(x, weight, eps=1e-6):
    if x.dtype.kind != "f":
        raise TypeError("x")
    if x.ndim < 1:
        raise ValueError(f"at least one axis, got {x.shape}")
    D = x.shape[-1]
    w = np.ones(D) if weight is None else weight.astype(float)
    if w.shape != (D,):
        raise ValueError(f"expected ({D},) got {w.shape}")
    y = np.empty(x.shape, x.dtype)
    hs = np.empty(x.shape)
    rs = {}
    for i in np.ndindex(x.shape[:-1]):
        v = [float(a) for a in x[i]]
        r = (sum(a * a for a in v) / D + eps) ** 0.5
        rs[i] = r
        hs[i] = [a / r for a in v]
        y[i] = w * hs[i]
    return y, (hs, rs, w, x.dtype)


def rms_norm_backward(dy, cache):
    hs, rs, w, dt = cache
    D = hs.shape[-1]
    if dy.dtype.kind != "f":
        raise TypeError("dy")
    if dy.shape != hs.shape:
        raise ValueError(f"{dy.shape} vs {hs.shape}")
    dx = np.empty(hs.shape, dt)
    dw = np.zeros(D)
    for i, r in rs.items():
        g = dy[i].astype(float)
        h = hs[i]
        dw += g * h
        dx[i] = (w * g - h * np.dot(w * g, h) / D) / r
    return dx, dw.astype(dt)
