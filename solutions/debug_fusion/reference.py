"""In evaluation batch norm is y = t·z + (β − t·μ) with t = γ/√(σ² + ε): slope and offset.

ε is no detail of training: where a channel has hardly varied, σ² is of its size and t is off by a
factor. And what the convolution puts out passes through the whole map: its own bias is shifted by
the running mean before it is scaled.
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
    vectors = (conv_bias, running_mean, running_var, weight, bias)
    channels = _refuse(conv_weight, vectors, transposed, groups)
    b = np.zeros(channels) if conv_bias is None else conv_bias.astype(np.float64)
    gamma = np.ones(channels) if weight is None else weight.astype(np.float64)
    beta = np.zeros(channels) if bias is None else bias.astype(np.float64)
    t = gamma / np.sqrt(running_var.astype(np.float64) + eps)
    fused_bias = (b - running_mean) * t + beta
    factor = t[:, None]
    if transposed:
        factor = np.repeat(t.reshape(groups, -1), conv_weight.shape[0] // groups, axis=0)
    beside = factor.reshape(factor.shape + (1,) * (conv_weight.ndim - 2))
    fused_weight = conv_weight * beside
    return fused_weight.astype(conv_weight.dtype), fused_bias.astype(conv_weight.dtype)


def _refuse(kernel, vectors, transposed, groups):
    for array in (kernel, *vectors):
        if array is not None and not np.issubdtype(array.dtype, np.floating):
            raise TypeError(f"expected floating values, got {array.dtype}")
    if kernel.ndim not in (3, 4, 5):
        raise ValueError(f"expected a kernel of 3, 4 or 5 axes, got {kernel.shape}")
    if groups < 1 or kernel.shape[0] % groups:
        raise ValueError(f"expected groups >= 1 that divide axis 0, got {groups}, {kernel.shape}")
    channels = kernel.shape[1] * groups if transposed else kernel.shape[0]
    for vector in vectors:
        if vector is not None and vector.shape != (channels,):
            raise ValueError(f"expected vectors of shape ({channels},), got {vector.shape}")
    return channels
