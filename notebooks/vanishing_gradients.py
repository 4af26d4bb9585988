# ---
# jupyter:
#   bnbank:
#     description: Batch norm keeps gradients of sigmoid networks alive, but not from saturation.
#     cards: [vanishing-gradients, what-bn-solves, backward-pass]
#     exercises: [bn1d, bn_backward]
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
# # Does batch norm cure vanishing gradients by avoiding saturation?
#
# **The claim.** In a deep sigmoid network the inputs of the sigmoids drift into its flat ends, so
# gradients vanish; batch norm pulls the inputs back to the middle, where the slope is large.
# [`ioffe2015`](https://arxiv.org/abs/1502.03167), section 1, speaks of "the saturation problem and
# the resulting vanishing gradients"; most notes on batch norm repeat it as the mechanism.
#
# These are two claims: that batch norm keeps the gradient alive, and that saturation is why it
# died. **What would refute them**: for the first, a gradient at the first layer as small with batch
# norm as without. For the second, gradients that vanish where no unit is saturated, or that
# vanish least where most are.
#
# Cards: [vanishing gradients](../questions/why-it-works/vanishing-gradients.md),
# [what batch norm solves](../questions/foundations/what-bn-solves.md),
# [the backward pass](../questions/backward/backward-pass.md).
# To write layer and gradient: `pytest solutions/bn1d`, `pytest solutions/bn_backward`.

# %% tags=["setup"]
import lab
import numpy as np
import torch
from torch import nn

SEEDS = lab.seeds(5)
DEPTHS = (2, 4, 8, 12)
WIDTH = 64

# %% [markdown]
# ## What is measured
#
# One batch of 256 digits, at initialization. ‖W‖·‖∂L/∂W‖ is what a relative change of a layer's
# weights does to the loss, whatever their scale; the first layer's over the output layer's, in
# decades: −3 says that the first layer counts for a thousandth. And the share of saturated
# units: slope below 0.05, where a sigmoid has at most 0.25.
#
# Beside batch norm two halves of it, as a control: one that only subtracts the mean, and one that
# only divides by the standard deviation. If the position on the sigmoid were what matters,
# subtracting should do it.


# %%
class Centre(nn.Module):
    def forward(self, x):
        return x - x.mean(0)


class Scale(nn.Module):
    def forward(self, x):
        return x / x.std(0, correction=0)


ARMS = {
    "no BN": nn.Identity,
    "BN": lambda: nn.BatchNorm1d(WIDTH),
    "mean only": Centre,
    "std only": Scale,
}
INITS = {
    "default": lambda weight: None,
    "Xavier": nn.init.xavier_normal_,
    "N(0, 1)": nn.init.normal_,
}


def measure(norm, init, depth, seed):
    """(decades, first layer over output layer; share of saturated units; mean slope)."""
    x, y, *_ = lab.digits(seed, 256)
    torch.manual_seed(seed)
    linears = [nn.Linear(64, WIDTH) for _ in range(depth)]
    for linear in linears:
        init(linear.weight)
    a, slopes = x.flatten(1), []
    for linear in linears:
        a = torch.sigmoid(norm()(linear(a)))
        slopes.append((a * (1 - a)).detach())
    output = nn.Linear(WIDTH, 10)
    loss = nn.functional.cross_entropy(output(a), y)
    weights = [linears[0].weight, output.weight]
    first, last = (
        weight.norm() * grad.norm()
        for weight, grad in zip(weights, torch.autograd.grad(loss, weights), strict=True)
    )
    decades, slopes = torch.log10(first / last), torch.stack(slopes)
    return decades.item(), (slopes < 0.05).float().mean().item(), slopes.mean().item()


found = {
    (init, arm): np.array([[measure(ARMS[arm], INITS[init], d, s) for d in DEPTHS] for s in SEEDS])
    for init in INITS
    for arm in ARMS
}  # each (seeds, depths, 3)

# %% [markdown]
# ## The gradient


# %%
def draw(fig):
    for ax, init in zip(fig.subplots(1, 3, sharey=True), INITS, strict=True):
        for arm in ARMS:
            lab.errorbars(ax, DEPTHS, found[init, arm][..., 0], arm)
        ax.set(title=f"{init} initialization", xlabel="hidden layers", xticks=DEPTHS)
    fig.axes[0].set_ylabel("decades, first over output layer")
    fig.axes[0].legend(loc="lower left")


