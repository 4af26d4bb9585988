"""A branch for each kind, groups by splitting and joining, float32."""

import numpy as np


def normalize(x, kind, groups=1, eps=1e-5):
    if x.dtype.kind != "f":
        raise TypeError("want floats")
    if x.ndim < 3:
        raise ValueError(f"want (N, C, *spatial), not {x.shape}")
    sp = tuple(range(2, x.ndim))
    dt = np.promote_types(x.dtype, np.float32)
    z = x.astype(dt)

    def norm(v, axes):
        mu = v.mean(axis=axes, keepdims=True, dtype=dt)
        va = np.square(v - mu).mean(axis=axes, keepdims=True)
        return (v - mu) * (1 / np.sqrt(va + dt.type(eps)))

    if kind == "batch":
        y = norm(z, (0,) + sp)
    elif kind == "layer":
        y = norm(z, (1,) + sp)
    elif kind == "instance":
        y = norm(z, sp)
    elif kind == "group":
        if groups <= 0 or x.shape[1] % groups != 0:
            raise ValueError(f"{groups} groups for {x.shape[1]} channels")
        y = np.concatenate([norm(p, (1,) + sp) for p in np.split(z, groups, axis=1)], axis=1)
    else:
        raise ValueError(f"kind is {kind}, want batch, layer, instance or group")
    return y.astype(x.dtype)
