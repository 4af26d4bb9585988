"""A Python loop over channels, sums of floats in lists."""

import math

import numpy as np


class BatchNorm1D:
    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True):
        self.n, self.eps, self.momentum = num_features, eps, momentum
        self.weight = np.ones(num_features) if affine else None
        self.bias = np.zeros(num_features) if affine else None
        self.running_mean = np.zeros(num_features) if track_running_stats else None
        self.running_var = np.ones(num_features) if track_running_stats else None
        self.num_batches_tracked = 0 if track_running_stats else None
        self.training = True

    def forward(self, x):
        if not issubclass(x.dtype.type, np.floating):
            raise TypeError(f"{x.dtype} cannot be normalized")
        if x.ndim not in {2, 3}:
            raise ValueError(f"want (N, C) or (N, C, L) with C = {self.n}; have {x.shape}")
        if x.shape[1] != self.n:
            raise ValueError(f"want C = {self.n}; have {x.shape}")
        own = self.training or self.running_mean is None
        m = x.size // self.n
        if own and m < 2:
            raise ValueError(f"more than 1 value per channel wanted, have {x.shape}")
        moves = self.training and self.running_mean is not None
        if moves:
            self.num_batches_tracked += 1
            f = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
        y = np.empty(x.shape, x.dtype)
        for c in range(self.n):
            values = [float(t) for t in x[:, c].flat]
            if own:
                mu = math.fsum(values) / m
                var = math.fsum((t - mu) ** 2 for t in values) / m
            else:
                mu, var = float(self.running_mean[c]), float(self.running_var[c])
            if moves:
                self.running_mean[c] = (1 - f) * self.running_mean[c] + f * mu
                self.running_var[c] = (1 - f) * self.running_var[c] + f * var * m / (m - 1)
            s = math.sqrt(var + self.eps)
            w, b = (1, 0) if self.weight is None else (self.weight[c], self.bias[c])
            y[:, c] = np.array([(t - mu) / s * w + b for t in values]).reshape(y[:, c].shape)
        return y

    def train(self, mode=True):
        self.training = mode
        return self

    def eval(self):
        return self.train(False)
