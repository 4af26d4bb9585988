"""Write layer normalization over the last axes of an array.

NumPy alone. Every position of the leading axes is normalized by itself: there is no batch in it.
"""


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    """y = weight * (x - mean) / sqrt(var + eps) + bias, over the last axes of x.

    x                 (*, *normalized_shape) float16, float32 or float64. It is not modified, and
                      may be any view.
    normalized_shape  the sizes of the axes that are normalized together, which are the last ones of
                      x: a tuple of at least one, or an int for the last axis alone.
    weight, bias      normalized_shape floating, one number for each element that is normalized;
                      None, of either or of both, leaves that step out.
    eps               added to the variance, inside the square root.

    mean and var are those of the normalized axes, one of each for every position of the leading
    axes; the variance is biased (divide by the number of values). A single value gives bias.

    Returns a new array like x, in the dtype of x; the statistics are computed in float32 or better,
    without cancellation where the mean is much larger than the spread.

    Raises ValueError, naming the expected and the given shape, if x does not end in
    normalized_shape, or if weight or bias has another shape than that; TypeError if x holds
    integers or booleans.

    Source: Ba, Kiros and Hinton 2016, section 3; torch.nn.functional.layer_norm.
    """
    raise NotImplementedError
