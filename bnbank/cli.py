"""The command line: `bnbank practice, list, hint, show, reset, review` and so on; see `--help`.

What was done, one line a thing, then the next command. An error names what is the matter and what
to do, goes to stderr and exits with 2.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

from bnbank import exercise as exercises
from bnbank.progress import Progress


class Trouble(Exception):
    """What is the matter and what to do about it."""


def main(arguments=None):
    """Run one command. Returns the exit status."""
    options = parser().parse_args(arguments)
    try:
        options.root = exercises.find_root(options.bank or Path.cwd())
        if options.root is None:
            raise Trouble(
                f"No bank at {options.bank or Path.cwd()}; go into its folder, or --bank DIR"
            )
        return options.command(options) or 0
    except (Trouble, exercises.UnknownExercise) as trouble:
        print(f"bnbank: {trouble}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def parser():
    """The commands and their options."""
    top = argparse.ArgumentParser(
        prog="bnbank",
        description="A question bank on batch normalization in which every answer runs.",
    )
    top.add_argument("--bank", type=Path, metavar="DIR", help="where the bank is (here)")
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    def command(function, *ids, **extra):
        sub = commands.add_parser(
            function.__name__.removesuffix("_"), help=function.__doc__.splitlines()[0]
        )
        sub.set_defaults(command=function)
        for name, settings in ids:
            sub.add_argument(name, **settings)
        for name, settings in extra.items():
            sub.add_argument("--" + name.replace("_", "-"), **settings)

    one = ("id", {"help": "an exercise, such as bn2d"})
    any_number = ("ids", {"nargs": "*", "metavar": "id", "help": "exercises; all if none is named"})
    command(
        practice, ("id", {"nargs": "?", "help": "an exercise; the next unsolved one if left out"})
    )
    command(list_)
    command(hint, one)
    command(show, one)
    command(reset, one)
    command(
        review,
        (
            "only",
            {"nargs": "*", "metavar": "word", "help": "a topic, tag, level or kind; all cards"},
        ),
        new={"type": int, "metavar": "N", "help": "cards never seen before, a day (10)"},
    )
    command(
        grade,
        ("ids", {"nargs": "*", "metavar": "id|DIR|CSV", "help": "exercises, or one course"}),
        json={"action": "store_true", "help": "one JSON object a line and exercise"},
        reference={"action": "store_true", "help": "grade the reference, not the attempt"},
        time_limit={"type": float, "metavar": "SECONDS", "help": "for one attempt"},
        exercise={"metavar": "ID", "help": "of a course: grade this one alone, attempt.py too"},
        out={"type": Path, "metavar": "FILE", "help": "of a course: verdicts (DIR/results.jsonl)"},
        workers={"type": int, "metavar": "N", "help": "of a course: at once (one a core)"},
        dask={"metavar": "ADDRESS", "help": "of a course: the scheduler of a Dask cluster"},
    )
    command(
        progress,
        ("do", {"choices": ["export", "import"], "help": "write FILE; or take FILE in, and merge"}),
        ("file", {"type": Path, "metavar": "FILE", "help": "the file that the site's pages write"}),
    )
    command(record, any_number)
    command(new, one)
    command(check, any_number)
    command(
        site,
        out={"type": Path, "metavar": "DIR", "help": "where the pages go (build/docs)"},
        without_notebooks={"action": "store_true", "help": "do not run the notebooks"},
        without_assets={"action": "store_true", "help": "no fonts, KaTeX, practice: needs no npm"},
    )
    command(
        notebooks,
        run={"action": "store_true", "help": "run those that have changed since, two at a time"},
        ipynb={"type": Path, "metavar": "DIR", "help": "write each as .ipynb, for Colab too"},
    )
    command(
        export,
        ("to", {"choices": ["gradescope", "anki"], "help": "an autograder's zip, or a deck"}),
        ("ids", {"nargs": "*", "metavar": "id", "help": "gradescope: one assignment's exercises"}),
        out={"type": Path, "metavar": "FILE", "help": "gradescope-<id>.zip, or bnbank.apkg"},
    )
    return top


def practice(options):
    """write, save, be told: the loop, one exercise after another"""
    from bnbank.practice import practise

    if options.id:
        return practise(exercises.get(options.root, options.id))
    if exercise := Progress(options.root).following():
        return practise(exercise)
    print("Everything is solved. bnbank list shows it all.")


def list_(options):
    """all exercises, in an order that builds up, and where you are"""
    progress = Progress(options.root)
    path = exercises.path(options.root)
    width = max(len(exercise.id) for exercise in path)
    for exercise in path:
        known = progress.entries.get(exercise.id, {})
        state = "solved" if "solved" in known else "started" if exercise.attempt.exists() else ""
        seen = ", reference seen" if "seen" in known else ""
        needs = "" if exercise.needs == "numpy" else f" [{exercise.needs}]"
        print(
            f"{state or '-':8} {exercise.id:{width}}  {exercise.level:8} {exercise.minutes:3} min  "
            f"{exercise.title}{needs}{seen}"
        )
    solved = sum(progress.is_solved(exercise.id) for exercise in path)
    print(f"\n{solved} of {len(path)} solved.", end="")
    following = progress.following()
    print(f"    Next: bnbank practice {following.id}" if following else "")


def hint(options):
    """the next hint: on the mistake last found, or on how to begin"""
    from bnbank.hints import next_hints

    exercise = exercises.get(options.root, options.id)
    print(*next_hints(exercise, Progress(options.root)), sep="\n")


def show(options):
    """the reference, printed; marks the exercise as seen"""
    exercise = exercises.get(options.root, options.id)
    Progress(options.root).seen(exercise.id)
    print(exercise.reference.read_text(encoding="utf-8"))
    print(
        f"# {exercise.id} is marked as seen. Close this and write it: bnbank practice {exercise.id}"
    )


def reset(options):
    """start an exercise over; your attempt is kept beside it"""
    exercise = exercises.get(options.root, options.id)
    if not exercise.attempt.exists():
        raise Trouble(f"{exercise.id} is not started; bnbank practice {exercise.id} starts it")
    number = 1
    while (backup := exercise.folder / f"attempt.{number}.py").exists():
        number += 1
    shutil.move(exercise.attempt, backup)
    exercise.make_attempt()
    print(f"Kept {backup.relative_to(options.root)}; {exercise.id} starts over.")
    print(f"Next: bnbank practice {exercise.id}")


def review(options):
    """cards in the terminal: answer, look, judge yourself; FSRS brings them back in time"""
    from bnbank import review as reviewing

    try:
        settings = {} if options.new is None else {"new_a_day": options.new}
        reviews = reviewing.Reviews(options.root, options.only, **settings)
    except reviewing.NoSuchCards as error:
        raise Trouble(f"{error}; topics are the folders of questions/") from None
    if sys.stdin.isatty() and sys.stdout.isatty():
        from bnbank.reviewer import ReviewApp

        ReviewApp(reviews).run()
    else:
        print(*reviewing.summary(reviews), sep="\n")


def grade(options):
    """grade attempts once, without pytest; or a course, a folder with one folder a student"""
    from bnbank.grade import grade as grade_one

    known = exercises.ids(options.root)
    if courses := [id for id in options.ids if id not in known and Path(id).exists()]:
        return _grade_course(courses, options)
    chosen = [exercises.get(options.root, id) for id in options.ids]
    started = [e for e in exercises.path(options.root) if options.reference or e.attempt.exists()]
    failed = False
    for exercise in chosen or started:
        file = exercise.reference if options.reference else exercise.attempt
        if not file.exists():
            raise Trouble(f"{exercise.id} is not started; pytest solutions/{exercise.id} starts it")
        graded = grade_one(exercise, file, options.time_limit)
        failed |= not graded.solved
        print(json.dumps(graded.as_json(), ensure_ascii=False) if options.json else graded.text())
    if not (chosen or started):
        raise Trouble("Nothing is started. bnbank practice bn2d starts an exercise")
    return int(failed)


def _grade_course(courses, options):
    from bnbank import course

    if len(options.ids) > 1:
        raise Trouble(f"{courses[0]} is a course; grade one at a time, and no exercises beside it")
    if options.reference or (options.workers is not None and options.workers < 1):
        raise Trouble("A course is graded without --reference, by --workers 1 or more")
    try:
        return course.grade(
            options.root,
            courses[0],
            out=options.out,
            only=options.exercise,
            workers=options.workers,
            dask=options.dask,
            seconds=options.time_limit,
            as_json=options.json,
        )
    except (OSError, ValueError) as error:
        raise Trouble(str(error)) from None


def progress(options):
    """carry what you solved between this folder and the site's pages"""
    known = Progress(options.root)
    try:
        if options.do == "import":
            print(known.merge(options.file.read_text(encoding="utf-8")))
        else:
            options.file.write_text(known.text(), encoding="utf-8")
            print(f"{options.file}: {known.solved} solved. Import it on the site's exercises page.")
    except (OSError, ValueError) as error:
        raise Trouble(error) from None


