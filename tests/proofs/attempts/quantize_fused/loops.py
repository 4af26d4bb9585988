"""One output channel at a time, float32 where the kernel is no wider; ReLU6 by masks."""

import numpy as np


def quantize_conv_bn(
    conv_weight, conv_bias, running_mean, running_var, weight, bias, eps=1e-5, bits=8
):
    vectors = [conv_bias, running_mean, running_var, weight, bias]
    for a in [conv_weight, *vectors]:
        if a is not None and a.dtype.kind != "f":
            raise TypeError("float please")
    if conv_weight.ndim not in (3, 4, 5):
        raise ValueError(f"three to five axes, not {conv_weight.shape}")
    if bits < 2 or bits > 16:
        raise ValueError(f"bits must be in 2..16, is {bits}")
    O = len(conv_weight)
    for v in vectors:
        if v is not None and v.shape != (O,):
            raise ValueError(f"{v.shape} should be ({O},)")
    q = (1 << (bits - 1)) - 1
    f = np.promote_types(conv_weight.dtype, np.float32).type
    ints = np.zeros(conv_weight.shape, "int8" if bits < 9 else "int16")
    scale = np.ones(O, conv_weight.dtype)
    fused_bias = np.zeros(O, conv_weight.dtype)
    for c in range(O):
        t = f(1 if weight is None else weight[c]) / np.sqrt(f(running_var[c]) + f(eps))
        b = f(0 if conv_bias is None else conv_bias[c])
        beta = f(0 if bias is None else bias[c])
        fused_bias[c] = (b - f(running_mean[c])) * t + beta
        w = conv_weight[c].astype(f) * t
        largest = max(w.max(), -w.min())
        if largest > 0:
            step = largest / f(q)
            scale[c] = step
            ints[c] = np.clip(np.round(w / step), -q, q)
    return ints, scale, fused_bias


def relu6(x):
    if x.dtype.kind != "f":
        raise TypeError(x.dtype)
    y = np.array(x)
    y[y < 0] = 0
    y[y > 6] = 6
    return y
