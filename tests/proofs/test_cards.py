"""Every card is complete, and what it shows is what its code prints."""

import tomllib
from pathlib import Path

import pytest

from bnbank import cards

ROOT = Path(__file__).parents[2]
CARDS = cards.find(ROOT)
PAGES = cards.pages(ROOT)
BLOCKS = [
    pytest.param(block, id=f"{path.stem}:{block.line}")
    for path in (*CARDS, *PAGES)
    for block in (cards.page_blocks(path) if path in PAGES else cards.blocks(cards.load(path)))
]


def test_there_are_cards():
    assert CARDS
    assert BLOCKS


def test_every_card_and_page_is_complete():
    assert cards.problems(ROOT) == []


def test_tables_and_paths_are_pages_and_no_cards():
    folders = {path.parent.name for path in PAGES}
    assert folders == {"questions", "tables", "paths"}
    assert not {"tables", "paths"} & {path.parent.name for path in CARDS}


def test_every_question_and_topic_is_covered():
    text = (ROOT / "questions/coverage.toml").read_text(encoding="utf-8")
    covered = tomllib.loads(text)
    assert [len(covered["questions"]), len(covered["topics"])] == [100, 83]
    assert covered["errata"]
    assert covered["facts"]


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_prints_what_the_card_shows(block):
    assert cards.run(block).rstrip("\n") == block.output


# The rules themselves: each is seen to fire on a spoiled copy of a good card.

GOOD = """\
---
title: Is two even?
description: A card in which nothing is wrong.
kind: predict
level: junior
asked: 1
tags: [numbers]
exercise: parity
sources: [euclid]
---

# Is two even?

## Short answer

Yes.

## Full answer

**Why.** Two is [twice](card.md) one. Try `pytest solutions/parity`.

## Prove it

```python
print(2 % 2)
```

```text
0
```

## Follow-ups

**And three?** No.

## Common mistakes

None.

## Sources

- `euclid`: Elements, book 7, definition 6.
"""

SPOILED = {  # rule: (a line of the card, what is put in its place, the line named, the problem)
    "no front matter": ("---", "", 1, "does not begin with front matter"),
    "front matter no YAML": ("tags: [numbers]", "tags: [numbers", 8, "is not YAML: expected"),
    **{
        f"{key} missing": (next(s for s in GOOD.splitlines() if s.startswith(key)), "#", 1, said)
        for key in cards.REQUIRED
        for said in [f"`{key}` is missing from the front matter"]
    },
    "title empty": ("title: Is two even?", "title: ''", 2, "`title` is missing"),
    "title no text": ("title: Is two even?", "title: [a]", 2, "`title` is not text"),
    "title no question": ("title: Is two even?", "title: On two", 2, "no question mark"),
    "unknown key": ("asked: 1", "asked: 1\ncolour: red", 7, "`colour` is no key of a card"),
    "kind": ("kind: predict", "kind: riddle", 4, "`kind` is 'riddle', not one of: concept"),
    "level": ("level: junior", "level: wizard", 5, "`level` is 'wizard', not one of: junior"),
    "asked too large": ("asked: 1", "asked: 6", 6, "`asked` is 6, not a whole number"),
    "asked no number": ("asked: 1", "asked: true", 6, "`asked` is True, not a whole number"),
    "tags no list": ("tags: [numbers]", "tags: numbers", 7, "`tags` is not a list of words"),
    "exercise": ("exercise: parity", "exercise: odd", 8, "no solutions/odd/starter.py"),
    "notebook": ("asked: 1", "asked: 1\nnotebook: nil", 7, "there is no notebooks/nil.py"),
    "exercise not named": (
        "**Why.** Two is [twice](card.md) one. Try `pytest solutions/parity`.",
        "Because.",
        32,
        "neither the full answer nor the follow-ups point to `pytest solutions/parity`",
    ),
    "no heading": ("# Is two even?", "", 1, "there is no heading"),
    "another heading": ("# Is two even?", "# On two", 12, "not the title 'Is two even?'"),
    "section missing": ("## Follow-ups", "### Follow-ups", 1, "`## Follow-ups` is there 0 times"),
    "section twice": ("None.", "None.\n## Sources\nx", 1, "`## Sources` is there 2 times"),
    "section unknown": ("None.", "None.\n## More\nx", 39, "`## More` is no section of a card"),
    "section empty": ("None.", "", 36, "`## Common mistakes` is empty"),
    "sections in another order": (
        "## Short answer",
        "## Sources",
        14,
        "`## Sources` stands where `## Full answer` belongs",
    ),
    "short answer too long": ("Yes.", "Yes. " * 41, 14, "has 41 words, at most 40 are allowed"),
    "full answer too long": (
        "## Full answer",
        "## Full answer\n" + "word " * 300,
        18,
        "at most 300 are allowed",
    ),
    "no code": ("```python", "```py", 22, "`## Prove it` has no Python block"),
    "no output": ("```text", "```", 24, "not directly followed by a text block"),
    "words before the output": ("```text", "It says\n\n```text", 24, "not directly followed"),
    "link": ("None.", "[None](none.md#none)", 38, "the link 'none.md#none' leads nowhere"),
    "source unknown": ("sources: [euclid]", "sources: [nobody]", 9, "not in references.bib"),
    "source not named": (
        "- `euclid`: Elements, book 7, definition 6.",
        "- Elements",
        40,
        "`## Sources` does not name `euclid`",
    ),
    "source not declared": (
        "- `euclid`: Elements, book 7, definition 6.",
        "- `euclid`\n- `gauss`",
        40,
        "`gauss` is under `## Sources` but not in the front matter",
    ),
}


