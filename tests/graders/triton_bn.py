"""What is asked of triton_bn; torch's way of answering is batch_norm and autograd.

The kernels run in Triton's interpreter, which Triton has to be told before it is imported.
"""

import os
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np

from bnbank.arrays import normal, refuses, uniform, within

LEVEL = "research"
MINUTES = 90
AFTER = ["bn_backward", "running_moments"]
CARD = "kernel-accumulators"
NEEDS = "gpu"
ALLOWS = ["triton"]
SECONDS = 120  # an interpreter of kernels, beside torch and Triton to import
BANS = [
    "torch.batch_norm",
    "torch.native_batch_norm",
    "torch.nn.functional.batch_norm",
    "torch.instance_norm",
    "torch.nn.functional.instance_norm",
    "torch.group_norm",
    "torch.native_group_norm",
    "torch.nn.functional.group_norm",
    "torch.layer_norm",
    "torch.native_layer_norm",
    "torch.nn.functional.layer_norm",
    "torch.var_mean",
    "torch.std_mean",
]

os.environ["TRITON_INTERPRET"] = "1"


def forward_normalizes_each_channel(impl):
    """forward: every channel is normalized over all its values, then scaled and shifted"""
    y, _ = _pass(impl, (4, 3, 5, 2))
    rows, _ = _pass(impl, (7, 3))
    return {"y of images": _array(y), "y of rows": _array(rows)}


def dweight_and_dbias_are_sums(impl):
    """dweight, dbias: what each parameter collects from all values of its channel"""
    _, dweight, dbias = _gradients(impl, (4, 3, 5, 2))
    return {"dbias": dbias, "dweight": dweight}


def dx_goes_three_ways(impl):
    """dx: directly, through the mean and through the variance"""
    return {
        "dx of images": _gradients(impl, (4, 3, 5, 2))[0],
        "dx of rows": _gradients(impl, (7, 3))[0],
    }


def takes_more_than_a_block(impl):
    """blocks: more values a channel than a program has in registers, and a last block not full"""
    x, dy = normal(5, 3, 37, 31, mean=2, std=3), normal(5, 3, 37, 31, mean=0.5, seed=1)
    y, leaves = _pass(impl, x.shape, x=x)
    dx, dweight, dbias = _backward(y, leaves, dy)
    m = x.size / 3
    found = {"y": _array(y)[:, :, ::6, ::5], "dx": dx[:, :, ::6, ::5]}
    return {**found, "dweight / m": dweight / m, "dbias / m": dbias / m}


def eps_stands_inside_the_root(impl):
    """eps: stands inside the square root, in the forward pass and in the backward pass"""
    y, leaves = _pass(impl, (6, 3, 2), x=normal(6, 3, 2, mean=1, std=0.7), eps=0.5)
    dx, dweight, _ = _backward(y, leaves, normal(6, 3, 2, mean=0.5, seed=1))
    return {"y": _array(y), "dx": dx, "dweight": dweight}


def running_statistics_move(impl):
    """running statistics: move in place by momentum, towards the mean and the unbiased variance"""
    mean, var = _tensor(normal(3, seed=2)), _tensor(uniform(3, seed=2))
    first, second = mean, var
    for step in range(2):
        x = normal(3, 3, 2, mean=2 + step, std=3, seed=step)
        _pass(impl, x.shape, x=x, running_mean=mean, running_var=var, momentum=0.3, eps=0.25)
    alone_mean, alone_var = _tensor(normal(3)), _tensor(uniform(3))
    _pass(impl, (3, 3, 2), running_mean=alone_mean)
    _pass(impl, (3, 3, 2), running_var=alone_var)
    return {
        "running_mean": _array(first),
        "running_var": _array(second),
        "running_mean alone, momentum left out": _array(alone_mean),
        "running_var alone, momentum left out": _array(alone_var),
    }