def record(options):
    """write torch's answers to tests/answers; needs torch"""
    from bnbank.check import record as ask
    from bnbank.judge import save_answers

    for exercise in _chosen(options):
        if exercise.graded_as is exercise:
            save_answers(exercise.answers_file, ask(exercise))
            print(
                f"{exercise.answers_file.relative_to(options.root)}: {len(exercise.checks)} checks"
            )


def new(options):
    """the files of a further exercise, full of TODO"""
    from bnbank.scaffold import make

    try:
        for file in make(options.root, options.id):
            print(file.relative_to(options.root).as_posix())
    except (FileExistsError, ValueError) as error:
        raise Trouble(str(error)) from None
    print(f"Write them, then: bnbank record {options.id}, bnbank check {options.id}")


def check(options):
    """is every exercise and card what it promises?"""
    from bnbank import cards
    from bnbank.check import problems
    from bnbank.scaffold import left_to_do

    chosen = _chosen(options)
    found = []
    for exercise in chosen:
        found += problems(exercise)
    if not options.ids:
        found += cards.problems(options.root)
    for line in left_to_do(options.root):
        if not options.ids or any(f"/{exercise.id}" in line for exercise in chosen):
            found.append(line)
    print(*found, f"{len(chosen)} exercises, {len(found)} problems", sep="\n")
    return int(bool(found))


