"""What is asked of weight_standardization; torch's answer is F.layer_norm over each filter."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, within

LEVEL = "mid"
MINUTES = 10
AFTER = ["bn2d"]
CARD = "weight-standardization"


def standardizes_each_filter(impl):
    """values: the filter of each output channel has mean 0 and variance 1, over I, kH and kW"""
    mean = [[[[2.0]], [[-1.0]], [[7.0]]], [[[0.0]], [[4.0]], [[-3.0]]]]
    weight = normal(2, 3, 4, 5, mean=mean, std=[[[[3.0]]], [[[0.5]]]])
    return {"w": impl.standardize_weight(weight)}


def eps_stands_inside_the_root(impl):
    """eps: added to the variance, inside the square root; 1e-5 if nothing is said"""
    return {
        "eps=0.5": impl.standardize_weight(normal(4, 3, 2, 5, mean=1, std=0.7), eps=0.5),
        "eps left out": impl.standardize_weight(normal(4, 3, 5, 2, mean=0.02, std=0.01)),
    }


def divides_by_the_number_of_weights(impl):
    """variance: biased, which shows in small filters"""
    return {"w": impl.standardize_weight(normal(4, 3, 1, 1, mean=2, std=3))}


def says_nothing_to_a_constant_input(impl):
    """values: filters sum to 0, so a constant input gives nothing"""
    w = impl.standardize_weight(normal(5, 3, 4, 2, mean=2, std=0.3))
    return {"sum of each filter": np.asarray(w).sum(axis=(1, 2, 3))}


def keeps_the_dtype(impl):
    """dtype: float16, float32 and float64 come back as they went in"""
    names = ("float16", "float32", "float64")
    return {n: impl.standardize_weight(normal(4, 3, 2, 5, dtype=n)).dtype.name for n in names}


@within(1e-3)  # a mean of 3000 leaves float32 about this much of a spread of 1
def survives_a_large_mean(impl):
    """precision: a mean far from 0 does not swallow the spread"""
    weight = normal(3, 4, 5, 2, mean=[[[[1000.0]]], [[[-3000.0]]], [[[10.0]]]], dtype=np.float32)
    return {"w": impl.standardize_weight(weight)}


@within(2e-3)  # the step of float16 near 2
def survives_half_precision(impl):
    """precision: the squares of float16 values do not overflow"""
    w = impl.standardize_weight(normal(3, 4, 5, 2, std=600, dtype=np.float16))
    return {"w in float16": np.asarray(w, np.float32)}


def takes_odd_shapes_and_views(impl):
    """shapes: one filter, one input channel, one number, a transposed and a strided view"""
    weight = normal(3, 5, 2, 4, mean=2, std=3)
    return {
        "O=1": impl.standardize_weight(normal(1, 3, 4, 5, mean=2)),
        "I=1": impl.standardize_weight(normal(3, 1, 4, 5, mean=2)),
        "I=kH=kW=1": impl.standardize_weight(normal(3, 1, 1, 1, mean=2)),
        "a transposed view": impl.standardize_weight(weight.transpose(1, 0, 3, 2)),
        "every second filter": impl.standardize_weight(weight[::2]),
    }


def shares_no_memory(impl):
    """memory: a result is a new array, and a later call leaves it alone"""
    weight = normal(4, 3, 2, 5, mean=3)
    first = impl.standardize_weight(weight)
    kept = first.copy()
    second = impl.standardize_weight(normal(4, 3, 2, 5, mean=-2, std=2, seed=1))
    return {
        "shares memory": [np.shares_memory(first, weight), np.shares_memory(first, second)],
        "changed by a later call": bool(np.any(first != kept)),
        "w of the later call": second,
    }


def refuses_what_is_no_kernel(impl):
    """refusals: another number of axes, integers"""
    standardize = impl.standardize_weight
    rank = r"(O, I, kH, kW)|O, I|\b4\b|four"
    return {
        "(4, 3)": refuses(ValueError, standardize, normal(4, 3), naming=[rank, (4, 3)]),
        "(4, 3, 5)": refuses(ValueError, standardize, normal(4, 3, 5), naming=[rank, (4, 3, 5)]),
        "(2, 3, 1, 5, 6)": refuses(
            ValueError, standardize, normal(2, 3, 1, 5, 6), naming=[rank, (2, 3, 1, 5, 6)]
        ),
        "integers": refuses(TypeError, standardize, frozen(np.arange(24).reshape(2, 3, 2, 2))),
        "booleans": refuses(TypeError, standardize, frozen(normal(2, 3, 2, 2) > 0)),
    }


def in_any_shape(impl, draw):
    """any shape, dtype and eps"""
    shape = tuple(draw.integer(1, 5) for _ in range(4))
    seed, eps = draw.integer(0, 99), draw.choice([1e-5, 1e-3, 0.3])
    mean, std = draw.integer(-9, 9), draw.choice([0.25, 1, 4])
    dtype = draw.choice(["float32", "float64"])
    w = impl.standardize_weight(normal(*shape, mean=mean, std=std, seed=seed, dtype=dtype), eps)
    return {"dtype": w.dtype.name, "w": w}


def oracle():
    """torch behind the contract of weight_standardization."""
    import torch

    def standardize_weight(weight, eps=1e-5):
        if weight.dtype.kind != "f":
            raise TypeError(f"torch normalizes floating values, got {weight.dtype}")
        if weight.ndim != 4:
            raise ValueError(f"expected (O, I, kH, kW), got {weight.shape}")
        # A filter for a sample and its numbers for features: layer_norm over all of them, in torch.
        wide = torch.tensor(weight, dtype=torch.float64)
        w = torch.nn.functional.layer_norm(wide, wide.shape[1:], eps=eps)
        return w.numpy().astype(weight.dtype)

    return SimpleNamespace(standardize_weight=standardize_weight)
