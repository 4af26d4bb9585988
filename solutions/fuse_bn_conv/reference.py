"""Batch norm before a convolution scales what goes in, z = t·x + s with s = β − t·μ.

So t scales the kernel along the input channels, and s, constant over the image, adds the same
number wherever the kernel sees no padding: the sum of s times the kernel over inputs and taps.
Padding comes after batch norm and puts z = 0 there: the image of x = μ − β/t, not that of x = 0.
"""

import numpy as np


def fuse_bn_conv(running_mean, running_var, bn_weight, bn_bias, conv_weight, conv_bias, eps=1e-5):
    _refuse(conv_weight, (running_mean, running_var, bn_weight, bn_bias), conv_bias)
    mean, var = running_mean.astype(np.float64), running_var.astype(np.float64)
    gamma = 1.0 if bn_weight is None else bn_weight
    beta = 0.0 if bn_bias is None else bn_bias
    b = 0.0 if conv_bias is None else conv_bias
    t = gamma / np.sqrt(var + eps)
    s = beta - mean * t
    weight = conv_weight * _per_input(t, conv_weight)
    # The original kernel: s has been scaled already.
    shifted = conv_weight * _per_input(s, conv_weight)
    bias = b + shifted.sum(axis=tuple(range(1, conv_weight.ndim)))
    # t·(p − μ) + β = 0
    pad_value = mean - beta / t
    return tuple(result.astype(conv_weight.dtype) for result in (weight, bias, pad_value))


def _per_input(values, kernel):
    """(I,) as (I, 1, 1), which broadcasts along axis 1 of (O, I, kH, kW)."""
    return values.reshape(values.shape + (1,) * (kernel.ndim - 2))


def _refuse(kernel, statistics, conv_bias):
    for array in (kernel, *statistics, conv_bias):
        if array is not None and not np.issubdtype(array.dtype, np.floating):
            raise TypeError(f"expected floating values, got {array.dtype}")
    if kernel.ndim not in (3, 4, 5):
        raise ValueError(f"expected a kernel of 3, 4 or 5 axes, got {kernel.shape}")
    outputs, inputs = kernel.shape[:2]
    for vector, size in [(conv_bias, outputs), *((each, inputs) for each in statistics)]:
        if vector is not None and vector.shape != (size,):
            raise ValueError(f"expected a vector of shape ({size},), got {vector.shape}")
