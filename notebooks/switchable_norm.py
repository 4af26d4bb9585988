# ---
# jupyter:
#   bnbank:
#     description: The share of batch norm grows with the batch in the means, not in the variances.
#     cards: [switchable-norm, switchable-norm-and-batch-size]
#     exercises: [switchable_norm]
#     sources: [luo2019-switchable]
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
# # Does switchable norm give up on batch norm when the batch is small?
#
# **The claim.** Switchable norm learns how much to take of instance, layer and batch statistics,
# and the smaller the batch, the less it takes of batch norm: the authors see that in the weights
# of their networks ([`luo2019-switchable`](https://arxiv.org/abs/1806.10779)) and read it as
# a choice against noisy statistics.
#
# **What would refute it.** A share of batch norm that does not rise with the batch size; or one
# that rises for another reason.
#
# There is another reason at hand. With a fixed number of epochs and a learning rate in proportion
# to the batch, a batch of 2 takes 16 times the steps of a batch of 32, and the shares, which all
# start at 1/3, have that much more time to move. So the control takes the same number of steps and
# the same learning rate at every batch size.
#
# Cards: [switchable norm](../questions/family/switchable-norm.md),
# [its weights and the batch size](../questions/family/switchable-norm-and-batch-size.md).
# To write it: `pytest solutions/switchable_norm`.

# %% tags=["setup"]
import lab
import numpy as np
import torch
from torch import nn
from torch.nn import functional

SEEDS = lab.seeds(5)
S, N, EPOCHS, STEPS = len(SEEDS), 500, 8, 400
SIZES = (2, 4, 8, 16, 32)

# %% [markdown]
# ## The layer
#
# For five networks side by side: their channels are groups, and each has logits of its own.
# Instance statistics first; those of the layer and of the batch are averages of them, of the means
# and of q = σ² + μ². It is checked against the exercise's reference.


# %%
class SwitchableNorm(nn.Module):
    """x (images, S·C, H, W). In evaluation the batch part comes from running averages."""

    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.channels, self.eps, self.momentum = channels, eps, momentum
        self.logits = nn.Parameter(torch.zeros(2, 3, S, 1, 1))  # mean, var; instance, layer, batch
        self.weight = nn.Parameter(torch.ones(1, S, channels, 1))
        self.bias = nn.Parameter(torch.zeros(1, S, channels, 1))
        self.register_buffer("running", torch.zeros(2, 1, S, channels, 1))

    def forward(self, x):
        shape = x.shape
        x = x.reshape(len(x), S, self.channels, -1)
        var, mean = torch.var_mean(x, dim=3, correction=0, keepdim=True)
        square = var + mean**2
        layer_mean = mean.mean(2, keepdim=True)
        layer_var = square.mean(2, keepdim=True) - layer_mean**2
        if self.training:
            batch_mean = mean.mean(0, keepdim=True)
            batch_var = square.mean(0, keepdim=True) - batch_mean**2
            now = torch.stack([batch_mean, batch_var]).detach()
            self.running.lerp_(now, self.momentum if self.running.any() else 1.0)
        else:
            batch_mean, batch_var = self.running
        of_mean, of_var = self.logits.softmax(1)
        mean = of_mean[0] * mean + of_mean[1] * layer_mean + of_mean[2] * batch_mean
        var = of_var[0] * var + of_var[1] * layer_var + of_var[2] * batch_var
        y = (x - mean) * (var + self.eps).rsqrt() * self.weight + self.bias
        return y.reshape(shape)

    def shares(self):
        """(mean and variance, S): the share of batch norm."""
        return self.logits.detach().softmax(1)[:, 2, :, 0, 0]


layer = SwitchableNorm(4)
nn.init.normal_(layer.logits)
x = torch.randn(3, S * 4, 5, 5)
reference = lab.reference("switchable_norm").switchable_norm
for s in range(S):
    own = slice(4 * s, 4 * s + 4)
    logits = layer.logits[:, :, s, 0, 0].detach().numpy()
    expected = reference(x[:, own].numpy(), *logits, np.ones(4), np.zeros(4))
    assert np.abs(layer(x)[:, own].detach().numpy() - expected).max() < 1e-5

# %% [markdown]
# ## The runs
#
# Three blocks of convolution, switchable norm and ReLU; strides 2, 2, 1, so the last maps have 2 by
# 2 pixels.

# %%
data = [lab.digits(seed, n=N) for seed in SEEDS]
x_train, x_test = (torch.cat([split[k] for split in data], dim=1) for k in (0, 2))
y_train, y_test = (torch.stack([split[k] for split in data], dim=1) for k in (1, 3))


def network():
    layers, inputs = [], 1
    for width, stride in ((8, 2), (16, 2), (16, 1)):
        layers.append(nn.Conv2d(S * inputs, S * width, 3, stride, 1, groups=S, bias=False))
        layers += [SwitchableNorm(width), nn.ReLU()]
        inputs = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Conv2d(S * inputs, S * 10, 1, groups=S)]
    return nn.Sequential(*layers)


