"""Fold batch normalization into the linear layer before it.

NumPy alone. In evaluation the two layers are one affine map; write the weight and the bias of the
single linear layer that computes it.
"""

import numpy as np


def fuse_linear_bn(weight, bias, running_mean, running_var, bn_weight, bn_bias, eps=1e-5):
    """The weight and the bias of the linear layer that does the work of both layers.

    The network is y = bn_weight * (z - running_mean) / sqrt(running_var + eps) + bn_bias, per
    feature, with z = x weightᵀ + bias. With I features going in and O coming out:

    weight              (O, I), as torch.nn.Linear keeps it.
    bias                (O,), or None: the linear layer has none.
    running_mean        (O,).
    running_var         (O,).
    bn_weight, bn_bias  (O,), scale and shift of the batch norm; None: without that one.
    eps                 added to running_var, inside the square root.

    Returns (weight, bias): new arrays of shape (O, I) and (O,), both in the dtype of weight. The
    arguments are not modified. The arithmetic is in float32 or better whatever the dtype, and a
    running_mean that nearly equals a large bias costs no digits.

    Raises ValueError, naming what was expected and what was given, if weight has not two axes or a
    vector has not the shape (O,); TypeError if an array holds integers or booleans.

    Source: Ioffe and Szegedy 2015, algorithm 2, step 11; torch.nn.utils.fuse_linear_bn_eval.
    """
    raise NotImplementedError
