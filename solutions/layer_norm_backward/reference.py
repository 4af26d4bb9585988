"""The same derivation as batch norm's, with two sums that run in different directions.

A row's mean and variance are over its D features, so the terms through them average along the row;
weight and bias belong to a feature, so their gradients sum down the rows. And weight varies along
the very axis that is averaged: it cannot be taken out in front, dy·γ = dx̂ has to be averaged.
"""

import numpy as np


def layer_norm_forward(x, weight, bias, eps=1e-5):
    _refuse(x, weight, bias)
    # float64 leaves room for every dtype's sums; x - mean cannot cancel as E[x²] - E[x]² does.
    wide = x.astype(np.float64)
    mean = wide.mean(axis=1, keepdims=True)
    var = ((wide - mean) ** 2).mean(axis=1, keepdims=True)
    inv_std = 1 / np.sqrt(var + eps)
    x_hat = (wide - mean) * inv_std
    scale = 1.0 if weight is None else weight.astype(np.float64)
    shift = 0.0 if bias is None else bias.astype(np.float64)
    y = scale * x_hat + shift
    cache = (x_hat, scale, inv_std, x.dtype)
    return y.astype(x.dtype), cache


def layer_norm_backward(dy, cache):
    x_hat, scale, inv_std, dtype = cache
    _refuse_gradient(dy, x_hat)
    wide = dy.astype(np.float64)
    # A feature's β and γ act in every row.
    dbias = wide.sum(axis=0)
    dweight = (wide * x_hat).sum(axis=0)
    # dx = 1/σ · (dx̂ − mean(dx̂) − x̂·mean(dx̂·x̂)), means along the row, γ inside them.
    dx_hat = wide * scale
    through_mean = dx_hat.mean(axis=1, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=1, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx.astype(dtype), dweight.astype(dtype), dbias.astype(dtype)


def _refuse(x, weight, bias):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError(f"expected floating values, got {x.dtype}")
    if x.ndim != 2:
        raise ValueError(f"expected x (N, D) with 2 axes, got {x.shape}")
    for name, values in (("weight", weight), ("bias", bias)):
        if values is not None and values.shape != x.shape[1:]:
            raise ValueError(f"expected {name} {x.shape[1:]}, got {values.shape}")


def _refuse_gradient(dy, x_hat):
    if not np.issubdtype(dy.dtype, np.floating):
        raise TypeError(f"expected a floating dy, got {dy.dtype}")
    if dy.shape != x_hat.shape:
        raise ValueError(f"expected dy {x_hat.shape}, got {dy.shape}")
