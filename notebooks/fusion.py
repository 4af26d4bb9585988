# ---
# jupyter:
#   bnbank:
#     description: Folding is exact to rounding; what it saves is a pass over memory.
#     cards: [fuse-conv-bn, fuse-a-model, what-fusion-saves, fold-precision, repvgg]
#     exercises: [fuse_conv_bn, fuse_model, repvgg]
#     sources: [ioffe2015, ding2021]
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
# # Folding batch norm into a convolution: how exact, how much faster?
#
# **Two claims.**
#
# 1. In evaluation a batch norm can be folded into the convolution before it, and the three branches
#    of a RepVGG block into one 3×3 convolution, without changing the function
#    ([`ioffe2015`](https://arxiv.org/abs/1502.03167), section 3.1;
#    [`ding2021`](https://arxiv.org/abs/2101.03697)).
# 2. The folded network is faster. RepVGG was built for that; of plain conv-BN pairs it is said in
#    every guide to deployment.
#
# **What would refute them.** An error above what float32's rounding makes in the unfolded network
# too; a time that is not shorter.
#
# What to expect: batch norm reads and writes the convolution's output once. Next to a convolution
# that computes for a long time on each value that is little, next to a cheap one it is much.
#
# Cards: [fusing conv and BN](../questions/inference/fuse-conv-bn.md),
# [fusing a model](../questions/inference/fuse-a-model.md),
# [what fusion saves](../questions/inference/what-fusion-saves.md),
# [the precision of the fold](../questions/inference/fold-precision.md),
# [RepVGG](../questions/inference/repvgg.md).
# To write it: `pytest solutions/fuse_conv_bn`, `pytest solutions/fuse_model`,
# `pytest solutions/repvgg`.

# %% tags=["setup"]
import copy
import time

import lab
import numpy as np
import torch
from torch import nn

SEEDS = lab.seeds(5)
ROUNDS = 50
fuse_model = lab.reference("fuse_model").fuse_model
reparameterize = lab.reference("repvgg").reparameterize

# %% [markdown]
# ## The blocks
#
# From convolutions that compute much for each value they write to some that compute little. The
# references of the exercises do the folding.


# %%
def conv(inputs, outputs, kernel, groups=1):
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False)


class RepVGG(nn.Module):
    """A 3×3, a 1×1 and an identity branch, a batch norm each."""

    def __init__(self, c):
        super().__init__()
        self.conv3, self.conv1 = conv(c, c, 3), conv(c, c, 1)
        self.bn3, self.bn1, self.bn0 = (nn.BatchNorm2d(c) for _ in range(3))

    def forward(self, x):
        return (self.bn3(self.conv3(x)) + self.bn1(self.conv1(x)) + self.bn0(x)).relu()

    def folded(self):
        def numbers(bn):
            tensors = bn.running_mean, bn.running_var, bn.weight, bn.bias
            return tuple(tensor.detach().numpy() for tensor in tensors)

        kernels = [layer.weight.detach().numpy() for layer in (self.conv3, self.conv1)]
        norms = [numbers(bn) for bn in (self.bn3, self.bn1, self.bn0)]
        kernel, bias = reparameterize(kernels[0], norms[0], kernels[1], norms[1], norms[2])
        one = nn.Conv2d(*kernel.shape[:2], 3, padding=1, dtype=self.conv3.weight.dtype)
        one.weight, one.bias = (nn.Parameter(torch.from_numpy(a)) for a in (kernel, bias))
        return nn.Sequential(one, nn.ReLU())


def mobile(c):
    """MobileNetV2's inverted residual, without the skip: expand, depthwise, project."""
    wide = 6 * c
    parts = [conv(c, wide, 1), nn.BatchNorm2d(wide), nn.ReLU6()]
    parts += [conv(wide, wide, 3, wide), nn.BatchNorm2d(wide), nn.ReLU6()]
    return nn.Sequential(*parts, conv(wide, c, 1), nn.BatchNorm2d(c))


