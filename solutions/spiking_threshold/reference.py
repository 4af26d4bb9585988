"""A neuron only compares, so that an affine map before it can be undone on the threshold instead.

γ·(x − μ)/σ + β ≥ θ becomes x ≥ μ + (θ − β)·σ/γ; dividing by a negative γ turns the sign round.
Nothing is left to compute per value. But the neuron has to start every comparison from zero: with
a membrane that leaks or adds up, a shift of the input is more than a shift of the threshold.

Adding spikes lets a block be the identity: no spike of its own, and what came in goes out.
"""

import numpy as np


def fold_bn_into_threshold(threshold, running_mean, running_var, weight, bias, eps=1e-5):
    if not isinstance(threshold, np.ndarray):
        threshold = np.float64(threshold)
    _refuse(threshold, running_mean, [v for v in (running_var, weight, bias) if v is not None])
    mean, var = running_mean.astype(np.float64), running_var.astype(np.float64)
    gamma = np.ones(mean.shape) if weight is None else weight.astype(np.float64)
    beta = 0.0 if bias is None else bias.astype(np.float64)
    missing = np.broadcast_to(threshold - beta, mean.shape)
    slope = gamma / np.sqrt(var + eps)
    # A slope of 0 leaves β alone to be compared, and it spikes on equality, too.
    constant = np.where(missing <= 0, -np.inf, np.inf)
    folded = mean + np.divide(missing, slope, out=constant, where=slope != 0)
    return folded.astype(running_mean.dtype), gamma < 0


def sew_add(spikes, residual):
    for array in (spikes, residual):
        if not np.issubdtype(array.dtype, np.floating):
            raise TypeError(f"expected floating values, got {array.dtype}")
    if spikes.shape != residual.shape:
        raise ValueError(f"expected two equal shapes, got {spikes.shape} and {residual.shape}")
    return (spikes + residual).astype(spikes.dtype)


def _refuse(threshold, mean, others):
    for array in (threshold, mean, *others):
        if not np.issubdtype(array.dtype, np.floating):
            raise TypeError(f"expected floating values, got {array.dtype}")
    if mean.ndim != 1:
        raise ValueError(f"expected running_mean of shape (C,), got {mean.shape}")
    if threshold.shape not in ((), mean.shape):
        raise ValueError(f"expected a number or {mean.shape}, got {threshold.shape}")
    for vector in others:
        if vector.shape != mean.shape:
            raise ValueError(f"expected vectors of shape {mean.shape}, got {vector.shape}")