def without_weight_or_bias(impl):
    """weight and bias: None, alone or both, stands for ones and zeros"""
    found = {}
    for name, missing in {
        "weight=None": {"weight": None},
        "bias=None": {"bias": None},
        "both None": {"weight": None, "bias": None},
    }.items():
        y, leaves = _pass(impl, (6, 3, 2), **missing)
        found[f"{name}: y"] = _array(y)
        gradients = _backward(y, leaves, normal(6, 3, 2, mean=0.5, seed=1))
        left = [part for part in ("dx", "dweight", "dbias") if f"{part[1:]}" not in missing]
        for part, gradient in zip(left, gradients, strict=True):
            found[f"{name}: {part}"] = gradient
    return found


def keeps_the_dtypes(impl):
    """dtype: y and dx have that of x, dweight and dbias those of weight and bias"""
    import torch

    found = {}
    for name, held in (("float16", "float16"), ("bfloat16", "float32"), ("float32", "float32")):
        dtypes = [getattr(torch, name), getattr(torch, held), getattr(torch, held)]
        y, leaves = _pass(impl, (4, 3, 2), dtypes=dtypes)
        dy = _tensor(normal(4, 3, 2, seed=1)).to(y.dtype)
        parts = [y, *torch.autograd.grad(y, leaves, dy)]
        told = [str(part.dtype).removeprefix("torch.") for part in parts]
        found[f"y, dx, dweight, dbias of {name}, weight {held}"] = told
    return found


@within(1e-3)  # what the contract of every exercise asks for
def survives_a_large_mean(impl):
    """precision: in float32 a mean of 1000 does not swallow a spread of 1"""
    x = normal(16, 3, 7, 11, mean=[[[1000.0]], [[-1000.0]], [[10.0]]], dtype=np.float32)
    var = _tensor(uniform(3))
    y, leaves = _pass(impl, x.shape, x=x, running_var=var, momentum=1.0)
    dx, dweight, _ = _backward(y, leaves, normal(*x.shape, mean=0.5, seed=1))
    return {
        "y": _array(y)[::5],
        "running_var": _array(var),
        "dx": dx[::5],
        "mean dweight": dweight / 1232,
    }


@within(4e-3)  # two digits and a half are what float16 has; the sums are to have more
def sums_in_float32(impl):
    """float16: squares do not overflow, and long sums keep counting"""
    import torch

    # 600² is beyond the largest float16; 2048 + 1 is 2048 there.
    x = normal(4, 2, 32, 32, mean=100, std=600, dtype=np.float16)
    y, leaves = _pass(impl, x.shape, x=x, dtypes=[torch.float16, torch.float32, torch.float32])
    dx, dweight, dbias = _backward(y, leaves, normal(*x.shape, mean=1, std=0.5, seed=1))
    found = {"y": _array(y)[:, :, ::9, ::7], "1000 dx": 1000 * dx[:, :, ::9, ::7]}
    return {**found, "mean dweight": dweight / 4096, "mean dbias": dbias / 4096}


def takes_odd_shapes_and_views(impl):
    """shapes: one sample of one channel, one value, a constant channel, volumes, views, any dy"""
    import torch

    found = {}
    constant = normal(5, 3, 2) * np.array([[[1.0], [0.0], [2.0]]]) + 0.5
    base = _tensor(normal(3, 5, 6, 4, mean=2, std=3))
    for name, x in {
        "N=1, C=1": normal(1, 1, 4, mean=2),
        "m=1": normal(1, 3, 1, 1, mean=2),
        "a constant channel": constant,
        "a volume": normal(2, 3, 4, 5, 2, mean=2),
        "a transposed view": base.permute(0, 3, 1, 2),
        "every second row": base[:, :, ::2],
    }.items():
        y, leaves = _pass(impl, tuple(x.shape), x=x, eps=0.01)
        dy = np.asarray(normal(*reversed(x.shape), mean=0.5, seed=1)).T
        dx, dweight, _ = _backward(y, leaves, dy)
        found |= {f"{name}: y": _array(y), f"{name}: dx": dx, f"{name}: dweight": dweight}
    y, leaves = _pass(impl, (4, 3, 2))
    stretched = torch.ones(()).expand(y.shape)
    dx, _, dbias = (_array(g) for g in torch.autograd.grad(y, leaves, stretched))
    return {**found, "dy of one number: dx": dx, "dy of one number: dbias": dbias}


