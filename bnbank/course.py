"""Grade a course: many submissions, in parallel, resumably.

Every verdict is a line of `results.jsonl` as soon as there is one, so that whatever ends a run, the
next one goes on with what is left. The table and the summary are made from that file alone.
"""

import csv
import hashlib
import io
import json
import os
import signal
import sys
from collections import Counter, deque
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock, Thread

from bnbank import exercise as exercises
from bnbank import sandbox, warm
from bnbank.grade import Graded

LARGEST_SOURCE = 2**20
TRIES = 4  # for a submission during whose grading workers die
SERVERS = 4  # kept warm in one process
CONNECT = "10s"  # how long a Dask scheduler may take to answer
MISTAKES_TOLD = 10
OTHERWISE = ("no known mistake", "stopped", "cannot be imported", "not written yet")
COLUMNS = ["student", "exercise", "solved", "passed", "checks", "mistakes", "stopped", "path"]


@dataclass(frozen=True)
class Submission:
    """One student's file for one exercise.

    path    where it lies, as the course names it.
    source  its bytes, read once: what is graded is what was hashed.
    """

    student: str
    exercise: str
    path: str
    source: bytes

    @property
    def sha256(self):
        return hashlib.sha256(self.source).hexdigest()


class Course:
    """The submissions below a folder, or in the rows of a CSV file.

    root   of the bank.
    place  a folder with one folder a student, or a CSV file with the columns student, exercise and
           path, the paths relative to it.
    only   the id of the one exercise to grade, or None for all.

    submissions  sorted by exercise, then student: workers keep what an exercise needs.
    left_out     what is not graded and why, a sentence each.

    Raises ValueError if there is nothing to grade, UnknownExercise for an unknown `only`.
    """

    def __init__(self, root, place, only=None):
        self.root, self.place = Path(root), Path(place)
        self.ids = [exercises.get(root, only).id] if only else exercises.ids(root)
        self.only, self.left_out = only, []
        found = {}
        for student, id, file in self._rows() if self.place.is_file() else self._folders():
            found.setdefault((id, student), []).append(file)
        self.submissions = [
            submission
            for (id, student), files in sorted(found.items())
            if (submission := self._read(student, id, files))
        ]
        if not self.submissions:
            raise ValueError("\n".join([f"Nothing to grade in {place}.", *self.left_out]))

    @property
    def base(self):
        """The folder from which paths are told, where the verdicts go."""
        return self.place.parent if self.place.is_file() else self.place

    def _folders(self):
        for folder in sorted(self.place.iterdir()):
            if not folder.is_dir() or folder.name.startswith("."):
                continue
            found = list(find(folder, self.ids, self.only))
            yield from ((folder.name, id, file) for id, file in found)
            files = {file for _, file in found}
            others = sorted(file.name for file in folder.glob("*.py") if file not in files)
            if not found:
                there = f"; there is {', '.join(others)}" if others else ""
                self.left_out.append(f"{folder.name}: no submission{there}")
            elif not self.only and not (folder / "solutions").is_dir():
                for name in others:
                    self.left_out.append(f"{folder.name}/{name}: no exercise has that name")

    def _rows(self):
        text = self.place.read_text(encoding="utf-8-sig")
        rows = csv.DictReader(io.StringIO(text, newline=""))
        wanted = {"student", "path"} if self.only else {"student", "exercise", "path"}
        if missing := wanted - set(rows.fieldnames or ()):
            raise ValueError(f"{self.place} has no column {', '.join(sorted(missing))}")
        for row in rows:
            id = row.get("exercise") or self.only
            if id in self.ids:
                yield row["student"], id, self.base / row["path"]
            elif not self.only:
                self.left_out.append(
                    f"{self.place.name}, line {rows.line_num}: there is no exercise {id!r}"
                )

    def _read(self, student, id, files):
        """The submission, or None with a reason in `left_out`."""
        names = [self._name(file) for file in files]
        if len(files) > 1:
            self.left_out.append(f"{student}: more than one file for {id}: {', '.join(names)}")
            return None
        file = files[0]
        try:
            if self._is_linked(file):
                reason = "is a link, which may lead to anything"
            elif file.stat().st_size > LARGEST_SOURCE:
                reason = f"is larger than {LARGEST_SOURCE:,} bytes"
            else:
                return Submission(student, id, names[0], file.read_bytes())
        except OSError as error:
            reason = f"cannot be read: {error.strerror}"
        self.left_out.append(f"{names[0]} {reason}")
        return None

    def _is_linked(self, file):
        """Whether a student could have put the link there, to the reference for one."""
        if self.place.is_file():
            return file.is_symlink()
        student = self.place / file.relative_to(self.place).parts[0]
        return not file.resolve().is_relative_to(student.resolve()) or file.is_symlink()

    def _name(self, file):
        return Path(os.path.relpath(file, self.base)).as_posix()


