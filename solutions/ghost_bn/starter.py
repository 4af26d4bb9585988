"""Write ghost batch normalization: a large batch normalized in small pieces.

NumPy alone.
"""


def ghost_batch_norm(x, weight, bias, virtual_batch_size, eps=1e-5):
    """y = weight * (x - mean) / sqrt(var + eps) + bias, mean and var those of x's own ghost batch.

    The first virtual_batch_size samples are one ghost batch, the next virtual_batch_size another,
    and so on; what is left over at the end is a smaller one.

    x                   (N, C, *spatial) floating, with no or more spatial axes.
    weight              (C,) or None, which stands for ones. All ghost batches share it.
    bias                (C,) or None, which stands for zeros. All ghost batches share it.
    virtual_batch_size  how many samples make a ghost batch, at least 1; it may exceed N.
    eps                 added to the biased variance (divided by the number of values per channel in
                        the ghost batch), inside the square root.

    Returns a new array like x, in the dtype of x; the statistics are computed in float32 or better,
    without cancellation where the mean is much larger than the spread. x is not modified. A ghost
    batch with one value per channel is not refused: the value is its own mean.

    Raises ValueError, naming what was expected and the shape or number that was given, if x has
    fewer than two axes, weight or bias is not (C,), or virtual_batch_size is below 1; TypeError if
    x holds integers or booleans.

    Source: Hoffer, Hubara and Soudry 2017, Train longer, generalize better, algorithm 1.
    """
    raise NotImplementedError
