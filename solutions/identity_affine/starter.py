"""Write the weight and the bias with which batch normalization gives a batch back unchanged.

NumPy alone. The layer is in training: it normalizes x with the mean and the biased variance of x.
"""

import numpy as np


def identity_parameters(x, eps=1e-5):
    """weight and bias such that weight * (x - mean) / sqrt(var + eps) + bias is x itself.

    x    (N, C, *spatial) with any number of spatial axes, float16, float32 or float64. It is not
         modified, and may be any view. One value per channel is allowed.
    eps  what the layer adds to the variance, inside the square root.

    Returns (weight, bias), each a new array (C,) in the dtype of x, computed in float32 or better
    and without cancellation where the mean is much larger than the spread.

    Raises ValueError, naming what was expected and the shape that was given, if x has less than two
    axes; TypeError if x holds integers or booleans.

    Source: Ioffe and Szegedy 2015, section 3: sqrt(Var[x]) and E[x], there without eps.
    """
    raise NotImplementedError
