"""As a matrix of O rows, in float32 where that is wide enough."""

import numpy as np


def standardize_weight(weight, eps=1e-5):
    if not np.issubdtype(weight.dtype, np.floating):
        raise TypeError("floating weights only")
    try:
        o, i, h, w = weight.shape
    except ValueError:
        raise ValueError(f"expected (O, I, kH, kW), got {weight.shape}") from None
    work = np.promote_types(weight.dtype, np.float32)
    rows = np.array(weight, work).reshape(o, i * h * w)
    rows -= rows.mean(1, keepdims=True)
    rows /= np.sqrt(rows.var(1, keepdims=True) + work.type(eps))
    return rows.reshape(weight.shape).astype(weight.dtype)
