"""Grade many attempts at one exercise without importing NumPy for each.

A server process imports what a child of `sandbox` imports, then forks once for every attempt.
It runs no attempt itself, so each fork begins where a child that was started for this one attempt
would begin, and is held by the same guard and limits. Isolation stays; the import is paid once.
"""

import io
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

from bnbank import exercise as exercises
from bnbank import runner
from bnbank.sandbox import ENVIRONMENT, MEGABYTES, Child

# Elsewhere a fork of a process that has loaded NumPy is not known to be safe.
CAN_FORK = sys.platform == "linux" and hasattr(os, "pidfd_open")
START = """
import sys
sys.path.insert(0, sys.argv[1])
from bnbank import warm
warm.serve(*sys.argv[2:])
"""


class Server:
    """A process that has imported the checks of one exercise and forks for every attempt at it."""

    def __init__(self, exercise):
        self.exercise = exercise
        arguments = [str(Path(__file__).parent.parent), str(exercise.root), exercise.id]
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-X", "utf8", "-c", START, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **ENVIRONMENT},
            start_new_session=True,
        )

    def grade(self, file, seconds=None, megabytes=MEGABYTES):
        """Run every check on `file` in a fork. Returns a sandbox.Run.

        Raises EOFError if the server is gone.
        """
        return Fork(self, seconds).run(file, megabytes)

    def close(self):
        """End it, and the attempt that it may be running."""
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Fork(Child):
    """One attempt's process, forked by a server; its files are read as those of any Child."""

    def __init__(self, server, seconds=None):
        self.server, self.exercise = server, server.exercise
        self.seconds = seconds or server.exercise.seconds
        self.scratch = Path(tempfile.mkdtemp(prefix="bnbank-"))

    def run(self, file, megabytes):
        """Have `file` graded. Returns a Run."""
        try:
            late, code = self._ask(self.seconds, megabytes, self.scratch, Path(file).resolve())
            self.process = SimpleNamespace(returncode=code)
            return self._read(late)
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)

    def _ask(self, *request):
        """Whether it was late, and its exit status."""
        server = self.server.process
        try:
            server.stdin.write("\0".join(map(str, request)).encode() + b"\n")
            server.stdin.flush()
        except BrokenPipeError:
            raise EOFError("the server is gone") from None
        answer = server.stdout.readline().split()
        if len(answer) != 2:
            raise EOFError("the server is gone")
        return answer[0] == b"late", int(answer[1])


def serve(root, id):
    """The server's life: a line on standard input is a request, one on standard output its answer.

    A request is seconds, megabytes, scratch folder and file, with NUL between them; the answer is
    "ended" or "late", and the exit status. The end of the input ends the server and its fork.
    """
    exercises.get(root, id).checks  # noqa: B018  (imports the grader)
    runner.ready_to_check()
    while request := sys.stdin.buffer.readline():
        seconds, megabytes, scratch, file = request.decode().rstrip("\n").split("\0")
        child = os.fork()
        if child == 0:
            try:
                become_an_attempt(scratch)
                sys.stdin = io.StringIO(f"{file}\n")
                runner.main(root, id, scratch, megabytes)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)  # where runner.main comes to its end, it has left with 0
        late = watch_over(child, float(seconds))
        _, status = os.waitpid(child, 0)
        answer = f"{'late' if late else 'ended'} {os.waitstatus_to_exitcode(status)}\n"
        os.write(1, answer.encode())


def become_an_attempt(scratch):
    """Leave the server's pipes and session behind, as sandbox.Child has it for its process."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    errors = os.open(os.path.join(scratch, "stderr"), os.O_WRONLY | os.O_CREAT)
    for ours, theirs in ((nothing, 0), (nothing, 1), (errors, 2)):
        os.dup2(ours, theirs)
    os.close(nothing)
    os.close(errors)


def watch_over(child, seconds):
    """Wait for a fork, at most `seconds`, and end what is left of it. Returns whether it was late.

    Whoever asked may die meanwhile: then the input ends, and the fork is ended at once.
    """
    end = os.pidfd_open(child)
    try:
        ready, _, _ = select.select([end, 0], [], [], seconds)
    finally:
        os.close(end)
    try:
        os.killpg(child, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        os.kill(child, signal.SIGKILL)
    return not ready
