"""The kernel as a matrix of O rows, in float64; scales by the maximum norm; ReLU6 by where."""

import numpy as np


def quantize_conv_bn(
    conv_weight, conv_bias, running_mean, running_var, weight, bias, eps=1e-5, bits=8
):
    vectors = {"conv_bias": conv_bias, "running_mean": running_mean, "running_var": running_var}
    vectors |= {"weight": weight, "bias": bias}
    given = {name: v for name, v in vectors.items() if v is not None}
    if not all(np.issubdtype(a.dtype, np.floating) for a in (conv_weight, *given.values())):
        raise TypeError("floating arrays expected")
    if not 3 <= len(conv_weight.shape) <= 5:
        raise ValueError(f"conv_weight must have 3, 4 or 5 axes, has {conv_weight.shape}")
    if bits not in range(2, 17):
        raise ValueError(f"2 to 16 bits, got {bits}")
    O = conv_weight.shape[0]
    for name, v in given.items():
        if v.shape != (O,):
            raise ValueError(f"{name}: expected ({O},), got {v.shape}")
    wide = {name: v.astype(float) for name, v in given.items()}
    t = wide.get("weight", 1.0) * (wide["running_var"] + eps) ** -0.5
    shift = t * (wide.get("conv_bias", 0.0) - wide["running_mean"]) + wide.get("bias", 0.0)
    rows = np.einsum("ok,o->ok", conv_weight.astype(float).reshape(O, -1), t)
    scale = np.linalg.norm(rows, np.inf, axis=1) / (2 ** (bits - 1) - 1)
    scale[scale == 0] = 1
    ints = np.around((rows.T / scale).T).reshape(conv_weight.shape)
    ints = ints.astype(np.int8 if bits <= 8 else np.int16)
    return ints, scale.astype(conv_weight.dtype), shift.astype(conv_weight.dtype)


def relu6(x):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError("float")
    return np.where(x > 6, 6, np.where(x < 0, 0, x)).astype(x.dtype)
