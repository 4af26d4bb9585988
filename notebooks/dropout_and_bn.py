# ---
# jupyter:
#   bnbank:
#     description: The variance shift is as large as claimed, and costs a trained network little.
#     cards: [bn-and-dropout, variance-behind-dropout, where-to-put-dropout]
#     exercises: [variance_shift, precise_bn]
#     sources: [li2019]
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
# # Dropout and batch norm: how large is the variance shift, and what cures it?
#
# **The claim.** Dropout raises the variance of what it drops from in training and not in
# evaluation, so a batch norm behind it stores a variance that evaluation does not have; this
# *variance shift* makes the two work badly together, and dropout belongs behind the last batch norm
# ([`li2019`](https://arxiv.org/abs/1801.05134)).
#
# **What would refute it.** Equal variances in both modes; no loss of accuracy where dropout stands
# before a batch norm; or a loss that new statistics, taken with dropout off, do not heal.
#
# Three controls: group norm in the place of batch norm, which stores nothing, so that what dropout
# costs there is not shift; a network trained without dropout that gets the shifted statistics and
# nothing else; and dropout rates from weak to strong.
#
# Cards: [dropout and batch norm](../questions/regularization/bn-and-dropout.md),
# [variance behind dropout](../questions/regularization/variance-behind-dropout.md),
# [where to put dropout](../questions/regularization/where-to-put-dropout.md).
# To write it: `pytest solutions/variance_shift`, `pytest solutions/precise_bn`.

# %% tags=["setup"]
import lab
import torch
from torch import nn
from torch.nn import functional

SEEDS = lab.seeds(5)
S, N, BATCH, EPOCHS = len(SEEDS), 500, 50, 12

# %% [markdown]
# ## Five networks in one
#
# The networks of the five seeds stand side by side as groups of one: a grouped convolution, a batch
# norm and dropout keep channels apart, so that no network knows of another. Four blocks of
# convolution, norm and ReLU on 500 digits, and dropout at one of three places:
#
# - **direct**: convolution → *dropout* → norm → ReLU, in every block;
# - **between**: convolution → norm → ReLU → *dropout*, in every block but the last;
# - **last**: behind all norms, before the linear layer.

# %%
data = [lab.digits(seed, n=N) for seed in SEEDS]
x_train, x_test = (torch.cat([split[k] for split in data], dim=1) for k in (0, 2))
y_train, y_test = (torch.stack([split[k] for split in data], dim=1) for k in (1, 3))
WIDTHS, STRIDES = (8, 16, 16, 16), (1, 2, 1, 2)


def network(place=None, p=0.0, norm="batch"):
    """For (images, S, 8, 8), seed by seed in the channels, to (images, S·10, 1, 1)."""
    layers, inputs = [], 1
    for width, stride in zip(WIDTHS, STRIDES, strict=True):
        layers.append(nn.Conv2d(S * inputs, S * width, 3, stride, 1, groups=S, bias=False))
        if place == "direct":
            layers.append(nn.Dropout(p))
        batch = norm == "batch"
        layers.append(nn.BatchNorm2d(S * width) if batch else nn.GroupNorm(S * 4, S * width))
        layers.append(nn.ReLU())
        if place == "between" and len(WIDTHS) > sum(isinstance(n, nn.Conv2d) for n in layers):
            layers.append(nn.Dropout(p))
        inputs = width
    layers.append(nn.AdaptiveAvgPool2d(1))
    if place == "last":
        layers.append(nn.Dropout(p))
    return nn.Sequential(*layers, nn.Conv2d(S * inputs, S * 10, 1, groups=S))


def by_seed(logits):
    return logits.reshape(len(logits), S, 10)


