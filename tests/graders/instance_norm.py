"""What is asked of instance_norm; torch's way of answering is torch.instance_norm."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, within

LEVEL = "junior"
MINUTES = 15
AFTER = ["bn2d"]
CARD = "instance-norm"


def normalizes_each_channel_of_each_sample(impl):
    """values: every channel of every sample is normalized by itself, over H and W together"""
    mean = [[[[2.0]], [[-1.0]], [[7.0]]], [[[0.0]], [[5.0]], [[-3.0]]]]
    x = normal(2, 3, 4, 5, mean=mean, std=[[[3.0]], [[0.5]], [[2.0]]])
    return {"y": impl.instance_norm(x)}


def takes_one_two_or_three_spatial_axes(impl):
    """values: one spatial axis, or three"""
    return {
        "(N, C, L)": impl.instance_norm(normal(4, 3, 6, mean=2, std=3)),
        "(N, C, D, H, W)": impl.instance_norm(normal(2, 3, 4, 5, 6, mean=-2, std=3)),
    }


def eps_stands_inside_the_root(impl):
    """eps: added to the variance, inside the square root; 1e-5 if nothing is said"""
    return {
        "eps=0.5": impl.instance_norm(normal(2, 3, 4, 5, mean=1, std=0.7), eps=0.5),
        "eps left out": impl.instance_norm(normal(2, 3, 6, mean=0.02, std=0.01)),
    }


def scales_then_shifts(impl):
    """weight and bias: one number for each channel, first scale, then shift"""
    weight, bias = normal(3, mean=2), normal(3, mean=-1, seed=1)
    return {
        "(N, C, H, W)": impl.instance_norm(normal(2, 3, 4, 5, mean=3, std=2), weight, bias),
        "(N, C, L)": impl.instance_norm(normal(4, 3, 6, mean=3, std=2), weight, bias),
    }


def weight_or_bias_alone(impl):
    """weight and bias: either may be None while the other is used"""
    x = normal(4, 3, 5, 2, mean=-2, std=3)
    return {
        "weight alone": impl.instance_norm(x, weight=normal(3, mean=2)),
        "bias alone": impl.instance_norm(x, bias=normal(3, mean=-1, seed=1)),
    }


def keeps_the_dtype(impl):
    """dtype: float16, float32 and float64 come back as they went in, whatever weight is"""
    dtypes = {}
    for name in ("float16", "float32", "float64"):
        x = normal(2, 3, 4, 5, mean=2, dtype=name)
        y = impl.instance_norm(x, normal(3, mean=1), normal(3, seed=1))
        dtypes[f"{name} without weight"] = impl.instance_norm(x).dtype.name
        dtypes[f"{name} with weight of float64"] = y.dtype.name
    return dtypes


@within(1e-3)  # a mean of 3000 leaves float32 about this much of a spread of 1
def survives_a_large_mean(impl):
    """precision: a mean far from 0 does not swallow the spread"""
    x = normal(2, 3, 6, 5, mean=[[[1000.0]], [[-3000.0]], [[10.0]]], dtype=np.float32)
    return {"y": impl.instance_norm(x)}


@within(2e-3)  # the step of float16 near 2
def survives_half_precision(impl):
    """precision: the squares of float16 values do not overflow"""
    y = impl.instance_norm(normal(2, 3, 4, 5, std=600, dtype=np.float16))
    return {"y in float16": np.asarray(y, np.float32)}


def takes_odd_shapes_and_views(impl):
    """shapes: one sample, one channel, one position, a transposed and a strided view"""
    x = normal(3, 5, 6, 4, mean=2, std=3)
    return {
        "N=1": impl.instance_norm(normal(1, 3, 4, 5, mean=2)),
        "C=1": impl.instance_norm(normal(3, 1, 4, 5, mean=2)),
        "a transposed view": impl.instance_norm(x.transpose(0, 3, 1, 2)),
        "every second row": impl.instance_norm(x[:, :, ::2]),
        "H=W=1": impl.instance_norm(normal(4, 3, 1, 1, mean=2), bias=normal(3, seed=1)),
    }


def shares_no_memory(impl):
    """memory: an output is a new array, and a later call leaves it alone"""
    x = normal(4, 3, 2, 5, mean=3)
    first = impl.instance_norm(x)
    kept = first.copy()
    second = impl.instance_norm(normal(4, 3, 2, 5, mean=-2, std=2, seed=1))
    return {
        "shares memory": [np.shares_memory(first, x), np.shares_memory(first, second)],
        "changed by a later call": bool(np.any(first != kept)),
        "y of the later call": second,
    }


def refuses_what_it_cannot_normalize(impl):
    """refusals: no spatial axis, weight or bias of another length, integers"""
    x = normal(2, 4, 5, 3)
    norm = impl.instance_norm
    rank = r"spatial|N, C, |\b3\b|three"
    return {
        "(2, 4)": refuses(ValueError, norm, normal(2, 4), naming=[rank, (2, 4)]),
        "(4,)": refuses(ValueError, norm, normal(4), naming=[rank, (4,)]),
        "weight (1,) for 4 channels": refuses(ValueError, norm, x, normal(1), naming=[4, (1,)]),
        "weight (3,) for 4 channels": refuses(ValueError, norm, x, normal(3), naming=[4, (3,)]),
        "bias (5,) for 4 channels": refuses(ValueError, norm, x, None, normal(5), naming=[4, (5,)]),
        "bias (2, 4) for 4 channels": refuses(
            ValueError, norm, x, None, normal(2, 4), naming=[4, (2, 4)]
        ),
        "integers": refuses(TypeError, norm, frozen(np.arange(24).reshape(2, 4, 3))),
        "booleans": refuses(TypeError, norm, frozen(x > 0)),
    }


def in_any_shape(impl, draw):
    """any shape, dtype and parameters"""
    c = draw.integer(1, 4)
    shape = (draw.integer(1, 4), c, *(draw.integer(1, 5) for _ in range(draw.integer(1, 3))))
    seed, eps = draw.integer(0, 99), draw.choice([1e-5, 1e-3, 0.3])
    mean, std = draw.integer(-9, 9), draw.choice([0.25, 1, 4])
    x = normal(*shape, mean=mean, std=std, seed=seed, dtype=draw.choice(["float32", "float64"]))
    weight = normal(c, mean=1, seed=1) if draw.choice([True, False]) else None
    bias = normal(c, seed=2) if draw.choice([True, False]) else None
    y = impl.instance_norm(x, weight, bias, eps)
    return {"dtype": y.dtype.name, "y": y}


def oracle():
    """torch behind the contract of instance_norm."""
    import torch

    def wide(values):
        return None if values is None else torch.tensor(values, dtype=torch.float64)

    def instance_norm(x, weight=None, bias=None, eps=1e-5):
        if x.dtype.kind != "f":
            raise TypeError(f"torch normalizes floating values, got {x.dtype}")
        given = [None if values is None else values.shape for values in (weight, bias)]
        if x.ndim < 3 or any(shape not in (None, x.shape[1:2]) for shape in given):
            asked = f"expected (N, C, *spatial) with a spatial axis, {x.shape[1:2]} values each"
            raise ValueError(f"{asked}, got {x.shape} and {given}")
        # torch.nn.functional.instance_norm would refuse one position, torch.instance_norm does not.
        statistics = (None, None, True, 0.0)
        y = torch.instance_norm(wide(x), wide(weight), wide(bias), *statistics, eps, False)
        return y.numpy().astype(x.dtype)

    return SimpleNamespace(instance_norm=instance_norm)
