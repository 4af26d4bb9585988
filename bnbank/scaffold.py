"""`bnbank new`: the files of a further exercise, full of TODO until somebody writes it."""

STARTER = '''"""TODO {id}: one line that says what to write.

TODO {id}: the layout of x, and what holds of every function here.
"""


def {id}(x, eps=1e-5):
    """TODO {id}: the formula.

    x    TODO {id}: shape.
    eps  TODO {id}: meaning.

    Returns TODO {id}.
    Raises TODO {id}.

    Source: TODO {id}.
    """
    raise NotImplementedError
'''

REFERENCE = '''"""TODO {id}: why it works, in two to six lines, for whoever has solved it."""


def {id}(x, eps=1e-5):
    raise NotImplementedError  # TODO {id}: the worked answer, by hand, one decision a line
'''

MISTAKES = """# Edits of reference.py that go wrong, each with what to say to whoever made it.
# `right` stands in the reference exactly once. The first hint names the deed and asks; the next one
points.

hints = ["TODO {id}: what to look at first"]

[todo_name_the_deed]
right = "TODO {id}"
wrong = "TODO {id}"
hint = ["TODO {id}: name the deed in one sentence, then ask", "TODO {id}: point"]
card = "what-bn-solves"
"""

GRADER = '''"""What is asked of {id}; torch's way of answering is TODO {id}."""

from types import SimpleNamespace

from bnbank.arrays import normal

LEVEL = "junior"  # TODO {id}: junior, mid, senior or research
MINUTES = 15  # TODO {id}: for someone who knows the theory
AFTER = []  # TODO {id}: ids of the exercises that it builds on
CARD = "what-bn-solves"  # TODO {id}: the card to read when nothing more exact can be said


def todo_one_claim(impl):
    """TODO {id}: the claim, as the learner sees it"""
    return {{"y": impl.{id}(normal(4, 3, 5, 6, mean=2, std=3))}}


def in_any_shape(impl, draw):
    """TODO {id}: what is drawn"""
    return {{"y": impl.{id}(normal(draw.integer(2, 5), draw.integer(1, 4)))}}


def oracle():
    """torch behind the contract of {id}."""
    raise NotImplementedError  # TODO {id}: return SimpleNamespace({id}=...)
    return SimpleNamespace()
'''


def make(root, id):
    """Write the files of exercise `id`. Returns their paths; raises FileExistsError, ValueError."""
    if not id.isidentifier() or id != id.lower():
        raise ValueError(f"{id!r} is no name for an exercise: lower case letters, digits and _")
    folder = root / "solutions" / id
    files = {
        folder / "starter.py": STARTER,
        folder / "reference.py": REFERENCE,
        folder / "mistakes.toml": MISTAKES,
        root / "tests" / "graders" / f"{id}.py": GRADER,
    }
    for file in files:
        if file.exists():
            raise FileExistsError(f"{file.relative_to(root)} exists already")
    folder.mkdir(exist_ok=True)
    for file, text in files.items():
        file.write_text(text.format(id=id), encoding="utf-8")
    return list(files)


def left_to_do(root):
    """Every TODO in the files of the exercises, as `path:line: text`."""
    for file in sorted([*root.glob("solutions/*/*.*"), *root.glob("tests/graders/*.py")]):
        if file.name.startswith("attempt"):
            continue
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if "TODO" in line:
                yield f"{file.relative_to(root).as_posix()}:{number}: {line.strip()}"
