# ---
# jupyter:
#   bnbank:
#     description: ReLU and batch norm make gradients grow 1.21-fold a layer at initialization.
#     cards: [exploding-gradients, backward-pass]
#     exercises: [bn_backward]
#     sources: [yang2019, ioffe2015]
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
# # Does batch norm keep gradients level in very deep networks?
#
# **The claim.** Batch norm makes "back-propagation through a layer unaffected by the scale of its
# parameters" ([`ioffe2015`](https://arxiv.org/abs/1502.03167), section 3.3), and so, it is often
# said, gradients neither vanish nor explode, however deep the network.
# [`yang2019`](https://arxiv.org/abs/1902.08129) say the opposite: in a deep network without skip
# connections batch norm itself makes them explode, with ReLU by √(π/(π−1)) ≈ 1.211 a layer.
#
# **What would refute whom.** The gradient's norm against depth at initialization is a straight
# line on a logarithmic axis. A slope of 0 refutes Yang and others; a slope of log 1.211 the claim.
#
# Cards: [exploding gradients](../questions/why-it-works/exploding-gradients.md),
# [the backward pass](../questions/backward/backward-pass.md).
# To write it: `pytest solutions/bn_backward`.

# %% tags=["setup"]
import lab
import numpy as np
import torch
from torch import nn

SEEDS = lab.seeds(5)
DEPTH, WIDTH, BATCH = 50, 64, 256

# %% [markdown]
# ## At initialization
#
# Fifty layers, no skip connections. The gradient of each layer's weight, relative to that of the
# last. The weights are all of the same size, so the gradients can be compared as they are.
# Without batch norm, He's initialization is there to keep the gradient of a ReLU network level:
# that is the control.


# %%
class Residual(nn.Module):
    """x + f(x), where f is linear, batch norm, ReLU."""

    def __init__(self, linear):
        super().__init__()
        self.linear, self.norm = linear, nn.BatchNorm1d(WIDTH)

    def forward(self, x):
        return x + torch.relu(self.norm(self.linear(x)))