BLOCKS = {  # name: (block, channels, side)
    "3×3, 256→256": (lambda: nn.Sequential(conv(256, 256, 3), nn.BatchNorm2d(256)), 256, 14),
    "3×3, 64→64": (lambda: nn.Sequential(conv(64, 64, 3), nn.BatchNorm2d(64)), 64, 28),
    "1×1, 64→256": (lambda: nn.Sequential(conv(64, 256, 1), nn.BatchNorm2d(256)), 64, 28),
    "depthwise 3×3, 96": (lambda: nn.Sequential(conv(96, 96, 3, 96), nn.BatchNorm2d(96)), 96, 56),
    "MobileNetV2, 24": (lambda: mobile(24), 24, 28),
    "RepVGG, 64": (lambda: RepVGG(64), 64, 28),
}


def drawn(make, seed):
    """The block with random weights and statistics, in evaluation."""
    torch.manual_seed(seed)
    block = make().eval()
    for layer in block.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.running_mean)
            nn.init.uniform_(layer.running_var, 0.5, 2)
            nn.init.normal_(layer.weight, 1, 0.3)
            nn.init.normal_(layer.bias)
    return block


def folded(block):
    return block.folded() if isinstance(block, RepVGG) else fuse_model(block)


# %% [markdown]
# ## Error and time
#
# Both networks in float32 are compared with the *unfolded network in float64*. To take one float32
# network for the truth would charge its rounding to the other.
#
# One thread. The two take turns, and of 50 turns the shortest time of each counts, because
# whatever else the machine does only ever adds. That is done anew for each of five draws.


# %%
def shortest(*calls):
    """The shortest time of each call, in ms; they take turns."""
    times = np.full((ROUNDS, len(calls)), np.inf)
    for turn in times:
        for k, call in enumerate(calls):
            start = time.perf_counter()
            call()
            turn[k] = 1e3 * (time.perf_counter() - start)
    return times.min(0)


@torch.inference_mode()
def measure(make, channels, side, seed):
    """Largest errors, relative to the largest value, and times; unfolded first, then folded."""
    block = drawn(make, seed)
    with torch.inference_mode(False):
        fused = folded(block)
    x = torch.randn(1, channels, side, side)
    right = copy.deepcopy(block).double()(x.double())
    errors = [((net(x) - right).abs().max() / right.abs().max()).item() for net in (block, fused)]
    return *errors, *shortest(lambda: block(x), lambda: fused(x))


rows = {
    name: np.array([measure(*spec, seed) for seed in SEEDS])
    for name, spec in lab.progress(BLOCKS.items(), "blocks")
}
gain = {name: row[:, 2] / row[:, 3] for name, row in rows.items()}
print(
    f"{'':20}{'error unfolded':>16}{'folded':>10}{'ms unfolded':>14}{'folded':>9}{'faster by':>16}"
)
for name, row in rows.items():
    errors, times = row[:, :2].max(0), np.median(row[:, 2:], axis=0)
    print(f"{name:20}{errors[0]:16.0e}{errors[1]:10.0e}{times[0]:14.2f}{times[1]:9.2f}", end="")
    print(f"{np.median(gain[name]):10.2f} ± {gain[name].std(ddof=1):.2f}")

# %% [markdown]
# ## Which of the two is the exact one?
#
# A constructed case: a convolution whose bias is 1000, and a running mean that has followed it. The
# unfolded network adds 1000 to values near 1, which costs three digits, and takes it off again. The
# fold takes b − μ first.

# %%


@torch.inference_mode()
def off_by(seed, offset):
    """Largest errors, unfolded and folded, where bias and running mean are both so large."""
    with torch.inference_mode(False):
        torch.manual_seed(seed)
        block = nn.Sequential(nn.Conv2d(16, 16, 3), nn.BatchNorm2d(16)).eval()
        nn.init.constant_(block[0].bias, offset)
        nn.init.constant_(block[1].running_mean, offset)
        fused = fuse_model(block)
    x = torch.randn(1, 16, 28, 28)
    right = copy.deepcopy(block).double()(x.double())
    return [(net(x) - right).abs().max().item() for net in (block, fused)]


