"""Name the mistake: which known one gives exactly these wrong numbers?

By behaviour, never by reading the attempt's source. A known mistake is an edit of the reference;
the edited reference is run, and where it goes wrong in just the way the attempt does, it is the
diagnosis.
"""

import os
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations, groupby, permutations
from math import prod

import numpy as np

from bnbank.exercise import Mistake
from bnbank.judge import TOLERANCE, agree, load_answers, verdict
from bnbank.runner import Raised, Source, quiet, run

SAME = 1e-6  # two ways to make one mistake agree to this at least; two mistakes differ by more


@dataclass(frozen=True)
class Diagnosis:
    """What an attempt's wrong answers have in common with known mistakes.

    mistakes  the one, or the few at once, whose answers equal the attempt's in every check;
              empty if there are none.
    by_check  {check: mistakes that show in it}; where nothing explains all checks, those single
              checks whose wrong answers a mistake explains.
    """

    mistakes: tuple[Mistake, ...] = ()
    by_check: dict = field(default_factory=dict)

    def of(self, check):
        """The mistakes that explain what one check found."""
        return self.by_check.get(check, ())


def diagnose(exercise, outcomes, verdicts):
    """The Diagnosis of an attempt from its outcomes and the verdicts on them."""
    failing = [v.check for v in verdicts if v.state in ("differs", "raised")]
    if not failing:
        return Diagnosis()
    known = rerun(exercise)
    passing = [v.check for v in verdicts if v.state == "agrees"]
    for _, candidates in groupby(known.candidates(failing, passing), key=len):
        explaining = [m for m in candidates if known.explain(m, failing, passing, outcomes)]
        if explaining:
            closest = max(explaining, key=lambda mistakes: known.likeness(mistakes, outcomes))
            return Diagnosis(closest, {name: known.shown(closest, name) for name in failing})
    return Diagnosis((), known.explain_each(failing, passing, outcomes))


@lru_cache(maxsize=4)
def rerun(exercise):
    """The Rerun of an exercise: one a process, for a mistake gives every attempt the same."""
    return Rerun(exercise)


class Rerun:
    """The reference with mistakes in it, run on one check at a time, only when asked, and once."""

    def __init__(self, exercise):
        # Where a check imports torch: small arrays gain nothing from more threads, and lose much.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        self.exercise = exercise
        self.reference = exercise.reference.read_text(encoding="utf-8")
        self.answers = load_answers(exercise.answers_file)
        self.sources, self.outcomes = {}, {}

    def candidates(self, failing, passing):
        """Mistakes that could explain just these failing checks: one by one, then together.

        Of several at once each must leave alone what agrees, and all failing checks must be some
        mistake's doing. Code to be mended may have four at once, one hiding another; whoever writes
        rarely makes three.
        """
        mistakes, debugging = self.exercise.mistakes, self.exercise.is_debugging
        yield from ((mistake,) for mistake in mistakes)
        fails = {m: {name for name in failing if self.fails((m,), name)} for m in mistakes}
        harmless = {m for m in mistakes if not any(self.fails((m,), name) for name in passing)}
        possible = [m for m in mistakes if fails[m] and (debugging or m in harmless)]
        for number in range(2, 5 if debugging else 3):
            for together in combinations(possible, number):
                if set(failing) <= set().union(*(fails[m] for m in together)):
                    yield together

    def explain(self, mistakes, failing, passing, outcomes):
        """Whether the reference with these mistakes is right and wrong just as the attempt is."""
        return all(self.same(mistakes, name, outcomes[name]) for name in failing) and not any(
            self.fails(mistakes, name) for name in passing
        )

    def likeness(self, mistakes, outcomes):
        """In how many checks the attempt's answers are these mistakes' to the last digits."""
        return sum(
            same(outcomes[name], self.outcome(mistakes, name), lambda dtype: SAME)
            for name in self.exercise.checks
            if name in outcomes
        )

    def explain_each(self, failing, passing, outcomes):
        """{check: mistakes} where nothing explains all of them: check by check, as far as it goes.

        Of several mistakes that explain a check, the one that explains most is likeliest; one that
        would show where the attempt is right is none of its. What is left may be the work of
        several of those that were found.
        """
        alone = {
            (mistake,): [n for n in failing if self.same((mistake,), n, outcomes[n])]
            for mistake in self.exercise.mistakes
            if not any(self.fails((mistake,), name) for name in passing)
        }
        found = {n: one for one in sorted(alone, key=lambda m: len(alone[m])) for n in alone[one]}
        likely = list(dict.fromkeys(mistake for (mistake,) in found.values()))[:4]
        for number in range(2, len(likely) + 1):
            for together in combinations(likely, number):
                for name in failing:
                    if name not in found and self.same(together, name, outcomes[name]):
                        found[name] = together
        return found

    def same(self, mistakes, check, given):
        """Whether a check catches these mistakes, and just as it caught what gave this outcome.

        As exactly as it asks: someone may make in float32 what the reference makes in float64.
        """
        made, within = (
            self.outcome(mistakes, check),
            getattr(self.exercise.checks[check], "within", 0),
        )
        if made is None or not self.fails(mistakes, check):
            return False
        return same(given, made, lambda dtype: max(SAME, within, TOLERANCE.get(dtype.name, 0)))

    def fails(self, mistakes, check):
        """Whether a check catches these mistakes, or they cannot be made together."""
        outcome, answer = self.outcome(mistakes, check), self.answers[check]
        return (
            outcome is None
            or verdict(self.exercise.checks[check], outcome, answer).state != "agrees"
        )

    def shown(self, mistakes, check):
        """Those of several mistakes that a check catches by themselves; all, if it catches none."""
        return tuple(m for m in mistakes if self.fails((m,), check)) or mistakes

    def outcome(self, mistakes, check):
        """What the reference with these mistakes gives, or None if they cannot be made together."""
        key = (*mistakes, check)
        if key not in self.outcomes:
            source = self.source(mistakes)
            with quiet():
                self.outcomes[key] = source and run(self.exercise.checks[check], source)
        return self.outcomes[key]

    def source(self, mistakes):
        if mistakes not in self.sources:
            text = self.reference
            try:
                for mistake in mistakes:
                    text = mistake.edit(text)
                self.sources[mistakes] = Source(text)
            except ValueError:
                self.sources[mistakes] = None
        return self.sources[mistakes]


