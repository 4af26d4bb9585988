# ---
# jupyter:
#   bnbank:
#     description: What running statistics cost after few steps, by momentum, and when nothing.
#     cards: [population-statistics, momentum, train-vs-test, validation-in-training-mode]
#     exercises: [running_stats, precise_bn]
#     sources: [ioffe2015, wu2021, torch-batchnorm2d]
#   jupytext:
#     notebook_metadata_filter: bnbank
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Do running statistics stand in for those of the training set?
#
# **The claim.** At test time batch norm uses the mean and the variance of the training set, not of
# the batch; a moving average kept in training is good enough for them
# ([`ioffe2015`](https://arxiv.org/abs/1502.03167), section 3.1;
# [`torch-batchnorm2d`](https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html)
# has a momentum of 0.1). [`wu2021`](https://arxiv.org/abs/2105.07576), section 3, say that it is
# not: the average lags, and exact statistics ("precise BN") are better.
#
# **What would refute whom.** Evaluate the same weights twice, with running and with exact
# statistics. Where the accuracy is the same the average is good enough; where it is not,
# something else than the weights is to blame.
#
# Cards: [training against test](../questions/train-and-test/train-vs-test.md),
# [momentum](../questions/train-and-test/momentum.md),
# [which statistics?](../questions/train-and-test/population-statistics.md),
# [validation in training mode](../questions/debugging/validation-in-training-mode.md).
# To write them: `pytest solutions/running_stats`, `pytest solutions/precise_bn`.

# %% tags=["setup"]
import lab
import numpy as np
import torch
from torch import nn

SEEDS = lab.seeds(5)
IMAGES, BATCH = 1437, 64

# %% [markdown]
# ## Same weights, two evaluations
#
# A CNN, SGD at a rate of 0.2. The momentum of batch norm has no influence on training: the four
# networks of a seed have the same weights all the way, and differ in what they have stored.
#
# Exact statistics are those of all training images in one batch.

# %%
MOMENTA = (0.001, 0.01, 0.1, 1.0)
STEPS = (5, 22, 66, 220)


def cnn(momentum):
    layers, before = [], 1
    for channels in (8, 16, 16):
        layers += [nn.Conv2d(before, channels, 3, stride=2, padding=1)]
        layers += [nn.BatchNorm2d(channels, momentum=momentum), nn.ReLU()]
        before = channels
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(before, 10))


def with_exact_statistics(networks, x, x_test, y_test):
    """Test accuracy with the statistics of all of x; leaves the networks as they are."""
    kept = {name: buffer.clone() for name, buffer in networks.buffers.items()}
    networks.exact_statistics(x)
    found = networks.accuracy(x_test, y_test)
    networks.buffers.update(kept)
    return found


def train(momentum):
    """(running, exact): test accuracy in % after each of STEPS, each (seeds, steps)."""
    data = lab.all_digits(SEEDS)
    networks, running, exact = lab.Ensemble(lambda: cnn(momentum), SEEDS), [], []
    batches = lab.batches(SEEDS, IMAGES, BATCH, max(STEPS))
    for step, chosen in enumerate(lab.progress(batches, f"momentum {momentum}", max(STEPS)), 1):
        networks.step(lab.take(data[0], chosen), lab.take(data[1], chosen), 0.2)
        if step in STEPS:
            running.append(networks.accuracy(*data[2:]))
            exact.append(with_exact_statistics(networks, data[0], *data[2:]))
    return networks, *(100 * torch.stack(found, 1).numpy() for found in (running, exact))


trained = {momentum: train(momentum) for momentum in MOMENTA}
exact = trained[0.1][2]
lost = {momentum: found - running for momentum, (_, running, found) in trained.items()}


# %%
def draw(fig):
    left, right = fig.subplots(1, 2)
    for momentum in MOMENTA:
        lab.errorbars(left, STEPS, trained[momentum][1], f"momentum {momentum:g}")
        share = (1 - momentum) ** np.array(STEPS)
        lab.errorbars(right, share, lost[momentum], f"momentum {momentum:g}", linestyle="none")
    lab.errorbars(left, STEPS, exact, "exact statistics")
    left.set(xscale="log", xlabel="steps of training", ylabel="test accuracy, %", ylim=(0, 105))
    left.set_xticks(STEPS, [str(step) for step in STEPS])
    left.set_xticks([], minor=True)
    left.legend(loc="lower right", fontsize=7.5)
    right.set(xlabel="share of the initial 0 and 1: (1 − momentum) to the steps")
    right.set_ylabel("lost by running statistics, points")


