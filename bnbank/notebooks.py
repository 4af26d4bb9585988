"""Notebooks: a claim each, run once for every version of it, and turned into pages and a table.

A notebook is a Python file in `notebooks/`, which jupytext reads; its header says what it belongs
to. What came out of a run is kept in `build/notebooks`, by the hash of everything it depends on.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from bnbank import exercise as exercises

NOT_NOTEBOOKS = ("lab.py",)
ANSWERS = {"yes": "reproduces", "partly": "reproduces partly", "no": "does not reproduce"}

# The first cell of a made .ipynb. In the bank it goes to its folder, elsewhere it fetches the bank.
ENTER = """\
# Finds the bank that this notebook belongs to, or fetches it (on Colab, for example).
import os
import subprocess
import sys
from pathlib import Path

here = [Path.cwd(), *Path.cwd().parents, Path.cwd() / "bnbank"]
bank = next((p for p in here if (p / "notebooks" / "lab.py").is_file()), here[-1])
if not bank.is_dir():
    subprocess.run(["git", "clone", "--depth", "1", "{repository}", str(bank)], check=True)
os.chdir(bank / "notebooks")
sys.path.insert(0, os.getcwd())
"""


class Failed(Exception):
    """A notebook stopped; the text says in which cell and why."""


@dataclass(frozen=True)
class Notebook:
    """One notebook of the bank at `root`; what it says of itself is read without running it."""

    root: Path
    path: Path

    @property
    def stem(self):
        return self.path.stem

    @cached_property
    def source(self):
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def _header(self):
        lines = re.match(r"# ---\n((?:#.*\n)*?)# ---\n", self.source)
        text = re.sub(r"^# ?", "", lines[1], flags=re.MULTILINE) if lines else ""
        return ((yaml.safe_load(text) or {}).get("jupyter") or {}).get("bnbank") or {}

    @cached_property
    def title(self):
        """The heading that it begins with."""
        found = re.search(r"^# # (.+)$", self.source, flags=re.MULTILINE)
        return found[1] if found else self.stem

    @property
    def description(self):
        """One sentence on what it shows."""
        return self._header.get("description", "")

    @property
    def cards(self):
        """The stems of the cards that it belongs to."""
        return tuple(self._header.get("cards", ()))

    @property
    def exercises(self):
        """The ids of the exercises that it belongs to."""
        return tuple(self._header.get("exercises", ()))

    @property
    def sources(self):
        """Who makes the claim: keys of references.bib."""
        return tuple(self._header.get("sources", ()))

    def key(self, seed):
        """A hash of all that its outcome depends on: source, lab.py, references, seed."""
        solutions = re.findall(r"reference\(\"(\w+)\"\)", self.source)
        files = [self.path, self.path.with_name("lab.py")]
        files += [exercises.get(self.root, id).reference for id in solutions]
        hashed = hashlib.sha256(str(seed).encode())
        for file in files:
            hashed.update(file.read_bytes())
        return hashed.hexdigest()[:16]


@dataclass(frozen=True)
class Outcome:
    """What a run left in a folder.

    folder   has executed.ipynb, verdict.json and a folder with the figures, named as the notebook.
    verdict  claim, reproduces ("yes", "partly", "no"), sentence, numbers, seconds (of processor).
    """

    folder: Path
    verdict: dict


@dataclass(frozen=True)
class Page:
    """A notebook with its outputs, as Markdown.

    figures  the folder of its figures; the Markdown looks for it beside the page.
    verdict  the sentence.
    """

    stem: str
    title: str
    description: str
    markdown: str
    figures: Path
    verdict: str
    cards: tuple
    exercises: tuple


def find(root):
    """Every notebook of the bank, by name."""
    files = sorted((Path(root) / "notebooks").glob("*.py"))
    return [Notebook(Path(root), file) for file in files if file.name not in NOT_NOTEBOOKS]


def known(notebook, cache=None):
    """The `Outcome` of this version of a notebook, or None where it has not been run."""
    folder = _folder(notebook, cache)
    if not folder.is_dir():
        return None
    return _outcome(folder)


def run(notebook, cache=None):
    """Run a notebook unless this version has been run. Returns its `Outcome`.

    cache   the folder of outcomes, build/notebooks of the bank if left out.

    `$BNBANK_SEED` (0) is the base seed. Two processes that want the same notebook run it once.
    Raises Failed if a cell raises or no verdict is given; that is not kept.
    """
    from filelock import FileLock

    folder = _folder(notebook, cache)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not folder.is_dir():
            for old in folder.parent.glob(f"{folder.stem}.*[!k]"):
                shutil.rmtree(old)
            with tempfile.TemporaryDirectory(dir=folder.parent) as work:
                _execute(notebook, Path(work))
                shutil.copytree(work, folder.with_suffix(".new"), dirs_exist_ok=True)
            folder.with_suffix(".new").rename(folder)
    return _outcome(folder)  # of the version that was run, whatever was saved meanwhile


def run_all(root, done=lambda notebook, outcome: None):
    """Run every notebook that has not been run in this version, two at a time.

    done    called with each notebook and its `Outcome`, in the order of `find`.

    Returns [(notebook, outcome)]. Raises Failed at the first that fails.
    """
    pairs = []
    with ThreadPoolExecutor(2) as pool:
        found = find(root)
        for notebook, outcome in zip(found, pool.map(run, found), strict=True):
            done(notebook, outcome)
            pairs.append((notebook, outcome))
    return pairs


def rendered(root):
    """Every notebook as a `Page`, run where it has to be."""
    pages = []
    for notebook, outcome in run_all(root):
        pages.append(
            Page(
                notebook.stem,
                notebook.title,
                notebook.description,
                _markdown(outcome.folder / "executed.ipynb"),
                outcome.folder / notebook.stem,
                outcome.verdict["sentence"],
                notebook.cards,
                notebook.exercises,
            )
        )
    return pages


def table(root):
    """All claims and what came out, as a Markdown table, from the notebooks' own results."""
    lines = ["| claim | | what the runs say | notebook |", "|---|---|---|---|"]
    for notebook, outcome in run_all(root):
        verdict = outcome.verdict
        claim, sentence = (verdict[name].replace("|", r"\|") for name in ("claim", "sentence"))
        sources = ", ".join(f"`{key}`" for key in notebook.sources)
        lines.append(
            f"| {claim} ({sources}) | {ANSWERS[verdict['reproduces']]} | {sentence} "
            f"| [{notebook.title}]({notebook.stem}.md) |"
        )
    return "\n".join(lines) + "\n"


