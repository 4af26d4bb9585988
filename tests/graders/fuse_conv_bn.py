"""What is asked of fuse_conv_bn; torch's way of answering is to measure its own two layers."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, uniform

LEVEL = "mid"
MINUTES = 25
AFTER = ["bn2d"]
CARD = "fuse-conv-bn"


def scales_the_kernel_and_shifts_the_bias(impl):
    """fusion: one convolution with bias gives what convolution and batch norm give"""
    return _fused(impl, normal(5, 3, 4, 2, std=2), **_vectors(5))


def a_convolution_without_bias_gets_one(impl):
    """conv_bias=None: the fused convolution has a bias all the same"""
    return _fused(impl, normal(5, 3, 2, 4), **{**_vectors(5, seed=1), "conv_bias": None})


def without_scale_or_shift(impl):
    """weight=None, bias=None: each alone, and everything optional at once"""
    kernel, given = normal(5, 3, 2, 4, mean=1), _vectors(5, seed=2)
    return {
        **_fused(impl, kernel, "weight=None: ", **{**given, "weight": None}),
        **_fused(impl, kernel, "bias=None: ", **{**given, "bias": None}),
        **_fused(
            impl, kernel, "all None: ", **{**given, "conv_bias": None, "weight": None, "bias": None}
        ),
    }


def eps_stands_inside_the_root(impl):
    """eps: added to running_var, inside the square root"""
    given = {**_vectors(5), "running_var": uniform(5, low=0.1, high=0.4)}
    return _fused(impl, normal(5, 3, 4, 2), eps=0.5, **given)


def finds_the_output_channels(impl):
    """axes: where all sizes are equal, it is still the output channels that are scaled"""
    kernel, given = normal(4, 4, 4, 4), _vectors(4)
    return {
        **_fused(impl, kernel, "plain: ", **given),
        **_fused(impl, kernel, "transposed: ", transposed=True, **given),
    }


def grouped_and_depthwise(impl):
    """groups: a plain kernel (O, I / groups, ...), with two groups and with one per input"""
    return {
        **_fused(impl, normal(6, 2, 3, 4), "2 groups: ", groups=2, **_vectors(6)),
        **_fused(impl, normal(6, 1, 3, 4), "depthwise: ", groups=6, **_vectors(6, seed=1)),
        **_fused(impl, normal(6, 1, 3, 4), "depthwise, 2 each: ", groups=3, **_vectors(6, seed=2)),
    }


def transposed_and_grouped(impl):
    """transposed: a kernel (I, O / groups, ...), with one group, with two, with one per input"""
    given = {"transposed": True}
    return {
        **_fused(impl, normal(4, 5, 2, 3), "1 group: ", **given, **_vectors(5)),
        **_fused(impl, normal(6, 5, 2, 3), "2 groups: ", groups=2, **given, **_vectors(10)),
        **_fused(impl, normal(6, 2, 2, 3), "depthwise: ", groups=6, **given, **_vectors(12)),
    }


def kernels_of_any_rank(impl):
    """shapes: one and three kernel axes, a single pixel, a single channel, a view"""
    given = _vectors(5)
    view = normal(3, 2, 4, 5).transpose(3, 0, 2, 1)[:, :, ::2]
    return {
        **_fused(impl, normal(5, 3, 4), "1-d: ", **given),
        **_fused(impl, normal(5, 3, 2, 4, 3), "3-d: ", **given),
        **_fused(impl, normal(4, 5, 3), "1-d, transposed: ", transposed=True, **given),
        **_fused(impl, normal(5, 3, 1, 1), "1x1: ", **given),
        **_fused(impl, normal(1, 3, 2, 4), "O=1: ", **_vectors(1)),
        **_fused(impl, view, "a view: ", **given),
    }


def keeps_the_dtype(impl):
    """dtype: both results have that of conv_weight, whatever the batch norm keeps its numbers in"""
    found = {}
    for kernel in ("float16", "float32", "float64"):
        for vectors in ("float32", "float64"):
            given = _vectors(5, dtype=vectors)
            dtypes = _fused(impl, normal(5, 3, 4, 2, dtype=kernel), **given)
            found[f"{kernel} kernel, {vectors} vectors"] = [str(a.dtype) for a in dtypes.values()]
    return found


def loses_no_digits(impl):
    """precision: float32 with a mean and a bias near 1000, float16 with large statistics"""
    single = {
        "conv_bias": normal(5, mean=1000, std=0.05, dtype=np.float32),
        "running_mean": normal(5, mean=1000, std=0.05, seed=1, dtype=np.float32),
        "running_var": uniform(5, low=1e-4, high=2e-4, dtype=np.float32),
        "weight": normal(5, mean=2, dtype=np.float32),
        "bias": normal(5, seed=2, dtype=np.float32),
    }
    half = {
        "conv_bias": normal(5, mean=40000, std=99, dtype=np.float16),
        "running_mean": normal(5, mean=-40000, std=99, dtype=np.float16),
        "running_var": uniform(5, low=5e4, high=6e4, dtype=np.float16),
        "weight": normal(5, mean=2, dtype=np.float16),
        "bias": normal(5, seed=2, dtype=np.float16),
    }
    mixed = {
        "conv_bias": normal(5, mean=3000, std=9, dtype=np.float16),
        "running_mean": normal(5, mean=3001, std=9, dtype=np.float32),
        "running_var": uniform(5, low=0.5, high=2, dtype=np.float32),
        "weight": normal(5, mean=2, dtype=np.float32),
        "bias": normal(5, seed=2, dtype=np.float32),
    }
    return {
        **_fused(impl, normal(5, 3, 4, 2, dtype=np.float32), "float32: ", **single),
        **_fused(impl, normal(5, 3, 4, 2, std=99, dtype=np.float16), "float16: ", **half),
        **_fused(impl, normal(5, 3, 4, 2, dtype=np.float16), "float16, float32: ", **mixed),
    }


def shares_nothing(impl):
    """memory: the results are new arrays, and a second call gives the same again"""
    kernel = normal(5, 3, 4, 2)
    given = {
        **_vectors(5),
        "running_mean": np.zeros(5),
        "running_var": np.full(5, 0.75),
        "weight": None,
    }
    first = impl.fuse_conv_bn(kernel, bias=None, eps=0.25, **_without(given, "bias"))
    kept = [np.array(result) for result in first]
    second = impl.fuse_conv_bn(kernel, bias=None, eps=0.25, **_without(given, "bias"))
    inputs = [kernel, given["conv_bias"], given["running_mean"], given["running_var"]]
    return {
        "fused_weight": second[0],
        "fused_bias": second[1],
        "running_mean, running_var": [given["running_mean"], given["running_var"]],
        "shares memory": [
            any(np.shares_memory(result, array) for array in [*inputs, *second]) for result in first
        ],
        "first results have changed": [
            bool(np.any(result != copy)) for result, copy in zip(first, kept, strict=True)
        ],
    }


def refuses_kernels_and_groups(impl):
    """refusals: a kernel of too few or too many axes, groups below 1 or that do not divide"""
    axes = r"3, 4 or 5|\b3\b|three|\*kernel"
    least = r"at least 1|\b1\b|positive|greater|larger|less|> ?0"

    def refused(kernel, naming, vectors=None, **given):
        given = {**(vectors or _vectors(6)), **given}
        return refuses(ValueError, impl.fuse_conv_bn, kernel, naming=naming, **given)

    kernel = normal(6, 3, 2, 5)
    return {
        "kernel of 2 axes": refused(normal(6, 8), [axes, (6, 8)]),
        "kernel of 6 axes": refused(normal(6, 3, 2, 1, 2, 1), [axes, (6, 3, 2, 1, 2, 1)]),
        "0 groups": refused(kernel, [least, 0], groups=0),
        "-3 groups": refused(kernel, [least, -3], groups=-3),
        "4 groups of 6 outputs": refused(kernel, [4, 6], groups=4),
        "4 groups of 6 inputs, transposed": refused(
            normal(6, 1, 2, 5), [4, 6], _vectors(4), groups=4, transposed=True
        ),
    }


def refuses_vectors_of_another_shape(impl):
    """refusals: every vector has one number per output channel, (O,)"""
    kernel, given, told = normal(6, 3, 2, 5), _vectors(6), {}
    for name, shape in [
        *((name, (1,)) for name in given),
        *((name, (6, 1)) for name in ("conv_bias", "running_mean", "bias")),
    ]:
        told[f"{name} {shape}"] = refuses(
            ValueError,
            impl.fuse_conv_bn,
            kernel,
            naming=[6, shape],
            **{**given, name: uniform(*shape)},
        )
    told["(3,) for 2 transposed groups"] = refuses(
        ValueError,
        impl.fuse_conv_bn,
        kernel,
        naming=[6, (3,)],
        groups=2,
        transposed=True,
        **_vectors(3),
    )
    return told


def refuses_integers(impl):
    """refusals: integers and booleans, in the kernel as in each vector"""
    kernel, given = normal(6, 3, 2, 5), _vectors(6)
    integers, booleans = frozen(np.full(6, 2)), frozen(np.ones(6, bool))
    told = {
        f"integers in {name}": refuses(
            TypeError, impl.fuse_conv_bn, kernel, **{**given, name: integers}
        )
        for name in given
    }
    for name, dtype in {"integers": int, "booleans": bool}.items():
        told[f"{name} in conv_weight"] = refuses(
            TypeError, impl.fuse_conv_bn, frozen(kernel, dtype), **given
        )
    told["booleans in weight"] = refuses(
        TypeError, impl.fuse_conv_bn, kernel, **{**given, "weight": booleans}
    )
    return told


def in_any_shape(impl, draw):
    """any kernel, groups, dtype and choice of what is None"""
    groups, transposed = draw.integer(1, 4), draw.choice([False, True])
    rows, columns = groups * draw.integer(1, 3), draw.integer(1, 4)
    kernel = [draw.integer(1, 3) for _ in range(draw.integer(1, 3))]
    dtype, seed = draw.choice(["float16", "float32", "float64"]), draw.integer(0, 99)
    given = _vectors(columns * groups if transposed else rows, seed=seed)
    for name in ("conv_bias", "weight", "bias"):
        given[name] = draw.choice([given[name], None])
    return _fused(
        impl,
        normal(rows, columns, *kernel, seed=seed, dtype=dtype),
        eps=draw.choice([1e-5, 1e-3, 0.3]),
        transposed=transposed,
        groups=groups,
        **given,
    )


def _vectors(channels, seed=0, dtype=np.float64):
    """Five vectors, no two alike."""
    return {
        "conv_bias": normal(channels, mean=1.5, seed=4 * seed, dtype=dtype),
        "running_mean": normal(channels, mean=-2, std=2, seed=4 * seed + 1, dtype=dtype),
        "running_var": uniform(channels, low=0.25, high=4, seed=seed, dtype=dtype),
        "weight": normal(channels, mean=0.5, std=2, seed=4 * seed + 2, dtype=dtype),
        "bias": normal(channels, mean=3, seed=4 * seed + 3, dtype=dtype),
    }


def _fused(impl, kernel, label="", **given):
    fused_weight, fused_bias = impl.fuse_conv_bn(kernel, **given)
    return {f"{label}fused_weight": fused_weight, f"{label}fused_bias": fused_bias}


def _without(given, name):
    return {key: value for key, value in given.items() if key != name}


def oracle():
    """torch behind the contract: its two layers are run, and what they do to impulses is read off.

    In evaluation the two are an affine map. The answer to zeros is its bias; the answers to unit
    impulses, less that, are its kernel, dense over the groups.
    """
    import torch
    from torch.nn import functional

    def fuse_conv_bn(
        conv_weight,
        conv_bias,
        running_mean,
        running_var,
        weight,
        bias,
        eps=1e-5,
        transposed=False,
        groups=1,
    ):
        vectors = (conv_bias, running_mean, running_var, weight, bias)
        refuse(conv_weight, vectors, transposed, groups)
        kernel = torch.tensor(conv_weight, dtype=torch.float64)
        b, mean, var, gamma, beta = (
            v if v is None else torch.tensor(v, dtype=torch.float64) for v in vectors
        )
        size, ones = kernel.shape[2:], [1] * (kernel.ndim - 2)
        convolve = getattr(functional, f"conv{'_transpose' * transposed}{len(size)}d")

        def network(x):
            z = convolve(x, kernel, b, groups=groups)
            return functional.batch_norm(z, mean, var, gamma, beta, training=False, eps=eps)

        if transposed:  # one pixel in, an image of the kernel's size out
            inputs, blocks = kernel.shape[0], kernel.shape[1]
            shift = network(torch.zeros(1, inputs, *ones, dtype=torch.float64))
            impulses = torch.eye(inputs, dtype=torch.float64).reshape(inputs, inputs, *ones)
            dense = network(impulses) - shift
        else:  # an image of the kernel's size in, one pixel out
            inputs, blocks = kernel.shape[1] * groups, kernel.shape[1]
            shift = network(torch.zeros(1, inputs, *size, dtype=torch.float64))
            count = inputs * size.numel()
            impulses = torch.eye(count, dtype=torch.float64).reshape(count, inputs, *size)
            dense = (network(impulses) - shift).reshape(count, -1).T.reshape(-1, inputs, *size)
        rows = len(dense) // groups
        fused = [dense[i, i // rows * blocks :][:blocks] for i in range(len(dense))]
        fused_bias = shift.flatten(2)[0, :, 0]
        return (
            torch.stack(fused).numpy().astype(conv_weight.dtype),
            fused_bias.numpy().astype(conv_weight.dtype),
        )

    def refuse(kernel, vectors, transposed, groups):
        given = [v for v in vectors if v is not None]
        wrong = [str(a.dtype) for a in (kernel, *given) if a.dtype.kind != "f"]
        if wrong:
            raise TypeError(f"torch convolves floating values, got {wrong[0]}")
        if not 3 <= kernel.ndim <= 5:
            raise ValueError(f"expected 3, 4 or 5 axes, got {kernel.shape}")
        if groups < 1 or len(kernel) % groups:
            raise ValueError(f"expected groups at least 1 that divide {len(kernel)}, got {groups}")
        channels = kernel.shape[1] * groups if transposed else len(kernel)
        for vector in given:
            if vector.shape != (channels,):
                raise ValueError(f"expected ({channels},), got {vector.shape}")

    return SimpleNamespace(fuse_conv_bn=fuse_conv_bn)
