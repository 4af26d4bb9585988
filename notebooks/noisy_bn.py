# ---
# jupyter:
#   bnbank:
#     description: What is left of the gain when noise brings the covariate shift back.
#     cards: [noise-after-bn, three-accounts]
#     exercises: [bn1d]
#     sources: [santurkar2018]
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
# # Is it covariate shift that batch norm removes?
#
# **The claim.** Batch norm is said to help because it keeps the distribution of each layer's inputs
# from shifting while the layers before it learn.
# [`santurkar2018`](https://arxiv.org/abs/1805.11604), section 2, put the shift back: noise after
# each batch norm, with a mean and a scale that change at every step. Such a network, they find, has
# *more* shift than one without batch norm and still trains faster; so the shift is not what
# matters, and a smoother loss is what helps.
#
# **What would refute it.** Noisy batch norm that trains no faster than no batch norm. And a control
# decides what it means: the same noise *without* batch norm, which in the paper prevents training
# entirely. If it cost nothing, the experiment would say that this much shift harms nobody, and
# nothing on why batch norm helps.
#
# Cards: [noise after batch norm](../questions/why-it-works/noise-after-bn.md),
# [three accounts](../questions/why-it-works/three-accounts.md).
# To write the layer: `pytest solutions/bn1d`.

# %% tags=["setup"]
import lab
import numpy as np
import torch
from torch import nn

SEEDS = lab.seeds(5)
IMAGES, BATCH, STEPS, EVERY = 800, 64, 200, 10
NEVER = STEPS + 20
RATES = (0.03, 0.1, 0.3)

# %% [markdown]
# ## Four arms
#
# A ReLU MLP of six layers with He initialization. Noise as in the paper: at every step each
# unit gets a new shift from U(−0.5, 0.5), a new scale from U(1, 1.25), and each value a little
# jitter. `Watch` notes mean and standard deviation of what enters the activation.


# %%
class Noise(nn.Module):
    def forward(self, x):
        scale, shift = 1 + 0.25 * torch.rand(x.shape[1]), torch.rand(x.shape[1]) - 0.5
        return x * scale + shift + 0.1 * torch.randn_like(x)


class Watch(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(64))
        self.register_buffer("std", torch.ones(64))

    def forward(self, x):
        self.mean.copy_(x.detach().mean(0))
        self.std.copy_(x.detach().std(0))
        return x


ARMS = {"none": [], "BN": ["bn"], "noisy BN": ["bn", "noise"], "noise only": ["noise"]}


def network(arm):
    layers = [nn.Flatten()]
    for _ in range(6):
        linear = nn.Linear(64, 64)
        nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
        nn.init.zeros_(linear.bias)
        norm = [nn.BatchNorm1d(64, track_running_stats=False)] if "bn" in ARMS[arm] else []
        noise = [Noise()] if "noise" in ARMS[arm] else []
        layers += [linear, *norm, *noise, Watch(), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(64, 10))


# %% [markdown]
# Two measures, both over all 800 training images: the first step at which 95 % of them are right,
# and the drift: how far one step moves the mean of a unit's input, in its own standard deviations.
# Everything is measured in training mode, noise and all, so that running statistics play no part.


# %%
def train(arm):
    """(step at which 95 % are right, drift of one step), each (rates, seeds)."""
    seeds = SEEDS * len(RATES)
    lr = torch.tensor(RATES).repeat_interleave(len(SEEDS))
    x, y, *_ = lab.all_digits(seeds, IMAGES)
    networks = lab.Ensemble(lambda: network(arm), seeds)
    torch.manual_seed(SEEDS[0])  # of the noise

    def inputs(name):
        found = [b for key, b in networks.buffers.items() if key.endswith(name)]
        return torch.stack(found, 1).clone()

    found, drifts = torch.full((len(seeds),), float(NEVER)), []
    batches = lab.batches(seeds, IMAGES, BATCH, STEPS)
    for step, chosen in enumerate(lab.progress(batches, arm, STEPS)):
        if step % EVERY == 0:
            right = networks.accuracy(x, y, training=True) >= 0.95
            found[right & (found == NEVER)] = step
            mean, std = inputs("mean"), inputs("std")
        networks.step(lab.take(x, chosen), lab.take(y, chosen), lr)
        if step % (2 * EVERY) == 0:
            networks.accuracy(x, y, training=True)
            drifts.append(((inputs("mean") - mean).abs() / std).mean((1, 2)))
    drifts = torch.stack(drifts).nanmedian(0).values
    return [found.view(len(RATES), -1).T.numpy(), drifts.view(len(RATES), -1).T.numpy()]


outcome = {arm: train(arm) for arm in ARMS}
steps = {arm: found for arm, (found, _) in outcome.items()}
drift = {arm: found for arm, (_, found) in outcome.items()}


