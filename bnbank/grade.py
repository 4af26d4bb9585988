"""One attempt, graded: what it gave, the verdicts on it, and what the mistake was."""

from dataclasses import dataclass, field

from bnbank import report
from bnbank.diagnose import Diagnosis, diagnose
from bnbank.judge import judge


@dataclass
class Graded:
    """The verdict on one attempt.

    run        what the attempt gave (a sandbox.Run).
    verdicts   one for every check, by its name, in their order.
    diagnosis  which known mistakes its wrong answers are.
    """

    exercise: object
    run: object
    verdicts: dict
    diagnosis: Diagnosis
    _told: set = field(default_factory=set)

    @classmethod
    def of(cls, exercise, run):
        """Judge and diagnose what an attempt gave."""
        verdicts = judge(exercise, run.outcomes)
        diagnosis = Diagnosis() if run.stopped else diagnose(exercise, run.outcomes, verdicts)
        return cls(exercise, run, {v.check: v for v in verdicts}, diagnosis)

    @property
    def solved(self):
        return not self.run.stopped and all(v.state == "agrees" for v in self.verdicts.values())

    @property
    def passed(self):
        """How many checks agree with torch."""
        return sum(v.state == "agrees" for v in self.verdicts.values())

    @property
    def mistakes(self):
        """The names of the known mistakes that were recognized."""
        found = [m.name for check in self.verdicts for m in self.diagnosis.of(check)]
        return list(dict.fromkeys(found)) if self.run.stopped == "" else []

    def tell(self, check):
        """What to say of one check: None if it agrees, "" if all has been said, else the text.

        Checks are told in any order and number. What concerns the whole attempt (it is not written,
        it cannot be imported, it was stopped) is said once, and so is the hint on each mistake.
        """
        verdict, loading = self.verdicts[check], self.run.outcomes.get("load")
        if loading and loading.raised:
            if loading.raised.kind == "NotImplementedError":
                return self._once("not written", report.not_written(self.exercise))
            return self._once("load", report.not_loaded(self.exercise, loading.raised))
        if verdict.state == "agrees":
            return None
        if verdict.state == "not run":
            at = self.verdicts[self.run.at].title if self.run.at else ""
            return self._once("stopped", report.stopped(self.run, at))
        if verdict.state == "not written":
            return self._once("not written", report.not_written(self.exercise, verdict))
        text = report.failure(self.exercise, verdict, self.diagnosis, self._told)
        self._told.update(mistake.name for mistake in self.diagnosis.of(check))
        return text

    def _once(self, cause, text):
        if cause in self._told:
            return ""
        self._told.add(cause)
        return text

    def text(self):
        """All of it, for a person."""
        if self.solved:
            return report.solved(self.exercise)
        self._told = set()
        said = [text for check in self.verdicts if (text := self.tell(check))]
        return "\n\n".join([*said, report.score(self.exercise, self.passed)])

    def as_json(self):
        """All of it, for a program: plain values; a hint for each of the mistakes."""
        hints = {mistake.name: mistake.hints[0] for mistake in self.exercise.mistakes}
        return {
            "exercise": self.exercise.id,
            "solved": self.solved,
            "passed": self.passed,
            "checks": [
                {
                    "check": verdict.check,
                    "title": verdict.title,
                    "state": verdict.state,
                    "mistakes": [mistake.name for mistake in self.diagnosis.of(verdict.check)]
                    if verdict.state in ("differs", "raised")
                    else [],
                }
                for verdict in self.verdicts.values()
            ],
            "mistakes": self.mistakes,
            "hints": [hints[name] for name in self.mistakes],
            "stopped": self.run.stopped,
        }


def grade(exercise, file, seconds=None):
    """Grade a file in a child process. Returns Graded."""
    from bnbank import sandbox

    return Graded.of(exercise, sandbox.grade(exercise, file, seconds))
