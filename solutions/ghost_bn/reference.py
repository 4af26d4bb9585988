"""Each ghost batch is a batch of its own, so ghost batch norm is batch norm in a loop.

The noise of batch statistics grows as batches shrink, and it regularizes. A large batch loses it;
cut into ghost batches it has the noise of small ones, while the gradient is still that of all N
samples. Nothing but the statistics is per ghost batch: weight and bias are common to all.
"""

import numpy as np


def ghost_batch_norm(x, weight, bias, virtual_batch_size, eps=1e-5):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError(f"expected floating values, got {x.dtype}")
    if x.ndim < 2:
        raise ValueError(f"expected (N, C, *spatial), got {x.shape}")
    n, c, *spatial = x.shape
    for name, parameter in (("weight", weight), ("bias", bias)):
        if parameter is not None and np.shape(parameter) != (c,):
            raise ValueError(f"expected {name} ({c},), got {np.shape(parameter)}")
    if virtual_batch_size < 1:
        raise ValueError(f"expected a virtual_batch_size of at least 1, got {virtual_batch_size}")
    y = np.empty(x.shape)
    # Steps of virtual_batch_size, not N / virtual_batch_size equal parts: only the last is smaller.
    for start in range(0, n, virtual_batch_size):
        ghost = x[start : start + virtual_batch_size].astype(np.float64)
        axes = (0, *range(2, x.ndim))
        mean = ghost.mean(axis=axes, keepdims=True)
        var = ((ghost - mean) ** 2).mean(axis=axes, keepdims=True)
        y[start : start + virtual_batch_size] = (ghost - mean) / np.sqrt(var + eps)
    beside = (c, *(1 for _ in spatial))  # (C,) in this shape broadcasts along axis 1 of x
    scale = 1 if weight is None else weight.reshape(beside)
    shift = 0 if bias is None else bias.reshape(beside)
    return (y * scale + shift).astype(x.dtype)
