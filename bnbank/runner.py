"""Run checks on an implementation: here, or as the child process that `sandbox` starts.

The child is given the id of an exercise, imports what the checks need, waits for the name of the
file to grade on its standard input, and leaves one small archive of plain arrays a check.
It never sees an expected value.
"""

import importlib
import io
import os
import sys
import traceback
import types
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import ZipFile

import numpy as np

from bnbank import exercise as exercises
from bnbank.arrays import normal
from bnbank.guard import Forbidden, Guard, watch

PRINTED_AT_MOST = 4_000
LARGEST_OUTCOME = 64 * 2**20
# Where packages that an attempt may import keep files: the one folder that it may write to.
PLACES = ("TMPDIR", "TEMP", "TMP", "NUMBA_CACHE_DIR")


@dataclass(frozen=True)
class Raised:
    """An exception of an attempt: its class, its text, and the attempt's own last line in it."""

    kind: str
    text: str
    line: int = 0
    code: str = ""


@dataclass
class Outcome:
    """What one check gave: arrays by name, or what was raised; and what was printed on the way."""

    values: dict = field(default_factory=dict)
    raised: Raised | None = None
    printed: str = ""

    def save(self, file):
        """Write to an .npz file of plain arrays."""
        arrays = {f"value {name}": array for name, array in self.values.items()}
        arrays["printed"] = np.array(self.printed)
        if self.raised:
            r = self.raised
            arrays["raised"] = np.array([r.kind, r.text, str(r.line), r.code])
        np.savez(file, **arrays)

    @classmethod
    def load(cls, file):
        """Read what `save` wrote. Never unpickles and has its limit: it comes from a stranger."""
        with ZipFile(file) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST_OUTCOME:
                raise ValueError(f"more than {LARGEST_OUTCOME} bytes")
        with np.load(file, allow_pickle=False) as arrays:
            values = {n.removeprefix("value "): arrays[n] for n in arrays if n.startswith("value ")}
            raised = None
            if "raised" in arrays:
                kind, text, line, code = arrays["raised"].tolist()
                raised = Raised(kind, text, int(line), code)
            return cls(values, raised, str(arrays["printed"]))


class Source:
    """The source text of an implementation, from which a module can be made again and again.

    Every check gets a module of its own, so that nothing leaks from one check into the next.
    """

    def __init__(self, text, file="reference.py"):
        self.text, self.file = text, str(file)
        self.code = None

    @classmethod
    def of(cls, file):
        """The source in a file."""
        return cls(Path(file).read_text(encoding="utf-8"), file)

    def module(self):
        """A new module. Raises whatever the source raises."""
        self.code = self.code or compile(self.text, self.file, "exec")
        module = types.ModuleType(Path(self.file).stem)
        module.__file__, module.__source__ = self.file, self.text
        sys.modules[module.__name__] = module
        exec(self.code, vars(module))
        return module


def run(check, source):
    """The outcome of one check on a new module. Whatever is raised becomes a part of it."""
    return observe(lambda: check(source.module()), source.file)


@contextmanager
def quiet():
    """Known mistakes divide by 0 and more; nobody needs to be warned of that."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def observe(call, file=None):
    """The outcome of a call that returns a dict of values. Only Forbidden is passed on.

    file  the implementation's own: where something is raised, its last line there is told.
    """
    outcome = Outcome()
    printed = Printed()
    with redirect_stdout(printed), redirect_stderr(printed):
        try:
            outcome.values = {name: plain(name, value) for name, value in call().items()}
        except Forbidden:
            raise
        except BaseException as error:
            outcome.raised = describe(error, file)
    outcome.printed = printed.text()
    return outcome


def plain(name, value):
    """An array that is nothing but an array: of numbers, booleans or text.

    Raises TypeError for anything else, so that nothing of the attempt's own classes goes further.
    None becomes the text "None".
    """
    array = np.array(str(value) if value is None else value, copy=True, subok=False)
    if array.dtype.kind not in "biufU":
        raise TypeError(f"{name} is a {type(value).__name__}, not an array of numbers")
    return array


def describe(error, file=None):
    """An exception as plain data, with the last line of `file` that it passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if file and frame.filename == str(file)]
    line, code = (own[-1].lineno or 0, own[-1].line or "") if own else (0, "")
    if isinstance(error, SyntaxError):
        line, code = error.lineno or 0, error.text or ""
        return Raised(type(error).__name__, error.msg or "", line, code.strip())
    try:
        text = str(error)[:2_000].strip()
    except Exception:
        text = "(its text cannot be had)"
    return Raised(type(error).__name__, text, line, code.strip())


class Printed(io.TextIOBase):
    """Standard output that keeps its beginning and counts the rest."""

    def __init__(self):
        self.kept = ""
        self.lines_left_out = 0

    def writable(self):
        return True

    def write(self, text):
        room = PRINTED_AT_MOST - len(self.kept)
        self.kept += text[:room]
        self.lines_left_out += text[room:].count("\n") if room < len(text) else 0
        return len(text)

    def text(self):
        if not self.lines_left_out:
            return self.kept
        return f"{self.kept}\n... and {self.lines_left_out:,} lines more"


def ban(names, stop):
    """Put `stop` in the place of ready-made functions, given by their dotted names."""
    for dotted in names:
        owner, _, name = dotted.rpartition(".")

        def refuse(*args, dotted=dotted, **kwargs):
            stop(f"calls {dotted}, which is what the exercise asks you to write")

        setattr(importlib.import_module(owner), name, refuse)


def main(root, id, scratch, megabytes):
    """The child's life: wait for a file's name, grade that file, leave what it gave in `scratch`.

    Leaves `load.npz` for the file's own import and `<index>.npz` a check; `at` names the check that
    is running, `stopped` why it was stopped, and `done` exists if it came to its end.
    """
    exercise = exercises.get(root, id)
    checks = exercise.checks
    ready_to_check()
    file = sys.stdin.readline().rstrip("\n")
    if not file:
        return
    scratch = Path(scratch)

    def stop(reason):
        (scratch / "stopped").write_text(reason, encoding="utf-8")
        os._exit(3)

    def import_it():
        sources.append(Source.of(file))
        sources[0].module()
        return {}

    if exercise.missing:
        stop(f"needs {' and '.join(exercise.missing)}, which pip has to install first")
    os.chdir(scratch)
    os.environ.update(dict.fromkeys(PLACES, str(scratch)))
    sys.stdin = io.StringIO()
    ban(exercise.bans, stop)
    limit_memory(int(megabytes))
    sources = []
    with watch(Guard(exercise, file, scratch, stop)):
        loading = observe(import_it, file)
        loading.save(scratch / "load.npz")
        if loading.raised is None:
            for index, check in enumerate(checks.values()):
                (scratch / "at").write_text(str(index))
                run(check, sources[0]).save(scratch / f"{index}.npz")
        (scratch / "done").touch()
    os._exit(0)


def ready_to_check():
    """Import now what would otherwise be imported while the learner waits, or under the guard."""
    normal(1)
    np.savez(io.BytesIO(), np.zeros(1))


def limit_memory(megabytes):
    """Let this process take `megabytes` more than it has, on systems that can hold it to that."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):
        return
    limit = pages * resource.getpagesize() + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
