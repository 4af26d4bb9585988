"""Write the forward pass of batch renormalization as it is in training.

NumPy alone.
"""


def batch_renorm(x, weight, bias, running_mean, running_std, r_max, d_max, eps=1e-5):
    """y = weight * ((x - mean) / std * r + d) + bias, per channel.

    mean and std are the batch's: std = sqrt(var + eps), var divided by the number of values per
    channel. r and d carry them over to the running statistics, as far as the limits allow:

        r = std / running_std,             clipped to [1 / r_max, r_max]
        d = (mean - running_mean) / running_std,   clipped to [-d_max, d_max]

    Both are constants for the gradient, which is not asked for here.

    x             (N, C, *spatial) floating, with no or more spatial axes.
    weight        (C,) or None, which stands for ones.
    bias          (C,) or None, which stands for zeros.
    running_mean  (C,), what evaluation takes for the mean.
    running_std   (C,), what evaluation takes for the standard deviation: eps is in it already.
                  All of it is above 0.
    r_max         at least 1. With r_max = 1 and d_max = 0 this is batch normalization.
    d_max         at least 0.
    eps           added to the batch's variance, inside the square root.

    Returns a new array like x, in the dtype of x; the statistics are computed in float32 or better,
    without cancellation where the mean is much larger than the spread. Nothing that is given is
    modified. One value per channel is not refused: it is its own mean.

    Raises ValueError, naming what was expected and the shape or number that was given, if x has
    fewer than two axes, one of the four (C,) has another shape, a running_std is not above 0, r_max
    is below 1 or d_max below 0; TypeError if x holds integers or booleans.

    Source: Ioffe 2017, Batch Renormalization, algorithm 1.
    """
    raise NotImplementedError
