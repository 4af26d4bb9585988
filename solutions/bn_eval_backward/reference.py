"""With constant statistics batch norm is one straight line per channel, y = a·x + b.

Its slope a = γ/√(σ² + ε) is all of dx: no mean of dy is taken away, because moving x moves neither
μ nor σ². So a sample's gradient ignores its neighbours, and one sample is enough. γ and β still
learn: dγ sums dy times what γ multiplied, which is x normalized with the constants.
"""

import numpy as np


def batch_norm_eval_backward(dy, x, weight, running_mean, running_var, eps=1e-5):
    _refuse(dy, x, weight=weight, running_mean=running_mean, running_var=running_var)
    axes = (0, *range(2, x.ndim))
    # float64 holds running_var where float16 would overflow, and keeps counting in long sums.
    grad, wide = dy.astype(np.float64), x.astype(np.float64)
    inv_std = 1 / np.sqrt(_per_channel(running_var, x) + eps)
    x_hat = (wide - _per_channel(running_mean, x)) * inv_std
    dbias = grad.sum(axis=axes)
    dweight = (grad * x_hat).sum(axis=axes)
    slope = inv_std if weight is None else _per_channel(weight, x) * inv_std
    dx = slope * grad
    return dx.astype(x.dtype), dweight.astype(x.dtype), dbias.astype(x.dtype)


def _per_channel(values, x):
    """(C,) as (C, 1, ...) in float64, which broadcasts along axis 1 of x."""
    return values.reshape(-1, *(1,) * (x.ndim - 2)).astype(np.float64)


def _refuse(dy, x, **of_channels):
    for name, values in (("dy", dy), ("x", x)):
        if not np.issubdtype(values.dtype, np.floating):
            raise TypeError(f"expected floating values in {name}, got {values.dtype}")
    if not 2 <= x.ndim <= 5:
        raise ValueError(f"expected (N, C, *spatial) with 2 to 5 axes, got {x.shape}")
    if dy.shape != x.shape:
        raise ValueError(f"expected dy {x.shape}, got {dy.shape}")
    for name, values in of_channels.items():
        if values is not None and values.shape != x.shape[1:2]:
            raise ValueError(f"expected {name} {x.shape[1:2]}, got {values.shape}")
