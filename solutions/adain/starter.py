"""Write adaptive instance normalization, which gives features the statistics of other features.

NumPy alone. Mean and spread of every channel of the content are replaced by those of the style.
"""


def adain(content, style, eps=1e-5):
    """y = (content - mean_c) / sqrt(var_c + eps) * sqrt(var_s + eps) + mean_s, per sample, channel.

    content  (N, C, *spatial) float16, float32 or float64, with at least one spatial axis.
    style    (N, C, *spatial) floating, same N and C; its spatial sizes may be others.
    eps      added to both variances, inside the square roots.

    Neither is modified; both may be any view. mean_c and var_c are those of one channel of one
    sample of content, mean_s and var_s those of the same channel of the same sample of style; both
    variances are biased (divide by the number of positions).

    Returns a new array like content, in the dtype of content whatever that of style; the statistics
    are computed in float32 or better, without cancellation where a mean is much larger than the
    spread.

    Raises ValueError, naming the expected and the given shape, if either has no spatial axis or if
    they differ in N or C; TypeError if either holds integers or booleans.

    Source: Huang and Belongie 2017, equation 8, with eps.
    """
    raise NotImplementedError
