"""A channel of one image is its own population: its H·W positions share one mean and one variance.

Brightness and contrast of every channel of every image are taken out, which is what style transfer
wants and a classifier may miss. It is group normalization with one channel in a group, and batch
normalization of a batch of one. Nothing depends on the batch, so nothing has to be remembered.
"""

import numpy as np


def instance_norm(x, weight=None, bias=None, eps=1e-5):
    _refuse(x, weight, bias)
    # Whatever stands after N and C is a position: L, or H and W, or D, H and W.
    positions = tuple(range(2, x.ndim))
    # float64 leaves room for every dtype's sums; x - mean cannot cancel as E[x²] - E[x]² does.
    wide = x.astype(np.float64)
    mean = wide.mean(axis=positions, keepdims=True)
    var = ((wide - mean) ** 2).mean(axis=positions, keepdims=True)
    y = (wide - mean) / np.sqrt(var + eps)
    # (C,) as (C, 1, 1), which broadcasts along axis 1 of (N, C, H, W).
    per_channel = (x.shape[1],) + (1,) * len(positions)
    if weight is not None:
        y = y * np.reshape(weight, per_channel)
    if bias is not None:
        y = y + np.reshape(bias, per_channel)
    return y.astype(x.dtype)


def _refuse(x, weight, bias):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError(f"expected floating values, got {x.dtype}")
    if x.ndim < 3:
        raise ValueError(f"expected (N, C, *spatial) with a spatial axis, got {x.shape}")
    channels = x.shape[1]
    for parameter in (weight, bias):
        if parameter is not None and np.shape(parameter) != (channels,):
            raise ValueError(f"expected weight, bias of ({channels},), got {np.shape(parameter)}")
