"""Write instance normalization of images, sounds or volumes.

NumPy alone. Every channel of every sample is normalized by itself, over its positions.
"""


def instance_norm(x, weight=None, bias=None, eps=1e-5):
    """y = weight * (x - mean) / sqrt(var + eps) + bias, per sample and channel.

    x             (N, C, *spatial) float16, float32 or float64, with at least one spatial axis. It
                  is not modified, and may be any view.
    weight, bias  (C,) floating, one number for each channel, the same for all samples; None, of
                  either or of both, leaves that step out.
    eps           added to the variance, inside the square root.

    mean and var are taken over the spatial axes of one channel of one sample; the variance is
    biased (divide by the number of positions). A single position gives bias.

    Returns a new array like x, in the dtype of x; the statistics are computed in float32 or better,
    without cancellation where the mean is much larger than the spread.

    Raises ValueError, naming what was expected and the shape that was given, if x has no spatial
    axis, or if weight or bias has not C values on one axis; TypeError if x holds integers or
    booleans.

    Source: Ulyanov, Vedaldi and Lempitsky 2016, section 2; torch.nn.functional.instance_norm.
    """
    raise NotImplementedError
