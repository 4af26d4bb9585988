# ---
# jupyter:
#   bnbank:
#     description: Standing statistics are ahead at small learning rates and lose at large ones.
#     cards: [freezing, frozen-bn-in-detection]
#     exercises: [freeze_bn]
#     sources: [chen2019-mmdetection]
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
# # Freezing batch norm: the four cells of MMDetection's table
#
# **The claim.** Fine-tuning with few images a device, batch norm should be frozen. In MMDetection's
# ablation ([`chen2019-mmdetection`](https://arxiv.org/abs/1906.07155), section 5.2 and table 6)
# Mask R-CNN with two images per GPU has these box APs:
#
# | `eval` (statistics stand still) | `requires_grad` (γ and β are trained) | 1x | 2x |
# |---|---|---|---|
# | no | yes | 34.2 | |
# | yes | no | 37.4 | 37.9 |
# | yes | yes | 37.3 | 38.5 |
#
# The statistics matter by three points, γ and β by a tenth. They are single runs at one learning
# rate, and three of the eight cells are empty.
#
# **What would refute it.** Standing statistics that are no better with a batch of two; or a
# difference made by γ and β as large as that made by the statistics.
#
# What the table cannot say is what becomes of it at other learning rates: a frozen layer does not
# normalize any more. So the learning rate is varied here.
#
# Cards: [freezing](../questions/train-and-test/freezing.md),
# [frozen batch norm in detection](../questions/applications/frozen-bn-in-detection.md).
# To write it: `pytest solutions/freeze_bn`.

# %% tags=["setup"]
import lab
import torch
from torch import nn
from torch.nn import functional

SEEDS = lab.seeds(5)
S, PRETRAIN, TUNE = len(SEEDS), 700, 150
RATES = (3e-4, 1e-3, 3e-3, 1e-2)
CELLS = {  # (eval, requires_grad)
    "eval, affine trained": (True, True),
    "eval, affine fixed": (True, False),
    "batch, affine trained": (False, True),
    "batch, affine fixed": (False, False),
}

# %% [markdown]
# ## Sixty networks in one
#
# Networks stand side by side as groups: five seeds for the pretraining, and for the fine-tuning
# three tasks × four learning rates × five seeds. No network knows of another.
#
# Pretraining: 700 digits, batches of 50. Fine-tuning: 150 other digits, batches of **two**, of
# three kinds:
#
# - **same**: digits as before;
# - **mixed**: each image with a contrast and a brightness of its own. As in photographs, two images
#   are then a poor sample of all;
# - **inverted**: black for white in all images, so that all stored statistics are off.


