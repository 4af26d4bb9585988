"""Mend what a batch norm layer remembers: it trains well, and evaluates badly.

NumPy alone. x is (N, C): N vectors of C features; or (N, C, L): N sequences of L steps, C channels
each. There are two defects; the docstrings are right, and so is whatever has nothing to do with
them.
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
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = np.ones(num_features) if affine else None
        self.bias = np.zeros(num_features) if affine else None
        self.running_mean = np.zeros(num_features) if track_running_stats else None
        self.running_var = np.ones(num_features) if track_running_stats else None
        self.num_batches_tracked = 0 if track_running_stats else None
        self.training = True

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
        tracks = self.running_mean is not None
        uses_batch = self.training or not tracks
        self._refuse(x, uses_batch)
        # (N, C, L), with L = 1 for vectors; float64 leaves room for every dtype's sums.
        wide = x.astype(np.float64).reshape(*x.shape[:2], -1)
        if uses_batch:
            mean = wide.mean(axis=(0, 2))
            var = ((wide - mean[:, None]) ** 2).mean(axis=(0, 2))
            if tracks:
                self._remember(mean, var, m=x.size // self.num_features)
        else:
            mean, var = self.running_mean, self.running_var
        y = (wide - mean[:, None]) / np.sqrt(var[:, None] + self.eps)
        if self.weight is not None:
            y = y * self.weight[:, None] + self.bias[:, None]
        return y.reshape(x.shape).astype(x.dtype)

    def _remember(self, mean, var, m):
        self.num_batches_tracked += 1
        # With 1/k as the weight of the k-th batch the moving average is the plain average.
        new = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
        self.running_mean = new * self.running_mean + (1 - new) * mean
        self.running_var = new * self.running_var + (1 - new) * var

    def _refuse(self, x, uses_batch):
        if not np.issubdtype(x.dtype, np.floating):
            raise TypeError(f"expected floating values, got {x.dtype}")
        expected = f"expected (N, {self.num_features}) or (N, {self.num_features}, L)"
        if x.ndim not in (2, 3) or x.shape[1] != self.num_features:
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
