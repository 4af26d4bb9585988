"""What is asked of running_stats; torch's way of answering is a chain of nn.BatchNorm1d steps."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, uniform, within

LEVEL = "junior"
MINUTES = 20
AFTER = ["bn1d"]
CARD = "momentum"


def momentum_weights_the_new_batch(impl):
    """ema_update: the new batch gets the weight momentum, the old average the rest"""
    running, batch = normal(3, mean=4), normal(3, mean=-2, seed=1)
    return {
        "momentum=0.3": impl.ema_update(running, batch, 0.3),
        "momentum=0.9": impl.ema_update(running, batch, 0.9),
    }


def momentum_may_be_0_or_1(impl):
    """ema_update: momentum 0 keeps the old average, 1 takes the batch; either as a new array"""
    running, batch = normal(3, mean=4), normal(3, mean=-2, seed=1)
    kept, taken = impl.ema_update(running, batch, 0.0), impl.ema_update(running, batch, 1.0)
    return {
        "momentum=0": kept,
        "momentum=1": taken,
        "shares memory": [np.shares_memory(kept, running), np.shares_memory(taken, batch)],
    }


def ema_forgets_step_by_step(impl):
    """ema_update: four steps from torch's initial values, mean 0 and variance 1"""
    mean, var, seen = np.zeros(3), np.ones(3), {}
    for step in range(4):
        batch = normal(5, 3, mean=[5.0, -3.0, 1.0 + step], std=[2.0, 1.0, 3.0], seed=step)
        mean = impl.ema_update(mean, batch.mean(axis=0), 0.1)
        var = impl.ema_update(var, batch.var(axis=0, ddof=1), 0.1)
        seen[f"mean after step {step + 1}"] = mean
    return {**seen, "var after step 4": var}


def cumulative_average_weighs_all_alike(impl):
    """cumulative_update: after k batches each has the weight 1/k"""
    average = normal(3, mean=50)  # what stood there before the first batch does not matter
    seen = {}
    for count in range(4):
        average = impl.cumulative_update(average, normal(3, mean=2 * count, seed=count), count)
        seen[f"after batch {count + 1}"] = average
    return seen


def cumulative_average_counts_what_was_before(impl):
    """cumulative_update: count is how many batches were seen before this one"""
    running, batch = normal(3, mean=4), normal(3, mean=-2, seed=1)
    return {
        "count=1": impl.cumulative_update(running, batch, 1),
        "count=9": impl.cumulative_update(running, batch, 9),
    }


def population_mean_averages_over_the_batches(impl):
    """population_stats: the mean is the average of the batches' means, one a channel"""
    means, variances = normal(5, 3, mean=[9.0, -4.0, 2.0], std=3), uniform(5, 3, high=6)
    return {"mean": impl.population_stats(means, variances, 4)[0]}


def population_var_is_corrected_once(impl):
    """population_stats: the variance is m/(m-1) times the average of the biased variances"""
    means, variances = normal(5, 3, mean=[9.0, -4.0, 2.0], std=3), uniform(5, 3, high=6)
    return {
        "var of batches of 4": impl.population_stats(means, variances, 4)[1],
        "var of batches of 2": impl.population_stats(means, variances, 2)[1],
        "var of one batch": impl.population_stats(means[:1], variances[:1], 4)[1],
    }


def takes_views_and_one_channel(impl):
    """shapes: views of other arrays, and a single channel"""
    table = normal(4, 6, mean=3)
    one, other = table[1, ::2], table[:3, 0]
    mean, var = impl.population_stats(table.T[::2], uniform(6, 4)[::2], 7)
    alone = impl.population_stats(normal(5, 1), uniform(5, 1), 3)
    return {
        "ema_update": impl.ema_update(one, other, 0.25),
        "cumulative_update": impl.cumulative_update(one, other, 2),
        "population_stats: mean": mean,
        "population_stats: var": var,
        "one channel: mean": alone[0],
        "one channel: var": alone[1],
    }


def keeps_the_dtype(impl):
    """dtype: float16, float32 and float64 come back as they went in, whatever the batch's is"""
    dtypes = {}
    for name in ("float16", "float32", "float64"):
        one = normal(3, dtype=name)
        means, variances = normal(4, 3, dtype=name), uniform(4, 3, dtype=name)
        mean, var = impl.population_stats(means, variances, 8)
        dtypes[f"ema_update, {name}"] = impl.ema_update(one, normal(3, seed=1), 0.3).dtype.name
        dtypes[f"cumulative_update, {name}"] = impl.cumulative_update(
            one, normal(3, seed=1), 2
        ).dtype.name
        dtypes[f"population_stats, {name}"] = [mean.dtype.name, var.dtype.name]
    return dtypes


def half_precision_does_not_overflow(impl):
    """precision: sums of half precision numbers may be larger than half precision holds"""
    running, batch = normal(3, mean=600, dtype=np.float16), normal(3, mean=900, dtype=np.float16)
    variances = uniform(200, 3, low=20_000, high=40_000, dtype=np.float16)
    mean, var = impl.population_stats(normal(200, 3, mean=600, dtype=np.float16), variances, 4)
    return {
        "cumulative_update": impl.cumulative_update(running, batch, 400).astype(np.float32),
        "population_stats: mean": mean.astype(np.float32),
        "population_stats: var": var.astype(np.float32),
    }


@within(1e-2)  # float16 keeps 11 bits, so that two roundings of 3 differ by 0.002
def half_precision_is_left_only_at_the_end(impl):
    """precision: float32 or better until the result is rounded, also where terms cancel"""
    running, batch = normal(3, mean=-1000), normal(3, mean=3000, seed=1)
    half = running.astype(np.float16), batch.astype(np.float16)
    return {"ema_update": impl.ema_update(*half, 0.25).astype(np.float32)}