PAGE = """\
---
title: Even numbers
description: A page in which nothing is wrong.
---

# Even numbers

[Two](../card.md) and `[four](four.md)`, then `pytest solutions/parity`.

```python
print(4 % 2)
```

```text
0
```
"""

SPOILED_PAGE = {  # as above, on a page
    "title missing": ("title: Even numbers", "#", 1, "`title` is missing"),
    "description no text": (
        "description: A page in which nothing is wrong.",
        "description: [a]",
        3,
        "`description` is missing from the front matter, or no text",
    ),
    "another heading": ("# Even numbers", "# Odd ones", 6, "not the title 'Even numbers'"),
    "title of a card": ("title: Even numbers", "title: Is two even?", 2, "has the same title"),
    "link": (
        "[Two](../card.md) and `[four](four.md)`, then `pytest solutions/parity`.",
        "[Two](card.md)",
        8,
        "the link 'card.md' leads nowhere",
    ),
    "exercise": (
        "[Two](../card.md) and `[four](four.md)`, then `pytest solutions/parity`.",
        "`pytest solutions/odd`",
        8,
        "there is no exercise 'odd'",
    ),
    "no output": ("```text", "```", 10, "not directly followed by a text block"),
}

COVERAGE = """\
# Who answers what.

[questions.1]
question = "Is two even?"
asked = 2
cards = ["card#And three"]

[questions.2]
question = "Is four?"
asked = 1
cards = ["tables/even"]

[topics.1]
topic = "parity"
cards = ["card"]

[errata.A-1]
claim = "Two is odd."
cards = ["card"]

[facts.C1]
fact = "Two is even."
cards = ["card"]
"""

SPOILED_COVERAGE = {  # a line of the file, what is put in its place, the line named, the problem
    "no TOML": ("[topics.1]", "[topics.1", 1, "the file is not TOML"),
    "table missing": ("[facts.C1]", "[errata.C1]", 1, "the table [facts] is missing"),
    "table unknown": ("[facts.C1]", "[more.C1]", 1, "the table [more] is unknown"),
    "number missing": ("[topics.1]", "[topics.2]", 1, "[topics] has no number 1"),
    "no entry": ("[errata.A-1]", "[errata]", 1, "[errata] claim: `claim` and `cards` are needed"),
    "no words": ('topic = "parity"', "", 13, "[topics] 1: `topic` and `cards` are needed"),
    "no card": ('cards = ["tables/even"]', "cards = []", 8, "`question` and `cards` are needed"),
    "asked": ("asked = 2", "asked = 6", 3, "`asked` is not a whole number from 1 to 5"),
    "another card": ('cards = ["tables/even"]', 'cards = ["even"]', 8, "there is no card 'even'"),
    "another follow-up": (
        'cards = ["card#And three"]',
        'cards = ["card#And four"]',
        3,
        "[questions] 1: card has no follow-up that begins with 'And four'",
    ),
}


