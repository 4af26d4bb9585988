"""What is asked of bn_autograd; torch's way of answering is its own batch_norm."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import normal, refuses, uniform, within

LEVEL = "senior"
MINUTES = 40
AFTER = ["bn_backward"]
CARD = "what-is-saved"
NEEDS = "torch"
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
]


def forward_normalizes_each_channel(impl):
    """forward: every channel is normalized over all its values, then scaled and shifted"""
    weight, bias = _tensor(normal(3, mean=2)), _tensor(normal(3, mean=-1, seed=1))
    mean, std = normal(3, 1, 1, mean=2, std=3), uniform(3, 1, 1, low=0.5, high=3)
    rows = _tensor(normal(7, 3, mean=2, std=3))
    images = _tensor(normal(4, 3, 5, 2, mean=mean, std=std))
    apply = impl.BatchNormFunction.apply
    return {
        "y of rows": _array(apply(rows, weight, bias, 1e-5)),
        "y of images": _array(apply(images, weight, bias, 1e-5)),
    }


def autograd_finds_your_backward(impl):
    """graph: y comes from BatchNormFunction, which has a forward and a backward of its own"""
    import torch

    y, _ = _pass(impl, (4, 3, 5, 2))
    own = vars(impl.BatchNormFunction)
    return {
        "derives from torch.autograd.Function": issubclass(
            impl.BatchNormFunction, torch.autograd.Function
        ),
        "has forward and backward": ["forward" in own, "backward" in own],
        "grad_fn of y": type(y.grad_fn).__name__,
    }


def dbias_and_dweight(impl):
    """dweight, dbias: what each parameter collects from all values of its channel"""
    _, dweight, dbias = _gradients(impl, (4, 3, 5, 2))
    return {"dbias": dbias, "dweight": dweight}


def dx_of_images(impl):
    """dx: directly, through the mean and through the variance, with m = N·H·W"""
    return {"dx": _gradients(impl, (4, 3, 5, 2))[0]}


def takes_any_number_of_spatial_axes(impl):
    """shapes: rows, sequences, volumes, one value per channel"""
    found = {}
    for shape in ((7, 3), (4, 3, 5), (2, 3, 4, 5, 2), (1, 3, 1, 1)):
        dx, dweight, dbias = _gradients(impl, shape)
        found |= {f"{shape}: dx": dx, f"{shape}: dweight": dweight, f"{shape}: dbias": dbias}
    return found


def eps_belongs_to_the_gradient_too(impl):
    """eps: stands inside the square root, in the forward pass and in the backward pass"""
    y, leaves = _pass(impl, (6, 3, 2), eps=0.5, std=0.7)
    dx, dweight, _ = _backward(y, leaves)
    return {"y": _array(y), "dx": dx, "dweight": dweight}


def without_weight_or_bias(impl):
    """weight and bias: None, alone or both, stands for ones and zeros"""
    found = {}
    for name, missing in {"weight": [1], "bias": [2], "both": [1, 2]}.items():
        y, leaves = _pass(impl, (4, 3, 5), without=missing)
        gradients = _backward(y, [leaf for leaf in leaves if leaf is not None])
        found[f"{name} None: y"] = _array(y)
        found |= {f"{name} None: gradient {i}": g for i, g in enumerate(gradients)}
    return found


def only_what_is_wanted(impl):
    """requires_grad: a frozen weight or an x that wants no gradient does not get one"""
    found = {}
    for name, wanted in {"x": [0], "weight": [1], "bias": [2]}.items():
        y, leaves = _pass(impl, (4, 3, 5), wanted=wanted)
        y.backward(_tensor(normal(4, 3, 5, mean=0.5, seed=1)))
        found[f"gradient of {name} alone"] = leaves[wanted[0]].grad.numpy()
        found[f"{name} alone: others are None"] = [
            leaf.grad is None for i, leaf in enumerate(leaves) if i not in wanted
        ]
    return found


def gradient_penalty(impl):
    """second derivative: of |dx|², as a gradient penalty takes it"""
    import torch

    y, leaves = _pass(impl, (5, 3, 2), eps=0.1)
    dy = _tensor(normal(5, 3, 2, mean=0.5, seed=1), True)
    (dx,) = torch.autograd.grad(y, leaves[0], dy, create_graph=True)
    by_x, by_weight, by_dy = _derivatives((dx**2).sum(), [*leaves[:2], dy])
    return {
        "|dx|² by x": _array(by_x),
        "|dx|² by weight": _array(by_weight),
        "|dx|² by dy": _array(by_dy),
    }


def penalty_on_the_parameters(impl):
    """second derivative: of |dweight|² and |dbias|²"""
    import torch

    y, leaves = _pass(impl, (5, 3, 2), eps=0.1)
    dy = _tensor(normal(5, 3, 2, mean=0.5, seed=1), True)
    dweight, dbias = torch.autograd.grad(y, leaves[1:], dy, create_graph=True)
    by_x, by_dy = _derivatives((dweight**2).sum(), [leaves[0], dy])
    (of_dbias,) = _derivatives((dbias**2).sum(), [dy])
    return {
        "|dweight|² by x": _array(by_x),
        "|dweight|² by dy": _array(by_dy),
        "|dbias|² by dy": _array(of_dbias),
    }


def passes_both_gradchecks(impl):
    """gradcheck and gradgradcheck: torch's own tests of the first and of the second derivative"""
    names = ("gradcheck", "gradgradcheck")
    return {name: _checked(impl, name) for name in names}


