"""What is asked of rms_norm_backward; torch's way of answering is autograd."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, uniform, within

LEVEL = "senior"
MINUTES = 25
AFTER = ["rms_norm", "layer_norm_backward"]
CARD = "fused-residual-norm"


def forward_divides_by_the_root_mean_square(impl):
    """forward: every vector is divided by its root mean square, then scaled per feature"""
    std = uniform(4, 1, low=0.5, high=3)
    y, _ = impl.rms_norm_forward(normal(4, 7, mean=2, std=std), normal(7, mean=2))
    tokens, _ = impl.rms_norm_forward(normal(2, 5, 4, mean=2), normal(4, mean=2))
    return {"y of (N, D)": y, "y of (N, L, D)": tokens}


def dweight_sums_over_all_vectors(impl):
    """dweight: what each feature's weight collects from all vectors"""
    _, dweight = _gradients(impl, (4, 7), normal(7, mean=2))
    _, dweight_of_tokens = _gradients(impl, (2, 5, 4), normal(4, mean=2))
    return {"dweight of (N, D)": dweight, "dweight of (N, L, D)": dweight_of_tokens}


def dx_with_one_weight_for_all(impl):
    """dx: directly and through the root mean square; weight is 3 everywhere"""
    return {"dx": _gradients(impl, (4, 7), frozen(np.full(7, 3.0)))[0]}


def dx_with_a_weight_per_feature(impl):
    """dx: weight differs along the axis that the mean square runs along"""
    return {"dx": _gradients(impl, (4, 7), normal(7, mean=2))[0]}


def eps_belongs_to_the_gradient_too(impl):
    """eps: stands inside the square root, in the forward pass and in the backward pass"""
    x, dy = normal(3, 6, mean=0.3, std=0.7), normal(3, 6, mean=0.5, seed=1)
    y, cache = impl.rms_norm_forward(x, normal(6, mean=2), eps=0.5)
    dx, dweight = impl.rms_norm_backward(dy, cache)
    return {"y": y, "dx": dx, "dweight": dweight}


def takes_any_number_of_axes(impl):
    """shapes: one vector, sequences, blocks; always over the last axis"""
    found = {}
    for shape in ((5,), (2, 4, 3), (3, 2, 4, 5)):
        y, cache = impl.rms_norm_forward(normal(*shape, mean=1), normal(shape[-1], mean=2))
        dx, dweight = impl.rms_norm_backward(normal(*shape, mean=0.5, seed=1), cache)
        found |= {f"{shape}: y": y, f"{shape}: dx": dx, f"{shape}: dweight": dweight}
    return found


def without_weight(impl):
    """weight=None: as with ones, and dweight is still there"""
    y, cache = impl.rms_norm_forward(normal(4, 6, mean=2, std=3), None)
    dx, dweight = impl.rms_norm_backward(normal(4, 6, mean=0.5, seed=1), cache)
    return {"y": y, "dx": dx, "dweight": dweight}


def a_cache_belongs_to_its_call(impl):
    """cache: two passes may be open at once, and one cache may be used twice"""
    dy, other_dy = normal(4, 5, seed=2), normal(4, 5, mean=0.5, seed=3)
    _, first = impl.rms_norm_forward(normal(4, 5, mean=2, std=3), normal(5, mean=2))
    _, second = impl.rms_norm_forward(normal(4, 5, mean=-1, seed=1), normal(5, seed=1))
    dx, dweight = impl.rms_norm_backward(dy, first)
    dx_second, dweight_second = impl.rms_norm_backward(other_dy, second)
    again, dweight_again = impl.rms_norm_backward(other_dy, first)
    return {
        "dx of the first pass": dx,
        "dweight of the first pass": dweight,
        "dx of the second pass": dx_second,
        "dweight of the second pass": dweight_second,
        "dx with the first cache again": again,
        "dweight with the first cache again": dweight_again,
    }


