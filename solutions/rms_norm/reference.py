"""Of layer normalization only the scale is kept: a row is divided by its root mean square.

One reduction instead of two, and no bias. A row times a constant gives the same output, a row plus
a constant does not; on rows whose mean is 0 it equals layer normalization. Squares overflow float16
from 256 on, so the mean square is computed wide and only the result is narrow.
"""

import numpy as np


def rms_norm(x, normalized_shape, weight=None, eps=1e-6):
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    _refuse(x, shape, weight)
    # Counted from the end, the axes are the same whatever leads: (N, D), (N, T, D), (D,).
    axes = tuple(range(-len(shape), 0))
    wide = x.astype(np.float64)
    mean_square = (wide**2).mean(axis=axes, keepdims=True)
    y = wide / np.sqrt(mean_square + eps)
    # weight has the shape of the last axes, so it broadcasts as it is.
    if weight is not None:
        y = y * weight
    # Only now: a float64 weight would have widened a result that was cast before.
    return y.astype(x.dtype)


def _refuse(x, shape, weight):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError(f"expected floating values, got {x.dtype}")
    if x.shape[-len(shape) :] != shape:
        raise ValueError(f"expected an x that ends in {shape}, got {x.shape}")
    if weight is not None and np.shape(weight) != shape:
        raise ValueError(f"expected a weight of {shape}, got {np.shape(weight)}")
