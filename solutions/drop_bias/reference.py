"""A constant added before a mean is subtracted only moves the mean.

In evaluation (z + b) − μ = z − (μ − b): the running mean takes the bias over. In training the mean
of z + b is the mean of z, plus b, and b cancels whatever it is: the output does not depend on b,
and its gradient is zero. Only the running mean keeps a trace of it.
"""

import numpy as np


def drop_bias(conv_bias, running_mean):
    for array in (conv_bias, running_mean):
        if not np.issubdtype(array.dtype, np.floating):
            raise TypeError(f"expected floating values, got {array.dtype}")
    if running_mean.ndim != 1 or conv_bias.shape != running_mean.shape:
        raise ValueError(f"expected (C,) twice, got {conv_bias.shape} and {running_mean.shape}")
    # Both may be large and nearly equal, so that neither is rounded before the difference is taken.
    return (running_mean.astype(np.float64) - conv_bias).astype(running_mean.dtype)
