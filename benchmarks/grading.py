"""What grading costs, as whole processes: `make bench` writes the table to benchmarks/grading.md.

Rivals are run in turn, A B C A B C, so that a machine that slows down slows them all.
"""

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import headlines

from bnbank import exercise as exercises
from bnbank.practice import Session

ROOT = Path(__file__).parent.parent
ROUNDS = 15
COPIES = (3, 30, 100)


def main():
    """Measure, and write the table as far as it has come after each part."""
    with tempfile.TemporaryDirectory() as folder:
        bank = copy_of_the_bank(Path(folder) / "bank")
        lines = [
            "# What grading costs",
            "",
            f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python "
            f"{platform.python_version()}; {ROUNDS} interleaved rounds, in seconds.",
        ]
        for part in (cold(bank, Path(folder)), on_save(bank), growth(bank)):
            lines += ["", *part]
            text = "\n".join(lines) + "\n"
            (ROOT / "benchmarks" / "grading.md").write_text(text, encoding="utf-8")
    print(text)


def copy_of_the_bank(bank):
    """A bank with a correct attempt at bn2d in it, and nothing else started."""
    ignore = shutil.ignore_patterns(".*", "__pycache__", "attempt*.py", "site", "progress.json")
    shutil.copytree(ROOT, bank, ignore=ignore)
    shutil.copy(bank / "solutions/bn2d/reference.py", bank / "solutions/bn2d/attempt.py")
    return bank


def seconds(command, **where):
    """How long a command takes as a whole process."""
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **where)
    return time.perf_counter() - start


def interleaved(commands, rounds=ROUNDS):
    """{name: its times}, after one round that is not counted."""
    times = {name: [] for name in commands}
    for count in range(rounds + 1):
        for name, (command, where) in commands.items():
            took = seconds(command, cwd=where)
            if count:
                times[name].append(took)
    return times


def cold(bank, folder):
    """A verdict from nothing, beside what it can be compared with."""
    plain = folder / "plain"
    plain.mkdir()
    (plain / "test_empty.py").write_text("import numpy\n\n\ndef test_nothing():\n    pass\n")
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:hypothesispytest", "-p", "no:xdist"]
    times = interleaved(
        {
            "pytest on an empty file that imports NumPy": ([*pytest, "test_empty.py"], plain),
            "`pytest solutions/bn2d`, correct attempt": ([*pytest, "solutions/bn2d"], bank),
            "`import torch`": ([sys.executable, "-c", "import torch"], plain),
        }
    )
    empty, ours, torch = times.values()
    yield "| cold start | median | min | max |"
    yield "|---|---|---|---|"
    for name, values in times.items():
        figures = (statistics.median(values), min(values), max(values))
        yield f"| {name} | " + " | ".join(f"{figure:.2f}" for figure in figures) + " |"
    yield ""
    rows = []
    for name, rival, goal in (("an empty pytest", empty, 1.8), ("import torch", torch, 0.5)):
        ratio = statistics.median(a / b for a, b in zip(ours, rival, strict=True))
        yield f"A cold verdict takes {ratio:.2f} times {name} (median of the pairs)."
        rows.append((f"a cold verdict on bn2d / {name}", f"{ratio:.2f}", f"at most {goal}"))
    headlines.note("grading", rows)


def on_save(bank):
    """From a save to the verdict in the practice loop, whose next child is already warm."""
    os.environ["BNBANK_PROGRESS"] = str(bank / "progress.json")
    session = Session(exercises.get(bank, "bn2d"))
    wrong = session.exercise.reference.read_text().replace("* m / (m - 1)", "")
    right = session.exercise.reference.read_text()
    yield "| regrade on save | median | max |"
    yield "|---|---|---|"
    for name, text in (("solved", right), ("a known mistake, diagnosed", wrong)):
        times = []
        for _ in range(ROUNDS):
            session.exercise.attempt.write_text(text)
            time.sleep(0.5)  # a person needs longer between two saves
            start = time.perf_counter()
            graded = session.grade()
            times.append(time.perf_counter() - start)
            assert graded.solved == (text is right)
        yield f"| {name} | {statistics.median(times):.2f} | {max(times):.2f} |"
    session.close()


def growth(bank):
    """The proofs of an exercise, for 3, 30 and 100 copies of one."""
    keep = ("bn2d",)
    for id in exercises.ids(bank):
        if id not in keep:
            shutil.rmtree(bank / "solutions" / id)
            (bank / "tests" / "graders" / f"{id}.py").unlink()
    yield "| copies of bn2d | the exercise's proofs, 2 workers | per copy |"
    yield "|---|---|---|"
    made = 1
    for copies in COPIES:
        while made < copies:
            made += 1
            id = f"bn2d_{made}"
            shutil.copytree(bank / "solutions/bn2d", bank / "solutions" / id)
            shutil.copy(bank / "tests/graders/bn2d.py", bank / f"tests/graders/{id}.py")
            shutil.copy(bank / "tests/answers/bn2d.npz", bank / f"tests/answers/{id}.npz")
        took = seconds(
            [sys.executable, "-m", "pytest", "-q", "-n", "2", "tests/proofs", "-k", "bn2d"]
            + [
                f"tests/proofs/test_{name}.py" for name in ("exercises", "mutants", "random_shapes")
            ],
            cwd=bank,
        )
        yield f"| {copies} | {took:.0f} | {took / copies:.2f} |"


if __name__ == "__main__":
    main()
