"""Chan's update part by part, channels first as rows, the paper's derivatives in steps."""

import numpy as np


def merge_moments(counts, means, variances):
    if not 0 < len(counts) == len(means) == len(variances):
        given = (len(counts), len(means), len(variances))
        raise ValueError(f"need equally many of each, 1 at least, got {given}")
    shape = means[0].shape
    for a in [*means, *variances]:
        if a.dtype.kind != "f":
            raise TypeError("floats please")
        if a.ndim != 1 or a.shape != shape:
            raise ValueError(f"expected (C,) as the first, {shape}, got {a.shape}")
    if any(n < 1 for n in counts):
        raise ValueError(f"every count must be at least 1, got {list(counts)}")
    n, mean, m2 = 0, np.zeros(shape), np.zeros(shape)
    for k, mu, v in zip(counts, means, variances):
        delta = mu.astype(float) - mean
        m2 = m2 + v.astype(float) * k + delta**2 * (n * k / (n + k))
        mean = mean + delta * (k / (n + k))
        n += k
    return int(n), mean.astype(means[0].dtype), (m2 / n).astype(means[0].dtype)


def sync_forward(shards, weight, bias, eps=1e-5):
    if len(shards) == 0:
        raise ValueError("expected at least one shard, got none: 0")
    for s in shards:
        if s.dtype.kind != "f":
            raise TypeError("floating only")
        if s.ndim < 2:
            raise ValueError(f"expected (N, C, ...), got {s.shape}")
        if s.shape[1] != shards[0].shape[1]:
            raise ValueError(f"C should be {shards[0].shape[1]}, got {s.shape}")
    C = shards[0].shape[1]
    for p in (weight, bias):
        if p is not None and p.shape != (C,):
            raise ValueError(f"expected ({C},), got {p.shape}")
    flats = [to_rows(s) for s in shards]
    n, mean, var = merge_moments(
        [f.shape[1] for f in flats], [f.mean(1) for f in flats], [f.var(1) for f in flats]
    )
    if n < 2:
        raise ValueError(f"more than one value per channel, got {[s.shape for s in shards]}")
    rstd = (var + eps) ** -0.5
    w = np.ones(C) if weight is None else weight.astype(float)
    b = np.zeros(C) if bias is None else bias.astype(float)
    centred = [f - mean[:, None] for f in flats]
    outs = [xm * (rstd * w)[:, None] + b[:, None] for xm in centred]
    like = [(s.shape, s.dtype) for s in shards]
    cache = {"centred": centred, "rstd": rstd, "w": w, "n": n, "like": like}
    return [from_rows(y, *as_was) for y, as_was in zip(outs, like)], cache


def sync_backward(dys, cache):
    if len(dys) != len(cache["like"]):
        raise ValueError(f"expected {len(cache['like'])} dys, got {len(dys)}")
    for d, (shape, _) in zip(dys, cache["like"]):
        if d.dtype.kind != "f":
            raise TypeError("floats please")
        if d.shape != shape:
            raise ValueError(f"expected {shape}, got {d.shape}")
    xms, rstd, n = cache["centred"], cache["rstd"], cache["n"]
    grads = [to_rows(d) for d in dys]
    dx_hats = [g * cache["w"][:, None] for g in grads]
    dvar = sum((d * xm).sum(1) for d, xm in zip(dx_hats, xms)) * -0.5 * rstd**3
    dmean = -sum(d.sum(1) for d in dx_hats) * rstd
    dxs = [
        d * rstd[:, None] + (2 * dvar / n)[:, None] * xm + (dmean / n)[:, None]
        for d, xm in zip(dx_hats, xms)
    ]
    dweight = sum((g * xm).sum(1) for g, xm in zip(grads, xms)) * rstd
    dbias = sum(g.sum(1) for g in grads)
    return [from_rows(d, *as_was) for d, as_was in zip(dxs, cache["like"])], dweight, dbias


def to_rows(x):
    return np.moveaxis(x.astype(np.float64), 1, 0).reshape(x.shape[1], -1)


def from_rows(rows, shape, dtype):
    n, c, *spatial = shape
    return np.moveaxis(rows.reshape(c, n, *spatial), 0, 1).astype(dtype)
