"""One filter at a time."""

import numpy as np


def standardize_weight(weight, eps=1e-5):
    if weight.dtype.kind != "f":
        raise TypeError(f"floating kernel expected, got {weight.dtype}")
    if len(weight.shape) != 4:
        raise ValueError(f"a kernel has 4 axes, this has the shape {weight.shape}")
    out = np.empty(weight.shape, weight.dtype)
    for o, one in enumerate(weight):
        numbers = one.astype(np.longdouble)
        numbers = numbers - numbers.sum() / numbers.size
        out[o] = numbers / np.sqrt((numbers * numbers).sum() / numbers.size + eps)
    return out
