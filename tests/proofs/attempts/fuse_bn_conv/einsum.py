"""Matrices, float32 where the kernel is no wider; the bias is what the padding would have given."""

import numpy as np


def fuse_bn_conv(running_mean, running_var, bn_weight, bn_bias, conv_weight, conv_bias, eps=1e-5):
    W, b = conv_weight, conv_bias
    for a in (W, running_mean, running_var, bn_weight, bn_bias, b):
        if a is not None and not np.issubdtype(a.dtype, np.floating):
            raise TypeError(f"{a.dtype} cannot be folded")
    if W.ndim not in (3, 4, 5):
        raise ValueError(f"kernels have 3 to 5 axes, not {W.shape}")
    work = np.promote_types(W.dtype, np.float32)

    def vector(a, n, default=0):
        if a is None:
            return np.full(n, default, work)
        if a.shape != (n,):
            raise ValueError(f"a vector should have been ({n},) and is {a.shape}")
        return a.astype(work)

    O, I = W.shape[:2]
    mean, var = vector(running_mean, I), vector(running_var, I)
    t = vector(bn_weight, I, 1) / np.sqrt(var + work.type(eps))
    pad = mean - vector(bn_bias, I) / t
    fused = np.einsum("oi...,i->oi...", W.astype(work), t)
    # An image of nothing but pad comes out as the old bias.
    bias = vector(b, O) - np.einsum("oik,i->o", fused.reshape(O, I, -1), pad)
    return fused.astype(W.dtype), bias.astype(W.dtype), pad.astype(W.dtype)
