"""The pages of the cards, and the pages of questions/ that are no cards."""

import re

from bnbank.site import bank as banks
from bnbank.site.markdown import Links, asked, facts, fold, front, heading, hide_answers

FOLDED = ("Short answer", "Full answer", "Prove it", "Common mistakes", "Sources")


def pages(bank):
    """{path: text} of every card and of every other page of questions/; figures as files."""
    made = {name: card_page(bank, name) for name in bank.cards}
    made |= {name: plain_page(bank, name) for name in bank.pages}
    figures = (bank.root / "questions" / "figures").glob("*.svg")
    return made | {file.relative_to(bank.root).as_posix(): file for file in figures}


def card_page(bank, name):
    """A question; its answers folded; then its exercise, its neighbours, where to mend it."""
    card, links = bank.cards[name], Links(bank, name)
    parts = [
        front(card.title, card.description, tags=card.tags),
        f"# {card.title}\n",
        facts(
            f"[{banks.topic_title(banks.topic(name))}](index.md)",
            f"[{card.level}](../levels.md#{card.level})",
            f"[{card.kind}](../kinds.md#{card.kind})",
            asked(card.asked),
            *(f"[{tag}](../tags.md#{slug(tag)})" for tag in card.tags),
        ),
        links(lead(card)),
        '<p class="bn-folding" data-tools></p>\n',
    ]
    for section in card.sections:
        if section.name == "Follow-ups":
            parts.append(heading(section.name) + "\n")
            parts += [_follow_up(*pair) for pair in follow_ups(links(section.text))]
        else:
            parts.append(fold(heading(section.name), links(section.text)))
    parts += [_exercise(bank, name), along(bank, name), edit(bank, name)]
    return "\n".join(parts)


def plain_page(bank, name):
    """A page that is no card, with links that hold on the site. An index gets its lists."""
    from bnbank.site import lists

    page, links = bank.pages[name], Links(bank, name)
    text = page.path.read_text(encoding="utf-8").split("\n---\n", 1)[1]
    return "\n".join(
        [
            front(page.title, page.description),
            hide_answers(links(text)).strip("\n"),
            "",
            lists.below(bank, name),
            along(bank, name),
            edit(bank, name),
        ]
    )


def lead(card):
    """What stands between the heading of a card and its first section."""
    lines = card.path.read_text(encoding="utf-8").splitlines()
    return "\n".join(lines[card.heading[0] : card.sections[0].line - 1]).strip("\n") + "\n"


def follow_ups(text):
    """[(question, answer)] of a section whose questions are bold at the beginning of a line."""
    found = re.split(r"^\*\*(.+?)\*\*", text, flags=re.M | re.S)
    before = [("", found[0])] if found[0].strip() else []
    return before + [
        (" ".join(q.split()), a) for q, a in zip(found[1::2], found[2::2], strict=True)
    ]


def _follow_up(question, answer):
    return fold(f"### {question}", answer, "bn-fold bn-follow") if question else answer


def slug(text):
    """The id that Python-Markdown gives to a heading of this text."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", text).strip().lower())


def _exercise(bank, name):
    card = bank.cards[name]
    exercise = next(e for e in bank.exercises if e.id == card.exercise)
    lines = [
        '<div class="bn-next" data-search-exclude="" markdown="block">',
        "",
        f"**Now write it.** [{exercise.title}](../../exercises/{exercise.id}.md)",
        f"<small>{exercise.level} · {exercise.minutes} min</small>"
        f'<span data-progress="{exercise.id}"></span>',
        "",
    ]
    if card.notebook:
        lines += [
            f"**See it measured.** [Notebook {card.notebook}](../../notebooks/{card.notebook}.md)",
            "",
        ]
    return "\n".join([*lines, "</div>", ""])


def along(bank, name):
    """The page before and the one after, on each path that it is on, or else in its topic."""
    rows = [_row(bank, name, p.title, p.name, p.steps) for p in bank.paths if name in p.steps]
    if not rows and name in bank.cards and len(bank.topics[banks.topic(name)]) > 1:
        folder = banks.topic(name)
        index = f"questions/{folder}/index.md"
        rows = [_row(bank, name, banks.topic_title(folder), index, bank.topics[folder])]
    if not rows:
        return ""
    return "\n".join(
        [
            '<nav class="bn-along" aria-label="Along" data-search-exclude="" markdown="block">',
            "",
            *rows,
            "</nav>",
            "",
        ]
    )


def _row(bank, name, title, page, steps):
    place = steps.index(name)
    known = {**bank.cards, **bank.pages}

    def link(step, rel):
        return f'[{known[step].title}]({banks.relative(step, name)}){{ rel="{rel}" }}'

    parts = [f"<small>[{title}]({banks.relative(page, name)}), {place + 1} of {len(steps)}</small>"]
    if place:
        parts.append(link(steps[place - 1], "prev"))
    if place + 1 < len(steps):
        parts.append(link(steps[place + 1], "next"))
    return "\n".join(parts) + "\n{ .bn-row }\n"


def edit(bank, file):
    """A link to edit the source of a page, nothing if the repository is not known."""
    where = bank.edit(file)
    return f'[Edit this page]({where})\n{{ .bn-edit data-search-exclude="" }}\n' if where else ""
