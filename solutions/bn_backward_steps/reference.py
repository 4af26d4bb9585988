"""Every quantity collects the loss from all places it is used in, times the derivative there.

Walking back from y: weight and bias act in m rows each, so their gradients are sums. Each x̂ is used
once, the variance in m of them, the mean in the same and in the variance, where its share is
Σ(x − μ) = 0. Each x, last, is used three times: in its own x̂, in the mean and in the variance.
"""

import numpy as np


def batch_norm_backward_steps(dy, x, weight, eps=1e-5):
    _refuse(dy, x, weight)
    m = x.shape[0]
    # float64 leaves room for every dtype's sums; x - mean cannot cancel as E[x²] - E[x]² does.
    wide, grad = x.astype(np.float64), dy.astype(np.float64)
    centred = wide - wide.mean(axis=0)
    var = (centred**2).mean(axis=0)
    inv_std = 1 / np.sqrt(var + eps)
    x_hat = centred * inv_std
    # y = γ·x̂ + β in every row.
    dbias = grad.sum(axis=0)
    dweight = (grad * x_hat).sum(axis=0)
    dx_hat = grad if weight is None else grad * weight
    # x̂ = (x − μ)·(σ² + ε)^(−1/2), and the power's derivative is −1/2·(σ² + ε)^(−3/2).
    dvar = -0.5 * (dx_hat * centred).sum(axis=0) * inv_std**3
    # The way from μ through σ² adds dσ²·(−2/m)·Σ(x − μ), which is 0.
    dmean = -(dx_hat * inv_std).sum(axis=0)
    # ∂σ²/∂x = 2·(x − μ)/m, again because Σ(x − μ) = 0; ∂μ/∂x = 1/m.
    dx = dx_hat * inv_std + dvar * 2 * centred / m + dmean / m
    steps = {"dx_hat": dx_hat, "dvar": dvar, "dmean": dmean, "dx": dx}
    steps |= {"dweight": dweight, "dbias": dbias}
    return {name: step.astype(x.dtype) for name, step in steps.items()}


def _refuse(dy, x, weight):
    for name, values in (("dy", dy), ("x", x)):
        if not np.issubdtype(values.dtype, np.floating):
            raise TypeError(f"expected floating values in {name}, got {values.dtype}")
    if x.ndim != 2:
        raise ValueError(f"expected x (N, D) with 2 axes, got {x.shape}")
    if dy.shape != x.shape:
        raise ValueError(f"expected dy {x.shape}, got {dy.shape}")
    if weight is not None and weight.shape != x.shape[1:]:
        raise ValueError(f"expected weight {x.shape[1:]}, got {weight.shape}")
