# ---
# jupyter:
#   bnbank:
#     description: Steps to 95 % with and without batch norm, over learning rates.
#     cards: [learning-rate, initial-scale, what-bn-solves, thirty-percent-faster]
#     exercises: [bn1d, bn2d]
#     sources: [ioffe2015, bjorck2018]
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
# # Does batch norm train faster, and at larger learning rates?
#
# **The claim.** Batch normalization "allows us to use much higher learning rates and be less
# careful about initialization", and a network with it needs "14 times fewer training steps" for the
# same accuracy: [`ioffe2015`](https://arxiv.org/abs/1502.03167), abstract.
# [`bjorck2018`](https://arxiv.org/abs/1806.02375) goes further: it is faster *because* it stands
# the larger learning rate.
#
# **What would refute it.** A network without batch norm that gets there as fast at some learning
# rate; or one with it that stands no larger rate. The second half of the claim, by Bjorck and
# others, would be refuted by batch norm being faster at every rate, small ones too.
#
# Cards: [learning rates](../questions/why-it-works/learning-rate.md),
# [the initial scale](../questions/why-it-works/initial-scale.md),
# [what batch norm solves](../questions/foundations/what-bn-solves.md),
# ["30 % faster"](../questions/debugging/thirty-percent-faster.md).
# To write the layer: `pytest solutions/bn1d`, `pytest solutions/bn2d`.

# %% tags=["setup"]
import lab
import numpy as np
import torch
from torch import nn

SEEDS = lab.seeds(5)
IMAGES, BATCH, STEPS, EVERY = 800, 64, 300, 10
NEVER = STEPS + 20  # where "not within 300 steps" is drawn

# %% [markdown]
# ## Three networks
#
# - A sigmoid MLP, five layers, torch's default initialization: the kind of network that the paper
#   wanted to rescue.
# - A small ReLU CNN, default initialization.
# - The counter-example: a ReLU MLP with He initialization, which trains well by itself.


# %%
def mlp(bn, activation, he=False):
    layers = [nn.Flatten()]
    for _ in range(4):
        layers += [nn.Linear(64, 64), *[nn.BatchNorm1d(64)] * bn, activation()]
    layers += [nn.Linear(64, 10)]
    for layer in layers:
        if he and isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)


def cnn(bn):
    layers, before = [], 1
    for channels in (8, 16, 16):
        layers += [nn.Conv2d(before, channels, 3, stride=2, padding=1)]
        layers += [*[nn.BatchNorm2d(channels)] * bn, nn.ReLU()]
        before = channels
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(before, 10))


NETWORKS = {
    "sigmoid MLP, default init": (lambda bn: mlp(bn, nn.Sigmoid), (0.03, 0.1, 0.3, 1, 3, 10)),
    "ReLU CNN, default init": (cnn, (0.03, 0.1, 0.3, 1, 3, 10)),
    "ReLU MLP, He init": (lambda bn: mlp(bn, nn.ReLU, he=True), (0.01, 0.03, 0.1, 0.3, 1)),
}

# %% [markdown]
# Plain SGD, batches of 64, 800 images of handwritten digits. Every 10 steps each network is asked
# for all of its training images, in evaluation mode. What counts is the first step at which it
# knows 95 % of them. Both arms of a seed share images, order and weights.
#
# All seeds and learning rates of an arm train side by side (`lab.Ensemble`), each as if alone.


# %%
def steps_to_95(make, rates, label):
    """(seeds, rates): the step at which 95 % of the training images are right, else NEVER."""
    seeds = SEEDS * len(rates)
    lr = torch.tensor(rates).repeat_interleave(len(SEEDS))
    x, y, *_ = lab.all_digits(seeds, IMAGES)
    networks = lab.Ensemble(make, seeds)
    found = torch.full((len(seeds),), float(NEVER))
    batches = lab.batches(seeds, IMAGES, BATCH, STEPS)
    for step, chosen in enumerate(lab.progress(batches, label, STEPS), 1):
        networks.step(lab.take(x, chosen), lab.take(y, chosen), lr)
        if step % EVERY == 0:
            found[(networks.accuracy(x, y) >= 0.95) & (found == NEVER)] = step
    return found.view(len(rates), len(SEEDS)).T.numpy()


steps = {
    (name, bn): steps_to_95(lambda make=make, bn=bn: make(bn), rates, f"{name}, BN {bn}")
    for name, (make, rates) in NETWORKS.items()
    for bn in (False, True)
}

# %% [markdown]
# ## What comes out