def what_comes_back_is_new(impl):
    """memory: x, weight and bias stay as they were, and y is a tensor of its own"""
    y, leaves = _pass(impl, (4, 3, 2))
    other, _ = _pass(impl, (4, 3, 2))
    before = [_array(leaf).copy() for leaf in leaves]
    first = _backward(y, leaves, normal(4, 3, 2, mean=0.5, seed=1), keep=True)
    with _no_grad():
        other.zero_()
    again = _backward(y, leaves, normal(4, 3, 2, mean=0.5, seed=1))
    return {
        "y": _array(y),
        "leaves unchanged": [
            np.array_equal(_array(leaf), was) for leaf, was in zip(leaves, before, strict=True)
        ],
        "shares memory": y.data_ptr() in (leaves[0].data_ptr(), other.data_ptr()),
        "dx": first[0],
        "dx once more": again[0],
    }


def kernels_do_the_work(impl):
    """kernels: the forward pass and the backward pass launch Triton kernels"""
    with _launches(impl) as launched:
        y, leaves = _pass(impl, (4, 3, 2))
        forward = launched()
        _backward(y, leaves, normal(4, 3, 2, seed=1))
        return {"forward": forward > 0, "backward": launched() > forward}


def refuses_what_does_not_fit(impl):
    """refusals: axes, lengths, one value for a variance, dtypes; nothing is remembered of them"""
    import torch

    call = impl.batch_norm_triton
    x, weight, bias = (_tensor(normal(*shape)) for shape in ((4, 3, 5), (3,), (3,)))
    mean, var = _tensor(normal(3, seed=1)), _tensor(uniform(3))
    short, one = _tensor(normal(1)), _tensor(normal(1, 3, 1))
    axes = r"2 to 5 axes|N, C|two|\b2\b"

    def length(*args, **kwargs):
        return refuses(ValueError, call, x, *args, **kwargs, naming=[3, (1,)])

    return {
        "x (3,)": refuses(
            ValueError, call, _tensor(normal(3)), weight, bias, naming=[axes, (3,)]
        ),
        "x with six axes": refuses(
            ValueError, call, _tensor(normal(1, 3, 1, 4, 5, 6)), weight, bias,
            naming=[axes, (1, 3, 1, 4, 5, 6)],
        ),
        "weight (1,), C=3": length(short, bias),
        "bias (1,), C=3": length(weight, short),
        "running_mean (1,), C=3": length(weight, bias, running_mean=short, running_var=var),
        "running_var (1,), C=3": length(weight, bias, running_mean=mean, running_var=short),
        "one value per channel and running_var": refuses(
            ValueError, call, one, weight, bias, running_mean=mean, running_var=var,
            naming=["more than 1 value|more than one|at least 2|one value|1 value", (1, 3, 1)],
        ),
        "integers": refuses(TypeError, call, torch.ones(4, 3, 5, dtype=torch.int64), weight, bias),
        "booleans": refuses(TypeError, call, x > 0, weight, bias),
        "float64": refuses(TypeError, call, x.double(), weight, bias),
        "running_mean": _array(mean),
        "running_var": _array(var),
    }  # fmt: skip


def in_any_shape(impl, draw):
    """any number of spatial axes, with and without parameters"""
    spatial = [draw.integer(1, 4) for _ in range(draw.integer(0, 3))]
    shape = (draw.integer(2, 5), draw.integer(1, 4), *spatial)
    seed = draw.integer(0, 99)
    x = normal(*shape, mean=draw.integer(-9, 9), std=draw.choice([0.25, 1, 4]), seed=seed)
    missing = draw.choice([{}, {"weight": None}, {"bias": None}])
    mean, var = _tensor(normal(shape[1])), _tensor(uniform(shape[1]))
    y, leaves = _pass(
        impl,
        shape,
        x=x,
        eps=draw.choice([1e-3, 0.3]),
        running_mean=mean,
        running_var=var,
        **missing,
    )
    gradients = _backward(y, leaves, normal(*shape, mean=0.5, seed=seed + 1))
    found = {str(i): gradient for i, gradient in enumerate(gradients)}
    return {**found, "y": _array(y), "running_mean": _array(mean), "running_var": _array(var)}


