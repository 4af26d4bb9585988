# ---
# jupyter:
#   bnbank:
#     description: Test error against batch size for batch, group, layer and instance norm.
#     cards: [batch-size-experiment, small-batches, group-norm-batch-size, batch-of-two]
#     exercises: [bn2d, group_norm, layer_norm, instance_norm]
#     sources: [wu2018]
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
# # Does batch norm break at small batches, and is group norm flat?
#
# **The claim.** "BN's error increases rapidly when the batch size becomes smaller", while group
# norm's "accuracy is stable in a wide range of batch sizes":
# [`wu2018`](https://arxiv.org/abs/1803.08494), abstract and figure 1, ResNet-50 on ImageNet with 2
# to 32 images per GPU.
#
# **What would refute it.** A network in which batch norm does not get worse at two images; group
# norm that gets worse or better with the batch size; or another knob that explains batch norm's
# rise. There is a candidate: what batch norm averages over is not the batch but m = N·H·W values.
#
# Cards: [the experiment](../questions/small-batches/batch-size-experiment.md),
# [small batches](../questions/small-batches/small-batches.md),
# [group norm and the batch](../questions/family/group-norm-batch-size.md),
# [a batch of two](../questions/foundations/batch-of-two.md). To write them:
# `pytest solutions/bn2d`, `pytest solutions/group_norm`, `pytest solutions/layer_norm`,
# `pytest solutions/instance_norm`.

# %% tags=["setup"]
import lab
import numpy as np
from torch import nn

SEEDS = lab.seeds(5)
IMAGES, EPOCHS = 600, 5
BATCHES = (2, 4, 8, 32)

# %% [markdown]
# ## Two networks
#
# The same three convolutions, with other strides. With 2, 2, 2 the last map has one pixel, so m is
# the batch size itself. With 1, 1, 2 it has 16, and a batch of 2 still has m = 32.
#
# Equal epochs; the learning rate goes with the batch size (0.1 at 32) and falls along a cosine;
# SGD with momentum 0.9. Batch norm is evaluated with the exact statistics of the training set, so
# that the quality of a moving average, another question, plays no part.


# %%
def cnn(norm, strides):
    layers, before = [], 1
    for channels, stride in zip((8, 16, 16), strides, strict=True):
        layers += [nn.Conv2d(before, channels, 3, stride, padding=1, bias=False)]
        layers += [norm(channels), nn.ReLU()]
        before = channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 10))


NORMS = {
    "BN": nn.BatchNorm2d,
    "GN": lambda channels: nn.GroupNorm(4, channels),
    "LN": lambda channels: nn.GroupNorm(1, channels),
    "IN": lambda channels: nn.GroupNorm(channels, channels),
}
NETWORKS = {
    "last map 1×1": ((2, 2, 2), ("BN", "GN", "LN")),  # IN would leave nothing of one pixel
    "last map 4×4": ((1, 1, 2), ("BN", "GN", "IN")),
}


