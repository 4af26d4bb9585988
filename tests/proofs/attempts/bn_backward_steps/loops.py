"""One feature at a time, in lists of floats, every term of the paper written out."""

import math

import numpy as np


def batch_norm_backward_steps(dy, x, weight, eps=1e-5):
    if x.dtype.kind != "f" or dy.dtype.kind != "f":
        raise TypeError("x and dy have to be floating")
    if x.ndim != 2:
        raise ValueError(f"x is {x.shape}, needs two axes")
    if dy.shape != x.shape:
        raise ValueError(f"dy is {dy.shape}, x is {x.shape}")
    N, D = x.shape
    if weight is None:
        weight = np.ones(D)
    if weight.shape != (D,):
        raise ValueError(f"weight is {weight.shape}, but has to be ({D},)")
    out = {name: np.zeros((N, D), x.dtype) for name in ("dx_hat", "dx")}
    for name in ("dvar", "dmean", "dweight", "dbias"):
        out[name] = np.zeros(D, x.dtype)
    for d in range(D):
        X, G = [float(v) for v in x[:, d]], [float(v) for v in dy[:, d]]
        mu = math.fsum(X) / N
        var = math.fsum((v - mu) ** 2 for v in X) / N
        s = math.sqrt(var + eps)
        dh = [g * float(weight[d]) for g in G]
        dvar = math.fsum(h * (v - mu) for h, v in zip(dh, X)) * -0.5 * (var + eps) ** -1.5
        dmean = math.fsum(-h / s for h in dh) + dvar * math.fsum(-2 * (v - mu) for v in X) / N
        for n in range(N):
            out["dx_hat"][n, d] = dh[n]
            out["dx"][n, d] = dh[n] / s + dvar * 2 * (X[n] - mu) / N + dmean / N
        out["dvar"][d] = dvar
        out["dmean"][d] = dmean
        out["dweight"][d] = math.fsum(g * (v - mu) / s for g, v in zip(G, X))
        out["dbias"][d] = math.fsum(G)
    return out
