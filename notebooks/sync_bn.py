# ---
# jupyter:
#   bnbank:
#     description: Processes that synchronize compute what one process does on the whole batch.
#     cards: [sync-batch-norm, merging-shards]
#     exercises: [sync_bn, sync_bn_distributed]
#     sources: [torch-syncbatchnorm]
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
# # Is synchronized batch norm the same as one large batch?
#
# **The claim.** With synchronized statistics K processes compute what one process computes on the
# whole batch. In
# [`torch-syncbatchnorm`](https://docs.pytorch.org/docs/stable/generated/torch.nn.SyncBatchNorm.html)
# mean and standard deviation "are calculated per-dimension over all mini-batches of the same
# process groups".
#
# **What would refute it.** Outputs, gradients or running statistics that differ by more than the
# order of summation explains, for any split of the batch.
#
# Three controls do almost the same thing, each a mistake that has been made: no exchange; variances
# that are averaged, without the spread between the means; an exchange in the forward pass only,
# which autograd knows nothing of.
#
# Cards: [synchronized batch norm](../questions/small-batches/sync-batch-norm.md),
# [merging shards](../questions/small-batches/merging-shards.md).
# To write it: `pytest solutions/sync_bn`, `pytest solutions/sync_bn_distributed`.

# %% tags=["setup"]
import multiprocessing
import os
import tempfile

os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")

import lab
import numpy as np
import torch
from torch import distributed, nn

SEEDS = lab.seeds(5)
BATCH, CHANNELS = 8, 6
SyncBatchNorm = lab.reference("sync_bn_distributed").SyncBatchNorm

# %% [markdown]
# ## Real processes, on the CPU
#
# torch's own `SyncBatchNorm` refuses CPU tensors. The reference of `sync_bn_distributed` takes any
# backend; here it is gloo. The two wrong ways share the forward pass below and differ in what they
# exchange.


# %%
def everyones_mean(local):
    """The mean over processes; no gradient passes through what the others sent."""
    total = local.detach().clone()
    distributed.all_reduce(total)
    return total / distributed.get_world_size()


class AlmostSynchronized(nn.BatchNorm2d):
    """Equal shards only. `spread`: measure the variance from the common mean."""

    spread = True

    def forward(self, x):
        mean = x.mean((0, 2, 3))
        # The value of everyone's mean, the gradient of the own.
        common = mean + (everyones_mean(mean) - mean).detach()
        distance = x - (common if self.spread else mean)[:, None, None]
        var = distance.square().mean((0, 2, 3))
        var = var + (everyones_mean(var) - var).detach()
        x_hat = (x - common[:, None, None]) / (var + self.eps).sqrt()[:, None, None]
        return x_hat * self.weight[:, None, None] + self.bias[:, None, None]


class VariancesAveraged(AlmostSynchronized):
    spread = False


SYNC, LOCAL, AVERAGED, FORWARD = WAYS = (
    "synchronized",
    "no exchange",
    "variances averaged",
    "forward only",
)
KINDS = dict(
    zip(WAYS, (SyncBatchNorm, nn.BatchNorm2d, VariancesAveraged, AlmostSynchronized), strict=True)
)


# %% [markdown]
# Two blocks of convolution, norm and ReLU. The images of a batch differ in brightness, as those of
# two cameras would, so that shards differ. A random `dy` stands for the loss. Gradients of
# parameters are summed over processes, as data-parallel training does.


