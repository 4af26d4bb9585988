"""Number by number, as Python floats."""

import numpy as np


def drop_bias(conv_bias, running_mean):
    for a in (conv_bias, running_mean):
        if a.dtype.kind != "f":
            raise TypeError(a.dtype.name)
    if conv_bias.ndim != 1 or running_mean.ndim != 1 or len(conv_bias) != len(running_mean):
        raise ValueError(f"conv_bias {conv_bias.shape} does not fit {running_mean.shape}")
    moved = [float(m) - float(b) for m, b in zip(running_mean, conv_bias)]
    return np.array(moved, dtype=running_mean.dtype)
