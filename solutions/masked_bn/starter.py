"""Write batch normalization of sequences of different lengths, which are padded to one.

NumPy alone. What stands in the padding must not show, in the statistics or in the output.
"""

import numpy as np


def masked_batch_norm(x, mask, weight, bias, eps=1e-5):
    """y = weight * (x - mean) / sqrt(var + eps) + bias at the valid positions, 0 at the others.

    x       (N, C, L) float16, float32 or float64. It is not modified, and may be any view. Where a
            position is not valid there may stand anything, NaN and infinity too.
    mask    (N, L) boolean, True where a position is valid; all C channels of it are then.
    weight  (C,) floating, or None for ones.
    bias    (C,) floating, or None for zeros.
    eps     added to the variance, inside the square root.

    mean and var are those of a channel's values at the valid positions of all sequences together;
    var divides by their number. Where there is one valid position its output is bias; where there
    is none the output is 0 everywhere.

    Returns a new array like x, in the dtype of x; the statistics are computed in float32 or better,
    without cancellation where the mean is much larger than the spread.

    Raises ValueError, naming the expected and the given shape, if x has not three axes, mask is not
    (N, L), or weight or bias is not (C,); TypeError if x holds integers or booleans, or mask
    anything but booleans.

    Source: Ioffe and Szegedy 2015, algorithm 1, over the valid positions.
    """
    raise NotImplementedError
