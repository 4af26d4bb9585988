"""One einsum for either layout, everything widened first."""

import numpy as np


def fuse_conv_bn(
    conv_weight,
    conv_bias,
    running_mean,
    running_var,
    weight,
    bias,
    eps=1e-5,
    transposed=False,
    groups=1,
):
    arrays = [conv_weight, conv_bias, running_mean, running_var, weight, bias]
    if any(a is not None and not np.issubdtype(a.dtype, np.floating) for a in arrays):
        raise TypeError("floats only")
    if conv_weight.ndim < 3 or conv_weight.ndim > 5:
        raise ValueError(f"kernel must have three to five axes: {conv_weight.shape}")
    if groups < 1 or conv_weight.shape[0] % groups:
        raise ValueError(f"groups={groups}, must be at least 1 and divide {conv_weight.shape[0]}")
    w = conv_weight.astype(float)
    k = w.shape[2:]
    O = (w.shape[1] * groups) if transposed else len(w)
    for a in arrays[1:]:
        if a is not None and a.shape != (O,):
            raise ValueError(f"expected ({O},) but got {a.shape}")
    conv_bias = np.zeros(O) if conv_bias is None else conv_bias.astype(float)
    weight = np.ones(O) if weight is None else weight.astype(float)
    bias = np.zeros(O) if bias is None else bias.astype(float)
    t = weight / np.sqrt(running_var.astype(float) + eps)
    if transposed:
        w5 = w.reshape(groups, -1, O // groups, int(np.prod(k)))
        fused = np.einsum("gick,gc->gick", w5, t.reshape(groups, -1)).reshape(w.shape)
    else:
        fused = np.einsum("o...,o->o...", w, t)
    return fused.astype(conv_weight.dtype), (bias + t * (conv_bias - running_mean)).astype(
        conv_weight.dtype
    )
