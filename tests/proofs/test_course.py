"""A course: every submission has the verdict it deserves, once, whatever ends the run meanwhile."""

import ast
import csv
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from test_learner_view import _environment, run

from bnbank import course, warm
from bnbank import exercise as exercises
from bnbank.grade import grade as grade_one

HERE = Path(__file__).parent
POSIX = pytest.mark.skipif(os.name != "posix", reason="ends a process by a signal")
SECONDS = "3"
# Those that take long to come to their end are proved one by one in test_hostile.py; one is here.
SLOW = {"allocates_64_gib", "prints_a_million_lines", "recurses"}


def submissions(bank, every=False):
    """{name: (source, what is expected)}: correct, each a known mistake or hostile, and unwritten.

    What is expected is True, the name of a mistake, or "text" and a part of it. Half of the
    mistakes and the quick ones of the hostile are enough for a proof; every one is for a benchmark.
    """
    exercise = exercises.get(bank, "bn2d")
    right = exercise.reference.read_text(encoding="utf-8")
    made = {f"right_{n}": (right, True) for n in range(8)}
    for mistake in exercise.mistakes[:: 1 if every else 2]:
        made[mistake.name] = (mistake.edit(right), mistake.name)
    for file in sorted((HERE / "hostile").glob("*.py")):
        text = file.read_text(encoding="utf-8")
        said = ast.get_docstring(ast.parse(text))
        # It has been moved, and has to be told where the bank is.
        text = text.replace("Path(__file__).resolve()", f"Path({str(bank)!r})")
        if every or file.stem not in SLOW:
            made[f"hostile_{file.stem}"] = (text, "text", said)
    made["not_written"] = (exercise.starter.read_text(encoding="utf-8"), "text", "not written yet")
    made["no_python"] = ("class BatchNorm2D(:\n", "text", "cannot be imported")
    return made


@pytest.fixture
def handed_in(bank):
    """A course beside the bank: its folder, and what is expected of whom."""
    return collect(bank, submissions(bank))


def collect(bank, made):
    """Lay out a course."""
    made = list(made.items())
    random.Random(0).shuffle(made)
    place = bank.parent / "course"
    for student, (source, *_) in made:
        (place / student).mkdir(parents=True)
        (place / student / "bn2d.py").write_text(source, encoding="utf-8")
    return place, {student: expected for student, (_, *expected) in made}


def grade(bank, place, *options):
    """`bnbank grade` on a course: (status, what it printed)."""
    return run(bank, "grade", str(place), "--time-limit", SECONDS, *options, module="bnbank")


def start(bank, place, *options):
    """The same in the background, in a process group of its own, and deaf to no signal."""
    command = [sys.executable, "-m", "bnbank", "grade", str(place), "--time-limit", SECONDS]
    return subprocess.Popen(
        [*command, *options],
        cwd=bank,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_hear_interrupts,  # whoever runs the suite in the background ignores them
        env={**_environment(), "PYTHONPATH": str(bank)},
    )


def _hear_interrupts():
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def lines(place):
    file = place / "results.jsonl"
    return file.read_bytes().splitlines() if file.exists() else []


def until(ready, seconds=60):
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


def hold(place, expected):
    """Every verdict is the expected one, none is missing, none is there twice."""
    records = [json.loads(line) for line in lines(place)]
    assert sorted(record["student"] for record in records) == sorted(expected)
    for record in records:
        student = record["student"]
        kind, *said = expected[student]
        assert record["solved"] is (kind is True), (student, record["text"])
        if kind is True:
            assert record["mistakes"] == []
        elif kind == "text":
            assert said[0] in record["text"], student
        else:
            assert record["mistakes"] == [kind], student
    table = list(csv.DictReader((place / "results.csv").open(encoding="utf-8", newline="")))
    assert [row["student"] for row in table] == sorted(expected)
    return (place / "results.csv").read_text(encoding="utf-8")


def test_every_verdict_is_the_expected_one(bank, handed_in):
    place, expected = handed_in
    status, text = grade(bank, place, "--workers", "2")
    assert status == 0, text
    hold(place, expected)
    assert f"bn2d: 8 of {len(expected)} solved" in text
    assert "never_updates_anything: Nothing was remembered in training." in text
    assert " other known mistakes\n" in text
    assert "      1  not written yet" in text
    before = lines(place)
    status, text = grade(bank, place, "--workers", "2")
    assert status == 0
    assert f"{len(expected)} submissions, 0 to grade" in text
    assert lines(place) == before


