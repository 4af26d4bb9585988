"""Write group normalization of an array with channels.

NumPy alone. The channels of each sample are cut into groups; each group is normalized by itself.
"""


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    """y = weight * (x - mean) / sqrt(var + eps) + bias, per sample and group of channels.

    x             (N, C, *spatial) float16, float32 or float64, with any number of spatial axes or
                  none. It is not modified, and may be any view.
    num_groups    G, which divides C: each group is C / G channels that follow one another.
    weight, bias  (C,) floating, one number for each channel, not for each group; None, of either or
                  of both, leaves that step out.
    eps           added to the variance, inside the square root.

    mean and var are taken over the channels and positions of one group of one sample; the variance
    is biased (divide by the number of values). A single value gives bias.

    Returns a new array like x, in the dtype of x; the statistics are computed in float32 or better,
    without cancellation where the mean is much larger than the spread.

    Raises ValueError, naming what was expected and the shape or number that was given, if x has
    fewer than two axes, num_groups is below 1 or does not divide C, or weight or bias has not C
    values on one axis; TypeError if x holds integers or booleans.

    Source: Wu and He 2018, section 3, equations 1, 2 and 7; torch.nn.functional.group_norm.
    """
    raise NotImplementedError
