"""What is asked of fuse_bn_conv; torch's way of answering is to measure its own two layers."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, uniform

LEVEL = "senior"
MINUTES = 30
AFTER = ["fuse_conv_bn"]
CARD = "batch-norm-before-conv"


def one_channel_and_one_tap(impl):
    """fusion: with one channel and a kernel of one pixel, the two are multiplication and shift"""
    return _fused(impl, normal(1, 1, 1, 1, mean=2), **_vectors(1, 1))


def scales_the_inputs(impl):
    """fusion: kernel and bias give, without padding, what batch norm and convolution give"""
    return _fused(impl, normal(5, 3, 4, 2), **_vectors(5, 3))


def a_square_kernel(impl):
    """axes: where all sizes are equal, it is the input channels that are scaled"""
    return _fused(impl, normal(4, 4, 4, 4), **_vectors(4, 4))


def pads_with_what_becomes_zero(impl):
    """padding: padded with pad_value, the fused convolution is exact at the border, too"""
    x, kernel, given = normal(2, 3, 4, 5, mean=1), normal(5, 3, 3, 3), _vectors(5, 3, seed=1)
    weight, bias, pad_value = (
        np.asarray(a) for a in impl.fuse_bn_conv(conv_weight=kernel, **given)
    )
    padded = np.empty((2, 3, 6, 7))
    padded[:] = pad_value[:, None, None]
    padded[:, :, 1:-1, 1:-1] = x
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    y = np.einsum("nihwkl,oikl->nohw", windows, weight) + bias[:, None, None]
    return {"pad_value": pad_value, "y inside": y[:, :, 1:-1, 1:-1], "y": y}


def a_convolution_without_bias_gets_one(impl):
    """conv_bias=None: the fused convolution has a bias all the same"""
    return _fused(impl, normal(5, 3, 2, 4), **{**_vectors(5, 3, seed=2), "conv_bias": None})


def without_scale_or_shift(impl):
    """bn_weight=None, bn_bias=None: each alone, and everything optional at once"""
    kernel, given = normal(5, 3, 2, 4, mean=1), _vectors(5, 3, seed=3)
    nothing = {"conv_bias": None, "bn_weight": None, "bn_bias": None}
    return {
        **_fused(impl, kernel, "bn_weight=None: ", **{**given, "bn_weight": None}),
        **_fused(impl, kernel, "bn_bias=None: ", **{**given, "bn_bias": None}),
        **_fused(impl, kernel, "all None: ", **{**given, **nothing}),
    }


def eps_stands_inside_the_root(impl):
    """eps: added to running_var, inside the square root, for all three results"""
    given = {**_vectors(5, 3), "running_var": uniform(3, low=0.1, high=0.4)}
    return _fused(impl, normal(5, 3, 4, 2), eps=0.5, **given)


def kernels_of_any_rank(impl):
    """shapes: one and three kernel axes, one input, one output, a view"""
    view = normal(3, 2, 4, 5).transpose(3, 0, 2, 1)[:, :, ::2]
    return {
        **_fused(impl, normal(5, 3, 4), "1-d: ", **_vectors(5, 3)),
        **_fused(impl, normal(5, 3, 2, 4, 3), "3-d: ", **_vectors(5, 3)),
        **_fused(impl, normal(5, 1, 2, 4), "I=1: ", **_vectors(5, 1)),
        **_fused(impl, normal(1, 3, 2, 4), "O=1: ", **_vectors(1, 3)),
        **_fused(impl, view, "a view: ", **_vectors(5, 3)),
    }


def keeps_the_dtype(impl):
    """dtype: all three results have that of conv_weight; float16 does not overflow on the way"""
    found = {}
    for dtype in ("float16", "float32", "float64"):
        for vectors in ("float32", "float64"):
            kernel = normal(5, 3, 4, 2, dtype=dtype)
            fused = _fused(impl, kernel, **_vectors(5, 3, dtype=vectors))
            found[f"{dtype} kernel, {vectors} vectors"] = [str(a.dtype) for a in fused.values()]
    half = {
        "running_mean": normal(3, mean=40000, std=99, dtype=np.float16),
        "running_var": uniform(3, low=5e4, high=6e4, dtype=np.float16),
        "bn_weight": normal(3, mean=1, std=0.1, dtype=np.float16),
        "bn_bias": normal(3, dtype=np.float16),
        "conv_bias": normal(5, mean=40000, std=99, dtype=np.float16),
    }
    mixed = {
        "running_mean": normal(3, mean=2, dtype=np.float32),
        "running_var": uniform(3, low=7e4, high=9e4, dtype=np.float32),
        "bn_weight": normal(3, mean=300, dtype=np.float32),
        "bn_bias": normal(3, seed=1, dtype=np.float32),
        "conv_bias": normal(5, dtype=np.float16),
    }
    twenty = normal(5, 3, 4, 2, mean=20, dtype=np.float16)
    return {
        **found,
        **_fused(impl, twenty, "float16: ", **half),
        **_fused(impl, normal(5, 3, 4, 2, dtype=np.float16), "float16, float32: ", **mixed),
    }


def shares_nothing(impl):
    """memory: the results are new arrays, and a second call gives the same again"""
    given = {
        "conv_weight": normal(5, 3, 4, 2),
        "running_mean": np.zeros(3),
        "running_var": np.full(3, 0.75),
        "bn_weight": None,
        "bn_bias": None,
        "conv_bias": normal(5, mean=2),
    }
    first = impl.fuse_bn_conv(eps=0.25, **given)
    kept = [np.array(result) for result in first]
    second = impl.fuse_bn_conv(eps=0.25, **given)
    inputs = [array for array in given.values() if array is not None]
    return {
        **dict(zip(("weight", "bias", "pad_value"), second, strict=True)),
        "running_mean, running_var": [given["running_mean"], given["running_var"]],
        "shares memory": [
            any(np.shares_memory(result, array) for array in [*inputs, *second]) for result in first
        ],
        "first results have changed": [
            bool(np.any(result != copy)) for result, copy in zip(first, kept, strict=True)
        ],
    }


def refuses_another_rank(impl):
    """refusals: a kernel of too few or too many axes"""
    axes = r"3, 4 or 5|\b3\b|three|\*kernel"
    return {
        f"kernel {shape}": refuses(
            ValueError,
            impl.fuse_bn_conv,
            conv_weight=normal(*shape),
            naming=[axes, shape],
            **_vectors(7, 6),
        )
        for shape in ((7, 6), (7, 6, 2, 1, 2, 1))
    }


def refuses_vectors_of_another_shape(impl):
    """refusals: (I,) for what belongs to the batch norm, (O,) for conv_bias"""
    kernel, given, told = normal(7, 6, 2, 5), _vectors(7, 6), {}
    for name in given:
        size = 7 if name == "conv_bias" else 6
        changed = {**given, name: uniform(1)}
        told[f"{name} (1,)"] = refuses(
            ValueError, impl.fuse_bn_conv, conv_weight=kernel, naming=[size, (1,)], **changed
        )
    changed = {**given, "running_mean": uniform(6, 1)}
    told["running_mean (6, 1)"] = refuses(
        ValueError, impl.fuse_bn_conv, conv_weight=kernel, naming=[6, (6, 1)], **changed
    )
    changed = {**given, "conv_bias": uniform(7, 1)}
    told["conv_bias (7, 1)"] = refuses(
        ValueError, impl.fuse_bn_conv, conv_weight=kernel, naming=[7, (7, 1)], **changed
    )
    return told


def refuses_integers(impl):
    """refusals: integers and booleans, in the kernel as in each vector"""
    given = {"conv_weight": normal(6, 6, 2, 5), **_vectors(6, 6)}
    told = {}
    for name, array in given.items():
        for dtype in (int, bool):
            changed = {**given, name: frozen(np.ones(array.shape), dtype)}
            told[f"{dtype.__name__} in {name}"] = refuses(TypeError, impl.fuse_bn_conv, **changed)
    return told


def in_any_shape(impl, draw):
    """any kernel, dtype and choice of what is None"""
    outputs, inputs, seed = draw.integer(1, 5), draw.integer(1, 5), draw.integer(0, 99)
    kernel = [draw.integer(1, 3) for _ in range(draw.integer(1, 3))]
    dtype = draw.choice(["float16", "float32", "float64"])
    given = _vectors(outputs, inputs, seed=seed)
    for name in ("conv_bias", "bn_weight", "bn_bias"):
        given[name] = draw.choice([given[name], None])
    return _fused(
        impl,
        normal(outputs, inputs, *kernel, seed=seed, dtype=dtype),
        eps=draw.choice([1e-5, 1e-3, 0.3]),
        **given,
    )


def _vectors(outputs, inputs, seed=0, dtype=np.float64):
    """Five vectors, no two alike; the scale keeps away from 0, where there is no pad_value."""
    sign = np.where(np.arange(inputs) % 2, -1, 1)
    return {
        "running_mean": normal(inputs, mean=-2, std=2, seed=3 * seed, dtype=dtype),
        "running_var": uniform(inputs, low=0.25, high=4, seed=2 * seed, dtype=dtype),
        "bn_weight": frozen(sign * uniform(inputs, low=0.5, high=3, seed=2 * seed + 1), dtype),
        "bn_bias": normal(inputs, mean=3, seed=3 * seed + 1, dtype=dtype),
        "conv_bias": normal(outputs, mean=1.5, seed=3 * seed + 2, dtype=dtype),
    }


def _fused(impl, kernel, label="", **given):
    weight, bias, pad_value = impl.fuse_bn_conv(conv_weight=kernel, **given)
    return {f"{label}weight": weight, f"{label}bias": bias, f"{label}pad_value": pad_value}


def oracle():
    """torch behind the contract: its two layers are run, and what they do to impulses is read off.

    On an image of the kernel's size the two are an affine map. The answer to zeros is its bias; the
    answers to unit impulses, less that, are its kernel. Of batch norm alone, the answers to 0 and 1
    tell where it is 0. Then both networks have to agree with padding, or nothing is answered.
    """
    import torch
    from torch.nn import functional

    def fuse_bn_conv(
        running_mean, running_var, bn_weight, bn_bias, conv_weight, conv_bias, eps=1e-5
    ):
        statistics = (running_mean, running_var, bn_weight, bn_bias)
        refuse(conv_weight, statistics, conv_bias)
        kernel, b, *rest = (
            v if v is None else torch.tensor(v, dtype=torch.float64)
            for v in (conv_weight, conv_bias, *statistics)
        )
        inputs, size = kernel.shape[1], kernel.shape[2:]
        convolve = getattr(functional, f"conv{len(size)}d")

        def normalize(x):
            return functional.batch_norm(x, *rest, training=False, eps=eps)

        def network(x, padding=0):
            return convolve(normalize(x), kernel, b, padding=padding)

        bias = network(torch.zeros(1, inputs, *size, dtype=torch.float64)).flatten()
        count = inputs * size.numel()
        impulses = torch.eye(count, dtype=torch.float64).reshape(count, inputs, *size)
        weight = (network(impulses).flatten(1) - bias).T.reshape(kernel.shape)
        at_0, at_1 = (normalize(torch.full((1, inputs), v, dtype=torch.float64)) for v in (0, 1))
        pad_value = (at_0 / (at_0 - at_1))[0]

        x = torch.randn(2, inputs, *size, dtype=torch.float64)
        shape = [2, inputs, *(s + 2 for s in size)]
        around = pad_value.reshape(-1, *[1] * len(size)).expand(shape).clone()
        around[(slice(None), slice(None), *[slice(1, -1)] * len(size))] = x
        torch.testing.assert_close(convolve(around, weight, bias), network(x, padding=1))
        results = (weight, bias, pad_value)
        return tuple(result.numpy().astype(conv_weight.dtype) for result in results)

    def refuse(kernel, statistics, conv_bias):
        given = [v for v in (kernel, *statistics, conv_bias) if v is not None]
        wrong = [str(a.dtype) for a in given if a.dtype.kind != "f"]
        if wrong:
            raise TypeError(f"torch convolves floating values, got {wrong[0]}")
        if not 3 <= kernel.ndim <= 5:
            raise ValueError(f"expected 3, 4 or 5 axes, got {kernel.shape}")
        sizes = [kernel.shape[1]] * 4 + [kernel.shape[0]]
        for vector, size in zip((*statistics, conv_bias), sizes, strict=True):
            if vector is not None and vector.shape != (size,):
                raise ValueError(f"expected ({size},), got {vector.shape}")

    return SimpleNamespace(fuse_bn_conv=fuse_bn_conv)
