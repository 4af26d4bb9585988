"""Batch norm divides a column by its own spread: for ε = 0 the size of w has no say in the output.

A loss that does not change along w has a gradient orthogonal to w, so a plain step makes w longer.
Moving w by δ turns it by about δ/‖w‖, so the gradient at scale · w is 1/|scale| of that at w: large
weights learn slowly, and weight decay, which cannot change the output, sets the effective learning
rate. ε breaks this where a column's variance is not much larger.
"""

import numpy as np


def weight_gradients(w, x, dy, scale, eps=1e-12):
    _refuse(w, x, dy)
    return _gradient(w, x, dy, eps), _gradient(scale * w, x, dy, eps)


def _gradient(w, x, dy, eps):
    """With respect to the weight, where it is w."""
    z = x @ w.T
    centred = z - z.mean(axis=0)
    inv_std = 1 / np.sqrt((centred**2).mean(axis=0) + eps)
    z_hat = centred * inv_std
    # Batch norm backward: dy loses its mean and its part along ẑ, which scaling z would change.
    through_mean = dy.mean(axis=0)
    through_var = z_hat * (dy * z_hat).mean(axis=0)
    dz = inv_std * (dy - through_mean - through_var)
    return dz.T @ x


def _refuse(w, x, dy):
    for name, values in (("w", w), ("x", x), ("dy", dy)):
        if not np.issubdtype(values.dtype, np.floating):
            raise TypeError(f"expected floating values in {name}, got {values.dtype}")
        if values.ndim != 2:
            raise ValueError(f"expected {name} with 2 axes, got {values.shape}")
    if w.shape[1] != x.shape[1]:
        raise ValueError(f"expected w (O, {x.shape[1]}), got {w.shape}")
    if dy.shape != (x.shape[0], w.shape[0]):
        raise ValueError(f"expected dy {(x.shape[0], w.shape[0])}, got {dy.shape}")
