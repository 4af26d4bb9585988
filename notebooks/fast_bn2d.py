# ---
# jupyter:
#   bnbank:
#     description: What a fast batch norm in NumPy saves is trips to memory, not operations.
#     cards: [memory-bound]
#     exercises: [fast_bn2d]
#     sources: [gitman2017]
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
# # From a channel loop to a few passes
#
# **The claim.** Batch norm is "a memory-bandwidth bounded operation"
# ([`gitman2017`](https://arxiv.org/abs/1709.08145), abstract): it computes little and moves much,
# about ten operations a value, and every value comes from memory and goes back there. If so, the
# question at each step below is not how many operations it takes but how many trips to memory.
#
# **What would refute it.** The usual advice to be right: that the loop over channels in Python is
# what is slow, and that to write it for all channels at once makes it fast.
#
# All in float32 on one thread. Rivals run in turn, in five rounds; in each the shortest time
# counts, because whatever else the machine does only ever adds.
#
# Card: [limited by memory](../questions/numerics/memory-bound.md). To write it, and be timed:
# `pytest solutions/fast_bn2d`.

# %% tags=["setup"]
import time

import lab
import numpy as np

SHAPE = (32, 64, 56, 56)
random = np.random.default_rng(lab.seeds(1)[0])
x = random.standard_normal(SHAPE, np.float32) * 2 + 1
dy = random.standard_normal(SHAPE, np.float32)
weight, bias = random.standard_normal((2, SHAPE[1]), np.float32) + 1
EPS = np.float32(1e-5)


def shortest(calls, turns=4, rounds=5):
    """{name: (rounds,) shortest times in ms}; the calls take turns."""
    times = {name: np.full(rounds, np.inf) for name in calls}
    for k in range(rounds):
        for _ in range(turns):
            for name, call in calls.items():
                start = time.perf_counter()
                answer = call()
                times[name][k] = min(times[name][k], 1e3 * (time.perf_counter() - start))
                del answer
    return times


def tell(times):
    """Print times, each with what it would be worth in copies."""
    for name, took in times.items():
        print(f"{name:38s} {took.min():7.2f} ms {took.min() / floor:6.1f} copies")


# %% [markdown]
# ## The floor
#
# Nothing can be faster than reading x once and writing y once. A copy does that and no more.

# %%
room = np.empty_like(x)
floor = shortest({"copy": lambda: np.copyto(room, x)})["copy"].min()
print(f"{x.nbytes / 1e6:.1f} MB in, as many out, in {floor:.2f} ms")
print(f"that is {2 * x.nbytes / floor / 1e6:.0f} GB/s")

# %% [markdown]
# ## The channel loop
#
# As one would write it first. `np.zeros(x.shape)` is float64, whatever x is: that doubles the bytes
# of y, and of everything that comes after.


# %%
def channel_loop(x, weight, bias, dtype=np.float32):
    y = np.zeros(x.shape, dtype)
    for c in range(x.shape[1]):
        mean, var = x[:, c].mean(), x[:, c].var()
        y[:, c] = weight[c] * (x[:, c] - mean) / np.sqrt(var + EPS) + bias[c]
    return y


def naive(x, weight, bias):
    mean, var = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
    return weight[:, None, None] * ((x - mean) / np.sqrt(var + EPS)) + bias[:, None, None]


first = shortest(
    {
        "channel loop, float64 out": lambda: channel_loop(x, weight, bias, np.float64),
        "channel loop, float32 out": lambda: channel_loop(x, weight, bias),
        "all channels at once": lambda: naive(x, weight, bias),
    }
)
tell(first)

# %% [markdown]
# Writing it without the loop gains little or nothing. 64 turns of a Python loop cost microseconds,
# and the loop has an advantage: one channel, 0.4 MB, stays in the cache while mean, var, difference
# and quotient go over it. At once, each of those goes over all 25.7 MB, out to memory and back:
#
# | | reads | writes |
# |---|---|---|
# | `x.mean` | x | |
# | `x.var` | x, d, d² | d, d² |
# | `x - mean` | x | t |
# | `/ sqrt` | t | u |
# | `weight *` | u | v |
# | `+ bias` | v | y |
#
# Fourteen trips where two would do, and new arrays of 25.7 MB whose pages the system hands out one
# by one, to be thrown away.

# %% [markdown]
# ## Fewer trips
#
# One array, worked on in place, and the squares summed as a product with itself: `einsum`
# makes no d² that is as large as x.


