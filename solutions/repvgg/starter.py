"""Fold the three branches of a RepVGG block into one 3x3 convolution.

NumPy alone. A branch is a convolution with a batch norm behind it, or a batch norm alone; their
outputs are added. In evaluation the block is one convolution.
"""

import numpy as np


def reparameterize(conv3, bn3, conv1, bn1, bn_identity=None, eps=1e-5):
    """The kernel and the bias of the one 3x3 convolution that does the work of the block.

    The block is y = bn3(conv3 * x) + bn1(conv1 * x) + bn_identity(x), with x padded by one pixel of
    zeros for conv3 and not padded for conv1; all three have stride 1 and no bias of their own.

    conv3        (O, I, 3, 3), kernel of the first branch.
    conv1        (O, I, 1, 1), kernel of the second branch.
    bn3, bn1     tuples (running_mean, running_var, weight, bias), each (O,).
    bn_identity  the same for the third branch, which needs I = O; None: there is no third branch.
    eps          of all three batch norms, added to running_var inside the square root.

    Returns (kernel, bias): new arrays of shape (O, I, 3, 3) and (O,), both in the dtype of conv3,
    for a convolution of x padded by one pixel of zeros. The arguments are not modified. The
    arithmetic is in float32 or better whatever the dtype.

    Raises ValueError, naming what was expected and the shape that was given, if conv3 or conv1 has
    not its shape, if a vector has not the shape (O,), or if bn_identity is given and O is not I;
    TypeError if an array holds integers or booleans.

    Source: Ding et al. 2021, RepVGG, section 3.3.
    """
    raise NotImplementedError
