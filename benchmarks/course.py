"""What grading a course costs, and that nothing is lost: writes benchmarks/course.md.

1,000 submissions, correct, each known mistake and hostile ones mixed, are graded in three ways: in
one go, killed half-way and resumed, and on a local Dask cluster one of whose workers is killed
half-way. Every verdict has to be the expected one, and the three tables the same.
"""

import os
import platform
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "proofs")]

import headlines  # noqa: E402
from grading import copy_of_the_bank, seconds  # noqa: E402
from test_course import collect, hold, lines, start, submissions, until  # noqa: E402

from bnbank import course, diagnose, runner, sandbox, warm  # noqa: E402
from bnbank import exercise as exercises  # noqa: E402
from bnbank.judge import judge  # noqa: E402

SUBMISSIONS = 1_000
TIMED = 400
ROUNDS = 15
ROWS = []  # for the table of all benchmarks


def main():
    """Measure, write the table, print it."""
    with tempfile.TemporaryDirectory() as folder:
        bank = copy_of_the_bank(Path(folder) / "bank")
        text = "\n".join(
            [
                "# What grading a course costs",
                "",
                f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python "
                f"{platform.python_version()}. Exercise bn2d.",
                "",
                *proof(bank),
                "",
                *throughput(bank),
                "",
                *parts(bank),
                "",
            ]
        )
    (ROOT / "benchmarks" / "course.md").write_text(text, encoding="utf-8")
    headlines.note("course", ROWS)
    print(text)


def a_course(bank, number, every=True):
    """A new course of that many submissions: (its folder, what is expected of whom)."""
    kinds = submissions(bank, every=True)
    if not every:
        kinds = {n: k for n, k in kinds.items() if not n.startswith("hostile")}
    many = {
        f"{count:04}_{name}": kind
        for count, (name, kind) in enumerate(islice(cycle(kinds.items()), number))
    }
    shutil.rmtree(bank.parent / "course", ignore_errors=True)
    return collect(bank, many)


def proof(bank):
    """The three ways, with every verdict held against the expected one."""
    tables = []
    yield f"| {SUBMISSIONS:,} submissions, hostile ones among them | seconds | verdicts |"
    yield "|---|---|---|"
    for name, way in (
        ("2 workers", in_one_go),
        ("2 workers, killed half-way (SIGKILL), resumed", interrupted),
        ("Dask, 2 workers, one killed half-way", on_dask),
    ):
        place, expected = a_course(bank, SUBMISSIONS)
        began = time.perf_counter()
        way(bank, place)
        took = time.perf_counter() - began
        tables.append(hold(place, expected))
        yield f"| {name} | {took:.0f} | {len(expected):,} as expected, none missing, none twice |"
    assert tables[0] == tables[1] == tables[2]
    yield ""
    yield "The three tables are the same, byte for byte."
    ROWS.append((f"verdicts as expected of {SUBMISSIONS:,}, each of three ways", "all", "all"))


def in_one_go(bank, place):
    assert start(bank, place, "--workers", "2").wait() == 0