def refuses_what_does_not_fit(impl):
    """refusals: shapes that would broadcast, numbers out of range, integers and booleans"""
    one, other = normal(3), normal(3, seed=1)
    means, variances = normal(4, 3), uniform(4, 3)
    whole = frozen(np.arange(3))
    told = {}
    for name, update in (
        ("ema_update", impl.ema_update),
        ("cumulative_update", impl.cumulative_update),
    ):
        for bad in (normal(2), normal(1), normal(3, 1), normal(1, 3)):
            told[f"{name}, running (3,), batch {bad.shape}"] = refuses(
                ValueError, update, one, bad, 1, naming=[(3,), bad.shape]
            )
        told[f"{name}, both (4, 3)"] = refuses(
            ValueError, update, means, variances, 1, naming=[r"(C,)|\b1\b|one", (4, 3)]
        )
        told[f"{name}, integer running"] = refuses(TypeError, update, whole, other, 1)
        told[f"{name}, integer batch"] = refuses(TypeError, update, one, whole, 1)
        told[f"{name}, boolean batch"] = refuses(TypeError, update, one, frozen(other > 0), 1)
    stats = impl.population_stats
    return {
        **told,
        "momentum=-0.1": refuses(ValueError, impl.ema_update, one, other, -0.1, naming=[-0.1]),
        "momentum=1.5": refuses(ValueError, impl.ema_update, one, other, 1.5, naming=[1.5]),
        "count=-1": refuses(ValueError, impl.cumulative_update, one, other, -1, naming=[-1]),
        "batch_size=1": refuses(ValueError, stats, means, variances, 1, naming=[1]),
        "batch_size=0": refuses(ValueError, stats, means, variances, 0, naming=[0]),
        "batch_means (3,)": refuses(
            ValueError, stats, one, other, 4, naming=[r"(k, C)|\b2\b|two", (3,)]
        ),
        "batch_vars (1, 3)": refuses(
            ValueError, stats, means, variances[:1], 4, naming=[(4, 3), (1, 3)]
        ),
        "integer batch_means": refuses(
            TypeError, stats, frozen(np.arange(12).reshape(4, 3)), variances, 4
        ),
        "integer batch_vars": refuses(
            TypeError, stats, means, frozen(np.arange(12).reshape(4, 3)), 4
        ),
    }


def in_any_shape(impl, draw):
    """any shape, dtype, momentum and count"""
    c, k, dtype = draw.integer(1, 6), draw.integer(1, 8), draw.choice(["float32", "float64"])
    mean, seed = draw.integer(-9, 9), draw.integer(0, 99)
    one, other = normal(c, mean=mean, seed=seed, dtype=dtype), normal(c, seed=seed + 1, dtype=dtype)
    means, variances = normal(k, c, mean=mean, dtype=dtype), uniform(k, c, high=9, dtype=dtype)
    population = impl.population_stats(means, variances, draw.integer(2, 40))
    return {
        "ema": impl.ema_update(one, other, draw.number(0, 1)),
        "cumulative": impl.cumulative_update(one, other, draw.integer(0, 1000)),
        "mean": population[0],
        "var": population[1],
        "dtype": population[1].dtype.name,
    }


def oracle():
    """torch behind the contract of running_stats."""
    import torch

    def refuse(one, other, expected, in_range, number):
        for values in (one, other):
            if values.dtype.kind != "f":
                raise TypeError(f"expected floating values, got {values.dtype}")
        if one.ndim != len(expected.split()) or one.shape != other.shape:
            raise ValueError(f"expected one shape {expected}, got {one.shape}, {other.shape}")
        if not in_range:
            raise ValueError(f"out of range: {number}")

    def step(running, batch, momentum, count=0):
        # Two rows around `batch` have it for their mean, which the layer then remembers.
        layer = torch.nn.BatchNorm1d(len(batch), momentum=momentum).double()
        layer.running_mean.data = torch.tensor(running, dtype=torch.float64)
        layer.num_batches_tracked.fill_(count)
        centre = torch.tensor(batch, dtype=torch.float64)
        layer(torch.stack([centre - 1, centre + 1]))
        return layer.running_mean.numpy().astype(running.dtype)

    def ema_update(running, batch, momentum):
        refuse(running, batch, "(C,)", 0 <= momentum <= 1, momentum)
        return step(running, batch, momentum)

    def cumulative_update(running, batch, count):
        refuse(running, batch, "(C,)", count >= 0, count)
        return step(running, batch, None, count)

    def population_stats(batch_means, batch_vars, batch_size):
        refuse(batch_means, batch_vars, "(k, C)", batch_size >= 2, batch_size)
        means = torch.tensor(batch_means, dtype=torch.float64)
        # m values of that biased variance, of which torch then takes the unbiased one.
        signs = torch.ones(batch_size, dtype=torch.float64)
        signs[::2] = -1
        signs = (signs - signs.mean()) / signs.std(correction=0)
        batches = torch.tensor(batch_vars, dtype=torch.float64).sqrt()[:, None] * signs[:, None]
        unbiased = batches.var(dim=1, correction=1)
        return tuple(
            value.mean(dim=0).numpy().astype(batch_means.dtype) for value in (means, unbiased)
        )

    return SimpleNamespace(
        ema_update=ema_update,
        cumulative_update=cumulative_update,
        population_stats=population_stats,
    )
