# ---
# jupyter:
#   bnbank:
#     description: The gradient of a bias before batch norm is rounding, and Adam makes steps of it.
#     cards: [bias-before-bn]
#     exercises: [drop_bias]
#     sources: [ioffe2015]
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
# # Is a bias in front of batch norm useless?
#
# **The claim.** In Wu + b "the bias b can be ignored since its effect will be canceled by the
# subsequent mean subtraction" ([`ioffe2015`](https://arxiv.org/abs/1502.03167), section 3.2).
#
# **What would refute it.** A gradient of b above rounding; an output that moves with b.
#
# The claim has conditions, and each is a control: the mean has to be that of the batch, per
# channel, and directly behind. Whether b then stays where it starts is another question: the
# optimizer answers it.
#
# Card: [a bias before batch norm](../questions/foundations/bias-before-bn.md).
# To write it: `pytest solutions/drop_bias`.

# %% tags=["setup"]
import lab
import numpy as np
import torch
from torch import nn

SEEDS = lab.seeds(10)
CHANNELS = 8

# %% [markdown]
# ## The gradient, and the output
#
# The gradient relative to that of β, the bias behind the norm, which does the work; a random `dy`
# stands for the loss. And how far the output moves, relative to its largest value, when b grows
# by up to 5.

# %%
BEHIND = {
    "BN, training": lambda: nn.BatchNorm2d(CHANNELS),
    "instance norm": lambda: nn.InstanceNorm2d(CHANNELS, affine=True),
    "BN, evaluation": lambda: nn.BatchNorm2d(CHANNELS).eval(),
    "ReLU, BN": lambda: nn.Sequential(nn.ReLU(), nn.BatchNorm2d(CHANNELS)),
    "layer norm": lambda: nn.GroupNorm(1, CHANNELS),
    "group norm, 4 × 2": lambda: nn.GroupNorm(4, CHANNELS),
}


def effects(make, seed, dtype):
    """The largest gradient of b over that of β; the output's change when b grows by up to 5."""
    torch.manual_seed(seed)
    conv, behind = nn.Conv2d(3, CHANNELS, 3).to(dtype), make().to(dtype)
    x = torch.randn(16, 3, 8, 8, dtype=dtype)
    y = behind(conv(x))
    y.backward(torch.randn_like(y))
    *_, beta = behind.parameters()
    with torch.no_grad():
        conv.bias += 5 * torch.rand(CHANNELS, dtype=dtype)
        change = (behind(conv(x)) - y).abs().max() / y.abs().max()
    return (conv.bias.grad.abs().max() / beta.grad.abs().max()).item(), change.item()


seen = {
    (name, dtype): np.array([effects(make, seed, dtype) for seed in SEEDS])
    for name, make in BEHIND.items()
    for dtype in (torch.float32, torch.float64)
}
ratios = {key: values[:, 0] for key, values in seen.items()}
print(f"{'medians':20}{'gradient, float32':>20}{'float64':>10}{'output, float64':>18}")
for name in BEHIND:
    cells = [np.median(ratios[name, dtype]) for dtype in (torch.float32, torch.float64)]
    change = np.median(seen[name, torch.float64][:, 1])
    print(f"{name:20}{cells[0]:20.0e}{cells[1]:10.0e}{change:18.0e}")

# %% [markdown]
# ## The optimizer
#
# A gradient of rounding noise is nothing to SGD. Adam divides it by its own size. Digits, one
# hidden layer, 300 steps; b starts at random numbers of standard deviation 1, so that decay has
# something to take from.

# %%
STEPS, BATCH = 300, 64
OPTIMIZERS = {
    "SGD": lambda p: torch.optim.SGD(p, 0.1),
    "SGD, weight decay 0.05": lambda p: torch.optim.SGD(p, 0.1, weight_decay=0.05),
    "Adam": lambda p: torch.optim.Adam(p, 0.01),
}


def train(make, seed):
    """Root mean square change of b and of the weights; what is left of b; its gradient."""
    x, y, *_ = lab.digits(seed, n=800)
    torch.manual_seed(seed)
    layer = nn.Linear(64, 32)
    nn.init.normal_(layer.bias)
    model = nn.Sequential(nn.Flatten(), layer, nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10))
    weight, bias = layer.weight.detach().clone(), layer.bias.detach().clone()
    optimizer = make(model.parameters())
    gradients = []
    for _ in range(STEPS):
        rows = torch.randint(len(x), (BATCH,))
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        gradients.append(layer.bias.grad.abs().max().item())
        optimizer.step()
    moved = (layer.bias.detach() - bias).square().mean().sqrt().item()
    weight_moved = (layer.weight.detach() - weight).square().mean().sqrt().item()
    left = (layer.bias.detach() @ bias / bias.square().sum()).item()
    return moved, weight_moved, left, np.median(gradients)


