"""Fold batch normalization into the convolution after it, and say what to pad with.

NumPy alone. In evaluation the two layers are one affine map of the image, unless it is padded: zero
padding stands between the two.
"""

import numpy as np


def fuse_bn_conv(running_mean, running_var, bn_weight, bn_bias, conv_weight, conv_bias, eps=1e-5):
    """The convolution that does the work of batch norm followed by convolution.

    The network is z = bn_weight * (x - running_mean) / sqrt(running_var + eps) + bn_bias, per
    channel, then the convolution of z. With I channels going in and O coming out:

    running_mean        (I,).
    running_var         (I,).
    bn_weight, bn_bias  (I,), scale and shift of the batch norm; None: without that one. No element
                        of bn_weight is 0: for such a channel there is no pad_value.
    conv_weight         (O, I, *kernel); one, two or three kernel axes, one group.
    conv_bias           (O,), or None: the convolution has none.
    eps                 added to running_var, inside the square root.

    Returns (weight, bias, pad_value), new arrays in the dtype of conv_weight:
    weight, bias  kernel and bias of the fused convolution, like conv_weight and (O,).
    pad_value     (I,). Where the network pads z with zeros, the fused convolution gives the same
                  output if it pads channel i of x with pad_value[i].

    The arguments are not modified. The arithmetic is in float32 or better whatever the dtype.

    Raises ValueError, naming what was expected and what was given, if conv_weight has not 3, 4 or 5
    axes or a vector has not its shape; TypeError if an array holds integers or booleans.

    Source: Ioffe and Szegedy 2015, algorithm 2, step 11, followed by a convolution.
    """
    raise NotImplementedError