lab.figure(
    draw,
    "Left: test accuracy after 5 to 220 steps with running statistics of four momenta and with "
    "exact ones; the smaller the momentum, the longer the running ones lag. Right: the points lost "
    "against the share of the initial values that is still in the running statistics: it rises.",
    size=(8.5, 3.6),
)
print(f"{'steps':>16s}" + "".join(f"{step:>14d}" for step in STEPS))
for momentum in MOMENTA:
    found = trained[momentum][1]
    cells = zip(found.mean(0), found.std(0, ddof=1), strict=True)
    print(f"momentum {momentum:>7g}" + "".join(f"{mean:8.1f} ± {sd:3.1f}" for mean, sd in cells))
cells = zip(exact.mean(0), exact.std(0, ddof=1), strict=True)
print(f"{'exact':>16s}" + "".join(f"{mean:8.1f} ± {sd:3.1f}" for mean, sd in cells))

# %% [markdown]
# The weights are the same in every column. What a small momentum loses is the lag: after k steps
# running statistics still hold (1 − momentum)ᵏ of the 0 and 1 that they began with, and on the
# right the loss goes with that share. To get below 1 % takes ln 100 / −ln(1 − momentum) steps: 44
# at 0.1, 459 at 0.01, 4603 at 0.001.
#
# When the share is gone, running statistics are as good as exact ones; even those of the last batch
# alone, a momentum of 1, are.
#
# ## The other mistake: statistics of the test batch
#
# `model.eval()` forgotten: each test image is judged with those that happen to be in its batch.

# %%
networks, _, found = trained[0.1]
x_test, y_test = lab.all_digits(SEEDS)[2:]
sizes, in_training_mode = (2, 8, 60, 360), []
for size in sizes:
    parts = zip(x_test.split(size, 1), y_test.split(size, 1), strict=True)
    right = [networks.accuracy(x, y, training=True) for x, y in parts]
    in_training_mode.append(100 * torch.stack(right).mean(0).numpy())
costs = {size: exact[:, -1] - found for size, found in zip(sizes, in_training_mode, strict=True)}
for size, cost in costs.items():
    print(f"batches of {size:3d}: {cost.mean():5.1f} ± {cost.std(ddof=1):.1f} points lost")

# %% [markdown]
# With large batches nobody notices. With two images it is a disaster, because the last maps of this
# network have one pixel: of two values batch norm leaves only which is the larger one
# ([a batch of two](../questions/foundations/batch-of-two.md)). And each of these calls has moved
# the running statistics towards the test set.
#
# ## Try it
#
# 1. A cumulative average weighs the first batch, whose weights are long gone, like the last:
#    `momentum=None`. Predict what it loses after 22 and after 220 steps.
# 2. `stride=1` in the last convolution. What do batches of two lose now?
# 3. Sort the test set by label before the last experiment. What do batches of 8 lose now?
#
# ## Verdict

# %%
after = {(m, k): lost[m][:, i].mean() for m in MOMENTA for i, k in enumerate(STEPS)}

assert after[0.001, 220] > 8, "a momentum of 0.001 lags far behind after 220 steps"
assert after[0.1, 5] > 10, "and so does one of 0.1 after 5"
assert after[0.01, 66] > 3, "one of 0.01 after 66"
assert abs(after[0.1, 220]) < 1.5, "when the initial values are gone, nothing is lost"
assert after[1.0, 220] < 2, "the last batch alone does nearly as well"
assert costs[2].mean() > 25, "batches of two are a disaster"
assert abs(costs[360].mean()) < 1, "large ones do not"
lab.verdict(
    "A moving average of the batches' statistics is good enough for evaluation.",
    f"With a momentum of 0.1 it is within {abs(after[0.1, 220]):.1f} points of exact statistics "
    f"after 220 steps, but loses {after[0.1, 5]:.0f} after 5, and with 0.001 still "
    f"{after[0.001, 220]:.0f} after 220: it has to have forgotten its initial values; statistics "
    f"of the test batch instead cost {costs[2].mean():.0f} points at two images.",
    "partly",
    lost_01_after_220=after[0.1, 220],
    lost_01_after_5=after[0.1, 5],
    lost_001_after_66=after[0.01, 66],
    lost_0001_after_220=after[0.001, 220],
    lost_1_after_220=after[1.0, 220],
    batch_of_2=costs[2].mean(),
    batch_of_360=costs[360].mean(),
)