# %%
def in_place(x, weight, bias):
    y = x - x.mean((0, 2, 3), keepdims=True)
    var = np.einsum("nchw,nchw->c", y, y) / np.float32(x.size // x.shape[1])
    y *= (weight / np.sqrt(var + EPS))[:, None, None]
    y += bias[:, None, None]
    return y


second = shortest({"in place, einsum": lambda: in_place(x, weight, bias)})
tell(second)

# %% [markdown]
# ## The tempting one: raw moments
#
# E[x²] − E[x]² needs no centred array, so that sums, squares and y = a·x + c are all that is left.


# %%
def raw_moments(x, weight, bias):
    m = np.float32(x.size // x.shape[1])
    rows = x.reshape(*x.shape[:2], -1)
    mean = (rows @ np.ones(rows.shape[2], x.dtype)).sum(0) / m
    var = np.einsum("ncl,ncl->c", rows, rows) / m - mean**2
    scale = weight / np.sqrt(var + EPS)
    y = rows * scale[:, None]
    y += (bias - scale * mean)[:, None]
    return y.reshape(x.shape)


third = shortest({"raw moments": lambda: raw_moments(x, weight, bias)})
tell(third)


# %% [markdown]
# It is fast, and it is wrong as soon as the mean is large beside the spread. At a mean of 10,000
# the two terms are 10⁸ and agree in all seven digits that float32 has; what is left is rounding,
# often negative, and its root is NaN.


# %%
reference = lab.reference("fast_bn2d")


def worst(call, mean, plain=(1.0, 0.0)):
    """The largest error of y where the mean is so many standard deviations."""
    small = (random.standard_normal((16, 8, 28, 28)) + mean).astype(np.float32)
    w, b = (np.full(8, value, np.float32) for value in plain)
    wide = small.astype(np.float64)
    centred = wide - wide.mean((0, 2, 3), keepdims=True)
    right = centred / np.sqrt((centred**2).mean((0, 2, 3), keepdims=True) + 1e-5)
    with np.errstate(invalid="ignore"):
        return np.abs(call(small, w, b) - right).max()


rivals = {"naive": naive, "in place": in_place, "raw moments": raw_moments}
rivals["few passes"] = reference.batch_norm_2d
errors = {name: [worst(call, mean) for mean in (0, 1e2, 1e3, 1e4)] for name, call in rivals.items()}
print(f"{'largest error, mean =':24s}{0:>10d}{100:>10d}{1000:>10d}{10_000:>10d}")
for name, off in errors.items():
    print(f"{name:24s}" + "".join(f"{value:10.1e}" for value in off))

# %% [markdown]
# The last row centres first, with something near the mean: the mean of the first image. It need
# not be the mean itself. With d = x − k the variance is E[d²] − E[d]² for any k, and where k is
# near the mean nothing cancels. An outlying first image does no harm either: it makes the variance
# large.
#
# The rows above the last lose digits because a mean in float32 is itself rounded, to 5·10⁻⁴ of a
# deviation at 10,000. d is exact, and so is what is summed of it.

# %% [markdown]
# ## Pieces that fit the cache
#
# Statistics and normalization are two trips over x, because no value can be normalized before the
# last has been seen. But a channel's statistics need that channel alone: take a few channels, and
# the second trip finds them in the cache. Too few, and Python's calls cost more than memory does;
# too many, and the cache does not hold them.

# %%
sizes = [2**power for power in (17, 19, 20, 21, 22, 23, 25)]


def with_slab(size):
    reference.SLAB = size
    return reference.batch_norm_2d(x, weight, bias)


pieces = shortest({size: lambda size=size: with_slab(size) for size in sizes})
for size, took in pieces.items():
    print(f"{size / 2**20:6.3f} MiB at a time {took.min():7.2f} ms")
reference.SLAB = 2**22

# %% [markdown]
# ## What is left are the calls themselves
#
# In the cache the operations show. Two habits cost a factor each:
#
# - `(C, 1)` that is stretched along a row keeps NumPy from its widest loop. Written out once for
#   the pixels of an image, it is read from the cache and costs less than it saves.
# - `sum` adds in pairs and `einsum` in narrow registers; BLAS, which a matrix product and `vecdot`
#   call, uses the wide ones.

# %%
d = random.standard_normal((64, 3136), np.float32)[:16]
into, factor = np.empty_like(d), random.standard_normal((16, 1), np.float32)
written_out, ones = np.repeat(factor, d.shape[1], axis=1), np.ones(d.shape[1], np.float32)
small = shortest(
    {
        "times (C, 1), stretched": lambda: np.multiply(d, factor, out=into),
        "times (C, L), written out": lambda: np.multiply(d, written_out, out=into),
        "sum": lambda: d.sum(axis=1),
        "matrix product with ones": lambda: d @ ones,
        "einsum with itself": lambda: np.einsum("cl,cl->c", d, d),
        "vecdot with itself": lambda: np.vecdot(d, d),
    },
    turns=60,
)
for name, took in small.items():
    print(f"{name:30s} {1e3 * took.min():6.1f} µs for {d.nbytes / 1e3:.0f} kB")

# %% [markdown]
# ## There and back
#
# All steps beside each other, and the backward pass, where the same holds: dx is linear in dy and
# in d = x − k, so per channel two factors and one constant do, and the arrays x̂, dx̂ and so on of
# the textbook never exist.


# %%
def naive_backward(dy, x, weight):
    axes, m = (0, 2, 3), np.float32(x.size // x.shape[1])
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    inv_std = 1 / np.sqrt(var + EPS)
    x_hat = (x - mean) * inv_std
    dweight, dbias = (dy * x_hat).sum(axes, keepdims=True), dy.sum(axes, keepdims=True)
    dx = weight[:, None, None] * inv_std * (dy - dbias / m - x_hat * dweight / m)
    return dx, dweight.ravel(), dbias.ravel()


forward = shortest(
    {
        "channel loop": lambda: channel_loop(x, weight, bias),
        "all channels at once": lambda: naive(x, weight, bias),
        "in place, einsum": lambda: in_place(x, weight, bias),
        "raw moments (wrong)": lambda: raw_moments(x, weight, bias),
        "few passes": lambda: reference.batch_norm_2d(x, weight, bias),
    },
)
tell(forward)
print()
backward = shortest(
    {
        "backward: all channels at once": lambda: naive_backward(dy, x, weight),
        "backward: few passes": lambda: reference.batch_norm_2d_backward(dy, x, weight),
    },
)
tell(backward)


# %%
def draw(fig):
    ax = fig.subplots()
    for times, label in ((forward, "forward"), (backward, "backward")):
        names = [name.removeprefix("backward: ") for name in times]
        copies = np.stack(list(times.values()), 1) / floor
        lab.errorbars(ax, names, copies, label, linestyle="none")
    ax.axhline(1, color="gray", linewidth=1)
    ax.set(ylabel="time, in copies of x", ylim=(0, None))
    ax.tick_params(axis="x", labelrotation=15)
    ax.legend()


lab.figure(
    draw,
    "Time of each version in copies of x, mean and standard deviation of five rounds. The channel "
    "loop is no slower than all channels at once; few passes take less than half.",
)

# %% [markdown]
# Where is torch? `python benchmarks/speed.py` runs it beside these, and beside numba, which needs
# no temporary array at all: there each value is centred, squared and summed in a register.
# torch's forward pass sums in float64, which is slow and exact; its backward pass is good.
#
# ## Try it
#
# 1. `SHAPE = (32, 64, 7, 7)`: all of x fits the cache. What is left of the order?
# 2. `dtype=np.float64` in the channel loop. How much of the time is bytes?
# 3. `SHAPE = (2, 2048, 7, 7)`: many channels, few values each. Is the loop still no matter?
#
# ## Verdict

# %%
least = {name: took.min() for name, took in (forward | backward).items()}
few = least["few passes"]
gain = least["all channels at once"] / few
gain_back = least["backward: all channels at once"] / least["backward: few passes"]
loop = least["channel loop"] / least["all channels at once"]

assert gain > 1.5, "fewer trips make it faster"
assert gain_back > 1.4, "backward, too"
assert loop < 2, "a loop over channels is not what is slow"
assert errors["few passes"][3] < 1e-5, "stable at a mean of 10,000 deviations"
assert not errors["raw moments"][3] < 0.1, "raw moments are NaN or far off there"
assert np.abs(reference.batch_norm_2d(x, weight, bias) - naive(x, weight, bias)).max() < 1e-4
lab.verdict(
    "Batch norm is limited by memory, so fewer trips to it make it faster.",
    f"Few passes over memory are {gain:.1f} times as fast as all channels at once, backward "
    f"{gain_back:.1f} times, and take {few / floor:.1f} times as long as a copy; to do without "
    f"the loop over channels gains little or nothing (the loop takes {loop:.2f} times as long).",
    "yes",
    gain=gain,
    gain_backward=gain_back,
    copies=few / floor,
    loop=loop,
)
