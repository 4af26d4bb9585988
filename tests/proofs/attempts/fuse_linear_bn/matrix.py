"""Multiplied by a diagonal matrix, in float32 or what the vectors are wider than that."""

import numpy as np


def fuse_linear_bn(weight, bias, running_mean, running_var, bn_weight, bn_bias, eps=1e-5):
    vectors = (bias, running_mean, running_var, bn_weight, bn_bias)
    given = [a for a in (weight, *vectors) if a is not None]
    if not all(np.issubdtype(a.dtype, np.floating) for a in given):
        raise TypeError(f"floating only: {[a.dtype.name for a in given]}")
    if weight.ndim != 2:
        raise ValueError(f"weight should be (O, I), is {weight.shape}")
    O = weight.shape[0]
    if any(a.shape != (O,) for a in given[1:]):
        raise ValueError(f"expected ({O},), got {[a.shape for a in given[1:]]}")
    work = np.result_type(np.float32, *(a.dtype for a in given))
    b, mean, var, gamma, beta = (
        np.full(O, default, work) if a is None else a.astype(work)
        for a, default in zip(vectors, (0, 0, 1, 1, 0))
    )
    std = np.sqrt(var + work.type(eps))
    matrix = np.diag(gamma / std) @ weight
    shift = gamma * (b - mean) / std + beta
    return matrix.astype(weight.dtype), shift.astype(weight.dtype)
