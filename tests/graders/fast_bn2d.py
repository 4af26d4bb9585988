"""What is asked of fast_bn2d; torch's way of answering is batch_norm and autograd.

Speed is no check: a verdict must not depend on what else the machine does. benchmarks/speed.py
measures it.
"""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, uniform, within

LEVEL = "senior"
MINUTES = 60
AFTER = ["bn_backward"]
CARD = "channel-loop"
ALLOWS = ["numba"]
SECONDS = 60  # numba compiles every function again for every check

# How far a float32 answer may be off where the mean is 10,000 standard deviations. x itself is
# then known to 5e-4 of a deviation; what is asked is the answer for those very numbers. Centred
# sums of float32 are good for 1e-5, torch's own float32 for 1e-4 to 1e-3, raw moments for nothing.
FAR_AWAY = 1e-4


def normalizes_each_channel(impl):
    """forward: every channel is normalized over N, H and W, then scaled and shifted"""
    mean, std = normal(3, 1, 1, mean=2, std=3), uniform(3, 1, 1, low=0.5, high=3)
    x = normal(4, 3, 5, 2, mean=mean, std=std)
    return {"y": impl.batch_norm_2d(x, normal(3, mean=2), normal(3, mean=-1, seed=1))}


def dweight_and_dbias_are_sums(impl):
    """dweight, dbias: what each parameter collects from all values of its channel"""
    _, dweight, dbias = _gradients(impl)
    return {"dbias": dbias, "dweight": dweight}


def dx_goes_three_ways(impl):
    """dx: directly, through the mean and through the variance"""
    return {"dx": _gradients(impl)[0]}


def eps_stands_inside_the_root(impl):
    """eps: stands inside the square root, in the forward pass and in the backward pass"""
    x, dy = normal(4, 3, 2, 5, mean=1, std=0.7), normal(4, 3, 2, 5, mean=0.5, seed=1)
    weight, bias = normal(3, mean=2), normal(3, seed=1)
    dx, dweight, _ = impl.batch_norm_2d_backward(dy, x, weight, eps=0.5)
    return {"y": impl.batch_norm_2d(x, weight, bias, eps=0.5), "dx": dx, "dweight": dweight}


def without_weight_or_bias(impl):
    """weight and bias: None, alone or both, stands for ones and zeros"""
    x, dy = normal(4, 3, 2, 5, mean=2, std=3), normal(4, 3, 2, 5, mean=0.5, seed=1)
    weight, bias = normal(3, mean=2), normal(3, mean=-1, seed=1)
    dx, dweight, dbias = impl.batch_norm_2d_backward(dy, x, None)
    return {
        "weight=None: y": impl.batch_norm_2d(x, None, bias),
        "bias=None: y": impl.batch_norm_2d(x, weight, None),
        "both None: y": impl.batch_norm_2d(x, None, None),
        "weight=None: dx": dx,
        "weight=None: dweight": dweight,
        "weight=None: dbias": dbias,
    }


def keeps_the_dtype(impl):
    """dtype: y and all gradients have the dtype of x, whatever that of the parameters is"""
    found = {}
    for name in ("float16", "float32", "float64"):
        x, dy = normal(4, 3, 5, 2, mean=2, dtype=name), normal(4, 3, 5, 2, seed=1, dtype=name)
        weight, bias = normal(3, mean=2), normal(3, seed=1)
        gradients = impl.batch_norm_2d_backward(dy, x, weight)
        parts = (impl.batch_norm_2d(x, weight, bias), *gradients)
        for part, value in zip(("y", "dx", "dweight", "dbias"), parts, strict=True):
            found[f"{part} of {name}"] = value.dtype.name
    return found


@within(1e-3)  # what the contract of every exercise asks for
def survives_a_large_mean(impl):
    """precision: in float32 a mean of 1000 does not swallow a spread of 1"""
    return _with_mean(impl, 1000.0)


@within(FAR_AWAY)
def survives_a_mean_of_10000(impl):
    """precision: in float32 a mean of 10,000 standard deviations, where E[x²] - E[x]² gives NaN"""
    return _with_mean(impl, 10_000.0)


