"""Number by number; the population's averages are cumulative averages of batch after batch."""

import numpy as np


def ema_update(running, batch, momentum):
    check(running, batch, 1, "shapes must be (C,)")
    if not 0 <= momentum <= 1:
        raise ValueError(f"momentum={momentum}, must lie in [0, 1]")
    moved = [(1 - momentum) * float(r) + momentum * float(b) for r, b in zip(running, batch)]
    return np.array(moved, running.dtype)


def cumulative_update(running, batch, count):
    check(running, batch, 1, "shapes must be (C,)")
    if count < 0:
        raise ValueError(f"count={count}, must be 0 or more")
    share = count / (count + 1)
    averages = [float(r) * share + float(b) / (count + 1) for r, b in zip(running, batch)]
    return np.array(averages, running.dtype)


def population_stats(batch_means, batch_vars, batch_size):
    check(batch_means, batch_vars, 2, "shapes must be (k, C)")
    if batch_size < 2:
        raise ValueError(f"batch_size={batch_size}, must be 2 or more")
    mean = var = np.zeros(batch_means.shape[1])
    for i, (m, v) in enumerate(zip(batch_means, batch_vars)):
        mean = cumulative_update(mean, m, i)
        var = cumulative_update(var, v, i)
    corrected = var * (batch_size / (batch_size - 1))
    return mean.astype(batch_means.dtype), corrected.astype(batch_means.dtype)


def check(a, b, axes, want):
    if not (np.issubdtype(a.dtype, np.floating) and np.issubdtype(b.dtype, np.floating)):
        raise TypeError("statistics are floating")
    if len(a.shape) != axes or a.shape != b.shape:
        raise ValueError(f"{want}: {a.shape}, {b.shape}")
