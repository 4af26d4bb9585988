"""A gradient for m = N and constant statistics is wrong for images, and for training.

Every value of a channel moves the channel's mean and its variance, and through them the outputs of
all others: two terms that are missing where mean and var are taken for constants. Both are averages
over the m = N·H·W values of the channel, which is N only where there are no pixels.
"""

import numpy as np


def batch_norm_forward(x, weight, bias, eps=1e-5):
    _refuse(x, weight, bias)
    axes = (0, *range(2, x.ndim))
    wide = x.astype(np.float64)
    mean = wide.mean(axis=axes, keepdims=True)
    var = ((wide - mean) ** 2).mean(axis=axes, keepdims=True)
    std = np.sqrt(var + eps)
    x_hat = (wide - mean) / std
    scale = np.ones(mean.shape) if weight is None else weight.reshape(mean.shape)
    shift = np.zeros(mean.shape) if bias is None else bias.reshape(mean.shape)
    y = scale * x_hat + shift
    return y.astype(x.dtype), (x_hat, scale / std, x.dtype)


def batch_norm_backward(dy, cache):
    x_hat, slope, dtype = cache
    if not np.issubdtype(dy.dtype, np.floating):
        raise TypeError(f"expected a floating dy, got {dy.dtype}")
    if dy.shape != x_hat.shape:
        raise ValueError(f"expected dy {x_hat.shape}, got {dy.shape}")
    axes = (0, *range(2, dy.ndim))
    wide = dy.astype(np.float64)
    dbias = wide.sum(axis=axes, keepdims=True)
    dweight = (wide * x_hat).sum(axis=axes, keepdims=True)
    m = dy.size // dbias.size
    dx = slope * (wide - (dbias + x_hat * dweight) / m)
    return dx.astype(dtype), dweight.ravel().astype(dtype), dbias.ravel().astype(dtype)


def _refuse(x, weight, bias):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError(f"expected floating values, got {x.dtype}")
    if not 2 <= x.ndim <= 5:
        raise ValueError(f"expected (N, C, *spatial) with 2 to 5 axes, got {x.shape}")
    for name, values in (("weight", weight), ("bias", bias)):
        if values is not None and values.shape != x.shape[1:2]:
            raise ValueError(f"expected {name} {x.shape[1:2]}, got {values.shape}")
