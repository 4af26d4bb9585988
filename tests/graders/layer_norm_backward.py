"""What is asked of layer_norm_backward; torch's way of answering is autograd."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, uniform, within

LEVEL = "senior"
MINUTES = 30
AFTER = ["layer_norm", "bn_backward"]
CARD = "layer-norm-backward"


def forward_normalizes_each_row(impl):
    """forward: every row is normalized by itself, then scaled and shifted per feature"""
    x = normal(4, 7, mean=normal(4, 1, mean=2, std=3), std=uniform(4, 1, low=0.5, high=3))
    y, _ = impl.layer_norm_forward(x, normal(7, mean=2), normal(7, mean=-1, seed=1))
    return {"y": y}


def dbias_and_dweight_sum_down_the_rows(impl):
    """dweight, dbias: what each feature's parameters collect from all rows"""
    _, dweight, dbias = _gradients(impl, normal(7, mean=2))
    return {"dbias": dbias, "dweight": dweight}


def dx_with_one_weight_for_all(impl):
    """dx: directly, through the row's mean and through its variance; weight is 3 everywhere"""
    return {"dx": _gradients(impl, frozen(np.full(7, 3.0)))[0]}


def dx_with_a_weight_per_feature(impl):
    """dx: weight differs along the axis that the statistics run along"""
    return {"dx": _gradients(impl, normal(7, mean=2))[0]}


def eps_belongs_to_the_gradient_too(impl):
    """eps: stands inside the square root, in the forward pass and in the backward pass"""
    x, dy = normal(3, 6, mean=1, std=0.7), normal(3, 6, mean=0.5, seed=1)
    y, cache = impl.layer_norm_forward(x, normal(6, mean=2), normal(6, seed=1), eps=0.5)
    dx, dweight, _ = impl.layer_norm_backward(dy, cache)
    return {"y": y, "dx": dx, "dweight": dweight}


def without_weight_or_bias(impl):
    """weight and bias: None, alone or both, stands for ones and zeros and still has a gradient"""
    x, dy = normal(4, 6, mean=2, std=3), normal(4, 6, mean=0.5, seed=1)
    weight, bias = normal(6, mean=2), normal(6, mean=-1, seed=1)
    found = {}
    for name, pair in {
        "weight=None": (None, bias),
        "bias=None": (weight, None),
        "both None": (None, None),
    }.items():
        y, cache = impl.layer_norm_forward(x, *pair)
        dx, dweight, dbias = impl.layer_norm_backward(dy, cache)
        found |= {f"{name}: y": y, f"{name}: dx": dx}
        found |= {f"{name}: dweight": dweight, f"{name}: dbias": dbias}
    return found


def a_cache_belongs_to_its_call(impl):
    """cache: two passes may be open at once, and one cache may be used twice"""
    weight, bias = normal(5, mean=2), normal(5, seed=1)
    dy, other_dy = normal(4, 5, seed=2), normal(4, 5, mean=0.5, seed=3)
    _, first = impl.layer_norm_forward(normal(4, 5, mean=2, std=3), weight, bias)
    _, second = impl.layer_norm_forward(normal(4, 5, mean=-1, seed=1), bias, weight)
    dx, dweight, dbias = impl.layer_norm_backward(dy, first)
    dx_second, dweight_second, _ = impl.layer_norm_backward(other_dy, second)
    again, dweight_again, dbias_again = impl.layer_norm_backward(other_dy, first)
    return {
        "dx of the first pass": dx,
        "dweight of the first pass": dweight,
        "dbias of the first pass": dbias,
        "dx of the second pass": dx_second,
        "dweight of the second pass": dweight_second,
        "dx with the first cache again": again,
        "dweight with the first cache again": dweight_again,
        "dbias with the first cache again": dbias_again,
    }


def what_comes_back_is_new(impl):
    """memory: whoever writes to y or dx, as an in-place residual does, changes no other result"""
    x, dy = normal(4, 5, mean=2, std=3), normal(4, 5, mean=0.5, seed=1)
    y, cache = impl.layer_norm_forward(x, None, None)
    shared = [np.shares_memory(y, x)]
    y[...] = 7
    first = impl.layer_norm_backward(dy, cache)
    kept = [gradient.copy() for gradient in first]
    second = impl.layer_norm_backward(dy, cache)
    for one, other in zip(first, second, strict=True):
        shared += [np.shares_memory(one, owner) for owner in (x, dy, y, other)]
    for gradient in second:
        gradient[...] = 7
    third = impl.layer_norm_backward(dy, cache)
    return {
        "dx after y was written to": kept[0],
        "dweight after y was written to": kept[1],
        "dx after dx was written to": third[0],
        "dweight after dweight was written to": third[1],
        "dbias after dbias was written to": third[2],
        "shares memory": shared,
    }


