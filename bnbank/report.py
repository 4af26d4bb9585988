"""Word a verdict for a person. Plain text; nothing here knows a terminal."""

import numpy as np

from bnbank.diagnose import observations
from bnbank.exercise import card_file
from bnbank.judge import distance

# What NumPy says when an attempt writes to its input, and what it means here.
READ_ONLY = ("destination is read-only", "array is read-only", "set WRITEABLE flag")


def failure(exercise, verdict, diagnosis, told=()):
    """What a learner sees of a check that failed.

    told  names of mistakes whose hint has been shown already in this run.
    """
    mistakes = diagnosis.of(verdict.check)
    if mistakes and all(mistake.name in told for mistake in mistakes):
        first = what_differs(verdict)[:1]
        return _indented(verdict.title, [*first, "The hint above explains this too."])
    lines = what_differs(verdict, observed=not mistakes)
    if len(mistakes) > 1:
        lines.append(f"{len(mistakes)} mistakes at once give these very numbers.")
    lines += [hint(mistake.hints, 1) for mistake in mistakes if mistake.name not in told]
    card = card_file(exercise.root, mistakes[0].card if mistakes else exercise.card)
    lines.append(f"Read: {card}    More: bnbank hint {exercise.id}")
    return _indented(verdict.title, lines)


def _indented(title, lines):
    return "\n".join([title, *(f"  {line}" for line in lines)])


def hint(hints, number):
    """The number-th of several hints, counted."""
    return f"Hint {number} of {len(hints)}: {hints[number - 1]}"


def what_differs(verdict, observed=False):
    """How a failed check differs, a line each; observed adds what the first numbers let one see."""
    if verdict.state == "raised":
        return what_was_raised(verdict.outcome.raised)
    lines = []
    for difference in verdict.differences:
        lines.append(_difference(difference))
        if observed and (seen := observations(difference)):
            lines += [f"  {text}" for text in seen]
            observed = False
    return lines


def what_was_raised(raised):
    """An exception: the attempt's own line first."""
    lines = [f"line {raised.line}: {raised.code}"] if raised.line else []
    lines.append(f"{raised.kind}: {raised.text}" if raised.text else raised.kind)
    if any(text in raised.text for text in READ_ONLY):
        lines.append("The input has to stay as it is: write to an array of your own.")
    return lines


def _difference(difference):
    """One line: the name, how many, the worst place, torch's number and yours."""
    name, torch, yours = difference.name, difference.torch, difference.yours
    if yours is None:
        return f"{name} is missing"
    if yours.dtype.kind == "U" or torch.dtype.kind == "U":
        if yours.dtype.kind == "U" and str(yours) == "None":
            return f"{name} is None; is there a return?"
        return f"{name}: asked for is '{_said(torch)}', yours '{_said(yours)}'"
    if yours.shape != torch.shape:
        return f"{name} has the shape {yours.shape}, torch's has {torch.shape}"
    apart = distance(yours, torch)
    worst = np.unravel_index(int(apart.argmax()), apart.shape)
    numbers = "torch {}, yours {}".format(*_numbers(torch[worst], yours[worst]))
    if torch.ndim == 0:
        return f"{name}: {numbers}"
    place = ", ".join(str(int(i)) for i in worst)
    wrong = int((apart > difference.tolerance).sum())
    places = f"{wrong} of {torch.size} places"
    return f"{name} differs from torch in {places}; worst at [{place}]: {numbers}"


def _numbers(torch, yours):
    """Two numbers with as many digits as it takes to tell them apart."""
    if "f" not in (torch.dtype.kind, yours.dtype.kind):
        return str(torch), str(yours)
    for digits in range(6, 18):
        texts = f"{float(torch):.{digits}g}", f"{float(yours):.{digits}g}"
        if texts[0] != texts[1]:
            break
    return texts


def _said(array):
    return str(array[()]) if array.ndim == 0 else ", ".join(map(str, array.ravel()))


def not_written(exercise, verdict=None):
    """What is said once of everything that still raises NotImplementedError."""
    file = exercise.attempt.relative_to(exercise.root).as_posix()
    raised = verdict.outcome.raised if verdict else None
    where = f"{file}, line {raised.line}" if raised and raised.line else file
    return _indented(
        f"{exercise.id}: not written yet",
        [
            f"{exercise.title}.",
            f"Write your answer in {where}; the docstrings say what is asked.",
            f"Then run this again.    Stuck: bnbank hint {exercise.id}",
        ],
    )


def not_loaded(exercise, raised):
    """What is said once of a file that cannot even be imported."""
    file = exercise.attempt.relative_to(exercise.root).as_posix()
    return _indented(f"{file} cannot be imported", what_was_raised(raised))


def stopped(run, title):
    """What is said once of an attempt that did not come to its end."""
    return _indented(title, [run.stopped]) if title else run.stopped


def score(exercise, passed, ran=None):
    """How far an attempt has come."""
    checks = len(exercise.checks)
    left = f" ({checks - ran} were not run)" if ran is not None and ran < checks else ""
    return f"{exercise.id}: {passed} of {checks} checks agree with torch{left}. Not solved yet."


def solved(exercise, following=None):
    """What is said of an exercise that is solved."""
    lines = [f"{exercise.id}: solved. All {len(exercise.checks)} checks agree with torch."]
    lines += [f"  {line}".rstrip() for line in exercise.why.splitlines()]
    lines.append(
        f"  Compare: bnbank show {exercise.id}    Read: {card_file(exercise.root, exercise.card)}"
    )
    if following:
        lines.append(f"  Next: pytest solutions/{following.id}    ({following.title})")
    return "\n".join(lines)
