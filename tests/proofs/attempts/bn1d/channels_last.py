"""Rows of channels, in float32 where the input is no wider; float32 parameters and buffers."""

import numpy as np


class BatchNorm1D:
    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True):
        self.C = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track = track_running_stats
        self.weight = self.bias = None
        self.running_mean = self.running_var = self.num_batches_tracked = None
        if affine:
            self.weight = np.ones(self.C, np.float32)
            self.bias = np.zeros(self.C, np.float32)
        if self.track:
            self.running_mean = np.zeros(self.C, np.float32)
            self.running_var = np.ones(self.C, np.float32)
            self.num_batches_tracked = 0
        self.training = True

    def forward(self, x):
        if x.dtype.kind != "f":
            raise TypeError("floats please")
        if x.ndim != 2 and x.ndim != 3:
            raise ValueError(f"need 2 or 3 axes, (N, C) or (N, C, L), got {x.shape}")
        if x.shape[1] != self.C:
            raise ValueError(f"expected {self.C} channels, got shape {x.shape}")
        last = np.moveaxis(x, 1, -1)
        work = np.float64 if x.dtype == np.float64 else np.float32
        rows = last.reshape(-1, self.C).astype(work)
        m = len(rows)
        if self.training or not self.track:
            if m < 2:
                raise ValueError(f"more than one value per channel needed, got {x.shape}")
            mu = np.einsum("nc->c", rows) / work(m)
            d = rows - mu
            var = np.einsum("nc,nc->c", d, d) / work(m)
            if self.training and self.track:
                self.num_batches_tracked += 1
                f = self.momentum if self.momentum is not None else 1.0 / self.num_batches_tracked
                self.running_mean = self.running_mean + f * (mu - self.running_mean)
                self.running_var = self.running_var + f * (var * m / (m - 1) - self.running_var)
        else:
            d = rows - self.running_mean
            var = self.running_var
        out = d * (var + self.eps) ** -0.5
        if self.affine:
            out = out * self.weight + self.bias
        return np.moveaxis(out.reshape(last.shape), -1, 1).astype(x.dtype)

    def train(self, mode=True):
        self.training = bool(mode)
        return self

    def eval(self):
        self.training = False
        return self
