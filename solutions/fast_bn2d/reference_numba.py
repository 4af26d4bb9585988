"""The same trips to memory, with no temporary array at all: what a compiler adds.

Each value is centred, squared and summed while it is in a register. The values of a row are summed
in float32, as many at a time as registers hold, and the rows' sums in float64. REORDER lets the
compiler take the terms of a sum in another order, which the wide registers need; it may not assume
that there is no NaN. Compiled code lies in numba's cache from the second run on.
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numba
import numpy as np

THREADS = 1
RUN = 2**17  # bytes of an image that are read in one piece, so that memory can be read ahead
REORDER = {"reassoc", "contract"}


def batch_norm_2d(x, weight, bias, eps=1e-5):
    _refuse(x, weight=weight, bias=bias)
    rows = _rows(x)
    y = np.empty_like(rows)
    _in_pieces(_forward, rows, _filled(weight, 1, x), _filled(bias, 0, x), eps, y)
    return y.reshape(x.shape).astype(x.dtype, copy=False)


def batch_norm_2d_backward(dy, x, weight, eps=1e-5):
    _refuse(x, weight=weight)
    _refuse_gradient(dy, x)
    rows = _rows(x)
    dx, dweight, dbias = np.empty_like(rows), np.empty(x.shape[1]), np.empty(x.shape[1])
    _in_pieces(_backward, rows, _rows(dy), _filled(weight, 1, x), eps, dx, dweight, dbias)
    dx = dx.reshape(x.shape).astype(x.dtype, copy=False)
    return dx, dweight.astype(x.dtype), dbias.astype(x.dtype)


def _in_pieces(kernel, rows, *arguments):
    """Let the kernel work through all channels, a few at a time."""
    channels = rows.shape[1]
    pieces = min(channels, 1 + rows[0].nbytes // RUN)
    ends = [piece * channels // pieces for piece in range(pieces + 1)]

    def work(first, last):
        kernel(first, last, rows, *arguments)

    if THREADS == 1:
        for first, last in pairwise(ends):
            work(first, last)
    else:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(work, ends, ends[1:]))


@numba.njit(nogil=True, cache=True, fastmath=REORDER)
def _forward(first, last, x, weight, bias, eps, y):
    n, _, length = x.shape
    m = n * length
    centre, sums = _first_means(first, last, x), np.zeros((last - first, 2))
    for i in range(n):
        for j in range(first, last):
            k = centre[j - first]
            s = q = x.dtype.type(0)
            for t in range(length):
                d = x[i, j, t] - k
                s += d
                q += d * d
            sums[j - first, 0] += s
            sums[j - first, 1] += q
    constants = np.empty((last - first, 2), x.dtype)
    for j in range(first, last):
        mean = sums[j - first, 0] / m
        gain = weight[j] / np.sqrt(sums[j - first, 1] / m - mean * mean + eps)
        constants[j - first, 0], constants[j - first, 1] = gain, bias[j] - gain * mean
    for i in range(n):
        for j in range(first, last):
            k, gain, shift = centre[j - first], constants[j - first, 0], constants[j - first, 1]
            for t in range(length):
                y[i, j, t] = (x[i, j, t] - k) * gain + shift


@numba.njit(nogil=True, cache=True, fastmath=REORDER)
def _backward(first, last, x, dy, weight, eps, dx, dweight, dbias):
    n, _, length = x.shape
    m = n * length
    centre, sums = _first_means(first, last, x), np.zeros((last - first, 4))
    for i in range(n):
        for j in range(first, last):
            k = centre[j - first]
            s = q = g = p = x.dtype.type(0)
            for t in range(length):
                d = x[i, j, t] - k
                s += d
                q += d * d
                g += dy[i, j, t]
                p += dy[i, j, t] * d
            sums[j - first, 0] += s
            sums[j - first, 1] += q
            sums[j - first, 2] += g
            sums[j - first, 3] += p
    constants = np.empty((last - first, 3), x.dtype)
    for j in range(first, last):
        s, q, g, p = sums[j - first]
        mean = s / m
        inv_std = 1 / np.sqrt(q / m - mean * mean + eps)
        dbias[j], dweight[j] = g, (p - mean * g) * inv_std
        # dx = gain·(dy − mean(dy) + slope·(d − mean)): one factor of dy, one of d, one constant.
        gain, slope = inv_std * weight[j], -inv_std * dweight[j] / m
        constants[j - first, 0] = gain
        constants[j - first, 1] = gain * slope
        constants[j - first, 2] = -gain * (g / m + slope * mean)
    for i in range(n):
        for j in range(first, last):
            k = centre[j - first]
            a, b, shift = constants[j - first]
            for t in range(length):
                dx[i, j, t] = a * dy[i, j, t] + b * (x[i, j, t] - k) + shift


@numba.njit(nogil=True, cache=True, fastmath=REORDER)
def _first_means(first, last, x):
    """The first image's mean of each channel, near enough to centre all the others."""
    means = np.empty(last - first, x.dtype)
    for j in range(first, last):
        total = 0.0
        for t in range(x.shape[2]):
            total += x[0, j, t]
        means[j - first] = total / x.shape[2]
    return means


def _rows(x):
    """(N, C, H·W), contiguous, in float32 or better."""
    wide = np.result_type(x.dtype, np.float32)
    return np.ascontiguousarray(x.reshape(*x.shape[:2], -1), dtype=wide)


def _filled(values, default, x):
    """A parameter in float64, (C,); all `default` if it is None."""
    return np.full(x.shape[1], float(default)) if values is None else values.astype(np.float64)


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