def export(options):
    """for other programs: exercises as a Gradescope autograder, cards as an Anki deck"""
    if bool(options.ids) == (options.to == "anki"):
        raise Trouble("Name exercises for gradescope, none for anki, which takes all cards")
    try:
        if options.to == "anki":
            _export_anki(options)
        else:
            from bnbank import gradescope

            print(gradescope.export(options.root, options.ids, options.out))
            print("Upload it as the autograder; COURSE.md says how.")
    except OSError as error:
        raise Trouble(str(error)) from None


def _export_anki(options):
    try:
        from bnbank import anki
    except ImportError as error:
        raise Trouble(f"{error.name} is not installed; pip install -e .[anki]") from None
    file = options.out or Path("bnbank.apkg")
    print(f"{file}: {anki.export(options.root, file)} cards")
    print("Import it in Anki: File, Import. A later deck updates these cards in place.")


def site(options):
    """the site's pages, made from cards, exercises and notebooks"""
    from bnbank import site as pages

    out = options.out or options.root / "build" / "docs"
    try:
        number = pages.build(
            options.root, out, not options.without_notebooks, not options.without_assets
        )
    except (pages.assets.NoPackages, FileExistsError) as trouble:
        raise Trouble(trouble) from None
    print(f"{number} pages in {out}")
    print("Next: mkdocs build, or mkdocs serve to read them    (make site and make serve do both)")


def notebooks(options):
    """the claims that the notebooks test, and what came out"""
    from bnbank import notebooks as books

    def tell(notebook, outcome):
        answer = books.ANSWERS[outcome.verdict["reproduces"]] if outcome else "not run"
        took = f"{outcome.verdict['seconds']:4.0f} s" if outcome else " " * 6
        print(f"{notebook.stem:{width}}  {answer:22} {took}  {notebook.title}", flush=True)

    found = books.find(options.root)
    width = max(len(notebook.stem) for notebook in found)
    try:
        if options.run:
            books.run_all(options.root, tell)
        elif not options.ipynb:
            for notebook in found:
                tell(notebook, books.known(notebook))
            print("\nNext: bnbank notebooks --run, or jupyter lab notebooks")
        if options.ipynb:
            for notebook in found:
                print(books.ipynb(notebook, options.ipynb))
            if "BNBANK_REPOSITORY" not in os.environ:
                print("They open in a clone; for Colab, set BNBANK_REPOSITORY to its address.")
    except books.Failed as trouble:
        raise Trouble(trouble) from None
    except ModuleNotFoundError as error:
        needs = "pip install -e '.[torch,notebooks]'"
        raise Trouble(f"notebooks need {error.name}, which is not installed: {needs}") from None


def _chosen(options):
    return [exercises.get(options.root, id) for id in options.ids or exercises.ids(options.root)]


if __name__ == "__main__":
    sys.exit(main())
