"""Every figure is what its code draws, is used, and says in words what it shows."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bnbank import cards

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "questions/figures"
FIGURES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "style")
TEXTS = {path: path.read_text(encoding="utf-8") for path in (*cards.find(ROOT), *cards.pages(ROOT))}
IMAGE = re.compile(r"^!\[([^\]]+)\]\(\.\./figures/(\w+)-(light|dark)\.svg#only-(light|dark)\)$")


def test_no_drawing_is_without_its_code():
    drawn = {f"{name}-{mode}.svg" for name in FIGURES for mode in ("light", "dark")}
    assert {path.name for path in FOLDER.glob("*.svg")} == drawn


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_what_its_code_draws(tmp_path, name):
    subprocess.run([sys.executable, FOLDER / f"{name}.py", tmp_path], check=True)
    for mode in ("light", "dark"):
        file = f"{name}-{mode}.svg"
        assert (tmp_path / file).read_bytes() == (FOLDER / file).read_bytes(), file


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_used(name):
    assert any(f"../figures/{name}-light.svg" in text for text in TEXTS.values())


@pytest.mark.parametrize(
    "path", [p for p in TEXTS if "../figures/" in TEXTS[p]], ids=lambda p: p.stem
)
def test_a_figure_stands_in_both_modes_with_the_same_words(path):
    lines = TEXTS[path].splitlines()
    seen = [
        (n, *IMAGE.match(line).groups()) for n, line in enumerate(lines) if "../figures/" in line
    ]
    assert len(seen) % 2 == 0
    for (n, words, name, *light), (after, *others) in zip(seen[::2], seen[1::2], strict=True):
        assert light == ["light", "light"]
        assert [after, *others] == [n + 1, words, name, "dark", "dark"]
        assert len(words.split()) > 10, "the picture is not described"
