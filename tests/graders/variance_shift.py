"""What is asked of variance_shift; torch answers with what F.dropout does to a small population."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, uniform, within

LEVEL = "senior"
MINUTES = 20
AFTER = ["running_stats"]
CARD = "variance-behind-dropout"


def _named(answer):
    return {"train_var": answer[0], "eval_var": answer[1]}


def centred_values(impl):
    """mean 0: the mask alone changes the variance in training"""
    return _named(impl.dropout_variances(0.0, 1.75, 0.2))


def values_with_a_mean(impl):
    """a mean: dropping values to 0 spreads them by their distance from 0"""
    few, most = impl.dropout_variances(1.5, 0.8, 0.2), impl.dropout_variances(-3.0, 2.5, 0.9)
    return {
        **{f"{name}, p=0.2": value for name, value in _named(few).items()},
        **{f"{name}, p=0.9": value for name, value in _named(most).items()},
    }


def nothing_dropped(impl):
    """p=0: training and evaluation are the same"""
    return {
        **_named(impl.dropout_variances(2.5, 0.75, 0.0)),
        "shift": impl.variance_shift(2.5, 0.75, 0.0),
    }


def no_spread(impl):
    """var=0: a constant varies in training, through the mask alone"""
    return {
        **_named(impl.dropout_variances(2.0, 0.0, 0.3)),
        "shift": impl.variance_shift(2.0, 0.0, 0.3),
    }


def shift_of_numbers(impl):
    """the shift: evaluation's variance over training's"""
    return {
        "mean 0": impl.variance_shift(0.0, 1.75, 0.3),
        "mean 1.5": impl.variance_shift(1.5, 0.8, 0.3),
        "mean -3, p=0.9": impl.variance_shift(-3.0, 2.5, 0.9),
    }


def takes_arrays(impl):
    """arrays: one mean and one variance for each channel"""
    mean, var = normal(5, mean=1, std=2), uniform(5)
    return {
        **_named(impl.dropout_variances(mean, var, 0.3)),
        "shift": impl.variance_shift(mean, var, 0.3),
    }


def broadcasts(impl):
    """arrays: all results have the shape to which mean and var broadcast"""
    mean, var = normal(4, mean=1), uniform(3, 1)
    answers = {
        "number and (3, 1)": (0.5, var),
        "(4,) and number": (mean, 0.5),
        "(4,) and (3, 1)": (mean, var),
    }
    told = {}
    for shapes, (c, v) in answers.items():
        both = _named(impl.dropout_variances(c, v, 0.3))
        told.update({f"{name} of {shapes}": value for name, value in both.items()})
        told[f"shift of {shapes}"] = impl.variance_shift(c, v, 0.3)
    return told


def keeps_the_dtype(impl):
    """dtype: arrays in, the dtype to which they promote out, whatever p is"""
    dtypes = {}
    for name in ("float16", "float32", "float64"):
        mean, var = normal(4, dtype=name), uniform(4, dtype=name)
        for p in (0.25, np.float64(0.25)):
            kind = f"{name}, p is a {type(p).__name__}"
            train, evaluated = impl.dropout_variances(mean, var, p)
            dtypes[f"{kind}: train_var"] = train.dtype.name
            dtypes[f"{kind}: eval_var"] = evaluated.dtype.name
            dtypes[f"{kind}: shift"] = impl.variance_shift(mean, var, p).dtype.name
    mixed = impl.dropout_variances(normal(4, dtype="float16"), uniform(4, dtype="float32"), 0.25)
    beside = impl.dropout_variances(0.5, uniform(4, dtype="float32"), 0.25)
    dtypes["float16 and float32: train_var, eval_var"] = f"{mixed[0].dtype}, {mixed[1].dtype}"
    dtypes["number and float32: train_var, eval_var"] = f"{beside[0].dtype}, {beside[1].dtype}"
    return dtypes


@within(1e-3)  # what float32 and float16 results are held to in every exercise
def survives_a_large_mean(impl):
    """precision: a mean far from 0 does not swallow the variance, nor overflow float16"""
    mean = normal(4, mean=1000, dtype=np.float32)
    train, _ = impl.dropout_variances(mean, np.ones(4, np.float32), 2.0**-20)
    half = normal(4, mean=600, dtype=np.float16)
    shift = impl.variance_shift(half, np.full(4, 3e4, np.float16), 0.25)
    return {"train_var of float32": train, "shift of float16": np.asarray(shift, np.float32)}


def shares_no_memory(impl):
    """memory: both variances are new arrays that can be written to"""
    mean, var = normal(4), uniform(4)
    train, evaluated = impl.dropout_variances(mean, var, 0.3)
    shared = [np.shares_memory(a, b) for a in (train, evaluated) for b in (mean, var)]
    return {
        "shares memory with mean or var": shared,
        "share memory with each other": bool(np.shares_memory(train, evaluated)),
        "can be written to": [train.flags.writeable, evaluated.flags.writeable],
    }


def refuses_what_is_out_of_range(impl):
    """refusals: p outside [0, 1), a negative variance, integers"""
    told = {}
    for name in ("dropout_variances", "variance_shift"):
        call = getattr(impl, name)
        bound = r"\[0, 1\)|\b0\b"
        least = r"at least 0|\b0\b|negative"
        some = frozen([0.5, -0.25, 1.0])
        whole = frozen(np.arange(1, 4))
        told |= {
            f"{name}: p=1": refuses(ValueError, call, 0.5, 1.5, 1, naming=[bound, 1]),
            f"{name}: p=1.5": refuses(ValueError, call, 0.5, 0.7, 1.5, naming=[bound, 1.5]),
            f"{name}: p=-0.25": refuses(ValueError, call, 0.5, 0.7, -0.25, naming=[bound, "-0.25"]),
            f"{name}: p=nan": refuses(ValueError, call, 0.5, 0.7, float("nan"), naming=["nan"]),
            f"{name}: var=-2.5": refuses(ValueError, call, 0.5, -2.5, 0.3, naming=[least, "-2.5"]),
            f"{name}: one var below 0": refuses(
                ValueError, call, 0.5, some, 0.3, naming=[least, "-0.25"]
            ),
            f"{name}: mean of integers": refuses(TypeError, call, whole, 0.7, 0.3),
            f"{name}: var of integers": refuses(TypeError, call, 0.5, whole, 0.3),
            f"{name}: var of booleans": refuses(TypeError, call, 0.5, whole > 1, 0.3),
        }
    return told


def in_any_shape(impl, draw):
    """any shapes, dtype and p"""
    shape = tuple(draw.integer(1, 4) for _ in range(draw.integer(1, 3)))
    seed, dtype = draw.integer(0, 99), draw.choice(["float32", "float64"])
    mean = normal(*shape, mean=draw.integer(-9, 9), seed=seed, dtype=dtype)
    var = uniform(*shape[draw.integer(0, 1) :], low=0.1, seed=seed, dtype=dtype)
    p = draw.choice([0.0, 0.05, 0.3, 0.5, 0.9])
    train, evaluated = impl.dropout_variances(mean, var, p)
    return {
        "train_var": train,
        "eval_var": evaluated,
        "shift": impl.variance_shift(mean, var, p),
        "dtype": str(np.asarray(train).dtype),
    }


def oracle():
    """torch behind the contract of variance_shift."""
    import torch

    def refuse(mean, var, p):
        for values in (mean, var):
            if isinstance(values, np.ndarray) and values.dtype.kind != "f":
                raise TypeError(f"torch drops floating values, got {values.dtype}")
        if not 0 <= p < 1:
            raise ValueError(f"expected p in [0, 1), got {p}")
        if np.min(var) < 0:
            raise ValueError(f"expected a var of at least 0, got {np.min(var)}")

    def variances(mean, var, p):
        refuse(mean, var, p)
        mean, var = torch.broadcast_tensors(
            *(torch.tensor(values, dtype=torch.float64) for values in (mean, var))
        )
        # Half the values at mean + std, half at mean - std: a population of this mean and var.
        values = torch.stack([mean + var.sqrt(), mean - var.sqrt()])
        # F.dropout in training leaves two things of a value: 0, or the value times this.
        kept = torch.nn.functional.dropout(torch.ones(100_000).double(), p, training=True).max()
        outcomes = torch.cat([values * kept, values * 0])
        # Weighted by their exact probabilities, where a sample would leave noise.
        dropped = torch.distributions.Bernoulli(torch.tensor(p, dtype=torch.float64)).mean
        chance = torch.stack([1 - dropped, 1 - dropped, dropped, dropped]) / 2
        chance = chance.reshape(4, *[1] * mean.ndim)
        around = (chance * outcomes).sum(0)
        train = (chance * (outcomes - around) ** 2).sum(0)
        passed = torch.nn.functional.dropout(values, p, training=False)
        return train.numpy(), passed.var(0, correction=0).numpy()

    def like(mean, var, *results):
        dtypes = [values.dtype for values in (mean, var) if isinstance(values, np.ndarray)]
        dtype = np.result_type(*dtypes) if dtypes else np.float64
        return tuple(np.array(result, dtype) for result in results)

    def dropout_variances(mean, var, p):
        return like(mean, var, *variances(mean, var, p))

    def variance_shift(mean, var, p):
        train, evaluated = variances(mean, var, p)
        return like(mean, var, evaluated / train)[0]

    return SimpleNamespace(dropout_variances=dropout_variances, variance_shift=variance_shift)


EQUIVALENT_MUTANTS = {
    "dtype = np.result_type(mean, var, float(p)) -> dtype = np.result_type(var, mean, float(p))": (
        "dtypes promote to the same one in either order"
    ),
    "return ratio.astype(np.result_type(mean, var, float(p))) -> "
    "return ratio.astype(np.result_type(var, mean, float(p)))": (
        "dtypes promote to the same one in either order"
    ),
}
