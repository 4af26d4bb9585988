"""What is asked of bn_half; torch's way of answering is float32, rounded to float16 at the end."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, within

LEVEL = "mid"
MINUTES = 15
AFTER = ["bn2d"]
CARD = "half-precision-statistics"


def _half(*shape, **kwargs):
    return normal(*shape, dtype=np.float16, **kwargs)


def _single(*shape, **kwargs):
    return normal(*shape, dtype=np.float32, **kwargs)


def normalizes_each_channel(impl):
    """values: every channel is normalized over all its values, and stays float16"""
    x = _half(4, 3, 2, 5, mean=[[[2.0]], [[-1.0]], [[7.0]]], std=[[[3.0]], [[0.5]], [[2.0]]])
    y = impl.batch_norm_half(x, None, None)
    return {"y": y, "dtype": y.dtype.name}


def scales_then_shifts(impl):
    """values: float32 weight and bias, one of each per channel; float16 comes back"""
    weight, bias = _single(3, mean=2), _single(3, mean=-1, seed=1)
    y = impl.batch_norm_half(_half(2, 3, 5, 4, mean=3, std=2), weight, bias)
    return {"y": y, "dtype": y.dtype.name}


def weight_and_bias_may_each_be_none(impl):
    """None: weight alone, bias alone"""
    x, weight, bias = _half(2, 3, 5, 4, mean=3, std=2), _single(3, mean=2), _single(3, seed=1)
    return {
        "y without bias": impl.batch_norm_half(x, weight, None),
        "y without weight": impl.batch_norm_half(x, None, bias),
    }


def divides_by_m(impl):
    """values: the variance is the biased one, and eps stands inside the root"""
    pair = frozen(np.array([[3.0], [5.0]]), np.float16)
    return {
        "y of two values": impl.batch_norm_half(pair, None, None),
        "y with eps=0.5": impl.batch_norm_half(_half(4, 3, 5, std=0.7), None, None, eps=0.5),
    }


def large_values_do_not_overflow(impl):
    """precision: neither the sum of many values nor the square of a large one overflows"""
    return {
        "y with spread 600": impl.batch_norm_half(_half(8, 3, 4, std=600), None, None),
        "y with mean 30,000": impl.batch_norm_half(
            _half(8, 3, 4, mean=30_000, std=900), None, None
        ),
    }


def small_values_do_not_vanish(impl):
    """precision: neither the square of a small value nor a small eps becomes 0"""
    constant, bias = frozen(np.full((4, 3), 2.0), np.float16), _single(3, mean=1)
    tiny = frozen(normal(6, 3, 4) * 2e-4, np.float16)
    return {
        "y with spread 0.0002": impl.batch_norm_half(tiny, None, None, eps=1e-8),
        "y of a constant, eps=1e-8": impl.batch_norm_half(constant, None, bias, eps=1e-8),
    }


@within(5e-3)  # two roundings of 3 to float16 differ by 0.002
def a_large_mean_does_not_swallow_the_spread(impl):
    """precision: the mean is not rounded to float16, where 1000 is followed by 1000.5"""
    x = _half(64, 3, 4, mean=[[1000.0], [-2000.0], [10.0]])
    return {"y": impl.batch_norm_half(x, None, None)}


def parameters_stay_in_float32(impl):
    """precision: weight, bias and all that comes before the last step are not rounded to float16"""
    x = frozen(np.array([[1.0, -4.0], [3.0, 8.0]]), np.float16)  # every column gives -1 and 1
    weight = frozen(np.array([100.03, 1000.7]), np.float32)
    bias = frozen(np.array([100.05, 1000.2]), np.float32)
    return {"bias - weight": impl.batch_norm_half(x, weight, bias, eps=1e-8)[0]}


def takes_odd_shapes_and_views(impl):
    """shapes: vectors, sequences, volumes, one sample, one channel, a transposed view"""
    view, bias = _half(3, 5, 6, 4, mean=2, std=3).transpose(0, 3, 1, 2), _single(3)
    call = impl.batch_norm_half
    return {
        "(6, 3)": call(_half(6, 3, mean=2), bias, bias),
        "(2, 3, 5)": call(_half(2, 3, 5, mean=2), bias, bias),
        "(2, 3, 4, 2, 5)": call(_half(2, 3, 4, 2, 5, mean=2), None, bias),
        "N=1": call(_half(1, 3, 4, 5, mean=2), None, bias),
        "C=1": call(_half(6, 1, 3, mean=2), None, None),
        "a view": call(view, None, None),
    }


def one_value_per_channel_gives_bias(impl):
    """shapes: one value per channel is its own mean, and comes out as bias"""
    return {"y": impl.batch_norm_half(_half(1, 3, mean=2), _single(3), _single(3, seed=1))}


def returns_a_new_array(impl):
    """memory: the output is a new array in every call"""
    x = _half(6, 3, 4, mean=3)
    first = impl.batch_norm_half(x, None, None)
    kept = np.array(first)
    second = impl.batch_norm_half(_half(6, 3, 4, mean=-2, seed=1), None, None)
    shared = [np.shares_memory(first, x), np.shares_memory(first, second)]
    return {"shares memory": [*shared, bool(np.any(first != kept))], "y": first}


def refuses_what_is_not_half(impl):
    """refusals: other dtypes, rank, lengths of weight and bias"""
    x, call, good = _half(4, 3, 5), impl.batch_norm_half, _single(3)
    rank = r"(N, C, \*spatial)|N, |\b2\b|two"
    told = {
        f"x of {dtype}": refuses(TypeError, call, frozen(x, dtype), None, None)
        for dtype in ("float32", "float64", "int64", "bool")
    }
    return {
        **told,
        "x (3,)": refuses(ValueError, call, _half(3), None, None, naming=[rank, (3,)]),
        "weight (5,)": refuses(ValueError, call, x, _single(5), good, naming=[(3,), (5,)]),
        "weight (1,)": refuses(ValueError, call, x, _single(1), None, naming=[(3,), (1,)]),
        "bias (4,)": refuses(ValueError, call, x, None, _single(4), naming=[(3,), (4,)]),
        "bias (3, 1)": refuses(ValueError, call, x, None, _single(3, 1), naming=[(3,), (3, 1)]),
    }


@within(5e-3)  # two roundings of 3 to float16 differ by 0.002
def in_any_shape(impl, draw):
    """any shape, spread, parameters and eps"""
    c, spatial = draw.integer(1, 4), [draw.integer(1, 4) for _ in range(draw.integer(0, 3))]
    x = _half(
        draw.integer(1, 5), c, *spatial,
        mean=draw.integer(-99, 99), std=draw.choice([0.25, 4, 900]), seed=draw.integer(0, 99),
    )  # fmt: skip
    weight = _single(c, mean=1) if draw.choice([True, False]) else None
    bias = _single(c, seed=1) if draw.choice([True, False]) else None
    y = impl.batch_norm_half(x, weight, bias, eps=draw.choice([1e-5, 1e-3, 0.3]))
    return {"y": y, "dtype": y.dtype.name}


def oracle():
    """torch behind the contract of bn_half."""
    import torch

    def batch_norm_half(x, weight, bias, eps=1e-5):
        if x.dtype != np.float16:
            raise TypeError(f"expected float16, got {x.dtype}")
        if x.ndim < 2:
            raise ValueError(f"expected (N, C, *spatial), got {x.shape}")
        for values in (weight, bias):
            if values is not None and values.shape != x.shape[1:2]:
                raise ValueError(f"expected {x.shape[1:2]}, got {values.shape}")
        wide, weight, bias = (
            None if values is None else torch.tensor(values, dtype=torch.float32)
            for values in (x, weight, bias)
        )
        # What F.batch_norm calls once it has refused one value per channel, which is allowed here.
        y = torch.batch_norm(wide, weight, bias, None, None, True, 0.0, eps, False)
        return y.half().numpy()

    return SimpleNamespace(batch_norm_half=batch_norm_half)