def graphs_do_not_mix(impl):
    """graph: two passes may be open at once, one may be walked twice, nothing is written to"""
    first, leaves = _pass(impl, (4, 3, 5))
    second, others = _pass(impl, (6, 3, 2), seed=5)
    dy = _tensor(normal(4, 3, 5, mean=0.5, seed=1))
    first.backward(dy, retain_graph=True)
    second.backward(_tensor(normal(6, 3, 2, seed=2)))
    first.backward(dy)
    return {
        "dx, walked twice": leaves[0].grad.numpy(),
        "dweight, walked twice": leaves[1].grad.numpy(),
        "dx of the second pass": others[0].grad.numpy(),
        "x afterwards": _array(leaves[0]),
        "dy afterwards": _array(dy),
    }


def y_may_be_written_to(impl):
    """graph: an in-place ReLU after the layer, with and without weight and bias"""
    found = {}
    for name, missing in {"affine": [], "plain": [1, 2]}.items():
        y, leaves = _pass(impl, (4, 3, 5), without=missing)
        y.relu_().backward(_tensor(normal(4, 3, 5, mean=0.5, seed=1)))
        found |= {f"{name}: y": _array(y), f"{name}: dx": leaves[0].grad.numpy()}
    return found


def notices_a_changed_input(impl):
    """graph: writing to x between the two passes is an error, not a wrong gradient"""
    x = _tensor(normal(4, 3, 5, mean=2))
    weight = _tensor(normal(3, mean=2), True)
    y = impl.BatchNormFunction.apply(x, weight, _tensor(normal(3)), 1e-5)
    x += 1
    dy = _tensor(normal(4, 3, 5, seed=1))
    return {"backward": refuses(RuntimeError, y.backward, dy, naming=["inplace operation"])}


def takes_views(impl):
    """shapes: transposed and strided x, a dy that is expanded or transposed"""
    found = {}
    x = _tensor(normal(3, 5, 6, 4, mean=2, std=3))
    for name, (view, dy) in {
        "transposed": (x.permute(0, 3, 1, 2), _tensor(normal(6, 3, 4, 5)).permute(1, 2, 3, 0)),
        "strided": (x[:, :, ::2], _tensor(normal(3, 5, 6, 4, seed=2))[:, :, 1::2]),
        "expanded": (x, _tensor(normal(3, 1, 6, 1)).expand(3, 5, 6, 4)),
    }.items():
        weight = _tensor(normal(view.shape[1], mean=2), True)
        leaves = [view.detach().requires_grad_(), weight]
        bias = _tensor(normal(view.shape[1], seed=1))
        y = impl.BatchNormFunction.apply(*leaves, bias, 1e-5)
        y.backward(dy)
        found[f"{name}: y"] = _array(y)
        found[f"{name}: dx"] = _array(leaves[0].grad)
        found[f"{name}: dweight"] = _array(weight.grad)
    return found


