"""The judge says yes to what agrees and to nothing else."""

import numpy as np
import pytest

from bnbank.arrays import frozen, normal, refuses, within
from bnbank.diagnose import observations
from bnbank.judge import Difference, agree, load_answers, save_answers, verdict
from bnbank.runner import Outcome, Raised, Source, run

X = np.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize(
    ("yours", "agrees"),
    [
        (X, True),
        (X + 1e-9, True),  # 1e-9 of 11
        (X + 1e-7, False),
        (X[:, :3], False),
        (X[None], False),
        (np.where(X == 5, np.nan, X), False),
        (np.where(X == 5, np.inf, X), False),
        (X.astype(np.float32), True),
        (X.astype(int), True),
        (X.astype(str), False),
        (None, False),
    ],
)
def test_numbers(yours, agrees):
    assert agree(yours, X, 1e-9) is agrees


def test_infinity_agrees_with_itself_alone():
    torch = np.array([1.0, np.inf, -np.inf])
    assert agree(torch, torch, 1e-9)
    assert not agree(-torch, torch, 1e-9)
    assert not agree(np.array([1.0, 1e300, -1e300]), torch, 1e-9)
    assert not agree(np.array([1.1, np.inf, -np.inf]), torch, 1e-9)


def test_booleans_and_text_are_exact():
    assert agree(np.array([True, False]), np.array([True, False]), 0)
    assert not agree(np.array([True, True]), np.array([True, False]), 1)
    assert not agree(np.array([1, 0]), np.array([True, False]), 1)
    assert agree(np.array("refused"), np.array("refused"), 0)
    assert not agree(np.array("accepted"), np.array("refused"), 1)


def test_tolerance_is_the_dtypes_own_or_the_checks():
    def check(impl):
        """a claim"""

    near = Outcome({"y": X + 1e-6})
    assert verdict(check, near, {"y": X}).state == "differs"
    assert verdict(check, near, {"y": X.astype(np.float32)}).state == "agrees"
    assert verdict(within(1e-3)(check), near, {"y": X}).state == "agrees"


def test_states():
    def check(impl):
        """a claim"""

    assert verdict(check, None, {}).state == "not run"
    assert verdict(check, Outcome(raised=Raised("ValueError", "")), {}).state == "raised"
    unwritten = Outcome(raised=Raised("NotImplementedError", ""))
    assert verdict(check, unwritten, {}).state == "not written"
    missing = verdict(check, Outcome({}), {"y": X})
    assert (missing.state, missing.differences[0].yours) == ("differs", None)


def test_outcomes_survive_their_file(tmp_path):
    outcome = Outcome({"a b": X, "n": np.array(3)}, Raised("E", "text", 7, "x = 1"), "printed")
    outcome.save(tmp_path / "o.npz")
    again = Outcome.load(tmp_path / "o.npz")
    assert again.raised == outcome.raised
    assert again.printed == "printed"
    assert np.array_equal(again.values["a b"], X)


def test_an_outcome_has_its_limit(tmp_path):
    np.savez_compressed(tmp_path / "o.npz", **{"value y": np.zeros(2**24), "printed": np.array("")})
    with pytest.raises(ValueError, match="more than"):
        Outcome.load(tmp_path / "o.npz")


def test_answers_make_the_same_bytes(tmp_path):
    answers = {"check": {"y": X, "said": np.array("raises ValueError")}}
    for name in "ab":
        save_answers(tmp_path / f"{name}.npz", answers)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert np.array_equal(load_answers(tmp_path / "a.npz")["check"]["y"], X)


def test_inputs_cannot_be_changed():
    for array in (normal(2, 3), frozen(X)):
        with pytest.raises(ValueError, match="read-only"):
            array += 1
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.setflags(write=True)
    assert np.array_equal(normal(2, 3), normal(2, 3))
    assert not np.array_equal(normal(2, 3), normal(2, 3, seed=1))
    assert np.array_equal(normal(2, 3), normal(2, 3, dtype=np.float32))
    assert frozen(np.zeros((0, 3))).shape == (0, 3)


def test_refusals():
    def refuse(text, kind=ValueError):
        raise kind(text)

    named = "raises ValueError that names (2, 3) and 5"
    good = "expected 5 channels, got (2, 3)"
    assert refuses(ValueError, refuse, good, naming=[(2, 3), 5]) == named
    assert refuses(ValueError, refuse, "2..5 expected, (2, 3)", naming=[(2, 3), 5]) == named
    assert "does not name 5" in refuses(ValueError, refuse, "0.5, (2, 3)", naming=[(2, 3), 5])
    assert "does not name 5" in refuses(ValueError, refuse, "got (2, 3)", naming=[(2, 3), 5])
    assert "does not name (2, 3)" in refuses(ValueError, refuse, "5: (12, 3)", naming=[(2, 3)])
    assert refuses(ValueError, refuse, good, TypeError, naming=[5]).startswith("raises TypeError")
    assert refuses(ValueError, abs, 1) == "is accepted"
    with pytest.raises(NotImplementedError):
        refuses(ValueError, refuse, "", NotImplementedError)


def test_a_check_gets_a_new_module():
    source = Source("seen = []\ndef f():\n    seen.append(1)\n    return len(seen)\n")
    for _ in range(2):
        assert run(lambda impl: {"n": impl.f()}, source).values["n"] == 1


def test_nothing_but_arrays_comes_out():
    source = Source("class Odd:\n    def __eq__(self, other):\n        return True\n")
    assert run(lambda impl: {"y": impl.Odd()}, source).raised.kind == "TypeError"
    assert run(lambda impl: {"y": None}, source).values["y"] == "None"
    assert run(lambda impl: 3, source).raised.kind == "AttributeError"


T = normal(4, 3, 5, mean=2)


@pytest.mark.parametrize(
    ("yours", "said"),
    [
        (T * 1.25, "times 1.25 everywhere"),
        (T * (60 / 59), "which is m/(m-1) for m = 60"),
        (-T, "times -1 everywhere"),
        (T + 3, "plus 3 everywhere"),
        (np.full_like(T, 2), "all of yours are one number"),
        (np.where(T > 3, np.nan, T), "not finite"),
        (T.reshape(12, 5), "the values are torch's, in another shape"),
        (np.concatenate([T[:, :1], T[:, 1:] ** 3], 1), "channel 0 agrees, the others do not"),
        (T**3, "the mean of channel"),
    ],
)
def test_observations(yours, said):
    assert any(said in text for text in observations(Difference("y", T, yours, 1e-9)))


def test_observation_of_axes():
    square = normal(3, 3)
    said = observations(Difference("y", square, square.T, 1e-9))
    assert said == ["yours are torch's with the axes in the order (1, 0)"]


def test_a_coincidence_is_not_called_bessels_correction():
    (said,) = observations(Difference("y", T, T * 7 / 6, 1e-9))
    assert "m/(m-1)" not in said
