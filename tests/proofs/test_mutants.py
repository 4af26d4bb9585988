"""Machine-made mutants of each reference are caught, or listed as equivalent with the reason."""

import signal

import pytest
from mutants import mutants

from bnbank.judge import load_answers, verdict
from bnbank.runner import Source, quiet, run

SECONDS_A_MUTANT = 20


def test_mutants_are_caught_or_explained(exercise):
    if exercise.is_debugging:
        pytest.skip("its reference is proved by the exercise that it is graded as")
    if exercise.needs == "gpu":
        pytest.skip("a mutated kernel may write out of bounds and end this process")
    source = exercise.reference.read_text(encoding="utf-8")
    survivors = [change for change, mutant in mutants(source) if passes(exercise, mutant)]
    explained = exercise.equivalent_mutants
    assert sorted(set(survivors) - set(explained)) == [], "no check catches these"
    assert sorted(set(explained) - set(survivors)) == [], "these are caught, or not made any more"


def passes(exercise, source):
    """Whether a mutant gives torch's answer in every check; the first wrong one settles it."""
    answers = load_answers(exercise.answers_file)
    source = Source(source)
    with quiet(), AtMost(SECONDS_A_MUTANT):
        return all(
            verdict(check, run(check, source), answers[name]).state == "agrees"
            for name, check in exercise.checks.items()
        )


class AtMost:
    """A mutant that does not come to an end is caught by that: TimeoutError inside its check."""

    def __init__(self, seconds):
        self.seconds = seconds if hasattr(signal, "SIGALRM") else 0

    def __enter__(self):
        if self.seconds:
            signal.signal(signal.SIGALRM, self._too_late)
            signal.alarm(self.seconds)

    def __exit__(self, *_):
        if self.seconds:
            signal.alarm(0)

    @staticmethod
    def _too_late(*_):
        raise TimeoutError
