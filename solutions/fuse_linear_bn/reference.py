"""Two affine maps in a row are one affine map.

z = Wx + b, then y = t·(z − μ) + β with t = γ/√(σ² + ε) per output feature. Multiplying feature c by
t_c multiplies row c of W, which makes it, and no other: y = (diag(t)·W)x + [t·(b − μ) + β]. In
training it cannot be done: there μ and σ² depend on the batch.
"""

import numpy as np


def fuse_linear_bn(weight, bias, running_mean, running_var, bn_weight, bn_bias, eps=1e-5):
    _refuse(weight, (bias, running_mean, running_var, bn_weight, bn_bias))
    mean, var = running_mean.astype(np.float64), running_var.astype(np.float64)
    b = 0.0 if bias is None else bias
    gamma = 1.0 if bn_weight is None else bn_weight
    beta = 0.0 if bn_bias is None else bn_bias
    t = gamma / np.sqrt(var + eps)
    # Row c of W makes feature c.
    fused_weight = weight * t[:, None]
    # b − μ first: exact where the two are nearly equal; t·b − t·μ would be rounded twice before.
    fused_bias = (b - mean) * t + beta
    return fused_weight.astype(weight.dtype), fused_bias.astype(weight.dtype)


def _refuse(matrix, vectors):
    for array in (matrix, *vectors):
        if array is not None and not np.issubdtype(array.dtype, np.floating):
            raise TypeError(f"expected floating values, got {array.dtype}")
    if matrix.ndim != 2:
        raise ValueError(f"expected a weight of shape (O, I), got {matrix.shape}")
    for vector in vectors:
        if vector is not None and vector.shape != (matrix.shape[0],):
            raise ValueError(f"expected vectors of shape ({matrix.shape[0]},), got {vector.shape}")
