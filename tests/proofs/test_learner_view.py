"""What a learner sees, word for word; the texts lie in `golden/`.

BNBANK_GOLDEN=write writes them anew: read the difference before you commit it.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


def run(bank, *arguments, inside=".", module="pytest"):
    """One command of a learner in a copy of the bank: (exit status, what it printed)."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=bank / inside,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        env={**_environment(), "COLUMNS": "100", "PYTHONPATH": str(bank)},
    )
    return done.returncode, done.stdout + done.stderr


def _environment():
    """Ours, without what pytest and its plugins have put there, and without CI and BUILD_NUMBER:
    where these are set, pytest prints its summary uncut."""
    ours = ("PYTEST", "BNBANK", "COV", "CI", "BUILD_NUMBER")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def write(bank, id, *changes):
    """Put the reference with some changes in it where the learner's attempt is."""
    text = (bank / "solutions" / id / "reference.py").read_text(encoding="utf-8")
    for right, wrong in changes:
        assert right in text
        text = text.replace(right, wrong)
    (bank / "solutions" / id / "attempt.py").write_text(text, encoding="utf-8")


def seen(name, text):
    """Hold what was printed against its golden text."""
    text = re.sub(r"in \d+\.\d+s.*", "in 0.00s", text).rstrip() + "\n"
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("BNBANK_GOLDEN") == "write":
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


BIASED = ("new * var * m / (m - 1)", "new * var")
EPS_OUTSIDE = ("np.sqrt(_per_channel(var) + self.eps)", "(np.sqrt(_per_channel(var)) + self.eps)")
UNKNOWN = ("y = (wide - _per_channel(mean))", "y = 1.25 * (wide - _per_channel(mean))")


def test_first_run(bank):
    status, text = run(bank, "-q", "solutions/bn2d")
    assert status == 1
    seen("first_run", text)
    starter = (bank / "solutions/bn2d/starter.py").read_text(encoding="utf-8")
    assert (bank / "solutions/bn2d/attempt.py").read_text(encoding="utf-8") == starter


def test_second_run_keeps_the_attempt(bank):
    (bank / "solutions/bn2d/attempt.py").write_text("mine = 1\n", encoding="utf-8")
    run(bank, "-q", "solutions/bn2d")
    assert (bank / "solutions/bn2d/attempt.py").read_text(encoding="utf-8") == "mine = 1\n"


def test_syntax_error(bank):
    write(bank, "bn2d", ("def forward(self, x):", "def forward(self, x:"))
    status, text = run(bank, "-q", "solutions/bn2d")
    assert status == 1
    seen("syntax_error", text)


def test_a_file_that_is_not_utf8(bank):
    (bank / "solutions/bn2d/attempt.py").write_bytes(b"name = '\xff'\n")
    status, text = run(bank, "-q", "solutions/bn2d")
    assert status == 1
    assert "solutions/bn2d/attempt.py cannot be imported" in text
    assert "UnicodeDecodeError" in text


def test_exception(bank):
    write(bank, "bn2d", ("return values[:, None, None]", "return values"))
    status, text = run(bank, "-q", "-x", "solutions/bn2d")
    assert status == 1
    seen("exception", text)


def test_known_mistake(bank):
    write(bank, "bn2d", BIASED)
    status, text = run(bank, "-q", "solutions/bn2d")
    assert status == 1
    seen("known_mistake", text)


def test_two_mistakes(bank):
    write(bank, "bn2d", BIASED, EPS_OUTSIDE)
    status, text = run(bank, "-q", "solutions/bn2d")
    assert status == 1
    seen("two_mistakes", text)


def test_unknown_mistake(bank):
    write(bank, "bn2d", UNKNOWN)
    status, text = run(bank, "-q", "-x", "solutions/bn2d")
    assert status == 1
    seen("unknown_mistake", text)


def test_input_changed(bank):
    write(bank, "bn2d", ("wide = x.astype(np.float64)", "wide = x\n        wide -= x.mean()"))
    status, text = run(bank, "-q", "-x", "solutions/bn2d")
    assert status == 1
    seen("input_changed", text)


def test_half_written(bank):
    text = (bank / "solutions/bn_backward/reference.py").read_text(encoding="utf-8")
    head = text[: text.index("def batch_norm_backward")]
    body = "def batch_norm_backward(dy, cache):\n    raise NotImplementedError\n"
    (bank / "solutions/bn_backward/attempt.py").write_text(head + body, encoding="utf-8")
    status, text = run(bank, "-q", "solutions/bn_backward")
    assert status == 1
    assert text.count("not written yet") <= 2  # the message, and pytest's own summary of it


def test_printing_helps(bank):
    write(
        bank,
        "bn2d",
        BIASED,
        ("wide = x.astype(np.float64)", "wide = x.astype(float); print('m', x.size)"),
    )
    _, text = run(bank, "-q", "-x", "solutions/bn2d")
    assert "Captured stdout" in text
    assert "m 24" in text


def test_endless_loop(bank):
    write(bank, "bn2d", ("        self._refuse(x, uses_batch)", "        while True: pass"))
    status, text = run(bank, "-q", "--time-limit", "1", "solutions/bn2d")
    assert status == 1
    seen("endless_loop", text)


def test_solved(bank):
    write(bank, "bn2d")
    status, text = run(bank, "-q", "solutions/bn2d")
    assert status == 0
    seen("solved", text)
    assert '"solved"' in (bank / "progress.json").read_text(encoding="utf-8")