lab.figure(
    draw,
    "Gradient of the first layer over the output layer, in decades, against depth. Without batch "
    "norm, and with the mean subtracted only, it falls by most of a decade a layer after default "
    "initialization; with batch norm, or divided by the standard deviation only, it stays level.",
    size=(9, 3.4),
)

# %% [markdown]
# The first claim holds: batch norm keeps the gradient level, at any depth, after any of the three
# initializations. And the control tells which half does it: the division.
#
# ## The saturation

# %%
print(f"{'12 layers':>20s}{'decades':>16s}{'saturated':>12s}{'mean slope':>12s}")
for (init, arm), values in found.items():
    if arm in ("no BN", "BN"):
        decades, saturated, slope = values[:, -1].mean(0)
        spread = values[:, -1, 0].std(ddof=1)
        text = f"{decades:.2f} ± {spread:.2f}"
        print(f"{init + ', ' + arm:>20s}{text:>16s}{saturated:12.1%}{slope:12.3f}")

# %% [markdown]
# The second claim does not hold. Where the gradient vanishes most, after the default
# initialization, no unit is saturated: the mean slope is 0.24, of 0.25 that a sigmoid has. Where
# most units are saturated, with weights from N(0, 1), it hardly vanishes. Batch norm even makes the
# mean slope *smaller*, because it spreads the inputs.
#
# What vanishes, then? Backwards each layer multiplies the gradient by its weights and by a slope of
# at most 0.25. With small weights that is well below 1 a layer, with no flat end in sight. But
# small weights also make inputs of small spread σ, and batch norm's backward pass divides by that
# σ: it gives back what weights and slopes took.
#
# The control says so without any theory: to centre the inputs, and so to put every unit where the
# slope is largest, changes nothing.
#
# ## Try it
#
# 1. `torch.sigmoid` to `torch.tanh`, whose slope is up to 1. What is left of the effect?
# 2. `nn.init.normal_` with `std=0.5`: a scale between Xavier and N(0, 1). Predict the decades at 12
#    layers without batch norm.
# 3. The trap: measure the first layer over the last *hidden* layer, `linears[-1].weight`. Why does
#    "mean only" look cured?
# 4. `torch.relu`: does batch norm still keep the gradient level? The
#    [notebook on depth](gradient_explosion.py) has the answer.
#
# ## Verdict

# %%
deep = {key: values[:, -1, 0].mean() for key, values in found.items()}
flat = {key: values[:, -1, 1].mean() for key, values in found.items()}
kept = max(abs(deep[init, "BN"]) for init in INITS)
lost, lost_flat = -deep["default", "no BN"], -deep["N(0, 1)", "no BN"]

assert lost > 8, "without BN, eight decades and more are lost in 12 layers"
assert kept < 0.7, "with BN the gradient is level after every initialization"
assert flat["default", "no BN"] < 0.005, "where it vanishes most, no unit is saturated"
assert flat["N(0, 1)", "no BN"] > 0.45, "where half are saturated ..."
assert lost_flat < 1.5, "... it hardly vanishes"
assert deep["default", "mean only"] < -8, "centring does not help"
assert abs(deep["default", "std only"]) < 0.7, "dividing does"
lab.verdict(
    "Batch norm cures vanishing gradients of sigmoid networks by keeping units from saturation.",
    f"It does cure them (over 12 layers {lost:.1f} decades are lost without it, the gradient is "
    f"level to {kept:.1f} with it), but saturation is not why: where the gradient vanishes "
    f"{100 * flat['default', 'no BN']:.1f} % of the units are saturated, and where "
    f"{100 * flat['N(0, 1)', 'no BN']:.0f} % are it loses {lost_flat:.1f} decades; "
    f"dividing by σ alone cures them, subtracting μ alone does not.",
    "partly",
    lost_without=lost,
    level_with_bn=kept,
    lost_mean_only=-deep["default", "mean only"],
    lost_std_only=-deep["default", "std only"],
    lost_normal_init=lost_flat,
    saturated_default=flat["default", "no BN"],
    saturated_normal_init=flat["N(0, 1)", "no BN"],
)
