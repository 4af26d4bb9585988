"""tanh from exponentials of negative numbers, float32 for what is narrower."""

import numpy as np


def dynamic_tanh(x, alpha, weight, bias):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError("floating values only")
    if x.ndim == 0:
        raise ValueError(f"expected at least one axis, got {x.shape}")
    alpha = np.asarray(alpha)
    if alpha.size != 1:
        raise ValueError(f"alpha has to be a single value, got {alpha.shape}")
    for name, p in (("weight", weight), ("bias", bias)):
        if p is not None and p.shape != x.shape[-1:]:
            raise ValueError(f"{name}: expected {x.shape[-1:]}, got {p.shape}")
    z = alpha.item() * x.astype(np.promote_types(x.dtype, np.float32))
    small = np.expm1(-2 * np.abs(z))
    y = np.sign(z) * -small / (2 + small)
    y = y * (1 if weight is None else weight) + (0 if bias is None else bias)
    return y.astype(x.dtype)
