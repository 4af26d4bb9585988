"""What is asked of batch_noise; torch goes through every batch there is, with its chance."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, refuses, uniform, within

LEVEL = "senior"
MINUTES = 25
AFTER = ["running_stats"]
CARD = "bn-as-a-regularizer"


def _named(answer):
    return {"std_of_mean": answer[0], "std_of_var": answer[1]}


def noise_of_the_mean(impl):
    """mean: the standard deviation of a batch's mean, for batches of 5 and of 20"""
    return {f"m={m}": impl.statistics_noise(2.5, m)[0] for m in (5, 20)}


def noise_of_the_variance(impl):
    """variance: the standard deviation of a batch's variance, for normal values"""
    return {f"m={m}": impl.statistics_noise(2.5, m)[1] for m in (12, 50)}


def small_batches(impl):
    """variance: exact in small batches, down to a single value"""
    return {f"m={m}": impl.statistics_noise(1.75, m)[1] for m in (1, 2, 3, 4)}


def other_tails(impl):
    """kurtosis: from two values, 1, over evenly spread ones, 1.8, to heavy tails"""
    told = {}
    for kurtosis in (1.0, 1.8, 6.0, 40.0):
        answer = _named(impl.statistics_noise(0.6, 10, kurtosis))
        told.update({f"{name}, kurtosis={kurtosis}": value for name, value in answer.items()})
    return told


def large_batches(impl):
    """large batches: both deviations shrink with the root of m"""
    answers = {m: impl.statistics_noise(1.5, m, 2.0) for m in (64, 256)}
    return {
        "std_of_mean, m=64 over m=256": answers[64][0] / answers[256][0],
        "std_of_var, m=64 over m=256": answers[64][1] / answers[256][1],
    }


def grows_with_the_spread(impl):
    """var: ten times the values, ten times the noise of the mean, a hundred times that of var"""
    one, large = impl.statistics_noise(0.5, 7), impl.statistics_noise(50.0, 7)
    none = impl.statistics_noise(0.0, 7)
    return {
        "std_of_mean, ratio": large[0] / one[0],
        "std_of_var, ratio": large[1] / one[1],
        **{f"{name} of var=0": value for name, value in _named(none).items()},
    }


def takes_arrays(impl):
    """arrays: one variance for each channel, or any shape of them"""
    several = impl.statistics_noise(uniform(5, low=0.1, high=9), 6, 4.5)
    table = impl.statistics_noise(uniform(2, 3), 4)
    return {
        **{f"{name} of (5,)": value for name, value in _named(several).items()},
        **{f"{name} of (2, 3)": value for name, value in _named(table).items()},
    }


def keeps_the_dtype(impl):
    """dtype: arrays come back in the dtype of var, whatever the other numbers are"""
    dtypes = {}
    for name in ("float16", "float32", "float64"):
        for kurtosis in (4.0, np.float64(4)):
            answer = _named(impl.statistics_noise(uniform(3, dtype=name), np.int64(6), kurtosis))
            kind = f"{name}, kurtosis is a {type(kurtosis).__name__}"
            dtypes.update({f"{kind}: {key}": value.dtype.name for key, value in answer.items()})
    return dtypes


@within(2e-3)  # the step of float16
def survives_half_precision(impl):
    """precision: a variance whose square float16 cannot hold, and a batch of a million"""
    _, of_var = impl.statistics_noise(uniform(4, low=300, high=3000, dtype=np.float16), 40)
    of_mean, small = impl.statistics_noise(1.5, np.int64(4_000_000))
    return {
        "std_of_var of float16 / 1000": np.asarray(of_var, np.float32) / 1000,
        "1000 std_of_mean of a large batch": 1000 * of_mean,
        "1000 std_of_var of a large batch": 1000 * small,
    }


def shares_no_memory(impl):
    """memory: both results are new arrays, also for batches of a single value"""
    var = uniform(3)
    told = {}
    for m in (1, 6):
        answer = _named(impl.statistics_noise(var, m))
        for name, value in answer.items():
            told[f"m={m}: {name} shares memory with var"] = bool(np.shares_memory(value, var))
    return told


