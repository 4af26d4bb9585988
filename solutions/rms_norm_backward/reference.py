"""Layer norm's gradient without the term of the mean, for nothing was centred.

x reaches the loss directly and through the mean square: dx = 1/rms · (dx̂ − x̂·mean(dx̂·x̂)) with
dx̂ = γ·dy. What is taken away is the part along x̂ itself, since stretching x changes nothing in y;
shifting x does, so the mean of dx is not 0. γ varies along the averaged axis and stays inside.
"""

import numpy as np


def rms_norm_forward(x, weight, eps=1e-6):
    _refuse(x, weight)
    # float64 leaves room: the square of 256 is beyond the largest float16.
    wide = x.astype(np.float64)
    inv_rms = 1 / np.sqrt((wide**2).mean(axis=-1, keepdims=True) + eps)
    x_hat = wide * inv_rms
    scale = 1.0 if weight is None else weight.astype(np.float64)
    y = scale * x_hat
    cache = (x_hat, scale, inv_rms, x.dtype)
    return y.astype(x.dtype), cache


def rms_norm_backward(dy, cache):
    x_hat, scale, inv_rms, dtype = cache
    _refuse_gradient(dy, x_hat)
    wide = dy.astype(np.float64)
    # A feature's γ acts in every vector, however many axes they are arranged in.
    rows = tuple(range(dy.ndim - 1))
    dweight = (wide * x_hat).sum(axis=rows)
    dx_hat = scale * wide
    # ∂rms/∂x = x/(D·rms) = x̂/D, the 2 of the square and the 1/2 of the root having cancelled.
    through_rms = x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)
    dx = inv_rms * (dx_hat - through_rms)
    return dx.astype(dtype), dweight.astype(dtype)


def _refuse(x, weight):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError(f"expected floating values, got {x.dtype}")
    if x.ndim == 0:
        raise ValueError(f"expected x (..., D) with 1 axis or more, got {x.shape}")
    if weight is not None and weight.shape != x.shape[-1:]:
        raise ValueError(f"expected weight {x.shape[-1:]}, got {weight.shape}")


def _refuse_gradient(dy, x_hat):
    if not np.issubdtype(dy.dtype, np.floating):
        raise TypeError(f"expected a floating dy, got {dy.dtype}")
    if dy.shape != x_hat.shape:
        raise ValueError(f"expected dy {x_hat.shape}, got {dy.shape}")
