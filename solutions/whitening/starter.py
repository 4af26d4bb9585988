"""Write whitening, and beside it the standardization that batch normalization does instead.

NumPy alone, numpy.linalg included. Both give every feature mean 0 and variance 1; only one of them
removes what the features have in common.
"""

import numpy as np


def zca_whiten(x, eps=1e-5):
    """(x - mean) (cov + eps I)^(-1/2), with the symmetric inverse square root.

    x    (N, D) float16, float32 or float64: N samples of D features. It is not modified, and may be
         any view. D may exceed N.
    eps  added to every eigenvalue of the covariance, inside the root.

    cov is the biased covariance of the features (divide by N). Of all matrices that whiten, the
    symmetric one changes the data least; it is not that of principal components.

    Returns a new array like x, in the dtype of x; computed in float32 or better, without
    cancellation where the mean is much larger than the spread.

    Raises ValueError, naming what was expected and the shape that was given, if x has not two axes;
    TypeError if x holds integers or booleans.

    Source: Huang et al. 2018, Decorrelated Batch Normalization.
    """
    raise NotImplementedError


def standardize(x, eps=1e-5):
    """(x - mean) / sqrt(var + eps), per feature: batch normalization without weight and bias.

    x and eps are those of zca_whiten; var is the biased variance (divide by N), and eps is added to
    it inside the square root.

    Returns and raises what zca_whiten does.

    Source: Ioffe and Szegedy 2015, section 3, the first simplification.
    """
    raise NotImplementedError
