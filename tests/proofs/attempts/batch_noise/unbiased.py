"""From the textbook's variance of the unbiased estimate, float32 for what is narrower."""

import numpy as np


def statistics_noise(var, batch_size, kurtosis=3.0):
    values = np.asarray(var)
    if isinstance(var, np.ndarray) and not np.issubdtype(values.dtype, np.floating):
        raise TypeError("floating variances only")
    if batch_size < 1 or kurtosis < 1:
        raise ValueError(f"both have to be at least 1: {batch_size}, {kurtosis}")
    if values.min() < 0:
        raise ValueError(f"a variance is at least 0, not {values.min()}")
    dtype = values.dtype if isinstance(var, np.ndarray) else np.dtype(float)
    work = np.promote_types(dtype, np.float32)
    values, n = values.astype(work), float(batch_size)
    mean = np.sqrt(values / work.type(n))
    if n == 1:
        return mean.astype(dtype), np.zeros(values.shape, dtype)
    unbiased = (kurtosis - (n - 3) / (n - 1)) / n
    spread = values * work.type((n - 1) / n * np.sqrt(unbiased))
    return mean.astype(dtype), spread.astype(dtype)