# %%
def network(copies):
    def block(inputs, outputs, stride):
        conv = nn.Conv2d(copies * inputs, copies * outputs, 3, stride, 1, groups=copies, bias=False)
        return conv, nn.BatchNorm2d(copies * outputs), nn.ReLU()

    return nn.Sequential(
        *block(1, 8, 1),
        *block(8, 16, 2),
        *block(16, 16, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Conv2d(copies * 16, copies * 10, 1, groups=copies),
        nn.Unflatten(1, (copies, 10)),
        nn.Flatten(2),
    )


def train(model, x, y, rates, epochs, batch, schedule=lambda done: 1.0):
    """SGD with momentum 0.9; x (images, copies, 8, 8), y (images, copies), a rate per copy."""
    trained = [p for p in model.parameters() if p.requires_grad]
    velocity = [torch.zeros_like(p) for p in trained]
    steps = epochs * (len(x) // batch)
    rows = torch.cat([torch.randperm(len(x)) for _ in range(epochs)]).split(batch)
    for step, row in enumerate(lab.progress(rows[:steps], "steps")):
        logits = model(x[row])
        loss = functional.cross_entropy(logits.flatten(0, 1), y[row].flatten()) * len(rates)
        gradients = torch.autograd.grad(loss, trained)
        with torch.no_grad():
            for p, v, gradient in zip(trained, velocity, gradients, strict=True):
                v.mul_(0.9).add_(gradient)
                rate = rates.repeat_interleave(len(p) // len(rates)) * schedule(step / steps)
                p -= rate.reshape(-1, *[1] * (p.ndim - 1)) * v
    return model


@torch.no_grad()
def accuracy(model, x, y):
    """In percent, per copy."""
    return 100 * (model.eval()(x).argmax(-1) == y).float().mean(0)


def mixed(x, random):
    """Contrast from 1/3 to 3 and brightness from -1.5 to 1.5, new for each image."""
    contrast, brightness = torch.rand(2, *x.shape[:2], 1, 1, generator=random) * 2 - 1
    return x * 3**contrast + 1.5 * brightness


TASKS = {"same": lambda x, random: x, "mixed": mixed, "inverted": lambda x, random: -x}
data = [lab.digits(seed, n=PRETRAIN + TUNE) for seed in SEEDS]
x_all, x_test = (torch.cat([split[k] for split in data], dim=1) for k in (0, 2))
y_all, y_test = (torch.stack([split[k] for split in data], dim=1) for k in (1, 3))

torch.manual_seed(SEEDS[0])
x, y = x_all[:PRETRAIN], y_all[:PRETRAIN]
pretrained = train(network(S), x, y, torch.full((S,), 0.1), epochs=10, batch=50)
random = torch.Generator().manual_seed(SEEDS[0])
tests = {task: change(x_test, random) for task, change in TASKS.items()}
for task, images in tests.items():
    value = accuracy(pretrained, images, y_test)
    print(f"pretrained, on {task}: {value.mean():.1f}±{value.std():.1f} %")

# %% [markdown]
# ## The four cells
#
# `freeze_bn` is the exercise's reference. The learning rate drops by 10 after two thirds of the
# steps.

# %%
freeze_bn = lab.reference("freeze_bn").freeze_bn
COPIES = len(TASKS) * len(RATES)
rates = torch.tensor(RATES).repeat_interleave(S).repeat(len(TASKS))


def per_rate(tasks):
    return torch.cat([x.repeat(1, len(RATES), 1, 1) for x in tasks], dim=1)


x_tune = per_rate([change(x_all[PRETRAIN:], random) for change in TASKS.values()])
y_tune, y_tests = y_all[PRETRAIN:].repeat(1, COPIES), y_test.repeat(1, COPIES)


def widened(model):
    wide = network(COPIES * S)
    for own, given in zip(wide.state_dict().values(), model.state_dict().values(), strict=True):
        own.copy_(given.repeat(COPIES, *[1] * (given.ndim - 1)) if given.ndim else given)
    return wide


def dropped(done):
    """The schedule: a tenth of the learning rate after two thirds of the steps."""
    return 1.0 if done < 2 / 3 else 0.1


result = {}  # (tasks, rates, seeds)
for cell, (stands, trained) in CELLS.items():
    torch.manual_seed(SEEDS[0])
    model = freeze_bn(widened(pretrained), stats=stands, affine=not trained).train()
    train(model, x_tune, y_tune, rates, epochs=4, batch=2, schedule=dropped)
    value = accuracy(model, per_rate(tests.values()), y_tests)
    result[cell] = value.reshape(len(TASKS), len(RATES), S)

print(f"test accuracy, %{'':8}" + "".join(f"{f'LR {rate:g}':>13}" for rate in RATES))
for k, task in enumerate(TASKS):
    print(task)
    for cell, runs in result.items():
        cells = [f"{row.mean():.1f}±{row.std():.1f}" for row in runs[k]]
        print(f"  {cell:22}" + "".join(f"{c:>13}" for c in cells))


# %%
def draw(fig):
    axes = fig.subplots(1, len(TASKS), sharey=True)
    for k, (ax, task) in enumerate(zip(axes, TASKS, strict=True)):
        for shift, (cell, runs) in enumerate(result.items()):
            x = [rate * 1.06 ** (shift - 1.5) for rate in RATES]
            lab.errorbars(ax, x, runs[k].T, cell)
        ax.set(title=task, xscale="log", xlabel="learning rate")
        ax.set_xticks(RATES, ["0.0003", "0.001", "0.003", "0.01"])
        ax.minorticks_off()
    axes[0].set(ylabel="test accuracy, %")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)


lab.figure(
    draw,
    "Test accuracy against the learning rate for three tasks and four cells. Standing statistics "
    "are ahead at small learning rates, most on the mixed task, and collapse at 0.01, where batch "
    "statistics hold; trained or fixed affine parameters make lines that overlap.",
    size=(10, 3.8),
)

# %% [markdown]
# ## What to read from it
#
# - **At a small learning rate the table's order appears**: standing statistics are ahead, by most
#   where the images of a batch differ, by next to nothing where two digits are a fair sample.
# - **It turns over.** At 0.01 standing statistics lose the network and batch statistics do not:
#   what does not normalize does not keep a weight that has grown from blowing up its output. The
#   best learning rate of a frozen network is lower.
# - **γ and β** trained or fixed: no difference that stands out from the seeds where training is
#   stable.
# - **Wrong statistics** (`inverted`) are no bar to freezing, but they take away its lead at the
#   best learning rates: batch statistics are right from the first step on.
#
# ## Try it
#
# 1. Set `batch=10` in the fine-tuning. Predict which of the four lines move, and on which task.
# 2. Take only 50 images to fine-tune, and 12 epochs. Does fixing γ and β help now?
# 3. Unfreeze halfway: `unfreeze_bn` of the same reference. Predict the accuracy on `mixed`.
#
# ## Verdict

# %%
standing = torch.stack([result["eval, affine trained"], result["eval, affine fixed"]]).mean(0)
moving = torch.stack([result["batch, affine trained"], result["batch, affine fixed"]]).mean(0)
lead = (standing - moving).mean(-1)  # (tasks, rates)
affine = torch.stack(
    [
        result[f"{kind}, affine trained"] - result[f"{kind}, affine fixed"]
        for kind in ("eval", "batch")
    ]
)
affine = affine[..., :2, :].mean((0, -1))  # (tasks, the two rates at which all cells train)
at_best = standing.mean(-1).amax(1) - moving.mean(-1).amax(1)  # per task
SAME, MIXED, INVERTED = range(3)
lab.verdict(
    "With two images per GPU batch norm should be frozen in fine-tuning.",
    f"At a learning rate of 0.0003 standing statistics are {lead[MIXED, 0]:+.1f} points ahead on "
    f"mixed images and {lead[SAME, 0]:+.1f} on uniform ones, at 0.01 {lead[MIXED, 3]:+.0f} and "
    f"{lead[SAME, 3]:+.0f}; with the best learning rate for each it is {at_best[MIXED]:+.1f} on "
    f"mixed and {at_best[INVERTED]:+.1f} on inverted images; training γ and β makes "
    f"{affine.abs().max():.1f} points at most.",
    "partly",
    lead_mixed_small_rate=lead[MIXED, 0],
    lead_same_small_rate=lead[SAME, 0],
    lead_mixed_large_rate=lead[MIXED, 3],
    lead_same_large_rate=lead[SAME, 3],
    lead_mixed_at_best_rates=at_best[MIXED],
    lead_inverted_at_best_rates=at_best[INVERTED],
    affine_trained_minus_fixed_most=affine.abs().max(),
)
# Over four base seeds: 5.8 to 12.9, 0.2 to 1.1, -54 to -70, -15 to -28, 3.8 to 8.3.
assert lead[MIXED, 0] > 2, lead
assert abs(lead[SAME, 0]) < 3, lead
assert lead[MIXED, 3] < -25, lead
assert lead[SAME, 3] < -5, lead
assert at_best[MIXED] > max(0, at_best[INVERTED]), at_best
assert affine.abs().max() < 4, affine
