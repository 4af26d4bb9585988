"""float32 as in a kernel: the mean square by einsum, weight last."""

import numpy as np


def rms_norm(x, normalized_shape, weight=None, eps=1e-6):
    if isinstance(normalized_shape, int):
        normalized_shape = (normalized_shape,)
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError("floating values only")
    leading = x.ndim - len(normalized_shape)
    if leading == x.ndim or leading < 0 or x.shape[leading:] != tuple(normalized_shape):
        raise ValueError(f"{x.shape} does not end in {normalized_shape}")
    if weight is not None and weight.shape != tuple(normalized_shape):
        raise ValueError(f"weight: {weight.shape}, not {normalized_shape}")
    work = x.astype(np.promote_types(x.dtype, np.float32))
    flat = work.reshape(-1, work[(0,) * leading].size)
    scale = (np.einsum("nd,nd->n", flat, flat) / flat.shape[1] + eps) ** -0.5
    y = (flat * scale[:, None]).astype(flat.dtype).reshape(x.shape)
    if weight is not None:
        y *= weight.astype(y.dtype)
    return y.astype(x.dtype)
