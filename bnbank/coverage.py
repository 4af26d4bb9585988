"""questions/coverage.toml: which card answers which question, topic, claim and fact.

`problems` holds it to what it says: no number is missing, and each place that it names is there.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

TABLES = {  # table: the key that says in words what an entry is about
    "questions": "question",
    "topics": "topic",
    "errata": "claim",
    "facts": "fact",
}
NUMBERED = ("questions", "topics")  # their keys are 1, 2, 3, ... without a gap


def problems(path, places) -> Iterator[tuple[int, str]]:
    """What is wrong with the file, as (line, sentence).

    path    the file; without it nothing is wrong
    places  the follow-up questions of every card and page, by its path in questions/ without `.md`
    """
    if not path.is_file():
        return
    text = path.read_text(encoding="utf-8")
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        yield 1, f"the file is not TOML: {error}"
        return
    for table in sorted(tables.keys() ^ TABLES.keys()):
        yield 1, f"the table [{table}] is {'unknown' if table in tables else 'missing'}"
    for table in NUMBERED:
        keys = tables.get(table, {}).keys()
        for number in range(1, len(keys) + 1):
            if str(number) not in keys:
                yield 1, f"[{table}] has no number {number}"
    lines = _lines(text)
    for table in TABLES:
        for key, entry in tables.get(table, {}).items():
            for sentence in _entry(table, entry, places):
                yield lines.get((table, key), 1), f"[{table}] {key}: {sentence}"


def _entry(table, entry, places):
    """What is wrong with one entry, as sentences."""
    words = TABLES[table]
    if not isinstance(entry, dict) or not entry.get(words) or not entry.get("cards"):
        yield f"`{words}` and `cards` are needed"
        return
    if table == "questions" and entry.get("asked") not in range(1, 6):
        yield "`asked` is not a whole number from 1 to 5"
    for where in entry["cards"]:
        place, _, begins = where.partition("#")
        if place not in places:
            yield f"there is no card {place!r}"
        elif begins and not any(question.startswith(begins) for question in places[place]):
            yield f"{place} has no follow-up that begins with {begins!r}"


def _lines(text):
    """The line number of each (table, key): where it says `[table.key]`."""
    headers = (
        (n, re.match(r"\[(\w+)\.([\w-]+)\]", line)) for n, line in enumerate(text.splitlines(), 1)
    )
    return {(header[1], header[2]): n for n, header in headers if header}
