"""Output channel by output channel, branch by branch."""

import numpy as np


def reparameterize(conv3, bn3, conv1, bn1, bn_identity=None, eps=1e-5):
    norms = [bn3, bn1]
    if bn_identity is not None:
        norms.append(bn_identity)
    for a in [conv3, conv1] + [v for bn in norms for v in bn]:
        if a.dtype.kind != "f":
            raise TypeError(f"floating values needed, got {a.dtype}")
    if conv3.ndim != 4 or conv3.shape[2] != 3 or conv3.shape[3] != 3:
        raise ValueError(f"need (O, I, 3, 3), got {conv3.shape}")
    O, I = conv3.shape[:2]
    if conv1.shape != (O, I, 1, 1):
        raise ValueError(f"need {(O, I, 1, 1)}, got {conv1.shape}")
    if bn_identity is not None and O != I:
        raise ValueError(f"identity needs equal channels, got {O} and {I}: {conv3.shape}")
    for bn in norms:
        for v in bn:
            if v.shape != (O,):
                raise ValueError(f"need ({O},), got {v.shape}")
    kernel, bias = np.zeros((O, I, 3, 3)), np.zeros(O)
    for o in range(O):
        for branch, bn in enumerate(norms):
            mean, var, gamma, beta = (float(v[o]) for v in bn)
            t = gamma / (var + eps) ** 0.5
            if branch == 0:
                kernel[o] += t * conv3[o].astype(float)
            elif branch == 1:
                kernel[o, :, 1, 1] += t * conv1[o, :, 0, 0].astype(float)
            else:
                kernel[o, o, 1, 1] += t
            bias[o] += beta - t * mean
    return kernel.astype(conv3.dtype), bias.astype(conv3.dtype)
