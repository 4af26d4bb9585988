"""The sets S are written down: each channel of each sample is told which one it belongs to."""

import numpy as np

MEMBERSHIP = {
    "batch": lambda n, c, size: c,
    "layer": lambda n, c, size: n,
    "instance": lambda n, c, size: (n, c),
    "group": lambda n, c, size: (n, c // size),
}


def normalize(x, kind, groups=1, eps=1e-5):
    if x.dtype not in (np.float16, np.float32, np.float64):
        raise TypeError(x.dtype)
    if x.ndim < 3:
        raise ValueError(f"(N, C, ...) with 3 axes or more, got {x.shape}")
    N, C = x.shape[:2]
    if kind not in MEMBERSHIP:
        raise ValueError(f"{kind!r} is none of {list(MEMBERSHIP)}")
    size = C
    if kind == "group":
        if groups < 1 or C % groups:
            raise ValueError(f"groups={groups}, C={C}")
        size = C // groups
    sets = {}
    for n in range(N):
        for c in range(C):
            sets.setdefault(MEMBERSHIP[kind](n, c, size), []).append((n, c))
    y = np.empty(x.shape, x.dtype)
    for members in sets.values():
        values = np.stack([x[member] for member in members]).astype(float)
        values = (values - values.mean()) / np.sqrt(values.var() + eps)
        for member, plane in zip(members, values):
            y[member] = plane
    return y
