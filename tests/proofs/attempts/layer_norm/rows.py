"""Flattened to rows, one row at a time, in plain sums."""

import math

import numpy as np


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    if x.dtype.kind != "f":
        raise TypeError(f"layer_norm takes floating values, not {x.dtype}")
    if isinstance(normalized_shape, int):
        normalized_shape = (normalized_shape,)
    k = len(normalized_shape)
    if k == 0 or x.shape[x.ndim - k :] != tuple(normalized_shape) or k > x.ndim:
        raise ValueError(f"x has the shape {x.shape}, which does not end in {normalized_shape}")
    for name, p in (("weight", weight), ("bias", bias)):
        if p is not None and p.shape != tuple(normalized_shape):
            raise ValueError(f"{name} is {p.shape}, normalized_shape {normalized_shape}")
    out = np.empty(x.shape, x.dtype)
    for place in np.ndindex(*x.shape[: x.ndim - k]):
        values = x[place].astype(np.float64).ravel()
        mean = math.fsum(values) / len(values)
        var = math.fsum((v - mean) ** 2 for v in values) / len(values)
        row = np.array([(v - mean) / math.sqrt(var + eps) for v in values])
        row = row.reshape(normalized_shape)
        row = row if weight is None else row * weight
        out[place] = row if bias is None else row + bias
    return out
