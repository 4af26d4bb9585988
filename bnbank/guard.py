"""What an attempt may not do while it is graded, held by Python's own audit events.

This keeps honest people honest: it stops an attempt that reads the answers, imports torch where
NumPy is the exercise, or writes into the bank. It is no wall against someone who wants to break
out of a Python process; a course that grades strangers adds a container around it.
"""

import os
import sys
from contextlib import contextmanager
from pathlib import Path

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES_A_FILE = {
    "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir",
    "os.symlink", "os.truncate", "os.utime", "shutil.rmtree", "shutil.move",
}  # fmt: skip
STARTS_A_PROCESS = {
    "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.startfile", "os.system",
    "pty.spawn", "subprocess.Popen",
}  # fmt: skip
REACHES_OUT = {
    "ctypes.dlopen": "loads a C library",
    "ctypes.dlsym": "calls into a C library",
    "os.kill": "sends a signal to a process",
    "os.killpg": "sends a signal to a process",
    "resource.setrlimit": "changes its limits",
    "socket.bind": "opens a socket",
    "socket.connect": "opens a socket",
}  # fmt: skip


class Forbidden(BaseException):
    """The attempt did what it may not; the text is a predicate: "opens tests/answers/bn2d.npz"."""


class Guard:
    """Watches one attempt.

    exercise   whose attempt it is: it says what may be imported and which files are secret.
    graded     the file that is graded; it may read itself.
    scratch    the one folder that may be written to.
    stop       called with the reason of a violation, before Forbidden is raised.
    """

    def __init__(self, exercise, graded, scratch, stop=lambda reason: None):
        self.root = os.path.realpath(exercise.root)
        self.graded = os.path.realpath(graded)
        self.scratch = os.path.realpath(scratch)
        secret = (("solutions",), ("tests", "answers"))
        self.secret = [os.path.join(self.root, *place) for place in secret]
        self.numpy_only = exercise.needs == "numpy"
        self.may_start_processes = "subprocess" in exercise.allows
        self.modules = {"numpy", *sys.stdlib_module_names, *exercise.allows}
        self.packages = {*exercise.allows} - sys.stdlib_module_names
        self.stop = stop

    def refusal(self, event, args):
        """Why this audit event is refused, as a predicate, or None."""
        if event == "import":
            return self._import(args[0])
        if event == "open":
            return self._open(*args)
        if event in CHANGES_A_FILE:
            return self._write(args[0])
        if event in STARTS_A_PROCESS and not self.may_start_processes:
            return "starts another process"
        if event in REACHES_OUT and not self.may_start_processes:
            return REACHES_OUT[event] if self.numpy_only and not self._is_a_packages() else None
        return None

    def _import(self, name):
        package = name.partition(".")[0]
        if package in ("bnbank", "solutions", "tests"):
            return f"imports {name}, a part of the grader"
        if package in self.modules or package.startswith("_") or not self.numpy_only:
            return None
        if not self._is_a_packages():
            return f"imports {package}, in an exercise for NumPy and the standard library alone"
        return None

    def _is_a_packages(self):
        """Whether a package that is allowed does it: a compiler has to load its library."""
        frame = sys._getframe() if self.packages else None
        while frame is not None:
            if frame.f_globals.get("__name__", "").partition(".")[0] in self.packages:
                return True
            frame = frame.f_back
        return False

    def _open(self, path, mode, flags):
        if isinstance(path, int):
            return None
        if flags & WRITING or set(mode or "") & set("wax+"):
            return self._write(path)
        path = os.path.realpath(os.fsdecode(path))
        if path != self.graded and any(_lies_in(path, place) for place in self.secret):
            return f"opens {self._name(path)}, which is not for it to read"
        return None

    def _write(self, path):
        if isinstance(path, int):
            return None
        path = os.path.realpath(os.fsdecode(path))
        if path == os.path.realpath(os.devnull) or _lies_in(path, self.scratch):
            return None
        return f"writes to {self._name(path)}"

    def _name(self, path):
        return (
            Path(os.path.relpath(path, self.root)).as_posix()
            if path.startswith(self.root)
            else path
        )


def _lies_in(path, folder):
    return path == folder or path.startswith(folder + os.sep)


_watching = None
_installed = False


@contextmanager
def watch(guard):
    """Hold `guard` over everything that runs inside. An audit hook stays installed for good."""
    global _watching, _installed
    if not _installed:
        sys.addaudithook(_hook)
        _installed = True
    _watching = guard
    try:
        yield guard
    finally:
        _watching = None


def _hook(event, args):
    if _watching is None:
        return
    reason = _watching.refusal(event, args)
    if reason is not None:
        _watching.stop(reason)
        raise Forbidden(reason)
