"""Every norm is group norm: cut the channels into groups, then choose whether samples share, too.

As (N, G, C/G, pixels) all four are a mean over axes. One group is a layer, C groups are instances,
and instances that share over the samples are a batch. Only the last lets one sample's output depend
on another's, which is why only batch norm behaves differently in training and evaluation.
"""

import numpy as np


def normalize(x, kind, groups=1, eps=1e-5):
    _refuse(x, kind, groups)
    n, c = x.shape[:2]
    # kind: how many groups of channels, and over which axes of (N, G, C/G, pixels) the mean goes.
    parts, axes = {
        "batch": (c, (0, 2, 3)),
        "layer": (1, (2, 3)),
        "instance": (c, (2, 3)),
        "group": (groups, (2, 3)),
    }[kind]
    wide = x.astype(np.float64).reshape(n, parts, c // parts, x[0, 0].size)
    mean = wide.mean(axis=axes, keepdims=True)
    var = ((wide - mean) ** 2).mean(axis=axes, keepdims=True)
    y = (wide - mean) / np.sqrt(var + eps)
    return y.reshape(x.shape).astype(x.dtype)


def _refuse(x, kind, groups):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError(f"expected floating values, got {x.dtype}")
    if x.ndim < 3:
        raise ValueError(f"expected (N, C, *spatial), got {x.shape}")
    if kind not in ("batch", "layer", "instance", "group"):
        raise ValueError(f"expected kind 'batch', 'layer', 'instance' or 'group', got {kind!r}")
    if kind == "group" and (groups < 1 or x.shape[1] % groups):
        raise ValueError(f"expected groups that divide C = {x.shape[1]}, got {groups}")
