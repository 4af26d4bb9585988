"""One plane at a time, with a running sum."""

import numpy as np


def instance_norm(x, weight=None, bias=None, eps=1e-5):
    if x.dtype.kind in "biu":
        raise TypeError(f"got {x.dtype}")
    if x.ndim <= 2:
        raise ValueError(f"expected at least three axes, got {x.shape}")
    channels = x.shape[1]
    for p in (weight, bias):
        if p is not None and tuple(p.shape) != (channels,):
            raise ValueError(f"{p.shape} values for {channels} channels")
    y = np.empty_like(x, order="C")
    for n, sample in enumerate(x):
        for c, plane in enumerate(sample):
            values = [float(v) for v in plane.ravel()]
            mean = sum(values) / len(values)
            var = sum((v - mean) ** 2 for v in values) / len(values)
            hat = (np.asarray(plane, np.float64) - mean) * (var + eps) ** -0.5
            hat = hat * (1 if weight is None else weight[c])
            y[n, c] = hat + (0 if bias is None else bias[c])
    return y
