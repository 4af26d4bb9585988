"""What programs read: cards.json, exercises.json, their schemas, llms.txt."""

import json
from pathlib import Path

from bnbank import cards
from bnbank.site import bank as banks
from bnbank.site.markdown import front

SCHEMAS = Path(__file__).parents[1] / "web" / "site" / "schemas"


def pages(bank):
    """{path: text} of the data files, and of the page that says what is in them."""
    return {
        "cards.json": _json({"cards": [_card(bank, name) for name in bank.cards]}),
        "exercises.json": _json({"exercises": [_exercise(bank, e) for e in bank.exercises]}),
        "llms.txt": llms(bank),
        "llms-full.txt": "\n\n".join(_text(card.path) for card in bank.cards.values()),
        "data.md": data_page(),
    } | {f"schemas/{file.name}": file for file in sorted(SCHEMAS.glob("*.json"))}


def llms(bank):
    """The site in one plain text, as llmstxt.org describes it."""
    lines = [
        "# bnbank",
        "",
        f"> {len(bank.cards)} questions on batch norm and its family with answers that run,",
        f"> and {len(bank.exercises)} exercises in NumPy and torch, graded against torch.",
        "",
        f"- [Every card in full]({_url(bank, 'llms-full.txt')})",
        f"- [Cards as data]({_url(bank, 'cards.json')})",
        f"- [Exercises as data]({_url(bank, 'exercises.json')})",
    ]
    for folder, names in bank.topics.items():
        lines += ["", f"## {banks.topic_title(folder)}", ""]
        lines += [
            _line(bank, name, bank.cards[name].title, bank.cards[name].description)
            for name in names
        ]
    lines += ["", "## Exercises", ""]
    lines += [
        _line(bank, f"exercises/{e.id}.md", e.title, f"{e.level}, {e.needs}")
        for e in bank.exercises
    ]
    return "\n".join(lines) + "\n"


def data_page():
    """The fields of the data files, from their schemas."""
    said = "The bank as data: what cards.json and exercises.json hold."
    parts = [
        front("Data", said),
        "# Data\n",
        "Every card and every exercise as JSON, made anew with each build of the site.",
        "A later version may add fields; it does not take one away or change what it means.\n",
    ]
    for file in sorted(SCHEMAS.glob("*.json")):
        schema = json.loads(file.read_text(encoding="utf-8"))
        name = file.name.removesuffix(".schema.json")
        item = schema["properties"][name]["items"]
        parts += [
            f"## {name}.json\n",
            f"{schema['description']} [JSON]({name}.json) · [JSON Schema](schemas/{file.name})\n",
            "| Field | Type | |",
            "|---|---|---|",
            *(
                f"| `{field}` | {_type(about)} | {about['description']} |"
                for field, about in item["properties"].items()
            ),
            "",
        ]
    parts += [
        "## llms.txt\n",
        "[llms.txt](llms.txt) lists all pages for a language model, "
        "[llms-full.txt](llms-full.txt) holds every card in full.\n",
    ]
    return "\n".join(parts)


def _card(bank, name):
    card = bank.cards[name]
    return {
        "id": banks.card_id(name),
        "title": card.title,
        "description": card.description,
        "kind": card.kind,
        "level": card.level,
        "asked": card.asked,
        "tags": card.tags,
        "exercise": card.exercise,
        "notebook": card.notebook,
        "sources": card.sources,
        "follow_ups": cards.follow_ups(card),
        "short_answer": card.section("Short answer").text.strip(),
        "url": _url(bank, name),
        "file": name,
    }


def _exercise(bank, exercise):
    return {
        "id": exercise.id,
        "title": exercise.title,
        "level": exercise.level,
        "minutes": exercise.minutes,
        "needs": exercise.needs,
        "after": list(exercise.after),
        "checks": [(check.__doc__ or "").strip() for check in exercise.checks.values()],
        "cards": [banks.card_id(name) for name in bank.cards_of(exercise)],
        "url": _url(bank, f"exercises/{exercise.id}.md"),
        "file": f"solutions/{exercise.id}/starter.py",
    }


def _line(bank, page, title, said):
    return f"- [{title}]({_url(bank, page)}): {said}"


def _url(bank, page):
    """Where a page will be: absolute where the address of the site is known."""
    path = page.removesuffix(".md") + "/" if page.endswith(".md") else page
    return f"{bank.url}/{path}" if bank.url else path


def _type(about):
    kind = about.get("type", "string")
    if "enum" in about:
        return ", ".join(f"`{value}`" for value in about["enum"])
    if kind == "array":
        return f"list of {about['items'].get('type', 'string')}s"
    return " or ".join(kind) if isinstance(kind, list) else kind


def _json(value):
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def _text(path):
    return path.read_text(encoding="utf-8").split("\n---\n", 1)[1].strip()
