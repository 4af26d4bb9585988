"""Where an exercise's files are, and what they say.

An exercise `bn2d` is the folder `solutions/bn2d` and the grader `tests/graders/bn2d.py`; there is
no list of exercises anywhere else.
"""

import ast
import difflib
import importlib.util
import inspect
import tomllib
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path


class UnknownExercise(LookupError):
    """No exercise of that id; the text says which ids come near."""


@dataclass(frozen=True)
class Mistake:
    """A known way to go wrong: edits of the reference, and what to say to whoever made it."""

    name: str
    edits: tuple[tuple[str, str], ...]
    hints: tuple[str, ...]
    card: str

    def edit(self, source):
        """The reference's source with this mistake made in it.

        Raises ValueError if a line to edit is not there exactly once: the second of two mistakes
        may want to edit what the first has already changed.
        """
        for right, wrong in self.edits:
            if source.count(right) != 1:
                raise ValueError(f"{self.name}: {right!r} stands {source.count(right)} times")
            source = source.replace(right, wrong)
        return source


@dataclass(frozen=True)
class Exercise:
    """One exercise of the bank at `root`; reading it imports its grader and nothing else."""

    root: Path
    id: str

    @property
    def folder(self):
        return self.root / "solutions" / self.id

    @property
    def starter(self):
        return self.folder / "starter.py"

    @property
    def reference(self):
        return self.folder / "reference.py"

    @property
    def attempt(self):
        return self.folder / "attempt.py"

    @property
    def grader_file(self):
        return self.root / "tests" / "graders" / f"{self.id}.py"

    @property
    def answers_file(self):
        return self.root / "tests" / "answers" / f"{self.graded_as.id}.npz"

    @cached_property
    def _facts(self):
        """The constants at the head of the grader, read without running it."""
        head = self.grader_file.read_text(encoding="utf-8").partition("\ndef ")[0]
        # A decorator may stand between the head and the first function.
        return _constants(head.rpartition("\n@")[0] if "\n@" in head else head)

    @property
    def graded_as(self):
        """The exercise whose checks are used: itself, or the one whose code is to be mended."""
        return get(self.root, self._facts.get("GRADED_AS", self.id))

    @property
    def is_debugging(self):
        """Whether the starter is broken code to be mended, not a contract to be filled in."""
        return bool(self._facts.get("STARTS_BROKEN", False))

    @property
    def level(self):
        """junior, mid, senior or research."""
        return self._facts["LEVEL"]

    @property
    def minutes(self):
        """How long it takes someone who knows the theory."""
        return self._facts["MINUTES"]

    @property
    def seconds(self):
        """How long an attempt may run, unless the caller says otherwise."""
        return float(self._facts.get("SECONDS", 10 if self.needs == "numpy" else 60))

    @property
    def after(self):
        """Ids of the exercises that are better done before this one."""
        return tuple(self._facts.get("AFTER", ()))

    @property
    def card(self):
        """The stem of the card to read when nothing more exact can be said."""
        return self._facts["CARD"]

    @property
    def needs(self):
        """numpy, torch or gpu."""
        return self._facts.get("NEEDS", "numpy")

    @property
    def missing(self):
        """The packages that it needs and that are not installed here."""
        needed = {"numpy": (), "torch": ("torch",), "gpu": ("torch", "triton")}[self.needs]
        return tuple(name for name in needed if importlib.util.find_spec(name) is None)

    @property
    def allows(self):
        """Packages that an attempt may import beside the standard library and NumPy."""
        return tuple(self._facts.get("ALLOWS", ()))

    @property
    def bans(self):
        """Dotted names of ready-made functions that an attempt has to do without."""
        return tuple(self._facts.get("BANS", ()))

    @property
    def equivalent_mutants(self):
        """{change of a line of the reference: why no check can see it}."""
        grader = self.grader_file.read_text(encoding="utf-8")
        return _constants(grader).get("EQUIVALENT_MUTANTS", {})

    @cached_property
    def title(self):
        """The first line of the starter: what is to be written."""
        return _docstring(self.starter).partition("\n")[0].rstrip(".")

    @cached_property
    def why(self):
        """The reference's own explanation, for whoever has solved the exercise."""
        return _docstring(self.reference)

    @cached_property
    def grader(self):
        """The module of its checks."""
        if self.graded_as.id != self.id:
            return self.graded_as.grader
        return import_file(self.grader_file, f"grader_{self.id}")

    @cached_property
    def checks(self):
        """Every check by name, in the order of the file: the functions of `impl` alone."""
        return self._functions("impl")

    @cached_property
    def properties(self):
        """Checks that draw their own inputs, for hypothesis: the functions of `impl` and `draw`."""
        return self._functions("impl", "draw")

    def _functions(self, *parameters):
        return {
            name: value
            for name, value in vars(self.grader).items()
            if inspect.isfunction(value)
            and not name.startswith("_")
            and tuple(inspect.signature(value).parameters) == parameters
        }

    @cached_property
    def mistakes(self):
        """The known mistakes, in the order of the file."""
        return tuple(
            Mistake(name, _edits(entry), _as_tuple(entry["hint"]), entry["card"])
            for name, entry in self._mistakes_file.items()
            if isinstance(entry, dict)
        )

    @property
    def hints(self):
        """General hints, for an attempt that matches no known mistake."""
        return tuple(self._mistakes_file.get("hints", ()))

    @cached_property
    def _mistakes_file(self):
        return tomllib.loads((self.folder / "mistakes.toml").read_text(encoding="utf-8"))

    def make_attempt(self):
        """Make attempt.py from the starter unless it exists. Returns whether it was made."""
        try:
            with self.attempt.open("x", encoding="utf-8") as file:
                file.write(self.starter.read_text(encoding="utf-8"))
        except FileExistsError:
            return False
        return True


