"""Flattened positions and einsum, float32 for what is narrower."""

import numpy as np


def instance_norm(x, weight=None, bias=None, eps=1e-5):
    _check(x, weight, bias)
    work = np.result_type(x.dtype, np.float32)
    flat = np.ascontiguousarray(x, dtype=work).reshape(x.shape[0], x.shape[1], -1)
    m = flat.shape[2]
    flat = flat - np.einsum("ncp->nc", flat)[:, :, None] / m
    inv = 1 / np.sqrt(np.einsum("ncp,ncp->nc", flat, flat) / m + eps)
    if weight is not None:
        inv = inv * weight
    y = np.einsum("ncp,nc->ncp", flat, inv)
    if bias is not None:
        y = y + bias[:, None]
    return y.reshape(x.shape).astype(x.dtype)


def _check(x, weight, bias):
    if not issubclass(x.dtype.type, np.floating):
        raise TypeError(f"{x.dtype} has no fractions")
    if x.ndim < 3:
        raise ValueError(f"no spatial axis in {x.shape}")
    if weight is not None and weight.shape != x.shape[1:2]:
        raise ValueError(f"weight {weight.shape}, channels {x.shape[1]}")
    if bias is not None and bias.shape != x.shape[1:2]:
        raise ValueError(f"bias {bias.shape}, channels {x.shape[1]}")
