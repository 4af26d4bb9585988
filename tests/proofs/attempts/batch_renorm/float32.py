"""Whole arrays with kept axes, float32 where x is no wider, the limits by sign and minimum."""

import numpy as np


def batch_renorm(x, weight, bias, running_mean, running_std, r_max, d_max, eps=1e-5):
    if x.dtype.kind != "f":
        raise TypeError("floating point only")
    if x.ndim < 2:
        raise ValueError(f"expected at least (N, C), got {x.shape}")
    work = np.promote_types(x.dtype, np.float32)

    def beside(p, default=None):
        if p is None:
            return work.type(default)
        if p.shape != (x.shape[1],):
            raise ValueError(f"expected ({x.shape[1]},), got {p.shape}")
        return p.astype(work).reshape(1, x.shape[1], *[1] * (x.ndim - 2))

    gamma, beta = beside(weight, 1), beside(bias, 0)
    mu, sigma = beside(running_mean), beside(running_std)
    if (sigma <= 0).any():
        raise ValueError(f"running_std should exceed 0: {running_std}")
    if not (r_max >= 1 and d_max >= 0):
        raise ValueError(f"need r_max >= 1 and d_max >= 0, got {r_max} and {d_max}")
    axes = tuple(i for i in range(x.ndim) if i != 1)
    z = x.astype(work)
    mean = z.mean(axes, keepdims=True)
    z -= mean
    std = np.sqrt(np.square(z).mean(axes, keepdims=True) + work.type(eps))
    r = np.maximum(1 / r_max, np.minimum(r_max, std / sigma))
    d = np.sign(mean - mu) * np.minimum(np.abs(mean - mu) / sigma, d_max)
    return (gamma * (z * r / std + d) + beta).astype(x.dtype)
