"""Word a verdict for a person. Plain text; nothing here knows a terminal."""

import numpy as np

from bnbank.diagnose import observations
from bnbank.exercise import card_file
from bnbank.judge import distance

# The grader's own ways to be told of one attempt's fault by exceptions that NumPy raises for it.
EXPLAINED = {
    "assignment destination is read-only": "The input must stay as it is: write to an array of your own.",
    "output array is read-only": "The input must stay as it is: write to an array of your own.",
    "cannot set WRITEABLE flag": "The input must stay as it is; it was made read-only on purpose.",
}


def failure(exercise, verdict, diagnosis, told=()):
    """What a learner sees of a check that failed.

    told  names of mistakes whose hint has been shown already in this run.
    """
    lines = [verdict.title, *(f"  {line}" for line in _what_differs(exercise, verdict))]
    mistakes = diagnosis.of(verdict.check)
    new = [mistake for mistake in mistakes if mistake.name not in told]
    if mistakes and not new:
        return "\n".join([*lines, "  The hint above explains this too."])
    if len(diagnosis.mistakes) > 1:
        lines.append(f"  {len(diagnosis.mistakes)} mistakes at once give these very numbers.")
    for mistake in new:
        lines.append(f"  {hint(mistake.hints, 1)}")
    card = card_file(exercise.root, (mistakes[0].card if mistakes else exercise.card))
    lines.append(f"  Read: {card}    More: bnbank hint {exercise.id}")
    return "\n".join(lines)


def hint(hints, number):
    """The number-th of several hints, counted."""
    return f"Hint {number} of {len(hints)}: {hints[number - 1]}"


def _what_differs(exercise, verdict):
    outcome = verdict.outcome
    if verdict.state == "raised":
        return _what_was_raised(outcome.raised)
    lines = []
    for difference in verdict.differences:
        lines.append(_difference(difference))
        lines += [f"  {text}" for text in observations(difference)]
    return lines


def _what_was_raised(raised):
    lines = [f"line {raised.line}: {raised.code}"] if raised.line else []
    lines.append(f"{raised.kind}: {raised.text}" if raised.text else raised.kind)
    lines += [text for said, text in EXPLAINED.items() if said in raised.text]
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
    if torch.ndim == 0:
        return f"{name}: torch {_number(torch[()])}, yours {_number(yours[()])}"
    apart = distance(yours, torch)
    worst = np.unravel_index(int(apart.argmax()), apart.shape)
    place = ", ".join(str(int(i)) for i in worst)
    wrong = int((apart > difference.tolerance).sum())
    return (
        f"{name} differs from torch in {wrong} of {torch.size} places; "
        f"worst at [{place}]: torch {_number(torch[worst])}, yours {_number(yours[worst])}"
    )


def _number(value):
    return str(value) if value.dtype.kind in "biu" else f"{float(value):.6g}"


def _said(array):
    return str(array[()]) if array.ndim == 0 else ", ".join(map(str, array.ravel()))


def not_written(exercise, verdict):
    """What is said once of everything that still raises NotImplementedError."""
    file = exercise.attempt.relative_to(exercise.root).as_posix()
    place = verdict.outcome.raised if verdict and verdict.outcome else None
    where = f"{file}, line {place.line}" if place and place.line else file
    return "\n".join(
        [
            f"{exercise.id}: not written yet",
            f"  {exercise.title}",
            f"  Write your answer in {where}: its docstrings say what is asked.",
            f"  Then run this again.    Stuck: bnbank hint {exercise.id}",
        ]
    )


def not_loaded(exercise, raised):
    """What is said once of a file that cannot even be imported."""
    file = exercise.attempt.relative_to(exercise.root).as_posix()
    return "\n".join(
        [f"{file} cannot be imported", *(f"  {line}" for line in _what_was_raised(raised))]
    )


def stopped(run, title):
    """What is said once of an attempt that did not come to its end."""
    return f"{title}\n  {run.stopped}" if title else run.stopped


def solved(exercise, following=None):
    """What is said of an exercise that is solved."""
    lines = [f"{exercise.id}: solved. All {len(exercise.checks)} checks agree with torch."]
    lines += [f"  {line}".rstrip() for line in exercise.why.splitlines()]
    lines.append(f"  Compare: bnbank show {exercise.id}    Read: {card_file(exercise.root, exercise.card)}")
    if following:
        lines.append(f"  Next: pytest solutions/{following.id}    ({following.title})")
    return "\n".join(lines)
