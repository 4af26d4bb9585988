"""Convolution is linear in its kernel: a sum of convolutions is the convolution with the sum.

For that the branches need kernels of one size. A 1x1 kernel is a 3x3 kernel whose border is zero,
and the identity is the 1x1 kernel that takes each channel from itself. Each branch is folded with
its own batch norm first, y = t·(W∗x) + β − t·μ: only what is left after that may be added.
"""

import numpy as np


def reparameterize(conv3, bn3, conv1, bn1, bn_identity=None, eps=1e-5):
    _refuse(conv3, conv1, [bn for bn in (bn3, bn1, bn_identity) if bn is not None])
    # The middle tap is the pixel itself, which is all that a 1x1 kernel sees.
    point = np.zeros(conv3.shape)
    point[:, :, 1, 1] = conv1[:, :, 0, 0]
    branches = [(conv3, bn3), (point, bn1)]
    if bn_identity is not None:
        if conv3.shape[0] != conv3.shape[1]:
            raise ValueError(f"expected O = I for the identity, got {conv3.shape}")
        # Output channel c is input channel c and no other.
        same = np.zeros(conv3.shape)
        same[:, :, 1, 1] = np.eye(len(conv3))
        branches.append((same, bn_identity))
    folded = [_fold(kernel, bn, eps) for kernel, bn in branches]
    kernel = sum(kernel for kernel, _ in folded)
    bias = sum(bias for _, bias in folded)
    return kernel.astype(conv3.dtype), bias.astype(conv3.dtype)


def _fold(kernel, bn, eps):
    mean, var, gamma, beta = (vector.astype(np.float64) for vector in bn)
    t = gamma / np.sqrt(var + eps)
    return kernel * t[:, None, None, None], beta - mean * t


def _refuse(conv3, conv1, norms):
    for array in (conv3, conv1, *(vector for bn in norms for vector in bn)):
        if not np.issubdtype(array.dtype, np.floating):
            raise TypeError(f"expected floating values, got {array.dtype}")
    if conv3.ndim != 4 or conv3.shape[2:] != (3, 3):
        raise ValueError(f"expected conv3 of shape (O, I, 3, 3), got {conv3.shape}")
    if conv1.shape != (*conv3.shape[:2], 1, 1):
        raise ValueError(f"expected conv1 of shape {(*conv3.shape[:2], 1, 1)}, got {conv1.shape}")
    for vector in (vector for bn in norms for vector in bn):
        if vector.shape != conv3.shape[:1]:
            raise ValueError(f"expected vectors of shape {conv3.shape[:1]}, got {vector.shape}")
