"""Write batch normalization of feature vectors and of sequences, with its running statistics.

NumPy alone. x is (N, C): N vectors of C features; or (N, C, L): N sequences of L steps, C channels
each. Every one of the C features or channels is normalized by itself.
"""

import numpy as np


class BatchNorm1D:
    """y = weight * (x - mean) / sqrt(var + eps) + bias, per feature or channel.

    num_features         C, the length of axis 1.
    eps                  added to the variance, inside the square root.
    momentum             weight of the new batch in the running statistics;
                         None makes them the average over all batches so far.
    affine               False: no weight and no bias, both attributes are None.
    track_running_stats  False: no running statistics, the three attributes are None, and the
                         batch's own statistics are used in evaluation, too.

    Attributes, which a caller may read and set between calls:
    weight, bias               (C,) floating, at first 1 and 0.
    running_mean, running_var  (C,) floating, at first 0 and 1.
    num_batches_tracked        int, the number of batches seen in training.
    training                   bool, at first True.

    In training, the mean and the biased variance (divide by m) of the batch normalize; m is the
    number of values per channel: N of (N, C), N·L of (N, C, L). The running statistics then move by
    `momentum` towards the batch's mean and its unbiased variance (divide by m - 1). In evaluation
    the running statistics normalize, and nothing changes.

    Two instances share nothing.

    Source: Ioffe and Szegedy 2015, algorithms 1 and 2; torch.nn.BatchNorm1d.
    """

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True):
        raise NotImplementedError

    def forward(self, x):
        """Normalize x.

        x  (N, C) or (N, C, L) float16, float32 or float64. It is not modified, and may be any view.

        Returns a new array like x, in the dtype of x; the statistics are computed in float32 or
        better, without cancellation where the mean is much larger than the spread.

        Raises ValueError, naming what was expected and the shape that was given, if x has neither
        two nor three axes, has not C channels, or offers one value per channel where the batch's
        statistics are needed; TypeError if x holds integers or booleans. A refused x changes no
        statistics.
        """
        raise NotImplementedError

    def train(self, mode=True):
        """Switch to training, or with mode=False to evaluation. Returns self."""
        raise NotImplementedError

    def eval(self):
        """Switch to evaluation. Returns self."""
        raise NotImplementedError
