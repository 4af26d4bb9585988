"""What is asked of bn_backward; torch's way of answering is autograd."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, uniform, within

LEVEL = "senior"
MINUTES = 40
AFTER = ["bn_backward_steps"]
CARD = "backward-pass"


def forward_normalizes_each_channel(impl):
    """forward: every channel is normalized over all its values, then scaled and shifted"""
    weight, bias = normal(3, mean=2), normal(3, mean=-1, seed=1)
    mean, std = normal(3, 1, 1, mean=2, std=3), uniform(3, 1, 1, low=0.5, high=3)
    rows, _ = impl.batch_norm_forward(normal(7, 3, mean=2, std=3), weight, bias)
    images, _ = impl.batch_norm_forward(normal(4, 3, 5, 2, mean=mean, std=std), weight, bias)
    return {"y of rows": rows, "y of images": images}


def dbias_and_dweight_are_sums(impl):
    """dweight, dbias: what each parameter collects from all values of its channel"""
    _, dweight, dbias = _of_rows(impl)
    _, dweight_2d, dbias_2d = _of_images(impl)
    return {
        "dbias of rows": dbias,
        "dweight of rows": dweight,
        "dbias of images": dbias_2d,
        "dweight of images": dweight_2d,
    }


def dx_of_rows(impl):
    """dx of (N, D): directly, through the mean and through the variance"""
    return {"dx": _of_rows(impl)[0]}


def dx_of_images(impl):
    """dx of (N, C, H, W): the same, where a channel has m = N·H·W values"""
    return {"dx": _of_images(impl)[0]}


def eps_belongs_to_the_gradient_too(impl):
    """eps: stands inside the square root, in the forward pass and in the backward pass"""
    x, dy = normal(6, 3, 2, mean=1, std=0.7), normal(6, 3, 2, mean=0.5, seed=1)
    y, cache = impl.batch_norm_forward(x, normal(3, mean=2), normal(3, seed=1), eps=0.5)
    dx, dweight, _ = impl.batch_norm_backward(dy, cache)
    return {"y": y, "dx": dx, "dweight": dweight}


def takes_one_and_three_spatial_axes(impl):
    """shapes: sequences (N, C, L) and volumes (N, C, D, H, W)"""
    weight, bias = normal(3, mean=2), normal(3, seed=1)
    found = {}
    for name, shape in {"(N, C, L)": (4, 3, 5), "(N, C, D, H, W)": (2, 3, 4, 5, 2)}.items():
        y, cache = impl.batch_norm_forward(normal(*shape, mean=2, std=3), weight, bias)
        dx, dweight, dbias = impl.batch_norm_backward(normal(*shape, mean=0.5, seed=1), cache)
        found |= {f"{name}: y": y, f"{name}: dx": dx}
        found |= {f"{name}: dweight": dweight, f"{name}: dbias": dbias}
    return found


def without_weight_or_bias(impl):
    """weight and bias: None, alone or both, stands for ones and zeros and still has a gradient"""
    x, dy = normal(6, 3, 2, mean=2, std=3), normal(6, 3, 2, mean=0.5, seed=1)
    weight, bias = normal(3, mean=2), normal(3, mean=-1, seed=1)
    found = {}
    for name, pair in {
        "weight=None": (None, bias),
        "bias=None": (weight, None),
        "both None": (None, None),
    }.items():
        y, cache = impl.batch_norm_forward(x, *pair)
        dx, dweight, dbias = impl.batch_norm_backward(dy, cache)
        found |= {f"{name}: y": y, f"{name}: dx": dx}
        found |= {f"{name}: dweight": dweight, f"{name}: dbias": dbias}
    return found


def a_cache_belongs_to_its_call(impl):
    """cache: two passes may be open at once, and one cache may be used twice"""
    weight, bias = normal(3, mean=2), normal(3, seed=1)
    dy, other_dy = normal(5, 3, 2, seed=2), normal(5, 3, 2, mean=0.5, seed=3)
    _, first = impl.batch_norm_forward(normal(5, 3, 2, mean=2, std=3), weight, bias)
    _, second = impl.batch_norm_forward(normal(5, 3, 2, mean=-1, seed=1), bias, weight)
    dx, dweight, dbias = impl.batch_norm_backward(dy, first)
    dx_second, dweight_second, _ = impl.batch_norm_backward(other_dy, second)
    again, dweight_again, dbias_again = impl.batch_norm_backward(other_dy, first)
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
    """memory: whoever writes to y or to dx, as an in-place ReLU does, changes no other result"""
    x, dy = normal(5, 3, 2, mean=2, std=3), normal(5, 3, 2, mean=0.5, seed=1)
    y, cache = impl.batch_norm_forward(x, None, None)
    shared = [np.shares_memory(y, x)]
    y[...] = 7
    first = impl.batch_norm_backward(dy, cache)
    kept = [gradient.copy() for gradient in first]
    second = impl.batch_norm_backward(dy, cache)
    for one, other in zip(first, second, strict=True):
        shared += [np.shares_memory(one, owner) for owner in (x, dy, y, other)]
    for gradient in second:
        gradient[...] = 7
    third = impl.batch_norm_backward(dy, cache)
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
        x, dy = normal(4, 3, 5, mean=2, dtype=name), normal(4, 3, 5, seed=1, dtype=name)
        for held in (name, "float64"):
            weight, bias = normal(3, mean=2, dtype=held), normal(3, dtype=held)
            y, cache = impl.batch_norm_forward(x, weight, bias)
            for part, value in zip(
                ("y", "dx", "dweight", "dbias"),
                (y, *impl.batch_norm_backward(dy, cache)),
                strict=True,
            ):
                found[f"{part} of {name}, weight {held}"] = value.dtype.name
    return found


# The contract asks for 1e-3 of float32 with mean 1000 and spread 1.
@within(1e-3)
def survives_a_large_mean(impl):
    """precision: in float32 a mean of 1000 does not swallow a spread of 1"""
    mean = np.array([[[1000.0]], [[-1000.0]], [[10.0]]])
    x = normal(8, 3, 4, 4, mean=mean, dtype=np.float32)
    dy = normal(8, 3, 4, 4, seed=1, dtype=np.float32)
    weight, bias = normal(3, mean=2, dtype=np.float32), normal(3, dtype=np.float32)
    y, cache = impl.batch_norm_forward(x, weight, bias)
    dx, dweight, dbias = impl.batch_norm_backward(dy, cache)
    return {"y": y, "dx": dx, "dweight": dweight, "dbias": dbias}


def survives_half_precision(impl):
    """float16: squares do not overflow, and long sums keep counting"""
    # 600² is beyond the largest float16; 2048 + 1 is 2048 there.
    x = normal(4096, 3, mean=100, std=600, dtype=np.float16)
    dy = normal(4096, 3, mean=1, std=0.5, seed=1, dtype=np.float16)
    weight, bias = normal(3, mean=500, dtype=np.float16), normal(3, mean=9, dtype=np.float16)
    y, cache = impl.batch_norm_forward(x, weight, bias)
    dx, dweight, dbias = impl.batch_norm_backward(dy, cache)
    return {"y": y[:9], "dx": dx[:9], "dweight": dweight, "dbias": dbias}


def takes_odd_shapes_and_views(impl):
    """shapes: one sample, one channel, two values, one value, a constant channel, views"""
    found = {}
    x = normal(3, 5, 6, 4, mean=2, std=3)
    dy = normal(6, 3, 4, 5, mean=0.5, seed=1)
    constant = frozen(normal(5, 3, 2) * np.array([[[1.0], [0.0], [2.0]]]) + 0.5)
    for name, (given, gradient) in {
        "N=1": (normal(1, 3, 4, mean=2), normal(1, 3, 4, seed=1)),
        "C=1": (normal(4, 1, 3, mean=2), normal(4, 1, 3, seed=1)),
        "m=2": (normal(2, 3, mean=2), normal(2, 3, seed=1)),
        "m=1": (normal(1, 3, 1, 1, mean=2), normal(1, 3, 1, 1, seed=1)),
        "a constant channel": (constant, normal(5, 3, 2, seed=1)),
        "views": (x.transpose(0, 3, 1, 2), dy.transpose(1, 2, 3, 0)),
        "every second row": (x[:, :, ::2], normal(3, 5, 6, 4, seed=2)[:, :, 1::2]),
    }.items():
        weight, bias = normal(given.shape[1], mean=2), normal(given.shape[1], seed=1)
        y, cache = impl.batch_norm_forward(given, weight, bias, eps=0.01)
        dx, dweight, _ = impl.batch_norm_backward(gradient, cache)
        found |= {f"{name}: y": y, f"{name}: dx": dx, f"{name}: dweight": dweight}
    return found


def refuses_what_does_not_fit(impl):
    """refusals: axes, the length of weight and bias, the shape of dy, integers and booleans"""
    forward, backward = impl.batch_norm_forward, impl.batch_norm_backward
    x, weight, bias = normal(4, 3, 5, 2), normal(3), normal(3, seed=1)
    _, cache = forward(x, weight, bias)
    integers = frozen(np.arange(120).reshape(4, 3, 5, 2))
    axes = r"2 to 5 axes|N, C|two|\b2\b"

    def with_gradient(dy):
        return refuses(ValueError, backward, dy, cache, naming=[(4, 3, 5, 2), dy.shape])

    return {
        "x (3,)": refuses(ValueError, forward, normal(3), weight, bias, naming=[axes, (3,)]),
        "x with six axes": refuses(
            ValueError, forward, normal(1, 3, 1, 4, 5, 6), weight, bias,
            naming=[axes, (1, 3, 1, 4, 5, 6)],
        ),
        "weight (1,), C=3": refuses(ValueError, forward, x, normal(1), bias, naming=[3, (1,)]),
        "weight (7,), C=3": refuses(ValueError, forward, x, normal(7), bias, naming=[3, (7,)]),
        "bias (1,), C=3": refuses(ValueError, forward, x, weight, normal(1), naming=[3, (1,)]),
        "bias (7,), C=3": refuses(ValueError, forward, x, None, normal(7), naming=[3, (7,)]),
        "dy (4, 3, 1, 2)": with_gradient(normal(4, 3, 1, 2)),
        "dy (4, 3, 2, 5)": with_gradient(normal(4, 3, 2, 5)),
        "dy (1, 3, 5, 2)": with_gradient(normal(1, 3, 5, 2)),
        "x of integers": refuses(TypeError, forward, integers, weight, bias),
        "x of booleans": refuses(TypeError, forward, frozen(x > 0), weight, bias),
        "dy of integers": refuses(TypeError, backward, integers, cache),
        "dy of booleans": refuses(TypeError, backward, frozen(x > 0), cache),
    }  # fmt: skip


def in_any_shape(impl, draw):
    """any number of spatial axes, any dtype, with and without parameters"""
    spatial = [draw.integer(1, 4) for _ in range(draw.integer(0, 3))]
    shape = (draw.integer(1, 5), draw.integer(1, 4), *spatial)
    dtype, seed = draw.choice(["float32", "float64"]), draw.integer(0, 99)
    x = normal(
        *shape, mean=draw.integer(-9, 9), std=draw.choice([0.25, 1, 4]), seed=seed, dtype=dtype
    )
    dy = normal(*shape, mean=draw.choice([0, 0.5]), seed=seed + 1, dtype=dtype)
    weight = draw.choice([None, normal(shape[1], mean=1)])
    bias = draw.choice([None, normal(shape[1], seed=1)])
    y, cache = impl.batch_norm_forward(x, weight, bias, eps=draw.choice([1e-5, 1e-3, 0.3]))
    dx, dweight, dbias = impl.batch_norm_backward(dy, cache)
    dtypes = [part.dtype.name for part in (y, dx, dweight, dbias)]
    return {"dtypes": dtypes, "y": y, "dx": dx, "dweight": dweight, "dbias": dbias}


def _of_rows(impl):
    x, dy = normal(7, 3, mean=2, std=3), normal(7, 3, mean=0.5, seed=1)
    _, cache = impl.batch_norm_forward(x, normal(3, mean=2), normal(3, mean=-1, seed=1))
    return impl.batch_norm_backward(dy, cache)


def _of_images(impl):
    mean, std = normal(3, 1, 1, mean=2, std=3), uniform(3, 1, 1, low=0.5, high=3)
    x, dy = normal(4, 3, 5, 2, mean=mean, std=std), normal(4, 3, 5, 2, mean=0.5, seed=1)
    _, cache = impl.batch_norm_forward(x, normal(3, mean=2), normal(3, mean=-1, seed=1))
    return impl.batch_norm_backward(dy, cache)


def oracle():
    """torch behind the contract of bn_backward: batch_norm in float64, and autograd."""
    import torch

    def batch_norm_forward(x, weight, bias, eps=1e-5):
        if x.dtype.kind != "f":
            raise TypeError(f"torch normalizes floating values, got {x.dtype}")
        if not 2 <= x.ndim <= 5:
            raise ValueError(f"expected (N, C, *spatial), 2 to 5 axes, got {x.shape}")
        channels = x.shape[1]
        weight = np.ones(channels) if weight is None else weight
        bias = np.zeros(channels) if bias is None else bias
        for values in (weight, bias):
            if values.shape != (channels,):
                raise ValueError(f"expected ({channels},), got {values.shape}")
        leaves = [
            torch.tensor(values, dtype=torch.float64, requires_grad=True)
            for values in (x, weight, bias)
        ]
        # torch.nn.functional.batch_norm refuses one value per channel; what it calls does not.
        y = torch.batch_norm(*leaves, None, None, True, 0.0, eps, False)
        return y.detach().numpy().astype(x.dtype), (y, leaves, x.dtype)

    def batch_norm_backward(dy, cache):
        y, leaves, dtype = cache
        if dy.dtype.kind != "f":
            raise TypeError(f"torch differentiates floating values, got {dy.dtype}")
        if dy.shape != tuple(y.shape):
            raise ValueError(f"expected {tuple(y.shape)}, got {dy.shape}")
        dy = torch.tensor(dy, dtype=torch.float64)
        gradients = torch.autograd.grad(y, leaves, dy, retain_graph=True)
        return tuple(gradient.numpy().astype(dtype) for gradient in gradients)

    return SimpleNamespace(
        batch_norm_forward=batch_norm_forward, batch_norm_backward=batch_norm_backward
    )


EQUIVALENT_MUTANTS = {
    "return values.reshape(-1, *(1,) * (x.ndim - 2)) -> "
    "return values.reshape(-2, *(1,) * (x.ndim - 2))": "NumPy takes any negative size as unknown",
}
