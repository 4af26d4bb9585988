"""Whole vectors, float32 where running_mean is no wider; dead channels are set afterwards."""

import numpy as np


def fold_bn_into_threshold(threshold, running_mean, running_var, weight, bias, eps=1e-5):
    given = [a for a in (running_mean, running_var, weight, bias) if a is not None]
    theta = threshold if isinstance(threshold, np.ndarray) else np.array(float(threshold))
    if not all(np.issubdtype(a.dtype, np.floating) for a in [theta, *given]):
        raise TypeError("floating arrays only")
    if running_mean.ndim != 1:
        raise ValueError(f"(C,) expected, got {running_mean.shape}")
    C = running_mean.size
    if any(a.shape != (C,) for a in given) or theta.shape not in ((), (C,)):
        raise ValueError(f"expected ({C},), got {[a.shape for a in (theta, *given)]}")
    work = np.promote_types(running_mean.dtype, np.float32)
    gamma = np.ones(C, work) if weight is None else weight.astype(work)
    beta = np.zeros(C, work) if bias is None else bias.astype(work)
    missing = theta.astype(work) - beta
    dead = gamma == 0
    slope = np.where(dead, work.type(1), gamma) / np.sqrt(running_var.astype(work) + work.type(eps))
    new = running_mean.astype(work) + missing / slope
    new[dead & (missing <= 0)] = -np.inf
    new[dead & (missing > 0)] = np.inf
    return new.astype(running_mean.dtype), np.less(gamma, 0)


def sew_add(spikes, residual):
    if not all(np.issubdtype(a.dtype, np.floating) for a in (spikes, residual)):
        raise TypeError("spikes and residual are floating")
    if np.shape(spikes) != np.shape(residual):
        raise ValueError(f"spikes {spikes.shape}, residual {residual.shape}")
    return np.sum([spikes, residual], axis=0).astype(spikes.dtype)
