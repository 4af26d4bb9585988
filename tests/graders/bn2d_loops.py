"""What is asked of bn2d_loops; torch's way of answering is what F.batch_norm calls."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, within

LEVEL = "junior"
MINUTES = 15
AFTER = []
CARD = "on-a-whiteboard"


def normalizes_each_channel_over_the_batch(impl):
    """values: every channel is normalized over N, H and W together"""
    x = normal(4, 3, 2, 5, mean=[[[2.0]], [[-1.0]], [[7.0]]], std=[[[3.0]], [[0.5]], [[2.0]]])
    return {"y": impl.batch_norm_2d(x, None, None)}


def scales_then_shifts(impl):
    """values: weight scales and bias shifts, one of each per channel"""
    x, weight, bias = normal(2, 3, 5, 4, mean=3, std=2), normal(3, mean=2), normal(3, seed=1)
    return {"y": impl.batch_norm_2d(x, weight, bias)}


def weight_and_bias_may_each_be_none(impl):
    """None: weight alone, bias alone"""
    x, weight, bias = normal(2, 3, 5, 4, mean=3, std=2), normal(3, mean=2), normal(3, seed=1)
    return {
        "y without bias": impl.batch_norm_2d(x, weight, None),
        "y without weight": impl.batch_norm_2d(x, None, bias),
    }


def eps_stands_inside_the_root(impl):
    """eps: added to the variance, inside the square root; 1e-5 unless another is given"""
    x = normal(4, 3, 2, 5, mean=1, std=0.7)
    nearly_constant = normal(4, 3, 2, 5, mean=1, std=0.003)
    return {
        "y with eps=0.5": impl.batch_norm_2d(x, None, None, eps=0.5),
        "y of a nearly constant x": impl.batch_norm_2d(nearly_constant, None, None),
    }


class _Watched(np.ndarray):
    """An array that notes when NumPy adds up its values, or those computed from it."""

    reduced = False

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **kwargs):
        # sum, mean and var reduce by np.add; a ufunc with a signature is matmul or one of its kind.
        if ufunc.signature or (ufunc is np.add and method not in ("__call__", "at")):
            _Watched.reduced = True
        if out:
            kwargs["out"] = tuple(_plain(array) for array in out)
        result = getattr(ufunc, method)(*map(_plain, inputs), **kwargs)
        return result.view(_Watched) if isinstance(result, np.ndarray) and not out else result

    def __array_function__(self, function, types, args, kwargs):
        if function in (np.einsum, np.dot, np.inner, np.vdot, np.tensordot):
            _Watched.reduced = True
        return super().__array_function__(function, types, args, kwargs)


def _plain(value):
    return value.view(np.ndarray) if isinstance(value, _Watched) else value


def adds_up_by_itself(impl):
    """by hand: the numbers are added up in Python, not by a reduction of NumPy"""
    _Watched.reduced = False
    y = impl.batch_norm_2d(normal(3, 2, 4, 5, mean=2).view(_Watched), None, None)
    return {"NumPy adds up": _Watched.reduced, "y": y}


def keeps_the_dtype(impl):
    """dtype: float16, float32 and float64 come back as they went in"""
    weight, bias = normal(3, mean=2), normal(3, seed=1)
    return {
        name: impl.batch_norm_2d(normal(2, 3, 4, 5, dtype=name), weight, bias).dtype.name
        for name in ("float16", "float32", "float64")
    }


@within(1e-3)  # what the conventions promise for float32 with mean 1000 and spread 1
def survives_a_large_mean(impl):
    """precision: a mean far from 0 does not swallow the spread"""
    x = normal(4, 3, 4, 5, mean=[[[1000.0]], [[-500.0]], [[10.0]]], dtype=np.float32)
    return {"y": impl.batch_norm_2d(x, None, None)}


@within(5e-3)  # two roundings of 3 to float16 differ by 0.002
def half_precision_is_added_up_in_float32_or_better(impl):
    """precision: half precision does not overflow, and is left only at the end"""
    wide, far = normal(4, 3, 4, 5, std=600), normal(4, 3, 4, 5, mean=100, std=0.5)
    return {
        "y with spread 600": impl.batch_norm_2d(wide.astype(np.float16), None, None),
        "y with mean 100": impl.batch_norm_2d(far.astype(np.float16), None, None),
    }


def takes_odd_shapes_and_views(impl):
    """shapes: one image, one channel, one pixel, a transposed view"""
    x, one = normal(3, 5, 6, 4, mean=2, std=3), normal(1, mean=2)
    three = normal(3, mean=2), normal(3, seed=1)
    return {
        "N=1": impl.batch_norm_2d(normal(1, 3, 4, 5, mean=2), *three),
        "C=1": impl.batch_norm_2d(normal(3, 1, 4, 5, mean=2), one, None),
        "H=W=1": impl.batch_norm_2d(normal(6, 3, 1, 1, mean=2), *three),
        "a view": impl.batch_norm_2d(x.transpose(0, 3, 1, 2), None, None),
        "every second row": impl.batch_norm_2d(x[:, :, ::2], None, None),
    }


def one_value_per_channel_gives_bias(impl):
    """shapes: one value per channel is its own mean, and comes out as bias"""
    return {"y": impl.batch_norm_2d(normal(1, 3, 1, 1, mean=2), normal(3), normal(3, seed=1))}


def returns_a_new_array(impl):
    """memory: the output is a new array in every call"""
    x = normal(4, 3, 2, 5, mean=3)
    first = impl.batch_norm_2d(x, None, None)
    kept = np.array(first)
    second = impl.batch_norm_2d(normal(4, 3, 2, 5, mean=-2, seed=1), None, None)
    shared = [np.shares_memory(first, x), np.shares_memory(first, second)]
    return {"shares memory": [*shared, bool(np.any(first != kept))], "y": first}


def refuses_what_it_cannot_normalize(impl):
    """refusals: rank, lengths of weight and bias, integers"""
    x, good, bad = normal(2, 3, 4, 5), normal(3), normal(4)
    told = {
        str(shape): refuses(
            ValueError,
            impl.batch_norm_2d,
            normal(*shape),
            None,
            None,
            naming=[r"(N, C, H, W)|N, |\b4\b|four", shape],
        )
        for shape in [(3,), (4, 3), (2, 3, 5), (2, 3, 4, 5, 6)]
    }
    call = impl.batch_norm_2d
    return {
        **told,
        "weight (4,)": refuses(ValueError, call, x, bad, good, naming=[(3,), (4,)]),
        "weight (1,)": refuses(ValueError, call, x, normal(1), None, naming=[(3,), (1,)]),
        "bias (4,)": refuses(ValueError, call, x, good, bad, naming=[(3,), (4,)]),
        "bias (5,), weight None": refuses(
            ValueError, call, x, None, normal(5), naming=[(3,), (5,)]
        ),
        "integers": refuses(TypeError, call, frozen(np.arange(24).reshape(2, 3, 2, 2)), None, None),
        "booleans": refuses(TypeError, call, frozen(x > 0), None, None),
    }


def in_any_shape(impl, draw):
    """any shape, dtype and parameters"""
    n, c, h, w = (draw.integer(1, 4) for _ in range(4))
    dtype, seed = draw.choice(["float32", "float64"]), draw.integer(0, 99)
    x = normal(n, c, h, w, mean=draw.integer(-9, 9), std=draw.choice([0.25, 1, 4]), seed=seed)
    weight = normal(c, mean=1) if draw.choice([True, False]) else None
    bias = normal(c, seed=1) if draw.choice([True, False]) else None
    eps = draw.choice([1e-5, 1e-3, 0.3])
    y = impl.batch_norm_2d(x.astype(dtype), weight, bias, eps=eps)
    return {"y": y, "dtype": y.dtype.name}


def oracle():
    """torch behind the contract of bn2d_loops."""
    import torch

    def batch_norm_2d(x, weight, bias, eps=1e-5):
        if x.dtype.kind != "f":
            raise TypeError(f"torch normalizes floating values, got {x.dtype}")
        if x.ndim != 4:
            raise ValueError(f"expected (N, C, H, W), got {x.shape}")
        for values in (weight, bias):
            if values is not None and values.shape != x.shape[1:2]:
                raise ValueError(f"expected {x.shape[1:2]}, got {values.shape}")
        x64, weight, bias = (
            None if values is None else torch.tensor(values, dtype=torch.float64)
            for values in (x, weight, bias)
        )
        # What F.batch_norm calls once it has refused one value per channel, which is allowed here.
        y = torch.batch_norm(x64, weight, bias, None, None, True, 0.0, eps, False)
        return y.numpy().astype(x.dtype)

    return SimpleNamespace(batch_norm_2d=batch_norm_2d)
