"""What a page needs to grade NumPy exercises: `build` writes it to `assets/practice`.

The grader goes as it stands: bnbank's light modules, graders, starters, references, mistakes and
torch's answers. Python and NumPy are Pyodide's, the editor is CodeMirror; both come from packages
by exact version, and nothing of them is committed.
"""

import ast
import base64
import filecmp
import hashlib
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from zipfile import ZipFile

from bnbank import cards
from bnbank import exercise as exercises

MODULES = Path(__file__).parent
WEB = MODULES / "web"
PYODIDE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
RELEASE = "https://cdn.jsdelivr.net/pyodide/v{version}/full/{file}"
# Where the release cannot be reached: a package on PyPI that carries the same wheel.
CARRIER = "open-webui==0.12.4"


class Unavailable(Exception):
    """A part that comes over the network cannot be had; the text says which and what was tried."""


def build(root, out):
    """Write `out`/assets/practice; files that would not change are left alone.

    Raises Unavailable.
    """
    root, modules = Path(root), node_modules(root)
    with TemporaryDirectory() as made:
        folder = Path(made)
        bundle(modules, folder)
        copy_python(root, modules / "pyodide", folder / "pyodide")
        write_json(folder / "bank.json", bank(root))
        for exercise in practised(root):
            write_json(folder / "exercises" / f"{exercise.id}.json", files(exercise))
        replace(Path(out) / "assets" / "practice", folder)


def replace(old, new):
    """Make the folder `old` hold what `new` holds."""
    wanted = {file.relative_to(new) for file in new.rglob("*") if file.is_file()}
    for file in [f for f in old.rglob("*") if f.is_file() and f.relative_to(old) not in wanted]:
        file.unlink()
    for name in wanted:
        if not ((old / name).is_file() and filecmp.cmp(old / name, new / name, shallow=False)):
            (old / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(new / name, old / name)


def practised(root):
    """The exercises that can be practised in the page."""
    return [e for e in exercises.path(root) if in_page(e)]


def in_page(exercise):
    """Whether an exercise can be practised in the page: Python there has NumPy, and no torch."""
    return exercise.needs == "numpy"


def bank(root):
    """What the grader needs whatever the exercise: its modules, and the head of every exercise."""
    texts = {f"bnbank/{name}.py": read(MODULES / f"{name}.py") for name in light_modules()}
    texts["in_browser.py"] = read(WEB / "practice" / "in_browser.py")
    for exercise in exercises.path(root):
        texts[f"solutions/{exercise.id}/starter.py"] = read(exercise.starter)
        # As much as is read to know its level and what it builds on.
        head = read(exercise.grader_file).partition("\ndef ")[0]
        texts[f"tests/graders/{exercise.id}.py"] = head
    return {"texts": texts, "archives": {}}


def light_modules():
    """The modules of bnbank that grading in the page imports, and those that these import."""
    found, waiting = {"__init__"}, imported(WEB / "practice" / "in_browser.py")
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting |= imported(MODULES / f"{name}.py")
    return sorted(found)


def imported(file):
    """The modules of bnbank that a file imports at its head."""
    names = set()
    for node in ast.parse(read(file)).body:
        if isinstance(node, ast.ImportFrom) and node.module == "bnbank":
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module.startswith("bnbank."):
            names.add(node.module.removeprefix("bnbank."))
    return names


def files(exercise):
    """The files of one exercise, and what the page has to know: its time limit, its cards."""
    root, answers = exercise.root, exercise.answers_file
    sources = [exercise.reference, exercise.folder / "mistakes.toml", exercise.grader_file]
    texts = {
        file.relative_to(root).as_posix(): read(file)
        for file in [*sources, exercise.graded_as.grader_file]
    }
    stems = {exercise.card, *(mistake.card for mistake in exercise.mistakes)}
    paths = [exercises.card_file(root, stem) for stem in sorted(stems)]
    return {
        # The report asks only where a card is.
        "texts": texts | dict.fromkeys(paths, ""),
        "archives": {
            answers.relative_to(root).as_posix(): base64.b64encode(answers.read_bytes()).decode()
        },
        "seconds": exercise.seconds,
        "cards": {path: cards.load(root / path).title for path in paths},
    }


def node_modules(root):
    """The npm packages of bnbank/web, installed below build/node unless they are. Returns a folder.

    Two processes may ask at once: what is there is whole. Raises Unavailable.
    """
    lock = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    folder = Path(root) / "build" / "node" / lock[:12]
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent) as made:
            new = Path(made) / "new"
            new.mkdir()
            for name in ("package.json", "package-lock.json", ".npmrc"):
                shutil.copy(WEB / name, new)
            run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=new)
            with suppress(OSError):  # where another process was faster
                new.rename(folder)
    return folder / "node_modules"


