# ---
# jupyter:
#   bnbank:
#     description: The reparametrization speeds up nothing; starting from data does, in both forms.
#     cards: [weight-norm-vs-batch-norm, weight-norm-gradient]
#     exercises: [weight_norm]
#     sources: [salimans2016]
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
# # Does weight normalization speed up training?
#
# **The claim.** Writing each weight vector as w = g·v/‖v‖ "improves the conditioning of the
# optimization problem and speeds up convergence"
# ([`salimans2016`](https://arxiv.org/abs/1602.07868), abstract).
#
# The paper brings two things at once: the reparametrization, and an initialization in which a
# first batch sets g and b so that every unit starts with mean 0 and variance 1. Each can be had
# without the other, so there are five arms:
#
# | arm | parameters | initialization |
# |---|---|---|
# | plain | w, b | He or Xavier |
# | plain, from data | w, b | scaled by a first batch |
# | weight norm | g, v, b | the same function as plain |
# | weight norm, from data | g, v, b | the same function as plain, from data |
# | batch norm | v, γ, β | He or Xavier |
#
# **What would refute it.** Weight norm needs as many steps as the plain network that starts from
# the same function, at learning rates at which both train.
#
# Cards: [weight norm and batch norm](../questions/foundations/weight-norm-vs-batch-norm.md),
# [the gradient of weight norm](../questions/backward/weight-norm-gradient.md).
# To write it: `pytest solutions/weight_norm`.

# %% tags=["setup"]
from itertools import pairwise

import lab
import torch
from torch.nn import functional

SEEDS = lab.seeds(5)
RATES = (0.03, 0.1, 0.3, 1.0)
DEPTH, WIDTH, BATCH, STEPS, EVERY = 6, 64, 64, 200, 10
PLAIN, PLAIN_DATA, WN, WN_DATA, BN = ARMS = (
    "plain",
    "plain, from data",
    "weight norm",
    "weight norm, from data",
    "batch norm",
)

# %% [markdown]
# ## All runs at once
#
# A network of 64 units keeps no processor busy. So the runs of all learning rates and all seeds
# stand side by side as the first two axes of every tensor, and `@` multiplies them one by one.
# No run knows of another: the gradient of a sum of losses is each loss's own.

# %%
data = [lab.digits(seed, n=800) for seed in SEEDS]
x_train = torch.stack([split[0].flatten(1) for split in data])  # (seeds, 800, 64)
y_train = torch.stack([split[1] for split in data])
sizes = [64, *[WIDTH] * DEPTH, 10]


def layers(init):
    """Per layer v (rates, seeds, in, out), g and b (rates, seeds, 1, out)."""
    made = []
    for fan_in, fan_out in pairwise(sizes):
        std = (2 / fan_in) ** 0.5 if init == "He" else (2 / (fan_in + fan_out)) ** 0.5
        draws = [torch.Generator().manual_seed(seed + 1 + 100 * len(made)) for seed in SEEDS]
        v = torch.stack([torch.randn(fan_in, fan_out, generator=draw) for draw in draws]) * std
        v = v.expand(len(RATES), *v.shape).clone()
        made.append([v, v.norm(dim=-2, keepdim=True), torch.zeros(*v.shape[:2], 1, fan_out)])
    return made


def preactivation(x, layer, arm, last):
    v, g, b = layer
    if arm in (WN, WN_DATA):
        return x @ (v * (g / v.norm(dim=-2, keepdim=True))) + b
    z = x @ v
    if arm == BN and not last:
        var, mean = torch.var_mean(z, dim=-2, correction=0, keepdim=True)
        return (z - mean) / (var + 1e-5).sqrt() * g + b
    return z + b


def forward(x, net, arm, activation):
    for layer in net[:-1]:
        x = activation(preactivation(x, layer, arm, last=False))
    return preactivation(x, net[-1], arm, last=True)


def start_from_data(net, x, arm, activation):
    """Mean 0 and variance 1 for every unit, on one batch: section 3 of the paper."""
    for layer in net:
        v, g, b = layer
        var, mean = torch.var_mean(preactivation(x, layer, arm, True), dim=-2, keepdim=True)
        for scaled in (v, g):
            scaled *= var.rsqrt()
        b -= mean * var.rsqrt()
        x = activation(preactivation(x, layer, arm, True))


# %% [markdown]
# Plain SGD with batches of 64, the same batches for all arms. Every 10 steps the accuracy on all
# training images is taken; batch norm uses their statistics there, so that no lag of its running
# averages counts against it.

# %%


def steps_needed(arm, init, activation):
    """Steps until 95 % of the training images are right: (rates, seeds), inf for never."""
    net = layers(init)
    orders = [torch.Generator().manual_seed(seed) for seed in SEEDS]

    def batch():
        rows = torch.stack([torch.randperm(800, generator=order)[:BATCH] for order in orders])
        return (torch.stack([x[r] for x, r in zip(values, rows, strict=True)]) for values in both)

    both = (x_train, y_train)
    if arm in (PLAIN_DATA, WN_DATA):
        start_from_data(net, next(iter(batch())), arm, activation)
    if arm == BN:
        net[:-1] = [[v, torch.ones_like(g), b] for v, g, b in net[:-1]]
    parameters = [p.requires_grad_() for layer in net for p in layer]
    rate = torch.tensor(RATES)[:, None, None, None]
    needed = torch.full((len(RATES), len(SEEDS)), torch.inf)
    for step in range(1, STEPS + 1):
        x, y = batch()
        logits = forward(x, net, arm, activation)
        y = y.expand(logits.shape[:-1])
        loss = functional.cross_entropy(logits.flatten(0, 2), y.flatten(), reduction="sum") / BATCH
        gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
        with torch.no_grad():
            for p, gradient in zip(parameters, gradients, strict=True):
                if gradient is not None:
                    p -= rate * gradient
            if step % EVERY == 0:
                right = forward(x_train, net, arm, activation).argmax(-1) == y_train
                needed[(right.float().mean(-1) >= 0.95) & needed.isinf()] = step
    return needed


