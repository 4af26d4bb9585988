"""Write switchable normalization: a learned mixture of instance, layer and batch statistics.

NumPy alone. Two softmaxes say how much each of the three kinds counts, for mean and for variance.
"""


def switchable_norm(x, mean_logits, var_logits, weight, bias, eps=1e-5):
    """y = weight * (x - mean) / sqrt(var + eps) + bias, with mean and var mixed of three kinds.

    x            (N, C, *spatial) float16, float32 or float64, with any number of spatial axes or
                 none. It is not modified, and may be any view.
    mean_logits  (3,) floating, in the order instance, layer, batch; their softmax weights the three
                 means. Any size of logits has to do.
    var_logits   (3,) floating, the same for the three variances.
    weight       (C,) floating, or None, which leaves that step out.
    bias         (C,) floating, or None, which leaves that step out, whatever weight is.
    eps          added to the mixed variance, inside the square root.

    Instance statistics are taken per sample and channel over the spatial axes, layer statistics per
    sample over channels and spatial axes, batch statistics per channel over samples and spatial
    axes, those of this batch, as in training. All variances are biased.

    Returns a new array like x, in the dtype of x; the statistics are computed in float32 or better,
    without cancellation where the mean is much larger than the spread.

    Raises ValueError, naming the expected and the given shape, if x has fewer than two axes, if
    mean_logits or var_logits has not three values on one axis, or weight or bias not C; TypeError
    if x holds integers or booleans.

    Source: Luo, Ren, Peng, Zhang and Li 2019, Switchable Normalization, their definition of SN.
    """
    raise NotImplementedError
