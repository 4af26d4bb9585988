"""Three Python loops, over inputs, outputs and taps."""

import numpy as np


def fuse_bn_conv(running_mean, running_var, bn_weight, bn_bias, conv_weight, conv_bias, eps=1e-5):
    of_inputs = (running_mean, running_var, bn_weight, bn_bias)
    if any(a is not None and a.dtype.kind != "f" for a in (conv_weight, conv_bias, *of_inputs)):
        raise TypeError("floating expected")
    if not 3 <= conv_weight.ndim <= 5:
        raise ValueError(f"3 to 5 axes, got {conv_weight.shape}")
    O, I = conv_weight.shape[:2]
    for a in of_inputs:
        if a is not None and a.shape != (I,):
            raise ValueError(f"expected ({I},), got {a.shape}")
    if conv_bias is not None and conv_bias.shape != (O,):
        raise ValueError(f"expected ({O},), got {conv_bias.shape}")
    taps = conv_weight.reshape(O, I, -1)
    w, b, pad = np.zeros(taps.shape), np.zeros(O), np.zeros(I)
    for i in range(I):
        mean, std = float(running_mean[i]), np.sqrt(float(running_var[i]) + eps)
        gamma = 1.0 if bn_weight is None else float(bn_weight[i])
        beta = 0.0 if bn_bias is None else float(bn_bias[i])
        pad[i] = mean - beta * std / gamma
        for o in range(O):
            for k in range(taps.shape[2]):
                w[o, i, k] = float(taps[o, i, k]) * gamma / std
                b[o] += float(taps[o, i, k]) * (beta - gamma * mean / std)
    if conv_bias is not None:
        b += conv_bias
    dtype = conv_weight.dtype
    return w.reshape(conv_weight.shape).astype(dtype), b.astype(dtype), pad.astype(dtype)