def _pass(impl, shape, x=None, dtypes=None, **given):
    """y, and the leaves that it depends on: x, weight and bias, less those given as None."""
    import torch

    c = shape[1]
    tensors = {
        "x": normal(*shape, mean=2, std=3) if x is None else x,
        "weight": normal(c, mean=2),
        "bias": normal(c, mean=-1, seed=1),
    }
    tensors |= {name: given.pop(name) for name in ("weight", "bias") if name in given}
    dtypes = dtypes or [torch.float32] * 3
    for (name, values), dtype in zip(tensors.items(), dtypes, strict=True):
        if values is not None:
            tensors[name] = _tensor(values).to(dtype).detach().requires_grad_()
    y = impl.batch_norm_triton(*tensors.values(), **given)
    return y, [leaf for leaf in tensors.values() if leaf is not None]


def _backward(y, leaves, dy, keep=False):
    import torch

    dy = _tensor(dy).to(y.dtype)
    return [_array(g) for g in torch.autograd.grad(y, leaves, dy, retain_graph=keep)]


def _gradients(impl, shape):
    y, leaves = _pass(impl, shape)
    return _backward(y, leaves, normal(*shape, mean=0.5, seed=1))


def _tensor(values):
    """A float32 tensor; the strides of an array are kept, those of a tensor, too."""
    import torch

    if isinstance(values, torch.Tensor):
        return values
    wide = np.array(values, np.float32, order="K", copy=True)
    return torch.from_numpy(wide)


def _array(tensor):
    """float32, for no dtype of NumPy is bfloat16; what has fewer digits is judged by `within`."""
    return tensor.detach().float().numpy()


def _no_grad():
    import torch

    return torch.no_grad()


@contextmanager
def _launches(impl):
    """Count the kernels that are launched. torch, which answers too, has kernels of its own."""
    counted = [0]
    interpreter = sys.modules.get("triton.runtime.interpreter")
    if interpreter is None or not hasattr(impl, "__source__"):
        steps = iter((1, 2))
        yield (lambda: next(steps)) if not hasattr(impl, "__source__") else (lambda: 0)
        return
    launch = interpreter.GridExecutor.__call__

    def counting(self, *args, **kwargs):
        counted[0] += 1
        return launch(self, *args, **kwargs)

    interpreter.GridExecutor.__call__ = counting
    try:
        yield lambda: counted[0]
    finally:
        interpreter.GridExecutor.__call__ = launch


def oracle():
    """torch behind the contract of triton_bn: batch_norm in float64, and autograd."""
    import torch

    def batch_norm_triton(
        x, weight, bias, eps=1e-5, running_mean=None, running_var=None, momentum=0.1
    ):
        if x.dtype not in (torch.float16, torch.bfloat16, torch.float32):
            raise TypeError(f"expected float16, bfloat16 or float32, got {x.dtype}")
        if not 2 <= x.ndim <= 5:
            raise ValueError(f"expected (N, C, *spatial), 2 to 5 axes, got {tuple(x.shape)}")
        channels = x.shape[1]
        for values in (weight, bias, running_mean, running_var):
            if values is not None and values.shape != (channels,):
                raise ValueError(f"expected ({channels},), got {tuple(values.shape)}")
        if running_var is not None and x.numel() == channels:
            raise ValueError(f"expected more than 1 value per channel, got {tuple(x.shape)}")
        # torch wants both running statistics or none, and its batch_norm one value per channel
        # refused; what it calls does not refuse it.
        both = [
            torch.zeros(channels, dtype=torch.float64) if values is None else values.double()
            for values in (running_mean, running_var)
        ]
        if running_mean is None and running_var is None:
            both = [None, None]
        wide = [None if values is None else values.double() for values in (weight, bias)]
        y = torch.batch_norm(x.double(), *wide, *both, True, momentum, eps, False)
        for values, moved in zip((running_mean, running_var), both, strict=True):
            if values is not None:
                values.copy_(moved)
        return y.to(x.dtype)

    return SimpleNamespace(batch_norm_triton=batch_norm_triton)