def interrupted(bank, place):
    running = start(bank, place, "--workers", "2")
    until(lambda: len(lines(place)) > SUBMISSIONS // 2, 3_600)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert len(lines(place)) < SUBMISSIONS
    in_one_go(bank, place)


def on_dask(bank, place):
    import distributed

    with distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster:
        with distributed.Client(cluster) as client:
            pids = list(client.run(os.getpid).values())
        running = start(bank, place, "--dask", cluster.scheduler_address)
        until(lambda: len(lines(place)) > SUBMISSIONS // 2, 3_600)
        os.kill(pids[0], signal.SIGKILL)
        assert running.wait() == 0


def throughput(bank):
    """Submissions per second, as whole runs of the command; correct ones and known mistakes."""
    place, expected = a_course(bank, TIMED, every=False)
    yield f"| {TIMED} submissions, right or with a known mistake | seconds | per second and core |"
    yield "|---|---|---|"
    command = [sys.executable, "-m", "bnbank", "--bank", str(bank), "grade", str(place)]
    rates = []
    for workers in (1, 2):
        (place / "results.jsonl").unlink(missing_ok=True)
        took = seconds([*command, "--workers", str(workers)])
        hold(place, expected)
        rate = TIMED / took / min(workers, os.cpu_count())
        rates.append(TIMED / took)
        yield f"| {workers} {'worker' if workers == 1 else 'workers'} | {took:.1f} | {rate:.1f} |"
    ROWS.append(("submissions a second, 2 workers / 1", f"{rates[1] / rates[0]:.2f}", ""))
    sources = [(place / student / "bn2d.py").read_bytes() for student in expected]
    yield ""
    yield "| one after the other, CPU seconds a submission | grading it | its process |"
    yield "|---|---|---|"
    for name, can_fork, some in (
        ("a fork of a warm server for each", True, sources),
        ("a process from nothing for each", False, sources[: TIMED // 4]),
    ):
        warm.CAN_FORK = can_fork
        course.verdict(bank, "bn2d", some[0])
        before = cpu()
        for source in some:
            course.verdict(bank, "bn2d", source)
        while course._idle:
            course._idle.pop().close()
        ours, theirs = ((after - at) / len(some) for after, at in zip(cpu(), before, strict=True))
        yield f"| {name} | {ours:.3f} | {theirs:.3f} |"


def cpu():
    """CPU seconds of this process, and of those that it has waited for."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return [one.ru_utime + one.ru_stime for one in used]


def parts(bank):
    """Where the time of one attempt goes."""
    exercise = exercises.get(bank, "bn2d")
    python = [sys.executable, "-I", "-c"]
    right = runner.Source.of(exercise.reference)
    wrong = runner.Source(exercise.mistakes[5].edit(right.text))
    scratch = Path(tempfile.mkdtemp(dir=bank.parent))
    gave = {name: runner.run(check, wrong) for name, check in exercise.checks.items()}
    verdicts = judge(exercise, gave)
    server = warm.Server(exercise)
    server.grade(exercise.reference)

    def checks():
        for check in exercise.checks.values():
            runner.run(check, right)

    def save():
        for index, outcome in enumerate(gave.values()):
            outcome.save(scratch / f"{index}.npz")

    def load():
        for index in range(len(gave)):
            runner.Outcome.load(scratch / f"{index}.npz")

    def first_diagnosis():
        diagnose.rerun.cache_clear()
        diagnose.diagnose(exercise, gave, verdicts)

    rows = {
        "start Python": lambda: subprocess.run([*python, "pass"], check=True),
        "start Python and import NumPy": lambda: subprocess.run(
            [*python, "import numpy"], check=True
        ),
        "grade a correct attempt, a process from nothing": lambda: sandbox.grade(
            exercise, exercise.reference
        ),
        "grade a correct attempt, a fork": lambda: server.grade(exercise.reference),
        "of these: the checks": checks,
        "of these: write the outcomes": save,
        "of these: read the outcomes": load,
        "judge": lambda: judge(exercise, gave),
        "diagnose a known mistake, the first in a process": first_diagnosis,
        "diagnose a known mistake, a further one": lambda: diagnose.diagnose(
            exercise, gave, verdicts
        ),
    }
    yield "| one attempt | milliseconds, median | min |"
    yield "|---|---|---|"
    times = {name: [] for name in rows}
    for _ in range(ROUNDS):
        for name, part in rows.items():
            began = time.perf_counter()
            part()
            times[name].append(1_000 * (time.perf_counter() - began))
    for name, values in times.items():
        yield f"| {name} | {statistics.median(values):.1f} | {min(values):.1f} |"
    server.close()
    floor = statistics.median(times["start Python and import NumPy"])
    graded = statistics.median(times["grade a correct attempt, a fork"])
    ROWS.append(("grading a submission / starting Python with NumPy", f"{graded / floor:.2f}", ""))


if __name__ == "__main__":
    main()
