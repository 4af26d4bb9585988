"""Notebooks: each runs and its verdict holds, and what is made of them is what came out."""

import json
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from bnbank import cards, notebooks
from bnbank import exercise as exercises
from conftest import ROOT

jupytext = pytest.importorskip("jupytext")
torch = pytest.importorskip("torch")

EVERY = notebooks.find(ROOT)
each = pytest.mark.parametrize("notebook", EVERY, ids=lambda notebook: notebook.stem)


@each
def test_a_notebook_runs_and_its_verdict_holds(notebook):
    verdict = notebooks.run(notebook).verdict
    assert verdict["claim"].endswith(".")
    assert verdict["sentence"].endswith(".")
    assert verdict["numbers"]
    assert verdict["seconds"] < 90


@each
def test_a_notebook_says_what_a_reader_has_to_know(notebook):
    prose = _prose(notebook)
    assert notebook.description.endswith(".")
    assert notebook.sources
    assert notebook.cards
    assert notebook.exercises
    for heading in ("# ## Try it", "# ## Verdict"):
        assert heading in notebook.source
    for key in notebook.sources:
        assert re.search(rf"\[`{key}`\]\(https?://", prose), f"{key} is not cited with a link"
    for id in notebook.exercises:
        assert f"`pytest solutions/{id}`" in prose
    last = notebook.source.rpartition("\n# %%\n")[2]
    assert re.search("^assert ", last, flags=re.MULTILINE), "the last cell asserts the verdict"
    assert "lab.verdict(" in last


@each
def test_links_of_a_notebook_lead_somewhere(notebook):
    bib = (ROOT / "references.bib").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", _prose(notebook)):
        if not re.match(r"https?:|#", target):
            assert (notebook.path.parent / target.split("#")[0]).is_file(), target
    for key in notebook.sources:
        assert re.search(rf"^@\w+{{{re.escape(key)},", bib, flags=re.MULTILINE), key
    for id in notebook.exercises:
        exercises.get(ROOT, id)
    for stem in notebook.cards:
        card = exercises.card_file(ROOT, stem)
        assert f"](../{card})" in _prose(notebook), f"no link to {card}"


def test_cards_and_notebooks_name_each_other():
    by_stem = {notebook.stem: notebook for notebook in EVERY}
    named = set()
    for file in (ROOT / "questions").rglob("*.md"):
        try:
            card = cards.load(file)
        except cards.CardError:
            continue  # a page that is no card
        if card.notebook:
            assert file.stem in by_stem[card.notebook].cards, f"{card.notebook} lists {file.stem}"
            named.add(card.notebook)
    assert set(by_stem) - named == set(), "no card names these"


@each
def test_saving_in_jupyter_leaves_the_text_as_it_is(notebook, tmp_path):
    content = jupytext.reads(notebook.source, fmt="py:percent")
    saved = jupytext.writes(content, fmt="py:percent")
    assert _body(saved) == _body(notebook.source)  # the header's YAML may be laid out anew
    copy = tmp_path / notebook.path.name
    copy.write_text(saved, encoding="utf-8")
    again = notebooks.Notebook(ROOT, copy)
    for name in ("title", "description", "cards", "exercises", "sources"):
        assert getattr(again, name) == getattr(notebook, name)


