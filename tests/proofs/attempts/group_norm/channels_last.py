"""Groups as an axis of their own, channels moved last for weight and bias, float32 inside."""

import numpy as np


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError("floating values expected")
    if len(x.shape) < 2:
        raise ValueError(f"expected (N, C, ...), got {x.shape}")
    n, c, *space = x.shape
    if num_groups < 1 or c % num_groups:
        raise ValueError(f"num_groups={num_groups} does not divide C={c}")
    for name, p in {"weight": weight, "bias": bias}.items():
        if p is not None and np.shape(p) != (c,):
            raise ValueError(f"{name} must be ({c},), not {np.shape(p)}")
    wide = x.astype(np.float32) if x.dtype == np.float16 else x
    z = wide.reshape(n, num_groups, c // num_groups, *space)
    axes = tuple(range(2, z.ndim))
    z = z - z.mean(axis=axes, keepdims=True)
    z = z * (1 / np.sqrt(np.square(z).mean(axis=axes, keepdims=True) + eps))
    y = np.moveaxis(z.reshape(x.shape), 1, -1)
    scale = 1 if weight is None else weight
    shift = 0 if bias is None else bias
    return np.array(np.moveaxis(y * scale + shift, -1, 1), dtype=x.dtype)