def find_root(start):
    """The folder of the bank that `start` lies in, or None."""
    for folder in (Path(start).resolve(), *Path(start).resolve().parents):
        if (folder / "solutions").is_dir() and (folder / "tests" / "graders").is_dir():
            return folder
    return None


@cache
def get(root, id):
    """The exercise `id` of the bank at `root`. Raises UnknownExercise."""
    exercise = Exercise(Path(root), id)
    if id.isidentifier() and exercise.starter.is_file() and exercise.grader_file.is_file():
        return exercise
    near = difflib.get_close_matches(id, ids(root), n=3, cutoff=0.4)
    nearest = f" Nearest: {', '.join(near)}." if near else ""
    raise UnknownExercise(f"There is no exercise {id!r}.{nearest} All of them: bnbank list")


def ids(root):
    """The ids of all exercises, alphabetically."""
    folders = (file.parent.name for file in (Path(root) / "solutions").glob("*/starter.py"))
    return sorted(id for id in folders if (Path(root) / "tests" / "graders" / f"{id}.py").is_file())


def path(root):
    """All exercises, each after those it builds on; among equals the easier and shorter first."""
    levels = ("junior", "mid", "senior", "research")
    waiting = {id: get(root, id) for id in ids(root)}
    done = []
    while waiting:
        free = [e for e in waiting.values() if not any(id in waiting for id in e.after)]
        free = free or list(waiting.values())
        done.append(min(free, key=lambda e: (levels.index(e.level), e.minutes, e.id)))
        del waiting[done[-1].id]
    return done


def of_file(file):
    """The exercise in whose folder `file` lies, or None where that folder is no exercise."""
    file = Path(file).resolve()
    root = find_root(file.parent)
    if root is None or file.parent.parent != root / "solutions":
        return None
    try:
        return get(root, file.parent.name)
    except UnknownExercise:
        return None


def card_file(root, stem):
    """Where the card of that stem lies, relative to the bank; the stem itself if there is none."""
    for file in sorted((Path(root) / "questions").rglob(f"{stem}.md")):
        return file.relative_to(root).as_posix()
    return stem


def import_file(file, name):
    """Import a Python file by its path, under a name of its own."""
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _constants(source):
    """{name: value} of the assignments of literals at the top level of a source."""
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return found


def _docstring(file):
    return ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""


def _as_tuple(value):
    return (value,) if isinstance(value, str) else tuple(value)


def _edits(entry):
    return tuple(zip(_as_tuple(entry["right"]), _as_tuple(entry["wrong"]), strict=True))
