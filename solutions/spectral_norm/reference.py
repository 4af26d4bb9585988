"""The largest singular value is how much a layer can stretch an input; divided by it, not at all.

Each multiplication by W Wᵀ favours the direction that is stretched most, by the square of the ratio
of singular values. The weight moves little from step to step, so one iteration a step is enough as
long as u is kept: the work is spread over the training instead of being done anew each time.
"""

import numpy as np


def spectral_norm(weight, u, n_power_iterations=1, eps=1e-12):
    _refuse(weight, u, n_power_iterations)
    # A float64 matrix keeps every product in float64, whatever u is.
    matrix = weight.astype(np.float64).reshape(weight.shape[0], -1)
    for _ in range(n_power_iterations):
        v = _normalized(matrix.T @ u, eps)
        u = _normalized(matrix @ v, eps)
    # Once u and v are the singular vectors, W v = σ u, and u has length 1.
    sigma = u @ matrix @ v
    normalized = (matrix / sigma).reshape(weight.shape)
    return normalized.astype(weight.dtype), u.astype(weight.dtype), float(sigma)


def _normalized(a, eps):
    return a / max(np.linalg.norm(a), eps)


def _refuse(weight, u, n_power_iterations):
    for array in (weight, u):
        if not np.issubdtype(array.dtype, np.floating):
            raise TypeError(f"expected floating values, got {array.dtype}")
    if weight.ndim < 2:
        raise ValueError(f"expected a weight (O, *rest) of two axes or more, got {weight.shape}")
    if u.shape != weight.shape[:1]:
        raise ValueError(f"expected a u of {weight.shape[:1]}, got {u.shape}")
    if n_power_iterations < 1:
        raise ValueError(f"expected n_power_iterations of at least 1, got {n_power_iterations}")
