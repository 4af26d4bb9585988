"""A Python loop over channels, sums by math.fsum, num_batches_tracked as an array."""

import math

import numpy as np


class BatchNorm1D:
    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True):
        self.n = num_features
        self.eps = eps
        self.momentum = momentum
        self.weight = np.ones(num_features) if affine else None
        self.bias = np.zeros(num_features) if affine else None
        self.running_mean = np.zeros(num_features) if track_running_stats else None
        self.running_var = np.ones(num_features) if track_running_stats else None
        self.num_batches_tracked = np.array(0) if track_running_stats else None
        self.training = True

    def forward(self, x):
        if not issubclass(x.dtype.type, np.floating):
            raise TypeError(str(x.dtype))
        if x.ndim not in {2, 3}:
            raise ValueError(f"want (N, C) or (N, C, L) with C = {self.n}; have {x.shape}")
        if x.shape[1] != self.n:
            raise ValueError(f"want C = {self.n}; have {x.shape}")
        tr = self.training or self.running_mean is None
        m = x.size // self.n
        if tr and m < 2:
            raise ValueError(f"more than 1 value per channel wanted, have {x.shape}")
        y = np.empty(x.shape, x.dtype)
        if self.training and self.running_mean is not None:
            self.num_batches_tracked = self.num_batches_tracked + 1
        rm, rv = [], []
        for c in range(self.n):
            v = [float(t) for t in x[:, c].flat]
            if tr:
                mu = math.fsum(v) / m
                var = math.fsum((t - mu) ** 2 for t in v) / m
                if self.training and self.running_mean is not None:
                    f = (
                        1 / int(self.num_batches_tracked)
                        if self.momentum is None
                        else self.momentum
                    )
                    rm.append((1 - f) * self.running_mean[c] + f * mu)
                    rv.append((1 - f) * self.running_var[c] + f * var * m / (m - 1))
            else:
                mu, var = self.running_mean[c], self.running_var[c]
            s = math.sqrt(var + self.eps)
            w, b = (1, 0) if self.weight is None else (self.weight[c], self.bias[c])
            y[:, c] = np.array([(t - mu) / s * w + b for t in v]).reshape(y[:, c].shape)
        if rm:
            self.running_mean, self.running_var = np.array(rm), np.array(rv)
        return y

    def train(self, mode=True):
        self.training = mode
        return self

    def eval(self):
        return self.train(False)