@POSIX
@pytest.mark.parametrize("how", ["SIGINT", "SIGKILL"])
def test_interrupted_and_resumed(bank, how):
    some = {name: one for name, one in submissions(bank).items() if "endless" not in name}
    place, expected = collect(bank, dict(list(some.items())[::2]))
    running = start(bank, place, "--workers", "2")
    until(lambda: len(lines(place)) > len(expected) // 3)
    running.send_signal(getattr(signal, how))
    status = running.wait(30)
    assert status == (130 if how == "SIGINT" else -signal.SIGKILL)
    until(lambda: not is_there(running.pid))  # no worker stays behind
    before = lines(place)
    assert len(before) < len(expected)
    if how == "SIGKILL":
        with (place / "results.jsonl").open("ab") as file:
            file.write(before[0][:100])  # what a machine that loses power may leave
    assert grade(bank, place, "--workers", "2")[0] == 0
    assert lines(place)[: len(before)] == before
    resumed = hold(place, expected)
    assert grade(bank, place, "--out", str(bank.parent / "again" / "results.jsonl"))[0] == 2
    (bank.parent / "again").mkdir()
    assert grade(bank, place, "--out", str(bank.parent / "again" / "results.jsonl"))[0] == 0
    assert (bank.parent / "again" / "results.csv").read_text(encoding="utf-8") == resumed


def is_there(group):
    """Whether a process of that group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@POSIX
def test_a_process_of_the_pool_that_dies_loses_nothing(bank, handed_in):
    place, _ = handed_in
    todo = [s for s in course.Course(bank, place).submissions if s.student.startswith("right")]
    graded = []
    for submission, verdict in course.on_this_machine(bank, todo, 2):
        assert verdict["solved"]
        graded.append(submission)
        if len(graded) == 2:
            multiprocessing.active_children()[0].kill()
    assert sorted(s.student for s in graded) == [s.student for s in todo]


@POSIX
def test_on_a_dask_cluster_one_of_whose_workers_is_killed(bank, handed_in):
    distributed = pytest.importorskip("distributed")
    place, expected = handed_in
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        with distributed.Client(cluster) as client:
            pids = list(client.run(os.getpid).values())
        running = start(bank, place, "--dask", cluster.scheduler_address)
        until(lambda: len(lines(place)) > len(expected) // 3)
        os.kill(pids[0], signal.SIGKILL)
        assert running.wait(120) == 0
    hold(place, expected)


def test_a_cluster_that_is_not_there(bank, tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(course, "CONNECT", "1s")
    hand_in(tmp_path / "course", "ada", "bn2d.py", bank=bank)
    with pytest.raises(OSError, match=r"tcp://127\.0\.0\.1:9"):
        course.grade(bank, tmp_path / "course", dask="tcp://127.0.0.1:9")


def hand_in(place, student, file, text="", bank=None):
    path = place / student / file
    path.parent.mkdir(parents=True, exist_ok=True)
    if bank:
        text = (bank / "solutions/bn2d/reference.py").read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    return path


def test_where_submissions_lie(bank, tmp_path):
    place = tmp_path / "course"
    hand_in(place, "ada", "bn2d.py", bank=bank)
    hand_in(place, "ben", "solutions/bn2d/attempt.py", bank=bank)
    hand_in(place, "ben", "conftest.py")
    hand_in(place, "cem", "attempt.py", bank=bank)
    hand_in(place, "dot", "bn2d_final.py", bank=bank)
    hand_in(place, "eve", "bn2d.py", bank=bank)
    hand_in(place, "eve", "fuse.py")
    hand_in(place, "fay", "bn2d.py", bank=bank)
    hand_in(place, "fay", "solutions/bn2d/attempt.py", bank=bank)
    hand_in(place, ".git", "bn2d.py")
    every = course.Course(bank, place)
    assert [s.student for s in every.submissions] == ["ada", "ben", "eve"]
    assert every.submissions[1].path == "ben/solutions/bn2d/attempt.py"
    assert every.left_out == [
        "cem: no submission; there is attempt.py",
        "dot: no submission; there is bn2d_final.py",
        "eve/fuse.py: no exercise has that name",
        "fay: more than one file for bn2d: fay/bn2d.py, fay/solutions/bn2d/attempt.py",
    ]
    one = course.Course(bank, place, only="bn2d")
    assert [s.student for s in one.submissions] == ["ada", "ben", "cem", "eve"]
    (place / "cem/attempt.py").unlink()
    with pytest.raises(ValueError, match=r"(?s)Nothing to grade.*ada: no submission"):
        course.Course(bank, place, only="fuse_conv_bn")
    with pytest.raises(exercises.UnknownExercise):
        course.Course(bank, place, only="bn3d")


def test_a_link_to_the_reference_is_not_graded(bank, tmp_path):
    place = tmp_path / "course"
    hand_in(place, "ada", "bn2d.py", bank=bank)
    (place / "ben").mkdir()
    (place / "cem").mkdir()
    try:
        (place / "ben" / "bn2d.py").symlink_to(bank / "solutions/bn2d/reference.py")
        (place / "cem" / "solutions").symlink_to(bank / "solutions")
    except OSError:
        pytest.skip("no links on this system")
    shutil.copy(bank / "solutions/bn2d/reference.py", bank / "solutions/bn2d/attempt.py")
    found = course.Course(bank, place)
    assert [s.student for s in found.submissions] == ["ada"]
    assert [line.split(" is ")[0] for line in found.left_out] == [
        "ben/bn2d.py",
        "cem/solutions/bn2d/attempt.py",
    ]


def test_what_is_too_large_is_not_read(bank, tmp_path):
    place = tmp_path / "course"
    hand_in(place, "ada", "bn2d.py", bank=bank)
    hand_in(place, "ben", "bn2d.py", "x = 1\n" * 2**20)
    assert course.Course(bank, place).left_out == ["ben/bn2d.py is larger than 1,048,576 bytes"]


def test_a_course_as_a_csv(bank, tmp_path):
    hand_in(tmp_path, "files", "1.py", bank=bank)
    table = tmp_path / "course.csv"
    table.write_text(
        "\ufeffexercise,student,path\n"
        'bn2d,"Lovelace, Ada",files/1.py\n'
        "bn3d,Ben,files/1.py\n"
        "bn2d,Cem,files/2.py\n",
        encoding="utf-8",
    )
    status, text = run(bank, "grade", str(table), "--workers", "1", module="bnbank")
    assert status == 1
    assert "course.csv, line 3: there is no exercise 'bn3d'" in text
    assert "files/2.py cannot be read: No such file" in text
    rows = list(csv.reader((tmp_path / "results.csv").open(encoding="utf-8", newline="")))
    assert rows == [
        course.COLUMNS,
        ["Lovelace, Ada", "bn2d", "yes", "14", "14", "", "", "files/1.py"],
    ]
    table.rename(tmp_path / "results.csv")
    status, text = run(bank, "grade", str(tmp_path / "results.csv"), module="bnbank")
    assert status == 2
    assert "The table would replace" in text
    table.write_text("name,path\n")
    status, text = run(bank, "grade", str(table), module="bnbank")
    assert status == 2
    assert "has no column exercise, student" in text


def test_a_changed_file_is_graded_again(bank, tmp_path):
    place = tmp_path / "course"
    file = hand_in(place, "ada", "bn2d.py", "raise NotImplementedError\n")
    hand_in(place, "ben", "bn2d.py", bank=bank)
    assert "bn2d: 1 of 2 solved" in grade(bank, place)[1]
    hand_in(place, "ada", "bn2d.py", bank=bank)
    _, text = grade(bank, place, "--json")
    assert "2 submissions, 1 to grade" in text
    told = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert [(r["student"], r["solved"]) for r in told] == [("ada", True), ("ben", True)]
    assert len(lines(place)) == 3
    assert file.exists()


def test_the_verdicts_of_another_run_are_left_alone(tmp_path):
    one = course.Results(tmp_path / "results.jsonl")
    if sys.platform != "win32":
        with pytest.raises(ValueError, match="Another run is writing"):
            course.Results(tmp_path / "results.jsonl")
    one.close()
    (tmp_path / "results.jsonl").write_text('{"student": "ada"}\n{}\n')
    with pytest.raises(ValueError, match=r"results\.jsonl:1 is no record"):
        course.Results(tmp_path / "results.jsonl")
    assert (tmp_path / "results.jsonl").read_text() == '{"student": "ada"}\n{}\n'


def test_an_exercise_goes_before_a_folder_of_its_name(bank):
    (bank / "solutions/bn2d/attempt.py").write_text("x = 1\n")
    status, text = run(bank, "grade", "bn2d", module="bnbank", inside="solutions")
    assert status == 1
    assert "0 of 14 checks agree" in text
    status, text = run(bank, "grade", "./bn2d", "bn2d", module="bnbank", inside="solutions")
    assert status == 2
    assert "one at a time" in text


def test_an_attempt_has_no_neighbours(bank, tmp_path):
    """A copy of the file is graded, in a folder where nobody else's lies."""
    place = tmp_path / "course"
    hand_in(place, "ada", "bn2d.py", bank=bank)
    copying = hand_in(
        place,
        "ben",
        "bn2d.py",
        "from pathlib import Path\n"
        "exec(next(Path(__file__).parent.parent.glob('ada/*.py')).read_text())\n",
    )
    assert grade_one(exercises.get(bank, "bn2d"), copying).solved  # where it lies it would be
    grade(bank, place)
    assert {r["student"] for r in map(json.loads, lines(place)) if r["solved"]} == {"ada"}


@pytest.fixture
def server(root):
    if not warm.CAN_FORK:
        pytest.skip("no server on this system: every attempt has a process from nothing")
    server = warm.Server(exercises.get(root, "bn2d"))
    yield server
    server.close()


def test_a_fork_knows_nothing_of_the_one_before(server, tmp_path):
    first, second = tmp_path / "first.py", tmp_path / "second.py"
    first.write_text(
        "import os, sys, numpy\nnumpy.mine = sys.mine = os.environ['MINE'] = '1'\n1 / 0\n"
    )
    second.write_text(
        "import os, sys, numpy\n"
        "print(hasattr(numpy, 'mine'), hasattr(sys, 'mine'), 'MINE' in os.environ)\n"
    )
    assert server.grade(first).outcomes["load"].raised.kind == "ZeroDivisionError"
    assert server.grade(second).outcomes["load"].printed == "False False False\n"


def test_a_fork_has_no_way_to_its_server(server, tmp_path):
    """Neither its pipes, nor its session; and its output goes nowhere."""
    file = tmp_path / "attempt.py"
    file.write_text(
        "import os\n"
        "os.write(1, b'ended 0\\n')\n"
        "print(os.read(0, 9), os.getsid(0) == os.getpid(), os.listdir('/proc/self/fd'))\n"
    )
    run = server.grade(file)
    assert run.outcomes["load"].printed == "b'' True ['0', '1', '2', '3']\n"  # 3 reads the list
    file.write_text("x = 1\n")
    assert not server.grade(file).stopped


def test_the_server_holds_time_and_ends_with_whoever_asked(server, tmp_path):
    file, seen = tmp_path / "attempt.py", tmp_path / "pid"
    file.write_text("while True: pass\n")
    assert "still running after 0.5 s" in server.grade(file, 0.5).stopped
    code = (
        "import sys, os, pathlib; from bnbank import exercise, warm\n"
        f"server = warm.Server(exercise.get(pathlib.Path({str(server.exercise.root)!r}), 'bn2d'))\n"
        f"pathlib.Path({str(seen)!r}).write_text(str(server.process.pid)); "
        f"server.grade({str(file)!r}, 60)\n"
    )
    asking = subprocess.Popen([sys.executable, "-c", code], cwd=server.exercise.root)
    until(lambda: seen.exists() and seen.read_text() and forks(seen.read_text()))
    fork = forks(seen.read_text())[0]
    asking.kill()
    asking.wait()
    until(lambda: not Path(f"/proc/{fork}").exists())
    until(lambda: not Path(f"/proc/{seen.read_text()}").exists() or zombie(seen.read_text()))


def forks(pid):
    """The children of a process."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if not children.exists():
        pytest.skip("this system does not tell the children of a process")
    return children.read_text().split()


def zombie(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_an_attempt_whose_server_dies_is_graded_all_the_same(root, server, tmp_path, monkeypatch):
    exercise = exercises.get(root, "bn2d")
    monkeypatch.setattr(course, "_idle", [server])
    server.process.kill()
    server.process.wait()
    source = exercise.reference.read_bytes()
    assert course.verdict(root, "bn2d", source)["solved"]
    assert course._idle == []


# Gradescope's documentation, "Autograder Specifications", Output format; what it does not name it
# does not allow here, so that a misspelled field is found.
VISIBILITY = {"enum": ["hidden", "after_due_date", "after_published", "visible"]}
FORMAT = {"enum": ["text", "html", "simple_format", "md", "ansi"]}
ROW = {
    "score": {"type": "number"},
    "max_score": {"type": "number"},
    "status": {"enum": ["passed", "failed"]},
    "name": {"type": "string"},
    "name_format": FORMAT,
    "number": {"type": "string"},
    "output": {"type": "string"},
    "output_format": FORMAT,
    "tags": {"type": "array", "items": {"type": "string"}},
    "visibility": VISIBILITY,
    "extra_data": {"type": "object"},
}
RESULTS = {
    "type": "object",
    "additionalProperties": False,
    "required": ["tests"],
    "properties": {
        "score": {"type": "number"},
        "execution_time": {"type": "number"},
        "output": {"type": "string"},
        "output_format": FORMAT,
        "test_output_format": FORMAT,
        "test_name_format": FORMAT,
        "visibility": VISIBILITY,
        "stdout_visibility": VISIBILITY,
        "extra_data": {"type": "object"},
        "tests": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["score"],
                "properties": ROW,
            },
        },
        "leaderboard": {"type": "array"},
    },
}


@pytest.fixture
def autograder(bank, tmp_path):
    """Gradescope's folder as it is before a submission comes, of an assignment of some ids."""

    def make(*ids):
        zipped = tmp_path / "autograder.zip"
        status, text = run(
            bank, "export", "gradescope", *ids, "--out", str(zipped), module="bnbank"
        )
        assert status == 0, text
        place = tmp_path / "autograder"
        with zipfile.ZipFile(zipped) as archive:
            archive.extractall(place / "source")
            assert archive.getinfo("run_autograder").external_attr >> 16 == 0o100755
        shutil.copy(place / "source" / "run_autograder", place)
        for folder in ("submission", "results"):
            (place / folder).mkdir()
        return place

    return make


def run_autograder(place):
    """As the documentation says: in its folder, which stands in for /autograder."""
    jsonschema = pytest.importorskip("jsonschema")
    if shutil.which("bash") is None:
        pytest.skip("run_autograder is for bash")
    nowhere = {k: v for k, v in _environment().items() if k != "PYTHONPATH"}
    subprocess.run(
        ["bash", "./run_autograder"],
        cwd=place,
        check=True,
        timeout=60,
        env={**nowhere, "AUTOGRADER": place.as_posix(), "BNBANK_PYTHON": sys.executable},
    )
    results = json.loads((place / "results/results.json").read_text(encoding="utf-8"))
    jsonschema.validate(results, RESULTS)
    return results


def test_gradescope_gives_a_row_a_check_with_the_hint(autograder):
    place = autograder("bn2d")
    right = (place / "source/solutions/bn2d/reference.py").read_text(encoding="utf-8")
    (place / "submission/bn2d.py").write_text(right.replace("* m / (m - 1)", ""), encoding="utf-8")
    results = run_autograder(place)
    assert [row["score"] for row in results["tests"]].count(1) == 10
    assert len(results["tests"]) == 14
    wrong = [row for row in results["tests"] if row["status"] == "failed"]
    assert wrong[0]["name"] == "training: running_var moves towards the unbiased variance"
    assert wrong[0]["output"].startswith("running_var differs from torch in 3 of 3 places")
    assert "Hint 1 of 2: running_var was updated with the variance" in wrong[0]["output"]
    assert results["extra_data"]["mistakes"] == {"bn2d": ["stores_the_biased_variance"]}
    (place / "submission/bn2d.py").write_text(right, encoding="utf-8")
    results = run_autograder(place)
    assert {row["score"] for row in results["tests"]} == {1}
    assert "bn2d: solved" in results["output"]


@pytest.mark.parametrize("name", ["exits_in_a_call", "reads_the_answers", "writes_to_the_grader"])
def test_gradescope_and_the_hostile(autograder, name):
    place = autograder("bn2d")
    text = (HERE / f"hostile/{name}.py").read_text(encoding="utf-8")
    text = text.replace("Path(__file__).resolve()", f"Path({str(place / 'source')!r})")
    (place / "submission/attempt.py").write_text(text, encoding="utf-8")
    results = run_autograder(place)
    assert sum(row["score"] for row in results["tests"]) == 0
    assert ast.get_docstring(ast.parse(text)) in results["tests"][0]["output"]


def test_gradescope_with_two_exercises_one_of_them_missing(autograder):
    place = autograder("bn2d", "fuse_conv_bn")
    (place / "submission/solutions/bn2d").mkdir(parents=True)
    shutil.copy(
        place / "source/solutions/bn2d/reference.py", place / "submission/solutions/bn2d/attempt.py"
    )
    results = run_autograder(place)
    checks = [row["name"].partition(": ")[0] for row in results["tests"]]
    assert checks == ["bn2d"] * 14 + ["fuse_conv_bn"] * (len(checks) - 14)
    assert sum(row["score"] for row in results["tests"]) == 14
    assert "fuse_conv_bn: nothing to grade. Hand in fuse_conv_bn.py." in results["output"]


def test_gradescope_does_not_follow_a_link(autograder):
    place = autograder("bn2d")
    try:
        (place / "submission/bn2d.py").symlink_to(place / "source/solutions/bn2d/reference.py")
    except OSError:
        pytest.skip("no links on this system")
    assert sum(row["score"] for row in run_autograder(place)["tests"]) == 0


def test_the_zip_holds_what_is_needed_and_no_more(bank, tmp_path):
    from bnbank.gradescope import export

    one, other = (export(bank, ["bn2d"], tmp_path / f"{n}.zip") for n in (1, 2))
    assert one.read_bytes() == other.read_bytes()
    with zipfile.ZipFile(one) as archive:
        names = archive.namelist()
        setup = archive.read("setup.sh").decode()
    assert "solutions/bn2d/attempt.py" not in names
    assert not [name for name in names if "fuse_conv_bn" in name or "progress.json" in name]
    assert "questions/statistics/two-variances.md" in names
    assert "PACKAGES" not in setup
    assert setup.splitlines()[-1].endswith(" numpy")
    if bash := shutil.which("bash"):
        subprocess.run([bash, "-n"], input=setup, text=True, check=True)


def test_a_torch_exercise_brings_torch(root, tmp_path):
    from bnbank.gradescope import export

    needing = [id for id in exercises.ids(root) if exercises.get(root, id).needs != "numpy"]
    if not needing:
        pytest.skip("no exercise needs torch yet")
    with zipfile.ZipFile(export(root, needing[:1], tmp_path / "a.zip")) as archive:
        assert archive.read("setup.sh").decode().rstrip().endswith(" numpy torch")


def test_the_summary_counts_each_kind_once(root):
    def record(student, **facts):
        states = facts.pop("states", ["differs"])
        return {
            "student": student,
            "exercise": "bn2d",
            "solved": False,
            "stopped": "",
            "mistakes": [],
            "checks": [{"state": state} for state in states],
            **facts,
        }

    one, other = exercises.get(root, "bn2d").mistakes[:2]
    told = course.summary(
        root,
        [
            record("a", solved=True, states=["agrees"]),
            record("b", mistakes=[other.name]),
            record("c", mistakes=[other.name, one.name]),
            record("d", stopped="The attempt was still running."),
            record("e", states=["not run"]),
            record("f", states=["agrees", "not written"]),
            record("g"),
        ],
    )
    assert list(told) == [
        "bn2d: 1 of 7 solved",
        f"      2  {other.name}: {other.hints[0]}",
        f"      1  {one.name}: {one.hints[0]}",
        "      1  no known mistake",
        "      1  stopped",
        "      1  cannot be imported",
        "      1  not written yet",
    ]
