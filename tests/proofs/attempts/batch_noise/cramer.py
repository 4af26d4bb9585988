"""The expansion in 1/m, term by term; numbers stay Python floats."""

import math

import numpy as np


def statistics_noise(var, batch_size, kurtosis=3.0):
    if isinstance(var, np.ndarray) and var.dtype.kind != "f":
        raise TypeError(f"{var.dtype}")
    if batch_size < 1:
        raise ValueError(f"batch_size has to be 1 or more, got {batch_size}")
    if kurtosis < 1:
        raise ValueError(f"kurtosis has to be at least 1, got {kurtosis}")
    if np.any(np.asarray(var) < 0):
        raise ValueError(f"a var has to be 0 or more, got {var}")
    m, k = int(batch_size), float(kurtosis)
    relative = (k - 1) / m - 2 * (k - 2) / m**2 + (k - 3) / m**3
    relative = math.sqrt(max(0.0, relative))
    if not isinstance(var, np.ndarray):
        return math.sqrt(var / m), var * relative
    wide = var.astype(np.float64)
    return np.sqrt(wide / m).astype(var.dtype), (wide * relative).astype(var.dtype)
