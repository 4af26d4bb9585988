"""Steps towards the new batch, float32 where the statistics are no wider."""

import numpy as np


def ema_update(running, batch, momentum):
    r, b = _vectors(running, batch)
    if momentum < 0 or momentum > 1:
        raise ValueError(f"momentum {momentum} is not in [0, 1]")
    return (r * r.dtype.type(1 - momentum) + r.dtype.type(momentum) * b).astype(running.dtype)


def cumulative_update(running, batch, count):
    r, b = _vectors(running, batch)
    if count < 0:
        raise ValueError(f"a count is at least 0, got {count}")
    if count == 0:
        return b.astype(running.dtype)
    return (r + (b - r) / r.dtype.type(count + 1)).astype(running.dtype)


def population_stats(batch_means, batch_vars, batch_size):
    means, variances = _vectors(batch_means, batch_vars, axes=2)
    if batch_size < 2:
        raise ValueError(f"batch_size must be 2 at least, not {batch_size}")
    f = means.dtype.type
    k = f(len(means))
    mean = np.einsum("kc->c", means) / k
    var = np.einsum("kc->c", variances) / k * f(batch_size / (batch_size - 1))
    return mean.astype(batch_means.dtype), var.astype(batch_means.dtype)


def _vectors(one, other, axes=1):
    if one.dtype.kind != "f" or other.dtype.kind != "f":
        raise TypeError(f"floats, not {one.dtype} and {other.dtype}")
    if one.ndim != axes or one.shape != other.shape:
        want = "(C,)" if axes == 1 else "(k, C)"
        raise ValueError(f"want {want} twice, got {one.shape} and {other.shape}")
    work = np.promote_types(one.dtype, np.float32)
    return one.astype(work), other.astype(work)
