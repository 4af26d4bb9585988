"""What is asked of bn_backward_steps; torch's way of answering is autograd, every step retained."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, uniform, within

LEVEL = "mid"
MINUTES = 25
AFTER = ["bn1d"]
CARD = "backward-pass"

NAMES = ("dx_hat", "dvar", "dmean", "dx", "dweight", "dbias")


def dbias_and_dweight(impl):
    """dweight, dbias: what reaches the two parameters from all rows"""
    steps = _steps(impl)
    return {"dbias": steps["dbias"], "dweight": steps["dweight"]}


def dx_hat(impl):
    """dx_hat: one step back from y"""
    return {"dx_hat": _steps(impl)["dx_hat"]}


def dvar(impl):
    """dvar: what reaches the variance from all rows"""
    return {"dvar": _steps(impl)["dvar"]}


def dmean(impl):
    """dmean: what reaches the mean from all rows"""
    return {"dmean": _steps(impl)["dmean"]}


def dx(impl):
    """dx: directly, through the mean and through the variance"""
    return {"dx": _steps(impl)["dx"]}


def eps_belongs_to_every_power(impl):
    """eps: stands beside the variance in every power of it"""
    x, dy = normal(6, 3, mean=1, std=0.7), normal(6, 3, mean=0.5, seed=1)
    steps = impl.batch_norm_backward_steps(dy, x, normal(3, mean=2), eps=0.5)
    return {name: steps[name] for name in ("dweight", "dvar", "dmean", "dx")}


def without_weight(impl):
    """weight=None: as with ones, and dweight is still there"""
    x, dy = normal(6, 3, mean=2, std=3), normal(6, 3, mean=0.5, seed=1)
    return _all(impl.batch_norm_backward_steps(dy, x, None))


def takes_odd_shapes_and_views(impl):
    """shapes: one feature, two rows, one row, a constant feature, views"""
    found = {}
    constant = frozen(normal(5, 3) * np.array([1.0, 0.0, 2.0]) + 0.5)
    rows = normal(9, 4, mean=2, std=3)
    for name, (x, dy) in {
        "D=1": (normal(6, 1, mean=2), normal(6, 1, seed=1)),
        "N=2": (normal(2, 3, mean=2), normal(2, 3, seed=1)),
        "N=1": (normal(1, 3, mean=2), normal(1, 3, seed=1)),
        "a constant feature": (constant, normal(5, 3, seed=1)),
        "views": (normal(4, 7, mean=2, std=3).T, normal(4, 7, seed=1).T),
        "every second row": (rows[::2], normal(9, 4, seed=1)[::2]),
    }.items():
        weight = normal(x.shape[1], mean=2)
        steps = impl.batch_norm_backward_steps(dy, x, weight, eps=0.01)
        found |= {f"{name}: {step}": value for step, value in _all(steps).items()}
    return found


def keeps_the_dtype(impl):
    """dtype: all six have the dtype of x, whatever that of weight is"""
    found = {}
    for dtype in ("float16", "float32", "float64"):
        x, dy = normal(5, 3, mean=2, dtype=dtype), normal(5, 3, seed=1, dtype=dtype)
        for held in (dtype, "float64"):
            steps = impl.batch_norm_backward_steps(dy, x, normal(3, mean=2, dtype=held))
            for name in NAMES:
                found[f"{name} of {dtype}, weight {held}"] = steps[name].dtype.name
    return found


# The contract asks for 1e-3 of float32 with mean 1000 and spread 1.
@within(1e-3)
def survives_a_large_mean(impl):
    """precision: in float32 a mean of 1000 does not swallow a spread of 1"""
    x = normal(64, 3, mean=np.array([1000.0, -1000.0, 10.0]), dtype=np.float32)
    dy = normal(64, 3, seed=1, dtype=np.float32)
    return _all(impl.batch_norm_backward_steps(dy, x, normal(3, mean=2, dtype=np.float32)))


def survives_half_precision(impl):
    """float16: squares do not overflow, and long sums keep counting"""
    # 600² is beyond the largest float16; 2048 + 1 is 2048 there.
    x = normal(4096, 3, mean=100, std=600, dtype=np.float16)
    dy = normal(4096, 3, mean=1, std=0.5, seed=1, dtype=np.float16)
    weight = frozen(normal(3, mean=500), np.float16)
    steps = _all(impl.batch_norm_backward_steps(dy, x, weight))
    return {name: steps[name][:9] for name in ("dbias", "dweight", "dx", "dmean")}


def shares_nothing(impl):
    """memory: six new arrays, apart from dy, from x and from each other"""
    x, dy = normal(5, 3, mean=2, std=3), normal(5, 3, mean=0.5, seed=1)
    found = {}
    for name, weight in {"weight=None": None, "weight": normal(3, mean=2)}.items():
        steps, again = (impl.batch_norm_backward_steps(dy, x, weight) for _ in range(2))
        given = [dy, x] if weight is None else [dy, x, weight]
        found[f"{name}: shares memory"] = [
            np.shares_memory(steps[one], other)
            for one in NAMES
            for other in (*given, *again.values(), *(steps[n] for n in NAMES if n != one))
        ]
    return found


def refuses_what_does_not_fit(impl):
    """refusals: the axes of x, the shape of dy, the length of weight, integers and booleans"""
    steps = impl.batch_norm_backward_steps
    x, dy, weight = normal(4, 3), normal(4, 3, seed=1), normal(3)
    integers = frozen(np.arange(12).reshape(4, 3))
    two = r"2 axes|N, D|\b2\b|two"

    def of_x(shape):
        return refuses(
            ValueError, steps, normal(*shape), normal(*shape), weight, naming=[two, shape]
        )

    def of_dy(*shape):
        return refuses(ValueError, steps, normal(*shape), x, weight, naming=[(4, 3), shape])

    def of_weight(n):
        return refuses(ValueError, steps, dy, x, normal(n), naming=[3, (n,)])

    return {
        "x (3,)": of_x((3,)),
        "x (4, 5, 3)": of_x((4, 5, 3)),
        "dy (1, 3), x (4, 3)": of_dy(1, 3),
        "dy (7, 3), x (4, 3)": of_dy(7, 3),
        "dy (3,), x (4, 3)": of_dy(3),
        "weight (1,), D=3": of_weight(1),
        "weight (7,), D=3": of_weight(7),
        "x of integers": refuses(TypeError, steps, dy, integers, weight),
        "x of booleans": refuses(TypeError, steps, dy, frozen(x > 0), weight),
        "dy of integers": refuses(TypeError, steps, integers, x, weight),
        "dy of booleans": refuses(TypeError, steps, frozen(x > 0), x, weight),
    }


def in_any_shape(impl, draw):
    """any number of rows and features, any dtype, with and without weight"""
    shape = (draw.integer(1, 6), draw.integer(1, 5))
    dtype, seed = draw.choice(["float32", "float64"]), draw.integer(0, 99)
    x = normal(
        *shape, mean=draw.integer(-9, 9), std=draw.choice([0.5, 1, 4]), seed=seed, dtype=dtype
    )
    dy = normal(*shape, mean=draw.choice([0, 0.5]), seed=seed + 1, dtype=dtype)
    weight = draw.choice([None, normal(shape[1], mean=1)])
    # A small eps would leave single rows with numbers around eps^(-3/2).
    steps = impl.batch_norm_backward_steps(dy, x, weight, eps=draw.choice([1e-3, 0.05, 0.3]))
    return {"dtypes": [steps[name].dtype.name for name in NAMES], **_all(steps)}


def _steps(impl):
    std = uniform(3, low=0.5, high=2)
    x, dy = normal(7, 3, mean=2, std=std), normal(7, 3, mean=0.5, seed=1)
    return impl.batch_norm_backward_steps(dy, x, normal(3, mean=2))


def _all(steps):
    return {name: steps[name] for name in NAMES}


def oracle():
    """torch behind the contract of bn_backward_steps: float64, every step's gradient retained."""
    import torch

    def leaf(values):
        return torch.tensor(values, dtype=torch.float64, requires_grad=True)

    def batch_norm_backward_steps(dy, x, weight, eps=1e-5):
        for values in (dy, x):
            if values.dtype.kind != "f":
                raise TypeError(f"torch differentiates floating values, got {values.dtype}")
        if x.ndim != 2:
            raise ValueError(f"expected x (N, D), 2 axes, got {x.shape}")
        if dy.shape != x.shape:
            raise ValueError(f"expected dy {x.shape}, got {dy.shape}")
        if weight is not None and weight.shape != x.shape[1:]:
            raise ValueError(f"expected weight {x.shape[1:]}, got {weight.shape}")
        rows, bias = leaf(x), leaf(np.zeros(x.shape[1]))
        weight = leaf(np.ones(x.shape[1]) if weight is None else weight)
        mean = rows.mean(0)
        var = ((rows - mean) ** 2).mean(0)
        x_hat = (rows - mean) / torch.sqrt(var + eps)
        for step in (mean, var, x_hat):
            step.retain_grad()
        (weight * x_hat + bias).backward(torch.tensor(dy, dtype=torch.float64))
        steps = zip(NAMES, (x_hat, var, mean, rows, weight, bias), strict=True)
        return {name: step.grad.numpy().astype(x.dtype) for name, step in steps}

    return SimpleNamespace(batch_norm_backward_steps=batch_norm_backward_steps)
