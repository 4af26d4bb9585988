"""Correct attempts in another style are solved; the styles lie in `attempts/<id>/`."""

from pathlib import Path

import pytest

from bnbank import exercise as exercises
from bnbank.grade import grade

ATTEMPTS = sorted(Path(__file__).parent.glob("attempts/*/*.py"))


@pytest.mark.parametrize("file", ATTEMPTS, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_correct_attempt_is_solved(root, file):
    graded = grade(exercises.get(root, file.parent.name), file)
    assert graded.solved, graded.text()


def test_every_exercise_has_two_styles(exercise):
    if exercise.is_debugging:
        pytest.skip("there is one way to mend it: back to the contract")
    assert sum(file.parent.name == exercise.id for file in ATTEMPTS) >= 2
