"""What is asked of group_norm; torch's way of answering is torch.group_norm."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, within

LEVEL = "mid"
MINUTES = 20
AFTER = ["layer_norm", "instance_norm"]
CARD = "implement-groupnorm"


def normalizes_each_group_of_each_sample(impl):
    """groups: channels that follow one another share mean and variance, over H and W, per sample"""
    means = [[[2.0]], [[-1.0]], [[7.0]], [[0.5]], [[-4.0]], [[3.0]]]
    x = normal(2, 6, 4, 5, mean=means, std=[[[3.0]], [[0.5]], [[2.0]]] * 2)
    return {"y": impl.group_norm(x, 2)}


def takes_any_number_of_groups(impl):
    """groups: one group is all channels together, C groups are every channel by itself"""
    x = normal(3, 6, 5, 2, mean=[[[float(c)]] for c in range(6)], std=2)
    return {
        "G=1": impl.group_norm(x, 1),
        "G=3": impl.group_norm(x, 3),
        "G=C=6": impl.group_norm(x, 6),
    }


def eps_stands_inside_the_root(impl):
    """eps: added to the variance, inside the square root; 1e-5 if nothing is said"""
    return {
        "eps=0.5": impl.group_norm(normal(2, 6, 4, 3, mean=1, std=0.7), 3, eps=0.5),
        "eps left out": impl.group_norm(normal(2, 6, 4, mean=0.02, std=0.01), 3),
    }


def scales_then_shifts(impl):
    """weight and bias: one number for each channel, first scale, then shift"""
    x = normal(2, 6, 4, 3, mean=3, std=2)
    return {"y": impl.group_norm(x, 2, normal(6, mean=2), normal(6, mean=-1, seed=1))}


def weight_or_bias_alone(impl):
    """weight and bias: either may be None while the other is used"""
    x = normal(3, 6, 5, 2, mean=-2, std=3)
    return {
        "weight alone": impl.group_norm(x, 2, weight=normal(6, mean=2)),
        "bias alone": impl.group_norm(x, 2, bias=normal(6, mean=-1, seed=1)),
    }


def takes_any_number_of_spatial_axes(impl):
    """shapes: no spatial axis, one, or three"""
    weight, bias = normal(6, mean=2), normal(6, seed=1)
    return {
        "(N, C)": impl.group_norm(normal(4, 6, mean=2), 3, weight, bias),
        "(N, C, L)": impl.group_norm(normal(2, 6, 5, mean=2), 3, weight, bias),
        "(N, C, D, H, W)": impl.group_norm(normal(2, 6, 3, 4, 5, mean=2), 3, weight, bias),
    }


def keeps_the_dtype(impl):
    """dtype: float16, float32 and float64 come back as they went in, whatever weight is"""
    dtypes = {}
    for name in ("float16", "float32", "float64"):
        x = normal(2, 6, 4, 5, mean=2, dtype=name)
        y = impl.group_norm(x, 2, normal(6, mean=1), normal(6, seed=1))
        dtypes[f"{name} without weight"] = impl.group_norm(x, 2).dtype.name
        dtypes[f"{name} with weight of float64"] = y.dtype.name
    return dtypes


@within(1e-3)  # a mean of 3000 leaves float32 about this much of a spread of 1
def survives_a_large_mean(impl):
    """precision: a mean far from 0 does not swallow the spread"""
    x = normal(2, 6, 4, 5, mean=[[[1000.0]]] * 3 + [[[-3000.0]]] * 3, dtype=np.float32)
    return {"y": impl.group_norm(x, 2)}


@within(2e-3)  # the step of float16 near 2
def survives_half_precision(impl):
    """precision: the squares of float16 values do not overflow"""
    y = impl.group_norm(normal(2, 6, 4, 5, std=600, dtype=np.float16), 2)
    return {"y in float16": np.asarray(y, np.float32)}


def takes_odd_shapes_and_views(impl):
    """shapes: a batch of one, one value in each group, a transposed and a strided view"""
    x = normal(3, 5, 6, 4, mean=2, std=3)
    return {
        "N=1": impl.group_norm(normal(1, 6, 4, 5, mean=2), 3),
        "C=1": impl.group_norm(normal(3, 1, 4, 5, mean=2), 1),
        "one value": impl.group_norm(normal(1, 4, 1, 1, mean=2), 4, bias=normal(4, seed=1)),
        "a transposed view": impl.group_norm(x.transpose(0, 3, 1, 2), 2),
        "every second channel": impl.group_norm(x.transpose(0, 2, 1, 3)[:, ::2], 3),
    }


def shares_no_memory(impl):
    """memory: an output is a new array, and a later call leaves it alone"""
    x = normal(3, 6, 2, 5, mean=3)
    first = impl.group_norm(x, 2)
    kept = first.copy()
    second = impl.group_norm(normal(3, 6, 2, 5, mean=-2, std=2, seed=1), 2)
    return {
        "shares memory": [np.shares_memory(first, x), np.shares_memory(first, second)],
        "changed by a later call": bool(np.any(first != kept)),
        "y of the later call": second,
    }


def refuses_groups_that_do_not_divide(impl):
    """refusals: a number of groups that does not divide the channels, or none at all"""
    x, norm = normal(2, 6, 5, 3), impl.group_norm
    return {
        "6 channels in 4 groups": refuses(ValueError, norm, x, 4, naming=[6, 4]),
        "6 channels in 12 groups": refuses(ValueError, norm, x, 12, naming=[6, 12]),
        "6 channels in 0 groups": refuses(ValueError, norm, x, 0, naming=[0]),
    }


def refuses_what_it_cannot_normalize(impl):
    """refusals: rank, a negative number of groups, weight and bias, integers"""
    x = normal(2, 6, 5, 3)
    norm = impl.group_norm
    rank = r"N, C|\b2\b|two"
    return {
        "(6,)": refuses(ValueError, norm, normal(6), 2, naming=[rank, (6,)]),
        "6 channels in -2 groups": refuses(ValueError, norm, x, -2, naming=["-2"]),
        "weight (1,) for 6 channels": refuses(ValueError, norm, x, 2, normal(1), naming=[6, (1,)]),
        "weight (2,) for 6 channels": refuses(ValueError, norm, x, 2, normal(2), naming=[6, (2,)]),
        "bias (3,) for 6 channels": refuses(
            ValueError, norm, x, 2, None, normal(3), naming=[6, (3,)]
        ),
        "bias (1, 6) for 6 channels": refuses(
            ValueError, norm, x, 2, None, normal(1, 6), naming=[6, (1, 6)]
        ),
        "integers": refuses(TypeError, norm, frozen(np.arange(24).reshape(2, 4, 3)), 2),
        "booleans": refuses(TypeError, norm, frozen(x > 0), 2),
    }


def in_any_shape(impl, draw):
    """any shape, number of groups, dtype and parameters"""
    groups, each = draw.integer(1, 4), draw.integer(1, 3)
    c = groups * each
    shape = (draw.integer(1, 4), c, *(draw.integer(1, 4) for _ in range(draw.integer(0, 3))))
    seed, eps = draw.integer(0, 99), draw.choice([1e-5, 1e-3, 0.3])
    mean, std = draw.integer(-9, 9), draw.choice([0.25, 1, 4])
    x = normal(*shape, mean=mean, std=std, seed=seed, dtype=draw.choice(["float32", "float64"]))
    weight = normal(c, mean=1, seed=1) if draw.choice([True, False]) else None
    bias = normal(c, seed=2) if draw.choice([True, False]) else None
    y = impl.group_norm(x, groups, weight, bias, eps)
    return {"dtype": y.dtype.name, "y": y}


def oracle():
    """torch behind the contract of group_norm."""
    import torch

    def wide(values):
        return None if values is None else torch.tensor(values, dtype=torch.float64)

    def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
        if x.dtype.kind != "f":
            raise TypeError(f"torch normalizes floating values, got {x.dtype}")
        try:
            # torch.nn.functional.group_norm would refuse one value, torch.group_norm does not.
            y = torch.group_norm(wide(x), num_groups, wide(weight), wide(bias), eps)
        except (RuntimeError, IndexError) as error:
            given = [None if values is None else values.shape for values in (x, weight, bias)]
            asked = f"expected (N, C, *spatial) in {num_groups} groups"
            raise ValueError(f"{error}; {asked}, got {given}") from None
        return y.numpy().astype(x.dtype)

    return SimpleNamespace(group_norm=group_norm)


EQUIVALENT_MUTANTS = {
    "wide = x.astype(np.float64).reshape(x.shape[0], num_groups, -1) -> "
    "wide = x.astype(np.float64).reshape(x.shape[0], num_groups, -2)": (
        "NumPy takes any negative size for the one that is to be computed"
    ),
    "wide = x.astype(np.float64).reshape(x.shape[0], num_groups, -1) -> "
    "wide = x.astype(np.float64).reshape(num_groups, x.shape[0], -1)": (
        "N·G rows or G·N rows: reshape cuts the same runs, and reshape(x.shape) puts them back"
    ),
}
