"""The autograder that Gradescope runs: a zip with this bank's part of it, and what it does there.

Gradescope unpacks the zip to /autograder/source and runs setup.sh once; for every submission it
runs run_autograder, which reads /autograder/submission and writes /autograder/results/results.json.
"""

import json
import sys
import time
import zipfile
from pathlib import Path
from textwrap import dedent

from bnbank import exercise as exercises
from bnbank import report
from bnbank.course import find
from bnbank.grade import grade
from bnbank.judge import judge

BEGAN = (1980, 1, 1, 0, 0, 0)  # of every file in the zip: the same bank makes the same bytes
NOT_REACHED = "Not reached; the first failure says why."

SETUP = """\
#!/usr/bin/env bash
# Run once, as root, when the autograder is built: Python 3.11 or newer, and the packages.
set -euo pipefail
root="${AUTOGRADER:-/autograder}"

python=""
for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python="$candidate"
        break
    fi
done
if [ -z "$python" ]; then
    apt-get update
    apt-get install -y python3.11
    python=python3.11
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    apt-get update
    version="$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
    apt-get install -y "python$version-venv"
fi
"$python" -m venv "$root/venv"
"$root/venv/bin/python" -m pip install --quiet --disable-pip-version-check PACKAGES
"""

RUN = """\
#!/usr/bin/env bash
# Run for every submission: writes results/results.json.
# AUTOGRADER and BNBANK_PYTHON are for trying it elsewhere.
set -euo pipefail
root="${AUTOGRADER:-/autograder}"
cd "$root/source"
exec "${BNBANK_PYTHON:-$root/venv/bin/python}" -m bnbank.gradescope "$root" IDS
"""


def export(root, ids, out=None):
    """Write the zip for an assignment of one or more exercises. Returns its path.

    root  of the bank.
    ids   of the exercises; every check of each is worth one point.
    out   the file; gradescope-<id>.zip in the working folder by default.
    """
    chosen = [exercises.get(root, id) for id in dict.fromkeys(ids)]
    packages = " ".join(dict.fromkeys(p for exercise in chosen for p in _packages(exercise)))
    names = " ".join(exercise.id for exercise in chosen)
    out = Path(out or f"gradescope-{'-'.join(exercise.id for exercise in chosen)}.zip")
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "setup.sh", SETUP.replace("PACKAGES", packages).encode(), 0o755)
        _add(archive, "run_autograder", RUN.replace("IDS", names).encode(), 0o755)
        for file in sorted({file for exercise in chosen for file in _files(exercise)}):
            _add(archive, file.relative_to(root).as_posix(), file.read_bytes())
    return out


def _packages(exercise):
    yield "numpy"
    if exercise.needs != "numpy":
        yield "torch"


def _files(exercise):
    """What grading one exercise reads: the machinery, the exercise, its checks, answers, cards."""
    root = exercise.root
    yield from (root / "bnbank").glob("*.py")
    yield from (root / name for name in ("conftest.py", "pyproject.toml"))
    for one in (exercise, exercise.graded_as):
        yield from (one.folder / name for name in ("starter.py", "reference.py", "mistakes.toml"))
        yield one.grader_file
    yield exercise.answers_file
    for stem in {exercise.card, *(mistake.card for mistake in exercise.mistakes)}:
        if (card := root / exercises.card_file(root, stem)).is_file():
            yield card


def _add(archive, name, content, mode=0o644):
    entry = zipfile.ZipInfo(name, BEGAN)
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, (0o100000 | mode) << 16
    archive.writestr(entry, content)


def main(place, *ids):
    """Grade what lies in `place`/submission and write `place`/results/results.json."""
    place, start = Path(place), time.monotonic()
    root = exercises.find_root(Path(__file__).parent)
    submission = place / "submission"
    files = {}
    for id, file in find(submission, ids, only=ids[0] if len(ids) == 1 else None):
        if file.resolve().is_relative_to(submission.resolve()):  # a link may lead to the reference
            files.setdefault(id, file)
    results = grade_all({exercises.get(root, id): files.get(id) for id in ids})
    results["execution_time"] = round(time.monotonic() - start, 2)
    file = place / "results" / "results.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def grade_all(files):
    """The results of a submission in Gradescope's format: a row a check, each worth one point.

    files  {exercise: the file that was handed in, or None}.
    """
    rows, said, mistakes = [], [], {}
    for exercise, file in files.items():
        of = f"{exercise.id}: " if len(files) > 1 else ""
        if file is None:
            said.append(f"{exercise.id}: nothing to grade. Hand in {exercise.id}.py.")
            rows += [_row(of, verdict, "Not handed in.") for verdict in judge(exercise, {})]
            continue
        graded = grade(exercise, file)
        rows += [_row(of, v, graded.tell(name)) for name, v in graded.verdicts.items()]
        said.append(graded.text() if graded.solved else report.score(exercise, graded.passed))
        mistakes[exercise.id] = graded.mistakes
    return {
        "output": "\n\n".join(said),
        "output_format": "text",
        "stdout_visibility": "hidden",
        "tests": rows,
        "extra_data": {"mistakes": mistakes},
    }


def _row(of, verdict, told):
    """One check; `told` is what Graded.tell says of it."""
    passed = verdict.state == "agrees"
    row = {
        "name": of + verdict.title,
        "score": int(passed),
        "max_score": 1,
        "status": "passed" if passed else "failed",
    }
    if not passed:
        output = dedent((told or NOT_REACHED).removeprefix(f"{verdict.title}\n"))
        row |= {"output": output, "output_format": "text"}
    return row


if __name__ == "__main__":
    main(*sys.argv[1:])
