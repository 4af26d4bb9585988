"""Fold batch normalization into the convolution before it, plain, grouped or transposed.

NumPy alone. In evaluation the two layers are one affine map; write the kernel and the bias of the
single convolution that computes it.
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
    raise NotImplementedError
