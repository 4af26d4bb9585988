"""What is asked of batch_renorm; torch answers in float64 with F.batch_norm, applied twice."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, uniform, within

LEVEL = "research"
MINUTES = 25
AFTER = ["bn2d"]
CARD = "ghost-batch-norm"

MEAN, STD = frozen([2.0, -1.0, 7.0]), frozen([3.0, 0.5, 2.0])
OPEN = {"r_max": 1e6, "d_max": 1e6}

EQUIVALENT_MUTANTS = {
    "r = np.clip(std / running_std, 1 / r_max, r_max)"
    " -> r = np.clip(1 / r_max, std / running_std, r_max)": "it takes the larger of the two first",
    "d = np.clip((mean - running_mean) / running_std, -d_max, d_max)"
    " -> d = np.clip(-d_max, (mean - running_mean) / running_std, d_max)": "the same",
}


def closed_limits_are_batch_norm(impl):
    """limits: with r_max = 1 and d_max = 0 it is batch normalization"""
    return {"y": impl.batch_renorm(_x(), None, None, *_running(), 1, 0)}


def open_limits_are_evaluation(impl):
    """limits: with none to speak of, the running statistics normalize, as in evaluation"""
    return {"y": impl.batch_renorm(_x(), None, None, *_running(), **OPEN)}


def r_is_held_on_both_sides(impl):
    """r: clipped to [1 / r_max, r_max], channels above, below and between"""
    std = STD * np.array([4, 0.25, 0.9])
    y = impl.batch_renorm(_x(), None, None, MEAN, std, 2, 0)
    return {"y": y, "y if d is free": impl.batch_renorm(_x(), None, None, MEAN + 2, std, 2, 1e6)}


def d_is_held_on_both_sides(impl):
    """d: clipped to [-d_max, d_max], channels above, below and between"""
    mean = MEAN + STD * np.array([3, -3, 0.2])
    y = impl.batch_renorm(_x(), None, None, mean, STD, 1, 0.7)
    return {"y": y, "y if r is free": impl.batch_renorm(_x(), None, None, mean, 2 * STD, 1e6, 0.7)}


def scales_and_shifts_at_the_end(impl):
    """weight and bias: applied to what r and d have made; each may be None"""
    weight, bias = normal(3, mean=2), normal(3, mean=-1, seed=1)
    rest = (*_running(), 1.2, 0.3)
    return {
        "y": impl.batch_renorm(_x(), weight, bias, *rest),
        "y without weight": impl.batch_renorm(_x(), None, bias, *rest),
        "y without bias": impl.batch_renorm(_x(), weight, None, *rest),
    }


def eps_is_in_the_batchs_deviation_only(impl):
    """eps: inside the root of the batch's deviation, and not in running_std once more"""
    x = normal(5, 3, 2, mean=1, std=0.7)
    running = (np.ones(3), np.array([0.9, 1.1, 0.4]))
    free = impl.batch_renorm(x, None, None, *running, 2.5, 5, eps=0.5)
    return {"y": free, "y at the limits": impl.batch_renorm(x, None, None, *running, 1, 0, eps=0.5)}


def takes_any_rank_and_view(impl):
    """shapes: (N, C), (N, C, L), (N, C, D, H, W), one sample, one channel, one value, views"""
    x = _x()
    rest = (*_running(), 1.5, 0.5)
    return {
        "(N, C)": impl.batch_renorm(normal(6, 3, mean=4), None, None, *rest),
        "(N, C, L)": impl.batch_renorm(normal(2, 3, 4, mean=4), normal(3), None, *rest),
        "(N, C, D, H, W)": impl.batch_renorm(normal(2, 3, 2, 1, 3), normal(3), None, *rest),
        "N = 1": impl.batch_renorm(x[:1], None, None, *rest),
        "C = 1": impl.batch_renorm(x[:, :1], None, None, MEAN[:1], STD[:1], 1.5, 0.5),
        "one value": impl.batch_renorm(normal(1, 3), None, None, *rest),
        "a view": impl.batch_renorm(x.transpose(0, 1, 3, 2)[::-1], normal(3), None, *rest),
    }


@within(1e-3)
def keeps_dtype_and_precision(impl):
    """dtype: kept; a large mean does not cancel, half precision does not overflow"""
    mean = np.array([1000, -3000, 10])
    far = normal(8, 3, 4, 4, mean=mean[:, None, None], dtype=np.float32)
    half = normal(8, 3, 4, std=600, dtype=np.float16)
    y = impl.batch_renorm(far, None, None, mean + 0.5, np.full(3, 1.2), 1.1, 0.3)
    halved = impl.batch_renorm(half, None, None, np.full(3, 30.0), np.full(3, 500.0), 1.1, 0.3)
    narrow = [a.astype(np.float32) for a in _running()]
    wide = impl.batch_renorm(_x(), None, None, *narrow, 1.1, 0.3)
    return {
        "y in float32": y,
        "y in float16": halved.astype(np.float32),
        "dtypes": [y.dtype.name, halved.dtype.name, wide.dtype.name],
    }


