"""A Python loop over channels, (x - mean) summed up before it is divided."""

import numpy as np


def batch_norm_eval_backward(dy, x, weight, running_mean, running_var, eps=1e-5):
    for a in (dy, x):
        if a.dtype.kind != "f":
            raise TypeError(f"no gradient of {a.dtype}")
    if x.ndim < 2 or x.ndim > 5:
        raise ValueError(f"expected two to five axes, got {x.shape}")
    if x.shape != dy.shape:
        raise ValueError(f"dy is {dy.shape}, x is {x.shape}")
    C = x.shape[1]
    for p in (weight, running_mean, running_var):
        if p is not None and p.shape != (C,):
            raise ValueError(f"need {(C,)}, got {p.shape}")
    dx = np.empty(x.shape, x.dtype)
    dw, db = np.empty(C, x.dtype), np.empty(C, x.dtype)
    for c in range(C):
        s = (float(running_var[c]) + eps) ** 0.5
        g = dy[:, c].astype(np.float64)
        centred = x[:, c].astype(np.float64) - float(running_mean[c])
        dx[:, c] = g * ((1 if weight is None else float(weight[c])) / s)
        db[c] = g.sum()
        dw[c] = (g * centred).sum() / s
    return dx, dw, db
