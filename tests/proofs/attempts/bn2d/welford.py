"""Statistics in one pass: Welford's update, image by image, merged as Chan et al. do."""

import numpy as np


class BatchNorm2D:
    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True):
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight, self.bias = (
            (np.ones(num_features), np.zeros(num_features)) if affine else 2 * (None,)
        )
        tracked = (np.zeros(num_features), np.ones(num_features), 0)
        self.running_mean, self.running_var, self.num_batches_tracked = (
            tracked if track_running_stats else 3 * (None,)
        )
        self.training = True

    def moments(self, x):
        count, mean, m2 = 0, np.zeros(x.shape[1]), np.zeros(x.shape[1])
        for image in x:
            rows = image.reshape(len(image), -1).astype(float)
            k = rows.shape[1]
            own = rows.mean(axis=1)
            delta = own - mean
            m2 += ((rows.T - own) ** 2).sum(axis=0) + delta**2 * count * k / (count + k)
            mean = mean + delta * k / (count + k)
            count += k
        return count, mean, m2

    def forward(self, x):
        if not issubclass(x.dtype.type, np.floating):
            raise TypeError(f"{x.dtype} is no floating type")
        if x.ndim != 4:
            raise ValueError(f"four axes (N, C, H, W) expected, got {x.shape}")
        if x.shape[1] != self.num_features:
            raise ValueError(f"C={self.num_features} expected, got {x.shape}")
        own = self.training or self.running_mean is None
        if own and x[:, 0].size < 2:
            raise ValueError(f"more than 1 value for each channel expected, got {x.shape}")
        if own:
            m, mean, m2 = self.moments(x)
            var = m2 / m
            if self.running_mean is not None:
                self.num_batches_tracked += 1
                a = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
                self.running_mean = self.running_mean + a * (mean - self.running_mean)
                self.running_var = self.running_var + a * (m2 / (m - 1) - self.running_var)
        else:
            mean, var = self.running_mean, self.running_var
        rolled = np.moveaxis(x.astype(float), 1, -1)
        out = (rolled - mean) / np.sqrt(var + self.eps)
        if self.weight is not None:
            out = out * self.weight + self.bias
        return np.ascontiguousarray(np.moveaxis(out, -1, 1), dtype=x.dtype)

    def train(self, mode=True):
        self.training = mode
        return self

    def eval(self):
        self.train(False)
        return self
