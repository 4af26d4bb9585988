"""A Python loop over output channels, in float32 where the kernel is."""

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
    w = conv_weight
    for a in (w, conv_bias, running_mean, running_var, weight, bias):
        if a is not None and a.dtype.kind != "f":
            raise TypeError(a.dtype)
    if not 3 <= w.ndim <= 5:
        raise ValueError(f"want (O, I/g, *kernel) with 1 to 3 kernel axes, got {w.shape}")
    if groups <= 0:
        raise ValueError(f"groups must be positive, got {groups}")
    if w.shape[0] % groups:
        raise ValueError(f"{w.shape[0]} channels in {groups} groups")
    O = w.shape[1] * groups if transposed else w.shape[0]
    for a in (conv_bias, running_mean, running_var, weight, bias):
        if a is not None and a.shape != (O,):
            raise ValueError(f"vector {a.shape}, expected {(O,)}")
    out = np.empty(w.shape, np.float32 if w.dtype != np.float64 else np.float64)
    fb = np.empty(O, out.dtype)
    f = out.dtype.type
    for c in range(O):
        t = (f(weight[c]) if weight is not None else f(1)) * (f(running_var[c]) + f(eps)) ** f(-0.5)
        if transposed:
            g = c // w.shape[1]
            n = w.shape[0] // groups
            out[g * n : (g + 1) * n, c % w.shape[1]] = (
                w[g * n : (g + 1) * n, c % w.shape[1]].astype(f) * t
            )
        else:
            out[c] = w[c].astype(f) * t
        b = f(conv_bias[c]) if conv_bias is not None else f(0)
        fb[c] = (b - f(running_mean[c])) * t + (f(bias[c]) if bias is not None else f(0))
    return out.astype(w.dtype), fb.astype(w.dtype)
