"""Number by number; the population average is a chain of cumulative updates."""

import numpy as np


def _check(a, b, nd, what):
    if a.dtype.kind != "f" or b.dtype.kind != "f":
        raise TypeError
    if a.ndim != nd or a.shape != b.shape:
        raise ValueError(f"{what}: {a.shape}, {b.shape}")


def ema_update(running, batch, momentum):
    _check(running, batch, 1, "shapes must be (C,)")
    if not 0 <= momentum <= 1:
        raise ValueError(f"momentum={momentum}")
    return np.array(
        [(1 - momentum) * float(r) + momentum * float(b) for r, b in zip(running, batch)],
        running.dtype,
    )


def cumulative_update(running, batch, count):
    _check(running, batch, 1, "shapes must be (C,)")
    if count < 0:
        raise ValueError(f"count={count}")
    return ema_update(running, batch, 1 / (count + 1))


def population_stats(batch_means, batch_vars, batch_size):
    _check(batch_means, batch_vars, 2, "shapes must be (k, C)")
    if batch_size < 2:
        raise ValueError(f"batch_size={batch_size}")
    k, c = batch_means.shape
    m = np.zeros(c)
    v = np.zeros(c)
    for i in range(k):
        m = cumulative_update(m, batch_means[i].astype(float), i)
        v = cumulative_update(v, batch_vars[i].astype(float), i)
    return m.astype(batch_means.dtype), (v * (batch_size / (batch_size - 1))).astype(
        batch_means.dtype
    )
