"""A Python loop over channels, plain sums."""

import numpy as np


class BatchNorm2D:
    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True):
        self.c, self.eps, self.momentum = num_features, eps, momentum
        self.weight = self.bias = self.running_mean = self.running_var = None
        self.num_batches_tracked = None
        if affine:
            self.weight, self.bias = np.ones(self.c, np.float32), np.zeros(self.c, np.float32)
        if track_running_stats:
            self.running_mean = np.zeros(self.c, np.float32)
            self.running_var = np.ones(self.c, np.float32)
            self.num_batches_tracked = 0
        self.training = True

    def forward(self, x):
        if x.dtype not in (np.float16, np.float32, np.float64):
            raise TypeError(f"floating input expected, not {x.dtype}")
        if len(x.shape) != 4:
            raise ValueError(f"input of 4 axes expected, shape {x.shape} given")
        n, c, h, w = x.shape
        if c != self.c:
            raise ValueError(f"{self.c} channels expected, shape {x.shape} given")
        m = n * h * w
        batch = self.training or self.running_mean is None
        if batch and m < 2:
            raise ValueError(f"more than one value per channel expected, shape {x.shape} given")
        y = np.empty(x.shape, x.dtype)
        if self.training and self.running_mean is not None:
            self.num_batches_tracked += 1
            f = self.momentum
            if f is None:
                f = 1 / self.num_batches_tracked
        for k in range(c):
            values = [float(v) for v in x[:, k].flatten()]
            if batch:
                mean = sum(values) / m
                var = sum((v - mean) ** 2 for v in values) / m
                if self.training and self.running_mean is not None:
                    self.running_mean[k] += f * (mean - self.running_mean[k])
                    self.running_var[k] += f * (var * m / (m - 1) - self.running_var[k])
            else:
                mean, var = float(self.running_mean[k]), float(self.running_var[k])
            scale = 1 if self.weight is None else float(self.weight[k])
            shift = 0 if self.bias is None else float(self.bias[k])
            out = [(v - mean) / (var + self.eps) ** 0.5 * scale + shift for v in values]
            y[:, k] = np.array(out).reshape(n, h, w)
        return y

    def train(self, mode=True):
        self.training = bool(mode)
        return self

    def eval(self):
        self.training = False
        return self
