"""What is asked of norm_axes; torch's way of answering is its four functionals."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, within

LEVEL = "junior"
MINUTES = 20
AFTER = ["bn2d"]
CARD = "norm-axes"

KINDS = ("batch", "layer", "instance", "group")


def _images(n=3, c=6, h=4, w=5, **kwargs):
    """Images of which every sample and every channel has a mean and a spread of its own."""
    mean = normal(n, c, 1, 1, std=4, seed=7)
    return normal(n, c, h, w, mean=mean, std=1 + np.abs(mean) / 3, **kwargs)


def batch_shares_a_channel(impl):
    """batch: S holds one channel of all samples, N·H·W values"""
    return {"y": impl.normalize(_images(), "batch")}


def layer_shares_a_sample(impl):
    """layer: S holds one sample, C·H·W values"""
    return {"y": impl.normalize(_images(), "layer")}


def instance_shares_a_channel_of_a_sample(impl):
    """instance: S holds one channel of one sample, H·W values"""
    return {"y": impl.normalize(_images(), "instance")}


def group_shares_neighbouring_channels_of_a_sample(impl):
    """group: S holds C/G neighbouring channels of one sample"""
    x = _images()
    return {
        "y of 2 groups": impl.normalize(x, "group", groups=2),
        "y of 3 groups": impl.normalize(x, "group", groups=3),
    }


def group_has_two_limits(impl):
    """group: one group is a layer, C groups are instances; 1 unless another number is given"""
    x = _images(2, 4, 3, 5)
    return {
        "y of 1 group": impl.normalize(x, "group", groups=1),
        "y of C groups": impl.normalize(x, "group", groups=4),
        "y without groups": impl.normalize(x, "group"),
    }


def groups_plays_no_part_elsewhere(impl):
    """groups: whatever it is, batch, layer and instance do not look at it"""
    x = _images(2, 4, 3, 5)
    return {f"y of {kind}": impl.normalize(x, kind, groups=3) for kind in KINDS[:3]}


def eps_stands_inside_the_root(impl):
    """eps: added to the variance, inside the square root; 1e-5 unless another is given"""
    x, nearly_constant = normal(2, 6, 3, 5, mean=1, std=0.7), normal(2, 6, 3, 5, std=0.003)
    wide = {f"y of {kind}, eps=0.5": impl.normalize(x, kind, 2, eps=0.5) for kind in KINDS}
    return {**wide, "y of a nearly constant x": impl.normalize(nearly_constant, "group", 2)}


def takes_any_number_of_spatial_axes(impl):
    """shapes: sequences and volumes, one sample, one channel, one column, a transposed view"""
    view = normal(3, 5, 6, 4, mean=2, std=3).transpose(0, 3, 1, 2)
    shapes = {
        "(2, 6, 5)": normal(2, 6, 5, mean=2),
        "(2, 6, 3, 2, 4)": normal(2, 6, 3, 2, 4, mean=2),
        "N=1": normal(1, 6, 3, 5, mean=2),
        "W=1": normal(3, 6, 4, 1, mean=2),
        "a view": view,
    }
    told = {
        f"{kind}, {name}": impl.normalize(x, kind, groups=2)
        for name, x in shapes.items()
        for kind in KINDS
    }
    return {**told, "group, C=1": impl.normalize(normal(3, 1, 4, 2, mean=2), "group")}


def a_set_of_one_value_gives_0(impl):
    """shapes: one value is its own mean, whichever the kind"""
    return {
        "batch": impl.normalize(normal(1, 4, 1, 1, mean=2), "batch"),
        "layer": impl.normalize(normal(3, 1, 1, mean=2), "layer"),
        "instance": impl.normalize(normal(3, 4, 1, 1, mean=2), "instance"),
        "group": impl.normalize(normal(3, 4, 1, mean=2), "group", groups=4),
    }


def keeps_the_dtype(impl):
    """dtype: float16, float32 and float64 come back as they went in"""
    return {
        f"{kind}, {name}": impl.normalize(normal(2, 6, 4, dtype=name), kind, 2).dtype.name
        for name in ("float16", "float32", "float64")
        for kind in KINDS
    }


@within(1e-3)  # what the conventions promise for float32 with mean 1000 and spread 1
def survives_a_large_mean(impl):
    """precision: a large mean does not swallow the spread, and half precision does not overflow"""
    x = normal(4, 6, 4, 5, mean=1000, dtype=np.float32)
    half = normal(3, 6, 4, 4, std=600, dtype=np.float16)
    large = {f"y of {kind}": impl.normalize(x, kind, 2) for kind in KINDS}
    return {**large, "y in float16": np.asarray(impl.normalize(half, "layer"), np.float32)}


def returns_a_new_array(impl):
    """memory: the output is a new array in every call"""
    x = normal(2, 6, 3, 5, mean=3)
    first = impl.normalize(x, "layer")
    kept = np.array(first)
    second = impl.normalize(normal(2, 6, 3, 5, mean=-2, seed=1), "layer")
    shared = [np.shares_memory(first, x), np.shares_memory(first, second)]
    return {"shares memory": [*shared, bool(np.any(first != kept))], "y": first}


def refuses_what_it_cannot_normalize(impl):
    """refusals: rank, unknown kinds, groups that do not divide, integers"""
    x, call = normal(2, 6, 3, 5), impl.normalize
    whole = frozen(np.arange(48).reshape(2, 6, 2, 2))
    rank = r"(N, C, *spatial)|N, |\b3\b|three".replace("*", r"\*")
    told = {
        f"groups={groups}": refuses(ValueError, call, x, "group", groups, naming=[6, groups])
        for groups in (4, 5, 12, 0, -2)
    }
    return {
        **told,
        "kind 'channel'": refuses(ValueError, call, x, "channel", naming=["instance", "channel"]),
        "kind None": refuses(ValueError, call, x, None, naming=["instance", "None"]),
        "(6,)": refuses(ValueError, call, normal(6), "batch", naming=[rank, (6,)]),
        "(2, 6), layer": refuses(ValueError, call, normal(2, 6), "layer", naming=[rank, (2, 6)]),
        "(2, 6), batch": refuses(ValueError, call, normal(2, 6), "batch", naming=[rank, (2, 6)]),
        "integers": refuses(TypeError, call, whole, "batch"),
        "booleans": refuses(TypeError, call, frozen(whole > 3), "layer"),
    }


def in_any_shape(impl, draw):
    """any shape, kind, groups and dtype"""
    n, parts, share = draw.integer(1, 4), draw.integer(1, 4), draw.integer(1, 3)
    spatial = [draw.integer(1, 5) for _ in range(draw.integer(1, 3))]
    x = normal(
        n, parts * share, *spatial,
        mean=draw.integer(-9, 9), std=draw.choice([0.25, 1, 4]), seed=draw.integer(0, 99),
        dtype=draw.choice(["float32", "float64"]),
    )  # fmt: skip
    y = impl.normalize(x, draw.choice(KINDS), parts, eps=draw.choice([1e-5, 1e-3, 0.3]))
    return {"y": y, "dtype": y.dtype.name}


def oracle():
    """torch behind the contract of norm_axes."""
    import torch

    def normalize(x, kind, groups=1, eps=1e-5):
        if x.dtype.kind != "f":
            raise TypeError(f"torch normalizes floating values, got {x.dtype}")
        if x.ndim < 3:
            raise ValueError(f"expected (N, C, *spatial), got {x.shape}")
        if kind not in KINDS:
            raise ValueError(f"expected one of {KINDS}, got {kind}")
        if kind == "group" and (groups < 1 or x.shape[1] % groups):
            raise ValueError(f"{groups} groups do not divide {x.shape[1]} channels")
        wide = torch.tensor(x, dtype=torch.float64)
        # What the functionals of the same names call once they have refused sets of one value.
        y = {
            "batch": lambda: torch.batch_norm(wide, None, None, None, None, True, 0.0, eps, False),
            "layer": lambda: torch.layer_norm(wide, wide.shape[1:], None, None, eps),
            "instance": lambda: torch.instance_norm(
                wide, None, None, None, None, True, 0.0, eps, False
            ),
            "group": lambda: torch.group_norm(wide, groups, None, None, eps),
        }[kind]()
        return y.numpy().astype(x.dtype)

    return SimpleNamespace(normalize=normalize)
