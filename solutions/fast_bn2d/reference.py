"""Time goes where bytes go: x is read from memory once, y is written once, the rest stays in cache.

A few channels at a time fit the cache, so that statistics and normalization need one trip there.
What is summed is x less a centre, the first image's mean: E[d²] − E[d]² cancels nothing then, where
E[x²] − E[x]² gives NaN. Sums of rows and of products are BLAS's; constants are written out along
the rows, because NumPy multiplies two full arrays faster than it stretches one.
"""

import math

import numpy as np

SLAB = 2**22  # bytes of d that are worked on at once: a cache holds them, and calls stay few
LONG = 2**14  # values that one sum of float32 takes: where there is no BLAS, more lose digits


def batch_norm_2d(x, weight, bias, eps=1e-5):
    _refuse(x, weight=weight, bias=bias)
    rows = x.reshape(*x.shape[:2], -1)
    y = np.empty(rows.shape, np.result_type(x.dtype, np.float32))
    for channels, d, mean, inv_std in _slabs(rows, eps, room=y):
        scale = inv_std if weight is None else inv_std * weight[channels]
        # y = γ·(d − mean)/σ + β, with all that is constant in one number per channel.
        shift = -scale * mean if bias is None else bias[channels] - scale * mean
        d *= _written_out(scale, d)
        d += _written_out(shift, d)
    return y.reshape(x.shape).astype(x.dtype, copy=False)


def batch_norm_2d_backward(dy, x, weight, eps=1e-5):
    _refuse(x, weight=weight)
    _refuse_gradient(dy, x)
    rows, dy = x.reshape(*x.shape[:2], -1), dy.reshape(*x.shape[:2], -1)
    m = x.size // x.shape[1]
    dx = np.empty(rows.shape, np.result_type(x.dtype, np.float32))
    dweight, dbias = np.empty(x.shape[1], x.dtype), np.empty(x.shape[1], x.dtype)
    for channels, d, mean, inv_std in _slabs(rows, eps, room=dx):
        some = dy[:, channels]
        sum_dy = _sums(some)
        sum_dy_x_hat = (_dots(some, d) - mean * sum_dy) * inv_std
        # dx = γ/σ · (dy − mean(dy) − x̂·mean(dy·x̂)),   x̂ = (d − mean)/σ: linear in d and in dy.
        slope = -inv_std * sum_dy_x_hat / m
        shift = -sum_dy / m - slope * mean
        scale = inv_std if weight is None else inv_std * weight[channels]
        d *= _written_out(slope, d)
        d += _written_out(shift, d)
        d += some
        d *= _written_out(scale, d)
        dweight[channels], dbias[channels] = sum_dy_x_hat, sum_dy
    return dx.reshape(x.shape).astype(x.dtype, copy=False), dweight, dbias


def _slabs(rows, eps, room):
    """A few channels at a time: d = x less a centre, in its place in `room`; d's mean and 1/σ."""
    m = rows.shape[0] * rows.shape[2]
    slabs = math.ceil(room.nbytes / SLAB)
    for k in range(slabs):  # all of one size: a small last one would cost as many calls
        channels = slice(rows.shape[1] * k // slabs, rows.shape[1] * (k + 1) // slabs)
        x, d = rows[:, channels], room[:, channels]
        np.subtract(x, _written_out(_sums(x[:1]) / x.shape[2], d), out=d)
        mean = _sums(d) / m
        var = _dots(d, d) / m - mean**2
        yield channels, d, mean, 1 / np.sqrt(var + eps)


def _sums(d):
    """(C,) sums: those of a row by BLAS, those of rows in float64; long rows are halved."""
    if half := _half(d):
        return _sums(d[..., :half]) + _sums(d[..., half:])
    return (d @ np.ones(d.shape[2], np.result_type(d, np.float32))).sum(axis=0, dtype=np.float64)


def _dots(d, e):
    """(C,) sums of products, the same way."""
    if half := _half(d):
        return _dots(d[..., :half], e[..., :half]) + _dots(d[..., half:], e[..., half:])
    return np.vecdot(d, e).sum(axis=0, dtype=np.float64)


def _half(d):
    """Where to halve rows that are too long to be summed in float32; 0 for others."""
    return d.shape[2] // 2 if d.shape[2] > LONG else 0


def _written_out(values, d):
    """(C,) as (C, H·W) in the dtype of d: one number per pixel of an image."""
    return np.repeat(values.astype(d.dtype)[:, None], d.shape[2], axis=1)


def _refuse(x, **parameters):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError(f"expected floating values, got {x.dtype}")
    if x.ndim != 4:
        raise ValueError(f"expected (N, C, H, W), got {x.shape}")
    for name, values in parameters.items():
        if values is not None and values.shape != x.shape[1:2]:
            raise ValueError(f"expected {name} {x.shape[1:2]}, got {values.shape}")


def _refuse_gradient(dy, x):
    if not np.issubdtype(dy.dtype, np.floating):
        raise TypeError(f"expected a floating dy, got {dy.dtype}")
    if dy.shape != x.shape:
        raise ValueError(f"expected dy {x.shape}, got {dy.shape}")