def same(one, other, tolerance):
    """Whether two outcomes are the same: equal values, or the same exception.

    tolerance  a function of the dtype: how far two values may lie apart.
    """
    if one.raised or other.raised:
        return told(one.raised) == told(other.raised)
    if one.values.keys() != other.values.keys():
        return False
    return all(alike(one.values[name], other.values[name], tolerance) for name in one.values)


def told(raised: Raised | None):
    """What two exceptions are compared by: not the line, which is everyone's own."""
    return raised and (raised.kind, raised.text)


def alike(one, other, tolerance):
    """`agree`, where NaN equals NaN and infinity itself."""
    if one.dtype.kind == other.dtype.kind == "f" and one.shape == other.shape:
        bounded = np.isfinite(one) & np.isfinite(other)
        if not np.array_equal(one[~bounded], other[~bounded], equal_nan=True):
            return False
        one, other = one[bounded], other[bounded]
    return agree(one, other, tolerance(other.dtype))


def observations(difference):
    """What can be said of a wrong value without knowing the mistake, most telling first."""
    torch, yours = difference.torch, difference.yours
    if yours is None or "f" not in (torch.dtype.kind, yours.dtype.kind):
        return []
    if yours.dtype.kind == "U" or torch.dtype.kind == "U":
        return []
    if yours.shape != torch.shape:
        return _of_shape(torch, yours)
    torch, yours = torch.astype(np.float64), yours.astype(np.float64)
    if not np.isfinite(yours).all():
        return [f"{_count(~np.isfinite(yours))} not finite"]
    return _of_values(torch, yours, difference.tolerance)


def _of_shape(torch, yours):
    if yours.size == torch.size and agree(yours.reshape(torch.shape), torch, SAME):
        return ["the values are torch's, in another shape"]
    return []


def _of_values(torch, yours, tolerance):
    said = []
    if yours.size > 1 and np.ptp(yours) == 0 and np.ptp(torch) > 0:
        said.append("all of yours are one number")
    for order in permutations(range(torch.ndim)):
        if list(order) != sorted(order) and agree(yours.transpose(order), torch, tolerance):
            said.append(f"yours are torch's with the axes in the order {order}")
    factor = _constant(torch, yours, np.divide, tolerance)
    if factor is not None:
        said.append(
            f"yours are torch's times {factor:.6g} everywhere{_bessel(factor, torch.shape)}"
        )
    offset = _constant(torch, yours, np.subtract, tolerance)
    if offset is not None and yours.size > 1:
        said.append(f"yours are torch's plus {offset:.6g} everywhere")
    if torch.ndim >= 2 and not said:
        said += _of_channels(torch, yours, tolerance)
    return said


def _constant(torch, yours, relation, tolerance):
    """The one number by which two arrays are related everywhere, or None."""
    large = np.abs(torch) > 1e-6 * np.abs(torch).max(initial=0)
    if not large.any():
        return None
    with np.errstate(all="ignore"):
        related = relation(yours[large], torch[large])
    number = float(np.median(related))
    if not np.isfinite(number) or np.abs(related - number).max() > 1e-5 * max(1, abs(number)):
        return None
    return None if abs(number - (relation is np.divide)) <= tolerance else number


def _bessel(factor, shape):
    """Where a factor may be m/(m-1) or its inverse, the other variance was taken; m is told."""
    name, m = ("m/(m-1)", factor / (factor - 1)) if factor > 1 else ("(m-1)/m", 1 / (1 - factor))
    counts = {prod(sizes) for n in range(1, len(shape) + 1) for sizes in combinations(shape, n)}
    possible = m > 1.5 and abs(m - round(m)) < 1e-3 * m
    if factor > 0 and possible and (len(shape) < 2 or round(m) in counts):
        return f", which is {name} for m = {round(m)}"
    return ""


def _of_channels(torch, yours, tolerance):
    """What holds of channels, the values along axis 1."""
    said = []
    axes = tuple(axis for axis in range(torch.ndim) if axis != 1)
    good = [
        c for c in range(torch.shape[1])
        if agree(np.take(yours, [c], 1), np.take(torch, [c], 1), tolerance)
    ]  # fmt: skip
    if good:
        said.append(f"channel {', '.join(map(str, good))} agrees, the others do not")
    for name, measure in (("mean", np.mean), ("spread", np.std)):
        ours, theirs = measure(yours, axis=axes), measure(torch, axis=axes)
        c = int(np.abs(ours - theirs).argmax())
        if f"{ours[c]:.4f}" != f"{theirs[c]:.4f}":
            said.append(f"the {name} of channel {c} is {ours[c]:.4f}, torch's {theirs[c]:.4f}")
    return said


def _count(where):
    return f"{int(where.sum())} of {where.size} are"