# %%
def step(norm, rows, seed, dtype):
    """One training step on these rows of the batch: what comes out, by name."""
    torch.manual_seed(seed)
    x = (torch.randn(BATCH, 3, 6, 6) + torch.arange(BATCH)[:, None, None, None] / 4).to(dtype)
    dy = torch.randn(BATCH, CHANNELS, 6, 6).to(dtype)
    blocks = []
    for inputs in (3, CHANNELS):
        blocks += [nn.Conv2d(inputs, CHANNELS, 3, padding=1, bias=False), norm(CHANNELS), nn.ReLU()]
    model = nn.Sequential(*blocks).to(dtype)
    x = x[rows].clone().requires_grad_()
    y = model(x)
    y.backward(dy[rows])
    gradient = torch.cat([p.grad.flatten() for p in model.parameters()])
    if distributed.is_initialized():
        distributed.all_reduce(gradient)
    return {
        "output": y.detach(),
        "input gradient": x.grad,
        "parameter gradient": gradient,
        "running statistics": torch.cat([b.flatten().to(dtype) for b in model.buffers()]),
    }


def work(rank, splits, tasks, store, queue):
    """One process: all tasks (way, seed, dtype), its rows of each."""
    store = distributed.FileStore(store, len(splits))
    distributed.init_process_group("gloo", store=store, rank=rank, world_size=len(splits))
    results = [step(KINDS[way], splits[rank], seed, dtype) for way, seed, dtype in tasks]
    queue.put((rank, [{k: v.numpy() for k, v in result.items()} for result in results]))
    distributed.barrier()
    distributed.destroy_process_group()


def alone(tasks, queue):
    """The truth: one process, torch's BatchNorm2d, the whole batch."""
    results = [step(nn.BatchNorm2d, slice(None), seed, dtype) for _, seed, dtype in tasks]
    queue.put((0, [{k: v.numpy() for k, v in result.items()} for result in results]))


