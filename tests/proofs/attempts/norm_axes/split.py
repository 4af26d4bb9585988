"""One branch per kind, groups cut apart with np.split; float32 where the input is no wider."""

import numpy as np


def normalize(x, kind, groups=1, eps=1e-5):
    if x.dtype.kind != "f":
        raise TypeError("want floats")
    if x.ndim < 3:
        raise ValueError(f"want (N, C, *spatial), not {x.shape}")
    work = np.promote_types(x.dtype, np.float32)
    z = x.astype(work)
    spatial = tuple(range(2, x.ndim))
    if kind == "batch":
        y = centre_and_scale(z, (0, *spatial), eps)
    elif kind == "layer":
        y = centre_and_scale(z, (1, *spatial), eps)
    elif kind == "instance":
        y = centre_and_scale(z, spatial, eps)
    elif kind == "group":
        if groups <= 0 or x.shape[1] % groups != 0:
            raise ValueError(f"{groups} groups for {x.shape[1]} channels")
        parts = np.split(z, groups, axis=1)
        y = np.concatenate([centre_and_scale(p, (1, *spatial), eps) for p in parts], axis=1)
    else:
        raise ValueError(f"kind is {kind}, want batch, layer, instance or group")
    return y.astype(x.dtype)


def centre_and_scale(z, axes, eps):
    d = z - z.mean(axis=axes, keepdims=True)
    var = np.square(d).mean(axis=axes, keepdims=True)
    return d * (1 / np.sqrt(var + z.dtype.type(eps)))
