"""Column by column and sample by sample, the paper's derivatives in steps."""

import numpy as np


def weight_gradients(w, x, dy, scale, eps=1e-12):
    for a in (w, x, dy):
        if a.dtype.kind != "f":
            raise TypeError(f"no gradients in {a.dtype}")
        if a.ndim != 2:
            raise ValueError(f"need two axes, got {a.shape}")
    (N, I), O = x.shape, w.shape[0]
    if w.shape != (O, I):
        raise ValueError(f"w: need {(O, I)}, got {w.shape}")
    if dy.shape != (N, O):
        raise ValueError(f"dy: need {(N, O)}, got {dy.shape}")
    found = []
    for factor in (1.0, scale):
        gradient = np.zeros((O, I))
        for o in range(O):
            z = [factor * sum(w[o, i] * x[n, i] for i in range(I)) for n in range(N)]
            mean = sum(z) / N
            var = sum((v - mean) ** 2 for v in z) / N
            std = (var + eps) ** 0.5
            dvar = sum(dy[n, o] * (z[n] - mean) for n in range(N)) * -0.5 / std**3
            dmean = -sum(dy[:, o]) / std
            for n in range(N):
                dz = dy[n, o] / std + dvar * 2 * (z[n] - mean) / N + dmean / N
                gradient[o] += dz * x[n]
        found.append(gradient)
    return tuple(found)
