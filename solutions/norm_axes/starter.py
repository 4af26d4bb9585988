"""Write batch, layer, instance and group normalization as one formula over four sets of pixels.

NumPy alone. The four differ in nothing but the set S of values that share a mean and a variance.
"""

import numpy as np


def normalize(x, kind, groups=1, eps=1e-5):
    """y = (x - mean(S)) / sqrt(var(S) + eps) for every value x, where S is the set it belongs to.

    x       (N, C, *spatial) with one or more spatial axes, float16, float32 or float64. It is not
            modified, and may be any view.
    kind    which values share a set:
            "batch"     those of one channel, in all samples;
            "layer"     those of one sample, in all channels;
            "instance"  those of one channel of one sample;
            "group"     those of one group of channels of one sample.
    groups  how many groups the channels are cut into, C / groups neighbours each; it plays a part
            where kind is "group" and nowhere else.
    eps     added to the variance, inside the square root.

    The variance is the biased one. There is no weight and no bias.

    Returns a new array like x, in the dtype of x; the statistics are computed in float32 or better,
    without cancellation where the mean is much larger than the spread. A set of one value gives 0.

    Raises ValueError if x has less than three axes (naming what was expected and its shape), if
    kind is another (naming it and the four), or if the groups of kind "group" are below 1 or do not
    divide C (naming both numbers); TypeError if x holds integers or booleans.

    Source: Wu and He 2018, section 3.1, equations 1 to 5 and 7.
    """
    raise NotImplementedError