@within(FAR_AWAY)
def survives_an_outlying_image(impl):
    """precision: the first image is black, all others are far from it and nearly constant"""
    x = np.array(normal(6, 3, 5, 4, mean=3000, std=1, dtype=np.float32))
    x[0] = 0
    dy = normal(6, 3, 5, 4, seed=1, dtype=np.float32)
    weight, bias = normal(3, mean=2, dtype=np.float32), normal(3, dtype=np.float32)
    dx, dweight, dbias = impl.batch_norm_2d_backward(dy, frozen(x), weight)
    y = impl.batch_norm_2d(frozen(x), weight, bias)
    return {"y": y, "dx times 1000": dx * 1000, "dweight": dweight, "dbias": dbias}


def survives_half_precision(impl):
    """float16: squares do not overflow, and long sums keep counting"""
    # 600² is beyond the largest float16; 2048 + 1 is 2048 there.
    x = normal(64, 3, 8, 8, mean=100, std=600, dtype=np.float16)
    dy = normal(64, 3, 8, 8, mean=1, std=0.5, seed=1, dtype=np.float16)
    weight, bias = normal(3, mean=500, dtype=np.float16), normal(3, mean=9, dtype=np.float16)
    dx, dweight, dbias = impl.batch_norm_2d_backward(dy, x, weight)
    y = impl.batch_norm_2d(x, weight, bias)
    return {"y": y[:2], "dx": dx[:2], "dweight": dweight, "dbias": dbias}


def takes_odd_shapes_and_views(impl):
    """shapes: one image, one channel, one pixel, one value, a constant channel, views"""
    found = {}
    x, dy = normal(3, 5, 6, 4, mean=2, std=3), normal(6, 3, 4, 5, mean=0.5, seed=1)
    constant = frozen(normal(5, 3, 2, 2) * np.array([1.0, 0.0, 2.0])[:, None, None] + 0.5)
    for name, (given, gradient) in {
        "N=1": (normal(1, 3, 4, 5, mean=2), normal(1, 3, 4, 5, seed=1)),
        "C=1": (normal(4, 1, 3, 5, mean=2), normal(4, 1, 3, 5, seed=1)),
        "H=W=1": (normal(6, 3, 1, 1, mean=2), normal(6, 3, 1, 1, seed=1)),
        "m=1": (normal(1, 3, 1, 1, mean=2), normal(1, 3, 1, 1, seed=1)),
        "a constant channel": (constant, normal(5, 3, 2, 2, seed=1)),
        "views": (x.transpose(0, 3, 1, 2), dy.transpose(1, 2, 3, 0)),
        "every second row": (x[:, :, ::2], normal(3, 5, 6, 4, seed=2)[:, :, 1::2]),
        "channels last": (x.transpose(0, 2, 3, 1), normal(3, 6, 4, 5, seed=2)),
    }.items():
        weight, bias = normal(given.shape[1], mean=2), normal(given.shape[1], seed=1)
        dx, dweight, dbias = impl.batch_norm_2d_backward(gradient, given, weight, eps=0.01)
        y = impl.batch_norm_2d(given, weight, bias, eps=0.01)
        found |= {f"{name}: y": y, f"{name}: dx": dx}
        found |= {f"{name}: dweight": dweight, f"{name}: dbias": dbias}
    return found


@within(FAR_AWAY)  # as far off are half a million values of float32, summed one after the other
def takes_more_than_a_cache_holds(impl):
    """shapes: many small images, and a few large ones, as make working in pieces pay"""
    found = {}
    for name, shape, some in (
        ("many small images", (6667, 37, 2, 3), np.s_[::600]),
        ("two large images", (2, 3, 806, 701), np.s_[:, :, ::200, ::140]),
    ):
        c = shape[1]
        x = normal(*shape, mean=normal(c, 1, 1, mean=2), dtype=np.float32)
        dy = normal(*shape, mean=0.5, seed=1, dtype=np.float32)
        weight, bias = normal(c, mean=2), normal(c, seed=1)
        dx, dweight, dbias = impl.batch_norm_2d_backward(dy, x, weight)
        y = impl.batch_norm_2d(x, weight, bias)
        m = x.size // c
        found |= {f"{name}: y": y[some], f"{name}: dx": dx[some]}
        found |= {f"{name}: dweight / m": dweight / m, f"{name}: dbias / m": dbias / m}
    return found


