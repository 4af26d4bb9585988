"""What is asked of drop_bias; torch's way of answering is to run both networks."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, uniform

LEVEL = "junior"
MINUTES = 10
AFTER = ["bn2d"]
CARD = "bias-before-bn"


def moves_the_running_mean(impl):
    """running_mean: takes the bias over"""
    return {"running_mean": impl.drop_bias(normal(5, mean=2), normal(5, mean=-1, std=3, seed=1))}


def keeps_the_output_in_evaluation(impl):
    """output: the convolution without bias and the new running_mean give what both gave before"""
    x, kernel = normal(4, 3, 5, 2, mean=1), normal(6, 3)
    var, weight, bias = uniform(6), normal(6, mean=2), normal(6, seed=1)
    mean = impl.drop_bias(normal(6, mean=3), normal(6, mean=1, std=2, seed=2))
    z = np.einsum("nihw,oi->nohw", x, kernel)
    centred = z - np.asarray(mean).reshape(-1, 1, 1)
    factor = (weight / np.sqrt(var + 1e-5)).reshape(-1, 1, 1)
    return {"y": centred * factor + bias.reshape(-1, 1, 1)}


def takes_zeros(impl):
    """zeros: a bias of zero changes nothing, and a running_mean of zero becomes minus the bias"""
    values, zeros = normal(5, mean=2), frozen(np.zeros(5))
    return {
        "bias zero": impl.drop_bias(zeros, values),
        "running_mean zero": impl.drop_bias(values, zeros),
        "one cancels the other": impl.drop_bias(values, values),
    }


def takes_odd_shapes_and_views(impl):
    """shapes: one channel, every second of an array, a reversed one"""
    values = normal(12, mean=3, std=2)
    return {
        "C=1": impl.drop_bias(normal(1, mean=2), normal(1, seed=1)),
        "every second": impl.drop_bias(values[::2], values[1::2]),
        "reversed": impl.drop_bias(values[::-1], values),
    }


def keeps_the_dtype(impl):
    """dtype: that of running_mean, whatever conv_bias has"""
    names = ("float16", "float32", "float64")
    return {
        f"conv_bias {bias}, running_mean {mean}": str(
            impl.drop_bias(normal(5, dtype=bias), normal(5, seed=1, dtype=mean)).dtype
        )
        for bias in names
        for mean in names
    }


def loses_no_digits(impl):
    """precision: bias and mean near 10000, of which the difference is small, in two dtypes"""
    single = normal(5, mean=10000, std=9, dtype=np.float32)
    double = frozen(single + normal(5, std=0.3, seed=1) / 7)
    half = normal(5, mean=3000, std=99, dtype=np.float16)
    wider = frozen(half + normal(5, std=0.3, seed=2), np.float32)
    return {
        "conv_bias float64, running_mean float32": impl.drop_bias(double, single),
        "conv_bias float32, running_mean float64": impl.drop_bias(single, double),
        "conv_bias float32, running_mean float16": impl.drop_bias(wider, half),
        "conv_bias float16, running_mean float32": impl.drop_bias(half, wider),
    }


def shares_nothing(impl):
    """memory: the result is a new array, and the arguments are as they were"""
    bias, mean = np.linspace(1.0, 3.0, 5), np.linspace(-2.0, 5.0, 5)
    first = impl.drop_bias(bias, mean)
    kept = np.array(first)
    second = impl.drop_bias(bias, mean)
    unmoved = impl.drop_bias(np.zeros(5), mean)
    return {
        "running_mean": second,
        "the arguments": [bias, mean],
        "shares memory": [
            np.shares_memory(first, bias),
            np.shares_memory(first, mean),
            np.shares_memory(first, second),
            np.shares_memory(unmoved, mean),
        ],
        "first result has changed": bool(np.any(first != kept)),
    }


def refuses_other_shapes(impl):
    """refusals: two arrays of one axis and the same length"""
    return {
        f"{bias} and {mean}": refuses(
            ValueError, impl.drop_bias, normal(*bias), normal(*mean), naming=[bias, mean]
        )
        for bias, mean in (
            ((1,), (5,)),
            ((5,), (1,)),
            ((5, 1), (5,)),
            ((5,), (5, 1)),
            ((5, 2), (5, 2)),
        )
    }


def refuses_integers(impl):
    """refusals: integers and booleans, in either argument"""
    values = normal(5)
    ones = {"integers": frozen(np.ones(5, int)), "booleans": frozen(np.ones(5, bool))}
    found = {}
    for name, array in ones.items():
        found[f"{name} in conv_bias"] = refuses(TypeError, impl.drop_bias, array, values)
        found[f"{name} in running_mean"] = refuses(TypeError, impl.drop_bias, values, array)
    return found


def in_any_shape(impl, draw):
    """any number of channels and any two dtypes"""
    channels, seed = draw.integer(1, 9), draw.integer(0, 99)
    dtypes = [draw.choice(["float16", "float32", "float64"]) for _ in range(2)]
    bias = normal(channels, mean=draw.integer(-9, 9), seed=seed, dtype=dtypes[0])
    mean = normal(channels, std=3, seed=seed + 1, dtype=dtypes[1])
    found = impl.drop_bias(bias, mean)
    return {"running_mean": found, "dtype": str(found.dtype)}


def oracle():
    """torch behind the contract: the network with bias is asked what it makes of an image of zeros.

    A batch norm of variance 1 then gives bias - running_mean, and without bias it has to give the
    same. Both networks have to agree on other images and statistics, too, or nothing is answered.
    """
    import torch
    from torch.nn import functional

    def drop_bias(conv_bias, running_mean):
        wrong = [str(a.dtype) for a in (conv_bias, running_mean) if a.dtype.kind != "f"]
        if wrong:
            raise TypeError(f"torch convolves floating values, got {wrong[0]}")
        if running_mean.ndim != 1 or conv_bias.shape != running_mean.shape:
            raise ValueError(f"expected (C,) twice, got {conv_bias.shape} and {running_mean.shape}")
        b, mean = (torch.tensor(a.astype(np.float64)) for a in (conv_bias, running_mean))
        kernel = torch.randn(len(b), 3, 2, 2, dtype=torch.float64)
        zeros = torch.zeros(1, 3, 2, 2, dtype=torch.float64)
        moved = -functional.batch_norm(
            functional.conv2d(zeros, kernel, b), mean, torch.full_like(mean, 0.75), eps=0.25
        ).flatten()

        x, var = torch.randn(2, 3, 4, 5, dtype=torch.float64), torch.rand_like(mean) + 0.5
        before = functional.batch_norm(functional.conv2d(x, kernel, b), mean, var)
        after = functional.batch_norm(functional.conv2d(x, kernel), moved, var)
        torch.testing.assert_close(after, before)
        return moved.numpy().astype(running_mean.dtype)

    return SimpleNamespace(drop_bias=drop_bias)
