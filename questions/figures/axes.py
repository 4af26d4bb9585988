"""Which values share one mean: batch, layer, instance and group norm, and layer norm of a token."""

from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from style import WIDTH, write

N, C, SIDE = 3, 6, 2  # samples, channels, and pixels along each side of a map
PIXEL, MAP = 0.42, 1.0  # the side of a pixel, and of a map with the gap around it

PANELS = (  # norm, which values it averages, is (n, c, pixel) in the marked set
    ("batch", "N, H, W", lambda n, c, pixel: c == 1),
    ("layer", "C, H, W", lambda n, c, pixel: n == 1),
    ("layer, of a token", "C", lambda n, c, pixel: n == 1 and pixel == 0),
    ("instance", "H, W", lambda n, c, pixel: n == 1 and c == 1),
    ("group, G = 2", "H, W, C/G", lambda n, c, pixel: n == 1 and c < C // 2),
)


def panel(axes, ink, name, averaged, marked):
    squares = {True: [], False: []}
    for n in range(N):
        for c in range(C):
            for pixel in range(SIDE * SIDE):
                left, top = c * MAP + pixel % SIDE * PIXEL, n * MAP + pixel // SIDE * PIXEL
                right, bottom = left + PIXEL, top + PIXEL
                corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
                squares[marked(n, c, pixel)].append(Path(corners, closed=True))
    for inside, face, edge in ((False, "none", ink.faint), (True, ink.first, ink.paper)):
        outline = Path.make_compound_path(*squares[inside])
        axes.add_patch(PathPatch(outline, facecolor=face, edgecolor=edge, linewidth=0.6))
    axes.text(0, -0.35, name, color=ink.text, weight="bold", va="bottom")
    axes.text(0, N * MAP + 0.1, f"over {averaged}", color=ink.text, va="top")
    axes.set(xlim=(-0.15, C * MAP), ylim=(N * MAP + 0.75, -1.05), aspect="equal")
    axes.set_axis_off()


def draw(ink):
    figure = Figure(figsize=(WIDTH, 3.1))
    places = [(0.02, 0.5), (0.35, 0.5), (0.68, 0.5), (0.02, 0.0), (0.35, 0.0), (0.68, 0.0)]
    for (left, bottom), row in zip(places, PANELS, strict=False):
        panel(figure.add_axes((left, bottom, 0.31, 0.5)), ink, *row)

    key = figure.add_axes((*places[-1], 0.31, 0.5))
    key.set_axis_off()
    lines = ("rows: 3 samples", "blocks: 6 channels", "squares: 4 pixels")
    for place, line in enumerate((*lines, "filled: one mean")):
        key.text(0, 0.78 - 0.16 * place, line, color=ink.text, size=9.5)
    return figure


if __name__ == "__main__":
    write(__file__, draw)
