"""The command line as a learner, a teacher and an author use it."""

import asyncio
import json

import pytest
from test_learner_view import BIASED, run, write

from bnbank import exercise as exercises
from bnbank.progress import Progress


def bnbank(bank, *arguments, **where):
    return run(bank, *arguments, module="bnbank", **where)


def test_practice_without_a_terminal_grades_once(bank):
    status, text = bnbank(bank, "practice", "bn2d")
    assert status == 0
    assert "bn2d: not written yet" in text
    assert "Made from the starter: solutions/bn2d/attempt.py" in text
    assert "pytest solutions/bn2d" in text


def test_list_shows_where_you_are(bank):
    write(bank, "bn2d")
    run(bank, "-q", "solutions/bn2d")
    bnbank(bank, "practice", "bn_backward")
    status, text = bnbank(bank, "list", inside="solutions")
    states = {line.split()[1]: line.split()[0] for line in text.splitlines()[:3]}
    assert status == 0
    assert states == {"bn2d": "solved", "fuse_conv_bn": "-", "bn_backward": "started"}
    assert "1 of 3 solved.    Next: bnbank practice" in text


def test_hints_are_counted_and_chosen_by_the_mistake(bank):
    _, general = bnbank(bank, "hint", "bn2d")
    assert general.startswith("Hint 1 of 3")
    write(bank, "bn2d", BIASED)
    run(bank, "-q", "solutions/bn2d")  # shows hint 1
    _, second = bnbank(bank, "hint", "bn2d")
    assert second.startswith("Hint 2 of 2: Evaluation wants the variance of the data")
    assert "questions/statistics/two-variances.md" in second
    assert bnbank(bank, "hint", "bn2d")[1] == second


def test_show_marks_the_exercise_as_seen(bank):
    status, text = bnbank(bank, "show", "bn2d")
    assert status == 0
    assert "class BatchNorm2D" in text
    assert "marked as seen" in text
    assert "reference seen" in bnbank(bank, "list")[1]


def test_reset_keeps_a_backup(bank):
    for number in (1, 2):
        (bank / "solutions/bn2d/attempt.py").write_text(f"mine = {number}\n")
        status, text = bnbank(bank, "reset", "bn2d")
        assert status == 0
        assert f"attempt.{number}.py" in text
    assert (bank / "solutions/bn2d/attempt.1.py").read_text() == "mine = 1\n"
    starter = (bank / "solutions/bn2d/starter.py").read_text(encoding="utf-8")
    assert (bank / "solutions/bn2d/attempt.py").read_text(encoding="utf-8") == starter
    (bank / "solutions/bn2d/attempt.py").unlink()
    assert bnbank(bank, "reset", "bn2d")[0] == 2


def test_grade_as_json(bank):
    write(bank, "bn2d", BIASED)
    write(bank, "fuse_conv_bn")
    status, text = bnbank(bank, "grade", "--json")
    verdicts = {line["exercise"]: line for line in map(json.loads, text.splitlines())}
    assert status == 1
    assert verdicts["fuse_conv_bn"]["solved"] is True
    assert verdicts["bn2d"]["mistakes"] == ["stores_the_biased_variance"]
    assert [c["state"] for c in verdicts["bn2d"]["checks"]].count("differs") == 4


@pytest.mark.parametrize(
    "command", ["practice", "hint", "show", "reset", "grade", "record", "check"]
)
def test_an_unknown_id_says_what_to_do(bank, command):
    status, text = bnbank(bank, command, "bn2")
    assert status == 2
    assert "Nearest: bn2d" in text
    assert "bnbank list" in text


def test_what_is_not_installed_is_named(root, monkeypatch):
    monkeypatch.setattr(exercises.importlib.util, "find_spec", lambda name: None)
    missing = {id: exercises.get(root, id).missing for id in ("bn2d", "freeze_bn", "triton_bn")}
    assert missing == {"bn2d": (), "freeze_bn": ("torch",), "triton_bn": ("torch", "triton")}


def test_outside_of_a_bank(bank, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    status, text = bnbank(bank, "list", inside="../elsewhere")
    assert status == 2
    assert "--bank DIR" in text
    assert bnbank(bank, "--bank", str(bank), "list", inside="../elsewhere")[0] == 0


def test_a_new_exercise_is_red_until_every_todo_is_replaced(bank):
    status, text = bnbank(bank, "new", "my_norm")
    assert status == 0
    assert text.count("my_norm") >= 4
    status, text = bnbank(bank, "check", "my_norm")
    assert status == 1
    for file in ("starter.py", "reference.py", "mistakes.toml"):
        assert f"solutions/my_norm/{file}:" in text
    assert "tests/graders/my_norm.py:" in text
    assert bnbank(bank, "new", "my_norm")[0] == 2
    assert bnbank(bank, "new", "My Norm")[0] == 2


def test_no_todo_is_left(root):
    from bnbank.scaffold import left_to_do

    assert list(left_to_do(root)) == []


def test_check_finds_a_stale_answer_and_record_mends_it(bank):
    pytest.importorskip("torch")
    grader = bank / "tests/graders/bn2d.py"
    grader.write_text(grader.read_text(encoding="utf-8").replace("mean=2, std=3", "mean=2, std=5"))
    status, text = bnbank(bank, "check", "bn2d")
    assert status == 1
    assert "is stale; bnbank record bn2d" in text
    assert bnbank(bank, "record", "bn2d")[0] == 0
    assert "0 problems" in bnbank(bank, "check", "bn2d")[1]


def test_progress_keeps_what_it_does_not_know(bank):
    (bank / "progress.json").write_text('{"of_tomorrow": {"stars": 5}, "bn2d": {"note": "mine"}}')
    progress = Progress(bank)
    progress.graded("bn2d", solved=True)
    kept = json.loads((bank / "progress.json").read_text())
    assert kept["of_tomorrow"] == {"stars": 5}
    assert kept["bn2d"]["note"] == "mine"
    assert kept["bn2d"]["solved"]
    Progress(bank).graded("bn2d", solved=False)
    assert Progress(bank).is_solved("bn2d")


def test_a_spoiled_progress_file_is_kept_aside(bank, capsys):
    (bank / "progress.json").write_text("{spoiled")
    assert Progress(bank).entries == {}
    assert (bank / "progress.spoiled.json").read_text() == "{spoiled"
    assert "kept as" in capsys.readouterr().out


def test_practice_in_a_terminal(bank):
    """Write a mistake, see it named, ask for a hint, mend it, go on: all by keys and saves."""
    from bnbank.practice import Session
    from bnbank.terminal import PracticeApp

    async def until(app, pilot, text):
        for _ in range(400):
            await pilot.pause(0.05)
            if any(text in str(w.render()) for w in app.query("Static")):
                return
        raise AssertionError(f"{text!r} does not appear")

    async def practise():
        app = PracticeApp(Session(exercises.get(bank, "bn2d")))
        async with app.run_test(size=(100, 40)) as pilot:
            await until(app, pilot, "not written yet")
            write(bank, "bn2d", BIASED)
            await until(app, pilot, "10 of 14 checks agree")
            await pilot.press("h")
            await until(app, pilot, "Hint 2 of 2: Evaluation wants the variance")
            await pilot.press("c")
            await until(app, pilot, "raise NotImplementedError")
            write(bank, "bn2d")
            await until(app, pilot, "Solved: all 14 checks agree")
            await pilot.press("n")
            await until(
                app, pilot, "bn2d: not written yet".replace("bn2d", app.session.exercise.id)
            )
            assert app.session.exercise.id != "bn2d"
            await pilot.press("q")

    asyncio.run(practise())
