"""Grade an attempt in a child process, with a time and a memory limit.

The parent never imports the attempt. It hands the child a file name and reads plain arrays.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

MEGABYTES = 2048
# One thread: small arrays gain nothing from more, and a pool's stacks count as memory.
ENVIRONMENT = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# -I: neither the working folder nor PYTHON* variables can slip a module in. -B: leave no files.
START = """
import sys
sys.path.insert(0, sys.argv[1])
from bnbank import runner
runner.main(*sys.argv[2:])
"""


@dataclass
class Run:
    """What came of running every check on one file.

    outcomes  by the name of the check; a check that was not reached has none.
    stopped   why nothing more came, as a sentence about the attempt, or "".
    at        the check that was running when it stopped, or "".
    """

    outcomes: dict
    stopped: str = ""
    at: str = ""


class Child:
    """A process that has imported the checks of one exercise and waits for a file to grade.

    exercise   whose checks.
    seconds    from the moment `start` is called until it is killed; the exercise's own by default.
    megabytes  that it may take beside what Python and NumPy take.
    """

    def __init__(self, exercise, seconds=None, megabytes=MEGABYTES):
        self.exercise, self.seconds = exercise, seconds or exercise.seconds
        self.scratch = Path(tempfile.mkdtemp(prefix="bnbank-"))
        here = str(Path(__file__).parent.parent)
        arguments = [here, str(exercise.root), exercise.id, str(self.scratch), str(megabytes)]
        with open(self.scratch / "stderr", "wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-B", "-X", "utf8", "-c", START, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                env={**os.environ, **ENVIRONMENT},
                start_new_session=os.name == "posix",
            )

    def start(self, file):
        """Let it grade `file`. Returns at once."""
        try:
            self.process.stdin.write(f"{Path(file).resolve()}\n".encode())
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # it could not start; `result` says why

    def result(self):
        """Wait for its end, or put an end to it. Returns a Run."""
        late = False
        try:
            self.process.wait(self.seconds)
        except subprocess.TimeoutExpired:
            late = True
        self.kill()
        try:
            return self._read(late)
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)

    def kill(self):
        """End it, and whatever it has started."""
        try:
            if os.name == "posix":
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        except (ProcessLookupError, PermissionError):
            pass
        self.process.wait()
        if not self.process.stdin.closed:
            self.process.stdin.close()

    def close(self):
        """End one that is not needed any more."""
        self.kill()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def _read(self, late):
        from bnbank.runner import Outcome  # here, so that a child starts before NumPy is imported

        names = list(self.exercise.checks)
        files = {"load": "load", **{name: str(i) for i, name in enumerate(names)}}
        outcomes = {}
        for name, stem in files.items():
            file = self.scratch / f"{stem}.npz"
            if file.is_file():
                try:
                    outcomes[name] = Outcome.load(file)
                except Exception:  # whatever a stranger's file can make a reader raise
                    continue
        if (self.scratch / "done").exists():
            return Run(outcomes)
        at = self._text("at")
        at = names[int(at)] if at.isdigit() and int(at) < len(names) else ""
        return Run(outcomes, self._why(late), at)

    def _why(self, late):
        """Why it came to no good end."""
        if reason := self._text("stopped"):
            return f"The attempt {reason}. It was stopped there."
        if late:
            return f"The attempt was still running after {self.seconds:g} s and was stopped."
        code = self.process.returncode
        if not (self.scratch / "load.npz").exists() and (trouble := self._text("stderr")):
            return f"The grader could not start: {trouble.strip().splitlines()[-1]}"
        if code < 0:
            name = signal.Signals(-code).name
            return f"The attempt's process was ended by {name}."
        return f"The attempt ended its process (exit status {code}); an answer has to return."

    def _text(self, name):
        try:
            return (self.scratch / name).read_text(encoding="utf-8", errors="replace")[:2_000]
        except OSError:
            return ""


def grade(exercise, file, seconds=None, megabytes=MEGABYTES):
    """Run every check of `exercise` on `file` in a child process. Returns a Run."""
    child = Child(exercise, seconds, megabytes)
    child.start(file)
    return child.result()
