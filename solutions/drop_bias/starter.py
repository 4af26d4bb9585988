"""Take the bias away from a convolution in front of a batch norm without changing the network.

NumPy alone. In training a batch norm takes away whatever constant is added to its input, so that
such a bias has no effect and a gradient of zero. In evaluation it does have an effect.
"""

import numpy as np


def drop_bias(conv_bias, running_mean):
    """The running mean with which the layer without bias gives the same output in evaluation.

    conv_bias     (C,) bias of a convolution or linear layer.
    running_mean  (C,) of the batch norm behind it.

    The network was z + conv_bias, then batch norm in evaluation, where z is the output of the
    convolution without its bias. It becomes z, then the same batch norm with another running_mean.

    Returns that running_mean: a new array (C,) in the dtype of running_mean. The arguments are not
    modified. The arithmetic is in float32 or better and not narrower than either argument.

    Raises ValueError, naming both shapes, unless both arguments have one axis and the same length;
    TypeError if one of them holds integers or booleans.

    Source: Ioffe and Szegedy 2015, section 3.2: the bias can be ignored, since its effect is
    canceled by the subtraction of the mean.
    """
    raise NotImplementedError
