"""A filter is a population of I·kH·kW numbers: it is centred and scaled, whatever the data.

No statistic of any batch is needed, so it goes well with group normalization where batches are
small. The optimizer still moves the raw weight; the convolution sees only its shape. A filter that
sums to 0 gives nothing for a constant input.
"""

import numpy as np


def standardize_weight(weight, eps=1e-5):
    if not np.issubdtype(weight.dtype, np.floating):
        raise TypeError(f"expected floating values, got {weight.dtype}")
    if weight.ndim != 4:
        raise ValueError(f"expected (O, I, kH, kW), got {weight.shape}")
    # Each output channel is one filter, over all its inputs and taps.
    filters = (1, 2, 3)
    # float64 leaves room for every dtype's sums; w - mean cannot cancel as E[w²] - E[w]² does.
    wide = weight.astype(np.float64)
    mean = wide.mean(axis=filters, keepdims=True)
    var = ((wide - mean) ** 2).mean(axis=filters, keepdims=True)
    standardized = (wide - mean) / np.sqrt(var + eps)
    return standardized.astype(weight.dtype)
