"""Mend the folding of batch norm into a convolution: the fused network answers otherwise.

NumPy alone. There are two defects; the docstrings are right, and so is whatever has nothing to do
with them.
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
    """The kernel and the bias of the convolution that does the work of convolution and batch norm.

    The network is y = weight * (z - running_mean) / sqrt(running_var + eps) + bias, per channel,
    with z the output of the convolution. With I channels going in and O coming out:

    conv_weight   (O, I / groups, *kernel), or (I, O / groups, *kernel) if transposed; one, two or
                  three kernel axes.
    conv_bias     (O,), or None: the convolution has none.
    running_mean  (O,).
    running_var   (O,).
    weight, bias  (O,), scale and shift of the batch norm; None: without that one.
    eps           added to running_var, inside the square root.
    transposed    whether the kernel belongs to a transposed convolution.
    groups        number of groups of the convolution. Output channel c belongs to group
                  c // (O / groups), and so for input channels.

    Returns (fused_weight, fused_bias): new arrays, like conv_weight and (O,), both in the dtype of
    conv_weight. The arguments are not modified. The arithmetic is in float32 or better whatever
    the dtype, and a running_mean that nearly equals a large conv_bias costs no digits.

    Raises ValueError, naming what was expected and what was given, if conv_weight has not 3, 4 or 5
    axes, if a vector has not the shape (O,), if groups is less than 1 or does not divide the first
    axis of conv_weight; TypeError if an array holds integers or booleans.

    Source: Ioffe and Szegedy 2015, section 3.1 and algorithm 2, step 11;
    torch.nn.utils.fuse_conv_bn_eval.
    """
    vectors = (conv_bias, running_mean, running_var, weight, bias)
    channels = _refuse(conv_weight, vectors, transposed, groups)
    b = np.zeros(channels) if conv_bias is None else conv_bias.astype(np.float64)
    gamma = np.ones(channels) if weight is None else weight.astype(np.float64)
    beta = np.zeros(channels) if bias is None else bias.astype(np.float64)
    t = gamma / np.sqrt(running_var.astype(np.float64))
    fused_bias = b * t + beta
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
