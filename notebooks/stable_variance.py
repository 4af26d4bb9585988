# ---
# jupyter:
#   bnbank:
#     description: "E[x²] − E[x]² cancels; Welford's update is not the most accurate cure."
#     cards: [variance-in-one-pass, welford-and-chan, channels-last]
#     exercises: [running_moments, fast_bn2d]
#     sources: [chan1983, welford1962]
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
# # How to compute a variance without losing it
#
# **Two claims.**
#
# 1. The one-pass formula E[x²] − E[x]² loses all digits where the mean is large beside the
#    standard deviation ([`chan1983`](https://doi.org/10.1080/00031305.1983.10483115)). The relative
#    error is about u·(1 + mean²/var), with u = 6·10⁻⁸ in float32; the first card below derives it.
# 2. Welford's update is the accurate one, as one often hears
#    ([`welford1962`](https://doi.org/10.1080/00401706.1962.10490022)).
#
# **What would refute them.** An error of the one-pass formula that does not grow with the square of
# the mean; and a rival of Welford's that is as cheap or cheaper and more accurate.
#
# Cards: [variance in one pass](../questions/numerics/variance-in-one-pass.md),
# [Welford and Chan](../questions/numerics/welford-and-chan.md),
# [channels_last](../questions/numerics/channels-last.md).
# To write it: `pytest solutions/running_moments`, `pytest solutions/fast_bn2d`.

# %% tags=["setup"]
import lab
import numpy as np
import torch
from torch.nn import functional

SEEDS = lab.seeds(5)
MEANS = (0, 10, 100, 1e3, 1e4, 1e5)  # in standard deviations
N, CHANNELS = 20_000, 16

# %% [markdown]
# ## Six ways, all in float32
#
# x is (n, channels). What is computed is compared with the float64 variance *of the rounded
# values*, so that nothing is charged to an algorithm that was lost when x was stored.


# %%
def one_pass(x):
    """E[x²] − E[x]²; NumPy adds in pairs here, the sums are good."""
    x = np.ascontiguousarray(x.T)
    return (x * x).mean(1) - x.mean(1) ** 2


def one_pass_in_turn(x):
    """The same with one running sum, as a loop over the rows has it."""
    n = np.float32(len(x))
    return np.cumsum(x * x, axis=0)[-1] / n - (np.cumsum(x, axis=0)[-1] / n) ** 2


def two_passes(x):
    x = np.ascontiguousarray(x.T)
    return ((x - x.mean(1, keepdims=True)) ** 2).mean(1)


def welford(x):
    """One row at a time: the mean moves, and with it the sum of squared distances."""
    mean, squares = x[0].copy(), np.zeros_like(x[0])
    for k, row in enumerate(x[1:], start=2):
        d = row - mean
        mean += d / np.float32(k)
        squares += d * (row - mean)
    return squares / np.float32(len(x))


def chan(x, pieces=64):
    """Mean and squares of pieces, two passes each, merged in pairs."""
    parts = []
    for piece in np.array_split(x, pieces):
        mean = piece.mean(0)
        parts.append((np.float32(len(piece)), mean, ((piece - mean) ** 2).sum(0)))
    while len(parts) > 1:
        parts = [merge(*a, *b) for a, b in zip(parts[::2], parts[1::2], strict=True)]
    n, _, squares = parts[0]
    return squares / n


def merge(n_a, mean_a, squares_a, n_b, mean_b, squares_b):
    n, delta = n_a + n_b, mean_b - mean_a
    squares = squares_a + squares_b + delta**2 * (n_a * n_b / n)
    return n, mean_a + delta * (n_b / n), squares


def shifted(x):
    """One pass over x − x₀: any value near the mean will do."""
    return one_pass(x - x[0])


WAYS = {
    "one pass, in turn": one_pass_in_turn,
    "one pass, in pairs": one_pass,
    "Welford": welford,
    "Chan, 64 pieces": chan,
    "two passes": two_passes,
    "one pass, shifted": shifted,
}
assert all(way(np.ones((64, 2), np.float32)).dtype == np.float32 for way in WAYS.values())


def values(seed, mean, shape=(N, CHANNELS)):
    return (np.random.default_rng(seed).normal(size=shape) + mean).astype(np.float32)


def error(way, x):
    """The relative error of the variance, the median over channels."""
    true = x.astype(np.float64).var(0)
    return np.median(np.abs(way(x) / true - 1))


errors = {
    name: np.array([[error(way, values(seed, mean)) for mean in MEANS] for seed in SEEDS])
    for name, way in lab.progress(WAYS.items(), "ways")
}
u = 2.0**-24
theory = u * (1 + np.square(MEANS))
print(f"{'mean / standard deviation':26}" + "".join(f"{mean:>10.0f}" for mean in MEANS))
for name, runs in errors.items():
    print(f"{name:26}" + "".join(f"{value:10.0e}" for value in np.median(runs, axis=0)))
print(f"{'u·(1 + mean²/var)':26}" + "".join(f"{value:10.0e}" for value in theory))

# %% [markdown]
# ## What becomes of it in batch norm
#
# A negative variance has no root: the output is NaN. How often, with 2000 values per channel? And
# torch's own batch norm on the CPU: it takes two passes, but sums in float64 for contiguous images
# and in one running float32 per channel for `channels_last`.