def what_comes_back_is_new(impl):
    """memory: whoever writes to y or dx, as an in-place residual does, changes no other result"""
    x, dy = normal(5, mean=2, std=3), normal(5, mean=0.5, seed=1)
    y, cache = impl.rms_norm_forward(x, None)
    shared = [np.shares_memory(y, x)]
    y[...] = 7
    first = impl.rms_norm_backward(dy, cache)
    kept = [gradient.copy() for gradient in first]
    second = impl.rms_norm_backward(dy, cache)
    for one, other in zip(first, second, strict=True):
        shared += [np.shares_memory(one, owner) for owner in (x, dy, y, other)]
    for gradient in second:
        gradient[...] = 7
    third = impl.rms_norm_backward(dy, cache)
    return {
        "dx after y was written to": kept[0],
        "dweight after y was written to": kept[1],
        "dx after dx was written to": third[0],
        "dweight after dweight was written to": third[1],
        "shares memory": shared,
    }


def keeps_the_dtype(impl):
    """dtype: y and both gradients have the dtype of x, whatever that of weight is"""
    found = {}
    for name in ("float16", "float32", "float64"):
        x, dy = normal(4, 5, mean=2, dtype=name), normal(4, 5, seed=1, dtype=name)
        for held in (name, "float64"):
            y, cache = impl.rms_norm_forward(x, normal(5, mean=2, dtype=held))
            gradients = impl.rms_norm_backward(dy, cache)
            for part, value in zip(("y", "dx", "dweight"), (y, *gradients), strict=True):
                found[f"{part} of {name}, weight {held}"] = value.dtype.name
    return found


def survives_half_precision(impl):
    """float16: squares do not overflow, and long sums keep counting"""
    # 600² is beyond the largest float16; 2048 + 1 is 2048 there.
    x = normal(4096, 5, mean=600, std=100, dtype=np.float16)
    dy = normal(4096, 5, mean=1, std=0.5, seed=1, dtype=np.float16)
    y, cache = impl.rms_norm_forward(x, normal(5, mean=500, dtype=np.float16))
    dx, dweight = impl.rms_norm_backward(dy, cache)
    return {"y": y[:9], "dx": dx[:9], "dweight": dweight}


# The contract asks for 1e-3 of float32 with mean 1000 and spread 1.
@within(1e-3)
def survives_a_large_mean(impl):
    """precision: float32 with a mean of 1000 and a spread of 1"""
    x = normal(3, 64, mean=np.array([[1000.0], [-1000.0], [10.0]]), dtype=np.float32)
    y, cache = impl.rms_norm_forward(x, normal(64, mean=1000, std=300, dtype=np.float32))
    dx, dweight = impl.rms_norm_backward(normal(3, 64, seed=1, dtype=np.float32), cache)
    return {"y": y, "dx of the first two": dx[:2], "dweight": dweight}


def takes_odd_values_and_views(impl):
    """shapes: one feature, a vector of zeros, transposed and strided views"""
    found = {}
    zeros = frozen(normal(3, 5) * np.array([[1.0], [0.0], [2.0]]))
    wide = normal(4, 9, mean=2, std=3)
    for name, (x, dy) in {
        "D=1": (normal(4, 1, mean=2), normal(4, 1, seed=1)),
        "zeros": (zeros, normal(3, 5, seed=1)),
        "views": (normal(7, 4, mean=2, std=3).T, normal(7, 4, seed=1).T),
        "every second feature": (wide[:, ::2], normal(4, 9, seed=1)[:, ::2]),
    }.items():
        y, cache = impl.rms_norm_forward(x, normal(x.shape[1], mean=2), eps=0.01)
        dx, dweight = impl.rms_norm_backward(dy, cache)
        found |= {f"{name}: y": y, f"{name}: dx": dx, f"{name}: dweight": dweight}
    return found


