"""In place on a copy of minus the bias, in the wider of the two dtypes, float32 at least."""

import numpy as np


def drop_bias(conv_bias, running_mean):
    if not all(np.issubdtype(a.dtype, np.floating) for a in (conv_bias, running_mean)):
        raise TypeError(f"floating arrays needed: {conv_bias.dtype}, {running_mean.dtype}")
    if not (conv_bias.ndim == running_mean.ndim == 1 and conv_bias.size == running_mean.size):
        raise ValueError(f"two vectors of one length: {conv_bias.shape} vs {running_mean.shape}")
    work = np.result_type(conv_bias, running_mean, np.float32)
    moved = np.negative(conv_bias, dtype=work)
    moved += running_mean
    return moved.astype(running_mean.dtype)