def run(target, arguments):
    """Start a process per tuple of arguments; what each has put into the queue, in order."""
    fork = multiprocessing.get_context("fork")
    queue = fork.Queue()
    processes = [fork.Process(target=target, args=(*given, queue)) for given in arguments]
    for process in processes:
        process.start()
    results = [queue.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    return [result for _, result in sorted(results, key=lambda pair: pair[0])]


def off_by(counts, tasks):
    """For shards of these sizes: errors relative to the largest value, by name, one per task."""
    ends = np.cumsum(counts)
    splits = [slice(end - count, end) for end, count in zip(ends, counts, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        store = os.path.join(folder, "store")
        shards = run(work, [(rank, splits, tasks, store) for rank in range(len(counts))])
    (truth,) = run(alone, [(tasks,)])
    errors = []
    for right, *parts in zip(truth, *shards, strict=True):
        whole = dict(parts[0])
        for name in ("output", "input gradient"):
            whole[name] = np.concatenate([part[name] for part in parts])
        errors.append({k: np.abs(whole[k] - v).max() / np.abs(v).max() for k, v in right.items()})
    return {name: np.array([error[name] for error in errors]) for name in errors[0]}


# %%
SHARDS = ((8,), (4, 4), (2, 2, 2, 2), (1, 7), (1, 2, 5))
tasks = [(SYNC, seed, dtype) for dtype in (torch.float32, torch.float64) for seed in SEEDS]
exact = {counts: off_by(counts, tasks) for counts in lab.progress(SHARDS, "shards")}
NAMES = tuple(exact[SHARDS[0]])
for title, half in (("float32", slice(0, 5)), ("float64", slice(5, 10))):
    print(f"{title + ', synchronized':24}" + "".join(f"{name:>20}" for name in NAMES))
    for counts, errors in exact.items():
        cells = "".join(f"{errors[name][half].max():20.0e}" for name in NAMES)
        print(f"{'+'.join(map(str, counts)):24}" + cells)

# %%
tasks = [(way, seed, torch.float64) for way in WAYS for seed in SEEDS]
two = {name: runs.reshape(len(WAYS), -1) for name, runs in off_by((4, 4), tasks).items()}
print(f"{'4+4, float64':24}" + "".join(f"{name:>20}" for name in NAMES[:3]))
for k, way in enumerate(WAYS):
    print(f"{way:24}" + "".join(f"{two[name][k].mean():20.1e}" for name in NAMES[:3]))


# %%
def draw(fig):
    left, right = fig.subplots(1, 2, width_ratios=(3, 2))
    places = np.arange(len(SHARDS))
    for k, name in enumerate(NAMES):
        x = places + 0.08 * (k - 1.5)
        single, double = (
            np.stack([exact[counts][name][half] for counts in SHARDS], axis=1)
            for half in (slice(0, 5), slice(5, 10))
        )
        line = lab.errorbars(left, x, single, name, median=True)[0]
        alike = {"color": line.get_color(), "marker": line.get_marker()}
        lab.errorbars(left, x, double, "", median=True, ls="", **alike)
    left.set_xticks(places, ["+".join(map(str, counts)) for counts in SHARDS])
    left.text(len(SHARDS) - 1.4, 5e-9, "above: float32", va="bottom", ha="right")
    left.text(len(SHARDS) - 1.4, 1e-14, "below: float64", va="bottom", ha="right")
    left.set(yscale="log", xlabel="images per process", title="error, synchronized")
    left.set_ylim(1e-17, 1e-5)
    left.legend(fontsize=7.5, loc="center left", bbox_to_anchor=(0, 0.6))
    for k, name in enumerate(NAMES[:3]):
        x = np.arange(len(WAYS)) + 0.12 * (k - 1)
        lab.errorbars(right, x, 100 * two[name].T, name, ls="")
    right.set_xticks(range(len(WAYS)), [way.replace(" ", "\n") for way in WAYS], fontsize=8)
    right.set(title="error, %, 4+4")


lab.figure(
    draw,
    "Left: errors of synchronized batch norm are those of rounding for every split of the batch, "
    "in both precisions. Right: without exchange, with averaged variances or with an exchange in "
    "the forward pass only, errors are 10 to 75 percent.",
    size=(9.5, 4),
)

# %% [markdown]
# ## What to read from it
#
# - **Exact, for every split.** The error with one process is as large as with four: it is the order
#   of summation and not the exchange. Uneven shards are exact as well, because counts are sent.
# - **Averaged variances** forget how far the means of the shards lie apart.
# - **Forward only** has the right output, so that a test of the output finds nothing, and a wrong
#   gradient: what a value does to the others' statistics is missing.
# - **Not shown**: that synchronizing helps. It makes m larger, which matters where m per process is
#   small, and costs two exchanges a layer.
#
# ## Try it
#
# 1. Take the brightness off (`/ 4` to `* 0`). Predict which of the three mistakes become harmless.
# 2. Use `BATCH = 64` and (32, 32). How fast do the errors of the mistakes fall?
# 3. Give `AlmostSynchronized` uneven shards, (1, 7). What goes wrong with equal weights?
#
# ## Verdict

# %%
single = max(runs[:5].max() for runs in exact[(8,)].values())
many = max(runs[:5].max() for counts in SHARDS[1:] for runs in exact[counts].values())
many_double = max(runs[5:].max() for counts in SHARDS[1:] for runs in exact[counts].values())
output, gradient = (two[name].mean(1) for name in NAMES[:2])
lab.verdict(
    "Synchronized batch norm on K processes is batch norm on the whole batch.",
    f"Over all splits the largest error is {many:.0e} in float32, {single:.0e} with a single "
    f"process, and {many_double:.0e} in float64; without exchange the output is off by "
    f"{output[1]:.0%}, with averaged variances by {output[2]:.0%}, and with an exchange in the "
    f"forward pass only the input's gradient by {gradient[3]:.0%}.",
    "yes",
    worst_float32=many,
    worst_float32_one_process=single,
    worst_float64=many_double,
    output_error_without_exchange=output[1],
    output_error_averaged_variances=output[2],
    gradient_error_forward_only=gradient[3],
)
assert many < 5e-6, many
assert many_double < 1e-13, many_double
assert many < 5 * single, (many, single)
assert output[1] > 0.1, output
assert output[2] > 0.03, output
assert output[3] < 1e-12, "the forward pass alone looks right"
assert gradient[3] > 0.02, gradient
