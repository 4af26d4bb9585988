"""One channel at a time, in Python floats."""

import numpy as np


def fold_bn_into_threshold(threshold, running_mean, running_var, weight, bias, eps=1e-5):
    arrays = [running_mean, running_var, weight, bias]
    if isinstance(threshold, np.ndarray):
        arrays.append(threshold)
    arrays = [a for a in arrays if a is not None]
    for a in arrays:
        if a.dtype.kind != "f":
            raise TypeError(a.dtype)
    if running_mean.ndim != 1:
        raise ValueError(f"running_mean has one axis, (C,), not {running_mean.shape}")
    for a in arrays:
        if a.shape != running_mean.shape and a is not threshold or a.ndim > 1:
            raise ValueError(f"{a.shape}, but running_mean is {running_mean.shape}")
    if np.ndim(threshold) and len(threshold) != len(running_mean):
        raise ValueError(f"{threshold.shape}, but running_mean is {running_mean.shape}")
    new, flipped = [], []
    for c in range(len(running_mean)):
        theta = float(threshold[c]) if np.ndim(threshold) else float(threshold)
        gamma = 1.0 if weight is None else float(weight[c])
        beta = 0.0 if bias is None else float(bias[c])
        if gamma == 0:
            new.append(float("-inf") if beta >= theta else float("inf"))
        else:
            std = (float(running_var[c]) + eps) ** 0.5
            new.append(float(running_mean[c]) + (theta - beta) * std / gamma)
        flipped.append(gamma < 0)
    return np.array(new, dtype=running_mean.dtype), np.array(flipped)


def sew_add(spikes, residual):
    for a in (spikes, residual):
        if a.dtype.kind != "f":
            raise TypeError(a.dtype)
    if spikes.shape != residual.shape:
        raise ValueError(f"{spikes.shape} and {residual.shape} differ")
    y = spikes.copy()
    y += residual
    return y
