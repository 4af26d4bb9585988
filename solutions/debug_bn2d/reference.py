"""Four ways in which code that was tried on one batch of one layer goes wrong elsewhere.

A NumPy array is no tensor: its size is a number. A channel is one population, so axis 1 stays out
of the reduction. What belongs to a layer is made in __init__; the body of a class is run once, for
all layers together. And evaluation reads the memory, without writing to it.
"""

import numpy as np


class BatchNorm2D:
    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True):
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = np.ones(num_features) if affine else None
        self.bias = np.zeros(num_features) if affine else None
        self.running_mean = np.zeros(num_features) if track_running_stats else None
        self.running_var = np.ones(num_features) if track_running_stats else None
        self.num_batches_tracked = 0 if track_running_stats else None
        self.training = True

    def forward(self, x):
        tracks = self.running_mean is not None
        uses_batch = self.training or not tracks
        self._refuse(x, uses_batch)
        wide = x.astype(np.float64)
        if uses_batch:
            mean, var = self._statistics(wide)
            if tracks:
                self._remember(mean, var, wide.size // mean.size)
        else:
            mean, var = self.running_mean, self.running_var
        y = (wide - _per_channel(mean)) / np.sqrt(_per_channel(var) + self.eps)
        if self.weight is not None:
            y = y * _per_channel(self.weight) + _per_channel(self.bias)
        return y.astype(x.dtype)

    def _statistics(self, x):
        return x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))

    def _remember(self, mean, var, m):
        self.num_batches_tracked += 1
        new = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
        self.running_mean = (1 - new) * self.running_mean + new * mean
        self.running_var = (1 - new) * self.running_var + new * var * m / (m - 1)

    def _refuse(self, x, uses_batch):
        if not np.issubdtype(x.dtype, np.floating):
            raise TypeError(f"expected floating values, got {x.dtype}")
        expected = f"expected (N, {self.num_features}, H, W)"
        if x.ndim != 4 or x.shape[1] != self.num_features:
            raise ValueError(f"{expected}, got {x.shape}")
        if uses_batch and x.size == self.num_features:
            raise ValueError(f"{expected} with more than 1 value per channel, got {x.shape}")

    def train(self, mode=True):
        self.training = mode
        return self

    def eval(self):
        return self.train(False)


def _per_channel(values):
    """(C,) as (C, 1, 1), which broadcasts along axis 1 of (N, C, H, W)."""
    return np.reshape(values, (-1, 1, 1))