# %%
def draw(fig):
    for ax, (name, (_, rates)) in zip(
        fig.subplots(1, 3, sharey=True), NETWORKS.items(), strict=True
    ):
        for bn, label in ((False, "no BN"), (True, "BN")):
            lab.errorbars(ax, rates, steps[name, bn], label, median=True)
        ax.axhspan(STEPS, NEVER + 10, alpha=0.12, color="gray", linewidth=0)
        ax.set(title=name, xscale="log", xlabel="learning rate", ylim=(0, NEVER + 10))
        ax.set_yticks([0, 100, 200, STEPS, NEVER], ["0", "100", "200", "300", "never"])
    fig.axes[0].set_ylabel("steps to 95 %, median and quartiles")
    fig.axes[0].legend(loc="lower left")


lab.figure(
    draw,
    "Steps to 95 % training accuracy over the learning rate, with and without batch norm. "
    "The sigmoid MLP without it never gets there; the CNN gets there later and at fewer rates; "
    "the MLP with He initialization is as fast without it at small rates.",
    size=(9, 3.4),
)

# %%
reached = {key: (found < NEVER).sum(0) for key, found in steps.items()}
median = {key: np.median(found, axis=0) for key, found in steps.items()}
for name, (_, rates) in NETWORKS.items():
    print(f"{name}\n{'learning rate':>22s}" + "".join(f"{rate:>8g}" for rate in rates))
    for bn, label in ((False, "no BN"), (True, "BN")):
        shown = ["never" if m == NEVER else f"{m:.0f}" for m in median[name, bn]]
        print(f"{label:>22s}" + "".join(f"{text:>8s}" for text in shown))
        print(f"{'reached, of 5':>22s}" + "".join(f"{n:>8d}" for n in reached[name, bn]))

# %% [markdown]
# **The sigmoid network** does not leave chance without batch norm, at any rate. **The CNN** does,
# and then the answer to "how many times faster?" depends on the question: at the same rate 0.1,
# each at its own best rate, or at the best rate of the other. A single number, such as "30 %",
# says nothing without that.
#
# **At small rates with a good initialization batch norm is not faster.** The third network needs
# as many steps with it as without it at 0.01 and 0.03. The gain comes *through* the larger rate:
# without batch norm the network falls apart at 1, with it that is where it is fastest.
#
# **Batch norm diverges, too**: the CNN at 10.
#
# ## Try it
#
# Predict first, then change one line:
#
# 1. `nn.init.kaiming_normal_` times 0.1 in the He network. Who still trains, and why does the
#    scale of the weights not matter to the other?
#    ([What x → a·x + b does](../questions/foundations/invariances.md))
# 2. `STEPS = 1200` with the sigmoid MLP alone. Does the network without batch norm get there?
# 3. Two sigmoid layers in place of four.
#
# ## Verdict

# %%
sigmoid, conv, he = NETWORKS
usable = {bn: int((reached[conv, bn] >= 4).sum()) for bn in (False, True)}
best = {bn: median[conv, bn].min() for bn in (False, True)}
same = median[conv, False][1] / median[conv, True][1]  # at 0.1; "never" counts as 320 steps
slow = steps[he, True][:, :2].mean() / steps[he, False][:, :2].mean()  # at 0.01 and 0.03
fast = median[he, False].min() / median[he, True].min()

assert reached[sigmoid, False].sum() <= 1, "without BN the sigmoid network does not train"
assert (reached[sigmoid, True][1:5] >= 4).all(), "with BN it does, from 0.1 to 3"
assert best[False] / best[True] > 2, "each at its best rate, BN is faster"
assert usable[True] >= usable[False] + 2, "BN stands more rates"
assert median[conv, True][4] < 120, "a rate of 3 ..."
assert (median[conv, False][4:] == NEVER).all(), "... which the CNN without BN does not stand"
assert slow > 0.85, "at small rates after He initialization BN is not faster"
assert fast > 1.2, "at its best rate it is"
lab.verdict(
    "Batch norm trains faster and stands larger learning rates.",
    f"It trains a sigmoid network that never trains without it; the CNN gets there "
    f"{best[False] / best[True]:.1f} times as fast at the best rate of each ({best[True]:.0f} "
    f"against {best[False]:.0f} steps) and at {usable[True]} rates instead of {usable[False]}; "
    f"but at rates of 0.03 and less a He-initialized network is no faster with it "
    f"({slow:.2f} times the steps).",
    "yes",
    best_bn=best[True],
    best_none=best[False],
    usable_bn=usable[True],
    usable_none=usable[False],
    at_small_rates=slow,
    he_best_ratio=fast,
    at_same_rate=same,
)