def bundle(modules, folder):
    """The scripts: a small one for every page, the editor where it is asked for, the worker."""
    entries = [str(WEB / "practice" / name) for name in ("practice.js", "worker.js")]
    esbuild = modules / ".bin" / ("esbuild.cmd" if os.name == "nt" else "esbuild")
    options = [
        "--bundle", "--splitting", "--format=esm", "--minify", "--target=es2022",
        "--loader:.css=text", "--external:./pyodide/*", "--log-level=warning",
        f"--outdir={folder}", f"--metafile={folder / 'meta.json'}",
    ]  # fmt: skip
    run([esbuild, *entries, *options], env={**os.environ, "NODE_PATH": str(modules)})
    (folder / "licences.txt").write_text(licences(modules, folder / "meta.json"), encoding="utf-8")
    (folder / "meta.json").unlink()


def licences(modules, meta):
    """The licences of what was bundled, and where Pyodide's is."""
    inputs = json.loads(read(meta))["inputs"]
    inside = [name.partition("node_modules/")[2] for name in inputs if "node_modules/" in name]
    names = {"/".join(n.split("/")[: 2 if n.startswith("@") else 1]) for n in inside}
    texts = [f"{name}\n\n{read(modules / name / 'LICENSE')}" for name in sorted(names)]
    pyodide = json.loads(read(modules / "pyodide" / "package.json"))
    texts.append(
        f"pyodide {pyodide['version']}: {pyodide['license']}, {pyodide['homepage']}\n"
        "NumPy: BSD-3-Clause and others, in its wheel\n"
    )
    return "\n\n".join(texts)


def copy_python(root, package, folder):
    """Pyodide and NumPy, and a lock file that knows of nothing else."""
    folder.mkdir()
    for name in PYODIDE:
        shutil.copyfile(package / name, folder / name)
    lock = json.loads(read(package / "pyodide-lock.json"))
    numpy = lock["packages"]["numpy"]
    lock["packages"] = {"numpy": numpy}
    write_json(folder / "pyodide-lock.json", lock)
    version = json.loads(read(package / "package.json"))["version"]
    shutil.copyfile(wheel(root, version, numpy), folder / numpy["file_name"])


def wheel(root, version, entry):
    """NumPy's wheel for Pyodide, kept in build/pyodide. Raises Unavailable.

    entry  what Pyodide's lock file says of it: its name and its sha256.
    """
    file = Path(root) / "build" / "pyodide" / entry["file_name"]
    tried = []
    for source in (kept, from_release, from_carrier):
        try:
            found = source(file, version)
        except (OSError, StopIteration, Unavailable) as error:
            tried.append(f"{source.__name__}: {error}")
            continue
        if hashlib.sha256(found).hexdigest() == entry["sha256"]:
            keep(file, found)
            return file
        tried.append(f"{source.__name__}: another sha256 than Pyodide's lock file has")
    raise Unavailable(f"{file.name} cannot be had.\n  " + "\n  ".join(tried))


def keep(file, content):
    """Write a file, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=file.parent, delete=False) as new:
        new.write(content)
    os.replace(new.name, file)


def kept(file, version):
    """The wheel as it was kept."""
    return file.read_bytes()


def from_release(file, version):
    """The wheel from Pyodide's release."""
    url = RELEASE.format(version=version, file=file.name)
    with urllib.request.urlopen(url, timeout=20) as response:
        return response.read()


def from_carrier(file, version):
    """The wheel out of a package of PyPI, of which nothing else is taken."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    how = ["--no-deps", "--only-binary=:all:", "--python-version=3.11"]
    with TemporaryDirectory() as folder:
        run([*pip, *how, f"--dest={folder}", CARRIER])
        with ZipFile(next(Path(folder).glob("*.whl"))) as archive:
            return archive.read(next(n for n in archive.namelist() if n.endswith(f"/{file.name}")))


def run(command, **where):
    """Run a program. Raises Unavailable."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, **where)
    except FileNotFoundError:
        raise Unavailable(f"{command[0]} is not installed; the site needs Node and npm") from None
    if done.returncode:
        raise Unavailable(f"{Path(command[0]).name} failed:\n{done.stderr.strip()}")


def read(file):
    return Path(file).read_text(encoding="utf-8")


def write_json(file, content):
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(content, ensure_ascii=False, sort_keys=True), encoding="utf-8")