def hidden(arm, depth):
    """The hidden layers of one kind of network, as a list of modules."""
    linears = [nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(depth)]
    for linear in linears:
        nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
    if arm == "ReLU, BN, skip":
        return [Residual(linear) for linear in linears]
    activation = {"tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "linear": nn.Identity}
    norm = nn.Identity if arm.endswith("no BN") else lambda: nn.BatchNorm1d(WIDTH)
    return [
        nn.Sequential(linear, norm(), activation.get(arm.split(",")[0], nn.ReLU)())
        for linear in linears
    ]


def network(arm, depth=DEPTH):
    first = nn.Linear(64, WIDTH)
    return nn.Sequential(nn.Flatten(), first, *hidden(arm, depth), nn.Linear(WIDTH, 10))


def gradients(arm, seed):
    """Decades between the gradient of each hidden layer's weight and that of the last: (DEPTH,)."""
    x, y, *_ = lab.digits(seed, BATCH)
    torch.manual_seed(seed)
    model = network(arm)
    weights = [w for w in model.parameters() if w.shape == (WIDTH, WIDTH)]
    grads = torch.autograd.grad(nn.functional.cross_entropy(model(x), y), weights)
    norms = torch.stack([grad.norm() for grad in grads])
    return torch.log10(norms / norms[-1]).numpy()


ARMS = ["ReLU, BN", "tanh, BN", "sigmoid, BN", "linear, BN", "ReLU, no BN", "ReLU, BN, skip"]
decades = {arm: np.array([gradients(arm, seed) for seed in SEEDS]) for arm in ARMS}
layer = np.arange(1, DEPTH + 1)
# The factor a layer is the slope between layers 5 and 45, away from both ends.
factor = {
    arm: 10 ** -np.array([np.polyfit(layer[4:45], run[4:45], 1)[0] for run in runs])
    for arm, runs in decades.items()
}


# %%
def draw(fig):
    ax = fig.subplots()
    some = np.arange(0, DEPTH, 7)
    for arm in ARMS:
        lab.errorbars(ax, layer[some], decades[arm][:, some], arm)
    ax.set(xlabel="layer", ylabel="decades, gradient over that of layer 50", xlim=(0, DEPTH))
    ax.legend()


lab.figure(
    draw,
    "Gradient of each layer's weight over that of the last, in decades, in networks of 50 layers. "
    "With ReLU and batch norm it grows by four decades towards the first layer; with tanh by two; "
    "with sigmoid, without activation and without batch norm by less than one; with skip "
    "connections only in the first ten layers.",
)
for arm in ARMS:
    mean, spread = factor[arm].mean(), factor[arm].std(ddof=1)
    print(f"{arm:16s} {mean:.3f} ± {spread:.3f} a layer, {mean**DEPTH:9.3g} over {DEPTH}")
print(f"theory, ReLU, BN {np.sqrt(np.pi / (np.pi - 1)):.3f}")

# %% [markdown]
# ReLU with batch norm explodes, and at the rate that theory gives. Where does the factor come
# from? Batch norm is not to blame for its own step: divided by σ, and freed of its parts along 1
# and x̂, a gradient keeps its size on average. ReLU halves the mean square of what goes back, as it
# zeroes half of the units; forward, though, it leaves a *variance* of only (1 − 1/π)/2 of its
# input's, less than half, because part of its mean square is the mean, which the next batch norm
# throws away. Batch norm divides by that smaller σ. What is left over is
# (1/2) / ((1 − 1/π)/2) = π/(π−1) in the square: 1.211.
#
# No initialization can mend that: the scale of the weights cancels. Skip connections do, and a
# network that has them is where batch norm is used.
#
# ## Does it matter?
#
# Training: 80 steps of SGD on 800 images at two rates, of which the better counts.


# %%
def trained(arm, depth):
    """Accuracy on the training images after 80 steps, at the better of two rates: (seeds,)."""
    rates = (0.01, 0.1)
    seeds = SEEDS * len(rates)
    x, y, *_ = lab.all_digits(seeds, 800)
    networks = lab.Ensemble(lambda: network(arm, depth), seeds)
    lr = torch.tensor(rates).repeat_interleave(len(SEEDS))
    for chosen in lab.progress(lab.batches(seeds, 800, 64, 80), f"{arm}, {depth} layers", 80):
        networks.step(lab.take(x, chosen), lab.take(y, chosen), lr)
    found = networks.accuracy(x, y, training=True).view(len(rates), -1)
    return found[found.mean(1).argmax()].numpy()


accuracy = {
    (arm, depth): trained(arm, depth)
    for arm in ("ReLU, BN", "ReLU, BN, skip")
    for depth in (10, DEPTH)
}
for (arm, depth), found in accuracy.items():
    print(
        f"{arm:15s} {depth:2d} layers: {100 * found.mean():5.1f} ± {100 * found.std(ddof=1):.1f} %"
    )

# %% [markdown]
# With ten layers the explosion is a factor of 7 and harmless. With fifty it is over 10 000: a rate
# at which the last layers learn throws the first ones about. The same fifty layers with skip
# connections train well.
#
# ## Try it
#
# 1. Other weights: `kaiming_normal_` times 3, with batch norm and without. Whose slope changes?
# 2. `nn.ReLU` to `nn.LeakyReLU(0.5)`: nearer to linear. Predict: above or below 1.1?
#    For which slope would the factor be 1?
# 3. `BATCH = 16`, with ReLU and without activation. Which of the two factors moves, and which way?
#
# ## Verdict

# %%
theory = np.sqrt(np.pi / (np.pi - 1))
grows = {arm: found.mean() for arm, found in factor.items()}
shallow, deep = (100 * accuracy["ReLU, BN", depth].mean() for depth in (10, DEPTH))
skip = 100 * accuracy["ReLU, BN, skip", DEPTH].mean()

assert abs(grows["ReLU, BN"] - theory) < 0.02, "ReLU and BN explode as the theory says"
assert abs(grows["ReLU, no BN"] - 1) < 0.05, "without BN He's initialization keeps it level"
assert 1.07 < grows["tanh, BN"] < 1.13, "tanh explodes, too"
assert max(grows["sigmoid, BN"], grows["linear, BN"]) < 1.05, "near to linear: hardly"
assert grows["ReLU, BN, skip"] < 1.06, "nor with skip connections"
assert shallow > 90, "ten layers train"
assert deep < 70, "fifty do not"
assert skip > 90, "with skip connections they do"
lab.verdict(
    "With batch norm gradients neither vanish nor explode, however deep the network.",
    f"With ReLU they grow {grows['ReLU, BN']:.3f}-fold a layer at initialization (theory "
    f"{theory:.3f}), with tanh {grows['tanh, BN']:.3f}-fold, where He's initialization without "
    f"batch norm has {grows['ReLU, no BN']:.3f}; fifty such layers reach {deep:.0f} %, with skip "
    f"connections {skip:.0f} %.",
    "no",
    relu_bn=grows["ReLU, BN"],
    theory=theory,
    tanh_bn=grows["tanh, BN"],
    sigmoid_bn=grows["sigmoid, BN"],
    relu_none=grows["ReLU, no BN"],
    relu_bn_skip=grows["ReLU, BN, skip"],
    accuracy_deep=deep,
    accuracy_skip=skip,
)
