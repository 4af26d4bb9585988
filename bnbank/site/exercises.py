"""The page of an exercise, and the list of them all."""

import ast

from bnbank import practice_page
from bnbank.report import hint
from bnbank.site import bank as banks
from bnbank.site.markdown import Links, facts, fence, fold, front, heading, unsearched
from bnbank.site.questions import edit

NEEDS = {"numpy": "NumPy", "torch": "torch", "gpu": "Triton, or a GPU"}
PIP = ".venv/bin/pip install"
ELSEWHERE = {  # why an exercise is not done in the page, and what has to be installed for it
    "torch": ("This one needs torch, which does not run in a browser.", "torch"),
    "gpu": ("This one needs torch and Triton, which do not run in a browser.", "torch,speed"),
}


def pages(bank):
    """{path: text} of every exercise and of their index."""
    made = {
        f"exercises/{exercise.id}.md": exercise_page(bank, exercise) for exercise in bank.exercises
    }
    return {**made, "exercises/index.md": index(bank)}


def exercise_page(bank, exercise):
    """The contract and a place to write; folded below, whatever would give the answer away."""
    page = f"exercises/{exercise.id}.md"
    code = exercise.starter.read_text(encoding="utf-8")
    parts = [
        front(
            f"{exercise.id}: {_short(exercise)}",
            f"{exercise.title}; graded against torch by {len(exercise.checks)} checks.",
        ),
        f"# {exercise.title}\n",
        facts(
            "[Exercises](index.md)",
            f"`{exercise.id}`",
            exercise.level,
            f"{exercise.minutes} min",
            f'{NEEDS[exercise.needs]} <span data-progress="{exercise.id}"></span>',
        ),
        _asked_for(bank, exercise, code),
        _write(exercise, code),
        _checked(exercise),
        _cards(bank, exercise, page),
        heading("When you want more") + "\n",
        _hints(exercise),
        _reference(bank, exercise, page),
        _mistakes(bank, exercise, page),
        _following(bank, exercise),
        edit(bank, f"solutions/{exercise.id}/starter.py"),
    ]
    return "\n".join(parts)


def index(bank):
    """All exercises in an order that builds up."""
    rows = [
        "| Write | Level | Time | Needs | Progress |",
        "|---|---|---|---|---|",
    ]
    rows += [
        f"| [{e.title}]({e.id}.md) <small>`{e.id}`</small> | {e.level} | {e.minutes} min "
        f'| {NEEDS[e.needs]} | <span data-progress="{e.id}"></span> |'
        for e in bank.exercises
    ]
    hours = sum(e.minutes for e in bank.exercises) / 60
    in_page = sum(map(practice_page.in_page, bank.exercises))
    return "\n".join(
        [
            front(
                "Exercises", "Write each layer of the family by hand; torch answers every check."
            ),
            "# Exercises\n",
            f"{len(bank.exercises)} things to write by hand, about {hours:.0f} hours,"
            " each after those that it builds on.",
            f"{in_page} of them can be written and graded in the page;"
            " the others need torch, on your machine.",
            "A wrong attempt is told which mistake it made.\n",
            unsearched(
                '<div class="bn-exercises" markdown="block">\n\n' + "\n".join(rows) + "\n\n</div>"
            ),
        ]
    )


def _short(exercise):
    """The title without its verb, for the page's title."""
    return exercise.title.partition(":")[0].partition(",")[0]


def _asked_for(bank, exercise, code):
    """The names that an attempt has to define, and what is better done before."""
    names = [
        f"`{node.name}`"
        for node in ast.parse(code).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
    ]
    said = f"{'Mend' if exercise.is_debugging else 'Write'} {', '.join(names)}.\n"
    titles = {e.id: e.title for e in bank.exercises}
    before = " and ".join(f"[{titles[id]}]({id}.md)" for id in exercise.after)
    return said + (f"Better done after: {before}.\n" if before else "")