# %%
def draw(fig):
    left, right = fig.subplots(1, 2)
    for arm in ARMS:
        lab.errorbars(left, RATES, steps[arm], arm, median=True)
        lab.errorbars(right, RATES, drift[arm], arm, median=True)
    left.set(title="speed", ylabel="steps to 95 %, median and quartiles", ylim=(0, NEVER + 10))
    left.set_yticks([0, 50, 100, 150, STEPS, NEVER], ["0", "50", "100", "150", "200", "never"])
    left.axhspan(STEPS, NEVER + 10, alpha=0.12, color="gray", linewidth=0)
    right.set(
        title="covariate shift", ylabel="drift per step, in standard deviations", ylim=(0, 0.5)
    )
    for ax in (left, right):
        ax.set(xlabel="learning rate", xscale="log")
        ax.set_xticks(RATES, [str(rate) for rate in RATES], minor=False)
        ax.set_xticks([], minor=True)
    right.legend(loc="upper left", ncols=2)


lab.figure(
    draw,
    "Left: steps to 95 % over the learning rate. At 0.3 noisy batch norm is nearly as fast as "
    "batch norm, and both are faster than none; at 0.1 and 0.03 it is slower than none. Noise "
    "alone slows every rate down. Right: drift, 0.3 with noise, 0.1 without, 0 with batch norm.",
    size=(8.5, 3.6),
)
median = {arm: np.median(found, axis=0) for arm, found in steps.items()}
print(f"{'learning rate':>14s}" + "".join(f"{rate:>24g}" for rate in RATES))
for arm in ARMS:
    drifts = np.nanmedian(drift[arm], axis=0)
    shown = [
        ("never" if m == NEVER else f"{m:.0f} steps") + f", drift {d:.3f}"
        for m, d in zip(median[arm], drifts, strict=True)
    ]
    print(f"{arm:>14s}" + "".join(f"{text:>24s}" for text in shown))

# %% [markdown]
# **At 0.3 the finding reproduces**: more shift than the plain network has, and far fewer steps.
# Whatever makes batch norm fast there, it is not that its outputs stay put.
#
# **At 0.1 and less it does not**: with the noise the advantage is gone or turned round. Whoever
# shows one learning rate chooses the answer.
#
# **The control.** The same noise slows the plain network down, too. So shift of this size does
# harm, with batch norm and without; batch norm's help outweighs it at the large rate. That is
# less than "shift does not matter", and it says nothing on smoothness, which is another claim with
# its own measurements. And a network that hardly moves is as smooth as can be.
#
# ## Try it
#
# 1. A convolutional network in place of the MLP. Does the noise alone still cost as much?
# 2. `1 + 0.25 * torch.rand(...)` to `1 + torch.rand(...)`. Does noisy batch norm still win at 0.3?
# 3. Evaluate with running statistics: `track_running_stats=True`, `training=False`, and no noise.
#    What have they seen that evaluation does not? ([Train and evaluate](train_and_eval.py))
#
# ## Verdict

# %%
speed = {rate: median["none"][k] / median["noisy BN"][k] for k, rate in enumerate(RATES)}
more = np.nanmedian(drift["noisy BN"][:, 2]) / np.nanmedian(drift["none"][:, 2])
cost = steps["noise only"][:, 1].mean() / steps["none"][:, 1].mean()
cost_bn = steps["noisy BN"][:, 1].mean() / steps["BN"][:, 1].mean()

assert more > 1.4, "at 0.3 noisy BN has more drift than no BN"
assert speed[0.3] > 1.7, "and is faster"
assert speed[0.1] < 1.1, "at 0.1 it is not"
assert median["noisy BN"][0] == NEVER, "and at 0.03 it does not get there ..."
assert median["none"][0] < NEVER, "... where no BN does"
assert cost > 1.15, "the noise alone slows the plain network"
assert cost_bn > 1.15, "and the one with BN"
lab.verdict(
    "Batch norm does not help by removing covariate shift: with more shift it still trains faster.",
    f"At a rate of 0.3 noisy batch norm has {more:.1f} times the drift of the plain network and is "
    f"{speed[0.3]:.1f} times as fast; at 0.1 it is not ({speed[0.1]:.2f} times), at 0.03 it is not "
    f"there in {STEPS} steps; and the noise is not harmless: at 0.1 it costs {cost:.1f} times the "
    f"steps without batch norm and {cost_bn:.1f} times with it.",
    "partly",
    drift_ratio=more,
    speed_at_03=speed[0.3],
    speed_at_01=speed[0.1],
    noise_cost_none=cost,
    noise_cost_bn=cost_bn,
)
