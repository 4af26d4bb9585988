"""math.tanh, value by value."""

import math

import numpy as np


def dynamic_tanh(x, alpha, weight, bias):
    if x.dtype.kind != "f":
        raise TypeError(f"x has to be floating, is {x.dtype}")
    if x.shape == ():
        raise ValueError(f"x needs an axis for weight, got {x.shape}")
    if np.asarray(alpha).size != 1:
        raise ValueError(f"one alpha, not {np.shape(alpha)}")
    d = x.shape[-1]
    for p in (weight, bias):
        if p is not None and np.shape(p) != (d,):
            raise ValueError(f"expected ({d},), got {np.shape(p)}")
    a = float(np.asarray(alpha).ravel()[0])
    y = np.empty_like(x)
    for place in np.ndindex(*x.shape):
        value = math.tanh(a * float(x[place]))
        value *= 1.0 if weight is None else float(weight[place[-1]])
        y[place] = value + (0.0 if bias is None else float(bias[place[-1]]))
    return y