def test_unknown_exercise(bank):
    status, text = run(bank, "-q", "solutions/bn3d")
    assert status == 4
    seen("unknown_exercise", text)


def test_a_folder_that_is_no_exercise(bank):
    (bank / "solutions" / "drafts").mkdir()
    status, text = run(bank, "-q", "solutions/drafts")
    assert status == 4
    assert "There is no exercise 'drafts'" in text


def test_a_file_that_is_not_graded(bank):
    status, text = run(bank, "-q", "solutions/bn2d/reference.py")
    assert status == 4
    assert "--reference" in text


def test_nothing_started(bank):
    status, text = run(bank, "-q", "solutions")
    assert status == 5
    seen("nothing_started", text)


def test_only_what_is_started(bank):
    write(bank, "bn2d")
    status, text = run(bank, "-q", "solutions")
    assert status == 0
    assert "14 passed" in text
    assert not (bank / "solutions/bn_backward/attempt.py").exists()


def test_several_folders_with_two_workers(bank):
    pytest.importorskip("xdist")
    write(bank, "bn2d", BIASED)
    write(bank, "fuse_conv_bn")
    status, text = run(bank, "-q", "-n", "2", "solutions/bn2d", "solutions/fuse_conv_bn")
    assert status == 1
    assert text.count("Hint 1 of 2: running_var was updated") == 1
    assert "bn2d: 10 of 14 checks" in text
    assert "fuse_conv_bn: solved" in text


def test_from_inside_the_folder(bank):
    write(bank, "bn2d")
    status, text = run(bank, "-q", inside="solutions/bn2d")
    assert status == 0
    assert "bn2d: solved" in text


def test_a_part_is_no_verdict(bank):
    write(bank, "bn2d", BIASED)
    status, text = run(bank, "-q", "-k", "normalizes_each", "solutions/bn2d")
    assert status == 0
    assert "1 of 14 checks agree with torch (13 were not run). Not solved yet." in text
    assert not (bank / "progress.json").exists()


def test_last_failed_comes_back_to_what_was_not_reached(bank):
    run(bank, "-q", "solutions/bn2d")
    write(bank, "bn2d", BIASED)
    status, text = run(bank, "-q", "--lf", "solutions/bn2d")
    assert (status, "10 passed" in text) == (1, True)
    status, text = run(bank, "-q", "--lf", "solutions/bn2d")
    assert "4 failed" in text


def test_junit_has_the_message_and_the_mistake(bank):
    write(bank, "bn2d", BIASED)
    run(bank, "-q", "--junitxml=report.xml", "solutions/bn2d")
    text = (bank / "report.xml").read_text(encoding="utf-8")
    assert 'tests="14"' in text
    assert 'failures="4"' in text
    assert "running_var was updated with the variance that divides by m" in text
    assert '<property name="mistakes" value="stores_the_biased_variance"' in text


def test_collecting_for_an_editor_runs_nothing(bank):
    (bank / "solutions/bn2d/attempt.py").write_text("import time; time.sleep(30)", encoding="utf-8")
    status, text = run(bank, "--collect-only", "-q", "solutions/bn2d")
    assert status == 0
    assert "solutions/bn2d/attempt.py::running_var_is_unbiased" in text


def test_reference_says_what_was_graded(bank):
    status, text = run(bank, "-q", "--reference", "solutions/bn2d")
    assert status == 0
    seen("reference", text)
    assert not (bank / "progress.json").exists()


@pytest.mark.parametrize("option", ["-s", "--in-process", "--pdb"])
def test_in_process(bank, option):
    write(
        bank, "bn2d", ("        self._refuse(x, uses_batch)", "        print('in forward'); 1 / 0")
    )
    status, text = run(bank, "-q", "-x", option, "solutions/bn2d")
    assert status in (1, 2)
    assert "ZeroDivisionError" in text
    assert "in forward" in text
    assert "bn2d: solved" not in text


def test_in_process_does_not_let_an_attempt_end_pytest(bank):
    write(bank, "bn2d", ("        self._refuse(x, uses_batch)", "        import os; os._exit(0)"))
    status, text = run(bank, "-q", "-s", "solutions/bn2d")
    assert status == 1
    assert "ends its process" in text


def test_in_process_agrees_and_keeps_the_answers_secret(bank):
    write(bank, "bn2d")
    assert run(bank, "-q", "--in-process", "solutions/bn2d")[0] == 0
    write(
        bank,
        "bn2d",
        (
            "import numpy as np\n",
            "import numpy as np\nopen(__file__.replace('attempt', 'reference'))\n",
        ),
    )
    status, text = run(bank, "-q", "--in-process", "solutions/bn2d")
    assert status == 1
    assert "which is not for it to read" in text


def test_quiet_and_verbose(bank):
    write(bank, "bn2d", BIASED)
    for option in ("-qq", "-v", "-vv"):
        status, text = run(bank, option, "solutions/bn2d")
        assert status == 1, text


def test_torch_is_never_imported_for_numpy(bank):
    write(bank, "bn2d", BIASED)
    (bank / "torch.py").write_text("raise SystemExit('torch was imported')\n", encoding="utf-8")
    _, text = run(bank, "-q", "-p", "no:hypothesispytest", "solutions/bn2d")
    assert "10 passed" in text
