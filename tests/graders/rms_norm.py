"""What is asked of rms_norm; torch's way of answering is F.rms_norm."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, within

LEVEL = "junior"
MINUTES = 10
AFTER = ["layer_norm"]
CARD = "implement-rmsnorm"


def scales_each_position_by_its_root_mean_square(impl):
    """one axis: every position is divided by the root mean square of its last axis, not centred"""
    mean = [[[2.0], [-1.0], [7.0], [0.5]], [[0.0], [4.0], [-3.0], [1.0]]]
    x = normal(2, 4, 3, mean=mean, std=[[[3.0], [0.5], [2.0], [1.0]]])
    return {"y": impl.rms_norm(x, (3,))}


def takes_a_number(impl):
    """one axis: a number means the same as a tuple with that one number"""
    return {"y": impl.rms_norm(normal(4, 3, 5, mean=2, std=3), 5, normal(5, mean=2))}


def normalizes_several_axes_together(impl):
    """several axes: the last two or three share one mean square"""
    x = normal(2, 3, 4, 5, mean=[[[1.0]], [[-6.0]], [[3.0]]], std=[[[2.0]], [[0.5]], [[4.0]]])
    return {"last two": impl.rms_norm(x, (4, 5)), "last three": impl.rms_norm(x, (3, 4, 5))}


def eps_stands_inside_the_root(impl):
    """eps: added to the mean square, inside the square root; 1e-6 if nothing is said"""
    return {
        "eps=0.5": impl.rms_norm(normal(4, 3, 6, mean=0.4, std=0.7), (6,), eps=0.5),
        "eps left out": impl.rms_norm(normal(4, 6, mean=0.002, std=0.001), (6,)),
    }


def scales_by_weight(impl):
    """weight: one number for each normalized element, used as it is"""
    x = normal(2, 3, 4, mean=3, std=2)
    return {"y": impl.rms_norm(x, (3, 4), normal(3, 4, mean=2))}


def keeps_the_dtype(impl):
    """dtype: float16, float32 and float64 come back as they went in, whatever weight is"""
    dtypes = {}
    for name in ("float16", "float32", "float64"):
        x = normal(4, 6, mean=2, dtype=name)
        y = impl.rms_norm(x, (6,), normal(6, mean=1))
        dtypes[f"{name} without weight"] = impl.rms_norm(x, (6,)).dtype.name
        dtypes[f"{name} with weight of float64"] = y.dtype.name
    return dtypes


@within(2e-3)  # the step of float16 near 2
def survives_half_precision(impl):
    """precision: the squares of float16 values neither overflow nor vanish"""
    large = impl.rms_norm(normal(3, 32, std=600, dtype=np.float16), (32,))
    small = impl.rms_norm(normal(3, 16, std=2e-4, dtype=np.float16), (16,), eps=1e-9)
    return {
        "y of large": np.asarray(large, np.float32),
        "y of small": np.asarray(small, np.float32),
    }


@within(1e-3)  # float32 with a large mean: what every exercise of the family is asked for
def survives_a_large_mean(impl):
    """precision: float32 rows far from 0 come out as in float64"""
    x = normal(3, 64, mean=[[1000.0], [-3000.0], [10.0]], dtype=np.float32)
    return {"y": impl.rms_norm(x, (64,))}


def takes_odd_shapes_and_views(impl):
    """shapes: no leading axis, one value, a batch of one, a transposed and a strided view"""
    x = normal(3, 5, 6, 4, mean=2, std=3)
    return {
        "(7,)": impl.rms_norm(normal(7, mean=2), (7,)),
        "all axes": impl.rms_norm(x, (3, 5, 6, 4)),
        "one value": impl.rms_norm(normal(4, 1, mean=2), 1),
        "N=1": impl.rms_norm(normal(1, 6, mean=2), (6,)),
        "a transposed view": impl.rms_norm(x.transpose(0, 3, 1, 2), (5, 6)),
        "every second row": impl.rms_norm(x[:, ::2], (6, 4)),
    }


def shares_no_memory(impl):
    """memory: an output is a new array, and a later call leaves it alone"""
    x = normal(4, 3, 5, mean=3)
    first = impl.rms_norm(x, (5,))
    kept = first.copy()
    second = impl.rms_norm(normal(4, 3, 5, mean=-2, std=2, seed=1), (5,))
    return {
        "shares memory": [np.shares_memory(first, x), np.shares_memory(first, second)],
        "changed by a later call": bool(np.any(first != kept)),
        "y of the later call": second,
    }


def refuses_what_it_cannot_normalize(impl):
    """refusals: an x that does not end in normalized_shape, a weight of another shape, integers"""
    x = normal(2, 3, 5)
    norm = impl.rms_norm
    return {
        "(2, 3, 5) over (4, 5)": refuses(ValueError, norm, x, (4, 5), naming=[(4, 5), x.shape]),
        "(2, 3, 5) over (5, 3)": refuses(ValueError, norm, x, (5, 3), naming=[(5, 3), x.shape]),
        "(2, 3, 5) over 3": refuses(ValueError, norm, x, 3, naming=[3, x.shape]),
        "(2, 3, 5) over (1, 2, 3, 5)": refuses(
            ValueError, norm, x, (1, 2, 3, 5), naming=[(1, 2, 3, 5), x.shape]
        ),
        "(2, 3, 5) over ()": refuses(ValueError, norm, x, (), naming=[x.shape]),
        "weight (1, 5) for (3, 5)": refuses(
            ValueError, norm, x, (3, 5), normal(1, 5), naming=[(3, 5), (1, 5)]
        ),
        "integers": refuses(TypeError, norm, frozen(np.arange(30).reshape(2, 3, 5)), (5,)),
        "booleans": refuses(TypeError, norm, frozen(x > 0), (5,)),
    }


def in_any_shape(impl, draw):
    """any shape, dtype and weight"""
    shape = tuple(draw.integer(1, 5) for _ in range(draw.integer(1, 4)))
    over = shape[-draw.integer(1, len(shape)) :]
    seed, eps = draw.integer(0, 99), draw.choice([1e-6, 1e-3, 0.3])
    mean, std = draw.integer(-9, 9), draw.choice([0.25, 1, 4])
    x = normal(*shape, mean=mean, std=std, seed=seed, dtype=draw.choice(["float32", "float64"]))
    weight = normal(*over, mean=1, seed=1) if draw.choice([True, False]) else None
    y = impl.rms_norm(x, over, weight, eps)
    return {"dtype": y.dtype.name, "y": y}


def oracle():
    """torch behind the contract of rms_norm."""
    import torch

    def wide(values):
        return None if values is None else torch.tensor(values, dtype=torch.float64)

    def rms_norm(x, normalized_shape, weight=None, eps=1e-6):
        if x.dtype.kind != "f":
            raise TypeError(f"torch normalizes floating values, got {x.dtype}")
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else normalized_shape
        try:
            y = torch.nn.functional.rms_norm(wide(x), shape, wide(weight), eps)
        except (RuntimeError, ValueError) as error:
            given = [None if values is None else values.shape for values in (x, weight)]
            raise ValueError(f"{error}; expected {shape}, got {given}") from None
        return y.numpy().astype(x.dtype)

    return SimpleNamespace(rms_norm=rms_norm)
