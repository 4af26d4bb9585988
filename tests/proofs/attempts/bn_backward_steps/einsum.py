"""einsum in the width of the input, with the standard deviation in place of its inverse."""

import numpy as np


def batch_norm_backward_steps(dy, x, weight, eps=1e-5):
    if not (np.issubdtype(x.dtype, np.floating) and np.issubdtype(dy.dtype, np.floating)):
        raise TypeError("float")
    if x.ndim != 2:
        raise ValueError(f"expected (N, D), got {x.shape}")
    if dy.shape != x.shape:
        raise ValueError(f"expected {x.shape}, got {dy.shape}")
    T = np.result_type(x.dtype, np.float32)
    w = np.ones(x.shape[1], T) if weight is None else weight.astype(T)
    if w.shape != x.shape[1:]:
        raise ValueError(f"expected {x.shape[1:]}, got {w.shape}")
    z = x.astype(T)
    g = dy.astype(T)
    m = len(z)
    mu = z.mean(0)
    xc = z - mu
    v = np.einsum("nd,nd->d", xc, xc) / m
    s = np.sqrt(v + T.type(eps))
    dxh = g * w
    dw = np.einsum("nd,nd->d", g, xc / s)
    dv = -np.einsum("nd,nd->d", dxh, xc) / (2 * s**3)
    dm = -dxh.sum(0) / s
    dx = dxh / s + 2 * dv * xc / m + dm / m
    r = dict(dx_hat=dxh, dvar=dv, dmean=dm, dx=dx, dweight=dw, dbias=g.sum(0))
    return {k: np.array(v, dtype=x.dtype) for k, v in r.items()}
