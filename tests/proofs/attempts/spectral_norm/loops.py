"""Sums in plain Python."""

import math

import numpy as np


def spectral_norm(weight, u, n_power_iterations=1, eps=1e-12):
    if weight.dtype.kind != "f" or u.dtype.kind != "f":
        raise TypeError(f"{weight.dtype}, {u.dtype}")
    if weight.ndim < 2:
        raise ValueError(f"expected two axes or more, got {weight.shape}")
    if u.shape != (len(weight),):
        raise ValueError(f"expected ({len(weight)},), got {u.shape}")
    if n_power_iterations <= 0:
        raise ValueError(f"1 iteration or more, got {n_power_iterations}")
    rows = [[float(w) for w in row.ravel()] for row in weight]
    left = [float(a) for a in u]
    for _ in range(n_power_iterations):
        right = unit(
            [sum(a * row[k] for a, row in zip(left, rows)) for k in range(len(rows[0]))], eps
        )
        left = unit([sum(w * b for w, b in zip(row, right)) for row in rows], eps)
    sigma = sum(a * w * b for a, row in zip(left, rows) for w, b in zip(row, right))
    divided = np.array([[w / sigma for w in row] for row in rows]).reshape(weight.shape)
    return divided.astype(weight.dtype), np.array(left, weight.dtype), sigma


def unit(values, eps):
    length = math.sqrt(sum(v * v for v in values))
    return [v / (length if length > eps else eps) for v in values]