def refuses_what_does_not_fit(impl):
    """refusals: no axis, the length of weight, the shape of dy, integers and booleans"""
    forward, backward = impl.rms_norm_forward, impl.rms_norm_backward
    x, weight = normal(4, 3), normal(3)
    _, cache = forward(x, weight)
    integers = frozen(np.arange(12).reshape(4, 3))
    none = r"1 axis|\.\.\., D|one axis|an axis|at least"

    def of_weight(n):
        return refuses(ValueError, forward, x, normal(n), naming=[3, (n,)])

    def of_dy(*shape):
        return refuses(ValueError, backward, normal(*shape), cache, naming=[(4, 3), shape])

    return {
        "x ()": refuses(ValueError, forward, normal(), None, naming=[none, r"\(\)|0 axes|0-d"]),
        "weight (1,), D=3": of_weight(1),
        "weight (4,), D=3": of_weight(4),
        "dy (4, 1), x (4, 3)": of_dy(4, 1),
        "dy (1, 3), x (4, 3)": of_dy(1, 3),
        "dy (7, 3), x (4, 3)": of_dy(7, 3),
        "x of integers": refuses(TypeError, forward, integers, weight),
        "x of booleans": refuses(TypeError, forward, frozen(x > 0), weight),
        "dy of integers": refuses(TypeError, backward, integers, cache),
        "dy of booleans": refuses(TypeError, backward, frozen(x > 0), cache),
    }


def in_any_shape(impl, draw):
    """any number of axes, any dtype, with and without weight"""
    shape = tuple(draw.integer(1, 5) for _ in range(draw.integer(1, 4)))
    dtype, seed = draw.choice(["float32", "float64"]), draw.integer(0, 99)
    x = normal(
        *shape, mean=draw.integer(-9, 9), std=draw.choice([0.25, 1, 4]), seed=seed, dtype=dtype
    )
    dy = normal(*shape, mean=draw.choice([0, 0.5]), seed=seed + 1, dtype=dtype)
    weight = draw.choice([None, normal(shape[-1], mean=1)])
    y, cache = impl.rms_norm_forward(x, weight, eps=draw.choice([1e-6, 1e-3, 0.3]))
    dx, dweight = impl.rms_norm_backward(dy, cache)
    dtypes = [part.dtype.name for part in (y, dx, dweight)]
    return {"dtypes": dtypes, "y": y, "dx": dx, "dweight": dweight}


def _gradients(impl, shape, weight):
    _, cache = impl.rms_norm_forward(normal(*shape, mean=0.7, std=1.5), weight)
    return impl.rms_norm_backward(normal(*shape, mean=0.5, seed=1), cache)


def oracle():
    """torch behind the contract of rms_norm_backward: rms_norm in float64, and autograd."""
    import torch

    def rms_norm_forward(x, weight, eps=1e-6):
        if x.dtype.kind != "f":
            raise TypeError(f"torch normalizes floating values, got {x.dtype}")
        if x.ndim == 0:
            raise ValueError(f"expected x (..., D), 1 axis or more, got {x.shape}")
        weight = np.ones(x.shape[-1]) if weight is None else weight
        if weight.shape != x.shape[-1:]:
            raise ValueError(f"expected weight {x.shape[-1:]}, got {weight.shape}")
        leaves = [
            torch.tensor(values, dtype=torch.float64, requires_grad=True) for values in (x, weight)
        ]
        y = torch.nn.functional.rms_norm(leaves[0], x.shape[-1:], leaves[1], eps=eps)
        return y.detach().numpy().astype(x.dtype), (y, leaves, x.dtype)

    def rms_norm_backward(dy, cache):
        y, leaves, dtype = cache
        if dy.dtype.kind != "f":
            raise TypeError(f"torch differentiates floating values, got {dy.dtype}")
        if dy.shape != tuple(y.shape):
            raise ValueError(f"expected {tuple(y.shape)}, got {dy.shape}")
        dy = torch.tensor(dy, dtype=torch.float64)
        gradients = torch.autograd.grad(y, leaves, dy, retain_graph=True)
        return tuple(gradient.numpy().astype(dtype) for gradient in gradients)

    return SimpleNamespace(rms_norm_forward=rms_norm_forward, rms_norm_backward=rms_norm_backward)