def keeps_the_dtype(impl):
    """dtype: y and all gradients have the dtype of x, whatever that of the parameters is"""
    found = {}
    for name in ("float16", "float32", "float64"):
        x, dy = normal(4, 5, mean=2, dtype=name), normal(4, 5, seed=1, dtype=name)
        for held in (name, "float64"):
            weight, bias = normal(5, mean=2, dtype=held), normal(5, dtype=held)
            y, cache = impl.layer_norm_forward(x, weight, bias)
            gradients = impl.layer_norm_backward(dy, cache)
            for part, value in zip(("y", "dx", "dweight", "dbias"), (y, *gradients), strict=True):
                found[f"{part} of {name}, weight {held}"] = value.dtype.name
    return found


# The contract asks for 1e-3 of float32 with mean 1000 and spread 1.
@within(1e-3)
def survives_a_large_mean(impl):
    """precision: in float32 a mean of 1000 does not swallow a spread of 1"""
    x = normal(3, 64, mean=np.array([[1000.0], [-1000.0], [10.0]]), dtype=np.float32)
    dy = normal(3, 64, seed=1, dtype=np.float32)
    weight, bias = normal(64, mean=2, dtype=np.float32), normal(64, dtype=np.float32)
    y, cache = impl.layer_norm_forward(x, weight, bias)
    dx, dweight, dbias = impl.layer_norm_backward(dy, cache)
    return {"y": y, "dx": dx, "dweight": dweight, "dbias": dbias}


def survives_half_precision(impl):
    """float16: squares do not overflow, and long sums keep counting"""
    # 600² is beyond the largest float16; 2048 + 1 is 2048 there.
    x = normal(4096, 5, mean=100, std=600, dtype=np.float16)
    dy = normal(4096, 5, mean=1, std=0.5, seed=1, dtype=np.float16)
    weight, bias = normal(5, mean=500, dtype=np.float16), normal(5, mean=9, dtype=np.float16)
    y, cache = impl.layer_norm_forward(x, weight, bias)
    dx, dweight, dbias = impl.layer_norm_backward(dy, cache)
    return {"y": y[:9], "dx": dx[:9], "dweight": dweight, "dbias": dbias}


def takes_odd_shapes_and_views(impl):
    """shapes: one row, two features, one feature, a constant row, views"""
    found = {}
    constant = frozen(normal(3, 5) * np.array([[1.0], [0.0], [2.0]]) + 0.5)
    wide = normal(4, 9, mean=2, std=3)
    for name, (x, dy) in {
        "N=1": (normal(1, 6, mean=2), normal(1, 6, seed=1)),
        "D=2": (normal(4, 2, mean=2), normal(4, 2, seed=1)),
        "D=1": (normal(4, 1, mean=2), normal(4, 1, seed=1)),
        "a constant row": (constant, normal(3, 5, seed=1)),
        "views": (normal(7, 4, mean=2, std=3).T, normal(7, 4, seed=1).T),
        "every second feature": (wide[:, ::2], normal(4, 9, seed=1)[:, ::2]),
    }.items():
        weight, bias = normal(x.shape[1], mean=2), normal(x.shape[1], seed=1)
        y, cache = impl.layer_norm_forward(x, weight, bias, eps=0.01)
        dx, dweight, _ = impl.layer_norm_backward(dy, cache)
        found |= {f"{name}: y": y, f"{name}: dx": dx, f"{name}: dweight": dweight}
    return found


