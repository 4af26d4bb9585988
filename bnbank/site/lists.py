"""Pages that lead to other pages: home, topics, levels, kinds, tags, paths, claims, flash cards."""

import json
from pathlib import Path

from bnbank.site import bank as banks
from bnbank.site.bank import card_id, relative, topic_title
from bnbank.site.markdown import Links, asked, facts, fold, front, unsearched
from bnbank.site.questions import lead

WEB = Path(__file__).parents[1] / "web" / "site"
LEVELS = {
    "junior": "What anyone who uses the layer is expected to know.",
    "mid": "What anyone who trains networks with it is expected to know.",
    "senior": "What anyone who implements it, debugs it or ships it is expected to know.",
    "research": "What the papers argue about.",
}
KINDS = {
    "concept": "Say what it is and why.",
    "code": "Write it.",
    "derive": "Get there with a pencil.",
    "debug": "Find what is wrong.",
    "predict": "Say what it prints before it does.",
    "compare": "Say what differs, and when it matters.",
    "experiment": "Say what a run would show, then run it.",
}


def pages(bank):
    """{path: text} of every page that lists others."""
    made = {
        "index.md": home(bank),
        "claims.md": claims(bank),
        "flash-cards.md": flash_cards(bank),
        "questions/levels.md": grouped(bank, "Levels", LEVELS, lambda card: [card.level]),
        "questions/kinds.md": grouped(bank, "Kinds", KINDS, lambda card: [card.kind]),
        "questions/tags.md": tags(bank),
    }
    for folder in bank.topics:
        made[f"questions/{folder}/index.md"] = topic_page(bank, folder)
    for folder, title, said in (
        ("paths", "Learning paths", "Questions in an order of reading, each with what to write."),
        ("tables", "Reference tables", "What is where, by which name, with which default."),
    ):
        page = f"questions/{folder}/index.md"
        if page not in bank.pages:
            made[page] = front(title, said) + f"\n# {title}\n\n{said}\n\n{below(bank, page)}"
    return {name: text for name, text in made.items() if name not in bank.pages}


def home(bank):
    """The first page: what this is, and where to start."""
    text = (WEB / "home.md").read_text(encoding="utf-8")
    golden = bank.root / "tests" / "proofs" / "golden" / "known_mistake.txt"
    run = golden.read_text(encoding="utf-8").splitlines()[3:7]
    mistakes = sum(len(exercise.mistakes) for exercise in bank.exercises)
    given = {
        "cards": len(bank.cards),
        "exercises": len(bank.exercises),
        "mistakes": f"{mistakes:,}",
        "run": "\n".join(run),
        "paths": "\n".join(f"- [{p.title}]({p.name})" for p in bank.paths),
    }
    for name, value in given.items():
        text = text.replace("{{ " + name + " }}", str(value))
    return text


def below(bank, page):
    """The lists that belong under the text of an index page, "" for any other page."""
    if page == "questions/index.md":
        return "\n".join(_topic(bank, folder, page) for folder in bank.topics)
    if page in ("questions/paths/index.md", "questions/tables/index.md"):
        folder = page.removesuffix("index.md")
        names = [
            (name, other.title, other.description)
            for name, other in bank.pages.items()
            if name.startswith(folder) and name != page
        ]
        rows = [
            f"**[{title}]({relative(name, page)})**\n:   {said}\n" for name, title, said in names
        ]
        return "\n".join(rows)
    return ""


def topic_page(bank, folder):
    """The questions of one topic."""
    page = f"questions/{folder}/index.md"
    title, said = topic_title(folder), banks.TOPICS.get(folder, "")
    return "\n".join(
        [
            front(f"{title}: questions", said or f"Questions on {title.lower()} in batch norm."),
            f"# {title}\n",
            f"{said}\n",
            listed(bank, bank.topics[folder], page),
        ]
    )


def grouped(bank, title, groups, of):
    """The questions by a property that every one of them has."""
    page = f"questions/{title.lower()}.md"
    parts = [
        front(f"Questions by {title.lower()[:-1]}", f"All questions by {title.lower()[:-1]}."),
        f"# {title}\n",
    ]
    for name, said in groups.items():
        chosen = [n for n, card in bank.cards.items() if name in of(card)]
        if chosen:
            parts += [
                f"## {name.capitalize()} {{ #{name} }}\n",
                f"{said}\n",
                listed(bank, chosen, page),
            ]
    return "\n".join(parts)


def tags(bank):
    """The questions by tag."""
    page = "questions/tags.md"
    found = {}
    for name, card in bank.cards.items():
        for tag in card.tags:
            found.setdefault(tag, []).append(name)
    parts = [front("Questions by tag", "All questions by tag."), "# Tags\n"]
    for tag in sorted(found, key=str.lower):
        parts += [f"## {tag}\n", listed(bank, found[tag], page)]
    return "\n".join(parts)


def claims(bank):
    """What is often said of batch norm and does not hold: the cards that look into it."""
    chosen = [name for name, card in bank.cards.items() if "misconceptions" in card.tags]
    said = "What is often said about batch norm, put to a test."
    return "\n".join(
        [
            front("Claims in circulation", said),
            "# Claims in circulation\n",
            "Blog posts, answers and textbooks repeat sentences about batch norm that a run",
            "refutes, or that hold under a condition which got lost. Decide first,",
            "then open the answer.\n",
            listed(bank, chosen, "claims.md"),
        ]
    )


def flash_cards(bank):
    """Every question with its short answer folded; a script makes a deck of them."""
    links = Links(bank, "flash-cards.md")
    parts = [
        (WEB / "flash-cards.md").read_text(encoding="utf-8"),
        '<section id="bn-deck" data-search-exclude="" markdown="block">\n',
    ]
    for name, card in bank.cards.items():
        level, folder = card.level, banks.topic(name)
        about = json.dumps({"level": level, "topic": folder, "asked": card.asked})
        answer = links(card.section("Short answer").text, name)
        parts += [
            f'<article class="bn-flash" data-card="{card_id(name)}"'
            f" data-about='{about}' markdown=\"block\">\n",
            facts(topic_title(folder), level, card.kind, asked(card.asked)),
            f"## {card.title}\n",
            links(lead(card), name),
            fold("Short answer", f"{answer}\n\n[The whole answer]({name})"),
            "</article>\n",
        ]
    return "\n".join([*parts, "</section>", ""])


def listed(bank, names, page):
    """Questions as a list, with level, kind and how often they are asked."""
    rows = []
    for name in names:
        card = bank.cards[name]
        rows.append(
            f"- [{card.title}]({relative(name, page)})"
            f" <small>{card.level} · {card.kind} {asked(card.asked)}</small>"
        )
    return unsearched("\n".join(rows), "bn-questions")


def _topic(bank, folder, page):
    head = f"## [{topic_title(folder)}]({folder}/index.md) {{ #{folder} }}\n"
    said = banks.TOPICS.get(folder, "")
    return "\n".join([head, f"{said}\n" if said else "", listed(bank, bank.topics[folder], page)])
