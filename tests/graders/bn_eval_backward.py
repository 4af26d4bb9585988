"""What is asked of bn_eval_backward; torch's way of answering is autograd with training=False."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, uniform, within

LEVEL = "mid"
MINUTES = 15
AFTER = ["bn_backward"]
CARD = "eval-backward"


def dbias_and_dweight(impl):
    """dweight, dbias: what each parameter collects from all values of its channel"""
    _, dweight, dbias = _gradients(impl, (4, 3, 5, 2))
    return {"dbias": dbias, "dweight": dweight}


def dx_of_images(impl):
    """dx of (N, C, H, W): the statistics do not move with x"""
    return {"dx": _gradients(impl, (4, 3, 5, 2))[0]}


def takes_any_number_of_spatial_axes(impl):
    """shapes: rows, sequences and volumes"""
    found = {}
    for shape in ((7, 3), (4, 3, 5), (2, 3, 4, 5, 2)):
        dx, dweight, dbias = _gradients(impl, shape)
        found |= {f"{shape}: dx": dx, f"{shape}: dweight": dweight, f"{shape}: dbias": dbias}
    return found


def eps_belongs_to_the_gradient(impl):
    """eps: stands inside the square root, beside running_var"""
    dx, dweight, _ = _gradients(impl, (4, 3, 5), eps=0.5)
    return {"dx": dx, "dweight": dweight}


def without_weight(impl):
    """weight=None: as with ones, and dweight is still there"""
    dx, dweight, dbias = _gradients(impl, (4, 3, 5), weight=None)
    return {"dx": dx, "dweight": dweight, "dbias": dbias}


def needs_no_batch(impl):
    """independence: one value per channel is enough, and a sample's dx ignores the others"""
    x, dy = normal(4, 3, 5, mean=2, std=3), normal(4, 3, 5, mean=0.5, seed=1)
    constants = normal(3, mean=2), normal(3, seed=1), uniform(3)
    alone, dweight, _ = impl.batch_norm_eval_backward(dy[:1, :, :1], x[:1, :, :1], *constants)
    one, _, _ = impl.batch_norm_eval_backward(dy[:1], x[:1], *constants)
    return {"dx of one value": alone, "dweight of one value": dweight, "dx of one sample": one}


def keeps_the_dtype(impl):
    """dtype: all gradients have the dtype of x, whatever that of parameters and statistics is"""
    found = {}
    for name in ("float16", "float32", "float64"):
        for held in (name, "float64"):
            gradients = _gradients(impl, (4, 3, 5), dtype=name, held=held)
            for part, value in zip(("dx", "dweight", "dbias"), gradients, strict=True):
                found[f"{part} of {name}, statistics {held}"] = value.dtype.name
    return found


# The contract asks for 1e-3 of float32 with mean 1000 and spread 1.
@within(1e-3)
def survives_a_large_mean(impl):
    """precision: in float32 a mean of 1000 does not swallow a spread of 1"""
    mean = np.array([1000.0, -1000.0, 10.0])
    x = normal(8, 3, 4, 4, mean=mean[:, None, None], dtype=np.float32)
    dy = normal(8, 3, 4, 4, seed=1, mean=0.5, dtype=np.float32)
    weight, running_var = normal(3, mean=2, dtype=np.float32), uniform(3, dtype=np.float32)
    running_mean = frozen(mean + 0.25, np.float32)
    dx, dweight, dbias = impl.batch_norm_eval_backward(dy, x, weight, running_mean, running_var)
    return {"dx": dx, "dweight": dweight, "dbias": dbias}


def survives_half_precision(impl):
    """float16: a running_var beyond its largest number, and sums that keep counting"""
    # The largest float16 is 65504; 2048 + 1 is 2048 there.
    x = normal(4096, 3, mean=100, std=600, dtype=np.float16)
    dy = normal(4096, 3, mean=1, std=0.5, seed=1, dtype=np.float16)
    weight, running_mean = normal(3, mean=500, dtype=np.float32), normal(3, mean=100, std=9)
    running_var = uniform(3, low=300_000, high=400_000, dtype=np.float32)
    dx, dweight, dbias = impl.batch_norm_eval_backward(dy, x, weight, running_mean, running_var)
    return {"dx": dx[:9], "dweight": dweight, "dbias": dbias}


def takes_views(impl):
    """shapes: one channel, transposed and strided views, a channel that never varied"""
    found = {}
    x, dy = normal(3, 5, 6, 4, mean=2, std=3), normal(6, 3, 4, 5, mean=0.5, seed=1)
    for name, (given, gradient) in {
        "C=1": (normal(4, 1, 3, mean=2), normal(4, 1, 3, seed=1)),
        "views": (x.transpose(0, 3, 1, 2), dy.transpose(1, 2, 3, 0)),
        "every second row": (x[:, :, ::2], normal(3, 5, 6, 4, seed=2)[:, :, 1::2]),
    }.items():
        channels = given.shape[1]
        variance = np.array(uniform(channels))
        variance[-1] = 0.0
        constants = normal(channels, mean=2), normal(channels, seed=1), frozen(variance)
        dx, dweight, _ = impl.batch_norm_eval_backward(gradient, given, *constants, eps=0.01)
        found |= {f"{name}: dx": dx, f"{name}: dweight": dweight}
    return found


