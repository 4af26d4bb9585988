"""What a page grades with: the files of the command line in Pyodide, here run by Node."""

import ast
import hashlib
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from test_learner_view import run

from bnbank import check, practice_page
from bnbank.grade import Graded
from bnbank.progress import Progress
from bnbank.runner import Source
from bnbank.sandbox import Run

HERE = Path(__file__).parent
REFERENCE = "solutions/bn2d/reference.py"
HOSTILE = sorted(HERE.glob("hostile/*.py"))
# What ends otherwise where there are no processes and no 64 bits.
IN_A_PAGE = {
    "allocates_64_gib": "ValueError: Maximum allowed dimension exceeded",
    "starts_a_process": "emscripten does not support processes",
}
# Ended with the worker that runs it; test_practice_browser.py shows how.
ENDS_THE_WORKER = {"aborts", "endless_loop"}


@pytest.fixture(scope="session")
def assets(root, tmp_path_factory):
    """What a site serves for practice. Where it cannot be had, CI fails and others skip."""
    out = tmp_path_factory.mktemp("docs")
    try:
        practice_page.build(root, out)
    except practice_page.Unavailable as reason:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(reason))
    return out / "assets" / "practice"


class Page:
    """The page's Python, in Node: the files that a site serves, and the script of its worker."""

    def __init__(self, assets):
        self.process = subprocess.Popen(
            ["node", HERE / "practice_in_node.mjs", assets],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def ask(self, do, exercise=None, text="", progress="{}"):
        request = {"do": do, "exercise": exercise, "text": text, "progress": progress}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@pytest.fixture(scope="session")
def page(assets):
    """One Python for all proofs, as one tab has."""
    page = Page(assets)
    yield page
    page.process.communicate()


def on_the_command_line(exercise, text, folder):
    """What the command line says of an attempt."""
    file = folder / "attempt.py"
    file.write_text(text, encoding="utf-8")
    return Graded.of(exercise, Run(check.outcomes(exercise, Source.of(file))))


def test_the_page_grades_as_the_command_line_does(exercise, assets, page, tmp_path):
    if not practice_page.in_page(exercise):
        assert exercise.needs != "numpy"
        assert not (assets / "exercises" / f"{exercise.id}.json").exists()
        return
    starter = page.ask("check", exercise.id, exercise.starter.read_text(encoding="utf-8"))
    states = {check["state"] for check in starter["checks"]}
    assert not starter["solved"]
    assert exercise.is_debugging or states == {"not written"}

    reference = exercise.reference.read_text(encoding="utf-8")
    assert page.ask("check", exercise.id, reference)["solved"]

    every_third = exercise.mistakes[:: -(-len(exercise.mistakes) // 3)]
    for mistake in every_third:
        theirs = on_the_command_line(exercise, mistake.edit(reference), tmp_path)
        ours = page.ask("check", exercise.id, mistake.edit(reference))
        assert ours["mistakes"] == theirs.mistakes == [mistake.name]
        for mine, there in zip(ours["checks"], theirs.verdicts.values(), strict=True):
            told = theirs.tell(there.check)
            assert (mine["text"] is None) == (told is None)
            if mine["state"] == there.state:  # some LAPACKs raise where others return NaN
                assert sentences(mine["text"]) == sentences(told)


def sentences(text):
    """What is said, without what differs from machine to machine: roundings, Python's own words.

    Where precision is checked, roundings also decide how many places differ.
    """
    varies = [r"(worst at \[[\d, ]*\]: )?torch \S+, yours \S+", r"yours 'raises .*'"]
    if text and text.startswith("precision:"):
        varies.append(r"\d+ of (?=\d+ places)")
    return text and re.sub("|".join(varies), "...", text)


@pytest.mark.parametrize("file", HOSTILE, ids=lambda file: file.stem)
def test_a_hostile_attempt_fails_with_a_sentence_and_changes_nothing(page, root, file):
    if file.stem in ENDS_THE_WORKER:
        return
    text = file.read_text(encoding="utf-8")
    expected = IN_A_PAGE.get(file.stem, ast.get_docstring(ast.parse(text)))
    reply = page.ask("check", "bn2d", text)
    told = [check["text"] for check in reply["checks"] if check["text"]]
    assert not reply["solved"]
    assert expected in "\n".join([*told, reply["score"]])
    assert page.ask("check", "bn2d", (root / REFERENCE).read_text(encoding="utf-8"))["solved"]


def test_what_an_attempt_patches_is_put_back(page, root):
    """In one process for all attempts: NumPy, its error state, builtins, the working folder."""
    reference = (root / REFERENCE).read_text(encoding="utf-8")
    patches = """
import builtins, os, sys, numpy as np
np.sqrt = np.array_equal = np.abs = lambda *a, **k: 7
np.seterr(all="raise")
builtins.len = lambda thing: 7
os.chdir("/")
sys.stdin = None
"""
    assert not page.ask("check", "bn2d", patches + reference)["solved"]
    assert page.ask("check", "bn2d", reference)["solved"]
    probe = (
        "import os, numpy as np\nprint(np.sqrt(4.0), len('ab'), os.getcwd(), np.geterr()['divide'])"
    )
    assert page.ask("run", "bn2d", probe)["printed"] == "2.0 2 /tmp warn\n"


def test_a_run_shows_what_is_printed_and_what_is_raised(page):
    reply = page.ask("run", "bn2d", "print('m', 8)\nif __name__ == '__main__':\n    1 / 0")
    assert reply["printed"] == "m 8\n"
    assert reply["raised"] == ["line 3: 1 / 0", "ZeroDivisionError: division by zero"]
    reply = page.ask("run", "bn2d", "open('/bank/solutions/bn2d/reference.py')")
    assert "which is not for it to read. It was stopped there." in reply["raised"][0]


def test_hints_and_the_reference_are_noted_in_the_progress_file(page, root):
    known = '{"bn2d": {"note": "mine"}, "of_tomorrow": {"stars": 5}}'
    first = page.ask("hint", "bn2d", progress=known)
    second = page.ask("hint", "bn2d", progress=first["progress"])
    assert first["hints"][0].startswith("Hint 1 of 3")
    assert second["hints"][0].startswith("Hint 2 of 3")
    shown = page.ask("show", "bn2d", progress=second["progress"])
    assert shown["reference"] == (root / REFERENCE).read_text(encoding="utf-8")
    kept = json.loads(shown["progress"])
    assert kept.pop("of_tomorrow") == {"stars": 5}
    assert kept["bn2d"].pop("seen")
    assert kept == {"bn2d": {"note": "mine", "hints": {"": 2}}}


def bnbank(bank, *arguments):
    return run(bank, *arguments, module="bnbank")


def test_progress_travels_as_one_file(bank, page):
    """Out of the page into a bank, further there, and back: nothing is lost or counted twice."""
    reference = (bank / REFERENCE).read_text(encoding="utf-8")
    in_page = page.ask("check", "bn2d", reference)["progress"]
    (bank / "out.json").write_text(in_page, encoding="utf-8")
    Progress(bank).graded("fuse_conv_bn", solved=True)
    for newly in (1, 0):
        status, text = bnbank(bank, "progress", "import", "out.json")
        assert status == 0
        assert text.strip() == f"Taken in, with {newly} newly solved; 2 are solved in all."
    assert Progress(bank).of("bn2d")["attempts"] == 1

    status, text = bnbank(bank, "progress", "export", "back.json")
    assert status == 0
    assert "back.json: 2 solved." in text
    back = (bank / "back.json").read_text(encoding="utf-8")
    assert back == (bank / "progress.json").read_text(encoding="utf-8")
    reply = page.ask("merge", text=back, progress=in_page)
    assert reply["said"] == "Taken in, with 1 newly solved; 2 are solved in all."
    assert json.loads(reply["progress"]) == json.loads(back)


def test_of_two_progress_files_the_first_day_and_the_further_hint_count(bank):
    progress = Progress(bank)
    own = {"attempts": 3, "solved": "2026-03-01", "hints": {"a": 2, "b": 1}, "mistakes": ["a"]}
    progress.entries = {"bn2d": own | {"note": "mine"}}
    other = {"attempts": 5, "solved": "2026-02-01", "seen": "2026-02-02", "hints": {"b": 2}}
    progress.merge(json.dumps({"bn2d": other | {"note": "theirs", "stars": 5}}))
    assert Progress(bank).entries["bn2d"] == {
        "attempts": 5,
        "solved": "2026-02-01",
        "seen": "2026-02-02",
        "hints": {"a": 2, "b": 2},
        "mistakes": [],
        "note": "mine",
        "stars": 5,
    }


@pytest.mark.parametrize(
    "text",
    ["{spoiled", "[]", '{"bn2d": 3}', '{"bn2d": {"solved": 3}}', '{"a": {"hints": {"b": ""}}}'],
)
def test_what_is_no_progress_file_is_refused(bank, page, text):
    (bank / "other.json").write_text(text)
    status, said = bnbank(bank, "progress", "import", "other.json")
    assert status == 2
    assert "This is no progress file" in said
    assert not (bank / "progress.json").exists()
    assert page.ask("merge", text=text)["trouble"] in said
    assert bnbank(bank, "progress", "import", "missing.json")[0] == 2


def test_only_numpys_own_wheel_is_taken(tmp_path, monkeypatch):
    entry = {"file_name": "numpy.whl", "sha256": hashlib.sha256(b"numpy").hexdigest()}

    def unreachable(file, version):
        raise OSError("unreachable")

    monkeypatch.setattr(practice_page, "from_release", lambda file, version: b"another")
    monkeypatch.setattr(practice_page, "from_carrier", unreachable)
    with pytest.raises(practice_page.Unavailable, match=r"(?s)another sha256.*unreachable"):
        practice_page.wheel(tmp_path, "1", entry)
    monkeypatch.setattr(practice_page, "from_carrier", lambda file, version: b"numpy")
    file = practice_page.wheel(tmp_path, "1", entry)
    assert file.read_bytes() == b"numpy"
    monkeypatch.setattr(practice_page, "from_carrier", unreachable)
    assert practice_page.wheel(tmp_path, "1", entry) == file
