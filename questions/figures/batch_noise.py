"""How far the mean and the variance of a batch are from those of the data, over its size."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator
from style import WIDTH, plain_axes, write

SIZES = 2 ** np.arange(1, 9)
BATCHES = 20_000


def draw(ink):
    rng = np.random.default_rng(0)
    batches = [rng.normal(size=(BATCHES, m)) for m in SIZES]
    figure = Figure(figsize=(WIDTH, 3.0), layout="constrained")
    axes = figure.subplots()
    curve = np.geomspace(2, 256, 100)
    axes.plot(curve, 1 / np.sqrt(curve), "-", color=ink.first)
    axes.plot(curve, np.sqrt(2 * (curve - 1)) / curve, "--", color=ink.second)
    axes.plot(SIZES, [b.mean(1).std() for b in batches], "o", color=ink.first)
    axes.plot(SIZES, [b.var(1).std() for b in batches], "s", color=ink.second)
    axes.text(2.1, 0.27, "mean: 1/√m", color=ink.first, weight="bold", size=9.5)
    axes.text(8.5, 0.56, "variance: √(2(m − 1))/m", color=ink.second, weight="bold", size=9.5)
    axes.set(
        xscale="log",
        xlabel="m, values per channel",
        ylabel="standard deviation",
        ylim=(0, 0.8),
        xlim=(1.8, 280),
    )
    axes.xaxis.set_major_locator(FixedLocator(SIZES))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:.0f}")
    plain_axes(axes, ink)
    return figure


if __name__ == "__main__":
    write(__file__, draw)
