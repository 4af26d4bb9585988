"""What all figures share: two palettes, one look, and how a figure becomes two files.

A figure is a module with `draw(ink)`, which returns a matplotlib figure; `ink` is one of the two
palettes. Run by itself it writes `<name>-light.svg` and `<name>-dark.svg` beside itself, or into
the folder given: the same bytes each time.
"""

import io
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update(
    {
        "svg.fonttype": "none",  # text stays text
        "svg.hashsalt": "bnbank",
        "font.family": "DejaVu Sans",  # comes with matplotlib, so sizes are the same everywhere
        "font.size": 10.5,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "lines.linewidth": 1.8,
    }
)

WIDTH = 5.0  # inches: at 390 pixels the text is still 10 pixels high


@dataclass(frozen=True)
class Ink:
    """The colours of one palette, those of the site. No figure says anything by colour alone."""

    paper: str
    text: str
    faint: str
    first: str
    second: str
    third: str


LIGHT = Ink("#fbfaf6", "#22211e", "#8f897c", "#0b6557", "#b4500c", "#1d4f91")
DARK = Ink("#161816", "#e8e5dc", "#7f8079", "#7fd1bd", "#e3b071", "#92bdf0")


def plain_axes(axes, ink):
    """Axes in the colours of a palette."""
    axes.set_facecolor("none")
    axes.tick_params(colors=ink.text, which="both")
    for spine in axes.spines.values():
        spine.set_color(ink.faint)
    for label in (axes.xaxis.label, axes.yaxis.label, axes.title):
        label.set_color(ink.text)


def write(module, draw):
    """Write both files of a figure: `module` is its `__file__`, `draw` takes a palette."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(module).parent)
    for name, ink in (("light", LIGHT), ("dark", DARK)):
        drawn = io.StringIO()
        draw(ink).savefig(
            drawn, format="svg", facecolor=ink.paper, metadata={"Date": None, "Creator": None}
        )
        text = re.sub(r"<[^>]+>", _rounded, drawn.getvalue())
        file = folder / f"{Path(module).stem}-{name}.svg"
        file.write_text(text, encoding="utf-8", newline="\n")


def _rounded(tag):
    """A tag with its numbers to a hundredth of a point, as far as one machine equals another."""
    return re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", tag[0])
