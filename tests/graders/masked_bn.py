"""What is asked of masked_bn; torch's way of answering is BN of the valid positions, gathered."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, within

LEVEL = "mid"
MINUTES = 25
AFTER = ["bn1d"]
CARD = "padded-sequences"


def _padded(lengths, size, **kwargs):
    """Sequences of these lengths, padded to `size`, and the mask of their valid positions."""
    mean, std = [[2.0], [-10.0], [7.0]], [[3.0], [0.5], [2.0]]
    x = normal(len(lengths), 3, size, mean=mean, std=std, **kwargs)
    return x, frozen(np.arange(size) < np.array(lengths)[:, None])


def without_padding_it_is_batch_norm(impl):
    """values: where all positions are valid this is batch normalization of sequences"""
    x, mask = _padded([5, 5, 5, 5], 5)
    return {"y": impl.masked_batch_norm(x, mask, None, None)}


def only_valid_positions_count(impl):
    """values: mean and variance are those of the valid positions, taken together"""
    x, mask = _padded([5, 2, 7, 1], 7)
    y = impl.masked_batch_norm(x, mask, None, None)
    return {"y where valid": np.where(mask[:, None, :], y, 0)}


def padding_comes_out_as_zero(impl):
    """output: 0 where a position is not valid, whatever weight and bias are"""
    x, mask = _padded([5, 2, 7, 1], 7)
    return {"y": impl.masked_batch_norm(x, mask, normal(3, mean=2), normal(3, mean=4, seed=1))}


def padding_may_hold_anything(impl):
    """padding: large numbers, infinities and NaN there change nothing"""
    x, mask = _padded([5, 2, 7, 1], 7)
    told = {}
    for junk in (1e6, np.inf, np.nan):
        dirty = frozen(np.where(mask[:, None, :], x, junk))
        told[f"y with {junk} as padding"] = impl.masked_batch_norm(dirty, mask, None, None)
    return told


def valid_positions_may_lie_anywhere(impl):
    """mask: gaps, padding at the front, a sequence that is all padding"""
    x, _ = _padded([6] * 4, 6)
    holes = normal(4, 6, seed=3) > 0
    holes[2] = False
    return {"y": impl.masked_batch_norm(x, frozen(holes), normal(3, mean=2), normal(3, seed=1))}


def weight_and_bias_may_each_be_none(impl):
    """None: weight alone, bias alone"""
    (x, mask), weight, bias = _padded([3, 6, 1, 4], 6), normal(3, mean=2), normal(3, seed=1)
    return {
        "y without bias": impl.masked_batch_norm(x, mask, weight, None),
        "y without weight": impl.masked_batch_norm(x, mask, None, bias),
    }


def eps_stands_inside_the_root(impl):
    """eps: added to the variance, inside the square root; 1e-5 unless another is given"""
    x, mask = _padded([5, 2, 7, 1], 7)
    nearly_constant = normal(4, 3, 7, mean=1, std=0.003)
    return {
        "y with eps=0.5": impl.masked_batch_norm(x, mask, None, None, eps=0.5),
        "y of a nearly constant x": impl.masked_batch_norm(nearly_constant, mask, None, None),
    }


def one_or_no_valid_position(impl):
    """mask: one valid position gives bias there, none gives 0 everywhere"""
    bias, (x, _) = normal(3, mean=4), _padded([4, 4], 4)
    one = frozen(np.arange(8).reshape(2, 4) == 6)
    return {
        "y of one": impl.masked_batch_norm(x, one, None, bias),
        "y of none": impl.masked_batch_norm(x, frozen(one & False), None, bias),
    }


def takes_odd_shapes_and_views(impl):
    """shapes: one sequence, one channel, one step, transposed views"""
    bias = normal(3, mean=4)
    view = normal(5, 4, 3, mean=2, std=3).transpose(0, 2, 1)
    mask = frozen(normal(4, 5, seed=2) > -0.5).T
    call = impl.masked_batch_norm
    return {
        "N=1": call(normal(1, 3, 6, mean=2), frozen(np.arange(6)[None] > 1), None, bias),
        "C=1": call(normal(3, 1, 5, mean=2), frozen(normal(3, 5) > -0.5), None, None),
        "L=1": call(normal(6, 3, 1, mean=2), frozen(normal(6, 1) > -0.5), None, bias),
        "views": call(view, mask, None, bias),
    }


def keeps_the_dtype(impl):
    """dtype: float16, float32 and float64 come back as they went in"""
    weight, bias = normal(3, mean=2), normal(3, seed=1)
    dtypes = {}
    for name in ("float16", "float32", "float64"):
        x, mask = _padded([5, 2, 7, 1], 7, dtype=name)
        dtypes[name] = impl.masked_batch_norm(x, mask, weight, bias).dtype.name
    return dtypes


@within(1e-3)  # what the conventions promise for float32 with mean 1000 and spread 1
def survives_a_large_mean(impl):
    """precision: a large mean does not swallow the spread, and half precision does not overflow"""
    mask = frozen(normal(16, 8, seed=4) > -0.5)
    x = normal(16, 3, 8, mean=[[1000.0], [-3000.0], [10.0]], dtype=np.float32)
    half = normal(16, 3, 8, mean=900, std=600, dtype=np.float16)
    return {
        "y": impl.masked_batch_norm(x, mask, None, None),
        "y in float16": np.asarray(impl.masked_batch_norm(half, mask, None, None), np.float32),
    }


def returns_a_new_array(impl):
    """memory: the output is a new array in every call"""
    (x, mask), (other, _) = _padded([5, 2, 7, 1], 7), _padded([7] * 4, 7, seed=1)
    first = impl.masked_batch_norm(x, mask, None, None)
    kept = np.array(first)
    second = impl.masked_batch_norm(other, mask, None, None)
    shared = [np.shares_memory(first, x), np.shares_memory(first, second)]
    return {"shares memory": [*shared, bool(np.any(first != kept))], "y": first}


def refuses_what_does_not_fit(impl):
    """refusals: shapes of x, mask, weight and bias; integers, and masks that are not boolean"""
    (x, mask), call, good = _padded([5, 2, 7, 1], 7), impl.masked_batch_norm, normal(3)
    whole = frozen(np.arange(84).reshape(4, 3, 7))
    rank = r"(N, C, L)|N, |\b3\b|three"
    told = {
        f"mask {bad.shape}": refuses(
            ValueError, call, x, frozen(bad), None, None, naming=[(4, 7), bad.shape]
        )
        for bad in (mask.T, mask[:1], mask[:, :1], mask[0], mask[:, None, :], mask[:, :6])
    }
    return {
        **told,
        "x (4, 3)": refuses(ValueError, call, x[:, :, 0], mask, None, None, naming=[rank, (4, 3)]),
        "x (4, 3, 7, 1)": refuses(
            ValueError, call, x[..., None], mask, None, None, naming=[rank, (4, 3, 7, 1)]
        ),
        "weight (7,)": refuses(ValueError, call, x, mask, normal(7), good, naming=[(3,), (7,)]),
        "bias (1,)": refuses(ValueError, call, x, mask, None, normal(1), naming=[(3,), (1,)]),
        "x of integers": refuses(TypeError, call, whole, mask, None, None),
        "x of booleans": refuses(TypeError, call, frozen(whole > 5), mask, None, None),
        "mask of integers": refuses(TypeError, call, x, mask.astype(int), None, None),
        "mask of floats": refuses(TypeError, call, x, mask.astype(float), None, None),
    }


def in_any_shape(impl, draw):
    """any shape, mask, dtype and parameters"""
    n, c, length = draw.integer(1, 5), draw.integer(1, 4), draw.integer(1, 6)
    dtype, seed = draw.choice(["float32", "float64"]), draw.integer(0, 99)
    x = normal(n, c, length, mean=draw.integer(-9, 9), std=draw.choice([0.25, 4]), seed=seed)
    mask = normal(n, length, seed=seed + 1) > draw.choice([-9, -0.5, 0.5, 9])
    weight = normal(c, mean=1) if draw.choice([True, False]) else None
    bias = normal(c, seed=1) if draw.choice([True, False]) else None
    eps = draw.choice([1e-5, 1e-3, 0.3])
    y = impl.masked_batch_norm(x.astype(dtype), frozen(mask), weight, bias, eps=eps)
    return {"y": y, "dtype": y.dtype.name}


def oracle():
    """torch behind the contract of masked_bn."""
    import torch

    def masked_batch_norm(x, mask, weight, bias, eps=1e-5):
        if x.dtype.kind != "f" or mask.dtype != bool:
            raise TypeError(f"expected floating x and boolean mask, got {x.dtype}, {mask.dtype}")
        if x.ndim != 3:
            raise ValueError(f"expected (N, C, L), got {x.shape}")
        for values, shape in ((mask, x.shape[::2]), (weight, x.shape[1:2]), (bias, x.shape[1:2])):
            if values is not None and values.shape != shape:
                raise ValueError(f"expected {shape}, got {values.shape}")
        wide, weight, bias = (
            None if values is None else torch.tensor(values, dtype=torch.float64)
            for values in (x, weight, bias)
        )
        valid = torch.tensor(mask)
        channels_last = torch.zeros_like(wide).transpose(1, 2)
        gathered = wide.transpose(1, 2)[valid]  # (m, C)
        if len(gathered):
            # What F.batch_norm calls once it has refused one value per channel, allowed here.
            channels_last[valid] = torch.batch_norm(
                gathered, weight, bias, None, None, True, 0.0, eps, False
            )
        return channels_last.transpose(1, 2).numpy().astype(x.dtype)

    return SimpleNamespace(masked_batch_norm=masked_batch_norm)


EQUIVALENT_MUTANTS = {
    "m = mask.sum() or 1 -> m = mask.sum() or 2": "without a valid position, 0 is divided by it",
    "m = mask.sum() or 1 -> m = mask.sum() or 0": "0 / 0 is NaN, which the last line leaves out",
}