def error_after(epochs, name, norm, batch):
    """Error on the test images in %, (seeds,)."""
    strides = NETWORKS[name][0]
    x, y, x_test, y_test = lab.all_digits(SEEDS, IMAGES)
    networks = lab.Ensemble(lambda: cnn(NORMS[norm], strides), SEEDS)
    steps = epochs * (IMAGES // batch)
    batches = lab.batches(SEEDS, IMAGES, batch, steps)
    for step, chosen in enumerate(
        lab.progress(batches, f"{name}, {norm}, batches of {batch}", steps)
    ):
        lr = 0.1 * batch / 32 * (1 + np.cos(np.pi * step / steps)) / 2
        networks.step(lab.take(x, chosen), lab.take(y, chosen), lr, momentum=0.9)
    networks.exact_statistics(x)
    return 100 * (1 - networks.accuracy(x_test, y_test)).numpy()


def sizes(norm):
    """The batch sizes that are tried: instance norm is bad at large ones already."""
    return BATCHES[2:] if norm == "IN" else BATCHES


error = {
    (name, norm): np.stack([error_after(EPOCHS, name, norm, batch) for batch in sizes(norm)], 1)
    for name, (_, norms) in NETWORKS.items()
    for norm in norms
}


# %%
def draw(fig):
    for ax, (name, (_, norms)) in zip(
        fig.subplots(1, 2, sharey=True), NETWORKS.items(), strict=True
    ):
        for norm in NORMS:
            if norm in norms:
                lab.errorbars(ax, sizes(norm), error[name, norm], norm)
            else:
                ax.errorbar([], [])  # keeps its colour and marker free
        ax.set(title=name, xscale="log", yscale="log", xlabel="batch size", ylim=(2, 100))
        ax.set_xticks(BATCHES, [str(batch) for batch in BATCHES])
        ax.set_xticks([], minor=True)
        ax.set_yticks([2, 5, 10, 20, 50, 100], ["2", "5", "10", "20", "50", "100"])
        ax.set_yticks([], minor=True)
        ax.legend()
    fig.axes[0].set_ylabel("test error, %")


lab.figure(
    draw,
    "Test error over the batch size in two networks. Where the last map has one pixel, batch norm "
    "fails at two images and nowhere else, group norm and layer norm do not. Where it has 16 "
    "pixels, batch norm does not fail at two; instance norm is bad at 8 and 32.",
)
print(f"{'test error, %; batches of':>26s}" + "".join(f"{batch:>13d}" for batch in BATCHES))
for (name, norm), found in error.items():
    cells = zip(found.mean(0), found.std(0, ddof=1), strict=True)
    text = "".join(f"{mean:7.1f} ± {sd:3.1f}" for mean, sd in cells)
    print(f"{name + ', ' + norm:>26s}{text:>{13 * len(BATCHES)}s}")

# %% [markdown]
# **Batch norm does break at two images, but by m.** Where the last map has one pixel, m = 2 there:
# every output of that layer is +1 or −1, whatever the images, and the network hardly learns. At
# m = 4 that is over. With maps of 4×4 a batch of two has m = 32, and the same batch size costs
# a few points. No gradual rise as on ImageNet can be seen here; digits give a cliff.
#
# **Group norm does not notice small batches**, as it has to be: it never looks at the batch. But
# flat it is not. At equal epochs a batch of 32 takes a sixteenth of the steps, and the network is
# not done learning:

# %%
longer = 4 * EPOCHS
trained = error_after(longer, "last map 1×1", "GN", 32)
before = error["last map 1×1", "GN"][:, -1]
print(f"GN, batches of 32, {EPOCHS:2d} epochs: {before.mean():.1f} ± {before.std(ddof=1):.1f} %")
print(f"GN, batches of 32, {longer} epochs: {trained.mean():.1f} ± {trained.std(ddof=1):.1f} %")

# %% [markdown]
# So the right end of "flat" needs enough steps; the left end comes for free. And at 8 images and
# more batch norm is at least as good as any other here.
#
# ## Try it
#
# 1. Strides 1, 2, 2: the last map has 2×2 pixels. Predict batch norm's error at two images.
# 2. Leave out `networks.exact_statistics(x)`. Which points change, and at which batch sizes?
# 3. A learning rate that goes with the root of the batch size: `0.1 * np.sqrt(batch / 32)`.
#    Which end of which curve moves?
#
# ## Verdict

# %%
mean = {key: found.mean(0) for key, found in error.items()}
pixel, map_4 = NETWORKS
cliff, after = mean[pixel, "BN"][:2]
rest = mean[map_4, "BN"][0]
flat = mean[pixel, "GN"]

assert cliff > 40, "BN fails at m = 2"
assert after < 12, "and no longer at m = 4"
assert rest < 18, "nor at two images where m = 32"
assert abs(flat[0] - flat[2]) < 5, "GN does not notice small batches"
assert trained.mean() < flat[3], "GN at 32 is better after more steps"
assert mean[pixel, "BN"][2] < flat[2] + 1, "at 8 BN is at least as good"
assert mean[map_4, "IN"].min() > 30, "IN with a pooled last map is bad throughout"
lab.verdict(
    "Batch norm's error rises at small batches, group norm's does not depend on the batch size.",
    f"At two images batch norm has {cliff:.0f} % error where its last map has one pixel (m = 2), "
    f"{after:.1f} % at four, and {rest:.1f} % at two where the map has 16 (m = 32): m decides, "
    f"not the batch size; group norm has {flat[0]:.1f} % at 2 and {flat[2]:.1f} % at 8, "
    f"{flat[3]:.1f} % at 32 after as many epochs, {trained.mean():.1f} % after four times as many.",
    "partly",
    bn_m2=cliff,
    bn_m4=after,
    bn_8=mean[pixel, "BN"][2],
    bn_2_with_m32=rest,
    gn_2=flat[0],
    gn_8=flat[2],
    gn_32=flat[3],
    gn_32_longer=trained.mean(),
    in_best=mean[map_4, "IN"].min(),
)