def train(size, steps, rate):
    """Shares of batch norm (2, S), the mean over layers, and test error in percent (S,)."""
    torch.manual_seed(SEEDS[0])
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), rate, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    per_epoch = N // size
    for step in range(steps):
        if step % per_epoch == 0:
            order = torch.randperm(N)
        rows = order[step % per_epoch * size :][:size]
        logits = model(x_train[rows]).reshape(size * S, 10)
        loss = S * functional.cross_entropy(logits, y_train[rows].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    shares = [layer.shares() for layer in model if isinstance(layer, SwitchableNorm)]
    with torch.no_grad():
        wrong = model.eval()(x_test).reshape(-1, S, 10).argmax(-1) != y_test
    return torch.stack(shares).mean(0), 100 * wrong.float().mean(0)


EPOCHS_EQUAL, STEPS_EQUAL = "equal epochs", "equal steps"
shares, wrong = {}, {}
for size in lab.progress(SIZES, "batch sizes"):
    shares[EPOCHS_EQUAL, size], wrong[EPOCHS_EQUAL, size] = train(
        size, EPOCHS * N // size, 0.1 * size / 32
    )
    shares[STEPS_EQUAL, size], wrong[STEPS_EQUAL, size] = train(size, STEPS, 0.05)

for run in (EPOCHS_EQUAL, STEPS_EQUAL):
    print(f"{run:16}" + "".join(f"{f'B = {size}':>14}" for size in SIZES))
    for k, name in enumerate(("mean", "variance")):
        cells = [shares[run, size][k] for size in SIZES]
        print(f"  share, {name:9}" + "".join(f"{c.mean():8.3f}±{c.std():.3f}" for c in cells))
    cells = "".join(
        f"{wrong[run, size].mean():9.1f}±{wrong[run, size].std():.1f} " for size in SIZES
    )
    print("  test error, % " + cells)


# %%
def draw(fig):
    left, right = fig.subplots(1, 2, width_ratios=(3, 2))
    for run in (EPOCHS_EQUAL, STEPS_EQUAL):
        for k, name in enumerate(("mean", "variance")):
            runs = torch.stack([shares[run, size][k] for size in SIZES], dim=1)
            lab.errorbars(left, SIZES, runs, f"of the {name}, {run}")
        errors = torch.stack([wrong[run, size] for size in SIZES], dim=1)
        lab.errorbars(right, SIZES, errors, run)
    left.axhline(1 / 3, lw=0.8, ls=(0, (5, 5)), marker="", color="gray")
    left.set(title="share of batch norm; dashed: the start")
    right.set(title="test error, %")
    for ax in (left, right):
        ax.set(xscale="log", xlabel="batch size")
        ax.set_xticks(SIZES, [str(size) for size in SIZES])
        ax.minorticks_off()
        ax.legend(fontsize=8)


lab.figure(
    draw,
    "Left: the share of batch norm in the mean rises from about a quarter at batch size 2 to "
    "nearly a half at 32, with equal epochs and with equal steps; its share in the variance rises "
    "a little with equal epochs and is flat with equal steps. Right: test error.",
    size=(9, 3.8),
)

# %% [markdown]
# ## What to read from it
#
# - **In the means the claim holds**, and it survives the control: below 1/3 at a batch of 2 or 4,
#   above it from 8 on, also with equal steps and learning rate.
# - **In the variances it does not**: the rise is there with equal epochs only. What looks like a
#   choice of statistics is there a choice of steps and learning rate.
# - **Most of the rise is between 4 and 16**; then it levels off. With maps of 2 by 2 a batch of 16
#   has 64 values per channel in the last layer.
# - **A share is not a merit.** With equal epochs the test error hardly depends on the batch size:
#   the mixture gets along with any of them. With equal steps the small batches have seen fewer
#   images, 2 · 400 against 32 · 400, and err more.
#
# ## Try it
#
# 1. Use strides 1, 1, 2: more pixels a map. Predict where the share of a batch of 2 goes.
# 2. Start all logits at (0, 0, 3), nearly pure batch norm. Which batch sizes come back from it?
# 3. Freeze the logits at 0. How much test error do the learned shares save, at which sizes?
#
# ## Verdict

# %%
SMALL, LARGE = 2, 32
rise = {
    (run, name): shares[run, LARGE][k] - shares[run, SMALL][k]
    for run in (EPOCHS_EQUAL, STEPS_EQUAL)
    for k, name in enumerate(("mean", "variance"))
}
words = {key: f"{values.mean():+.2f} ± {values.std():.2f}" for key, values in rise.items()}
lab.verdict(
    "Switchable norm takes less of batch norm, the smaller the batch.",
    f"From a batch of {SMALL} to {LARGE} the share of batch norm in the mean changes by "
    f"{words[EPOCHS_EQUAL, 'mean']} with equal epochs and {words[STEPS_EQUAL, 'mean']} with equal "
    f"steps, that in the variance by {words[EPOCHS_EQUAL, 'variance']} and "
    f"{words[STEPS_EQUAL, 'variance']}.",
    "partly",
    mean_share_rise_equal_epochs=rise[EPOCHS_EQUAL, "mean"].mean(),
    mean_share_rise_equal_steps=rise[STEPS_EQUAL, "mean"].mean(),
    variance_share_rise_equal_epochs=rise[EPOCHS_EQUAL, "variance"].mean(),
    variance_share_rise_equal_steps=rise[STEPS_EQUAL, "variance"].mean(),
)
# Over four base seeds about 0.24, 0.17, 0.06 and 0.01.
assert rise[EPOCHS_EQUAL, "mean"].mean() > 0.12, rise
assert rise[STEPS_EQUAL, "mean"].mean() > 0.06, rise
assert 0.02 < rise[EPOCHS_EQUAL, "variance"].mean() < 0.12, rise
assert abs(rise[STEPS_EQUAL, "variance"].mean()) < 0.045, rise
