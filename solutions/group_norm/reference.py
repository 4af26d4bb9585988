"""Between all channels and each channel alone there is a number of channels that belong together.

With one group the statistics are layer normalization's over (C, *spatial), with C groups they are
instance normalization's. No mean crosses samples, so the batch may be as small as memory wants it.
The groups are only there for the statistics: weight and bias still tell all C channels apart.
"""

import numpy as np


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    _refuse(x, num_groups, weight, bias)
    # Channels of a group follow one another, so each group of a sample is one row of numbers.
    # float64 leaves room for every dtype's sums; x - mean cannot cancel as E[x²] - E[x]² does.
    wide = x.astype(np.float64).reshape(x.shape[0], num_groups, -1)
    mean = wide.mean(axis=2, keepdims=True)
    var = ((wide - mean) ** 2).mean(axis=2, keepdims=True)
    y = ((wide - mean) / np.sqrt(var + eps)).reshape(x.shape)
    # (C,) as (C, 1, 1), which broadcasts along axis 1 of (N, C, H, W).
    per_channel = (x.shape[1],) + (1,) * (x.ndim - 2)
    if weight is not None:
        y = y * np.reshape(weight, per_channel)
    if bias is not None:
        y = y + np.reshape(bias, per_channel)
    return y.astype(x.dtype)


def _refuse(x, num_groups, weight, bias):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError(f"expected floating values, got {x.dtype}")
    if x.ndim < 2:
        raise ValueError(f"expected (N, C, *spatial), got {x.shape}")
    channels = x.shape[1]
    if num_groups < 1 or channels % num_groups:
        raise ValueError(f"expected a num_groups that divides {channels}, got {num_groups}")
    for parameter in (weight, bias):
        if parameter is not None and np.shape(parameter) != (channels,):
            raise ValueError(f"expected weight, bias of ({channels},), got {np.shape(parameter)}")