def what_comes_back_is_new(impl):
    """memory: whoever writes to y or to dx, as an in-place ReLU does, changes no other result"""
    x, dy = normal(4, 3, 2, 5, mean=2, std=3), normal(4, 3, 2, 5, mean=0.5, seed=1)
    one, other = impl.batch_norm_2d(x, None, None), impl.batch_norm_2d(x, None, None)
    first = impl.batch_norm_2d_backward(dy, x, None)
    kept = [part.copy() for part in (one, *first)]
    second = impl.batch_norm_2d_backward(frozen(-dy), x, None)
    shared = [np.shares_memory(one, owner) for owner in (x, other)]
    for part, again in zip(first, second, strict=True):
        shared += [np.shares_memory(part, owner) for owner in (x, dy, again)]
    other[...] = 7
    for part in second:
        part[...] = 7
    changed = [bool(np.any(part != was)) for part, was in zip((one, *first), kept, strict=True)]
    return {"y": one, "dx": first[0], "shares memory": shared, "changed later": changed}


def refuses_what_does_not_fit(impl):
    """refusals: axes, the length of weight and bias, the shape of dy, integers and booleans"""
    forward, backward = impl.batch_norm_2d, impl.batch_norm_2d_backward
    x, weight, bias = normal(4, 3, 5, 2), normal(3), normal(3, seed=1)
    integers = frozen(np.arange(120).reshape(4, 3, 5, 2))
    rank = r"(N, C, H, W)|N, C|\b4\b|four"

    def with_gradient(dy):
        return refuses(ValueError, backward, dy, x, weight, naming=[(4, 3, 5, 2), dy.shape])

    told = {}
    for given in (normal(4, 3), normal(2, 3, 5), normal(1, 3, 1, 4, 5)):
        naming = [rank, given.shape]
        told |= {
            f"x {given.shape}": refuses(ValueError, forward, given, weight, bias, naming=naming),
            f"x {given.shape}, backward": refuses(
                ValueError, backward, given, given, weight, naming=naming
            ),
        }
    return {
        **told,
        "weight (1,), C=3": refuses(ValueError, forward, x, normal(1), bias, naming=[3, (1,)]),
        "weight (7,), C=3": refuses(ValueError, forward, x, normal(7), bias, naming=[3, (7,)]),
        "bias (1,), C=3": refuses(ValueError, forward, x, weight, normal(1), naming=[3, (1,)]),
        "bias (7,), C=3": refuses(ValueError, forward, x, None, normal(7), naming=[3, (7,)]),
        "weight (1,), C=3, backward": refuses(
            ValueError, backward, x, x, normal(1), naming=[3, (1,)]
        ),
        "weight (7,), C=3, backward": refuses(
            ValueError, backward, x, x, normal(7), naming=[3, (7,)]
        ),
        "dy (4, 3, 1, 2)": with_gradient(normal(4, 3, 1, 2)),
        "dy (4, 3, 2, 5)": with_gradient(normal(4, 3, 2, 5)),
        "dy (1, 3, 5, 2)": with_gradient(normal(1, 3, 5, 2)),
        "x of integers": refuses(TypeError, forward, integers, weight, bias),
        "x of booleans": refuses(TypeError, forward, frozen(x > 0), weight, bias),
        "x of integers, backward": refuses(TypeError, backward, x, integers, weight),
        "dy of integers": refuses(TypeError, backward, integers, x, weight),
        "dy of booleans": refuses(TypeError, backward, frozen(x > 0), x, weight),
    }


def in_any_shape(impl, draw):
    """any shape and dtype, with and without parameters"""
    shape = tuple(draw.integer(1, 5) for _ in range(4))
    dtype, seed = draw.choice(["float32", "float64"]), draw.integer(0, 99)
    x = normal(
        *shape, mean=draw.integer(-9, 9), std=draw.choice([0.25, 1, 4]), seed=seed, dtype=dtype
    )
    dy = normal(*shape, mean=draw.choice([0, 0.5]), seed=seed + 1, dtype=dtype)
    weight = draw.choice([None, normal(shape[1], mean=1)])
    bias, eps = draw.choice([None, normal(shape[1], seed=1)]), draw.choice([1e-3, 0.3])
    y = impl.batch_norm_2d(x, weight, bias, eps=eps)
    dx, dweight, dbias = impl.batch_norm_2d_backward(dy, x, weight, eps=eps)
    dtypes = [part.dtype.name for part in (y, dx, dweight, dbias)]
    return {"dtypes": dtypes, "y": y, "dx": dx, "dweight": dweight, "dbias": dbias}


