"""Compare what an implementation gave with what torch gave: verdicts as plain data."""

from dataclasses import dataclass

import numpy as np

from bnbank.runner import Outcome

# Largest difference, relative to the largest of torch's values (or to 1, if larger), per dtype of
# torch's answer: room for another order of summation, none for another formula.
TOLERANCE = {"float64": 1e-9, "float32": 1e-5, "float16": 2e-3}


@dataclass(frozen=True)
class Difference:
    """One returned value that does not agree with torch's."""

    name: str
    torch: np.ndarray
    yours: np.ndarray | None
    tolerance: float


@dataclass(frozen=True)
class Verdict:
    """What is to be said of one check.

    check        its name; `title` is its docstring, the line a learner sees.
    state        "agrees", "differs", "raised", "not written" or "not run".
    differences  the values that differ, where the state is "differs".
    outcome      what the check gave, or None where it was not run.
    """

    check: str
    title: str
    state: str
    differences: tuple[Difference, ...] = ()
    outcome: Outcome | None = None


def judge(exercise, outcomes):
    """Verdicts on a set of outcomes, one for every check of the exercise, in their order."""
    answers = load_answers(exercise.answers_file)
    return [
        verdict(check, outcomes.get(name), answers[name]) for name, check in exercise.checks.items()
    ]


def verdict(check, outcome, answer):
    """The verdict on one check; `answer` is torch's outcome, by name."""
    title = (check.__doc__ or check.__name__).strip().splitlines()[0]
    if outcome is None:
        return Verdict(check.__name__, title, "not run")
    if outcome.raised:
        missing = outcome.raised.kind == "NotImplementedError"
        state = "not written" if missing else "raised"
        return Verdict(check.__name__, title, state, outcome=outcome)
    wrong = tuple(differences(outcome.values, answer, getattr(check, "within", None)))
    return Verdict(check.__name__, title, "differs" if wrong else "agrees", wrong, outcome)


def differences(yours, torch, within=None):
    """Every value of `torch` that `yours` does not agree with."""
    for name, expected in torch.items():
        tolerance = within if within is not None else TOLERANCE.get(expected.dtype.name, 0.0)
        if not agree(yours.get(name), expected, tolerance):
            yield Difference(name, expected, yours.get(name), tolerance)


def agree(yours, torch, tolerance):
    """Whether two arrays have one shape and, within the tolerance, the same values."""
    if yours is None or yours.shape != torch.shape:
        return False
    kinds = {torch.dtype.kind, yours.dtype.kind}
    if "f" not in kinds or "U" in kinds:
        return len(kinds) == 1 and bool(np.array_equal(yours, torch))
    return bool(np.all(distance(yours, torch) <= tolerance))


def distance(yours, torch):
    """How far apart each pair of numbers is, relative to the largest of torch's, or to 1."""
    yours, torch = yours.astype(np.float64), torch.astype(np.float64)
    finite = np.isfinite(torch)
    with np.errstate(invalid="ignore"):
        apart = np.abs(yours - torch) / max(1.0, np.abs(torch).max(initial=0.0, where=finite))
    return np.where(yours == torch, 0.0, np.where(np.isnan(apart), np.inf, apart))


def load_answers(file):
    """Recorded answers: {check: {name: array}}."""
    answers = {}
    with np.load(file, allow_pickle=False) as arrays:
        for key in arrays:
            check, _, name = key.partition("/")
            answers.setdefault(check, {})[name] = arrays[key]
    return answers


def save_answers(file, answers):
    """Write what `load_answers` reads, whole or not at all; the same answers, the same bytes."""
    arrays = {
        f"{check}/{name}": a for check, values in answers.items() for name, a in values.items()
    }
    new = file.with_suffix(".new.npz")
    np.savez_compressed(new, **arrays)
    new.replace(file)
