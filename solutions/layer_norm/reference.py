"""A sample is its own population: the values of its last axes share one mean and one variance.

Nothing is shared between samples, so training and evaluation are the same computation, a batch of
one is no special case, and nothing has to be remembered. weight and bias belong to the elements,
not to channels: they have the shape of what was averaged over.
"""

import numpy as np


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    _refuse(x, shape, weight, bias)
    # Counted from the end, the axes are the same whatever leads: (N, D), (N, T, D), (D,).
    axes = tuple(range(-len(shape), 0))
    # float64 leaves room for every dtype's sums; x - mean cannot cancel as E[x²] - E[x]² does.
    wide = x.astype(np.float64)
    mean = wide.mean(axis=axes, keepdims=True)
    var = ((wide - mean) ** 2).mean(axis=axes, keepdims=True)
    y = (wide - mean) / np.sqrt(var + eps)
    # weight and bias have the shape of the last axes, so they broadcast as they are.
    if weight is not None:
        y = y * weight
    if bias is not None:
        y = y + bias
    return y.astype(x.dtype)


def _refuse(x, shape, weight, bias):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError(f"expected floating values, got {x.dtype}")
    if x.shape[-len(shape) :] != shape:
        raise ValueError(f"expected an x that ends in {shape}, got {x.shape}")
    for parameter in (weight, bias):
        if parameter is not None and np.shape(parameter) != shape:
            raise ValueError(f"expected weight and bias of {shape}, got {np.shape(parameter)}")
