"""The computation graph of batch norm, and the three ways by which x reaches the loss."""

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from style import WIDTH, write

NODES = {  # name: (what stands in the box, its centre, its width)
    "x": ("x", (0.5, 2.0), 0.6),
    "centred": ("x − μ", (3.2, 2.0), 1.3),
    "x_hat": ("x̂", (5.9, 2.0), 0.7),
    "y": ("y = γ·x̂ + β", (8.6, 2.0), 2.3),
    "mean": ("μ = mean(x)", (1.9, 0.55), 2.3),
    "scale": ("s = 1/√(σ² + ε)", (4.55, 3.45), 2.9),
}
HEIGHT = 0.62
EDGES = (  # from, to, the way it belongs to
    ("x", "centred", "direct"),
    ("centred", "x_hat", "direct"),
    ("x_hat", "y", "direct"),
    ("x", "mean", "mean"),
    ("mean", "centred", "mean"),
    ("centred", "scale", "variance"),
    ("scale", "x_hat", "variance"),
)
TERMS = (  # the way, what it gives dx
    ("direct", "by itself:  γ·s·dy"),
    ("mean", "through μ:  − γ·s·mean(dy)"),
    ("variance", "through σ²: − γ·s·x̂·mean(dy·x̂)"),
)


def draw(ink):
    ways = {
        "direct": (ink.text, "-"),
        "mean": (ink.first, (0, (5, 2.5))),
        "variance": (ink.second, (0, (1.2, 1.6))),
    }
    figure = Figure(figsize=(WIDTH, 3.5))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-0.1, 10.1), ylim=(-2.9, 4.1))
    axes.set_axis_off()
    boxes = {}
    for name, (text, (x, y), width) in NODES.items():
        boxes[name] = FancyBboxPatch(
            (x - width / 2, y - HEIGHT / 2),
            width,
            HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.12",
            facecolor=ink.paper,
            edgecolor=ink.faint,
        )
        axes.add_patch(boxes[name])
        axes.text(x, y, text, color=ink.text, ha="center", va="center")
    for start, end, way in EDGES:
        colour, dashes = ways[way]
        arrow = FancyArrowPatch(
            NODES[start][1],
            NODES[end][1],
            patchA=boxes[start],
            patchB=boxes[end],
            arrowstyle="-|>,head_width=0.28,head_length=0.5",
            mutation_scale=11,
            color=colour,
            linestyle=dashes,
            linewidth=1.8,
            joinstyle="miter",
        )
        axes.add_patch(arrow)
    axes.text(0.1, -0.55, "dx is the sum over three ways:", color=ink.text)
    for place, (way, term) in enumerate(TERMS):
        colour, dashes = ways[way]
        height = -1.15 - 0.62 * place
        axes.plot((0.15, 1.15), (height + 0.12,) * 2, color=colour, linestyle=dashes, linewidth=1.8)
        axes.text(1.5, height, term, color=colour, weight="bold", size=9.5)
    return figure


if __name__ == "__main__":
    write(__file__, draw)