def _write(exercise, code):
    if practice_page.in_page(exercise):
        local = f"In your own editor: `pytest solutions/{exercise.id}`."
        if exercise.allows:
            local += f" {' and '.join(exercise.allows)}, which may be imported, is not in the page."
        return "\n".join(
            [
                unsearched(
                    f'<div class="bn-practice" data-exercise="{exercise.id}" markdown="block">\n\n'
                    f"{fence(code)}\n\n</div>"
                ),
                f"{local}\n{{ .bn-local }}\n",
            ]
        )
    why, extra = ELSEWHERE[exercise.needs]
    commands = [
        "make practice",
        f"{PIP} -e '.[{extra}]'",
        f"pytest solutions/{exercise.id}    # or: bnbank practice {exercise.id}",
    ]
    return "\n".join(
        [
            f"{why} In a clone of the bank:\n",
            fence("\n".join(commands), "text"),
            "\nIt starts from this:\n",
            unsearched(fence(code)),
        ]
    )


def _checked(exercise):
    titles = [
        (check.__doc__ or name).strip().partition("\n")[0]
        for name, check in exercise.checks.items()
    ]
    text = "\n".join(f"1. {title}" for title in titles)
    return fold(heading(f"What is checked ({len(titles)})", id="what-is-checked"), text)


def _cards(bank, exercise, page):
    names = bank.cards_of(exercise)
    main = bank.stems.get(exercise.card)
    if main:
        names = [main, *(name for name in names if name != main)]
    rows = [f"- [{bank.cards[n].title}]({banks.relative(n, page)})" for n in names]
    shown = "\n".join(rows[:5])
    text = heading("Questions that it answers") + "\n\n" + unsearched(shown, "bn-questions")
    if rows[5:]:
        more = "\n".join(rows[5:])
        text += "\n" + fold(f"{len(rows) - 5} more", more, "bn-fold bn-questions")
    return text


def _hints(exercise):
    """The general hints, worded and counted as `bnbank hint` does."""
    counted = [hint(exercise.hints, n) for n in range(1, len(exercise.hints) + 1)]
    steps = [fold(*text.split(": ", 1), "bn-fold bn-follow", inside=True) for text in counted]
    return fold(heading(f"Hints ({len(steps)})", id="hints"), "\n".join(steps)) if steps else ""


def _reference(bank, exercise, page):
    source = exercise.reference.read_text(encoding="utf-8")
    doc = ast.get_docstring(ast.parse(source), clean=False)
    code = source.replace(f'"""{doc}"""', "", 1) if doc else source
    text = fence(code)
    if main := bank.stems.get(exercise.card):
        title = bank.cards[main].title
        text += f"\n\nThe maths: [{title}]({banks.relative(main, page)}#full-answer)"
    return fold(heading("Why it works"), exercise.why) + fold(heading("The reference"), text)


def _mistakes(bank, exercise, page):
    rows = []
    for mistake in exercise.mistakes:
        card = bank.stems.get(mistake.card)
        read = f" [Read]({banks.relative(card, page)})" if card else ""
        name = mistake.name.replace("_", " ")
        rows.append(f"**{name[0].upper()}{name[1:]}**\n:   {mistake.hints[0]}{read}\n")
    links = Links(bank, page)
    return fold(
        heading(f"Mistakes people make ({len(rows)})", id="mistakes"), links("\n".join(rows))
    )


def _following(bank, exercise):
    """What builds on this one, and what comes next in the order of all."""
    place = bank.exercises.index(exercise)
    rest = bank.exercises[place + 1 :]
    follow = [e for e in rest if exercise.id in e.after][:3] or rest[:1]
    if not follow:
        return ""
    rows = [f"- [{e.title}]({e.id}.md) <small>{e.level} · {e.minutes} min</small>" for e in follow]
    return heading("What comes next") + "\n\n" + unsearched("\n".join(rows), "bn-questions")
