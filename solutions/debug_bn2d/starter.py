"""Mend batch normalization of images: it was never run on arrays, nor on two layers.

NumPy alone. x is (N, C, H, W): N images of C channels. There are four defects; the docstrings are
right, and so is whatever has nothing to do with them.
"""

import numpy as np


class BatchNorm2D:
    """y = weight * (x - mean) / sqrt(var + eps) + bias, per channel.

    num_features         C, the number of channels.
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
    number of values per channel. The running statistics then move by `momentum` towards the
    batch's mean and its unbiased variance (divide by m - 1). In evaluation the running statistics
    normalize, and nothing changes.

    Two instances share nothing.

    Source: Ioffe and Szegedy 2015, algorithms 1 and 2, section 3.2; torch.nn.BatchNorm2d.
    """

    weight, bias = np.ones(4096), np.zeros(4096)

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True):
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = self.weight[:num_features] if affine else None
        self.bias = self.bias[:num_features] if affine else None
        self.running_mean = np.zeros(num_features) if track_running_stats else None
        self.running_var = np.ones(num_features) if track_running_stats else None
        self.num_batches_tracked = 0 if track_running_stats else None
        self.training = True

    def forward(self, x):
        """Normalize x.

        x  (N, C, H, W) float16, float32 or float64. It is not modified, and may be any view.

        Returns a new array like x, in the dtype of x; the statistics are computed in float32 or
        better, without cancellation where the mean is much larger than the spread.

        Raises ValueError, naming what was expected and the shape that was given, if x has not four
        axes, has not C channels, or offers one value per channel where the batch's statistics are
        needed; TypeError if x holds integers or booleans. A refused x changes no statistics.
        """
        tracks = self.running_mean is not None
        uses_batch = self.training or not tracks
        self._refuse(x, uses_batch)
        wide = x.astype(np.float64)
        mean, var = self._statistics(wide)
        if tracks:
            self._remember(mean, var, wide.size // mean.size)
        if not uses_batch:
            mean, var = self.running_mean, self.running_var
        y = (wide - _per_channel(mean)) / np.sqrt(_per_channel(var) + self.eps)
        if self.weight is not None:
            y = y * _per_channel(self.weight) + _per_channel(self.bias)
        return y.astype(x.dtype)

    def _statistics(self, x):
        return x.mean(), x.var()

    def _remember(self, mean, var, m):
        self.num_batches_tracked += 1
        new = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
        self.running_mean = (1 - new) * self.running_mean + new * mean
        self.running_var = (1 - new) * self.running_var + new * var * m / (m - 1)

    def _refuse(self, x, uses_batch):
        if not np.issubdtype(x.dtype, np.floating):
            raise TypeError(f"expected floating values, got {x.dtype}")
        expected = f"expected (N, {self.num_features}, H, W)"
        if x.ndim != 4 or x.size(1) != self.num_features:
            raise ValueError(f"{expected}, got {x.shape}")
        if uses_batch and x.size == self.num_features:
            raise ValueError(f"{expected} with more than 1 value per channel, got {x.shape}")

    def train(self, mode=True):
        """Switch to training, or with mode=False to evaluation. Returns self."""
        self.training = mode
        return self

    def eval(self):
        """Switch to evaluation. Returns self."""
        return self.train(False)


def _per_channel(values):
    """(C,) as (C, 1, 1), which broadcasts along axis 1 of (N, C, H, W)."""
    return np.reshape(values, (-1, 1, 1))
