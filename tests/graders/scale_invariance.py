"""What is asked of scale_invariance; torch's way of answering is autograd at both weights."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses

LEVEL = "research"
MINUTES = 25
AFTER = ["bn_backward"]
CARD = "invariances"


def gradient_at_the_weight(impl):
    """dw: through batch norm and through the linear layer"""
    return {"dw": impl.weight_gradients(*_layer(), 3.0)[0]}


def gradient_at_the_scaled_weight(impl):
    """dw_scaled: the gradient where the weight is three times as large"""
    return {"dw_scaled": impl.weight_gradients(*_layer(), 3.0)[1]}


def gradient_at_tiny_and_huge_weights(impl):
    """scale: a thousandth and a thousandfold, with the eps of 1e-12 that the contract names"""
    return {
        f"dw_scaled, scale={scale}": impl.weight_gradients(*_layer(), scale)[1]
        for scale in (1e-3, 1e3)
    }


def a_negative_scale(impl):
    """scale: a negative one turns the output round, while dy stays as it is"""
    dw, dw_scaled = impl.weight_gradients(*_layer(), -2.5)
    return {"dw": dw, "dw_scaled": dw_scaled}


def eps_breaks_the_invariance(impl):
    """eps: beside a variance that is not much larger, size does matter"""
    found = {}
    for scale in (0.0, 0.1, 3.0, -3.0):
        dw, dw_scaled = impl.weight_gradients(*_layer(), scale, eps=0.5)
        found |= {f"scale={scale}: dw": dw, f"scale={scale}: dw_scaled": dw_scaled}
    return found


def gradient_is_orthogonal_to_the_weight(impl):
    """geometry: along w nothing changes, so every row of dw is orthogonal to that of w"""
    w, x, dy = _layer()
    dw, dw_scaled = impl.weight_gradients(w, x, dy, 3.0)
    return {"dw · w": (dw * w).sum(axis=1), "dw_scaled · w": (dw_scaled * w).sum(axis=1)}


def takes_odd_shapes_and_views(impl):
    """shapes: one output, one input, two samples, one sample, views"""
    found = {}
    for name, (w, x, dy) in {
        "one output": (normal(1, 4), normal(7, 4, mean=2), normal(7, 1, mean=0.5)),
        "one input": (normal(3, 1), normal(7, 1, mean=2), normal(7, 3, mean=0.5)),
        "two samples": (normal(3, 4), normal(2, 4, mean=2), normal(2, 3, mean=0.5)),
        "one sample": (normal(3, 4), normal(1, 4, mean=2), normal(1, 3, mean=0.5)),
        "views": (normal(4, 3).T, normal(4, 7, mean=2).T, normal(14, 3, mean=0.5)[::2]),
    }.items():
        dw, dw_scaled = impl.weight_gradients(w, x, dy, 2.0, eps=0.01)
        found |= {f"{name}: dw": dw, f"{name}: dw_scaled": dw_scaled}
    return found


def shares_nothing(impl):
    """memory: two new float64 arrays, also where scale is 1"""
    w, x, dy = _layer()
    first, second = (impl.weight_gradients(w, x, dy, 1.0) for _ in range(2))
    shared = [np.shares_memory(*first), np.shares_memory(*second)]
    for one, other in zip(first, second, strict=True):
        shared += [np.shares_memory(one, owner) for owner in (w, x, dy, other)]
    return {
        "dw": first[0],
        "dw_scaled": first[1],
        "shares memory": shared,
        "dtypes": [part.dtype.name for part in first],
    }


def refuses_what_does_not_fit(impl):
    """refusals: axes and shapes of w, x and dy, integers and booleans"""
    w, x, dy = _layer()
    fitting = {"w": w, "x": x, "dy": dy}

    def refused(kind, naming=(), **other):
        call = {**fitting, **other}
        return refuses(kind, impl.weight_gradients, scale=3.0, naming=naming, **call)

    found = {}
    for name, shape in (("w", (4,)), ("w", (3, 4, 1)), ("x", (7, 4, 1)), ("dy", (7,))):
        two = r"2 axes|\b2\b|two|\(\w+, \w+\)"
        found[f"{name} {shape}"] = refused(ValueError, [two, shape], **{name: normal(*shape)})
    for shape in ((3, 5), (4, 3)):
        found[f"w {shape}, x (7, 4)"] = refused(ValueError, [4, shape], w=normal(*shape))
    for shape in ((7, 1), (1, 3), (5, 3), (3, 7)):
        found[f"dy {shape}, N=7, O=3"] = refused(ValueError, [(7, 3), shape], dy=normal(*shape))
    for name, values in fitting.items():
        integers = frozen(np.round(values * 5).astype(int))
        found[f"{name} of integers"] = refused(TypeError, **{name: integers})
        found[f"{name} of booleans"] = refused(TypeError, **{name: frozen(values > 0)})
    return found


def in_any_shape(impl, draw):
    """any sizes, scales of both signs, large and small eps"""
    n, i, o = draw.integer(1, 6), draw.integer(1, 5), draw.integer(1, 5)
    seed, mean = draw.integer(0, 99), draw.integer(-9, 9)
    w, x, dy = normal(o, i, seed=seed), normal(n, i, mean=mean, seed=seed), normal(n, o, seed=seed)
    # A column may be nearly constant: with a small eps its gradient would be all rounding.
    scale, eps = draw.choice([-4.0, 0.25, 1.0, 10.0]), draw.choice([1e-3, 0.05, 0.5])
    dw, dw_scaled = impl.weight_gradients(w, x, dy, scale, eps=eps)
    return {"dw": dw, "dw_scaled": dw_scaled}


def _layer():
    """w, x and dy of a layer with 4 inputs and 3 outputs, for 7 samples."""
    return normal(3, 4, mean=0.5), normal(7, 4, mean=1, std=2), normal(7, 3, mean=0.5, seed=1)


def oracle():
    """torch behind the contract of scale_invariance: batch_norm in float64, and autograd."""
    import torch

    def gradient(w, x, dy, eps):
        leaf = torch.tensor(w, dtype=torch.float64, requires_grad=True)
        z = torch.tensor(x, dtype=torch.float64) @ leaf.T
        # torch.nn.functional.batch_norm refuses one value per channel; what it calls does not.
        y = torch.batch_norm(z, None, None, None, None, True, 0.0, eps, False)
        return torch.autograd.grad(y, leaf, torch.tensor(dy, dtype=torch.float64))[0].numpy()

    def weight_gradients(w, x, dy, scale, eps=1e-12):
        for values in (w, x, dy):
            if values.dtype.kind != "f":
                raise TypeError(f"torch differentiates floating values, got {values.dtype}")
            if values.ndim != 2:
                raise ValueError(f"expected 2 axes, got {values.shape}")
        if w.shape[1] != x.shape[1]:
            raise ValueError(f"expected w (O, {x.shape[1]}), got {w.shape}")
        if dy.shape != (len(x), len(w)):
            raise ValueError(f"expected dy {(len(x), len(w))}, got {dy.shape}")
        return gradient(w, x, dy, eps), gradient(scale * w, x, dy, eps)

    return SimpleNamespace(weight_gradients=weight_gradients)