def find(folder, ids, only=None):
    """The files to grade in a folder that one student handed in: pairs of an id and a file.

    `<id>.py`, `solutions/<id>/attempt.py` as in a clone of the bank, and, where `only` names the
    one exercise that is asked for, `attempt.py`.
    """
    for id in ids:
        places = [f"{id}.py", f"solutions/{id}/attempt.py"] + ["attempt.py"] * (id == only)
        yield from ((id, folder / place) for place in places if (folder / place).is_file())


class Results:
    """The file of verdicts: one JSON object a line, appended as they come.

    latest  {(student, exercise): the last record}.

    A last line that was torn off is removed: its submission is graded again. Raises ValueError if
    another line is no record, or if another run is writing to the file.
    """

    def __init__(self, file):
        self.file, self.latest = Path(file), {}
        self.handle = open(self.file, "a+b")  # noqa: SIM115  (held, and locked, until `close`)
        try:
            _lock(self.handle, self.file)
            self._recover()
        except ValueError:
            self.handle.close()
            raise

    def _recover(self):
        self.handle.seek(0)
        lines = self.handle.read().splitlines(keepends=True)
        for number, line in enumerate(lines, 1):
            try:
                if not line.endswith(b"\n"):
                    raise ValueError("torn off")
                record = json.loads(line)
                self.latest[record["student"], record["exercise"]] = record
            except (ValueError, LookupError, TypeError) as error:
                if number < len(lines):
                    raise ValueError(f"{self.file}:{number} is no record: {error}") from None
                self.handle.truncate(sum(map(len, lines[:-1])))

    def has(self, submission):
        """Whether this very file has its verdict."""
        known = self.latest.get((submission.student, submission.exercise))
        return known is not None and known["sha256"] == submission.sha256

    def add(self, submission, verdict):
        """Keep a verdict: in one write, whole or torn but never mixed with another."""
        record = {
            "student": submission.student,
            "exercise": submission.exercise,
            "path": submission.path,
            "sha256": submission.sha256,
            **verdict,
        }
        self.handle.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
        self.handle.flush()
        self.latest[submission.student, submission.exercise] = record

    def records(self):
        """The latest record of everyone, by exercise and student."""
        return sorted(self.latest.values(), key=lambda r: (r["exercise"], r["student"]))

    def write_table(self):
        """Write the CSV beside the file, whole or not at all. Returns where."""
        table = self.file.with_suffix(".csv")
        new = table.with_suffix(".new")
        with open(new, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(map(_row, self.records()))
        new.replace(table)
        return table

    def close(self):
        self.handle.close()


def _lock(handle, file):
    """Hold the file against a second run, until this process ends; where the system can do that."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ValueError(f"Another run is writing {file}; wait for its end") from None
    except OSError:
        return  # a network drive without locks


def _row(record):
    cells = {**record, "checks": len(record["checks"]), "mistakes": " ".join(record["mistakes"])}
    cells["solved"] = "yes" if record["solved"] else "no"
    return [cells[name] for name in COLUMNS]


def summary(root, records):
    """What a teacher wants to know first, a line each: how many solved it, which mistakes recur."""
    for id in dict.fromkeys(record["exercise"] for record in records):
        group = [record for record in records if record["exercise"] == id]
        yield f"{id}: {sum(r['solved'] for r in group)} of {len(group)} solved"
        known = exercises.get(root, id).mistakes if id in exercises.ids(root) else ()
        hints = {mistake.name: mistake.hints[0] for mistake in known}
        kinds = Counter(kind for record in group for kind in _kinds(record))
        mistakes = sorted(kinds.keys() - set(OTHERWISE), key=lambda kind: (-kinds[kind], kind))
        for kind in mistakes[:MISTAKES_TOLD]:
            yield f"  {kinds[kind]:5}  {kind}: {hints.get(kind, '')}"
        if rest := mistakes[MISTAKES_TOLD:]:
            yield f"  {sum(kinds[kind] for kind in rest):5}  {len(rest)} other known mistakes"
        yield from (f"  {kinds[kind]:5}  {kind}" for kind in OTHERWISE if kinds[kind])


def _kinds(record):
    """What a submission counts as: its mistakes, or the one thing that ended it."""
    states = {check["state"] for check in record["checks"]}
    if record["solved"]:
        return []
    if record["stopped"]:
        return ["stopped"]
    if states == {"not run"}:
        return ["cannot be imported"]
    if record["mistakes"]:
        return record["mistakes"]
    return ["not written yet" if "not written" in states else "no known mistake"]


def grade(root, place, out=None, only=None, workers=None, dask=None, seconds=None, as_json=False):
    """Grade what is not graded yet, write the table, print the summary.

    root     of the bank.
    place    a folder or a CSV file, see Course.
    out      the file of verdicts; `results.jsonl` in the folder or beside the CSV by default.
    only     the id of the one exercise to grade, or None.
    workers  how many submissions are graded at once on this machine; one a core by default.
    dask     the address of a Dask scheduler, on whose workers to grade instead.
    seconds  that an attempt may take; the exercise's own by default.
    as_json  print the records, one a line, instead of the summary.

    Returns 0 if everything found has its verdict, else 1. Raises ValueError or OSError if the
    course, the file of verdicts or the cluster cannot be used.
    """
    course = Course(root, place, only)
    out = Path(out or course.base / "results.jsonl")
    if out.with_suffix(".csv").resolve() == course.place.resolve():
        raise ValueError(f"The table would replace {course.place}; name another file with --out")
    results = Results(out)
    todo = [s for s in course.submissions if not results.has(s)]
    _say(f"{len(course.submissions)} submissions, {len(todo)} to grade")
    if dask:
        verdicts = on_dask(root, todo, dask, seconds)
    else:
        verdicts = on_this_machine(root, todo, workers or cores(), seconds)
    left = len(todo)
    with closing(results):
        try:
            with closing(verdicts):
                for submission, verdict in verdicts:
                    left -= 1
                    if verdict is None:
                        course.left_out.append(f"{submission.path}: workers died while grading it")
                    else:
                        results.add(submission, verdict)
                    _say(f"{len(todo) - left} of {len(todo)} graded", passing=True)
        except KeyboardInterrupt:
            _say(f"Stopped with {left} left to grade; the same command goes on from here.")
            raise
        finally:
            table = results.write_table()
        records = results.records()
    lines = (
        [json.dumps(r, ensure_ascii=False) for r in records] if as_json else summary(root, records)
    )
    print(*lines, sep="\n")
    _say("\n".join(course.left_out))
    _say(f"Verdicts: {results.file}    Table: {table}")
    return int(bool(course.left_out))


def _say(text, passing=False):
    """Tell how it goes, apart from what a program may read; what is passing only to a person."""
    if passing and sys.stderr.isatty():
        print(f"\r{text}\033[K", end="", file=sys.stderr, flush=True)
    elif text and not passing:
        print(f"\r{text}" if sys.stderr.isatty() else text, file=sys.stderr)


def cores():
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def on_this_machine(root, todo, workers, seconds=None):
    """Grade in a pool of processes. Yields each submission with its verdict, in any order.

    Where a process of the pool dies, a new pool goes on with what is left. What was being graded
    each time is given up after a few times: then its verdict is None.
    """
    waiting, tries = deque(todo), Counter()
    while waiting:
        pool, running = ProcessPoolExecutor(workers, get_context("spawn"), become_a_worker), {}
        try:
            while waiting or running:
                while waiting and len(running) < 2 * workers:
                    submission = waiting[0]
                    future = pool.submit(
                        verdict, str(root), submission.exercise, submission.source, seconds
                    )
                    running[future] = waiting.popleft()
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running[future], future.result()
                    del running[future]
        except BrokenProcessPool:
            tries.update(running.values())
            for submission in running.values():
                if tries[submission] < TRIES:
                    waiting.append(submission)
                else:
                    yield submission, None
        finally:
            pool.shutdown(cancel_futures=True)


def become_a_worker():
    """End with the process that started this one, however that ends, and at once with Ctrl-C."""

    def end_together():
        parent_process().join()
        os._exit(1)

    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    Thread(target=end_together, daemon=True).start()


def on_dask(root, todo, address, seconds=None):
    """Grade on the workers of a Dask cluster. Yields as `on_this_machine` does.

    Every worker needs bnbank and the bank: a clone of the same commit. The sources travel. Where a
    worker dies, the scheduler gives what it had to another; what it gives up is handed in again.
    """
    try:
        from dask.distributed import Client, KilledWorker, as_completed
    except ImportError:
        raise ValueError("--dask needs dask.distributed: pip install -e '.[course]'") from None
    tries = Counter()
    with Client(address, timeout=CONNECT) as client:

        def submit(submission):
            tries[submission] += 1
            return client.submit(
                verdict, str(root), submission.exercise, submission.source, seconds, pure=False
            )

        running = {(future := submit(s)).key: (s, future) for s in todo}
        done = as_completed(future for _, future in running.values())
        for future in done:
            submission, _ = running.pop(future.key)
            try:
                yield submission, future.result()
            except KilledWorker:
                if tries[submission] == TRIES:
                    yield submission, None
                    continue
                again = submit(submission)
                running[again.key] = submission, again
                done.add(again)


def verdict(root, id, source, seconds=None):
    """Grade one source in a process of its own. Returns what Graded.as_json does, and the text.

    The attempt is a copy in an empty folder, so that it has no neighbours to read.
    """
    exercise = exercises.get(_bank(root), id)
    with TemporaryDirectory(prefix="bnbank-") as folder:
        file = Path(folder) / "attempt.py"
        file.write_bytes(source)
        run = _run(exercise, file, seconds)
    with _judging:
        graded = Graded.of(exercise, run)
        return {**graded.as_json(), "text": graded.text()}


# A Dask worker grades in several threads. Diagnosis runs references with sys.stdout exchanged.
_judging = Lock()
_taking = Lock()
_idle = []


def _bank(root):
    """The bank at that place, or on another machine the one that this module lies in."""
    here = Path(__file__).parent
    return Path(root) if (Path(root) / "solutions").is_dir() else exercises.find_root(here)


def _run(exercise, file, seconds):
    """What comes of an attempt: in the fork of a server that is kept, or in a process of its own.

    The second is for systems without safe forks, and for an attempt whose server has died.
    """
    if not warm.CAN_FORK:
        return sandbox.grade(exercise, file, seconds)
    with _taking:
        servers = [server for server in _idle if server.exercise == exercise]
        if servers:
            _idle.remove(servers[-1])
    server = servers[-1] if servers else warm.Server(exercise)
    try:
        run = server.grade(file, seconds)
    except EOFError:
        server.close()
        return sandbox.grade(exercise, file, seconds)
    with _taking:
        _idle.append(server)
        surplus = _idle.pop(0) if len(_idle) > SERVERS else None
    if surplus:
        surplus.close()
    return run
