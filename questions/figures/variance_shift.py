"""Dropout's output has less variance in evaluation than in training: formula and samples."""

import numpy as np
from matplotlib.figure import Figure
from style import WIDTH, plain_axes, write

RATES = np.linspace(0, 0.9, 91)
INPUTS = (  # name, mean, variance, how samples are drawn, marker, line, where its label stands
    ("mean 0", 0.0, 1.0, lambda z: z, "o", "-", (0.44, 0.63)),
    ("after ReLU", 0.3989, 0.3408, lambda z: np.maximum(z, 0), "s", "--", (0.225, 0.47)),
    ("mean 2, variance 1", 2.0, 1.0, lambda z: z + 2, "^", ":", (0.02, 0.2)),
)


def ratio(mean, var, p):
    """Variance in evaluation over variance in training, p the rate of inverted dropout."""
    return var / ((var + mean**2) / (1 - p) - mean**2)


def draw(ink):
    rng = np.random.default_rng(0)
    figure = Figure(figsize=(WIDTH, 3.0), layout="constrained")
    axes = figure.subplots()
    for (name, mean, var, sample, marker, line, label), colour in zip(
        INPUTS, (ink.third, ink.first, ink.second), strict=True
    ):
        axes.plot(RATES, ratio(mean, var, RATES), line, color=colour)
        for p in (0.1, 0.3, 0.5, 0.7):
            x = sample(rng.normal(size=200_000))
            dropped = x * (rng.random(x.size) >= p) / (1 - p)
            axes.plot(p, x.var() / dropped.var(), marker, color=colour, markersize=6)
        axes.text(*label, name, color=colour, weight="bold", size=9.5)
    axes.set(
        xlabel="dropout rate p",
        ylabel="variance, evaluation / training",
        xlim=(0, 0.9),
        ylim=(0, 1.03),
    )
    plain_axes(axes, ink)
    return figure


if __name__ == "__main__":
    write(__file__, draw)