def shares_nothing(impl):
    """memory: three new arrays, also where the slope is 1 and dx equals dy"""
    x, dy, ones = normal(4, 3, 5, mean=2), normal(4, 3, 5, seed=1), frozen(np.ones(3))
    found = []
    for weight in (None, ones):
        call = dy, x, weight, normal(3), frozen(np.full(3, 0.75))
        first, second = (impl.batch_norm_eval_backward(*call, eps=0.25) for _ in range(2))
        for one, other in zip(first, second, strict=True):
            found += [np.shares_memory(one, owner) for owner in (dy, x, ones, other)]
    return {"shares memory": found}


def refuses_what_does_not_fit(impl):
    """refusals: axes, the shape of dy, the length of every (C,), integers and booleans"""
    x, dy = normal(4, 3, 5, 2), normal(4, 3, 5, 2, seed=1)
    integers = frozen(np.arange(120).reshape(4, 3, 5, 2))
    axes = r"2 to 5 axes|N, C|two|\b2\b"
    fitting = {"weight": normal(3), "running_mean": normal(3), "running_var": uniform(3)}

    def refused(kind, dy, x, naming=(), **other):
        call = {**fitting, **other}
        return refuses(kind, impl.batch_norm_eval_backward, dy, x, **call, naming=naming)

    found = {
        f"x {shape}": refused(ValueError, normal(*shape), normal(*shape), [axes, shape])
        for shape in ((3,), (1, 3, 1, 4, 5, 6))
    }
    for shape in ((4, 3, 1, 2), (1, 3, 5, 2), (4, 3, 2, 5), (7,)):
        found[f"dy {shape}"] = refused(ValueError, normal(*shape), x, [(4, 3, 5, 2), shape])
    for name in fitting:
        for n in (1, 7):
            values = {name: uniform(n)}
            found[f"{name} ({n},), C=3"] = refused(ValueError, dy, x, [3, (n,)], **values)
    return {
        **found,
        "x of integers": refused(TypeError, dy, integers),
        "x of booleans": refused(TypeError, dy, frozen(x > 0)),
        "dy of integers": refused(TypeError, integers, x),
        "dy of booleans": refused(TypeError, frozen(x > 0), x),
    }


def in_any_shape(impl, draw):
    """any number of spatial axes, any dtype, with and without weight"""
    spatial = [draw.integer(1, 4) for _ in range(draw.integer(0, 3))]
    shape = (draw.integer(1, 5), draw.integer(1, 4), *spatial)
    options = {
        "dtype": draw.choice(["float32", "float64"]),
        "eps": draw.choice([1e-5, 1e-3, 0.3]),
        "seed": draw.integer(0, 99),
    }
    if draw.choice([True, False]):
        options["weight"] = None
    dx, dweight, dbias = _gradients(impl, shape, **options)
    dtypes = [part.dtype.name for part in (dx, dweight, dbias)]
    return {"dtypes": dtypes, "dx": dx, "dweight": dweight, "dbias": dbias}


def _gradients(impl, shape, dtype="float64", held="float64", seed=0, eps=1e-5, **other):
    """Of an x and a dy of that shape; `held` is the dtype of parameters and statistics."""
    channels = shape[1]
    x = normal(*shape, mean=2, std=3, seed=seed, dtype=dtype)
    dy = normal(*shape, mean=0.5, seed=seed + 1, dtype=dtype)
    weight = other.get("weight", normal(channels, mean=2, dtype=held))
    running_mean = normal(channels, mean=1, seed=seed + 2, dtype=held)
    running_var = uniform(channels, low=0.3, high=4, seed=seed, dtype=held)
    return impl.batch_norm_eval_backward(dy, x, weight, running_mean, running_var, eps=eps)


def oracle():
    """torch behind the contract of bn_eval_backward: batch_norm in float64, and autograd."""
    import torch

    def wide(values, needed=False):
        return torch.tensor(values, dtype=torch.float64, requires_grad=needed)

    def batch_norm_eval_backward(dy, x, weight, running_mean, running_var, eps=1e-5):
        for values in (dy, x):
            if values.dtype.kind != "f":
                raise TypeError(f"torch differentiates floating values, got {values.dtype}")
        if not 2 <= x.ndim <= 5:
            raise ValueError(f"expected (N, C, *spatial), 2 to 5 axes, got {x.shape}")
        if dy.shape != x.shape:
            raise ValueError(f"expected dy {x.shape}, got {dy.shape}")
        weight = np.ones(x.shape[1]) if weight is None else weight
        for values in (weight, running_mean, running_var):
            if values.shape != x.shape[1:2]:
                raise ValueError(f"expected {x.shape[1:2]}, got {values.shape}")
        leaves = wide(x, True), wide(weight, True), wide(np.zeros(x.shape[1]), True)
        statistics = wide(running_mean), wide(running_var)
        y = torch.nn.functional.batch_norm(
            leaves[0], *statistics, *leaves[1:], training=False, eps=eps
        )
        gradients = torch.autograd.grad(y, leaves, wide(dy))
        return tuple(gradient.numpy().astype(x.dtype) for gradient in gradients)

    return SimpleNamespace(batch_norm_eval_backward=batch_norm_eval_backward)


EQUIVALENT_MUTANTS = {
    "return values.reshape(-1, *(1,) * (x.ndim - 2)).astype(np.float64) -> "
    "return values.reshape(-2, *(1,) * (x.ndim - 2)).astype(np.float64)": (
        "NumPy takes any negative size as unknown"
    ),
}
