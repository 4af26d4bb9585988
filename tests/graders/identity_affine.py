"""What is asked of identity_affine; torch's way of answering is the statistics that BN reports."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, within

LEVEL = "junior"
MINUTES = 10
AFTER = ["bn1d"]
CARD = "gamma-and-beta"


def _batch_norm(x, weight, bias, eps=1e-5):
    """The layer in training, for vectors (N, C)."""
    return weight * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + bias


def bias_is_what_was_subtracted(impl):
    """bias: one number per channel, of all its values"""
    x = normal(4, 3, 2, 5, mean=[[[2.0]], [[-1.0]], [[7.0]]], std=[[[3.0]], [[0.5]], [[2.0]]])
    return {"bias": impl.identity_parameters(x)[1]}


def weight_is_what_was_divided_by(impl):
    """weight: one number per channel, of all its values"""
    x = normal(4, 3, 2, 5, mean=[[[2.0]], [[-1.0]], [[7.0]]], std=[[[3.0]], [[0.5]], [[2.0]]])
    return {"weight": impl.identity_parameters(x)[0]}


def weight_holds_eps(impl):
    """weight: it undoes the denominator, eps included; 1e-5 unless another is given"""
    x, nearly_constant = normal(6, 3, mean=1, std=0.7), normal(6, 3, mean=1, std=0.003)
    return {
        "weight with eps=0.5": impl.identity_parameters(x, eps=0.5)[0],
        "weight of a nearly constant x": impl.identity_parameters(nearly_constant)[0],
    }


def the_layer_gives_x_back(impl):
    """identity: the layer with this weight and bias returns x"""
    x = normal(5, 4, mean=[2.0, -1.0, 70.0, 0.1], std=[3.0, 0.5, 20.0, 0.01])
    plain, coarse = impl.identity_parameters(x), impl.identity_parameters(x, eps=0.25)
    return {
        "y": _batch_norm(x, *plain),
        "y with eps=0.25": _batch_norm(x, *coarse, eps=0.25),
    }


def takes_any_number_of_axes(impl):
    """shapes: vectors, sequences, volumes, one sample, one channel, a transposed view"""
    told = {}
    view = normal(3, 5, 6, 4, mean=2, std=3).transpose(0, 3, 1, 2)
    for x in (
        normal(6, 3, mean=2), normal(2, 3, 5, mean=2), normal(2, 3, 4, 2, 5, mean=2),
        normal(1, 3, 4, 5, mean=2), normal(6, 1, mean=2), view,
    ):  # fmt: skip
        weight, bias = impl.identity_parameters(x)
        told |= {f"weight for {x.shape}": weight, f"bias for {x.shape}": bias}
    return told


def one_value_per_channel_leaves_eps(impl):
    """shapes: one value per channel has no spread, so that weight holds eps alone"""
    weight, bias = impl.identity_parameters(normal(1, 3, mean=2), eps=0.25)
    return {"weight": weight, "bias": bias}


def keeps_the_dtype(impl):
    """dtype: both have that of x: float16, float32 or float64"""
    return {
        name: [p.dtype.name for p in impl.identity_parameters(normal(4, 3, 5, dtype=name))]
        for name in ("float16", "float32", "float64")
    }


@within(1e-3)  # what the conventions promise for float32 with mean 1000 and spread 1
def survives_a_large_mean(impl):
    """precision: a large mean does not swallow the spread, and half precision does not overflow"""
    large = normal(16, 3, 8, mean=[[1000.0], [-3000.0], [10.0]], dtype=np.float32)
    half = normal(8, 3, 5, std=600, dtype=np.float16)
    return {
        "weight": impl.identity_parameters(large)[0],
        "weight in float16": impl.identity_parameters(half)[0].astype(np.float32),
    }


def returns_new_arrays(impl):
    """memory: weight and bias share none with x, nor with each other"""
    x = normal(1, 3, mean=2)
    weight, bias = impl.identity_parameters(x)
    shared = [
        np.shares_memory(bias, x),
        np.shares_memory(weight, x),
        np.shares_memory(weight, bias),
    ]
    return {"shares memory": shared}


def refuses_what_has_no_channels(impl):
    """refusals: rank, integers, booleans"""
    call, whole = impl.identity_parameters, frozen(np.arange(12).reshape(4, 3))
    rank = r"(N, C, \*spatial)|N, |\b2\b|two"
    return {
        "(3,)": refuses(ValueError, call, normal(3), naming=[rank, (3,)]),
        "(5,)": refuses(ValueError, call, normal(5), naming=[rank, (5,)]),
        "integers": refuses(TypeError, call, whole),
        "booleans": refuses(TypeError, call, frozen(whole > 5)),
    }


def in_any_shape(impl, draw):
    """any shape, dtype and eps"""
    spatial = [draw.integer(1, 4) for _ in range(draw.integer(0, 3))]
    x = normal(
        draw.integer(1, 5), draw.integer(1, 4), *spatial,
        mean=draw.integer(-9, 9), std=draw.choice([0.25, 1, 4]), seed=draw.integer(0, 99),
        dtype=draw.choice(["float32", "float64"]),
    )  # fmt: skip
    weight, bias = impl.identity_parameters(x, eps=draw.choice([1e-5, 1e-3, 0.3]))
    return {"weight": weight, "bias": bias, "dtype": weight.dtype.name}


def oracle():
    """torch behind the contract of identity_affine."""
    import torch

    def identity_parameters(x, eps=1e-5):
        if x.dtype.kind != "f":
            raise TypeError(f"torch normalizes floating values, got {x.dtype}")
        if x.ndim < 2:
            raise ValueError(f"expected (N, C, *spatial), got {x.shape}")
        wide = torch.tensor(x, dtype=torch.float64)
        # What F.batch_norm computes: beside the output the mean, and 1 / sqrt(var + eps).
        _, mean, inv_std = torch.native_batch_norm(wide, None, None, None, None, True, 0.0, eps)
        return (1 / inv_std).numpy().astype(x.dtype), mean.numpy().astype(x.dtype)

    return SimpleNamespace(identity_parameters=identity_parameters)