TINY = """\
# ---
# jupyter:
#   bnbank:
#     description: What it shows.
#     cards: [one]
#     exercises: [bn2d]
#     sources: [ioffe2015]
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
# # A tiny one
#
# **The claim.** 1 | 1 is 1.

# %% tags=["setup"]
import sys
from pathlib import Path

import lab

# %%
with open(Path("..") / "ran", "a") as file:
    print(lab.seeds(2)[1], file=file)
print("said")
print("whispered", file=sys.stderr)
lab.figure(lambda fig: lab.errorbars(fig.subplots(), [1, 2], [[1, 2], [3, 5]], "arm"), "a line")

# %%
assert 1 | 1 == 1
lab.verdict("1 | 1 is 1.", "It is.", "yes", ones=1)
"""


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A bank with one small notebook."""
    monkeypatch.delenv("BNBANK_SEED", raising=False)
    for folder in ("notebooks", "solutions", "tests/graders"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(ROOT / "notebooks" / "lab.py", tmp_path / "notebooks")
    (tmp_path / "notebooks" / "tiny.py").write_text(TINY, encoding="utf-8")
    return tmp_path


def test_a_notebook_is_run_once_for_each_version_and_becomes_a_page(tiny):
    def ran():
        return (tiny / "ran").read_text().split()

    (notebook,) = notebooks.find(tiny)
    assert notebooks.known(notebook) is None
    with ThreadPoolExecutor(2) as pool:  # who comes second waits, and finds it done
        one, other = pool.map(notebooks.run, [notebook, notebook])
    assert one == other == notebooks.known(notebook)
    assert ran() == ["1"]

    (page,) = notebooks.rendered(tiny)
    assert (page.stem, page.title, page.verdict) == ("tiny", "A tiny one", "It is.")
    assert (page.cards, page.exercises, page.description) == (("one",), ("bn2d",), "What it shows.")
    assert {file.name for file in page.figures.iterdir()} == {"1-light.svg", "1-dark.svg"}
    assert "![a line](tiny/1-light.svg#only-light)\n![a line](tiny/1-dark.svg#only-dark)" in (
        page.markdown
    )
    assert page.markdown.startswith("# A tiny one\n")
    assert '??? note "Setup"\n    ```python\n    import sys\n' in page.markdown
    assert "```text\nsaid\n```" in page.markdown
    assert '??? note "How the figure is drawn"\n    ```python\n    with open' in page.markdown
    assert "whispered\n```" not in page.markdown
    assert page.markdown.endswith("> **Claim.** 1 | 1 is 1.\n>\n> **Reproduces.** It is.\n")
    row = r"| 1 \| 1 is 1. (`ioffe2015`) | reproduces | It is. | [A tiny one](tiny.md) |"
    assert row in notebooks.table(tiny)
    assert ran() == ["1"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BNBANK_SEED", "3")
        notebooks.run(notebook)
    assert ran() == ["1", "3001"]
    notebook.path.write_text(TINY.replace("1 | 1 is 1.", "It may be."), encoding="utf-8")
    assert notebooks.known(notebooks.find(tiny)[0]) is None


def test_every_notebook_is_in_the_table(tiny):
    (tiny / "notebooks" / "second.py").write_text(TINY, encoding="utf-8")
    rows = notebooks.table(tiny).splitlines()
    assert len(rows) == 4
    assert "(second.md)" in rows[2]
    assert "(tiny.md)" in rows[3]


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("assert 1 | 1 == 1", "assert 1 | 1 == 2, 'not so'", "not so"),
        ("lab.verdict(", "print(", "gave no verdict"),
    ],
)
def test_what_fails_is_told_and_not_kept(tiny, right, wrong, said):
    source = TINY.replace(right, wrong).replace(", ones=1", "")
    (tiny / "notebooks" / "tiny.py").write_text(source, encoding="utf-8")
    (notebook,) = notebooks.find(tiny)
    with pytest.raises(notebooks.Failed, match=said):
        notebooks.run(notebook)
    assert notebooks.known(notebook) is None


def test_a_made_notebook_fetches_the_bank_where_there_is_none(tiny, tmp_path_factory):
    def git(*arguments):
        who = ["-c", "user.name=n", "-c", "user.email=e"]
        subprocess.run(["git", *who, *arguments], cwd=tiny, check=True, capture_output=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "all")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BNBANK_REPOSITORY", tiny.as_uri())
        file = notebooks.ipynb(notebooks.find(tiny)[0], elsewhere / "made")
    made = json.loads(file.read_text(encoding="utf-8"))
    code = ["".join(cell["source"]) for cell in made["cells"] if cell["cell_type"] == "code"]
    script = code[0] + "\nimport lab; print(lab.__file__)"
    for _ in range(2):  # the second time it is there
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=elsewhere, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == str(elsewhere / "bnbank" / "notebooks" / "lab.py")
    inside = subprocess.run(
        [sys.executable, "-c", script], cwd=tiny / "solutions", capture_output=True, text=True
    )
    assert inside.stdout.strip() == str(tiny / "notebooks" / "lab.py")


@pytest.fixture(scope="module")
def lab():
    return exercises.import_file(ROOT / "notebooks" / "lab.py", "lab")


def test_networks_train_side_by_side_as_they_do_alone(lab):
    def make():
        nn = torch.nn
        return nn.Sequential(
            nn.Conv2d(1, 4, 3, stride=2),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(36, 10),
        )

    seeds, rates = [3, 4], [0.1, 0.3]
    x, y, *_ = lab.all_digits(seeds, 96)
    ensemble = lab.Ensemble(make, seeds)
    chosen = list(lab.batches(seeds, 96, 32, 4))
    for picked in chosen:
        ensemble.step(lab.take(x, picked), lab.take(y, picked), torch.tensor(rates), momentum=0.9)
    for k, (seed, rate) in enumerate(zip(seeds, rates, strict=True)):
        torch.manual_seed(seed)
        alone = make()
        optimizer = torch.optim.SGD(alone.parameters(), rate, momentum=0.9)
        for picked in chosen:
            loss = torch.nn.functional.cross_entropy(alone(x[k][picked[k]]), y[k][picked[k]])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        for name, value in alone.state_dict().items():
            together = (ensemble.parameters | ensemble.buffers)[name][k]
            torch.testing.assert_close(together, value, rtol=1e-3, atol=1e-4)
        right = (alone.eval()(x[k]).argmax(1) == y[k]).float().mean()
        torch.testing.assert_close(ensemble.accuracy(x, y)[k], right)


def test_each_epoch_shows_every_image_once(lab):
    chosen = torch.cat(list(lab.batches([1, 1, 2], 20, 5, 8)), 1)
    for epoch in chosen.split(20, 1):
        assert (epoch.sort(1).values == torch.arange(20)).all()
    assert (chosen[0] == chosen[1]).all()
    assert (chosen[0] != chosen[2]).any()


def test_digits_are_split_anew_by_each_seed(lab):
    first, again, other = lab.digits(1), lab.digits(1), lab.digits(2)
    assert [len(part) for part in first] == [1437, 1437, 360, 360]
    assert all(torch.equal(one, same) for one, same in zip(first, again, strict=True))
    assert not torch.equal(first[2], other[2])
    together = torch.cat([first[0], first[2]])
    assert abs(together.mean()) < 1e-5
    assert len(together.flatten(1).unique(dim=0)) == 1797  # no image in both parts
    few = lab.digits(1, 100)
    assert torch.equal(few[0], first[0][:100])
    assert torch.equal(few[2], first[2])


def test_error_bars_are_what_they_are_said_to_be(lab):
    from matplotlib.figure import Figure

    runs = [[1.0], [2.0], [6.0]]

    def bar(**how):
        _, _, (lines,) = lab.errorbars(Figure().subplots(), [0], runs, "arm", **how)
        (low, high) = lines.get_segments()[0][:, 1]
        return low, high

    assert bar() == pytest.approx((3 - 7**0.5, 3 + 7**0.5))
    assert bar(median=True) == pytest.approx((1.5, 4.0))


def test_the_verdict_is_one_of_three(lab):
    with pytest.raises(ValueError, match="'maybe'"):
        lab.verdict("A claim.", "A sentence.", "maybe")


def _body(source):
    """A notebook without its header."""
    return source.split("# ---\n", 2)[2]


def _prose(notebook):
    """The text of its Markdown cells."""
    cells = jupytext.reads(notebook.source, fmt="py:percent").cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