experiments = {"ReLU, He": functional.relu, "sigmoid, Xavier": torch.sigmoid}
needed = {
    (name, arm): steps_needed(arm, name.split()[-1], activation)
    for name, activation in experiments.items()
    for arm in lab.progress(ARMS, name)
}

# %%
print(f"median steps to 95 %; seeds that got there in {STEPS} steps, of {len(SEEDS)}")
for name in experiments:
    print(f"\n{name:24s}" + "".join(f"{f'LR {rate}':>12}" for rate in RATES))
    for arm in ARMS:
        rows = needed[name, arm]
        cells = [f"{row.median().item():.0f} ({row.isfinite().sum()})" for row in rows]
        print(f"{arm:24s}" + "".join(f"{cell:>12}" for cell in cells))


# %%
def draw(fig):
    axes = fig.subplots(1, 2, sharey=True)
    for ax, name in zip(axes, experiments, strict=True):
        for shift, arm in enumerate(ARMS):
            runs = needed[name, arm].clamp(max=STEPS * 1.15).T
            x = [rate * 1.06 ** (shift - 2) for rate in RATES]
            lab.errorbars(ax, x, runs, arm, median=True)
        ax.set(title=name, xscale="log", xlabel="learning rate")
        ax.set_xticks(RATES, [f"{rate:g}" for rate in RATES], minor=False)
        ax.minorticks_off()
    axes[0].set(ylabel="steps to 95 % (median, quartiles)")
    axes[0].set_yticks([0, 50, 100, 150, STEPS * 1.15], ["0", "50", "100", "150", "never"])
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)


lab.figure(
    draw,
    "Steps to 95 % training accuracy against the learning rate, for ReLU and sigmoid networks. "
    "Weight norm lies on the plain network; starting from data lowers both alike; batch norm is "
    "lowest at large learning rates.",
    size=(9, 4),
)

# %% [markdown]
# ## What to read from it
#
# - **Same start, same speed.** From one function and with ‖v‖ = ‖w‖, weight norm and the plain
#   network need the same number of steps, whether they start from He's numbers or from data.
# - **The initialization does the work.** It shortens the way in the ReLU network and makes the
#   sigmoid network trainable at all, and it does so for the plain network as well.
# - **Where weight norm does something**: in the ReLU network at 0.3, near the largest learning
#   rate that works, its runs that start from data tend to fail less often. ‖v‖ only grows, and
#   the steps of the direction shrink with ‖v‖²: see [the orthogonal
#   gradient](../questions/backward/orthogonal-gradient.md).
# - **Batch norm is another thing.** It alone trains at a learning rate of 1 in the ReLU network,
#   because it measures mean and variance in every step and not in the first only.
#
# ## Try it
#
# 1. Draw v with a standard deviation of 0.05, as the paper does, and keep g and b: the function is
#    the same. Predict which way the best learning rate of weight norm moves, and by what factor.
# 2. Set `DEPTH = 2`. Does the data-dependent start still matter?
# 3. Take `RATES = (0.003, 0.01, 0.03, 0.1)` and `STEPS = 800`. Where does batch norm lose its lead?
#
# ## Verdict

# %%
RELU, SIGMOID = experiments


def ratio(arm, other, name=RELU, rates=slice(0, 2)):
    """Steps of one arm over steps of the other, summed over rates and seeds."""
    return (needed[name, arm][rates].sum() / needed[name, other][rates].sum()).item()


reparametrized = ratio(WN, PLAIN)
reparametrized_data = ratio(WN_DATA, PLAIN_DATA)
reparametrized_sigmoid = ratio(WN_DATA, PLAIN_DATA, SIGMOID, slice(1, 4))
start = ratio(PLAIN_DATA, PLAIN)
start_wn = ratio(WN_DATA, PLAIN)
trained = {arm: needed[SIGMOID, arm].isfinite().sum().item() for arm in ARMS}
lab.verdict(
    "Weight normalization speeds up training.",
    f"From the same start weight norm needs {reparametrized:.2f} times the steps of the plain "
    f"network ({reparametrized_data:.2f} from data); starting from data shortens the plain "
    f"network's way to {start:.2f}, and in the sigmoid network {trained[PLAIN_DATA]} plain runs "
    f"of 20 train with it, {trained[WN]} with weight norm alone.",
    "no",
    weight_norm_to_plain=reparametrized,
    weight_norm_to_plain_from_data=reparametrized_data,
    plain_from_data_to_plain=start,
    weight_norm_from_data_to_plain=start_wn,
)
# Over four base seeds the first three ratios had a standard deviation of 0.04.
for same in (reparametrized, reparametrized_data, reparametrized_sigmoid):
    assert 0.85 < same < 1.15, same
assert max(start, start_wn) < 0.8, (start, start_wn)
assert trained[PLAIN] == trained[WN] == 0
assert min(trained[PLAIN_DATA], trained[WN_DATA]) >= 12
assert needed[RELU, BN][3].isfinite().all(), "batch norm trains at a learning rate of 1"
assert needed[RELU, WN][3].isinf().all(), "weight norm does not"
