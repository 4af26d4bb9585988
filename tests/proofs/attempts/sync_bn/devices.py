"""One object for each device; in every round each tells its sums, and hears the total."""

from functools import reduce

import numpy as np


def merge_moments(counts, means, variances):
    if len(counts) < 1 or len(means) != len(counts) or len(variances) != len(counts):
        raise ValueError(f"{len(counts)} counts, {len(means)} means, {len(variances)} variances")
    if any(not np.issubdtype(a.dtype, np.floating) for a in (*means, *variances)):
        raise TypeError("means and variances must be floating")
    if means[0].ndim != 1:
        raise ValueError(f"vectors of one axis expected, got {means[0].shape}")
    for a in (*means, *variances):
        if a.shape != means[0].shape:
            raise ValueError(f"expected {means[0].shape}, got {a.shape}")
    if min(counts) <= 0:
        raise ValueError(f"counts of at least 1 expected, got {min(counts)}")
    parts = [
        (int(n), m.astype(np.float64), v.astype(np.float64))
        for n, m, v in zip(counts, means, variances)
    ]
    count, mean, var = reduce(merge_two, parts)
    return count, mean.astype(means[0].dtype), var.astype(means[0].dtype)


def merge_two(one, other):
    (a, mean_a, var_a), (b, mean_b, var_b) = one, other
    p, q = a / (a + b), b / (a + b)
    return (
        a + b,
        mean_a + q * (mean_b - mean_a),
        p * var_a + q * var_b + p * q * (mean_b - mean_a) ** 2,
    )


class Device:
    def __init__(self, x):
        self.shape, self.dtype = x.shape, x.dtype
        self.columns = [x[:, c].astype(np.float64) for c in range(x.shape[1])]
        self.m = self.columns[0].size

    def sums(self):
        return np.array([v.sum() for v in self.columns])

    def squares(self, mean):
        return np.array([((v - mu) ** 2).sum() for v, mu in zip(self.columns, mean)])

    def normalize(self, mean, std, weight, bias):
        self.x_hat = [(v - mu) / s for v, mu, s in zip(self.columns, mean, std)]
        return self.stack([h * w + b for h, w, b in zip(self.x_hat, weight, bias)])

    def take(self, dy):
        self.dy = [dy[:, c].astype(np.float64) for c in range(dy.shape[1])]
        both = [(g.sum(), (g * h).sum()) for g, h in zip(self.dy, self.x_hat)]
        return np.array(both)

    def gradient(self, slope, sums, m):
        return self.stack(
            [
                k * (g - s / m - h * (t / m))
                for k, g, h, (s, t) in zip(slope, self.dy, self.x_hat, sums)
            ]
        )

    def stack(self, columns):
        return np.stack(columns, axis=1).astype(self.dtype)


def sync_forward(shards, weight, bias, eps=1e-5):
    if any(not np.issubdtype(x.dtype, np.floating) for x in shards):
        raise TypeError("shards must be floating")
    if not shards:
        raise ValueError("at least 1 shard expected, got []")
    if any(x.ndim < 2 for x in shards):
        raise ValueError(f"two axes or more expected, got {[x.shape for x in shards]}")
    C = shards[0].shape[1]
    if any(x.shape[1] != C for x in shards):
        raise ValueError(f"{C} channels expected, got {[x.shape for x in shards]}")
    w = np.ones(C) if weight is None else weight
    b = np.zeros(C) if bias is None else bias
    if w.shape != (C,) or b.shape != (C,):
        raise ValueError(f"({C},) expected, got weight {w.shape}, bias {b.shape}")
    devices = [Device(x) for x in shards]
    m = sum(device.m for device in devices)
    if m == 1:
        raise ValueError(f"more than 1 value per channel expected, got {[x.shape for x in shards]}")
    mean = sum(device.sums() for device in devices) / m
    var = sum(device.squares(mean) for device in devices) / m
    std = np.sqrt(var + eps)
    outputs = [device.normalize(mean, std, w, b) for device in devices]
    return outputs, (devices, w / std, m)


def sync_backward(dys, cache):
    devices, slope, m = cache
    if len(dys) != len(devices):
        raise ValueError(f"{len(devices)} gradients expected, got {len(dys)}")
    for dy, device in zip(dys, devices):
        if not np.issubdtype(dy.dtype, np.floating):
            raise TypeError("gradients must be floating")
        if dy.shape != device.shape:
            raise ValueError(f"{device.shape} expected, got {dy.shape}")
    sums = sum(device.take(dy) for device, dy in zip(devices, dys))
    dxs = [device.gradient(slope, sums, m) for device in devices]
    return dxs, sums[:, 1].copy(), sums[:, 0].copy()
