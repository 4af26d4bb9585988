"""What is asked of weight_norm; torch's way of answering is torch._weight_norm and autograd."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, uniform, within

LEVEL = "mid"
MINUTES = 25
AFTER = []
CARD = "weight-norm-gradient"


def rows_of_a_linear_layer(impl):
    """forward: every row of v comes back with the length that g says"""
    return {"w": impl.weight_norm(normal(4, 3, mean=0.5, std=2), uniform(4, 1))}


def keeps_the_sign_of_g(impl):
    """forward: a negative g turns the direction round"""
    return {"w": impl.weight_norm(normal(4, 3, mean=0.5, std=2), normal(4, 1, mean=-1))}


def filters_of_a_convolution(impl):
    """forward: the norm runs over all axes but dim, of a weight of any rank"""
    v = normal(4, 3, 2, 5, mean=0.5, std=2)
    found = {"dim=0 by default": impl.weight_norm(v, normal(4, 1, 1, 1))}
    for dim in range(4):
        found[f"dim={dim}"] = impl.weight_norm(v, _g(v, dim), dim=dim)
    return found


def dg_is_what_lies_along_v(impl):
    """dg: one number a slice, in the shape of g"""
    _, dg = impl.weight_norm_backward(*_linear())
    v, dw = normal(4, 3, 2, 5, mean=0.5, std=2), normal(4, 3, 2, 5, mean=0.5, seed=1)
    _, dg_of_filters = impl.weight_norm_backward(dw, v, _g(v, 0))
    return {"dg of rows": dg, "dg of filters": dg_of_filters}


def dv_of_rows(impl):
    """dv: directly, and through the norm"""
    return {"dv": impl.weight_norm_backward(*_linear())[0]}


def gradients_along_any_axis(impl):
    """dv, dg: of a weight of any rank, whichever axis is kept"""
    v, dw = normal(4, 3, 2, 5, mean=0.5, std=2), normal(4, 3, 2, 5, mean=0.5, seed=1)
    found = {}
    for dim in range(4):
        dv, dg = impl.weight_norm_backward(dw, v, _g(v, dim), dim=dim)
        found |= {f"dim={dim}: dv": dv, f"dim={dim}: dg": dg}
    return found


def takes_odd_shapes_and_views(impl):
    """shapes: one unit, one input, a vector, views"""
    found = {}
    wide = normal(4, 9, mean=2, std=3)
    for name, (v, dw) in {
        "one unit": (normal(1, 5, mean=1), normal(1, 5, seed=1)),
        "one input": (normal(4, 1, mean=1), normal(4, 1, seed=1)),
        "a vector": (normal(5, mean=1), normal(5, seed=1)),
        "a transposed view": (normal(3, 4, mean=2).T, normal(3, 4, seed=1).T),
        "every second column": (wide[:, ::2], normal(4, 9, seed=1)[:, ::2]),
    }.items():
        g = _g(v, 0)
        dv, dg = impl.weight_norm_backward(dw, v, g)
        found |= {f"{name}: w": impl.weight_norm(v, g), f"{name}: dv": dv, f"{name}: dg": dg}
    return found


def keeps_the_dtype(impl):
    """dtype: w, dv and dg have the dtype of v, whatever that of g is"""
    found = {}
    for name in ("float16", "float32", "float64"):
        v, dw = normal(4, 3, mean=1, dtype=name), normal(4, 3, seed=1, dtype=name)
        for held in (name, "float64"):
            g = uniform(4, 1, dtype=held)
            parts = impl.weight_norm(v, g), *impl.weight_norm_backward(dw, v, g)
            for part, value in zip(("w", "dv", "dg"), parts, strict=True):
                found[f"{part} of {name}, g {held}"] = value.dtype.name
    return found


def survives_half_precision(impl):
    """float16: squares do not overflow, and long sums keep counting"""
    # 600² is beyond the largest float16; 2048 + 1 is 2048 there.
    v = normal(4096, 3, mean=600, std=100, dtype=np.float16)
    dw = normal(4096, 3, mean=100, std=30, seed=1, dtype=np.float16)
    g = frozen(np.array([[30_000.0, 20_000.0, -10_000.0]]), np.float16)
    dv, dg = impl.weight_norm_backward(dw, v, g, dim=1)
    return {"w": impl.weight_norm(v, g, dim=1)[:9], "dv": dv[:9], "dg": dg}


# The contract asks for 1e-3 of float32 with mean 1000 and spread 1.
@within(1e-3)
def survives_a_large_mean(impl):
    """precision: float32 with a mean of 1000 and a spread of 1"""
    v = normal(3, 64, mean=np.array([[1000.0], [-1000.0], [10.0]]), dtype=np.float32)
    g = frozen(np.array([[8000.0], [4000.0], [-80.0]]), np.float32)
    dv, dg = impl.weight_norm_backward(normal(3, 64, seed=1, dtype=np.float32), v, g)
    return {"w": impl.weight_norm(v, g), "dv": dv, "dg": dg}


def shares_nothing(impl):
    """memory: new arrays, also where g is already the length of v"""
    v = frozen(np.array([[3.0, 4.0], [0.0, -2.0]]))
    g, dw = frozen(np.array([[5.0], [2.0]])), normal(2, 2, seed=1)
    first, second = (
        (impl.weight_norm(v, g), *impl.weight_norm_backward(dw, v, g)) for _ in range(2)
    )
    shared = [
        np.shares_memory(one, owner)
        for one, other in zip(first, second, strict=True)
        for owner in (v, g, dw, other)
    ]
    return {"w": first[0], "shares memory": shared}


def refuses_what_does_not_fit(impl):
    """refusals: dim, the shapes of g and dw, integers and booleans"""
    forward, backward = impl.weight_norm, impl.weight_norm_backward
    v, g, dw = normal(4, 3, 2), normal(4, 1, 1), normal(4, 3, 2, seed=1)
    integers = frozen(np.arange(24).reshape(4, 3, 2))
    found = {}
    for dim in (-1, 3):
        said = {"naming": ["3|2|three|range", rf"(?<!\d){dim}(?!\d)"], "dim": dim}
        found[f"dim={dim} of 3 axes"] = refuses(ValueError, forward, v, g, **said)
        found[f"dim={dim} of 3 axes, backward"] = refuses(ValueError, backward, dw, v, g, **said)
    for shape in ((4,), (1, 1, 1), (4, 3, 1), (1, 3, 1), (4, 1)):
        said = {"naming": [(4, 1, 1), shape]}
        bad = normal(*shape)
        found[f"g {shape}"] = refuses(ValueError, forward, v, bad, **said)
        found[f"g {shape}, backward"] = refuses(ValueError, backward, dw, v, bad, **said)
    for shape in ((4, 3, 1), (1, 3, 2), (3, 2)):
        said = {"naming": [(4, 3, 2), shape]}
        found[f"dw {shape}"] = refuses(ValueError, backward, normal(*shape), v, g, **said)
    return {
        **found,
        "v of integers": refuses(TypeError, forward, integers, g),
        "v of booleans": refuses(TypeError, forward, frozen(v > 0), g),
        "v of integers, backward": refuses(TypeError, backward, dw, integers, g),
        "g of integers": refuses(TypeError, forward, v, frozen(np.ones((4, 1, 1), int))),
        "g of booleans": refuses(TypeError, forward, v, frozen(g > 0)),
        "dw of integers": refuses(TypeError, backward, integers, v, g),
        "dw of booleans": refuses(TypeError, backward, frozen(v > 0), v, g),
    }


def in_any_shape(impl, draw):
    """a weight of any rank, any axis, any dtype"""
    shape = tuple(draw.integer(1, 5) for _ in range(draw.integer(1, 5)))
    dim, dtype = draw.integer(0, len(shape) - 1), draw.choice(["float32", "float64"])
    seed = draw.integer(0, 99)
    v = normal(*shape, mean=draw.choice([0.5, -3]), seed=seed, dtype=dtype)
    g, dw = _g(v, dim), normal(*shape, mean=0.5, seed=seed + 1, dtype=dtype)
    w = impl.weight_norm(v, g, dim)
    dv, dg = impl.weight_norm_backward(dw, v, g, dim)
    return {"dtypes": [part.dtype.name for part in (w, dv, dg)], "w": w, "dv": dv, "dg": dg}


def _g(v, dim):
    """Lengths for the slices of v along dim, of both signs."""
    shape = [n if axis == dim else 1 for axis, n in enumerate(v.shape)]
    return normal(*shape, mean=0.5, std=2, seed=dim + 3)


def _linear():
    """dw, v and g of a linear layer."""
    return normal(4, 3, mean=0.5, seed=1), normal(4, 3, mean=0.5, std=2), normal(4, 1, mean=-1)


def oracle():
    """torch behind the contract of weight_norm: torch._weight_norm in float64, and autograd."""
    import torch

    def leaves(v, g, dim):
        for values in (v, g):
            if values.dtype.kind != "f":
                raise TypeError(f"torch differentiates floating values, got {values.dtype}")
        if not 0 <= dim < v.ndim:
            raise ValueError(f"expected dim in [0, {v.ndim}), got {dim}")
        expected = torch.norm_except_dim(torch.tensor(v, dtype=torch.float64), 2, dim).shape
        if g.shape != tuple(expected):
            raise ValueError(f"expected {tuple(expected)}, got {g.shape}")
        return [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in (v, g)]

    def weight_norm(v, g, dim=0):
        w = torch._weight_norm(*leaves(v, g, dim), dim)
        return w.detach().numpy().astype(v.dtype)

    def weight_norm_backward(dw, v, g, dim=0):
        inputs = leaves(v, g, dim)
        if dw.dtype.kind != "f":
            raise TypeError(f"torch differentiates floating values, got {dw.dtype}")
        if dw.shape != v.shape:
            raise ValueError(f"expected {v.shape}, got {dw.shape}")
        w = torch._weight_norm(*inputs, dim)
        gradients = torch.autograd.grad(w, inputs, torch.tensor(dw, dtype=torch.float64))
        return tuple(gradient.numpy().astype(v.dtype) for gradient in gradients)

    return SimpleNamespace(weight_norm=weight_norm, weight_norm_backward=weight_norm_backward)
