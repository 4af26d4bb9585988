"""A batch's statistics are estimates, and their error is what a sample feels of its batch-mates.

The mean of m values has 1/m of their variance. The variance of a batch moves, too, and the more,
the heavier the tails: for large m its own variance is σ⁴(κ - 1)/m, and with values at ±σ alone,
κ = 1, it hardly moves. Both deviations shrink with √m: four times the batch halves the noise.
"""

import numpy as np


def statistics_noise(var, batch_size, kurtosis=3.0):
    _refuse(var, batch_size, kurtosis)
    m, wide = float(batch_size), np.asarray(var, np.float64)
    of_mean = np.sqrt(wide / m)
    # Var[mean(d²) - mean(d)²] with d = x - μ; E[d⁴] = κσ⁴ and what is independent is 0 or σ⁴:
    #   σ⁴ (m - 1) ((m - 1) κ - (m - 3)) / m³
    # σ² stays outside the root: its square need not fit.
    of_var = wide * np.sqrt((m - 1) * ((m - 1) * kurtosis - (m - 3)) / m**3)
    dtype = np.result_type(var, float(kurtosis))
    return of_mean.astype(dtype), of_var.astype(dtype)


def _refuse(var, batch_size, kurtosis):
    if isinstance(var, np.ndarray) and not np.issubdtype(var.dtype, np.floating):
        raise TypeError(f"expected floating values, got {var.dtype}")
    if batch_size < 1:
        raise ValueError(f"expected a batch_size of at least 1, got {batch_size}")
    if kurtosis < 1:
        raise ValueError(f"expected a kurtosis of at least 1, got {kurtosis}")
    if np.min(var) < 0:
        raise ValueError(f"expected a var of at least 0, got {np.min(var)}")
