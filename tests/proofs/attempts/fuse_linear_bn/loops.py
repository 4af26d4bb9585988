"""Lists of rows, one output feature after the other."""

import math

import numpy as np


def fuse_linear_bn(weight, bias, running_mean, running_var, bn_weight, bn_bias, eps=1e-5):
    for a in (weight, bias, running_mean, running_var, bn_weight, bn_bias):
        if a is not None and a.dtype.kind != "f":
            raise TypeError("no integers")
    if len(weight.shape) != 2:
        raise ValueError(f"expected 2 axes, got shape {weight.shape}")
    O = weight.shape[0]
    vectors = dict(
        bias=bias, mean=running_mean, var=running_var, bn_weight=bn_weight, bn_bias=bn_bias
    )
    for name, a in vectors.items():
        if a is not None and a.shape != (O,):
            raise ValueError(f"{name}: expected {(O,)}, got {a.shape}")
    rows, shifts = [], []
    for o in range(O):
        scale = 1 / math.sqrt(float(running_var[o]) + eps)
        if bn_weight is not None:
            scale *= float(bn_weight[o])
        rows.append([float(w) * scale for w in weight[o]])
        b = float(bias[o]) if bias is not None else 0.0
        beta = float(bn_bias[o]) if bn_bias is not None else 0.0
        shifts.append((b - float(running_mean[o])) * scale + beta)
    return np.array(rows).astype(weight.dtype), np.array(shifts).astype(weight.dtype)
