"""One affine map per channel, its coefficients by einsum; buffers updated in place."""

import numpy as np


class BatchNorm2D:
    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True):
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self.training = True
        self.weight = self.bias = None
        self.running_mean = self.running_var = self.num_batches_tracked = None
        if affine:
            self.weight = np.full(num_features, 1.0)
            self.bias = np.full(num_features, 0.0)
        if track_running_stats:
            self.running_mean = np.full(num_features, 0.0)
            self.running_var = np.full(num_features, 1.0)
            self.num_batches_tracked = 0

    def forward(self, x):
        if x.dtype.kind != "f":
            raise TypeError(f"expected floats, got {x.dtype}")
        if x.ndim != 4 or x.shape[1] != self.num_features:
            raise ValueError(
                f"expected an (N, C, H, W) array with C={self.num_features}: {x.shape}"
            )
        m = x.shape[0] * x.shape[2] * x.shape[3]
        if self.training or not self.track_running_stats:
            if m == 1:
                raise ValueError(f"more than 1 value per channel needed, got {x.shape}")
            z = x.astype(np.float64)
            mean = np.einsum("nchw->c", z) / m
            z -= np.expand_dims(mean, (0, 2, 3))
            var = np.einsum("nchw,nchw->c", z, z) / m
            if self.training and self.track_running_stats:
                self.num_batches_tracked += 1
                share = self.momentum
                if share is None:
                    share = 1.0 / self.num_batches_tracked
                self.running_mean *= 1 - share
                self.running_mean += share * mean
                self.running_var *= 1 - share
                self.running_var += share * (m / (m - 1)) * var
        else:
            mean, var = self.running_mean, self.running_var
            z = x - np.expand_dims(mean, (0, 2, 3)).astype(np.float64)
        scale = (var + self.eps) ** -0.5
        if self.affine:
            scale = scale * self.weight
        y = np.einsum("nchw,c->nchw", z, scale)
        if self.affine:
            y += np.expand_dims(self.bias, (0, 2, 3))
        return y.astype(x.dtype)

    def train(self, mode=True):
        self.training = mode
        return self

    def eval(self):
        return self.train(mode=False)
