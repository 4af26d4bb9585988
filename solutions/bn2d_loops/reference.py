"""Three loops over the same m = N·H·W values: one for the mean, one for the variance, one to write.

The variance needs the mean first, so two passes over the data come before the third. One pass with
E[x²] - E[x]² would do, and lose everything where the mean is large. Both sums start afresh in every
channel, and a float() at the door makes each number a float64: NumPy's own float16 would stay one.
"""

import math
from itertools import product

import numpy as np


def batch_norm_2d(x, weight, bias, eps=1e-5):
    _refuse(x, weight, bias)
    n, c, h, w = x.shape
    m = n * h * w
    y = np.empty(x.shape, x.dtype)
    for k in range(c):
        total, squares = 0.0, 0.0
        for i, p, q in product(range(n), range(h), range(w)):
            total += float(x[i, k, p, q])
        mean = total / m
        for i, p, q in product(range(n), range(h), range(w)):
            squares += (float(x[i, k, p, q]) - mean) ** 2
        std = math.sqrt(squares / m + eps)
        scale = 1.0 if weight is None else float(weight[k])
        shift = 0.0 if bias is None else float(bias[k])
        for i, p, q in product(range(n), range(h), range(w)):
            y[i, k, p, q] = scale * (float(x[i, k, p, q]) - mean) / std + shift
    return y


def _refuse(x, weight, bias):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError(f"expected floating values, got {x.dtype}")
    if x.ndim != 4:
        raise ValueError(f"expected x of shape (N, C, H, W), got {x.shape}")
    for name, values in {"weight": weight, "bias": bias}.items():
        if values is not None and values.shape != x.shape[1:2]:
            raise ValueError(f"expected {name} of shape {x.shape[1:2]}, got {values.shape}")