moved = {
    name: np.array([train(make, seed) for seed in SEEDS])
    for name, make in lab.progress(OPTIMIZERS.items(), "optimizers")
}
print(f"{'':26}{'b moved by':>18}{'w moved by':>12}{'left of b':>13}{'gradient of b':>15}")
for name, runs in moved.items():
    b, w, end, gradient = runs.mean(0)
    print(f"{name:26}{b:10.1e}±{runs[:, 0].std(ddof=1):.0e}{w:12.2f}{end:13.3f}{gradient:15.0e}")
print(f"(1 − 0.1·0.05)^{STEPS} = {0.995**STEPS:.3f}")


# %%
def draw(fig):
    left, right = fig.subplots(1, 2, width_ratios=(3, 2))
    for dtype, name in ((torch.float32, "float32"), (torch.float64, "float64")):
        runs = np.stack([ratios[kind, dtype] for kind in BEHIND], axis=1)
        lab.errorbars(left, np.arange(len(BEHIND)), runs, name, median=True, ls="")
    left.set(yscale="log", title="gradient of b / gradient of β, by what stands behind")
    left.set_xticks(range(len(BEHIND)), [kind.replace(", ", ",\n") for kind in BEHIND], fontsize=8)
    left.legend(loc="center right")
    for k, name in ((0, "b"), (1, "the weights")):
        runs = np.stack([np.maximum(moved[o][:, k], 1e-9) for o in OPTIMIZERS], axis=1)
        lab.errorbars(right, np.arange(len(OPTIMIZERS)), runs, name, median=True, ls="")
    right.set(yscale="log", title=f"moved by, {STEPS} steps")
    right.set_xticks(range(3), [o.replace(", ", ",\n") for o in OPTIMIZERS], fontsize=8)
    right.legend(loc="center right")


lab.figure(
    draw,
    "Left: the gradient of the bias relative to that of beta is rounding before batch norm in "
    "training and instance norm, and about 1 in the four other cases. Right: under SGD the bias "
    "does not move, weight decay shrinks it; under Adam it moves a fifth as far as the weights.",
    size=(10, 3.8),
)

# %% [markdown]
# ## What to read from it
#
# - **Where the batch's mean is taken per channel, directly behind**, the gradient is rounding: nine
#   digits smaller in float64 than in float32.
# - **Everywhere else b is a parameter like others**: before a frozen batch norm, a ReLU, a layer
#   norm, a group norm with more than one channel a group.
# - **Weight decay** takes it to 0 as if nothing else were there, and nothing else is.
# - **Adam moves it.** g/√v has no unit: a gradient of 10⁻⁸ that is mostly noise makes steps of the
#   size of any other. ε = 10⁻⁸ holds back a part. The output in training does not see it.
#
# ## Try it
#
# 1. Set Adam's `eps=1e-4`. Predict how far b moves.
# 2. Use `model.eval()` on the batch norm during training, as when it is frozen. Does b move under
#    SGD?
# 3. Run the second part in float64. How do the three rows change?
#
# ## Verdict

# %%
middle = {key: np.median(values) for key, values in ratios.items()}
cancelled = [middle["BN, training", dtype] for dtype in (torch.float32, torch.float64)]
needed = {name: middle[name, torch.float64] for name in list(BEHIND)[2:]}
b_moved = {name: runs[:, 0].mean() for name, runs in moved.items()}
w_moved = {name: runs[:, 1].mean() for name, runs in moved.items()}
left_of_b = moved["SGD, weight decay 0.05"][:, 2].mean()
lab.verdict(
    "A bias in front of batch norm is cancelled.",
    f"Its gradient is {cancelled[0]:.0e} of that of β in float32, {cancelled[1]:.0e} in float64, "
    f"but {min(needed.values()):.1f} to {max(needed.values()):.1f} before a frozen norm, a ReLU, a "
    f"layer or a group norm; in {STEPS} steps SGD moves it by {b_moved['SGD']:.0e}, Adam by "
    f"{b_moved['Adam']:.2f}, and weight decay leaves {left_of_b:.3f} of it.",
    "yes",
    gradient_ratio_float32=cancelled[0],
    gradient_ratio_float64=cancelled[1],
    least_gradient_ratio_elsewhere=min(needed.values()),
    moved_by_sgd=b_moved["SGD"],
    moved_by_adam=b_moved["Adam"],
    left_by_weight_decay=left_of_b,
)
assert cancelled[0] < 5e-6, cancelled
assert cancelled[1] < 1e-14, cancelled
assert np.median(seen["BN, training", torch.float64][:, 1]) < 1e-13
assert min(needed.values()) > 0.3, needed
assert b_moved["SGD"] < 1e-5, b_moved
assert abs(left_of_b - 0.995**STEPS) < 1e-3, left_of_b
assert b_moved["Adam"] > 0.005, "Adam divides noise by its own size"
assert b_moved["Adam"] < w_moved["Adam"], (b_moved, w_moved)
