"""Fold batch normalization into a convolution and round the kernel to integers, and write ReLU6.

NumPy alone. The kernel of every output channel becomes integers times one scale of its own; 0 stays
0, and the largest absolute weight becomes the largest integer.
"""

import numpy as np


def quantize_conv_bn(
    conv_weight, conv_bias, running_mean, running_var, weight, bias, eps=1e-5, bits=8
):
    """The integer kernel, its scales and the bias of convolution and batch norm together.

    The two layers are first folded into one, as in fuse_conv_bn; its kernel is then quantized
    symmetrically, per output channel: kernel ≈ scale * int_weight.

    conv_weight   (O, I / groups, *kernel); one, two or three kernel axes.
    conv_bias     (O,), or None: the convolution has none.
    running_mean  (O,).
    running_var   (O,).
    weight, bias  (O,), scale and shift of the batch norm; None: without that one.
    eps           added to running_var, inside the square root.
    bits          from 2 to 16, of an integer.

    Returns (int_weight, scale, fused_bias), new arrays:
    int_weight  like conv_weight, int8 up to 8 bits and int16 above, from -(2**(bits - 1) - 1) to
                2**(bits - 1) - 1: the folded kernel divided by scale and rounded to the nearest
                integer, halves to the even one.
    scale       (O,) positive: the largest absolute weight of the folded channel divided by
                2**(bits - 1) - 1, or 1 for a channel that has only zeros.
    fused_bias  (O,), not quantized.
    scale and fused_bias have the dtype of conv_weight. The arguments are not modified. The
    arithmetic is in float32 or better whatever the dtype, and a running_mean that nearly equals a
    large conv_bias costs no digits.

    Raises ValueError, naming what was expected and what was given, if conv_weight has not 3, 4 or 5
    axes, if a vector has not the shape (O,), or if bits is out of range; TypeError if an array
    holds integers or booleans.

    Source: Krishnamoorthi 2018, Quantizing deep convolutional networks, sections 2.2 and 3.1;
    torch.fake_quantize_per_channel_affine.
    """
    raise NotImplementedError


def relu6(x):
    """min(max(x, 0), 6), element by element.

    x  any shape, floating. It is not modified.

    Returns a new array like x. Raises TypeError if x holds integers or booleans.

    Source: Krizhevsky 2010, Convolutional deep belief networks on CIFAR-10; torch.nn.ReLU6.
    """
    raise NotImplementedError
