"""pytest grades `solutions/<id>`: one item a check, run in a child process, told in plain words.

Loaded by the bank's own conftest.py, so that pytest in other projects never meets it.
"""

import os
from tempfile import TemporaryDirectory

import pytest

from bnbank import exercise as exercises

TOLD = "the first failure says why"


def pytest_addoption(parser):
    group = parser.getgroup("bnbank", "grading solutions")
    group.addoption("--reference", action="store_true", help="grade the reference, not the attempt")
    group.addoption("--time-limit", type=float, metavar="SECONDS", help="for one attempt (10)")
    group.addoption(
        "--in-process", action="store_true", help="run the attempt inside pytest, to debug it"
    )


def pytest_configure(config):
    grading = Grading(config)
    config.pluginmanager.register(grading, "bnbank-grading")
    grading.prepare()


class Grading:
    """One pytest session's grading: what was made, what was said, and what came of it."""

    def __init__(self, config):
        self.config = config
        self.notes, self.tallies, self.waiting, self.children = [], {}, [], {}
        self.is_worker = hasattr(config, "workerinput")
        self.in_process = (
            any(config.getoption(name, False) for name in ("--in-process", "--pdb", "--trace"))
            or config.getoption("capture") == "no"
        )

    def prepare(self):
        """Make attempts that are asked for by name, and refuse what is no exercise."""
        places = [self._place(arg) for arg in self.config.args]
        if self.config.getoption("--reference"):
            self.notes.append("Grading the references, not your attempts.")
        named = []
        for place in places:
            root = exercises.find_root(place)
            if root and place != root / "solutions" and place.is_relative_to(root / "solutions"):
                named.append(self._prepare(root, place))
        # One attempt is graded by one child: its checks stay together in one worker.
        solutions = [p for p in places if exercises.find_root(p) and "solutions" in p.parts]
        if len(solutions) == len(places) and getattr(self.config.option, "dist", "") == "load":
            self.config.option.dist = "loadfile"
        if named and self.grades_in_children and not getattr(self.config.option, "tx", None):
            self.child_of(named[0])  # already now: it imports NumPy while pytest does

    @property
    def grades_in_children(self):
        return not (self.config.getoption("collectonly") or self.in_process or self.is_worker)

    def child_of(self, exercise):
        """The child that grades an exercise's file, started if it was not."""
        if exercise.id not in self.children:
            from bnbank import sandbox

            child = sandbox.Child(exercise, self.config.getoption("--time-limit"))
            reference = self.config.getoption("--reference")
            child.start(exercise.reference if reference else exercise.attempt)
            self.children[exercise.id] = child
        return self.children[exercise.id]

    def _place(self, arg):
        return (self.config.invocation_params.dir / str(arg).split("::")[0]).resolve()

    def _prepare(self, root, place):
        inside = place.relative_to(root / "solutions").parts
        try:
            exercise = exercises.get(root, inside[0])
        except exercises.UnknownExercise as unknown:
            raise pytest.UsageError(str(unknown)) from None
        if inside[1:] and inside[1] != "attempt.py":
            raise pytest.UsageError(
                f"{'/'.join(inside)} is not graded; pytest solutions/{exercise.id} grades your "
                "attempt.py, and --reference the reference"
            )
        if not self.config.getoption("--reference") and exercise.make_attempt():
            place = exercise.attempt.relative_to(root).as_posix()
            self.notes.append(
                f"{exercise.id}: made {place} from the starter. Write your answer there."
            )
        return exercise

    def pytest_collect_file(self, file_path, parent):
        graded = "reference.py" if self.config.getoption("--reference") else "attempt.py"
        if file_path.name == graded and (exercise := exercises.of_file(file_path)):
            return Attempt.from_parent(parent, path=file_path, exercise=exercise, grading=self)
        return None

    def pytest_collection_finish(self, session):
        """Start the first child, if it is not; each starts the next before it is judged."""
        attempts = dict.fromkeys(item.parent for item in session.items if isinstance(item, Check))
        self.waiting = [attempt.exercise for attempt in attempts]
        self.start_next()

    def start_next(self):
        if self.waiting and self.grades_in_children:
            self.child_of(self.waiting.pop(0))

    def pytest_runtest_logreport(self, report):
        """Keep the score where the session is summed up: here, or in xdist's controller."""
        facts = dict(report.user_properties)
        if self.is_worker or "exercise" not in facts or report.when != "call":
            return
        tally = self.tallies.setdefault(facts["exercise"], Tally(facts))
        tally.add(report, facts)
        if report.skipped and (last_failed := self.config.pluginmanager.get_plugin("lfplugin")):
            last_failed.lastfailed[report.nodeid] = True  # so that --lf comes back to it

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter):
        said = self.notes + [tally.summary(self.root) for tally in self.tallies.values()]
        if not said and self._graded_nothing():
            said = ["Nothing here is started. pytest solutions/bn2d starts an exercise."]
        if said:
            terminalreporter.section("bnbank", sep="-")
            for text in said:
                terminalreporter.write_line(text)

    def _graded_nothing(self):
        places = [self._place(arg) for arg in self.config.args]
        return any(exercises.find_root(p) and p.name == "solutions" for p in places)

    @property
    def root(self):
        return exercises.find_root(self.config.rootpath)

    def pytest_sessionfinish(self):
        for child in self.children.values():
            child.close()
        if self.is_worker or self.config.getoption("--reference"):
            return
        from bnbank.progress import Progress

        for tally in self.tallies.values():
            if tally.complete and not tally.reference:
                progress = Progress(self.root)
                for name in tally.mistakes:
                    progress.told(tally.id, name)
                progress.graded(tally.id, tally.solved, tally.mistakes)


