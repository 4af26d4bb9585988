"""Three kinds of normalization differ in the set of values that are averaged, and in nothing else.

So their statistics can be mixed before a single normalization. A softmax keeps each mixture an
average: the shares are positive and add up to 1. Mean and variance have shares of their own, six
numbers that are learned with the rest. With a batch of one, instance and batch are the same thing.
"""

import numpy as np


def switchable_norm(x, mean_logits, var_logits, weight, bias, eps=1e-5):
    _refuse(x, mean_logits, var_logits, weight, bias)
    # Axes of (N, C, positions) that are averaged over: instance, layer, batch.
    scopes = [(2,), (1, 2), (0, 2)]
    wide = x.astype(np.float64).reshape(*x.shape[:2], -1)
    of_mean, of_var = _softmax(mean_logits), _softmax(var_logits)
    mean, var = 0, 0
    for kind, axes in enumerate(scopes):
        own_mean = wide.mean(axis=axes, keepdims=True)
        mean = mean + of_mean[kind] * own_mean
        # Each variance is measured from the mean of its own kind, not from the mixture.
        var = var + of_var[kind] * ((wide - own_mean) ** 2).mean(axis=axes, keepdims=True)
    y = (wide - mean) / np.sqrt(var + eps)
    per_channel = (x.shape[1], 1)
    if weight is not None:
        y = y * np.reshape(weight, per_channel)
    if bias is not None:
        y = y + np.reshape(bias, per_channel)
    return y.reshape(x.shape).astype(x.dtype)


def _softmax(logits):
    # exp of the largest is exp(0), so nothing overflows; the common factor cancels.
    powers = np.exp(logits - np.max(logits))
    return powers / powers.sum()


def _refuse(x, mean_logits, var_logits, weight, bias):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError(f"expected floating values, got {x.dtype}")
    if x.ndim < 2:
        raise ValueError(f"expected (N, C, *spatial), got {x.shape}")
    for logits in (mean_logits, var_logits):
        if np.shape(logits) != (3,):
            raise ValueError(f"expected logits of (3,), got {np.shape(logits)}")
    channels = x.shape[1]
    for parameter in (weight, bias):
        if parameter is not None and np.shape(parameter) != (channels,):
            raise ValueError(f"expected weight, bias of ({channels},), got {np.shape(parameter)}")