@pytest.fixture
def root(tmp_path):
    """A repository with one card, one page and their coverage, in which nothing is wrong."""
    for name, text in {
        "questions/card.md": GOOD,
        "questions/index.md": "---\ntitle: Home\ndescription: The first page.\n---\n",
        "questions/tables/even.md": PAGE,
        "questions/coverage.toml": COVERAGE,
        "solutions/parity/starter.py": "",
        "references.bib": "@book{euclid,\n}\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert cards.problems(tmp_path) == []
    return tmp_path


def spoil(root, line, replacement, name="card.md"):
    """Put something else in the place of the first line of a file that reads like this."""
    file = root / "questions" / name
    text = "\n" + file.read_text(encoding="utf-8")
    assert f"\n{line}\n" in text
    file.write_text(text.replace(f"\n{line}\n", f"\n{replacement}\n", 1)[1:], encoding="utf-8")


@pytest.mark.parametrize("rule", SPOILED)
def test_a_spoiled_card_is_named(root, rule):
    line, replacement, named, sentence = SPOILED[rule]
    spoil(root, line, replacement)
    found = cards.problems(root)
    where = f"questions/card.md:{named}: "
    assert any(p.startswith(where) and sentence in p for p in found), found


@pytest.mark.parametrize("rule", SPOILED_PAGE)
def test_a_spoiled_page_is_named(root, rule):
    line, replacement, named, sentence = SPOILED_PAGE[rule]
    spoil(root, line, replacement, "tables/even.md")
    found = cards.problems(root)
    where = f"questions/tables/even.md:{named}: "
    assert any(p.startswith(where) and sentence in p for p in found), found


@pytest.mark.parametrize("rule", SPOILED_COVERAGE)
def test_a_gap_in_the_coverage_is_named(root, rule):
    line, replacement, named, sentence = SPOILED_COVERAGE[rule]
    spoil(root, line, replacement, "coverage.toml")
    found = cards.problems(root)
    where = f"questions/coverage.toml:{named}: "
    assert any(p.startswith(where) and sentence in p for p in found), found


def test_a_page_gives_its_links_and_blocks_in_order(root):
    page = root / "questions/tables/even.md"
    assert [target for _, target in cards.links(page)] == ["../card.md"]
    assert [(block.text, block.output) for block in cards.page_blocks(page)] == [
        ("print(4 % 2)", "0")
    ]


def test_the_words_for_an_image_are_not_counted(root):
    spoil(root, "Yes.", "Yes.\n\n![" + "word " * 50 + "](card.md)")
    assert cards.problems(root) == []


def test_front_matter_is_a_mapping(root):
    (root / "questions/card.md").write_text("---\nwords\n---\n", encoding="utf-8")
    assert cards.problems(root)[0] == (
        "questions/card.md:1: the front matter is not a list of `key: value`"
    )


def test_a_card_without_anything_below_its_front_matter(root):
    front_matter = GOOD[: GOOD.index("# Is two")]
    (root / "questions/card.md").write_text(front_matter, encoding="utf-8")
    (root / "questions/coverage.toml").unlink()
    found = cards.problems(root)
    assert len(found) == 1 + len(cards.SECTIONS)
    assert (
        found[0]
        == "questions/card.md:1: the section `## Common mistakes` is there 0 times, not once"
    )


def test_a_proof_without_any_fence(root):
    text = GOOD[: GOOD.index("```python")] + "See above.\n\n" + GOOD[GOOD.index("## Follow") :]
    (root / "questions/card.md").write_text(text, encoding="utf-8")
    assert cards.problems(root) == ["questions/card.md:22: `## Prove it` has no Python block"]


def test_a_title_is_used_once(root):
    (root / "questions/later.md").write_text(GOOD, encoding="utf-8")
    assert cards.problems(root) == ["questions/later.md:2: questions/card.md has the same title"]


def test_a_name_is_used_once(root):
    text = PAGE.replace("title: ", "title: Other ", 1)
    (root / "questions/paths").mkdir()
    (root / "questions/paths/even.md").write_text(text, encoding="utf-8")
    said = "has the same name; exercises name a card by it"
    assert any(said in problem for problem in cards.problems(root))


def test_code_in_a_fence_is_not_taken_for_markdown(root):
    spoil(root, "print(2 % 2)", "# a comment\n## Sources\n# [x](y.md)\nprint(0)")
    assert cards.problems(root) == []


def block(text):
    return cards.Block(line=7, end=9, info="python", text=text)


def test_a_block_runs_alone_with_one_thread():
    assert (
        cards.run(block("import os; print(os.environ['OMP_NUM_THREADS'], os.listdir())"))
        == "1 []\n"
    )
    pytest.importorskip("torch", reason="torch is not installed")
    assert cards.run(block("import torch; print(torch.get_num_threads())")) == "1\n"


def test_a_block_that_fails_is_named_by_the_line_of_the_card():
    with pytest.raises(
        RuntimeError, match=r"(?s)block at line 7 failed.*line 9, in .*ZeroDivision"
    ):
        cards.run(block("\n1 / 0"))


def test_a_block_that_does_not_end_is_stopped(monkeypatch):
    monkeypatch.setattr(cards, "TIME_LIMIT", 1)
    with pytest.raises(RuntimeError, match="longer than 1 s"):
        cards.run(block("while True: pass"))


def test_reading_cards_needs_neither_torch_nor_anything_of_ours():
    code = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import bnbank.cards
print(sorted({{"torch", "numpy", "tests"}} & set(sys.modules)))
"""
    assert cards.run(block(code)) == "[]\n"
