"""What is asked of quantize_fused; torch's way of answering is its fake quantization."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, uniform

LEVEL = "senior"
MINUTES = 35
AFTER = ["fuse_conv_bn"]
CARD = "folding-in-quantization-aware-training"


def clips_at_0_and_6(impl):
    """relu6: below 0 becomes 0, above 6 becomes 6, nothing else changes"""
    x = normal(4, 3, 5, mean=3, std=4)
    within = uniform(7, low=0.5, high=5.5)
    kept = impl.relu6(within)
    return {
        "y": impl.relu6(x),
        "y of a single number": impl.relu6(frozen(np.array(9.25))),
        "y between 0 and 6": kept,
        "shares memory": np.shares_memory(kept, within),
        "dtypes": [str(impl.relu6(normal(3, dtype=d)).dtype) for d in ("float16", "float32")],
        "integers": refuses(TypeError, impl.relu6, frozen(np.arange(9))),
        "booleans": refuses(TypeError, impl.relu6, frozen(np.ones(3, bool))),
    }


def folds_and_quantizes(impl):
    """quantization: batch norm is folded first, then every output channel gets its own scale"""
    return _quantized(impl, normal(5, 3, 4, 2, std=2), **_vectors(5))


def every_channel_has_its_own_scale(impl):
    """scale: channels of very different size lose equally little, also where all sizes are equal"""
    sizes = frozen(np.array([0.01, 1.0, 300.0, 5.0]).reshape(4, 1, 1, 1))
    kernel = frozen(normal(4, 4, 4, 4) * sizes)
    int_weight, scale, _ = impl.quantize_conv_bn(kernel, **_vectors(4, seed=1))
    dequantized = np.asarray(scale)[:, None, None, None] * int_weight
    return {"scale": scale, "dequantized, relative": dequantized / sizes}


def takes_the_largest_absolute_weight(impl):
    """scale: positive, from the largest absolute weight, whatever the signs"""
    kernel = normal(4, 3, 2, 5)
    down = frozen(kernel - np.abs(kernel).max(axis=(1, 2, 3), keepdims=True) / 2)
    given = {**_vectors(4, seed=2), "weight": frozen(np.array([1.5, -0.5, 2.0, -3.0]))}
    return _quantized(impl, down, **given)


def rounds_to_the_nearest(impl):
    """rounding: to the nearest integer, halves to the even one, below zero as above"""
    row = np.array([127, 0.5, 1.5, 2.5, 3.25, 4.75, -0.5, -1.5, -2.5, -3.25, -4.75, 100.5])
    kernel = frozen(np.stack([row, -2 * row]).reshape(2, 3, 2, 2))
    given = {"running_mean": normal(2), "running_var": frozen(np.full(2, 0.75)), "eps": 0.25}
    found = _quantized(impl, kernel, conv_bias=None, weight=None, bias=None, **given)
    return {"int_weight": found["int_weight"], "scale": found["scale"]}


def other_numbers_of_bits(impl):
    """bits: 2, 4, 8, 9 and 16 give the range of their integers, in int8 or int16"""
    found = {}
    for bits in (2, 4, 8, 9, 16):
        quantized = _quantized(impl, normal(5, 3, 4, 2), f"{bits} bits: ", bits=bits, **_vectors(5))
        found |= quantized
        found[f"{bits} bits: dtype"] = str(quantized[f"{bits} bits: int_weight"].dtype)
    return found


def a_channel_of_zeros(impl):
    """zeros: a channel whose folded kernel is zero has the scale 1 and the integers 0"""
    kernel = np.array(normal(4, 3, 2, 5))
    kernel[1] = 0
    given = {**_vectors(4, seed=3), "weight": frozen(np.array([1.5, 2.0, 0.0, -0.5]))}
    return _quantized(impl, frozen(kernel), **given)


def without_bias_scale_or_shift(impl):
    """conv_bias, weight, bias: each alone is None, and all at once"""
    kernel, given = normal(5, 3, 2, 4, mean=1), _vectors(5, seed=4)
    nothing = {"conv_bias": None, "weight": None, "bias": None}
    return {
        **_quantized(impl, kernel, "conv_bias=None: ", **{**given, "conv_bias": None}),
        **_quantized(impl, kernel, "weight=None: ", **{**given, "weight": None}),
        **_quantized(impl, kernel, "bias=None: ", **{**given, "bias": None}),
        **_quantized(impl, kernel, "all None: ", **{**given, **nothing}),
    }


def eps_and_kernels_of_any_rank(impl):
    """eps and shapes: eps inside the root; one and three kernel axes, one channel, a view"""
    small = {**_vectors(5), "running_var": uniform(5, low=0.1, high=0.4)}
    view = normal(3, 2, 4, 5).transpose(3, 0, 2, 1)[:, :, ::2]
    return {
        **_quantized(impl, normal(5, 3, 4, 2), "eps=0.5: ", eps=0.5, **small),
        **_quantized(impl, normal(5, 3, 4), "1-d: ", **_vectors(5)),
        **_quantized(impl, normal(5, 3, 2, 4, 3), "3-d: ", **_vectors(5)),
        **_quantized(impl, normal(5, 1, 2, 4), "depthwise: ", **_vectors(5)),
        **_quantized(impl, normal(1, 3, 2, 4), "O=1: ", **_vectors(1)),
        **_quantized(impl, view, "a view: ", **_vectors(5)),
    }


def keeps_dtype_and_digits(impl):
    """dtype: scale and bias have that of conv_weight; float32 with mean and bias near 1000"""
    found = {}
    for dtype in ("float16", "float32", "float64"):
        for vectors in ("float32", "float64"):
            given = _vectors(5, dtype=vectors)
            results = _quantized(impl, normal(5, 3, 4, 2, dtype=dtype), **given).values()
            found[f"{dtype} kernel, {vectors} vectors"] = [str(a.dtype) for a in results]
    near = {
        "conv_bias": normal(5, mean=1000, std=0.05, dtype=np.float32),
        "running_mean": normal(5, mean=1000, std=0.05, seed=1, dtype=np.float32),
        "running_var": uniform(5, low=1e-4, high=2e-4, dtype=np.float32),
        "weight": normal(5, mean=2, dtype=np.float32),
        "bias": normal(5, seed=2, dtype=np.float32),
    }
    return {**found, **_quantized(impl, normal(5, 3, 4, 2, dtype=np.float32), **near)}


def shares_nothing(impl):
    """memory: the results are new arrays, and a second call gives the same again"""
    given = {
        "conv_weight": normal(5, 3, 4, 2),
        "conv_bias": normal(5, mean=2),
        "running_mean": np.zeros(5),
        "running_var": np.full(5, 0.75),
        "weight": None,
        "bias": None,
    }
    first = impl.quantize_conv_bn(eps=0.25, **given)
    kept = [np.array(result) for result in first]
    second = impl.quantize_conv_bn(eps=0.25, **given)
    inputs = [array for array in given.values() if array is not None]
    return {
        **dict(zip(("int_weight", "scale", "fused_bias"), second, strict=True)),
        "running_mean, running_var": [given["running_mean"], given["running_var"]],
        "shares memory": [
            any(np.shares_memory(result, array) for array in [*inputs, *second]) for result in first
        ],
        "first results have changed": [
            bool(np.any(result != copy)) for result, copy in zip(first, kept, strict=True)
        ],
    }


def refuses_kernels_and_bits(impl):
    """refusals: a kernel of too few or too many axes, a number of bits out of range"""
    axes = r"3, 4 or 5|\b3\b|three|\*kernel"
    told = {
        f"kernel {shape}": refuses(
            ValueError, impl.quantize_conv_bn, normal(*shape), naming=[axes, shape], **_vectors(6)
        )
        for shape in ((6, 7), (6, 7, 2, 1, 2, 1))
    }
    for bits, bound in ((1, 2), (0, 2), (-4, 2), (17, 16)):
        told[f"{bits} bits"] = refuses(
            ValueError,
            impl.quantize_conv_bn,
            normal(6, 3, 2, 5),
            bits=bits,
            naming=[str(bound), bits],
            **_vectors(6),
        )
    return told


def refuses_vectors_of_another_shape(impl):
    """refusals: every vector has one number per output channel, (O,)"""
    kernel, given = normal(6, 3, 2, 5), _vectors(6)
    return {
        f"{name} (1,)": refuses(
            ValueError,
            impl.quantize_conv_bn,
            kernel,
            naming=[6, (1,)],
            **{**given, name: uniform(1)},
        )
        for name in given
    }


def refuses_integers(impl):
    """refusals: integers and booleans, in the kernel as in each vector"""
    kernel, given, told = normal(6, 3, 2, 5), _vectors(6), {}
    for name in given:
        changed = {**given, name: frozen(np.full(6, 2))}
        told[f"integers in {name}"] = refuses(TypeError, impl.quantize_conv_bn, kernel, **changed)
    for name, dtype in {"integers": int, "booleans": bool}.items():
        told[f"{name} in conv_weight"] = refuses(
            TypeError, impl.quantize_conv_bn, frozen(kernel, dtype), **given
        )
    return told


def in_any_shape(impl, draw):
    """any kernel, number of bits and choice of what is None"""
    outputs, inputs, seed = draw.integer(1, 5), draw.integer(1, 4), draw.integer(0, 99)
    kernel = [draw.integer(1, 3) for _ in range(draw.integer(1, 3))]
    given = _vectors(outputs, seed=seed)
    for name in ("conv_bias", "weight", "bias"):
        given[name] = draw.choice([given[name], None])
    quantized = _quantized(
        impl,
        normal(outputs, inputs, *kernel, seed=seed),
        eps=draw.choice([1e-5, 1e-3, 0.3]),
        bits=draw.choice([2, 3, 8, 9, 16]),
        **given,
    )
    clipped = impl.relu6(normal(*kernel, mean=3, std=draw.choice([1, 5]), seed=seed))
    return {**quantized, "dtype": str(quantized["int_weight"].dtype), "relu6": clipped}


def _vectors(channels, seed=0, dtype=np.float64):
    """Five vectors, no two alike."""
    return {
        "conv_bias": normal(channels, mean=1.5, seed=4 * seed, dtype=dtype),
        "running_mean": normal(channels, mean=-2, std=2, seed=4 * seed + 1, dtype=dtype),
        "running_var": uniform(channels, low=0.25, high=4, seed=seed, dtype=dtype),
        "weight": normal(channels, mean=0.5, std=2, seed=4 * seed + 2, dtype=dtype),
        "bias": normal(channels, mean=3, seed=4 * seed + 3, dtype=dtype),
    }


def _quantized(impl, kernel, label="", **given):
    names = ("int_weight", "scale", "fused_bias")
    results = impl.quantize_conv_bn(kernel, **given)
    return {f"{label}{name}": result for name, result in zip(names, results, strict=True)}


def oracle():
    """torch behind the contract: its layers are measured, and its fake quantization rounds.

    fake_quantize_per_channel_affine wants scales in float32; so that these are exact, the kernel is
    divided by its scales before, in float64, and quantized in steps of 1.
    """
    import torch
    from torch.nn import functional

    def quantize_conv_bn(
        conv_weight, conv_bias, running_mean, running_var, weight, bias, eps=1e-5, bits=8
    ):
        vectors = (conv_bias, running_mean, running_var, weight, bias)
        refuse(conv_weight, [v for v in vectors if v is not None], bits)
        kernel, b, *rest = (
            v if v is None else torch.tensor(v, dtype=torch.float64)
            for v in (conv_weight, *vectors)
        )
        inputs, size = kernel.shape[1], kernel.shape[2:]
        convolve = getattr(functional, f"conv{len(size)}d")

        def network(x):
            return functional.batch_norm(convolve(x, kernel, b), *rest, eps=eps).flatten(1)

        fused_bias = network(torch.zeros(1, inputs, *size, dtype=torch.float64))[0]
        count = inputs * size.numel()
        impulses = torch.eye(count, dtype=torch.float64).reshape(count, inputs, *size)
        # What the bias has left of a weight that is 0 is rounding, and not to be quantized.
        folded = (network(impulses) - fused_bias).T
        folded = torch.where(folded.abs() < 1e-12, 0.0, folded)
        largest = 2 ** (bits - 1) - 1
        extent = folded.abs().amax(1)
        scale = torch.where(extent > 0, extent / largest, 1.0)
        in_steps = folded / scale[:, None]
        steps = torch.fake_quantize_per_channel_affine(
            in_steps,
            torch.ones(len(scale)),
            torch.zeros(len(scale), dtype=torch.int32),
            0,
            -largest,
            largest,
        )
        integers = steps.reshape(kernel.shape).to(torch.int8 if bits <= 8 else torch.int16)
        return (
            integers.numpy(),
            scale.numpy().astype(conv_weight.dtype),
            fused_bias.numpy().astype(conv_weight.dtype),
        )

    def relu6(x):
        if x.dtype.kind != "f":
            raise TypeError(f"expected floating values, got {x.dtype}")
        return functional.relu6(torch.tensor(x)).numpy()

    def refuse(kernel, vectors, bits):
        wrong = [str(a.dtype) for a in (kernel, *vectors) if a.dtype.kind != "f"]
        if wrong:
            raise TypeError(f"torch convolves floating values, got {wrong[0]}")
        if not 3 <= kernel.ndim <= 5:
            raise ValueError(f"expected 3, 4 or 5 axes, got {kernel.shape}")
        if not 2 <= bits <= 16:
            raise ValueError(f"expected 2 to 16 bits, got {bits}")
        for vector in vectors:
            if vector.shape != kernel.shape[:1]:
                raise ValueError(f"expected {kernel.shape[:1]}, got {vector.shape}")

    return SimpleNamespace(quantize_conv_bn=quantize_conv_bn, relu6=relu6)