def leaves_the_arrays_alone(impl):
    """memory: the output is a new array, and the running statistics do not move"""
    x, mean, std = np.array(_x()), MEAN.copy(), STD * 1.2
    given = [x.copy(), mean.copy(), std.copy()]
    first = impl.batch_renorm(x, None, None, mean, std, 1.1, 0.3)
    kept = first.copy()
    second = impl.batch_renorm(x[::-1], None, None, mean, std, 1.1, 0.3)
    return {
        "shares memory": [np.shares_memory(first, x), np.shares_memory(first, second)],
        "first output changed": bool(np.any(first != kept)),
        "x, running_mean, running_std changed": [
            bool(np.any(now != before)) for now, before in zip((x, mean, std), given, strict=True)
        ],
    }


def refuses_what_does_not_fit(impl):
    """refusals: rank, the shapes of the parameters and statistics, the limits, integers"""
    pixels = frozen(np.arange(12).reshape(4, 3))

    def told(kind, naming, **changed):
        good = {"x": _x(), "weight": None, "bias": None, "running_mean": MEAN, "running_std": STD}
        given = {**good, "r_max": 2, "d_max": 1, **changed}
        return refuses(kind, impl.batch_renorm, naming=naming, **given)

    return {
        "x (4,)": told(ValueError, [r"C|two|\b2\b", (4,)], x=normal(4)),
        "weight (5,)": told(ValueError, [(3,), (5,)], weight=normal(5)),
        "bias (3, 1)": told(ValueError, [(3, 1)], bias=normal(3, 1)),
        "running_mean (2,)": told(ValueError, [(3,), (2,)], running_mean=normal(2)),
        "running_std (1,)": told(ValueError, [(3,), (1,)], running_std=STD[:1]),
        "running_std 0": told(ValueError, [0], running_std=STD * [1, 0, 1]),
        "r_max 0.5": told(ValueError, [1, 0.5], r_max=0.5),
        "d_max -0.5": told(ValueError, [0, "-0.5"], d_max=-0.5),
        "integers": told(TypeError, [], x=pixels),
        "booleans": told(TypeError, [], x=frozen(_x() > 0)),
    }


def in_any_shape(impl, draw):
    """any shape, dtype, parameters, running statistics and limits"""
    c, dtype = draw.integer(1, 4), draw.choice(["float32", "float64"])
    spatial = [draw.integer(1, 4) for _ in range(draw.integer(0, 3))]
    mean, std = draw.integer(-5, 5), draw.choice([0.5, 1, 4])
    x = normal(draw.integer(1, 5), c, *spatial, mean=mean, std=std, dtype=dtype)
    y = impl.batch_renorm(
        x,
        draw.choice([None, normal(c, mean=1)]),
        draw.choice([None, normal(c, mean=1, seed=1)]),
        normal(c, mean=draw.integer(-5, 5), seed=2),
        uniform(c),
        draw.choice([1, 1.5, 3]),
        draw.choice([0, 0.5, 5]),
        eps=draw.choice([1e-3, 0.3]),
    )
    return {"y": y, "dtype": y.dtype.name}


def _x():
    return normal(4, 3, 5, 2, mean=MEAN[:, None, None], std=STD[:, None, None])


def _running():
    """Statistics near the batch's, each channel off in its own way."""
    return MEAN + STD * np.array([0.3, -0.6, 0.1]), STD * np.array([1.4, 0.7, 1.1])


def oracle():
    """torch behind the contract of batch_renorm."""
    import torch
    from torch.nn.functional import batch_norm

    def batch_renorm(x, weight, bias, running_mean, running_std, r_max, d_max, eps=1e-5):
        if x.dtype.kind != "f":
            raise TypeError(f"torch normalizes floating values, got {x.dtype}")
        if x.ndim < 2:
            raise ValueError(f"expected (N, C, *spatial), got {x.shape}")
        c = x.shape[1]
        for p in (weight, bias, running_mean, running_std):
            if p is not None and p.shape != (c,):
                raise ValueError(f"expected {(c,)}, got {p.shape}")
        if min(running_std) <= 0:
            raise ValueError(f"expected a running_std above 0, got {min(running_std)}")
        if r_max < 1 or d_max < 0:
            raise ValueError(f"expected r_max >= 1 and d_max >= 0, got {r_max} and {d_max}")
        one, zero = torch.ones(c, dtype=torch.float64), torch.zeros(c, dtype=torch.float64)
        w, b = (None if p is None else torch.tensor(p).double() for p in (weight, bias))
        mu, sigma = torch.tensor(running_mean).double(), torch.tensor(running_std).double()
        t = torch.tensor(np.array(x), dtype=torch.float64)
        var, mean = torch.var_mean(t, [0, *range(2, t.ndim)], correction=0)
        std = (var + eps).sqrt()
        r = (std / sigma).clamp(1 / r_max, r_max)
        d = ((mean - mu) / sigma).clamp(-d_max, d_max)
        # Twice torch's own normalization with given statistics: the batch's, then one that scales
        # by r and shifts by d.
        y = batch_norm(batch_norm(t, mean, var, r, d, eps=eps), zero, one, w, b, eps=0.0)
        return y.numpy().astype(x.dtype)

    return SimpleNamespace(batch_renorm=batch_renorm)