OFFSETS = (0, 1, 10, 100, 1000)
constructed = np.array([[off_by(seed, offset) for offset in OFFSETS] for seed in SEEDS])
for offset, (unfolded, fused) in zip(OFFSETS, np.median(constructed, axis=0), strict=True):
    print(f"b = μ = {offset:<5}: unfolded {unfolded:.0e}, folded {fused:.0e}")


# %%
def draw(fig):
    left, right = fig.subplots(1, 2, width_ratios=(3, 2))
    places = np.arange(len(BLOCKS))
    lab.errorbars(left, places, np.stack(list(gain.values()), axis=1), "", ls="")
    left.axhline(1, lw=0.8, ls=(0, (5, 5)), marker="", color="gray")
    left.set_xticks(places, [name.replace(", ", "\n") for name in BLOCKS], fontsize=8)
    left.set(title="time unfolded / folded, batch of 1, one thread")
    for k, name in enumerate(("unfolded", "folded")):
        x = np.maximum(OFFSETS, 0.1) * 1.05 ** (2 * k - 1)
        lab.errorbars(right, x, constructed[..., k], name, median=True)
    right.set(xscale="log", yscale="log", xlabel="b = running mean", title="largest error")
    right.set_xticks(np.maximum(OFFSETS, 0.1), [str(offset) for offset in OFFSETS])
    right.minorticks_off()
    right.legend()


lab.figure(
    draw,
    "Left: the speed-up by folding is a few percent for 3 by 3 convolutions, more for 1 by 1 and "
    "depthwise ones, most for RepVGG. Right: with a large bias and running mean the unfolded "
    "network's error grows, the folded one's does not.",
    size=(9.5, 3.8),
)

# %% [markdown]
# ## What to read from it
#
# - **The function stays.** Both networks are off by a few units of float32's 6·10⁻⁸, and neither is
#   the exact one: with a large offset it is the folded network.
# - **The time that is saved is that of a pass over memory.** Next to a 3×3 convolution of many
#   channels it is a few percent, hardly more than what the measurement wavers. A depthwise
#   convolution is cheap, and there the pass counts.
# - **RepVGG** saves two convolutions' worth of passes, and the 1×1 convolution itself.
#
# ## Try it
#
# 1. Measure with a batch of 8. Predict which of the ratios rise, and which fall.
# 2. Make all blocks and x `channels_last` with `.to(memory_format=torch.channels_last)`. Where does
#    folding now pay most?
# 3. Put a ReLU between convolution and batch norm. What does `fuse_model` do, and why?
#
# ## Verdict

# %%
worst = max(row[:, 1].max() for row in rows.values())
middle = {name: np.median(values) for name, values in gain.items()}
plain, depthwise, repvgg = (
    middle[name] for name in ("3×3, 64→64", "depthwise 3×3, 96", "RepVGG, 64")
)
at_1000 = np.median(constructed, axis=0)[-1]
lab.verdict(
    "Folding batch norm is exact and makes inference faster.",
    f"The largest error is {worst:.0e} of the largest value; the fold makes a 3×3 convolution "
    f"{plain:.2f} times as fast, a depthwise one {depthwise:.2f} and a RepVGG block {repvgg:.2f} "
    f"times; with an offset of 1000 the unfolded network is off by {at_1000[0]:.0e}, the folded "
    f"one by {at_1000[1]:.0e}.",
    "partly",
    worst_relative_error=worst,
    faster_3x3=plain,
    faster_depthwise=depthwise,
    faster_repvgg=repvgg,
    error_unfolded_at_1000=at_1000[0],
    error_folded_at_1000=at_1000[1],
)
assert worst < 3e-6, worst
assert repvgg > 1.1, gain
assert depthwise > 1.03, gain
assert repvgg > plain, gain
assert at_1000[0] > 10 * at_1000[1], at_1000
