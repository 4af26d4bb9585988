"""einsum on a matrix in float32 or wider."""

import numpy as np


def spectral_norm(weight, u, n_power_iterations=1, eps=1e-12):
    for array in (weight, u):
        if not np.issubdtype(array.dtype, np.floating):
            raise TypeError(f"{array.dtype}")
    if weight.ndim < 2:
        raise ValueError(f"weight has to be (O, ...), two axes, got {weight.shape}")
    if u.ndim != 1 or u.shape[0] != weight.shape[0]:
        raise ValueError(f"u has to be ({weight.shape[0]},), got {u.shape}")
    if n_power_iterations < 1:
        raise ValueError(f"at least 1 iteration is needed, not {n_power_iterations}")
    work = np.promote_types(weight.dtype, np.float32)
    w = weight.astype(work).reshape(weight.shape[0], -1)
    u = u.astype(work)
    count = 0
    while count < n_power_iterations:
        v = np.einsum("oi,o->i", w, u)
        v = v / np.maximum(np.sqrt(np.einsum("i,i", v, v)), eps)
        u = np.einsum("oi,i->o", w, v)
        u = u / np.maximum(np.sqrt(np.einsum("o,o", u, u)), eps)
        count += 1
    sigma = np.einsum("o,oi,i", u, w, v)
    return (w / sigma).reshape(weight.shape).astype(weight.dtype), u.astype(weight.dtype), sigma
