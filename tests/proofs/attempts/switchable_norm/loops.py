"""Channel by channel and sample by sample, float32 for narrower inputs."""

import numpy as np


def switchable_norm(x, mean_logits, var_logits, weight, bias, eps=1e-5):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError(f"not floating: {x.dtype}")
    if len(x.shape) < 2:
        raise ValueError(f"expected two axes (N, C) or more, got {x.shape}")
    n, c = x.shape[:2]
    if np.shape(mean_logits) != (3,) or np.shape(var_logits) != (3,):
        raise ValueError(f"3 logits each, got {np.shape(mean_logits)}, {np.shape(var_logits)}")
    for p in (weight, bias):
        if p is not None and np.shape(p) != (c,):
            raise ValueError(f"{np.shape(p)} for {c} channels")
    work = x.astype(np.promote_types(x.dtype, np.float32))
    a, b = (np.exp(np.asarray(z, np.float64) - np.max(z)) for z in (mean_logits, var_logits))
    a, b = a / a.sum(), b / b.sum()
    y = np.empty(x.shape, work.dtype)
    for i in range(n):
        for j in range(c):
            sets = (work[i, j], work[i], work[:, j])
            mean = sum(share * s.mean() for share, s in zip(a, sets, strict=True))
            var = sum(share * s.var() for share, s in zip(b, sets, strict=True))
            y[i, j] = (work[i, j] - mean) / np.sqrt(var + eps)
            y[i, j] *= 1 if weight is None else weight[j]
            y[i, j] += 0 if bias is None else bias[j]
    return y.astype(x.dtype)
