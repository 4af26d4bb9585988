"""einsum and np.pad, float32 where conv3 is no wider; the identity on the diagonal, in place."""

import numpy as np


def reparameterize(conv3, bn3, conv1, bn1, bn_identity=None, eps=1e-5):
    norms = [bn for bn in (bn3, bn1, bn_identity) if bn is not None]
    if any(not np.issubdtype(a.dtype, np.floating) for bn in norms for a in (conv3, conv1, *bn)):
        raise TypeError("kernels and vectors must be floating")
    if conv3.ndim != 4 or conv3.shape[2:] != (3, 3):
        raise ValueError(f"conv3 should be (O, I, 3, 3): {conv3.shape}")
    O, I, *_ = conv3.shape
    if conv1.shape != (O, I, 1, 1):
        raise ValueError(f"conv1 should be {(O, I, 1, 1)}: {conv1.shape}")
    if bn_identity is not None and O != I:
        raise ValueError(f"{I} channels in and {O} out, should be equal: {conv3.shape}")
    work = np.promote_types(conv3.dtype, np.float32)

    def fold(bn):
        if any(v.shape != (O,) for v in bn):
            raise ValueError(f"expected ({O},), got {[v.shape for v in bn]}")
        mean, var, gamma, beta = (v.astype(work) for v in bn)
        t = gamma / np.sqrt(var + work.type(eps))
        return t, beta - mean * t

    (t3, b3), (t1, b1) = fold(bn3), fold(bn1)
    kernel = np.einsum("oikl,o->oikl", conv3.astype(work), t3)
    point = np.einsum("oikl,o->oikl", conv1.astype(work), t1)
    kernel += np.pad(point, ((0, 0), (0, 0), (1, 1), (1, 1)))
    bias = b3 + b1
    if bn_identity is not None:
        t0, b0 = fold(bn_identity)
        kernel[np.arange(O), np.arange(O), 1, 1] += t0
        bias += b0
    return kernel.astype(conv3.dtype), bias.astype(conv3.dtype)
