"""x reaches the loss three ways: directly, through its channel's mean and through its variance.

Collected, dx = γ/σ · (dy − mean(dy) − x̂·mean(dy·x̂)) with σ = √(var + ε): dy loses its mean and its
part along x̂, because shifting and scaling x is what normalization takes back. Both means are
gradients that are wanted anyway, dβ and dγ, divided by m. Rows and images differ only in the axes
that a channel's m values lie along.
"""

import numpy as np


def batch_norm_forward(x, weight, bias, eps=1e-5):
    _refuse(x, weight, bias)
    axes = _axes(x)
    # float64 leaves room for every dtype's sums; x - mean cannot cancel as E[x²] - E[x]² does.
    wide = x.astype(np.float64)
    mean = wide.mean(axis=axes, keepdims=True)
    var = ((wide - mean) ** 2).mean(axis=axes, keepdims=True)
    inv_std = 1 / np.sqrt(var + eps)
    x_hat = (wide - mean) * inv_std
    scale = 1.0 if weight is None else _per_channel(weight, x)
    shift = 0.0 if bias is None else _per_channel(bias, x)
    y = scale * x_hat + shift
    # x̂ and one factor per channel are all that the gradients need: neither x nor y is kept.
    cache = (x_hat, scale * inv_std, x.dtype)
    return y.astype(x.dtype), cache


def batch_norm_backward(dy, cache):
    x_hat, gain, dtype = cache
    _refuse_gradient(dy, x_hat)
    axes = _axes(dy)
    m = dy.size // dy.shape[1]
    wide = dy.astype(np.float64)
    # β is added to every value of its channel, γ times x̂: each collects from all m of them.
    dbias = wide.sum(axis=axes)
    dweight = (wide * x_hat).sum(axis=axes)
    # dx = γ/σ · (dy − mean(dy) − x̂·mean(dy·x̂)): directly, through the mean, through the variance.
    through_mean = _per_channel(dbias, dy) / m
    through_var = x_hat * _per_channel(dweight, dy) / m
    dx = gain * (wide - through_mean - through_var)
    return dx.astype(dtype), dweight.astype(dtype), dbias.astype(dtype)


def _axes(x):
    """All axes but the channels'."""
    return (0, *range(2, x.ndim))


def _per_channel(values, x):
    """(C,) as (C, 1, ...), which broadcasts along axis 1 of x."""
    return values.reshape(-1, *(1,) * (x.ndim - 2))


def _refuse(x, weight, bias):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError(f"expected floating values, got {x.dtype}")
    if not 2 <= x.ndim <= 5:
        raise ValueError(f"expected (N, C, *spatial) with 2 to 5 axes, got {x.shape}")
    for name, values in (("weight", weight), ("bias", bias)):
        if values is not None and values.shape != x.shape[1:2]:
            raise ValueError(f"expected {name} {x.shape[1:2]}, got {values.shape}")


def _refuse_gradient(dy, x_hat):
    if not np.issubdtype(dy.dtype, np.floating):
        raise TypeError(f"expected a floating dy, got {dy.dtype}")
    if dy.shape != x_hat.shape:
        raise ValueError(f"expected dy {x_hat.shape}, got {dy.shape}")
