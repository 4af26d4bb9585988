"""What the proofs share: the bank, its exercises, and one thread for everybody."""

import os
import shutil
import sys

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("TRITON_INTERPRET", "1")  # before anything imports Triton

from pathlib import Path  # noqa: E402

import pytest  # noqa: E402

from bnbank import exercise as exercises  # noqa: E402

ROOT = Path(__file__).parent.parent


def pytest_generate_tests(metafunc):
    """A proof that asks for `exercise` is run once for every exercise of the bank."""
    if "exercise" in metafunc.fixturenames:
        every = [exercises.get(ROOT, id) for id in exercises.ids(ROOT)]
        metafunc.parametrize("exercise", [_if_it_can_run(e) for e in every], ids=lambda e: e.id)


def _if_it_can_run(exercise):
    missing = ", ".join(exercise.missing)
    skip = pytest.mark.skipif(bool(missing), reason=f"{missing} is not installed")
    return pytest.param(exercise, marks=skip)


@pytest.fixture(scope="session")
def root():
    """The bank."""
    return ROOT


@pytest.fixture(autouse=True)
def _in_time():
    """Where a proof imports torch, torch uses one thread: small loops run many times faster so."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


@pytest.fixture
def bank(tmp_path, monkeypatch):
    """A copy of the bank with the three first exercises, where a proof may do as a learner does."""
    monkeypatch.delenv("BNBANK_PROGRESS", raising=False)
    bank = tmp_path / "bank"
    without = shutil.ignore_patterns("__pycache__", "attempt*.py")
    for id in ("bn2d", "bn_backward", "fuse_conv_bn"):
        shutil.copytree(ROOT / "solutions" / id, bank / "solutions" / id, ignore=without)
        for file in (f"graders/{id}.py", f"answers/{id}.npz"):
            (bank / "tests" / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / "tests" / file, bank / "tests" / file)
    for folder in ("bnbank", "questions"):
        shutil.copytree(ROOT / folder, bank / folder, ignore=without)
    for file in ("conftest.py", "pyproject.toml", "references.bib"):
        shutil.copy(ROOT / file, bank / file)
    return bank
