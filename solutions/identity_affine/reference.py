"""The parameters undo what the normalization did: multiply by what it divided by, add what it took.

So the layer can represent the identity, and normalizing takes nothing from what a network can say.
The denominator holds eps, so the weight does, too. The parameters fit this one batch: in training
the next one has another mean and variance, and no constants give the identity for all of them.
"""

import numpy as np


def identity_parameters(x, eps=1e-5):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError(f"expected floating values, got {x.dtype}")
    if x.ndim < 2:
        raise ValueError(f"expected (N, C, *spatial), got {x.shape}")
    axes = (0, *range(2, x.ndim))
    wide = x.astype(np.float64)
    mean = wide.mean(axis=axes, keepdims=True)
    var = ((wide - mean) ** 2).mean(axis=axes)
    # x̂ = (x − μ) / √(σ² + ε)   ⇔   x = √(σ² + ε) · x̂ + μ
    weight = np.sqrt(var + eps)
    bias = mean.ravel()
    return weight.astype(x.dtype), bias.astype(x.dtype)
