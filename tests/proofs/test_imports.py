"""Imports point one way, so that an exercise can be practised with NumPy and pytest alone."""

import ast
import subprocess
import sys

import pytest

LIGHT = [
    "arrays", "exercise", "guard", "runner", "judge", "diagnose", "report", "grade", "hints",
    "progress", "store",
]  # fmt: skip
STANDARD = sys.stdlib_module_names


def imported(file, anywhere=True):
    """The top packages that a file imports; with anywhere=False only at the head of the file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree) if anywhere else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield node.module


def packages(names):
    return {name.partition(".")[0] for name in names} - STANDARD


def test_solutions_import_nothing_of_ours(exercise):
    allowed = {"numpy", *exercise.allows} | ({"torch"} if exercise.needs != "numpy" else set())
    for file in (exercise.starter, exercise.reference):
        assert packages(imported(file)) <= allowed


def test_graders_import_the_checks_tools_alone(exercise):
    names = set(imported(exercise.grader_file, anywhere=False))
    assert packages(names) <= {"numpy", "bnbank"}
    assert {name for name in names if name.startswith("bnbank")} <= {"bnbank.arrays"}
    assert packages(imported(exercise.grader_file)) <= {"numpy", "bnbank", "torch"}


def test_bnbank_imports_neither_torch_nor_tests_nor_solutions(root):
    for file in (root / "bnbank").glob("*.py"):
        assert not packages(imported(file)) & {"torch", "tests", "solutions"}, file.name


@pytest.mark.parametrize("name", LIGHT)
def test_what_the_page_needs_imports_numpy_alone(root, name):
    file = root / "bnbank" / f"{name}.py"
    assert packages(imported(file, anywhere=False)) <= {"numpy", "bnbank"}
    ours = {n.rpartition(".")[2] for n in imported(file, anywhere=False) if n.startswith("bnbank")}
    assert ours - {"bnbank"} <= set(LIGHT)


def test_the_plugin_costs_pytest_nothing_at_start(root):
    code = (
        "import bnbank.plugin, sys; print(sorted({'numpy', 'torch', 'textual'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
