"""Two decisions make a moving average: who gets the momentum, and which variance goes in.

In torch momentum is the share of the new batch, in Keras and in optimizers that of the old value:
0.1 here is 0.9 there. And the variance to remember is an estimate for data not seen yet, which
divides by m - 1; the one that divides by m describes the batch, and is too small by (m - 1)/m.
"""

import numpy as np


class BatchNorm1D:
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
        self.running_mean = (1 - new) * self.running_mean + new * mean
        self.running_var = (1 - new) * self.running_var + new * var * m / (m - 1)

    def _refuse(self, x, uses_batch):
        if not np.issubdtype(x.dtype, np.floating):
            raise TypeError(f"expected floating values, got {x.dtype}")
        expected = f"expected (N, {self.num_features}) or (N, {self.num_features}, L)"
        if x.ndim not in (2, 3) or x.shape[1] != self.num_features:
            raise ValueError(f"{expected}, got {x.shape}")
        if uses_batch and x.size == self.num_features:
            raise ValueError(f"{expected} with more than 1 value per channel, got {x.shape}")

    def train(self, mode=True):
        self.training = mode
        return self

    def eval(self):
        return self.train(False)
