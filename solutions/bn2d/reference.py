"""A channel is one population: its m = N·H·W values share one mean and one variance.

Training normalizes with the batch it sees and remembers a moving average; evaluation uses the
memory, so that an image's output no longer depends on its neighbours.
Two variances are at work: dividing by m makes the normalized batch have variance 1,
dividing by m - 1 estimates that of the data.
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
        # float64 leaves room for every dtype's sums; x - mean cannot cancel as E[x²] - E[x]² does.
        wide = x.astype(np.float64)
        if uses_batch:
            mean = wide.mean(axis=(0, 2, 3))
            var = ((wide - _per_channel(mean)) ** 2).mean(axis=(0, 2, 3))
            if tracks:
                self._remember(mean, var, m=x.size // self.num_features)
        else:
            mean, var = self.running_mean, self.running_var
        y = (wide - _per_channel(mean)) / np.sqrt(_per_channel(var) + self.eps)
        if self.weight is not None:
            y = y * _per_channel(self.weight) + _per_channel(self.bias)
        return y.astype(x.dtype)

    def _remember(self, mean, var, m):
        self.num_batches_tracked += 1
        # With 1/k as the weight of the k-th batch the moving average is the plain average.
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
    return values[:, None, None]
