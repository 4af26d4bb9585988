"""Cards: one question with its answer, its proof and its sources, in one Markdown file.

`load` reads a card, `problems` says what is wrong with the cards of a repository, `blocks` and
`run` give the code that a card shows and what it really prints. The Markdown files that are no
cards (the home page, reference tables, learning paths) are `pages`, and held to fewer rules.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import yaml

from bnbank import coverage

KINDS = ("concept", "code", "derive", "debug", "predict", "compare", "experiment")
LEVELS = ("junior", "mid", "senior", "research")
SECTIONS = (
    "Short answer",
    "Full answer",
    "Prove it",
    "Follow-ups",
    "Common mistakes",
    "Sources",
)
LONGEST = {"Short answer": 40, "Full answer": 300}  # words
REQUIRED = ("title", "description", "kind", "level", "asked", "tags", "exercise", "sources")
OPTIONAL = ("notebook",)
NO_CARDS = ("tables", "paths")  # folders of questions/ whose pages are no cards
TIME_LIMIT = 60  # seconds a block may run


class CardError(ValueError):
    """A file that cannot be read as a card: its text is `path:line: sentence`."""

    def __init__(self, path, line, sentence):
        super().__init__(f"{path}:{line}: {sentence}")
        self.line, self.sentence = line, sentence


@dataclass(frozen=True)
class Section:
    """One heading of level two and what stands under it.

    name    the heading
    line    its line in the file, counted from 1
    text    everything up to the next heading of level two
    """

    name: str
    line: int
    text: str


@dataclass(frozen=True)
class Block:
    """One fenced block.

    line    the line of its opening fence in the file
    end     the line of its closing fence
    info    the word after the opening fence
    text    what is between the fences
    output  for code: the text block that follows it directly, None without one
    """

    line: int
    end: int
    info: str
    text: str
    output: str | None = None


@dataclass(frozen=True)
class Card:
    """A question and its answer. What was not given in the front matter is None.

    path        the file
    title       the question
    sections    the `Section`s in the order of the file
    heading     (line, text) of the heading of level one, None without one
    lines       the line of each key of the front matter
    unknown     keys of the front matter that mean nothing here
    The other fields are the keys of the front matter.
    """

    path: Path
    title: str | None
    description: str | None
    kind: str | None
    level: str | None
    asked: int | None
    tags: list | None
    exercise: str | None
    notebook: str | None
    sources: list | None
    sections: tuple[Section, ...]
    heading: tuple[int, str] | None
    lines: dict[str, int]
    unknown: tuple[str, ...]

    def section(self, name):
        """The first `Section` of this name, or None."""
        return next((section for section in self.sections if section.name == name), None)


def load(path):
    """Read a card.

    path    the Markdown file

    Returns a `Card`, complete or not: whether it is good is for `problems` to say.
    Raises CardError if the file has no front matter or one that is not a YAML mapping.
    """
    path = Path(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    end = next((n for n, line in enumerate(lines[1:], 2) if line.rstrip() == "---"), None)
    if not lines or lines[0].rstrip() != "---" or end is None:
        raise CardError(
            path, 1, "the file does not begin with front matter between two lines `---`"
        )
    try:
        front = yaml.safe_load("\n".join(lines[1 : end - 1]))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 1
        said = getattr(error, "problem", None) or str(error)
        raise CardError(path, line, f"the front matter is not YAML: {said}") from error
    if not isinstance(front, dict):
        raise CardError(path, 1, "the front matter is not a list of `key: value`")

    heading, sections = None, []
    starts = [(n, line) for n, line in _prose(lines) if n > end and re.match(r"##? ", line)]
    for (n, line), (following, _) in zip_longest(
        starts, starts[1:], fillvalue=(len(lines) + 1, "")
    ):
        if line.startswith("## "):
            sections.append(Section(line[3:].strip(), n, "\n".join(lines[n : following - 1])))
        elif heading is None:
            heading = (n, line[2:].strip())
    return Card(
        path=path,
        sections=tuple(sections),
        heading=heading,
        lines={m[1]: n for n, s in enumerate(lines[:end], 1) if (m := re.match(r"([\w-]+):", s))},
        unknown=tuple(str(key) for key in front if key not in REQUIRED + OPTIONAL),
        **{key: front.get(key) for key in REQUIRED + OPTIONAL},
    )


def find(root):
    """The paths of the cards of a repository, sorted: every `questions/**/*.md` but the pages."""
    found = Path(root, "questions").rglob("*.md")
    return sorted(set(found) - set(pages(root)))


def pages(root):
    """The paths of the pages that are no cards, sorted: every index.md, `tables/*`, `paths/*`."""
    folder = Path(root, "questions")
    found = [path for name in NO_CARDS for path in (folder / name).rglob("*.md")]
    return sorted({*found, *folder.rglob("index.md")})


def problems(root):
    """What is wrong with the cards and pages of a repository, and with questions/coverage.toml.

    root    the folder that holds questions/, solutions/ and references.bib

    Returns a list of `path:line: sentence`, paths relative to root; empty if all is well.
    """
    root = Path(root)
    known = _references(root / "references.bib")
    no_cards = pages(root)
    titles, stems, places, found = {}, {}, {}, []
    for path in [*find(root), *no_cards]:
        where = path.relative_to(root).as_posix()
        try:
            card = load(path)
        except CardError as error:
            found.append(f"{where}:{error.line}: {error.sentence}")
            continue
        places[path.relative_to(root / "questions").with_suffix("").as_posix()] = follow_ups(card)
        if path in no_cards:
            said = [*_page(card), *_links(card), *_commands(card, root)]
        else:
            rules = (_front_matter, _headings, _lengths, _proof, _links)
            said = [problem for rule in rules for problem in rule(card)]
            said += _exercise(card, root)
            said += _sources(card, known)
        if (first := titles.setdefault(str(card.title), where)) != where:
            said.append((card.lines.get("title", 1), f"{first} has the same title"))
        if path.stem != "index" and (first := stems.setdefault(path.stem, where)) != where:
            said.append((1, f"{first} has the same name; exercises name a card by it"))
        found += [f"{where}:{line}: {sentence}" for line, sentence in sorted(said)]
    where = "questions/coverage.toml"
    said = coverage.problems(root / where, places)
    return found + [f"{where}:{line}: {sentence}" for line, sentence in sorted(said)]


def links(path):
    """(line number, target) of each link of a Markdown file into the repository, in its order."""
    for n, line in _prose(Path(path).read_text(encoding="utf-8").splitlines()):
        for target in re.findall(r"\]\(<?([^)\s>]+)", re.sub(r"`[^`]*`", "", line)):
            if not re.match(r"[a-z]+:|#", target):
                yield n, target


def follow_ups(card):
    """The questions under "Follow-ups": what is bold at the beginning of a line."""
    section = card.section("Follow-ups")
    found = re.findall(r"^\*\*(.+?)\*\*", section.text if section else "", re.MULTILINE | re.DOTALL)
    return [" ".join(question.split()) for question in found]


def blocks(card):
    """The Python blocks under "Prove it", each with the text block that directly follows it."""
    section = card.section("Prove it")
    return _python(section.text.splitlines(), section.line + 1) if section else []


def page_blocks(path):
    """The Python blocks of a page, each with the text block that directly follows it."""
    return _python(Path(path).read_text(encoding="utf-8").splitlines())


def _python(lines, first=1):
    fences = list(_fences(lines, first))
    result = []
    for block, after in zip_longest(fences, fences[1:]):
        if block.info != "python":
            continue
        output = None
        if after is not None and after.info == "text":
            between = lines[block.end - first + 1 : after.line - first]
            output = None if any(line.strip() for line in between) else after.text
        result.append(Block(block.line, block.end, block.info, block.text, output))
    return result


def run(block):
    """Run a block in a fresh Python process with one thread, in an empty folder.

    block   a `Block`; only its text and line are used

    Returns what it printed. Line numbers in a traceback are those of the card.
    Raises RuntimeError if it fails or takes longer than TIME_LIMIT seconds.
    """
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                [sys.executable, "-c", "\n" * block.line + block.text],
                cwd=folder,
                env={**os.environ, **threads, "PYTHONUTF8": "1"},
                capture_output=True,
                check=False,
                encoding="utf-8",
                timeout=TIME_LIMIT,
            )
        except subprocess.TimeoutExpired:
            raise RuntimeError(
                f"the block at line {block.line} took longer than {TIME_LIMIT} s"
            ) from None
    if done.returncode:
        raise RuntimeError(f"the block at line {block.line} failed:\n{done.stderr.strip()}")
    return done.stdout


# Markdown, as much of it as cards use


def _fences(lines, first=1):
    """Each fenced block of `lines`, whose first line is line number `first` of the file."""
    opened = None
    for n, line in enumerate(lines, first):
        fence = re.match(r"\s*(```+|~~~+)\s*(\w*)", line)
        if opened is None and fence:
            opened = (n, fence[1], fence[2])
        elif opened and fence and fence[1].startswith(opened[1]) and not fence[2]:
            inside = "\n".join(lines[opened[0] - first + 1 : n - first])
            yield Block(opened[0], n, opened[2], inside)
            opened = None


def _prose(lines, first=1):
    """(line number, line) of the lines that are not in a fenced block."""
    fenced = {n for block in _fences(lines, first) for n in range(block.line, block.end + 1)}
    return [(n, line) for n, line in enumerate(lines, first) if n not in fenced]


def _words(text):
    """How many words: what has a letter or a digit and stands between spaces, images left out."""
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    return sum(any(c.isalnum() for c in word) for word in text.split())


def _references(path):
    """The keys of a BibTeX file."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return set(re.findall(r"^@\w+\{\s*([^,\s]+)\s*,", text, flags=re.MULTILINE))


# The rules. Each gives (line, sentence) for what is wrong.


def _front_matter(card) -> Iterator[tuple[int, str]]:
    def wrong(key, sentence):
        return card.lines.get(key, 1), f"`{key}` {sentence}"

    for key in REQUIRED:
        if getattr(card, key) in (None, "", []):
            yield wrong(key, "is missing from the front matter")
    for key in card.unknown:
        yield wrong(key, "is no key of a card")
    for key in ("title", "description", "exercise", "notebook"):
        if not isinstance(getattr(card, key), str | None):
            yield wrong(key, "is not text")
    for key, allowed in (("kind", KINDS), ("level", LEVELS)):
        value = getattr(card, key)
        if value is not None and value not in allowed:
            yield wrong(key, f"is {value!r}, not one of: {', '.join(allowed)}")
    if card.asked is not None and (type(card.asked) is not int or not 1 <= card.asked <= 5):
        yield wrong("asked", f"is {card.asked!r}, not a whole number from 1 to 5")
    for key in ("tags", "sources"):
        value = getattr(card, key)
        if value and not (isinstance(value, list) and all(isinstance(v, str) for v in value)):
            yield wrong(key, "is not a list of words")
    if isinstance(card.title, str) and not card.title.endswith("?"):
        yield wrong("title", "is not a question: it has no question mark")


def _headings(card) -> Iterator[tuple[int, str]]:
    if card.heading is None:
        yield 1, "there is no heading `# <title>`"
    elif card.heading[1] != card.title:
        yield card.heading[0], f"the heading is not the title {card.title!r}"
    names = [section.name for section in card.sections]
    for name in SECTIONS:
        if names.count(name) != 1:
            yield 1, f"the section `## {name}` is there {names.count(name)} times, not once"
    for section in card.sections:
        if section.name not in SECTIONS:
            yield section.line, f"`## {section.name}` is no section of a card"
        elif not section.text.strip():
            yield section.line, f"`## {section.name}` is empty"
    expected = [name for name in SECTIONS if name in names]
    for section, name in zip(
        [section for section in card.sections if section.name in SECTIONS], expected, strict=False
    ):
        if section.name != name:
            yield section.line, f"`## {section.name}` stands where `## {name}` belongs"
            break


def _lengths(card) -> Iterator[tuple[int, str]]:
    for name, longest in LONGEST.items():
        section = card.section(name)
        if section and (words := _words(section.text)) > longest:
            yield section.line, f"`## {name}` has {words} words, at most {longest} are allowed"


def _proof(card) -> Iterator[tuple[int, str]]:
    section = card.section("Prove it")
    found = blocks(card)
    if section and not found:
        yield section.line, "`## Prove it` has no Python block"
    for block in found:
        if block.output is None:
            yield block.line, "the Python block is not directly followed by a text block"


def _links(card) -> Iterator[tuple[int, str]]:
    for n, target in links(card.path):
        if not (card.path.parent / target.split("#")[0]).exists():
            yield n, f"the link {target!r} leads nowhere"


def _exercise(card, root) -> Iterator[tuple[int, str]]:
    for key, path in (
        ("exercise", f"solutions/{card.exercise}/starter.py"),
        ("notebook", f"notebooks/{card.notebook}.py"),
    ):
        if getattr(card, key) and not (root / path).is_file():
            yield card.lines[key], f"`{key}` is {getattr(card, key)!r}, but there is no {path}"
    last = card.section("Follow-ups")
    texts = [section.text for section in (card.section("Full answer"), last) if section]
    command = f"pytest solutions/{card.exercise}"
    if card.exercise and last and not any(command in text for text in texts):
        yield last.line, f"neither the full answer nor the follow-ups point to `{command}`"


def _sources(card, known) -> Iterator[tuple[int, str]]:
    section = card.section("Sources")
    for key in card.sources if isinstance(card.sources, list) else ():
        if key not in known:
            yield card.lines["sources"], f"{key!r} is not in references.bib"
        if section and f"`{key}`" not in section.text:
            yield section.line, f"`## Sources` does not name `{key}`"
    for key in re.findall(r"^- `([^`]+)`", section.text if section else "", flags=re.MULTILINE):
        if key not in (card.sources or ()):
            yield section.line, f"`{key}` is under `## Sources` but not in the front matter"


def _page(page) -> Iterator[tuple[int, str]]:
    for key in ("title", "description"):
        value = getattr(page, key)
        if not isinstance(value, str) or not value:
            yield page.lines.get(key, 1), f"`{key}` is missing from the front matter, or no text"
    if page.heading and page.heading[1] != page.title:
        yield page.heading[0], f"the heading is not the title {page.title!r}"
    for block in page_blocks(page.path):
        if block.output is None:
            yield block.line, "the Python block is not directly followed by a text block"


def _commands(page, root) -> Iterator[tuple[int, str]]:
    for n, line in enumerate(page.path.read_text(encoding="utf-8").splitlines(), 1):
        for name in re.findall(r"\bpytest solutions/(\w+)", line):
            if not (root / "solutions" / name / "starter.py").is_file():
                yield n, f"there is no exercise {name!r}"
