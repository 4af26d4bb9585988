"""Computes in float32 unless the input is wider; moves by a share of the difference."""

import numpy as np


def _f(*arrays):
    for a in arrays:
        if a.dtype.kind != "f":
            raise TypeError("no floats")


def ema_update(running, batch, momentum):
    _f(running, batch)
    if running.ndim != 1 or batch.ndim != 1 or len(running) != len(batch):
        raise ValueError(f"want two (C,), got {running.shape} and {batch.shape}")
    if momentum < 0 or momentum > 1:
        raise ValueError(f"momentum {momentum} is not in [0, 1]")
    dt = np.promote_types(running.dtype, np.float32)
    r = running.astype(dt)
    out = r + momentum * (batch.astype(dt) - r)
    return out.astype(running.dtype)


def cumulative_update(running, batch, count):
    _f(running, batch)
    if running.ndim != 1 or batch.ndim != 1 or len(running) != len(batch):
        raise ValueError(f"want two (C,), got {running.shape} and {batch.shape}")
    if count < 0:
        raise ValueError(f"count {count}")
    dt = np.promote_types(running.dtype, np.float32)
    return ((running.astype(dt) * count + batch.astype(dt)) / (count + 1)).astype(running.dtype)


def population_stats(batch_means, batch_vars, batch_size):
    _f(batch_means, batch_vars)
    if batch_means.ndim != 2 or batch_means.shape != batch_vars.shape:
        raise ValueError(f"want (k, C) twice, got {batch_means.shape} {batch_vars.shape}")
    if batch_size < 2:
        raise ValueError(f"batch_size must be 2 at least, not {batch_size}")
    dt = np.promote_types(batch_means.dtype, np.float32)
    k = len(batch_means)
    mean = np.einsum("kc->c", batch_means.astype(dt)) / dt.type(k)
    var = (
        np.einsum("kc->c", batch_vars.astype(dt))
        / dt.type(k)
        * dt.type(batch_size / (batch_size - 1))
    )
    return mean.astype(batch_means.dtype), var.astype(batch_means.dtype)