def train(model):
    """SGD with momentum 0.9; the learning rate falls from 0.1 to 0 along a cosine."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    steps = EPOCHS * N // BATCH
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(EPOCHS):
        for rows in torch.randperm(N).split(BATCH):
            logits = by_seed(model(x_train[rows]))
            loss = S * functional.cross_entropy(logits.flatten(0, 1), y_train[rows].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()


@torch.no_grad()
def accuracy(model):
    """Test accuracy in percent, per seed."""
    return 100 * (by_seed(model(x_test)).argmax(-1) == y_test).float().mean(0)


# %% [markdown]
# The **shift** of a layer is the variance of its input with dropout on over that with dropout off,
# in the trained network, on the training images, the mean over channels. Batch norm is in
# evaluation mode in both cases.

# %%


@torch.no_grad()
def shifts(model):
    """Variance with dropout over variance without, at every batch norm: (norms, S)."""
    norms = [layer for layer in model if isinstance(layer, nn.BatchNorm2d)]
    seen = []

    def look(_, inputs):
        seen.append(inputs[0].var((0, 2, 3)).reshape(S, -1))

    hooks = [layer.register_forward_pre_hook(look) for layer in norms]
    model(x_train)
    for layer in model:
        layer.train(isinstance(layer, nn.Dropout))
    model(x_train)
    model.eval()
    for hook in hooks:
        hook.remove()
    off, on = seen[: len(norms)], seen[len(norms) :]
    return torch.stack([(b / a).mean(1) for a, b in zip(off, on, strict=True)])


# %% [markdown]
# ## The cure, and the disease alone
#
# The **cure** is new statistics with the weights as they are, dropout off: the reference of
# `precise_bn` takes them.
#
# The **shift alone** goes the other way. The network that was trained without dropout gets dropout
# in front of each norm, and new statistics with dropout *on*. Its weights have never seen dropout,
# so whatever accuracy is lost is lost to the statistics.

# %%
precise_bn = lab.reference("precise_bn").precise_bn


def shifted_alone(model, p):
    other = network("direct", p)
    for own, given in zip(other.state_dict().values(), model.state_dict().values(), strict=True):
        own.copy_(given)
    return precise_bn(other.train(), x_train.repeat(4, 1, 1, 1).split(100)).eval()


RATES = (0.1, 0.3, 0.5)
NONE, GROUP = "none", "group norm"
DIRECT = {p: f"direct {p}" for p in RATES}
ARMS = {
    NONE: (),
    **{name: ("direct", p) for p, name in DIRECT.items()},
    "between 0.5": ("between", 0.5),
    "last 0.5": ("last", 0.5),
    GROUP: (None, 0.0, "group"),
    **{f"{name}, group norm": ("direct", p, "group") for p, name in DIRECT.items()},
}
shift, plain, cured, alone = {}, {}, {}, {}
for arm in lab.progress(ARMS, "arms"):
    torch.manual_seed(SEEDS[0])
    model = train(network(*ARMS[arm]))
    plain[arm] = accuracy(model)
    if arm == NONE:
        alone = {p: accuracy(shifted_alone(model, p)) for p in RATES}
    if GROUP not in arm:
        shift[arm] = shifts(model)
        cured[arm] = accuracy(precise_bn(model, x_train.split(100)))

print(f"{'':23}{'shift at the four norms':32}{'test %':>10}{'cured':>12}{'gain':>12}")
for arm in ARMS:
    layers = "".join(f"{row.mean():7.2f}" for row in shift.get(arm, ()))
    values = [plain[arm]] + ([cured[arm], cured[arm] - plain[arm]] if arm in cured else [])
    print(f"{arm:23}{layers:30}" + "".join(f"{v.mean():7.1f}±{v.std():<4.1f}" for v in values))
print(
    "shift alone, by p:", ", ".join(f"{p}: {v.mean():.1f}±{v.std():.1f}" for p, v in alone.items())
)


# %%
def draw(fig):
    left, right = fig.subplots(1, 2, width_ratios=(2, 3))
    layers = range(1, len(WIDTHS) + 1)
    for arm in (DIRECT[0.5], DIRECT[0.3], DIRECT[0.1], "between 0.5", "last 0.5"):
        lab.errorbars(left, layers, shift[arm].T, arm)
    left.set(xlabel="batch norm", title="variance with dropout / without", xticks=list(layers))
    left.set_ylim(0.8, 5)
    left.legend(ncols=2, fontsize=8)
    x = [0, *RATES]
    trained = {
        "trained with dropout": [plain[NONE], *(plain[DIRECT[p]] for p in RATES)],
        "... and cured": [cured[NONE], *(cured[DIRECT[p]] for p in RATES)],
        "shift alone": [plain[NONE], *alone.values()],
        "group norm": [plain[GROUP], *(plain[f"{DIRECT[p]}, {GROUP}"] for p in RATES)],
    }
    for k, (label, runs) in enumerate(trained.items()):
        places = [p + 0.006 * (k - 1.5) for p in x]
        lab.errorbars(right, places, torch.stack(runs).T, label)
    right.set(xlabel="p, dropout directly before the norm", title="test accuracy, %", xticks=x)
    right.legend()


lab.figure(
    draw,
    "Left: the variance ratio at four batch norms, largest for dropout directly before them, 1 for "
    "dropout behind the last. Right: test accuracy falls with p for dropout before the norm; new "
    "statistics gain little; the shift alone costs less, group norm falls most.",
    size=(9, 3.8),
)

# %% [markdown]
# ## What to read from it
#
# - **The shift is there**, is 1/(1 − p) at the first norm, where the channel means are near 0, and
#   larger where they are not and where it adds up over layers.
# - **The shift alone is harmful** where it is large: at p = 0.5 it takes many points from a network
#   whose weights are as good as before, at 0.1 none that the seeds would show.
# - **Yet it is not what the trained network suffers from.** Weights that are trained with dropout
#   put up with the shift: new statistics give back a few points of the thirty that are lost.
#   Group norm, without any stored statistics, loses more. What costs is that half of all values
#   are dropped in every layer of a narrow network.
# - **Behind all norms** dropout costs next to nothing here, and there is no shift. That advice
#   holds, if not for its reason.
#
# ## Try it
#
# 1. `WIDTHS = (16, 32, 32, 32)`: predict the shift of `direct 0.5`, and how much of its loss of
#    accuracy is left.
# 2. Replace `nn.Dropout` by `nn.Dropout2d`, which drops whole channels. Does the shift change? The
#    accuracy?
# 3. Use `torch.optim.swa_utils.update_bn` as the cure. Predict what it does with dropout, and then
#    the gain.
#
# ## Verdict

# %%
ratio = shift[DIRECT[0.5]].mean(1)
lost = (plain[NONE] - plain[DIRECT[0.5]]).mean()
lost_alone = (plain[NONE] - alone[0.5]).mean()
lost_group = (plain[GROUP] - plain[f"{DIRECT[0.5]}, {GROUP}"]).mean()
gain = (cured[DIRECT[0.5]] - plain[DIRECT[0.5]]).mean()
weak = (plain[NONE] - plain[DIRECT[0.1]]).mean()
last = (plain[NONE] - plain["last 0.5"]).mean()
lab.verdict(
    "Dropout before batch norm does harm by a shift of variance.",
    f"At p = 0.5 the variances are {ratio.min():.1f} to {ratio.max():.1f} times as large in "
    f"training, and that alone costs {lost_alone:.0f} points; but of the {lost:.0f} points that a "
    f"network trained so loses, new statistics give back {gain:.1f}, and group norm, which has no "
    f"shift, loses {lost_group:.0f}.",
    "partly",
    variance_ratio_first=ratio[0],
    variance_ratio_last=ratio[-1],
    points_lost=lost,
    points_lost_to_the_shift_alone=lost_alone,
    points_given_back=gain,
    points_lost_with_group_norm=lost_group,
    points_lost_at_p_one_tenth=weak,
    points_lost_behind_all_norms=last,
)
assert abs(ratio[0] - 2) < 0.1, ratio
assert ratio[1:].min() > 2.2, ratio
assert (shift["between 0.5"][1:].mean(1) > 1.2).all()
assert (shift["last 0.5"] - 1).abs().max() < 1e-4
assert lost > 15, lost
assert lost_alone > 5, lost_alone
assert gain < 0.4 * lost, (gain, lost)
assert lost_group > lost, (lost_group, lost)
assert max(weak, last) < 4, (weak, last)
