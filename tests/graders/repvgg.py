"""What is asked of repvgg; torch's way of answering is to measure a block of its own layers."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, uniform

LEVEL = "senior"
MINUTES = 30
AFTER = ["fuse_conv_bn"]
CARD = "repvgg"


def folds_the_3x3_branch(impl):
    """3x3 branch: alone, with a 1x1 branch that gives nothing"""
    return _fused(
        impl, conv3=normal(5, 4, 3, 3, std=2), bn3=_bn(5), conv1=_zeros(5, 4, 1), bn1=_off(5)
    )


def folds_the_1x1_branch(impl):
    """1x1 branch: alone, as a 3x3 kernel"""
    return _fused(
        impl,
        conv3=_zeros(5, 4, 3),
        bn3=_off(5),
        conv1=normal(5, 4, 1, 1, std=2),
        bn1=_bn(5, seed=1),
    )


def folds_the_identity(impl):
    """identity: alone, as a 3x3 kernel that takes each channel from itself"""
    nothing = {"conv3": _zeros(4, 4, 3), "bn3": _off(4), "conv1": _zeros(4, 4, 1), "bn1": _off(4)}
    return _fused(impl, **nothing, bn_identity=_bn(4, seed=2))


def adds_two_branches(impl):
    """two branches: each is folded with its own batch norm, then the results are added"""
    return _fused(impl, **_block(5, 4))


def adds_three_branches(impl):
    """three branches: the identity is added, too"""
    return _fused(impl, **_block(4, 4, seed=1), bn_identity=_bn(4, seed=9))


def gives_what_the_block_gives(impl):
    """output: one padded convolution gives the block's output, also at the border"""
    kernel, bias = impl.reparameterize(**_block(4, 4, seed=2), bn_identity=_bn(4, seed=9))
    padded = np.zeros((2, 4, 7, 8))
    padded[:, :, 1:-1, 1:-1] = normal(2, 4, 5, 6, mean=1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    y = np.einsum("nihwkl,oikl->nohw", windows, kernel) + np.asarray(bias)[:, None, None]
    return {"y inside": y[:, :, 1:-1, 1:-1], "y": y}


def eps_stands_inside_the_root(impl):
    """eps: added to running_var in every branch, inside the square root"""
    block = _block(4, 4, var=(0.1, 0.4))
    return _fused(impl, **block, bn_identity=_bn(4, seed=9, var=(0.1, 0.4)), eps=0.5)


def takes_odd_shapes_and_views(impl):
    """shapes: a single channel, many from one, a transposed kernel"""
    turned = {**_block(5, 4), "conv3": normal(3, 3, 4, 5).T}
    return {
        **_fused(impl, "O=I=1: ", **_block(1, 1), bn_identity=_bn(1, seed=9)),
        **_fused(impl, "I=1: ", **_block(5, 1)),
        **_fused(impl, "a view: ", **turned),
    }


def keeps_the_dtype(impl):
    """dtype: both results have that of conv3; statistics beyond float16's range do no harm"""
    found = {}
    for dtype in ("float16", "float32", "float64"):
        for vectors in ("float32", "float64"):
            block = _block(4, 4, dtype=dtype, vectors=vectors)
            fused = _fused(impl, **block, bn_identity=_bn(4, seed=9, dtype=vectors))
            found[f"{dtype} kernels, {vectors} vectors"] = [str(a.dtype) for a in fused.values()]
    wide = {"var": (7e4, 9e4), "scale": 300}
    block = _block(4, 4, dtype=np.float16, vectors=np.float32, **wide)
    identity = _bn(4, seed=9, dtype=np.float32, **wide)
    return {**found, **_fused(impl, "float16: ", **block, bn_identity=identity)}


def shares_nothing(impl):
    """memory: the results are new arrays, and a second call gives the same again"""
    block = _block(5, 4)
    block["bn3"] = (np.zeros(5), np.full(5, 0.75), np.ones(5), np.zeros(5))
    first = impl.reparameterize(**block, eps=0.25)
    kept = [np.array(result) for result in first]
    second = impl.reparameterize(**block, eps=0.25)
    inputs = [block["conv3"], block["conv1"], *block["bn3"], *block["bn1"]]
    return {
        "kernel": second[0],
        "bias": second[1],
        "bn3": block["bn3"],
        "shares memory": [
            any(np.shares_memory(result, array) for array in [*inputs, *second]) for result in first
        ],
        "first results have changed": [
            bool(np.any(result != copy)) for result, copy in zip(first, kept, strict=True)
        ],
    }


def refuses_other_kernels(impl):
    """refusals: conv3 is (O, I, 3, 3), conv1 fits it, and the identity needs O = I"""
    block = _block(5, 4)

    def refused(naming, **changed):
        return refuses(ValueError, impl.reparameterize, naming=naming, **{**block, **changed})

    return {
        "conv3 (5, 4, 3)": refused([r"\b3, 3\b|3", (5, 4, 3)], conv3=normal(5, 4, 3)),
        "conv3 (5, 4, 2, 2)": refused([r"3, 3|\b3\b", (5, 4, 2, 2)], conv3=normal(5, 4, 2, 2)),
        "conv1 (5, 4, 2, 2)": refused([r"1, 1|\b1\b", (5, 4, 2, 2)], conv1=normal(5, 4, 2, 2)),
        "conv1 (5, 1, 1, 1)": refused([(5, 4), (5, 1, 1, 1)], conv1=normal(5, 1, 1, 1)),
        "conv1 (1, 4, 1, 1)": refused([(5, 4), (1, 4, 1, 1)], conv1=normal(1, 4, 1, 1)),
        "the identity from 4 channels to 5": refused([4, 5], bn_identity=_bn(5, seed=9)),
        "the identity from 4 channels to 1": refused(
            [4, 1], **_block(1, 4), bn_identity=_bn(1, seed=9)
        ),
    }


def refuses_vectors_of_another_shape(impl):
    """refusals: every vector has one number per output channel, (O,)"""
    told = {}
    for norm in ("bn3", "bn1", "bn_identity"):
        for position, name in enumerate(("running_mean", "running_var", "weight", "bias")):
            given = {**_block(6, 6), "bn_identity": _bn(6, seed=9)}
            vectors = list(given[norm])
            vectors[position] = uniform(1)
            given[norm] = tuple(vectors)
            told[f"{norm}: {name} (1,)"] = refuses(
                ValueError, impl.reparameterize, naming=[6, (1,)], **given
            )
    return told


def refuses_integers(impl):
    """refusals: integers and booleans, in the kernels as in the vectors"""
    block = _block(4, 4)
    ones = frozen(np.ones(4, int))
    changes = {
        "integers in conv3": {"conv3": frozen(np.ones((4, 4, 3, 3), int))},
        "integers in conv1": {"conv1": frozen(np.ones((4, 4, 1, 1), int))},
        "booleans in conv1": {"conv1": frozen(np.ones((4, 4, 1, 1), bool))},
        "integers in bn3": {"bn3": (*_bn(4)[:3], ones)},
        "integers in bn1": {"bn1": (ones, *_bn(4)[1:])},
        "integers in bn_identity": {"bn_identity": (_bn(4)[0], ones, *_bn(4)[2:])},
    }
    return {
        name: refuses(TypeError, impl.reparameterize, **{**block, **change})
        for name, change in changes.items()
    }


def in_any_shape(impl, draw):
    """any number of channels, dtype and eps, with the identity or without"""
    outputs, inputs, seed = draw.integer(1, 5), draw.integer(1, 5), draw.integer(0, 99)
    identity = draw.choice([True, False])
    block = _block(
        outputs,
        outputs if identity else inputs,
        seed=seed,
        dtype=draw.choice(["float16", "float32", "float64"]),
    )
    return _fused(
        impl,
        **block,
        bn_identity=_bn(outputs, seed=seed + 5) if identity else None,
        eps=draw.choice([1e-5, 1e-3, 0.3]),
    )


def _block(outputs, inputs, seed=0, dtype=np.float64, vectors=np.float64, **of_bn):
    """Two branches that have nothing in common."""
    return {
        "conv3": normal(outputs, inputs, 3, 3, seed=seed, dtype=dtype),
        "bn3": _bn(outputs, 2 * seed, vectors, **of_bn),
        "conv1": normal(outputs, inputs, 1, 1, mean=1, seed=seed, dtype=dtype),
        "bn1": _bn(outputs, 2 * seed + 1, vectors, **of_bn),
    }


def _bn(channels, seed=0, dtype=np.float64, var=(0.25, 4), scale=0.5):
    """(running_mean, running_var, weight, bias), no two alike."""
    return (
        normal(channels, mean=-2, std=2, seed=3 * seed, dtype=dtype),
        uniform(channels, low=var[0], high=var[1], seed=seed, dtype=dtype),
        normal(channels, mean=scale, std=2, seed=3 * seed + 1, dtype=dtype),
        normal(channels, mean=3, seed=3 * seed + 2, dtype=dtype),
    )


def _off(channels):
    """A batch norm that gives nothing."""
    return tuple(frozen(np.full(channels, number)) for number in (0.0, 1.0, 0.0, 0.0))


def _zeros(outputs, inputs, size):
    return frozen(np.zeros((outputs, inputs, size, size)))


def _fused(impl, label="", **given):
    kernel, bias = impl.reparameterize(**given)
    return {f"{label}kernel": kernel, f"{label}bias": bias}


def oracle():
    """torch behind the contract: the block is run, and what it does to impulses is read off.

    Where the image is as large as the kernel, the pixel in the middle is an affine function of it.
    Then the block and the one convolution have to agree on a larger image, or nothing is answered.
    """
    import torch
    from torch.nn import functional

    def reparameterize(conv3, bn3, conv1, bn1, bn_identity=None, eps=1e-5):
        norms = [bn for bn in (bn3, bn1, bn_identity) if bn is not None]
        refuse(conv3, conv1, [vector for bn in norms for vector in bn])
        if bn_identity is not None and conv3.shape[0] != conv3.shape[1]:
            raise ValueError(f"expected O = I for the identity, got {conv3.shape}")
        kernels = [torch.tensor(kernel, dtype=torch.float64) for kernel in (conv3, conv1)]
        norms = [[torch.tensor(vector, dtype=torch.float64) for vector in bn] for bn in norms]

        def block(x):
            seen = (
                functional.conv2d(x, kernels[0], padding=1),
                functional.conv2d(x, kernels[1]),
                x,
            )
            return sum(
                functional.batch_norm(z, *bn, training=False, eps=eps)
                for z, bn in zip(seen, norms, strict=False)
            )

        inputs = conv3.shape[1]
        bias = block(torch.zeros(1, inputs, 3, 3, dtype=torch.float64))[0, :, 1, 1]
        impulses = torch.eye(inputs * 9, dtype=torch.float64).reshape(-1, inputs, 3, 3)
        kernel = (block(impulses)[:, :, 1, 1] - bias).T.reshape(conv3.shape)
        x = torch.randn(2, inputs, 4, 5, dtype=torch.float64)
        torch.testing.assert_close(functional.conv2d(x, kernel, bias, padding=1), block(x))
        return kernel.numpy().astype(conv3.dtype), bias.numpy().astype(conv3.dtype)

    def refuse(conv3, conv1, vectors):
        wrong = [str(a.dtype) for a in (conv3, conv1, *vectors) if a.dtype.kind != "f"]
        if wrong:
            raise TypeError(f"torch convolves floating values, got {wrong[0]}")
        expected = [((*conv3.shape[:2], 3, 3), conv3), ((*conv3.shape[:2], 1, 1), conv1)]
        for shape, array in [*expected, *((conv3.shape[:1], vector) for vector in vectors)]:
            if array.shape != shape:
                raise ValueError(f"expected {shape}, got {array.shape}")

    return SimpleNamespace(reparameterize=reparameterize)