def _gradients(impl):
    mean, std = normal(3, 1, 1, mean=2, std=3), uniform(3, 1, 1, low=0.5, high=3)
    x, dy = normal(4, 3, 5, 2, mean=mean, std=std), normal(4, 3, 5, 2, mean=0.5, seed=1)
    return impl.batch_norm_2d_backward(dy, x, normal(3, mean=2))


def _with_mean(impl, mean):
    signs = np.array([[[1.0]], [[-1.0]], [[0.01]]])
    x = normal(8, 3, 6, 7, mean=mean * signs, dtype=np.float32)
    dy = normal(8, 3, 6, 7, mean=0.5, seed=1, dtype=np.float32)
    weight, bias = normal(3, mean=2, dtype=np.float32), normal(3, dtype=np.float32)
    dx, dweight, dbias = impl.batch_norm_2d_backward(dy, x, weight)
    y = impl.batch_norm_2d(x, weight, bias)
    return {"y": y, "dx": dx, "dweight": dweight, "dbias": dbias}


def oracle():
    """torch behind the contract of fast_bn2d: batch_norm in float64, and autograd."""
    import torch

    def batch_norm_2d(x, weight, bias, eps=1e-5):
        return _forward(x, weight, bias, eps)[0].detach().numpy().astype(x.dtype)

    def batch_norm_2d_backward(dy, x, weight, eps=1e-5):
        y, leaves = _forward(x, weight, None, eps)
        if dy.dtype.kind != "f":
            raise TypeError(f"torch differentiates floating values, got {dy.dtype}")
        if dy.shape != x.shape:
            raise ValueError(f"expected {x.shape}, got {dy.shape}")
        gradients = torch.autograd.grad(y, leaves, torch.tensor(dy, dtype=torch.float64))
        return tuple(gradient.numpy().astype(x.dtype) for gradient in gradients)

    def _forward(x, weight, bias, eps):
        if x.dtype.kind != "f":
            raise TypeError(f"torch normalizes floating values, got {x.dtype}")
        if x.ndim != 4:
            raise ValueError(f"expected (N, C, H, W), got {x.shape}")
        channels = x.shape[1]
        weight = np.ones(channels) if weight is None else weight
        bias = np.zeros(channels) if bias is None else bias
        for values in (weight, bias):
            if values.shape != (channels,):
                raise ValueError(f"expected ({channels},), got {values.shape}")
        leaves = [
            torch.tensor(values, dtype=torch.float64, requires_grad=True)
            for values in (x, weight, bias)
        ]
        # torch.nn.functional.batch_norm refuses one value per channel; what it calls does not.
        return torch.batch_norm(*leaves, None, None, True, 0.0, eps, False), leaves

    return SimpleNamespace(
        batch_norm_2d=batch_norm_2d, batch_norm_2d_backward=batch_norm_2d_backward
    )


