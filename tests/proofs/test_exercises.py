"""Every exercise is what it promises; see bnbank/check.py for what that is."""

import pytest

from bnbank import check, exercise
from bnbank.judge import load_answers, verdict
from bnbank.runner import Outcome


def test_signatures_agree(exercise):
    assert list(check.signatures(exercise)) == []


def test_starter_is_not_written_yet(exercise):
    assert list(check.starter(exercise)) == []


def test_reference_gives_torchs_answers(exercise):
    assert list(check.reference(exercise)) == []


def test_torch_behind_the_contract_passes(exercise):
    pytest.importorskip("torch", reason="torch, the oracle, is not installed")
    answers = load_answers(exercise.answers_file)
    for name, values in check.record(exercise).items():
        assert verdict(exercise.checks[name], Outcome(values), answers[name]).state == "agrees"


def test_every_mistake_is_recognized_as_itself(exercise):
    assert list(check.mistakes(exercise)) == []


def test_hints_are_short_and_lead_to_a_card(exercise):
    assert list(check.hints(exercise)) == []


def test_recorded_answers_are_fresh(exercise):
    assert list(check.answers(exercise)) == []


def test_the_path_holds_every_exercise_after_its_prerequisites(root):
    path = exercise.path(root)
    assert sorted(e.id for e in path) == exercise.ids(root)
    done = set()
    for e in path:
        assert set(e.after) <= done, f"{e.id} comes before {set(e.after) - done}"
        done.add(e.id)