# The contract asks for 1e-3 of float32 with mean 1000 and spread 1; float16 is as exact as that.
@within(1e-3)
def keeps_dtype_and_precision(impl):
    """dtype: y has that of x; a mean of 1000 in float32 and squares beyond float16 do no harm"""
    import torch

    found = {}
    mean = np.array([[[1000.0]], [[-1000.0]], [[10.0]]])
    large = normal(8, 3, 4, 4, mean=mean)
    half = normal(8, 3, 4, 4, mean=100, std=600)
    for name, values, dtype, held in (
        ("float32", large, torch.float32, torch.float32),
        ("float32, weight float64", large, torch.float32, torch.float64),
        ("float16, weight float32", half, torch.float16, torch.float32),
        ("float16", half, torch.float16, torch.float16),
    ):
        x = torch.tensor(values, dtype=dtype, requires_grad=True)
        weight = torch.tensor(normal(3, mean=500), dtype=held, requires_grad=True)
        bias = torch.tensor(normal(3, seed=1), dtype=held)
        y = impl.BatchNormFunction.apply(x, weight, bias, 1e-5)
        y.backward(torch.tensor(normal(8, 3, 4, 4, seed=1), dtype=dtype))
        found[f"{name}: dtype"] = str(y.dtype)
        found[f"{name}: y"] = _array(y[:2].double())
        found[f"{name}: dx"] = _array(x.grad[:2].double())
        found[f"{name}: dweight"] = _array(weight.grad.double())
    return found


def refuses_what_does_not_fit(impl):
    """refusals: the axes of x, the length of weight and bias, integers and booleans"""
    apply = impl.BatchNormFunction.apply
    x, weight, bias = (_tensor(normal(*shape)) for shape in ((4, 3, 5, 2), (3,), (3,)))
    axes = r"2 to 5 axes|N, C|two|\b2\b"

    def of_x(*shape):
        given = _tensor(normal(*shape))
        return refuses(ValueError, apply, given, weight, bias, 1e-5, naming=[axes, shape])

    def of_parameters(weight, bias, n):
        return refuses(ValueError, apply, x, weight, bias, 1e-5, naming=[3, (n,)])

    return {
        "x (3,)": of_x(3),
        "x with six axes": of_x(1, 3, 1, 4, 5, 6),
        "weight (1,), C=3": of_parameters(_tensor(normal(1)), bias, 1),
        "weight (7,), C=3": of_parameters(_tensor(normal(7)), bias, 7),
        "bias (1,), C=3": of_parameters(weight, _tensor(normal(1)), 1),
        "bias (7,), C=3": of_parameters(None, _tensor(normal(7)), 7),
        "x of integers": refuses(TypeError, apply, x.long(), weight, bias, 1e-5),
        "x of booleans": refuses(TypeError, apply, x > 0, weight, bias, 1e-5),
    }


def in_any_shape(impl, draw):
    """any number of spatial axes, with and without parameters; first and second derivative"""
    import torch

    spatial = [draw.integer(1, 3) for _ in range(draw.integer(0, 3))]
    shape = (draw.integer(2, 4), draw.integer(1, 4), *spatial)
    missing = draw.choice([[], [1], [2], [1, 2]])
    seed, eps = draw.integer(0, 99), draw.choice([1e-3, 0.1, 0.5])
    y, leaves = _pass(impl, shape, seed=seed, eps=eps, without=missing)
    leaves = [leaf for leaf in leaves if leaf is not None]
    dy = _tensor(normal(*shape, mean=0.5, seed=seed + 1), True)
    gradients = torch.autograd.grad(y, leaves, dy, create_graph=True)
    by_x, by_dy = _derivatives((gradients[0] ** 2).sum(), [leaves[0], dy])
    found = {f"gradient {i}": _array(gradient) for i, gradient in enumerate(gradients)}
    return {"y": _array(y), **found, "|dx|² by x": _array(by_x), "|dx|² by dy": _array(by_dy)}