def refuses_what_does_not_fit(impl):
    """refusals: axes, the length of weight and bias, the shape of dy, integers and booleans"""
    forward, backward = impl.layer_norm_forward, impl.layer_norm_backward
    x, weight, bias = normal(4, 3), normal(3), normal(3, seed=1)
    _, cache = forward(x, weight, bias)
    integers = frozen(np.arange(12).reshape(4, 3))
    axes = r"2 axes|N, D|two|\b2\b"

    def of_x(*shape):
        return refuses(ValueError, forward, normal(*shape), weight, bias, naming=[axes, shape])

    def of_parameters(weight, bias, n):
        return refuses(ValueError, forward, x, weight, bias, naming=[3, (n,)])

    def of_dy(*shape):
        return refuses(ValueError, backward, normal(*shape), cache, naming=[(4, 3), shape])

    return {
        "x (3,)": of_x(3),
        "x (4, 5, 3)": of_x(4, 5, 3),
        "weight (1,), D=3": of_parameters(normal(1), bias, 1),
        "weight (7,), D=3": of_parameters(normal(7), bias, 7),
        "bias (1,), D=3": of_parameters(weight, normal(1), 1),
        "bias (7,), D=3": of_parameters(None, normal(7), 7),
        "dy (4, 1), x (4, 3)": of_dy(4, 1),
        "dy (1, 3), x (4, 3)": of_dy(1, 3),
        "dy (7, 3), x (4, 3)": of_dy(7, 3),
        "x of integers": refuses(TypeError, forward, integers, weight, bias),
        "x of booleans": refuses(TypeError, forward, frozen(x > 0), weight, bias),
        "dy of integers": refuses(TypeError, backward, integers, cache),
        "dy of booleans": refuses(TypeError, backward, frozen(x > 0), cache),
    }


def in_any_shape(impl, draw):
    """any number of rows and features, any dtype, with and without parameters"""
    shape = (draw.integer(1, 6), draw.integer(1, 6))
    dtype, seed = draw.choice(["float32", "float64"]), draw.integer(0, 99)
    x = normal(
        *shape, mean=draw.integer(-9, 9), std=draw.choice([0.25, 1, 4]), seed=seed, dtype=dtype
    )
    dy = normal(*shape, mean=draw.choice([0, 0.5]), seed=seed + 1, dtype=dtype)
    weight = draw.choice([None, normal(shape[1], mean=1)])
    bias = draw.choice([None, normal(shape[1], seed=1)])
    y, cache = impl.layer_norm_forward(x, weight, bias, eps=draw.choice([1e-5, 1e-3, 0.3]))
    dx, dweight, dbias = impl.layer_norm_backward(dy, cache)
    dtypes = [part.dtype.name for part in (y, dx, dweight, dbias)]
    return {"dtypes": dtypes, "y": y, "dx": dx, "dweight": dweight, "dbias": dbias}


def _gradients(impl, weight):
    x = normal(4, 7, mean=normal(4, 1, mean=2, std=3), std=uniform(4, 1, low=0.5, high=3))
    _, cache = impl.layer_norm_forward(x, weight, normal(7, mean=-1, seed=1))
    return impl.layer_norm_backward(normal(4, 7, mean=0.5, seed=1), cache)


def oracle():
    """torch behind the contract of layer_norm_backward: layer_norm in float64, and autograd."""
    import torch

    def layer_norm_forward(x, weight, bias, eps=1e-5):
        if x.dtype.kind != "f":
            raise TypeError(f"torch normalizes floating values, got {x.dtype}")
        if x.ndim != 2:
            raise ValueError(f"expected x (N, D), 2 axes, got {x.shape}")
        weight = np.ones(x.shape[1]) if weight is None else weight
        bias = np.zeros(x.shape[1]) if bias is None else bias
        for values in (weight, bias):
            if values.shape != x.shape[1:]:
                raise ValueError(f"expected {x.shape[1:]}, got {values.shape}")
        leaves = [
            torch.tensor(values, dtype=torch.float64, requires_grad=True)
            for values in (x, weight, bias)
        ]
        y = torch.nn.functional.layer_norm(leaves[0], x.shape[1:], *leaves[1:], eps=eps)
        return y.detach().numpy().astype(x.dtype), (y, leaves, x.dtype)

    def layer_norm_backward(dy, cache):
        y, leaves, dtype = cache
        if dy.dtype.kind != "f":
            raise TypeError(f"torch differentiates floating values, got {dy.dtype}")
        if dy.shape != tuple(y.shape):
            raise ValueError(f"expected {tuple(y.shape)}, got {dy.shape}")
        dy = torch.tensor(dy, dtype=torch.float64)
        gradients = torch.autograd.grad(y, leaves, dy, retain_graph=True)
        return tuple(gradient.numpy().astype(dtype) for gradient in gradients)

    return SimpleNamespace(
        layer_norm_forward=layer_norm_forward, layer_norm_backward=layer_norm_backward
    )
