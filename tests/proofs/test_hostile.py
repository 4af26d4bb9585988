"""Whatever an attempt does ends as a failure with a clear sentence; the bank stays as it is."""

import ast
import hashlib
import shutil
import time
from pathlib import Path

import pytest

from bnbank import exercise as exercises
from bnbank.grade import grade

HOSTILE = sorted(Path(__file__).parent.glob("hostile/*.py"))
SECONDS = 4


def fingerprint(root):
    """What a learner's run must leave as it is."""
    return {
        file.relative_to(root).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in root.rglob("*")
        if file.is_file()
    }


@pytest.mark.parametrize("file", HOSTILE, ids=lambda file: file.stem)
def test_hostile_attempt_fails_with_a_sentence(bank, file):
    """The file's docstring is what has to be said of it."""
    expected = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    exercise = exercises.get(bank, "bn2d")
    shutil.copy(file, exercise.attempt)
    before, start = fingerprint(bank), time.monotonic()
    graded = grade(exercise, exercise.attempt, SECONDS)
    took = time.monotonic() - start
    assert not graded.solved
    assert expected in graded.text()
    assert len(graded.text()) < 20_000
    assert took < SECONDS + 5
    assert fingerprint(bank) == before


def test_most_of_the_list_is_there():
    assert len(HOSTILE) >= 25


def test_an_honest_attempt_may_write_to_its_own_folder(root, tmp_path):
    """The guard stops what harms; a scratch file or a look at its own source harms nobody."""
    file = tmp_path / "attempt.py"
    reference = exercises.get(root, "bn2d").reference.read_text(encoding="utf-8")
    file.write_text(
        "import json\nimport numpy.linalg\nopen('notes.txt', 'w').write('mean')\n"
        "assert open('notes.txt').read() == 'mean'\nopen(__file__).read()\nprint('hello')\n"
        + reference
    )
    assert grade(exercises.get(root, "bn2d"), file, SECONDS).solved


def test_memory_and_time_are_limited_per_attempt(root, tmp_path):
    file = tmp_path / "attempt.py"
    file.write_text("import time\ntime.sleep(60)\n")
    start = time.monotonic()
    graded = grade(exercises.get(root, "bn2d"), file, 0.8)
    assert "still running after 0.8 s" in graded.text()
    assert time.monotonic() - start < 5
