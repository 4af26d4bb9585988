"""What is asked of switchable_norm; torch answers with softmax and var_mean, composed."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, within

LEVEL = "research"
MINUTES = 30
AFTER = ["instance_norm", "layer_norm"]
CARD = "switchable-norm"

_FAR = 1000.0  # a logit beside which the others have no share
_ONLY = {name: frozen([_FAR * (i == k) for i in range(3)]) for k, name in enumerate("ilb")}
_MEANS = [[[[2.0]], [[-1.0]], [[7.0]]], [[[0.0]], [[5.0]], [[-3.0]]]]


def _input(**kwargs):
    return normal(2, 3, 4, 5, mean=_MEANS, std=[[[3.0]], [[0.5]], [[2.0]]], **kwargs)


def takes_the_statistics_of_one_kind(impl):
    """one kind: logits in the order instance, layer, batch; one that is far larger decides alone"""
    kinds = {"instance": _ONLY["i"], "layer": _ONLY["l"], "batch": _ONLY["b"]}
    return {
        name: impl.switchable_norm(_input(), logits, logits, None, None)
        for name, logits in kinds.items()
    }


def mixes_statistics_with_a_softmax(impl):
    """mixture: the softmax of the logits weights the three means and the three variances"""
    logits = frozen([0.3, -1.2, 0.9])
    return {"y": impl.switchable_norm(_input(), logits, logits, None, None)}


def mixes_mean_and_variance_apart(impl):
    """mixture: means and variances have logits of their own"""
    mean_logits, var_logits = frozen([1.5, 0.2, -0.8]), frozen([-0.5, 0.4, 1.1])
    return {
        "y": impl.switchable_norm(_input(), mean_logits, var_logits, None, None),
        "y of equal shares of variance": impl.switchable_norm(
            _input(seed=1), mean_logits, frozen([2.0, 2.0, 2.0]), None, None
        ),
    }


def eps_stands_inside_the_root(impl):
    """eps: added to the mixed variance, inside the square root; 1e-5 if nothing is said"""
    logits = frozen([0.3, -1.2, 0.9])
    x, faint = normal(4, 3, 5, 2, mean=1, std=0.7), normal(4, 3, 5, mean=0.02, std=0.01)
    return {
        "eps=0.5": impl.switchable_norm(x, logits, logits[::-1], None, None, eps=0.5),
        "eps left out": impl.switchable_norm(faint, logits, logits[::-1], None, None),
    }


def scales_then_shifts(impl):
    """weight and bias: one number for each channel, first scale, then shift"""
    logits = frozen([0.3, -1.2, 0.9])
    weight, bias = normal(3, mean=2), normal(3, mean=-1, seed=1)
    return {"y": impl.switchable_norm(_input(), logits, logits[::-1], weight, bias)}


def weight_or_bias_alone(impl):
    """weight and bias: either may be None while the other is used"""
    logits = frozen([0.3, -1.2, 0.9])
    return {
        "weight alone": impl.switchable_norm(_input(), logits, logits, normal(3, mean=2), None),
        "bias alone": impl.switchable_norm(_input(), logits, logits, None, normal(3, mean=-1)),
    }


def takes_odd_shapes_and_views(impl):
    """shapes: no spatial axis, one or three, a batch and a channel of one, a view"""
    mean_logits, var_logits = frozen([0.5, 0.2, -0.8]), frozen([-0.5, 0.4, 0.1])

    def norm(x):
        channels = x.shape[1]
        weight, bias = normal(channels, mean=2), normal(channels, seed=1)
        return impl.switchable_norm(x, mean_logits, var_logits, weight, bias)

    x = normal(3, 5, 6, 4, mean=2, std=3)
    return {
        "(N, C)": norm(normal(4, 6, mean=2)),
        "(N, C, L)": norm(normal(2, 6, 5, mean=2)),
        "(N, C, D, H, W)": norm(normal(2, 3, 4, 5, 2, mean=2)),
        "N=1": norm(normal(1, 3, 4, 5, mean=2)),
        "C=1": norm(normal(3, 1, 4, 5, mean=2)),
        "a transposed view": norm(x.transpose(0, 3, 1, 2)),
        "every second row": norm(x[:, :, ::2]),
    }


def keeps_the_dtype(impl):
    """dtype: float16, float32 and float64 come back as they went in, whatever weight is"""
    dtypes, logits = {}, frozen([0.3, -1.2, 0.9], np.float32)
    for name in ("float16", "float32", "float64"):
        x = normal(4, 3, 5, 2, mean=2, dtype=name)
        plain = impl.switchable_norm(x, logits, logits, None, None)
        y = impl.switchable_norm(x, logits, logits, normal(3, mean=1), normal(3, seed=1))
        dtypes[f"{name} without weight"] = plain.dtype.name
        dtypes[f"{name} with weight of float64"] = y.dtype.name
    return dtypes


@within(1e-3)  # a mean of 1000 leaves float32 about this much of a spread of 1
def survives_a_large_mean(impl):
    """precision: a mean far from 0 does not swallow the spread"""
    logits = frozen([0.3, -0.2, 0.9], np.float32)
    x = normal(2, 3, 6, 5, mean=1000, dtype=np.float32)
    return {"y": impl.switchable_norm(x, logits, logits, None, None)}


@within(2e-3)  # the step of float16 near 2
def survives_half_precision(impl):
    """precision: the squares of float16 values do not overflow"""
    logits = frozen([0.3, -0.2, 0.9], np.float32)
    x = normal(2, 3, 6, 5, std=600, dtype=np.float16)
    y = impl.switchable_norm(x, logits, logits, None, None)
    return {"y in float16": np.asarray(y, np.float32)}


def shares_no_memory(impl):
    """memory: an output is a new array, and a later call leaves it alone"""
    x, logits = _input(), frozen([0.3, -1.2, 0.9])
    first = impl.switchable_norm(x, logits, logits, None, None)
    kept = first.copy()
    second = impl.switchable_norm(_input(seed=1), logits, logits, None, None)
    return {
        "shares memory": [np.shares_memory(first, x), np.shares_memory(first, second)],
        "changed by a later call": bool(np.any(first != kept)),
        "y of the later call": second,
    }


def refuses_what_it_cannot_normalize(impl):
    """refusals: rank, three logits of each kind, weight and bias for each channel, integers"""
    x, three = normal(2, 4, 5, 6), normal(3)

    def refused(kind, *args, naming=()):
        return refuses(kind, impl.switchable_norm, *args, naming=naming)

    rank = r"N, C|\b2\b|two"
    whole = frozen(np.arange(24).reshape(2, 4, 3))
    return {
        "x (4,)": refused(ValueError, normal(4), three, three, None, None, naming=[rank, (4,)]),
        "mean_logits (1,)": refused(ValueError, x, normal(1), three, None, None, naming=[3, (1,)]),
        "mean_logits (2,)": refused(ValueError, x, normal(2), three, None, None, naming=[3, (2,)]),
        "var_logits (1,)": refused(ValueError, x, three, normal(1), None, None, naming=[3, (1,)]),
        "var_logits (4,)": refused(ValueError, x, three, normal(4), None, None, naming=[3, (4,)]),
        "weight (1,)": refused(ValueError, x, three, three, normal(1), None, naming=[4, (1,)]),
        "weight (5,)": refused(ValueError, x, three, three, normal(5), None, naming=[4, (5,)]),
        "weight (2, 2)": refused(
            ValueError, x, three, three, normal(2, 2), None, naming=[4, (2, 2)]
        ),
        "bias (4, 1)": refused(ValueError, x, three, three, None, normal(4, 1), naming=[4, (4, 1)]),
        "integers": refused(TypeError, whole, three, three, None, None),
        "booleans": refused(TypeError, frozen(x > 0), three, three, None, None),
    }


def in_any_shape(impl, draw):
    """any shape, dtype, shares and parameters"""
    c = draw.integer(1, 4)
    shape = (draw.integer(1, 4), c, *(draw.integer(1, 4) for _ in range(draw.integer(0, 3))))
    seed, eps = draw.integer(0, 99), draw.choice([1e-5, 1e-3, 0.3])
    mean, std = draw.integer(-9, 9), draw.choice([0.25, 1, 4])
    x = normal(*shape, mean=mean, std=std, seed=seed, dtype=draw.choice(["float32", "float64"]))
    # Small logits: a share of next to nothing of a variance would leave rounding to divide by.
    logits = [frozen([draw.number(-2, 2) for _ in range(3)]) for _ in range(2)]
    weight = normal(c, mean=1, seed=1) if draw.choice([True, False]) else None
    bias = normal(c, seed=2) if draw.choice([True, False]) else None
    y = impl.switchable_norm(x, *logits, weight, bias, eps)
    return {"dtype": y.dtype.name, "y": y}


def oracle():
    """torch behind the contract of switchable_norm."""
    import torch

    def wide(values):
        return torch.tensor(np.array(values), dtype=torch.float64)

    def switchable_norm(x, mean_logits, var_logits, weight, bias, eps=1e-5):
        if x.dtype.kind != "f":
            raise TypeError(f"torch normalizes floating values, got {x.dtype}")
        given = [np.shape(logits) for logits in (mean_logits, var_logits)]
        if x.ndim < 2 or given != [(3,), (3,)]:
            raise ValueError(f"expected (N, C, *spatial), logits (3,), got {x.shape}, {given}")
        given = [np.shape(p) for p in (weight, bias) if p is not None]
        if any(shape != x.shape[1:2] for shape in given):
            raise ValueError(f"expected weight and bias of {x.shape[1:2]}, got {given}")
        pixels = wide(x).reshape(*x.shape[:2], -1)
        kinds = [
            torch.var_mean(pixels, dim=axes, correction=0, keepdim=True)
            for axes in ((2,), (1, 2), (0, 2))
        ]
        shares = [torch.softmax(wide(logits), 0) for logits in (mean_logits, var_logits)]
        mean = sum(share * kind[1] for share, kind in zip(shares[0], kinds, strict=True))
        var = sum(share * kind[0] for share, kind in zip(shares[1], kinds, strict=True))
        y = ((pixels - mean) / (var + eps).sqrt()).reshape(x.shape)
        last = y.movedim(1, -1)
        last = last if weight is None else last * wide(weight)
        last = last if bias is None else last + wide(bias)
        return last.movedim(-1, 1).numpy().astype(x.dtype)

    return SimpleNamespace(switchable_norm=switchable_norm)


EQUIVALENT_MUTANTS = {
    "wide = x.astype(np.float64).reshape(*x.shape[:2], -1) -> "
    "wide = x.astype(np.float64).reshape(*x.shape[:2], -2)": (
        "NumPy takes any negative size for the one that is to be computed"
    ),
}
