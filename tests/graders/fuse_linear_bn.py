"""What is asked of fuse_linear_bn; torch's way of answering is to measure its own two layers."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, uniform

LEVEL = "junior"
MINUTES = 15
AFTER = ["bn1d"]
CARD = "linear-batch-norm"


def scales_the_weight_and_shifts_the_bias(impl):
    """fusion: one linear layer gives what linear layer and batch norm give"""
    return _fused(impl, normal(5, 3, std=2), **_vectors(5))


def a_layer_without_bias_gets_one(impl):
    """bias=None: the fused layer has a bias all the same"""
    return _fused(impl, normal(5, 3), **{**_vectors(5, seed=1), "bias": None})


def without_scale_or_shift(impl):
    """bn_weight=None, bn_bias=None: each alone, and everything optional at once"""
    weight, given = normal(5, 3, mean=1), _vectors(5, seed=2)
    nothing = {"bias": None, "bn_weight": None, "bn_bias": None}
    return {
        **_fused(impl, weight, "bn_weight=None: ", **{**given, "bn_weight": None}),
        **_fused(impl, weight, "bn_bias=None: ", **{**given, "bn_bias": None}),
        **_fused(impl, weight, "all None: ", **{**given, **nothing}),
    }


def eps_stands_inside_the_root(impl):
    """eps: added to running_var, inside the square root"""
    given = {**_vectors(5), "running_var": uniform(5, low=0.1, high=0.4)}
    return _fused(impl, normal(5, 3), eps=0.5, **given)


def a_square_weight(impl):
    """axes: where I = O, it is still the outputs that are scaled, and the layout is torch's"""
    return _fused(impl, normal(4, 4), **_vectors(4))


def takes_odd_shapes_and_views(impl):
    """shapes: one input, one output, a transposed view, every second column"""
    return {
        **_fused(impl, normal(5, 1), "I=1: ", **_vectors(5)),
        **_fused(impl, normal(1, 4), "O=1: ", **_vectors(1)),
        **_fused(impl, normal(3, 5).T, "a view: ", **_vectors(5)),
        **_fused(impl, normal(5, 6)[:, ::2], "every second column: ", **_vectors(5)),
    }


def keeps_the_dtype(impl):
    """dtype: both results have that of weight, whatever the batch norm keeps its numbers in"""
    found = {}
    for dtype in ("float16", "float32", "float64"):
        for vectors in ("float32", "float64"):
            fused = _fused(impl, normal(5, 3, dtype=dtype), **_vectors(5, dtype=vectors))
            found[f"{dtype} weight, {vectors} vectors"] = [str(a.dtype) for a in fused.values()]
    return found


def loses_no_digits(impl):
    """precision: float32 with a mean and a bias near 1000, float16 with large statistics"""
    single = {
        "bias": normal(5, mean=1000, std=0.05, dtype=np.float32),
        "running_mean": normal(5, mean=1000, std=0.05, seed=1, dtype=np.float32),
        "running_var": uniform(5, low=1e-4, high=2e-4, dtype=np.float32),
        "bn_weight": normal(5, mean=2, dtype=np.float32),
        "bn_bias": normal(5, seed=2, dtype=np.float32),
    }
    half = {
        "bias": normal(5, mean=40000, std=99, dtype=np.float16),
        "running_mean": normal(5, mean=-40000, std=99, dtype=np.float16),
        "running_var": uniform(5, low=5e4, high=6e4, dtype=np.float16),
        "bn_weight": normal(5, mean=2, dtype=np.float16),
        "bn_bias": normal(5, seed=2, dtype=np.float16),
    }
    mixed = {
        "bias": normal(5, mean=3000, std=9, dtype=np.float16),
        "running_mean": normal(5, mean=3001, std=9, dtype=np.float32),
        "running_var": uniform(5, low=0.5, high=2, dtype=np.float32),
        "bn_weight": normal(5, mean=2, dtype=np.float32),
        "bn_bias": normal(5, seed=2, dtype=np.float32),
    }
    return {
        **_fused(impl, normal(5, 3, dtype=np.float32), "float32: ", **single),
        **_fused(impl, normal(5, 3, std=99, dtype=np.float16), "float16: ", **half),
        **_fused(impl, normal(5, 3, dtype=np.float16), "float16, float32: ", **mixed),
    }


def shares_nothing(impl):
    """memory: the results are new arrays, and a second call gives the same again"""
    weight = normal(5, 3)
    given = {
        "bias": normal(5, mean=2),
        "running_mean": np.zeros(5),
        "running_var": np.full(5, 0.75),
        "bn_weight": None,
        "bn_bias": None,
    }
    first = impl.fuse_linear_bn(weight, eps=0.25, **given)
    kept = [np.array(result) for result in first]
    second = impl.fuse_linear_bn(weight, eps=0.25, **given)
    inputs = [weight, given["bias"], given["running_mean"], given["running_var"]]
    return {
        "weight": second[0],
        "bias": second[1],
        "running_mean, running_var": [given["running_mean"], given["running_var"]],
        "shares memory": [
            any(np.shares_memory(result, array) for array in [*inputs, *second]) for result in first
        ],
        "first results have changed": [
            bool(np.any(result != copy)) for result, copy in zip(first, kept, strict=True)
        ],
    }


