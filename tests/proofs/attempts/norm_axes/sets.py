"""The sets S as lists of (sample, channel), by what their members have in common."""

import numpy as np


def normalize(x, kind, groups=1, eps=1e-5):
    if x.dtype not in (np.float16, np.float32, np.float64):
        raise TypeError(x.dtype)
    if x.ndim < 3:
        raise ValueError(f"(N, C, ...) with 3 axes or more, got {x.shape}")
    N, C = x.shape[:2]
    kinds = {
        "batch": lambda n, c: c,
        "layer": lambda n, c: n,
        "instance": lambda n, c: n * C + c,
        "group": lambda n, c: n * groups + c // (C // groups),
    }
    if kind not in kinds:
        raise ValueError(f"{kind!r} is none of {list(kinds)}")
    if kind == "group" and (groups < 1 or C // groups * groups != C):
        raise ValueError(f"groups={groups}, C={C}")
    sets = {}
    for n in range(N):
        for c in range(C):
            sets.setdefault(kinds[kind](n, c), []).append((n, c))
    y = np.empty(x.shape, x.dtype)
    for members in sets.values():
        v = np.stack([x[m] for m in members]).astype(float)
        v = (v - v.mean()) / np.sqrt(v.var() + eps)
        for m, t in zip(members, v):
            y[m] = t
    return y