# %%
def negative(seed, mean):
    return (one_pass(values(seed, mean, (2000, 1000))) < 0).mean()


LARGE = (1e3, 3e3, 1e4, 1e5)
share_negative = np.array([[negative(seed, mean) for mean in LARGE] for seed in SEEDS])
for mean, share in zip(LARGE, share_negative.mean(0), strict=True):
    print(f"mean {mean:>6.0f}: {share:5.1%} of the variances are negative")


def torch_error(seed, mean, memory_format):
    """The largest error of the output of F.batch_norm."""
    x = torch.from_numpy(values(seed, mean, (8, 16, 32, 32)))
    x = x.contiguous(memory_format=memory_format)
    y = functional.batch_norm(x, None, None, training=True)
    right = functional.batch_norm(x.double(), None, None, training=True)
    return (y - right).abs().max().item()


formats = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
in_torch = {
    name: np.array([[torch_error(seed, mean, form) for mean in MEANS] for seed in SEEDS])
    for name, form in formats.items()
}
for name, runs in in_torch.items():
    print(f"torch, {name:19}" + "".join(f"{value:10.0e}" for value in np.median(runs, axis=0)))


# %%
def draw(fig):
    left, right = fig.subplots(1, 2, width_ratios=(3, 2))
    x = np.maximum(MEANS, 1)
    for name, runs in errors.items():
        lab.errorbars(left, x, runs, name, median=True)
    left.plot(x, theory, lw=0.8, ls=(0, (1, 2)), marker="", color="gray", label="u·(1 + mean²/var)")
    left.axhline(1, lw=0.8, ls=(0, (5, 5)), marker="", color="gray")
    left.set(title="relative error of the variance, float32")
    for name, runs in in_torch.items():
        lab.errorbars(right, x, runs, f"torch, {name}", median=True)
    right.set(title="largest error of batch norm's output")
    for ax in (left, right):
        ax.set(xscale="log", yscale="log", xlabel="mean / standard deviation")
        ax.set_xticks(x, ["0", "10", "10²", "10³", "10⁴", "10⁵"])
        ax.minorticks_off()
        ax.legend(fontsize=7.5)


lab.figure(
    draw,
    "Left: relative error of the variance against the mean. The one-pass formula grows with the "
    "square of the mean along the dotted theory; Welford and Chan grow slowly; two passes and the "
    "shifted one pass stay near 1e-7. Right: torch's channels_last batch norm is a hundred times "
    "less exact than its contiguous one.",
    size=(9.5, 4),
)

# %% [markdown]
# ## What to read from it
#
# - **Claim 1 holds to the letter** when the sums themselves are good. A running sum in float32 is
#   wrong by another factor of 50 to 500, because it has swallowed thousands of roundings.
# - **Claim 2 does not hold.** Welford's update rounds once per row, and its error grows with the
#   mean. It never fails as the one-pass formula does, and Chan's merging of pieces does better at
#   the same number of reads. But two passes are more accurate up to 10⁴, and the one-pass formula
#   on x − x₀ is exact everywhere, at one read and one subtraction a value.
# - **Two passes** are as good as the mean is: at 10⁵ the mean itself is rounded to 0.004 standard
#   deviations.
# - **A library is not the truth.** torch's `channels_last` batch norm on the CPU is off by 0.01 at
#   a mean of 10⁴. The measure is float64.
#
# ## Try it
#
# 1. Sort x before it goes in. Predict what becomes of `one pass, shifted`, whose x₀ is then the
#    smallest value.
# 2. Multiply x by 1000. Which of the curves moves?
# 3. Give `chan` 8 pieces, and then 2048. Where does the error come from in each case?
#
# ## Verdict

# %%
middle = {name: np.median(runs, axis=0) for name, runs in errors.items()}
at = MEANS.index(1e4)
following = middle["one pass, in pairs"][2:] / theory[2:]
torch_ratio = np.median(in_torch["channels_last"] / in_torch["contiguous"], axis=0)[at]
lab.verdict(
    "The one-pass variance cancels, and Welford's update is the accurate one.",
    f"One pass is off by {following.min():.1f} to {following.max():.1f} times u·mean²/var and "
    f"negative in {share_negative.mean(0)[2]:.0%} of cases at 10⁴; there Welford is off by "
    f"{middle['Welford'][at]:.0e}, two passes by {middle['two passes'][at]:.0e} and one pass over "
    f"shifted values by {middle['one pass, shifted'][at]:.0e}.",
    "partly",
    one_pass_to_theory_least=following.min(),
    one_pass_to_theory_most=following.max(),
    negative_at_1e4=share_negative.mean(0)[2],
    welford_at_1e4=middle["Welford"][at],
    two_passes_at_1e4=middle["two passes"][at],
    shifted_at_1e4=middle["one pass, shifted"][at],
    channels_last_to_contiguous_at_1e4=torch_ratio,
)
assert 0.3 < following.min() <= following.max() < 4, following
assert 0.2 < share_negative.mean(0)[2] < 0.5, share_negative
assert middle["Welford"][at] > 20 * middle["two passes"][at], "Welford is not the most accurate"
assert middle["Welford"][at] > 20 * middle["one pass, shifted"][at]
assert middle["Welford"].max() < 0.01, "yet it never fails"
assert middle["one pass, shifted"].max() < 1e-6, middle
