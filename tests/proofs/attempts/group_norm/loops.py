"""A loop over samples and groups, slices of channels."""

import numpy as np


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    if x.dtype.kind != "f":
        raise TypeError(f"{x.dtype} is not a floating dtype")
    if x.ndim < 2:
        raise ValueError(f"x needs N, C and perhaps more axes, got {x.shape}")
    c = x.shape[1]
    if num_groups <= 0 or c % num_groups != 0:
        raise ValueError(f"{c} channels cannot be cut into {num_groups} groups")
    for p in (weight, bias):
        if p is not None and p.shape != (c,):
            raise ValueError(f"a parameter of {p.shape} for {c} channels")
    size = c // num_groups
    out = np.zeros(x.shape, np.float64)
    for n in range(x.shape[0]):
        for g in range(num_groups):
            part = x[n, g * size : (g + 1) * size].astype(np.float64)
            centred = part - part.mean()
            out[n, g * size : (g + 1) * size] = centred / np.sqrt(centred.var() + eps)
    for channel in range(c):
        if weight is not None:
            out[:, channel] *= weight[channel]
        if bias is not None:
            out[:, channel] += bias[channel]
    return out.astype(x.dtype)
