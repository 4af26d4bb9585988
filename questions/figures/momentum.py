"""The running mean over steps, for four values of momentum."""

import numpy as np
from matplotlib.figure import Figure
from style import WIDTH, plain_axes, write

STEPS, TRUE = 300, 5.0
MOMENTA = ((0.3, "-"), (0.1, "--"), (0.01, "-."), (0.001, ":"))  # with their line styles


def running_mean(batches, momentum):
    """What torch's running_mean is after each batch, from 0."""
    value, values = 0.0, [0.0]
    for batch in batches:
        value += momentum * (batch - value)
        values.append(value)
    return values


def draw(ink):
    batches = TRUE + np.random.default_rng(0).normal(scale=0.6, size=STEPS)
    figure = Figure(figsize=(WIDTH, 3.0), layout="constrained")
    axes = figure.subplots()
    axes.axhline(TRUE, color=ink.faint, linewidth=1)
    colours = (ink.second, ink.first, ink.third, ink.text)
    for (momentum, dashes), colour in zip(MOMENTA, colours, strict=True):
        values = running_mean(batches, momentum)
        axes.plot(values, dashes, color=colour, label=f"momentum {momentum}")
    axes.set(xlabel="batches", ylabel="running_mean", xlim=(0, STEPS), ylim=(0, 6))
    axes.legend(loc=(0.54, 0.29), frameon=False, labelcolor=ink.text, handlelength=3)
    plain_axes(axes, ink)
    return figure


if __name__ == "__main__":
    write(__file__, draw)
