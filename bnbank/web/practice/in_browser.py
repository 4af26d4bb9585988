"""What the page's worker calls in Pyodide: the grader of the command line, in one process.

The bank's own modules do the grading. Here is only what stands in for the child process: what an
attempt changes is put back after it, and it is stopped by an exception where the child would end.
An endless loop is ended from outside, with the worker.
"""

import builtins
import io
import json
import os
import sys
import warnings
from contextlib import contextmanager
from functools import lru_cache, wraps
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from bnbank import arrays, judge, report
from bnbank import exercise as exercises
from bnbank.diagnose import Rerun, rerun
from bnbank.grade import Graded
from bnbank.guard import Forbidden, Guard, watch
from bnbank.hints import next_hints
from bnbank.progress import Progress
from bnbank.runner import Source, ban, observe, ready_to_check, run

ROOT = Path(__file__).parent
SCRATCH = Path(os.environ.get("TMPDIR", "/tmp"))


def remembering(make):
    """`normal` or `uniform` that draws the same numbers once: seeding takes half of a check's time.

    What it returns can be changed in nothing but its shape, so each caller gets a view.
    """
    kept = lru_cache(maxsize=2_000)(make)

    @wraps(make)
    def draw(*shape, **settings):
        try:
            return kept(*shape, **settings).view()
        except TypeError:  # a mean that is an array has no hash
            return make(*shape, **settings)

    return draw


# No file of the bank changes here, so what follows from files alone is worked out once.
for _owner, _name in ((judge, "load_answers"), (exercises, "path"), (Rerun, "fails")):
    setattr(_owner, _name, lru_cache(maxsize=5_000)(getattr(_owner, _name)))
for _name in ("normal", "uniform"):
    setattr(arrays, _name, remembering(getattr(arrays, _name)))


def answer(request, tell=lambda text: None):
    """Do what the page asks for.

    request  JSON: {"do", "exercise", "text", "progress"}; text is the attempt or an imported file.
    tell     called with the title of each check before it runs, and with "" after the last one.

    Returns JSON, with the progress file as it is afterwards.
    """
    request = json.loads(request)
    progress_file = Path(os.environ["BNBANK_PROGRESS"])
    progress_file.write_text(request.get("progress") or "{}", encoding="utf-8")
    progress = Progress(ROOT)
    exercise = exercises.get(ROOT, request["exercise"]) if request.get("exercise") else None
    reply = DO[request["do"]](exercise, progress, request.get("text", ""), tell)
    return json.dumps(reply | {"progress": progress.text()}, ensure_ascii=False)


def check(exercise, progress, text, tell):
    """The verdict on an attempt, told as pytest tells it."""
    exercise.attempt.write_text(text, encoding="utf-8")
    graded = Graded.of(exercise, run_checks(exercise, tell))
    for name in graded.mistakes:
        progress.told(exercise.id, name)
    progress.graded(exercise.id, graded.solved, graded.mistakes)
    following = progress.following(exercise) if graded.solved else None
    score = report.score(exercise, graded.passed)
    return {
        "solved": graded.solved,
        "score": report.solved(exercise, following) if graded.solved else score,
        "checks": [
            {
                "title": verdict.title,
                "state": verdict.state,
                "text": graded.tell(name),
                "printed": verdict.outcome.printed if verdict.outcome else "",
            }
            for name, verdict in graded.verdicts.items()
        ],
        "mistakes": graded.mistakes,
    }


def run_checks(exercise, tell):
    """What an attempt gives in every check, as `runner.main` has it. Returns a sandbox.Run."""
    outcomes, at = {}, ""
    with contained(exercise) as reasons:
        source = Source.of(exercise.attempt)
        outcomes["load"] = observe(lambda: source.module() and {}, exercise.attempt)
        for at, one in exercise.checks.items() if outcomes["load"].raised is None else ():
            tell(one.__doc__.strip().splitlines()[0])
            outcomes[at] = run(one, source)
            if reasons:  # and the attempt has caught the exception
                break
    tell("")
    if reasons:
        outcomes.pop(at, None)
        return SimpleNamespace(outcomes=outcomes, stopped=reasons[0], at=at)
    return SimpleNamespace(outcomes=outcomes, stopped="", at="")


def run_file(exercise, progress, text, tell):
    """What the attempt prints and raises when it is run as a program."""
    exercise.attempt.write_text(text, encoding="utf-8")

    def program():
        names = {"__name__": "__main__", "__file__": str(exercise.attempt)}
        exec(compile(text, str(exercise.attempt), "exec"), names)
        return {}

    with contained(exercise) as reasons:
        outcome = observe(program, exercise.attempt)
    tell("")
    if reasons:
        return {"printed": "", "raised": reasons[:1]}
    raised = report.what_was_raised(outcome.raised) if outcome.raised else []
    return {"printed": outcome.printed, "raised": raised}


def hint(exercise, progress, text, tell):
    """The next hints, counted."""
    return {"hints": list(next_hints(exercise, progress))}


def show(exercise, progress, text, tell):
    """The reference; the exercise is marked as seen."""
    progress.seen(exercise.id)
    return {"reference": exercise.reference.read_text(encoding="utf-8")}


def merge(exercise, progress, text, tell):
    """Take in an exported file. Where it is none, `trouble` says so."""
    try:
        return {"said": progress.merge(text)}
    except ValueError as error:
        return {"trouble": str(error)}


DO = {"check": check, "run": run_file, "hint": hint, "show": show, "merge": merge}


@contextmanager
def contained(exercise):
    """Hold an attempt as the child process would. Yields a list: why it was stopped, as sentences.

    Patched functions, the working folder, warnings and NumPy's error state are put back.
    """
    reasons = []  # more than one where it catches the exception and goes on; worded as by sandbox

    def stop(reason):
        reasons.append(f"The attempt {reason}. It was stopped there.")

    def refuse(reason):
        stop(reason)
        raise Forbidden(reason)

    def leave(code):
        reasons.append(
            f"The attempt ended its process (exit status {code}); an answer has to return."
        )
        raise Forbidden("ends its process")

    owners = {sys.modules[name.rpartition(".")[0]] for name in exercise.bans}
    before = [(module, dict(vars(module))) for module in {builtins, os, np, np.linalg} | owners]
    stdin, folder = sys.stdin, os.getcwd()
    sys.stdin, os._exit = io.StringIO(), leave
    os.chdir(SCRATCH)

    ban(exercise.bans, refuse)
    try:
        guard = Guard(exercise, exercise.attempt, SCRATCH, stop)
        with np.errstate(), warnings.catch_warnings(), watch(guard):
            yield reasons
    except Forbidden:
        pass
    finally:
        for module, names in before:
            vars(module).update(names)
        sys.stdin = stdin
        os.chdir(folder)


def prepare(id):
    """Do now, a little at each step, what would otherwise be done while the learner waits."""
    exercise = exercises.get(ROOT, id)
    for step in (ready_to_check, lambda: exercise.checks, lambda: exercises.path(ROOT)):
        step()
        yield
    known = rerun(exercise)
    for mistake in exercise.mistakes:
        for name in exercise.checks:
            known.fails((mistake,), name)
            yield