def ipynb(notebook, folder):
    """Write a notebook as <folder>/<stem>.ipynb, with a first cell that finds or fetches the bank.

    `$BNBANK_REPOSITORY` is the address to fetch from. Returns the file.
    """
    import jupytext
    import nbformat

    made = jupytext.read(notebook.path)
    made.metadata.pop("jupytext", None)
    repository = os.environ.get("BNBANK_REPOSITORY", "")
    made.cells.insert(0, nbformat.v4.new_code_cell(ENTER.format(repository=repository), id="enter"))
    for number, cell in enumerate(made.cells[1:]):
        cell.id = f"cell-{number}"  # the same file each time
    file = Path(folder) / f"{notebook.stem}.ipynb"
    file.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(made, file)
    return file


def _outcome(folder):
    return Outcome(folder, json.loads((folder / "verdict.json").read_text(encoding="utf-8")))


def _folder(notebook, cache):
    seed = os.environ.get("BNBANK_SEED", "0")
    cache = Path(cache) if cache else notebook.root / "build" / "notebooks"
    return cache / f"{notebook.stem}-{seed}.{notebook.key(seed)}"


def _execute(notebook, work):
    import jupytext
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    figures, verdict = work / notebook.stem, work / "verdict.json"
    figures.mkdir()
    environment = {
        **os.environ,
        "BNBANK_FIGURES": str(figures),
        "BNBANK_RESULTS": str(verdict),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    content = jupytext.read(notebook.path)
    client = NotebookClient(
        content,
        timeout=600,
        resources={"metadata": {"path": str(notebook.path.parent)}},
        extra_arguments=["--log-level=ERROR"],
    )
    try:
        client.execute(env=environment)
    except CellExecutionError as error:
        raise Failed(f"{notebook.path.name} stopped: {error}") from error
    if not verdict.exists():
        raise Failed(f"{notebook.path.name} gave no verdict: its last cell calls lab.verdict")
    nbformat.write(content, work / "executed.ipynb")


def _markdown(file):
    """An executed notebook as Markdown; cells that set up or draw are folded away."""
    import nbformat

    parts = []
    for cell in nbformat.read(file, as_version=4).cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
        elif cell.cell_type == "code" and cell.source.strip():
            code = f"```python\n{cell.source}\n```"
            if "setup" in cell.metadata.get("tags", ()):
                code = _folded("Setup", code)
            elif "lab.figure(" in code:
                code = _folded("How the figure is drawn", code)
            parts.append(code)
            parts += filter(None, map(_output, cell.outputs))
    return "\n\n".join(parts) + "\n"


def _folded(title, text):
    return f'??? note "{title}"\n' + re.sub(r"^(?=.)", "    ", text, flags=re.MULTILINE)


def _output(output):
    if output.output_type == "stream":
        return f"```text\n{output.text.rstrip()}\n```" if output.name == "stdout" else ""
    if "text/markdown" in output.get("data", {}):
        return output.data["text/markdown"]
    if "text/plain" in output.get("data", {}):
        return f"```text\n{output.data['text/plain']}\n```"
    return ""
