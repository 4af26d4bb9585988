"""float32 by the dtype arguments of NumPy."""

import numpy as np


def batch_norm_half(x, weight, bias, eps=1e-5):
    if x.dtype != np.float16:
        raise TypeError("half only")
    if x.ndim < 2:
        raise ValueError(f"two axes at least, got {x.shape}")
    C = x.shape[1]
    for p in (weight, bias):
        if p is not None and p.shape != (C,):
            raise ValueError(f"({C},) wanted, got {p.shape}")
    ax = tuple(i for i in range(x.ndim) if i != 1)
    sh = [1] * x.ndim
    sh[1] = C
    mu = x.mean(axis=ax, dtype=np.float32, keepdims=True)
    d = np.subtract(x, mu, dtype=np.float32)
    y = d / np.sqrt(np.einsum("...,...->...", d, d).mean(axis=ax, keepdims=True) + np.float32(eps))
    if weight is not None:
        y *= weight.reshape(sh)
    if bias is not None:
        y += bias.reshape(sh)
    return y.astype("f2")
