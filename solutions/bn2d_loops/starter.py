"""Write batch normalization of images as on a whiteboard, with loops instead of reductions.

NumPy holds the numbers; they are added up one by one.
"""

import numpy as np


def batch_norm_2d(x, weight, bias, eps=1e-5):
    """y = weight * (x - mean) / sqrt(var + eps) + bias, per channel, in training.

    x       (N, C, H, W) float16, float32 or float64. It is not modified, and may be any view.
    weight  (C,) floating, or None for ones.
    bias    (C,) floating, or None for zeros.
    eps     added to the variance, inside the square root.

    mean and var are those of the channel's m = N·H·W values; var divides by m. They are computed
    with plain Python loops: no sum, mean, var, dot or other reduction of NumPy over x or over what
    is made of it.

    Returns a new array like x, in the dtype of x; the statistics are computed in float32 or better,
    without cancellation where the mean is much larger than the spread. One value per channel is
    normalized to bias.

    Raises ValueError, naming what was expected and the shape that was given, if x has not four axes
    or weight or bias is not (C,); TypeError if x holds integers or booleans.

    Source: Ioffe and Szegedy 2015, algorithm 1 and section 3.2; torch.nn.functional.batch_norm.
    """
    raise NotImplementedError
