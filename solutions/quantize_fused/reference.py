"""Rounding costs at most half a step, so that the step has to fit what is rounded.

What the hardware multiplies is the folded kernel t·W; its channels differ in size by their factors,
and one scale per output channel takes that out again. It can be pulled out of the sum over inputs
and taps, which is then a sum of integers; a scale per input channel could not. Symmetric means that
0 stays 0: zero padding and zero weights cost nothing.
"""

import numpy as np


def quantize_conv_bn(
    conv_weight, conv_bias, running_mean, running_var, weight, bias, eps=1e-5, bits=8
):
    _refuse(conv_weight, (conv_bias, running_mean, running_var, weight, bias), bits)
    mean, var = running_mean.astype(np.float64), running_var.astype(np.float64)
    b = 0.0 if conv_bias is None else conv_bias
    gamma = 1.0 if weight is None else weight
    beta = 0.0 if bias is None else bias
    t = gamma / np.sqrt(var + eps)
    fused_bias = (b - mean) * t + beta
    folded = conv_weight * _per_channel(t, conv_weight)
    # int8 holds one negative number more; without it -w becomes minus what w becomes.
    largest = 2 ** (bits - 1) - 1
    extent = np.abs(folded).max(axis=tuple(range(1, folded.ndim)))
    scale = np.where(extent > 0, extent / largest, 1.0)
    steps = np.rint(folded / _per_channel(scale, folded))
    int_weight = steps.astype(np.int8 if bits <= 8 else np.int16)
    return int_weight, scale.astype(conv_weight.dtype), fused_bias.astype(conv_weight.dtype)


def relu6(x):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError(f"expected floating values, got {x.dtype}")
    return np.clip(x, 0, 6)


def _per_channel(values, kernel):
    """(O,) as (O, 1, 1, 1), which broadcasts along axis 0 of (O, I, kH, kW)."""
    return values.reshape(values.shape + (1,) * (kernel.ndim - 1))


def _refuse(kernel, vectors, bits):
    for array in (kernel, *vectors):
        if array is not None and not np.issubdtype(array.dtype, np.floating):
            raise TypeError(f"expected floating values, got {array.dtype}")
    if kernel.ndim not in (3, 4, 5):
        raise ValueError(f"expected a kernel of 3, 4 or 5 axes, got {kernel.shape}")
    for vector in vectors:
        if vector is not None and vector.shape != kernel.shape[:1]:
            raise ValueError(f"expected vectors of shape {kernel.shape[:1]}, got {vector.shape}")
    if not 2 <= bits <= 16:
        raise ValueError(f"expected from 2 to 16 bits, got {bits}")