def refuses_another_rank(impl):
    """refusals: the weight of a linear layer has two axes"""
    axes = r"(O, I)|\(O|\b2\b|two"
    return {
        f"weight {shape}": refuses(
            ValueError, impl.fuse_linear_bn, normal(*shape), naming=[axes, shape], **_vectors(6)
        )
        for shape in ((6,), (6, 3, 5))
    }


def refuses_vectors_of_another_shape(impl):
    """refusals: every vector has one number per output, (O,)"""
    weight, given, told = normal(6, 3), _vectors(6), {}
    for name, shape in [
        *((name, (1,)) for name in given),
        *((name, (6, 1)) for name in ("bias", "running_mean", "bn_bias")),
    ]:
        changed = {**given, name: uniform(*shape)}
        told[f"{name} {shape}"] = refuses(
            ValueError, impl.fuse_linear_bn, weight, naming=[6, shape], **changed
        )
    return told


def refuses_integers(impl):
    """refusals: integers and booleans, in the weight as in each vector"""
    weight, given = normal(6, 3), _vectors(6)
    told = {}
    for name in given:
        changed = {**given, name: frozen(np.full(6, 2))}
        told[f"integers in {name}"] = refuses(TypeError, impl.fuse_linear_bn, weight, **changed)
    for name, dtype in {"integers": int, "booleans": bool}.items():
        told[f"{name} in weight"] = refuses(
            TypeError, impl.fuse_linear_bn, frozen(weight, dtype), **given
        )
    return told


def in_any_shape(impl, draw):
    """any weight, dtype and choice of what is None"""
    outputs, inputs, seed = draw.integer(1, 6), draw.integer(1, 6), draw.integer(0, 99)
    dtype = draw.choice(["float16", "float32", "float64"])
    given = _vectors(outputs, seed=seed)
    for name in ("bias", "bn_weight", "bn_bias"):
        given[name] = draw.choice([given[name], None])
    weight = normal(outputs, inputs, seed=seed, dtype=dtype)
    return _fused(impl, weight, eps=draw.choice([1e-5, 1e-3, 0.3]), **given)


def _vectors(features, seed=0, dtype=np.float64):
    """Five vectors, no two alike."""
    return {
        "bias": normal(features, mean=1.5, seed=4 * seed, dtype=dtype),
        "running_mean": normal(features, mean=-2, std=2, seed=4 * seed + 1, dtype=dtype),
        "running_var": uniform(features, low=0.25, high=4, seed=seed, dtype=dtype),
        "bn_weight": normal(features, mean=0.5, std=2, seed=4 * seed + 2, dtype=dtype),
        "bn_bias": normal(features, mean=3, seed=4 * seed + 3, dtype=dtype),
    }


def _fused(impl, matrix, label="", **given):
    weight, bias = impl.fuse_linear_bn(matrix, **given)
    return {f"{label}weight": weight, f"{label}bias": bias}


def oracle():
    """torch behind the contract: its two layers are run, and read off by unit vectors.

    The answer to zeros is the bias; the answers to unit vectors, less that, are the columns.
    """
    import torch
    from torch.nn import functional

    def fuse_linear_bn(weight, bias, running_mean, running_var, bn_weight, bn_bias, eps=1e-5):
        vectors = (bias, running_mean, running_var, bn_weight, bn_bias)
        given = [v for v in vectors if v is not None]
        wrong = [str(a.dtype) for a in (weight, *given) if a.dtype.kind != "f"]
        if wrong:
            raise TypeError(f"torch multiplies floating values, got {wrong[0]}")
        if weight.ndim != 2:
            raise ValueError(f"expected (O, I), got {weight.shape}")
        for vector in given:
            if vector.shape != (len(weight),):
                raise ValueError(f"expected ({len(weight)},), got {vector.shape}")
        matrix = torch.tensor(weight, dtype=torch.float64)
        b, mean, var, gamma, beta = (
            v if v is None else torch.tensor(v, dtype=torch.float64) for v in vectors
        )

        def network(x):
            z = functional.linear(x, matrix, b)
            return functional.batch_norm(z, mean, var, gamma, beta, training=False, eps=eps)

        inputs = weight.shape[1]
        shift = network(torch.zeros(1, inputs, dtype=torch.float64))
        columns = network(torch.eye(inputs, dtype=torch.float64)) - shift
        return columns.T.numpy().astype(weight.dtype), shift[0].numpy().astype(weight.dtype)

    return SimpleNamespace(fuse_linear_bn=fuse_linear_bn)
