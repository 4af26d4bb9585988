"""What is asked of dynamic_tanh; torch answers with tanh, composed as in the published layer."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses

LEVEL = "research"
MINUTES = 10
AFTER = ["layer_norm"]
CARD = "dynamic-tanh"


def squashes_every_value_by_itself(impl):
    """values: tanh of alpha times x, without any statistics"""
    x = normal(2, 4, 3, mean=[0.5, -1.0, 2.0], std=[1.0, 0.3, 2.0])
    return {
        "alpha=0.5": impl.dynamic_tanh(x, 0.5, None, None),
        "alpha=1.7": impl.dynamic_tanh(x, 1.7, None, None),
        "alpha=-0.8": impl.dynamic_tanh(x, -0.8, None, None),
    }


def scales_then_shifts(impl):
    """weight and bias: one number for each feature, outside the tanh, first scale, then shift"""
    x = normal(2, 4, 3, mean=0.3)
    weight, bias = normal(3, mean=2), normal(3, mean=-1, seed=1)
    return {"y": impl.dynamic_tanh(x, 0.7, weight, bias)}


def weight_or_bias_alone(impl):
    """weight and bias: either may be None while the other is used"""
    x = normal(4, 5, mean=-0.3)
    return {
        "weight alone": impl.dynamic_tanh(x, 0.7, normal(5, mean=2), None),
        "bias alone": impl.dynamic_tanh(x, 0.7, None, normal(5, mean=-1, seed=1)),
    }


def takes_a_number_or_an_array_of_one(impl):
    """alpha: a number, or an array of a single value"""
    x = normal(4, 5, mean=0.3)
    alphas = {"()": 0.625, "(1,)": [0.625], "(1, 1, 1)": [[[0.625]]]}
    return {
        f"alpha of {shape}": impl.dynamic_tanh(x, frozen(alpha, np.float32), None, None)
        for shape, alpha in alphas.items()
    }


def saturates(impl):
    """range: extreme values end at weight + bias or bias - weight, in every dtype"""
    weight, bias = normal(4, mean=2), normal(4, mean=-1, seed=1)
    extreme = {"float16": 6e4, "float32": 3e38, "float64": 1e300}
    return {
        name: impl.dynamic_tanh(frozen([[-far, -800, 800, far]], name), 2.0, weight, bias)
        for name, far in extreme.items()
    }


def takes_odd_shapes_and_views(impl):
    """shapes: one axis, four, one feature, a transposed and a strided view"""
    x = normal(3, 5, 6, 4, std=2)

    def norm(x):
        features = x.shape[-1]
        return impl.dynamic_tanh(x, 0.6, normal(features, mean=2), normal(features, seed=1))

    return {
        "(7,)": norm(normal(7)),
        "(3, 5, 6, 4)": norm(x),
        "D=1": norm(normal(4, 3, 1)),
        "(1, 1)": norm(normal(1, 1)),
        "a transposed view": norm(x.transpose(0, 3, 1, 2)),
        "every second": norm(x[:, ::2, :, ::2]),
    }


def keeps_the_dtype(impl):
    """dtype: float16, float32 and float64 come back as they went in, whatever the rest is"""
    dtypes = {}
    for name in ("float16", "float32", "float64"):
        x = normal(4, 6, dtype=name)
        plain = impl.dynamic_tanh(x, 0.5, None, None)
        y = impl.dynamic_tanh(x, frozen([0.5]), normal(6, mean=1), normal(6, seed=1))
        dtypes[f"{name} without weight"] = plain.dtype.name
        dtypes[f"{name} with the rest in float64"] = y.dtype.name
    return dtypes


def is_exact_in_every_dtype(impl):
    """precision: float32 to its last digits, small values included"""
    x = normal(3, 16, mean=2, dtype=np.float32)
    tiny = normal(3, 8, dtype=np.float32) * np.float32(1e-6)
    half = normal(3, 16, std=2, dtype=np.float16)
    return {
        "y": impl.dynamic_tanh(x, 0.75, normal(16, mean=2), None),
        "1e6 y of tiny x": np.float32(1e6) * impl.dynamic_tanh(tiny, 0.75, None, None),
        "y in float16": impl.dynamic_tanh(half, 0.75, normal(16, mean=2), normal(16)),
    }


def shares_no_memory(impl):
    """memory: an output is a new array, and a later call leaves it alone"""
    x = normal(4, 3, 5)
    first = impl.dynamic_tanh(x, 0.5, None, None)
    kept = first.copy()
    second = impl.dynamic_tanh(normal(4, 3, 5, mean=-1, seed=1), 0.5, None, None)
    return {
        "shares memory": [np.shares_memory(first, x), np.shares_memory(first, second)],
        "changed by a later call": bool(np.any(first != kept)),
        "y of the later call": second,
    }


def refuses_what_does_not_fit(impl):
    """refusals: no axis, more than one alpha, weight and bias of another shape, integers"""
    x, tanh = normal(2, 4, 5), impl.dynamic_tanh

    def refused(alpha, weight, bias, naming):
        return refuses(ValueError, tanh, x, alpha, weight, bias, naming=naming)

    one = r"\b1\b|one|single|scalar"
    return {
        "x ()": refuses(
            ValueError,
            tanh,
            frozen(0.5),
            0.5,
            None,
            None,
            naming=[r"\*, D|axis|axes|dim|\b1\b|one", r"\(\)"],
        ),
        "alpha (5,)": refused(normal(5), None, None, [one, (5,)]),
        "alpha (4, 1)": refused(normal(4, 1), None, None, [one, (4, 1)]),
        "weight (1,)": refused(0.5, normal(1), None, [5, (1,)]),
        "weight (4, 1)": refused(0.5, normal(4, 1), None, [5, (4, 1)]),
        "weight (4, 5)": refused(0.5, normal(4, 5), None, [5, (4, 5)]),
        "bias (1,)": refused(0.5, None, normal(1), [5, (1,)]),
        "bias (2, 4, 5)": refused(0.5, None, normal(2, 4, 5), [5, (2, 4, 5)]),
        "integers": refuses(TypeError, tanh, frozen(np.arange(6).reshape(2, 3)), 0.5, None, None),
        "booleans": refuses(TypeError, tanh, frozen(x > 0), 0.5, None, None),
    }


def in_any_shape(impl, draw):
    """any shape, dtype and parameters"""
    shape = tuple(draw.integer(1, 5) for _ in range(draw.integer(1, 4)))
    seed, mean, std = draw.integer(0, 99), draw.integer(-9, 9), draw.choice([0.25, 1, 40])
    x = normal(*shape, mean=mean, std=std, seed=seed, dtype=draw.choice(["float32", "float64"]))
    alpha = draw.number(-3, 3)
    alpha = frozen([alpha]) if draw.choice([True, False]) else alpha
    weight = normal(shape[-1], mean=1, seed=1) if draw.choice([True, False]) else None
    bias = normal(shape[-1], seed=2) if draw.choice([True, False]) else None
    y = impl.dynamic_tanh(x, alpha, weight, bias)
    return {"dtype": y.dtype.name, "y": y}


def oracle():
    """torch behind the contract of dynamic_tanh."""
    import torch

    def wide(values):
        return torch.tensor(np.array(values), dtype=torch.float64)

    def dynamic_tanh(x, alpha, weight, bias):
        if x.dtype.kind != "f":
            raise TypeError(f"torch squashes floating values, got {x.dtype}")
        given = [np.shape(p) for p in (weight, bias) if p is not None]
        if x.ndim < 1 or np.size(alpha) != 1 or any(shape != x.shape[-1:] for shape in given):
            expected = f"expected (*, D), alpha of 1 value, weight and bias of {x.shape[-1:]}"
            raise ValueError(f"{expected}, got {x.shape}, {np.shape(alpha)}, {given}")
        y = torch.tanh(wide(alpha).reshape(()) * wide(x))
        y = y if weight is None else y * wide(weight)
        y = y if bias is None else y + wide(bias)
        return y.numpy().astype(x.dtype)

    return SimpleNamespace(dynamic_tanh=dynamic_tanh)