def refuses_what_is_out_of_range(impl):
    """refusals: no batch, a kurtosis that nothing has, a negative variance, integers"""
    noise = impl.statistics_noise
    some = frozen([0.5, -0.25, 1.0])
    one, least = r"at least 1|\b1\b|positive", r"at least 0|\b0\b|negative"
    return {
        "batch_size=0": refuses(ValueError, noise, 2.5, 0, naming=[one, 0]),
        "batch_size=-3": refuses(ValueError, noise, 2.5, -3, naming=[one, "-3"]),
        "kurtosis=0.5": refuses(ValueError, noise, 2.5, 8, 0.5, naming=[one, 0.5]),
        "kurtosis=0": refuses(ValueError, noise, 2.5, 8, 0.0, naming=[one, 0.0]),
        "var=-2.5": refuses(ValueError, noise, -2.5, 8, naming=[least, "-2.5"]),
        "one var below 0": refuses(ValueError, noise, some, 8, naming=[least, "-0.25"]),
        "integers": refuses(TypeError, noise, frozen(np.arange(1, 4)), 8),
        "booleans": refuses(TypeError, noise, frozen(some > 0), 8),
    }


def in_any_shape(impl, draw):
    """any shape, dtype, batch and kurtosis"""
    shape = tuple(draw.integer(1, 4) for _ in range(draw.integer(1, 3)))
    dtype = draw.choice(["float32", "float64"])
    var = uniform(*shape, low=0.1, seed=draw.integer(0, 99), dtype=dtype)
    kurtosis = draw.choice([1.0, 1.8, 3.0, 9.0])
    of_mean, of_var = impl.statistics_noise(var, draw.integer(1, 20), kurtosis)
    return {"std_of_mean": of_mean, "std_of_var": of_var, "dtype": of_var.dtype.name}


def oracle():
    """torch behind the contract of batch_noise."""
    import torch

    def chances(m, kurtosis):
        """Every batch of m values that are -1, 0 or 1: (mean, variance, probability) of each."""
        # -1 and 1 with probability 1 / (2κ) each have a kurtosis of κ; what counts is how many of
        # the m values are which. All is exact, where drawing batches would leave noise of its own.
        grid = torch.arange(m + 1, dtype=torch.float64)
        up, down = torch.meshgrid(grid, grid, indexing="ij")
        possible = up + down <= m
        up, down = up[possible], down[possible]
        zero = m - up - down
        end, middle = torch.tensor([0.5 / kurtosis, 1 - 1 / kurtosis], dtype=torch.float64)
        log = torch.lgamma(torch.tensor(m + 1.0, dtype=torch.float64))
        for count, chance in ((up, end), (down, end), (zero, middle)):
            log = log - torch.lgamma(count + 1) + torch.special.xlogy(count, chance)
        mean = (up - down) / m
        return mean, (up + down) / m - mean**2, log.exp()

    def deviation(values, chance):
        around = (chance * values).sum()
        return (chance * (values - around) ** 2).sum().sqrt()

    def statistics_noise(var, batch_size, kurtosis=3.0):
        if isinstance(var, np.ndarray) and var.dtype.kind != "f":
            raise TypeError(f"torch takes floating values, got {var.dtype}")
        if batch_size < 1 or kurtosis < 1:
            raise ValueError(f"expected at least 1, got {batch_size} and {kurtosis}")
        if np.min(var) < 0:
            raise ValueError(f"expected at least 0, got {np.min(var)}")
        m = min(int(batch_size), 1000)
        mean, variance, chance = chances(m, float(kurtosis))
        # Beyond a thousand values the batches are too many to go through; both shrink with √m.
        shrunk = (m / batch_size) ** 0.5
        # Values of variance 1/κ: var takes κ·var of them, and the mean the root of that.
        wide = torch.tensor(var, dtype=torch.float64) * kurtosis
        answers = wide.sqrt() * deviation(mean, chance), wide * deviation(variance, chance)
        dtype = var.dtype if isinstance(var, np.ndarray) else np.float64
        return tuple((answer * shrunk).numpy().astype(dtype) for answer in answers)

    return SimpleNamespace(statistics_noise=statistics_noise)


EQUIVALENT_MUTANTS = {
    "dtype = np.result_type(var, float(kurtosis)) -> "
    "dtype = np.result_type(float(kurtosis), var)": (
        "dtypes promote to the same one in either order"
    ),
}
