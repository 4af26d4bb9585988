"""Without the limits r and d cancel the batch's statistics altogether.

(x − μ_B)/σ_B · σ_B/σ + (μ_B − μ)/σ = (x − μ)/σ: training computes what evaluation will. Were r and
d not constants for the gradient, it would be that of frozen statistics, which does nothing to keep
the weights from growing. The limits start at batch norm, r = 1 and d = 0, and are opened once the
running statistics can be trusted.
"""

import numpy as np


def batch_renorm(x, weight, bias, running_mean, running_std, r_max, d_max, eps=1e-5):
    _refuse(x, weight, bias, running_mean, running_std, r_max, d_max)
    # Channels last: (C,) broadcasts by itself.
    wide = np.moveaxis(x, 1, -1).astype(np.float64)
    axes = tuple(range(wide.ndim - 1))
    mean = wide.mean(axis=axes)
    std = np.sqrt(((wide - mean) ** 2).mean(axis=axes) + eps)
    r = np.clip(std / running_std, 1 / r_max, r_max)
    d = np.clip((mean - running_mean) / running_std, -d_max, d_max)
    y = (wide - mean) / std * r + d
    if weight is not None:
        y = y * weight
    if bias is not None:
        y = y + bias
    return np.moveaxis(y, -1, 1).astype(x.dtype)


def _refuse(x, weight, bias, running_mean, running_std, r_max, d_max):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError(f"expected floating values, got {x.dtype}")
    if x.ndim < 2:
        raise ValueError(f"expected (N, C, *spatial), got {x.shape}")
    given = {"weight": weight, "bias": bias, "running_mean": running_mean}
    for name, values in {**given, "running_std": running_std}.items():
        if values is not None and np.shape(values) != x.shape[1:2]:
            raise ValueError(f"expected {name} {x.shape[1:2]}, got {np.shape(values)}")
    if np.min(running_std) <= 0:
        raise ValueError(f"expected every running_std above 0, got {np.min(running_std)}")
    if r_max < 1 or d_max < 0:
        raise ValueError(
            f"expected r_max of at least 1 and d_max of at least 0, got {r_max}, {d_max}"
        )
