"""Row by row, by the Euclidean length."""

import numpy as np


def rms_norm(x, normalized_shape, weight=None, eps=1e-6):
    if x.dtype.kind != "f":
        raise TypeError(f"floating x expected, got {x.dtype}")
    shape = tuple(np.atleast_1d(normalized_shape)) if normalized_shape != () else ()
    if not shape or tuple(x.shape[-len(shape) :]) != shape:
        raise ValueError(f"expected the last axes {tuple(map(int, shape))}, got {x.shape}")
    if weight is not None and tuple(weight.shape) != shape:
        raise ValueError(f"expected {tuple(map(int, shape))}, got {weight.shape}")
    d = int(np.prod(shape))
    rows = []
    for row in x.reshape(-1, d):
        row = row.astype(np.float64)
        rows.append(row / np.hypot(np.linalg.norm(row) / np.sqrt(d), np.sqrt(eps)))
    y = np.stack(rows).reshape(x.shape)
    return (y if weight is None else weight * y).astype(x.dtype)
