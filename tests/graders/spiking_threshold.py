"""What is asked of spiking_threshold; torch's way is to run its batch norm and compare."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, uniform

LEVEL = "senior"
MINUTES = 20
AFTER = ["fuse_conv_bn"]
CARD = "threshold-and-batch-norm"


def positive_weights(impl):
    """threshold: where weight is positive, x is compared with a number of its own scale"""
    return _folded(impl, 1.0, **{**_bn(5), "weight": uniform(5, low=0.5, high=3)})


def negative_weights_flip(impl):
    """flipped: where weight is negative, the neuron spikes below its threshold"""
    return _folded(impl, 0.75, **_bn(6, seed=1))


def gives_the_same_spikes(impl):
    """spikes: those of the batch norm, on the raw x"""
    given = _bn(6, seed=2)
    threshold, flipped = (np.asarray(a) for a in impl.fold_bn_into_threshold(0.5, **given))
    x = normal(4, 5, 6, mean=given["running_mean"], std=3)
    return {"spikes": np.where(flipped, x <= threshold, x >= threshold)}


def thresholds_per_channel(impl):
    """threshold: a whole number, zero, a negative one, or one per channel"""
    given = _bn(6, seed=3)
    return {
        **_folded(impl, 1, "1: ", **given),
        **_folded(impl, 0.0, "0.0: ", **given),
        **_folded(impl, -0.75, "-0.75: ", **given),
        **_folded(impl, normal(6, mean=1), "(6,): ", **given),
        **_folded(impl, normal(1, mean=1), "(1,) with C=1: ", **_bn(1)),
    }


def without_scale_or_shift(impl):
    """weight=None, bias=None: each alone, and both"""
    given = _bn(6, seed=4)
    return {
        **_folded(impl, 1.5, "weight=None: ", **{**given, "weight": None}),
        **_folded(impl, 1.5, "bias=None: ", **{**given, "bias": None}),
        **_folded(impl, 1.5, "both None: ", **{**given, "weight": None, "bias": None}),
    }


def eps_stands_inside_the_root(impl):
    """eps: added to running_var, inside the square root"""
    given = {**_bn(6), "running_var": uniform(6, low=0.1, high=0.4)}
    return _folded(impl, 1.0, eps=0.5, **given)


def a_weight_of_zero(impl):
    """weight 0: the neuron always spikes or never does; it does where bias equals the threshold"""
    weight = frozen(np.array([0.0, 0.0, 0.0, 2.0, -0.0, -0.0]))
    bias = frozen(np.array([0.5, 1.25, 0.75, 0.5, 1.25, 0.5]))
    given = {**_bn(6, seed=5), "weight": weight, "bias": bias}
    threshold, flipped = (np.asarray(a) for a in impl.fold_bn_into_threshold(0.75, **given))
    return {
        "-inf": np.isneginf(threshold),
        "inf": np.isposinf(threshold),
        "threshold of the channel with a weight": threshold[3],
        "flipped": flipped,
    }


def adds_spikes(impl):
    """sew_add: spikes and residual are added, two spikes are 2, and no spikes leave the residual"""
    spikes, residual = (frozen(normal(3, 4, 5, seed=s) > 0, np.float64) for s in (0, 1))
    deeper = frozen(residual + spikes + 1)
    zeros = frozen(np.zeros((3, 4, 5)))
    return {
        "two trains of spikes": impl.sew_add(spikes, residual),
        "onto a sum of earlier blocks": impl.sew_add(spikes, deeper),
        "no spikes": impl.sew_add(zeros, deeper),
        "one time step": impl.sew_add(spikes[0], residual[0]),
        "shares memory": np.shares_memory(impl.sew_add(zeros, deeper), deeper),
    }


def keeps_the_dtype(impl):
    """dtype: threshold has that of running_mean, the sum has that of spikes"""
    found = {}
    for name in ("float16", "float32", "float64"):
        folded = _folded(impl, 1.0, **_bn(6, dtype=name))
        per_channel = _folded(impl, normal(6), **_bn(6, dtype=name))
        found[f"fold, {name}"] = [str(a.dtype) for a in (*folded.values(), *per_channel.values())]
        added = impl.sew_add(normal(6, dtype=name), normal(6, dtype=np.float32))
        found[f"sew_add, {name} and float32"] = str(added.dtype)
    return found


def does_not_overflow(impl):
    """precision: float16 arrays whose result is in range, while numbers on the way to it are not"""
    given = {
        "running_mean": np.array([3, *normal(5, mean=-60000, std=99)]),
        "running_var": np.array([3.75, *uniform(5, low=5e4, high=6e4)]),
        "weight": np.array([2, *normal(5, mean=-2, std=0.1)]),
        "bias": np.array([0.5, *normal(5, mean=750)]),
    }
    half = {name: frozen(values, np.float16) for name, values in given.items()}
    return _folded(impl, 1.0, eps=0.25, **half)


def shares_nothing(impl):
    """memory: the results are new arrays, and a second call gives the same again"""
    given = {
        "running_mean": np.linspace(-1.0, 1.0, 5),
        "running_var": np.full(5, 0.75),
        "weight": None,
        "bias": None,
    }
    thresholds = np.linspace(1.0, 2.0, 5)
    first = impl.fold_bn_into_threshold(thresholds, eps=0.25, **given)
    kept = [np.array(result) for result in first]
    second = impl.fold_bn_into_threshold(thresholds, eps=0.25, **given)
    inputs = [thresholds, given["running_mean"], given["running_var"]]
    return {
        "threshold": second[0],
        "flipped": second[1],
        "the arguments": inputs,
        "shares memory": [
            any(np.shares_memory(result, array) for array in [*inputs, *second]) for result in first
        ],
        "first results have changed": [
            bool(np.any(result != copy)) for result, copy in zip(first, kept, strict=True)
        ],
    }


def refuses_other_shapes(impl):
    """refusals: vectors of one axis and one length"""
    given = _bn(6)

    def refused(naming, threshold=1.0, **changed):
        given_ = {**given, **changed}
        return refuses(ValueError, impl.fold_bn_into_threshold, threshold, naming=naming, **given_)

    square = {name: uniform(6, 6) for name in given}
    return {
        **{
            f"{name} (1,)": refused([6, (1,)], **{name: uniform(1)})
            for name in ("running_var", "weight", "bias")
        },
        "threshold (1,)": refused([6, (1,)], threshold=uniform(1)),
        "vectors (6, 6)": refused([r"\(C,\)|\b1|one", (6, 6)], **square),
    }


def refuses_integers(impl):
    """refusals: integers and booleans, in every array of the fold"""
    given = _bn(6)
    told = {}
    for name in given:
        for dtype in (int, bool):
            changed = {**given, name: frozen(np.ones(6), dtype)}
            told[f"{dtype.__name__} in {name}"] = refuses(
                TypeError, impl.fold_bn_into_threshold, 1.0, **changed
            )
    twos = frozen(np.full(6, 2))
    told["int in threshold"] = refuses(TypeError, impl.fold_bn_into_threshold, twos, **given)
    return told


def refuses_to_add(impl):
    """refusals: sew_add wants one shape, and no integers or booleans"""
    spikes = normal(3, 4, 5)
    told = {
        f"residual {shape}": refuses(
            ValueError, impl.sew_add, spikes, normal(*shape), naming=[(3, 4, 5), shape]
        )
        for shape in ((4, 5), (1, 4, 5), (1,))
    }
    for dtype in (int, bool):
        array = frozen(spikes > 0, dtype)
        told[f"{dtype.__name__} in spikes"] = refuses(TypeError, impl.sew_add, array, spikes)
        told[f"{dtype.__name__} in residual"] = refuses(TypeError, impl.sew_add, spikes, array)
    return told


def in_any_shape(impl, draw):
    """any number of channels, dtype, threshold and choice of what is None"""
    channels, seed = draw.integer(1, 8), draw.integer(0, 99)
    given = _bn(channels, seed=seed, dtype=draw.choice(["float16", "float32", "float64"]))
    for name in ("weight", "bias"):
        given[name] = draw.choice([given[name], None])
    threshold = draw.choice([1.0, 0.0, 0.5, -2.0, normal(channels, mean=1, seed=seed)])
    return _folded(impl, threshold, eps=draw.choice([1e-5, 1e-3, 0.3]), **given)


def _bn(channels, seed=0, dtype=np.float64):
    """Four vectors, no two alike; the weights keep away from 0, every second one is negative."""
    sign = np.where(np.arange(channels) % 2, -1, 1)
    return {
        "running_mean": normal(channels, mean=-2, std=2, seed=2 * seed, dtype=dtype),
        "running_var": uniform(channels, low=0.25, high=4, seed=2 * seed, dtype=dtype),
        "weight": frozen(sign * uniform(channels, low=0.5, high=3, seed=2 * seed + 1), dtype),
        "bias": normal(channels, mean=3, seed=2 * seed + 1, dtype=dtype),
    }


def _folded(impl, threshold, label="", **given):
    folded, flipped = impl.fold_bn_into_threshold(threshold, **given)
    return {f"{label}threshold": folded, f"{label}flipped": flipped}


def oracle():
    """torch behind the contract: batch norm is asked what it makes of 0 and 1, which is all of it.

    Where the line through the two answers crosses the threshold is the threshold of x. Then the
    spikes have to be the same for other x, too, or nothing is answered.
    """
    import torch
    from torch.nn import functional

    def fold_bn_into_threshold(threshold, running_mean, running_var, weight, bias, eps=1e-5):
        arrays = [a for a in (running_mean, running_var, weight, bias) if a is not None]
        if isinstance(threshold, np.ndarray):
            arrays.append(threshold)
        refuse_integers(arrays)
        if running_mean.ndim != 1:
            raise ValueError(f"expected (C,), got {running_mean.shape}")
        for array in arrays:
            if array.shape != running_mean.shape:
                raise ValueError(f"expected {running_mean.shape}, got {array.shape}")
        vectors = [
            v if v is None else torch.tensor(v, dtype=torch.float64)
            for v in (running_mean, running_var, weight, bias)
        ]
        level = torch.tensor(threshold, dtype=torch.float64).expand(len(running_mean))

        def normalize(x):
            return functional.batch_norm(x, *vectors, training=False, eps=eps)

        zero = torch.zeros(1, len(running_mean), dtype=torch.float64)
        at_0, at_1 = normalize(zero)[0], normalize(zero + 1)[0]
        slope = at_1 - at_0
        always = torch.where(at_0 >= level, -torch.inf, torch.inf)
        crossing = torch.where(slope == 0, always, (level - at_0) / slope)
        flipped = slope < 0
        x = vectors[0] + 3 * torch.randn(50, len(running_mean), dtype=torch.float64)
        same = torch.where(flipped, x <= crossing, x >= crossing) == (normalize(x) >= level)
        assert same.all()
        return crossing.numpy().astype(running_mean.dtype), flipped.numpy()

    def sew_add(spikes, residual):
        refuse_integers([spikes, residual])
        if spikes.shape != residual.shape:
            raise ValueError(f"expected {spikes.shape}, got {residual.shape}")
        return torch.add(torch.tensor(spikes), torch.tensor(residual)).numpy().astype(spikes.dtype)

    def refuse_integers(arrays):
        wrong = [str(a.dtype) for a in arrays if a.dtype.kind != "f"]
        if wrong:
            raise TypeError(f"torch normalizes floating values, got {wrong[0]}")

    return SimpleNamespace(fold_bn_into_threshold=fold_bn_into_threshold, sew_add=sew_add)