def _tensor(values, wanted=False):
    import torch

    return torch.tensor(values, requires_grad=wanted)


def _array(tensor):
    return tensor.detach().numpy().copy()


def _pass(impl, shape, seed=0, eps=1e-5, std=3, without=(), wanted=(0, 1, 2)):
    """y of some x, weight and bias, and these three."""
    values = (
        normal(*shape, mean=2, std=std, seed=seed),
        normal(shape[1], mean=2, seed=seed),
        normal(shape[1], mean=-1, seed=seed + 1),
    )
    leaves = [
        None if i in without else _tensor(array, i in wanted) for i, array in enumerate(values)
    ]
    return impl.BatchNormFunction.apply(*leaves, eps), leaves


def _backward(y, leaves):
    """The gradients of a pass as arrays."""
    import torch

    dy = _tensor(normal(*y.shape, mean=0.5, seed=1))
    return [_array(gradient) for gradient in torch.autograd.grad(y, leaves, dy)]


def _derivatives(of, by):
    """The derivatives of a number; 0 where the graph has lost the way."""
    import torch

    return torch.autograd.grad(of, by, retain_graph=True, materialize_grads=True)


def _gradients(impl, shape):
    return _backward(*_pass(impl, shape))


def _checked(impl, name):
    """What torch's gradcheck or gradgradcheck says, without its report."""
    import torch

    leaves = [
        _tensor(values, True) for values in (normal(4, 2, 2), normal(2, mean=2), normal(2, seed=1))
    ]
    test = getattr(torch.autograd, name)
    return test(
        lambda *leaves: impl.BatchNormFunction.apply(*leaves, 0.1), leaves, raise_exception=False
    )


def oracle():
    """torch behind the contract of bn_autograd: its batch_norm in float64, and its derivatives."""
    import torch

    def normalize(x, weight, bias, eps):
        wide = [values if values is None else values.double() for values in (x, weight, bias)]
        # torch.nn.functional.batch_norm refuses one value per channel; what it calls does not.
        y = torch.batch_norm(*wide, None, None, True, 0.0, eps, False)
        return y.to(x.dtype)

    class BatchNormFunction(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, weight, bias, eps):
            if not x.is_floating_point():
                raise TypeError(f"torch normalizes floating values, got {x.dtype}")
            if not 2 <= x.ndim <= 5:
                raise ValueError(f"expected (N, C, *spatial), 2 to 5 axes, got {tuple(x.shape)}")
            for values in (weight, bias):
                if values is not None and values.shape != x.shape[1:2]:
                    given = tuple(values.shape)
                    raise ValueError(f"expected {tuple(x.shape[1:2])}, got {given}")
            ctx.save_for_backward(x, weight, bias)
            ctx.eps = eps
            return normalize(x, weight, bias, eps)

        @staticmethod
        def backward(ctx, dy):
            again = torch.is_grad_enabled()
            leaves = list(ctx.saved_tensors)
            wanted = [i for i in range(3) if ctx.needs_input_grad[i]]
            with torch.enable_grad():
                y = normalize(*leaves, ctx.eps)
                found = torch.autograd.grad(y, [leaves[i] for i in wanted], dy, create_graph=again)
            gradients = dict(zip(wanted, found, strict=True))
            return *(gradients.get(i) for i in range(3)), None

    return SimpleNamespace(BatchNormFunction=BatchNormFunction)


EQUIVALENT_MUTANTS = {
    "wide = x.to(torch.promote_types(x.dtype, torch.float32)) -> "
    "wide = x.to(torch.promote_types(torch.float32, x.dtype))": "promote_types is symmetric",
}
