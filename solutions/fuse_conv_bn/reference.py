"""In evaluation batch norm multiplies each channel by a constant t = γ/√(σ² + ε) and adds another.

A convolution is linear in its kernel, so that scaling an output channel is scaling the part of
the kernel that makes it: t·(W∗x + b − μ) + β = (t·W)∗x + [t·(b − μ) + β]. The rest is bookkeeping:
which entries of the kernel make output channel c. Stride, padding and dilation play no part.
"""

import numpy as np


def fuse_conv_bn(
    conv_weight,
    conv_bias,
    running_mean,
    running_var,
    weight,
    bias,
    eps=1e-5,
    transposed=False,
    groups=1,
):
    _refuse(conv_weight, (conv_bias, running_mean, running_var, weight, bias), transposed, groups)
    mean, var = running_mean.astype(np.float64), running_var.astype(np.float64)
    b = 0.0 if conv_bias is None else conv_bias
    gamma = 1.0 if weight is None else weight
    beta = 0.0 if bias is None else bias
    t = gamma / np.sqrt(var + eps)
    # b − μ first: exact where the two are nearly equal; t·b − t·μ would be rounded twice before.
    fused_bias = (b - mean) * t + beta
    if transposed:
        # Row i, one input channel, feeds the O/groups outputs of its group and no others: the first
        # I/groups rows take the first O/groups factors, the next rows the next factors.
        rows, columns = conv_weight.shape[0] // groups, conv_weight.shape[1]
        factor = np.repeat(t.reshape(groups, columns), rows, axis=0)
    else:
        # Row c makes output channel c, whatever group it reads from.
        factor = t[:, None]
    fused_weight = conv_weight * factor.reshape(factor.shape + (1,) * (conv_weight.ndim - 2))
    return fused_weight.astype(conv_weight.dtype), fused_bias.astype(conv_weight.dtype)


def _refuse(kernel, vectors, transposed, groups):
    for array in (kernel, *vectors):
        if array is not None and not np.issubdtype(array.dtype, np.floating):
            raise TypeError(f"expected floating values, got {array.dtype}")
    if kernel.ndim not in (3, 4, 5):
        raise ValueError(f"expected a kernel of 3, 4 or 5 axes, got {kernel.shape}")
    if groups < 1:
        raise ValueError(f"expected groups of at least 1, got {groups}")
    if kernel.shape[0] % groups:
        raise ValueError(f"expected a first axis divisible by {groups} groups, got {kernel.shape}")
    channels = kernel.shape[1] * groups if transposed else kernel.shape[0]
    for vector in vectors:
        if vector is not None and vector.shape != (channels,):
            raise ValueError(f"expected vectors of shape ({channels},), got {vector.shape}")
