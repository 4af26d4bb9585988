"""Vector by vector: a unit vector in front of its length, dx by projection."""

import numpy as np


def rms_norm_forward(x, weight, eps=1e-6):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError("x has to be floating")
    if x.shape == ():
        raise ValueError(f"expected (..., D), got {x.shape}")
    D = x.shape[-1]
    if weight is not None and weight.shape != (D,):
        raise ValueError(f"weight: {weight.shape} instead of ({D},)")
    w = np.ones(D) if weight is None else weight.astype(float)
    y, saved = np.empty(x.shape, x.dtype), {}
    for place in np.ndindex(x.shape[:-1]):
        v = [float(a) for a in x[place]]
        rms = (sum(a * a for a in v) / D + eps) ** 0.5
        x_hat = np.array([a / rms for a in v])
        y[place] = w * x_hat
        saved[place] = (x_hat, rms)
    return y, {"saved": saved, "w": w, "like": (x.shape, x.dtype)}


def rms_norm_backward(dy, cache):
    shape, dtype = cache["like"]
    if not np.issubdtype(dy.dtype, np.floating):
        raise TypeError("dy has to be floating")
    if dy.shape != shape:
        raise ValueError(f"dy: {dy.shape} instead of {shape}")
    D = shape[-1]
    dx, dweight = np.empty(shape, dtype), np.zeros(D)
    for place, (x_hat, rms) in cache["saved"].items():
        g = dy[place].astype(float)
        dweight += g * x_hat
        g = g * cache["w"]
        dx[place] = (g - x_hat * (g @ x_hat) / D) / rms
    return dx, dweight.astype(dtype)
