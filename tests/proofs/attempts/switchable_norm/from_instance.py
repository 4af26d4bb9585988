"""Layer and batch statistics made of the instances', as the paper's authors do, in float64."""

import math

import numpy as np


def switchable_norm(x, mean_logits, var_logits, weight, bias, eps=1e-5):
    if x.dtype.kind != "f":
        raise TypeError(f"floating x expected, got {x.dtype}")
    if x.ndim < 2:
        raise ValueError(f"expected at least (N, C), got {x.shape}")
    for logits in (mean_logits, var_logits):
        if logits.shape != (3,):
            raise ValueError(f"three logits, (3,), are expected, got {logits.shape}")
    for p in (weight, bias):
        if p is not None and p.shape != (x.shape[1],):
            raise ValueError(f"expected ({x.shape[1]},), got {p.shape}")
    axes = tuple(range(2, x.ndim))
    wide = x.astype(np.float64)
    mu_in = wide.mean(axis=axes, keepdims=True)
    var_in = wide.var(axis=axes, keepdims=True)
    # Total variance: mean of the variances plus variance of the means.
    mu_ln, var_ln = (
        mu_in.mean(1, keepdims=True),
        (var_in.mean(1, keepdims=True) + mu_in.var(1, keepdims=True)),
    )
    mu_bn, var_bn = (
        mu_in.mean(0, keepdims=True),
        (var_in.mean(0, keepdims=True) + mu_in.var(0, keepdims=True)),
    )
    w, v = softmax(mean_logits), softmax(var_logits)
    y = wide - (w[0] * mu_in + w[1] * mu_ln + w[2] * mu_bn)
    y /= np.sqrt(v[0] * var_in + v[1] * var_ln + v[2] * var_bn + eps)
    shape = (1, x.shape[1]) + (1,) * len(axes)
    y = y if weight is None else y * weight.reshape(shape)
    y = y if bias is None else y + bias.reshape(shape)
    return y.astype(x.dtype)


def softmax(logits):
    values = [float(v) for v in logits]
    powers = [math.exp(v - max(values)) for v in values]
    return [p / sum(powers) for p in powers]