EQUIVALENT_MUTANTS = {
    "SLAB = 2 ** 22 -> SLAB = 3 ** 22": "another size of the pieces: speed alone",
    "SLAB = 2 ** 22 -> SLAB = 2 ** 23": "another size of the pieces: speed alone",
    "LONG = 2 ** 14 -> LONG = 2 * 14": "shorter sums of float32: speed alone",
    "LONG = 2 ** 14 -> LONG = 3 ** 14": "BLAS sums longer rows well, too",
    "LONG = 2 ** 14 -> LONG = 2 ** 15": "BLAS sums longer rows well, too",
    "rows = x.reshape(*x.shape[:2], -1) -> "
    "rows = x.reshape(*x.shape[:2], -2)": "NumPy takes any negative size as unknown",
    "y = np.empty(rows.shape, np.result_type(x.dtype, np.float32)) -> "
    "y = np.empty(rows.shape, np.result_type(np.float32, "
    "x.dtype))": "the wider of two, in either order",
    "return y.reshape(x.shape).astype(x.dtype, copy=False) -> "
    "return y.reshape(x.shape).astype(x.dtype)": "one copy more: speed alone",
    "return y.reshape(x.shape).astype(x.dtype, copy=False) -> "
    "return y.reshape(x.shape).astype(x.dtype, copy=True)": "one copy more: speed alone",
    "rows, dy = (x.reshape(*x.shape[:2], -1), dy.reshape(*x.shape[:2], -1)) -> "
    "rows, dy = (x.reshape(*x.shape[:2], -2), "
    "dy.reshape(*x.shape[:2], -1))": "NumPy takes any negative size as unknown",
    "rows, dy = (x.reshape(*x.shape[:2], -1), dy.reshape(*x.shape[:2], -1)) -> "
    "rows, dy = (x.reshape(*x.shape[:2], -1), "
    "dy.reshape(*x.shape[:2], -2))": "NumPy takes any negative size as unknown",
    "dx = np.empty(rows.shape, np.result_type(x.dtype, np.float32)) -> "
    "dx = np.empty(rows.shape, np.result_type(np.float32, "
    "x.dtype))": "the wider of two, in either order",
    "sum_dy_x_hat = (_dots(some, d) - mean * sum_dy) * inv_std -> "
    "sum_dy_x_hat = (_dots(d, some) - mean * sum_dy) * inv_std": "a product has no order",
    "return (dx.reshape(x.shape).astype(x.dtype, copy=False), dweight, dbias) -> "
    "return (dx.reshape(x.shape).astype(x.dtype), dweight, dbias)": "one copy more: speed alone",
    "return (dx.reshape(x.shape).astype(x.dtype, copy=False), dweight, dbias) -> "
    "return (dx.reshape(x.shape).astype(x.dtype, copy=True), "
    "dweight, dbias)": "one copy more: speed alone",
    "channels = slice(rows.shape[1] * k // slabs, rows.shape[1] * (k + 1) // slabs) -> "
    "channels = slice(rows.shape[1] * k // slabs, "
    "rows.shape[1] * (k + 1) * slabs)": "some channels are done again: speed alone",
    "channels = slice(rows.shape[1] * k // slabs, rows.shape[1] * (k + 1) // slabs) -> "
    "channels = slice(rows.shape[1] * k // slabs, "
    "rows.shape[1] * (k + 2) // slabs)": "some channels are done again: speed alone",
    "var = _dots(d, d) / m - mean ** 2 -> var = _dots(d, d) / m - mean ** 2": "swaps d with d",
    "return (d @ np.ones(d.shape[2], np.result_type(d, "
    "np.float32))).sum(axis=0, dtype=np.float64) -> "
    "return (d @ np.ones(d.shape[2], "
    "np.result_type(np.float32, d))).sum(axis=0, "
    "dtype=np.float64)": "the wider of two, in either order",
    "return (d @ np.ones(d.shape[2], np.result_type(d, "
    "np.float32))).sum(axis=0, dtype=np.float64) -> "
    "return (d @ np.ones(d.shape[2], "
    "np.result_type(d, "
    "np.float32))).sum(axis=0)": "rows' sums rounded to float32: less than the tolerance",
    "return _dots(d[..., :half], e[..., :half]) + _dots(d[..., half:], e[..., half:]) -> "
    "return _dots(e[..., :half], d[..., :half]) + "
    "_dots(d[..., half:], e[..., half:])": "a product has no order",
    "return _dots(d[..., :half], e[..., :half]) + _dots(d[..., half:], e[..., half:]) -> "
    "return _dots(d[..., :half], e[..., :half]) + "
    "_dots(e[..., half:], d[..., half:])": "a product has no order",
    "return np.vecdot(d, e).sum(axis=0, dtype=np.float64) -> "
    "return np.vecdot(e, d).sum(axis=0, dtype=np.float64)": "a product has no order",
    "return np.vecdot(d, e).sum(axis=0, dtype=np.float64) -> "
    "return np.vecdot(d, e).sum(axis=0)": "rows' sums rounded to float32: less than the tolerance",
    "return d.shape[2] // 2 if d.shape[2] > LONG else 0 -> "
    "return d.shape[2] // 2 if not d.shape[2] > LONG else 0": "BLAS sums longer rows well, too",
    "return d.shape[2] // 2 if d.shape[2] > LONG else 0 -> "
    "return d.shape[2] // 2 if d.shape[2] >= LONG else 0": "halves one length more",
    "return d.shape[2] // 2 if d.shape[2] > LONG else 0 -> "
    "return d.shape[2] // 3 if d.shape[2] > LONG else 0": "a third and the rest: as exact",
}
