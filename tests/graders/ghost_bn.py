"""What is asked of ghost_bn; torch's way of answering is F.batch_norm on one chunk at a time."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, within

LEVEL = "mid"
MINUTES = 20
AFTER = ["bn2d"]
CARD = "ghost-batch-norm"


def each_ghost_batch_is_normalized_by_itself(impl):
    """ghost batches: the first V samples share a mean and a variance, so do the next V"""
    return {"y": impl.ghost_batch_norm(_drifting(8, 3, 2, 5), None, None, 4)}


def the_last_one_may_be_smaller(impl):
    """ghost batches: all have V samples but the last, which takes what is left"""
    return {
        "9 samples by 4": impl.ghost_batch_norm(_drifting(9, 3, 2, 5), None, None, 4),
        "7 samples by 5": impl.ghost_batch_norm(_drifting(7, 3), None, None, 5),
    }


def the_whole_batch_may_be_one(impl):
    """ghost batches: V = N, and V beyond N, is batch norm; V = 1 takes each sample by itself"""
    x = _drifting(6, 3, 4)
    sizes = {"V = N": 6, "V > N": 100, "V = 1": 1}
    return {name: impl.ghost_batch_norm(x, None, None, v) for name, v in sizes.items()}


def scales_and_shifts_all_alike(impl):
    """weight and bias: one of each per channel, shared by all ghost batches; each may be None"""
    x, weight, bias = _drifting(7, 3, 2, 5), normal(3, mean=2), normal(3, mean=-1, seed=1)
    return {
        "y": impl.ghost_batch_norm(x, weight, bias, 3),
        "y without weight": impl.ghost_batch_norm(x, None, bias, 3),
        "y without bias": impl.ghost_batch_norm(x, weight, None, 3),
    }


def eps_stands_inside_the_root(impl):
    """eps: added to the biased variance of the ghost batch, inside the square root"""
    x = normal(5, 3, 2, mean=1, std=0.7)
    return {"y": impl.ghost_batch_norm(x, normal(3, mean=2), None, 2, eps=0.5)}


def takes_any_rank_and_view(impl):
    """shapes: (N, C), (N, C, L), (N, C, D, H, W), one channel, a transposed view"""
    x = _drifting(5, 4, 3, 2)
    return {
        "(N, C)": impl.ghost_batch_norm(_drifting(9, 3), normal(3), None, 4),
        "(N, C, L)": impl.ghost_batch_norm(_drifting(5, 3, 4), normal(3), None, 2),
        "(N, C, D, H, W)": impl.ghost_batch_norm(_drifting(5, 3, 2, 1, 3), normal(3), None, 2),
        "C = 1": impl.ghost_batch_norm(_drifting(5, 1, 4), None, None, 2),
        "a view": impl.ghost_batch_norm(x.transpose(3, 1, 2, 0), normal(4), None, 1),
        "from the back": impl.ghost_batch_norm(x[::-1], normal(4), None, 2),
    }


def one_value_becomes_its_bias(impl):
    """one value: a ghost batch with one value per channel is its own mean"""
    y = impl.ghost_batch_norm(_drifting(5, 3), normal(3), normal(3, mean=2, seed=1), 2)
    return {"y": y}


@within(1e-3)
def keeps_dtype_and_precision(impl):
    """dtype: kept; a large mean does not cancel, half precision does not overflow"""
    far = normal(10, 3, 4, 4, mean=[[[1000]], [[-3000]], [[10]]], dtype=np.float32)
    half = normal(10, 3, 4, std=600, dtype=np.float16)
    wide = impl.ghost_batch_norm(normal(4, 3), normal(3, dtype=np.float32), None, 2)
    y, halved = (impl.ghost_batch_norm(x, normal(3), None, 4) for x in (far, half))
    return {
        "y in float32": y,
        "y in float16": halved.astype(np.float32),
        "dtypes": [y.dtype.name, halved.dtype.name, wide.dtype.name],
    }


def shares_no_memory(impl):
    """memory: the output is a new array, call after call"""
    x = _drifting(4, 3, 5)
    first = impl.ghost_batch_norm(x, None, None, 2)
    kept = first.copy()
    second = impl.ghost_batch_norm(x[::-1], None, None, 2)
    return {
        "shares memory": [np.shares_memory(first, x), np.shares_memory(first, second)],
        "first output changed": bool(np.any(first != kept)),
    }


def refuses_what_it_cannot_cut(impl):
    """refusals: rank, parameters, virtual_batch_size, integers"""
    x, ghost = normal(4, 3, 5), impl.ghost_batch_norm
    return {
        "x (4,)": refuses(
            ValueError, ghost, normal(4), None, None, 2, naming=[r"C|two|\b2\b", (4,)]
        ),
        "weight (5,)": refuses(ValueError, ghost, x, normal(5), None, 2, naming=[3, (5,)]),
        "bias (3, 1)": refuses(ValueError, ghost, x, None, normal(3, 1), 2, naming=[(3, 1)]),
        "V = 0": refuses(ValueError, ghost, x, None, None, 0, naming=["1|positive", 0]),
        "V = -2": refuses(ValueError, ghost, x, None, None, -2, naming=["1|positive", "-2"]),
        "integers": refuses(TypeError, ghost, frozen(np.arange(12).reshape(4, 3)), None, None, 2),
        "booleans": refuses(TypeError, ghost, frozen(x > 0), None, None, 2),
    }


def in_any_shape(impl, draw):
    """any shape, dtype, parameters and size of a ghost batch"""
    c, dtype = draw.integer(1, 4), draw.choice(["float32", "float64"])
    spatial = [draw.integer(1, 4) for _ in range(draw.integer(0, 3))]
    x = _drifting(draw.integer(1, 9), c, *spatial).astype(dtype)
    weight = draw.choice([None, normal(c, mean=1)])
    bias = draw.choice([None, normal(c, mean=1, seed=1)])
    eps = draw.choice([1e-3, 0.3])
    y = impl.ghost_batch_norm(x, weight, bias, draw.integer(1, 10), eps=eps)
    return {"y": y, "dtype": y.dtype.name}


def _drifting(n, c, *spatial):
    """Samples whose mean and spread change from one to the next, and from channel to channel."""
    sample, channel = np.arange(n).reshape(-1, 1), np.arange(c)
    mean, std = 3 * channel - sample, 0.5 + 0.25 * sample + channel
    beside = (n, c, *(1 for _ in spatial))
    return normal(n, c, *spatial, mean=mean.reshape(beside), std=std.reshape(beside))


def oracle():
    """torch behind the contract of ghost_bn."""
    import torch
    from torch.nn.functional import batch_norm

    def ghost_batch_norm(x, weight, bias, virtual_batch_size, eps=1e-5):
        if x.dtype.kind != "f":
            raise TypeError(f"torch normalizes floating values, got {x.dtype}")
        if x.ndim < 2:
            raise ValueError(f"expected (N, C, *spatial), got {x.shape}")
        for p in (weight, bias):
            if p is not None and p.shape != x.shape[1:2]:
                raise ValueError(f"expected ({x.shape[1]},), got {p.shape}")
        if virtual_batch_size < 1:
            raise ValueError(f"expected at least 1, got {virtual_batch_size}")
        w, b = (None if p is None else torch.tensor(p).double() for p in (weight, bias))

        def normalized(chunk):
            if chunk[:, 0].numel() > 1:
                return batch_norm(chunk, None, None, w, b, True, eps=eps)
            # F.batch_norm refuses one value per channel; as constants its statistics are welcome.
            return batch_norm(
                chunk, chunk.flatten(), torch.zeros(x.shape[1]).double(), w, b, eps=eps
            )

        chunks = torch.tensor(np.array(x), dtype=torch.float64).split(virtual_batch_size)
        return torch.cat([normalized(chunk) for chunk in chunks]).numpy().astype(x.dtype)

    return SimpleNamespace(ghost_batch_norm=ghost_batch_norm)
