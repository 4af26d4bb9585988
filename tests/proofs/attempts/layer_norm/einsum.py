"""As a matrix, with einsum, in float32 where that is wide enough."""

import numpy as np


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    shape = np.atleast_1d(np.array(normalized_shape, dtype=int))
    shape = tuple(int(size) for size in shape)
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError(f"dtype {x.dtype} is not floating")
    if len(shape) < 1 or x.shape[-len(shape) :] != shape:
        raise ValueError(f"normalized_shape {shape} is not the end of {x.shape}")
    if weight is not None and weight.shape != shape:
        raise ValueError(f"weight: expected {shape}, got {weight.shape}")
    if bias is not None and bias.shape != shape:
        raise ValueError(f"bias: expected {shape}, got {bias.shape}")
    work = np.promote_types(x.dtype, np.float32)
    d = int(np.prod(shape))
    rows = np.array(x, dtype=work).reshape(-1, d)
    rows -= np.einsum("nd->n", rows)[:, None] / work.type(d)
    var = np.einsum("nd,nd->n", rows, rows) / work.type(d)
    rows /= np.sqrt(var + work.type(eps))[:, None]
    if weight is not None:
        rows *= weight.reshape(-1)
    if bias is not None:
        rows += bias.reshape(-1)
    return rows.reshape(x.shape).astype(x.dtype)