class Tally:
    """How one exercise fared in this session."""

    def __init__(self, facts):
        self.id, self.reference = facts["exercise"], facts["graded"] == "reference.py"
        self.checks = int(facts["checks"])
        self.passed = self.failed = self.skipped = 0
        self.mistakes = []

    def add(self, report, facts):
        self.passed += report.passed
        self.failed += report.failed
        self.skipped += report.skipped
        self.mistakes += [m for m in facts.get("mistakes", "").split() if m not in self.mistakes]

    @property
    def complete(self):
        return self.passed + self.failed + self.skipped == self.checks

    @property
    def solved(self):
        return self.passed == self.checks

    def summary(self, root):
        """What came of it, in a line or, once it is solved, a paragraph."""
        from bnbank import report
        from bnbank.progress import Progress

        exercise = exercises.get(root, self.id)
        if self.reference:
            agrees = f"agrees with torch in {self.passed} of {self.checks} checks"
            return f"{self.id}: the reference {agrees}."
        if not self.solved:
            return report.score(exercise, self.passed, self.passed + self.failed + self.skipped)
        return report.solved(exercise, Progress(root).following(exercise))


class Attempt(pytest.File):
    """A file to grade. Its checks are the items."""

    def __init__(self, *, exercise, grading, **kwargs):
        super().__init__(**kwargs)
        self.exercise, self.grading = exercise, grading
        self.verdict = None

    def collect(self):
        for name in self.exercise.checks:
            yield Check.from_parent(self, name=name)

    def graded(self):
        """The verdict, once for all items."""
        if self.verdict is None:
            from bnbank.grade import Graded

            run = self.grading.child_of(self.exercise).result()
            self.grading.start_next()
            self.verdict = Graded.of(self.exercise, run)
        return self.verdict


class Failed(Exception):
    """A check that does not agree; the text is for the learner."""


class Check(pytest.Item):
    """One check of one attempt."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        exercise = self.parent.exercise
        self.user_properties += [
            ("exercise", exercise.id),
            ("graded", self.path.name),
            ("checks", str(len(exercise.checks))),
        ]

    def runtest(self):
        if self.parent.grading.in_process:
            self.run_here()
        else:
            self.run_in_child()

    def run_in_child(self):
        """Word what the child left for this check."""
        graded = self.parent.graded()
        verdict = graded.verdicts[self.name]
        if verdict.outcome and verdict.outcome.printed:
            self.add_report_section("call", "stdout", verdict.outcome.printed)
        if (text := graded.tell(self.name)) is None:
            return
        if not text:
            pytest.skip(TOLD)
        names = [mistake.name for mistake in graded.diagnosis.of(self.name)]
        self.user_properties.append(("mistakes", " ".join(names)))
        raise Failed(text)

    def run_here(self):
        """Run the check in this process, so that a debugger and the screen are at hand."""
        from bnbank import report
        from bnbank.diagnose import Diagnosis
        from bnbank.guard import Forbidden, Guard, watch
        from bnbank.judge import load_answers, verdict
        from bnbank.runner import Outcome, Source, plain

        def exit_is_forbidden(code):
            raise Forbidden(f"ends its process (exit status {code})")

        exercise = self.parent.exercise
        check, source = exercise.checks[self.name], Source.of(self.path)
        with TemporaryDirectory() as scratch, pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "_exit", exit_is_forbidden)
            try:
                with watch(Guard(exercise, self.path, scratch)):
                    values = check(source.module())
                    values = {name: plain(name, value) for name, value in values.items()}
            except Forbidden as reason:
                raise Failed(f"The attempt {reason}. It was stopped there.") from None
        found = verdict(check, Outcome(values), load_answers(exercise.answers_file)[self.name])
        if found.state != "agrees":
            raise Failed(report.failure(exercise, found, Diagnosis()))

    def repr_failure(self, excinfo):
        if isinstance(excinfo.value, Failed):
            return str(excinfo.value)
        excinfo.traceback = excinfo.traceback.cut(path=self.path)
        return super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, 0, f"{self.parent.exercise.id}: {self.name}"
