"""All that the pages are made from, read once."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from bnbank import cards
from bnbank import exercise as exercises

# The topics in the order of the site; one that is not here comes after them.
TOPICS = {
    "foundations": "What batch norm computes, over which axes, and what its parameters are for.",
    "why-it-works": "The explanations on offer, and what experiments say of each.",
    "statistics": "What is remembered of the batches, and in which estimate.",
    "train-and-test": "Two modes, one layer: what changes between them, and what goes wrong.",
    "backward": "The gradients: derived, coded, checked.",
    "numerics": "ε, half precision, cancellation, memory traffic.",
    "small-batches": "What a batch is worth; what to do when it is small, or spread over devices.",
    "inference": "Folding the layer away: fusion, quantization, reparameterization.",
    "family": "Layer, group, instance, RMS norm and the others: what each shares with batch norm.",
    "regularization": "Noise, dropout, weight decay: what the batch does beside normalizing.",
    "applications": "Detectors, transformers, GANs, spiking networks: the layer in use.",
    "debugging": "Symptoms and their causes; code and claims to put right.",
}
DIAGNOSTIC = "questions/paths/where-to-start.md"  # a page among the paths that is not read in order


@dataclass(frozen=True)
class ReadingPath:
    """A learning path: a page, and the pages that it links to, in the order of reading."""

    name: str
    title: str
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Bank:
    """Cards, pages and exercises of the bank at `root`.

    cards       {path below root: Card}, a topic after the other, easier and more asked ones first
    pages       {path below root: Card} of the pages that are no cards
    exercises   in an order that builds up
    repository  where its source is, "" if that is not known
    url         where the site will be, "" if that is not known
    """

    root: Path
    cards: dict[str, cards.Card]
    pages: dict[str, cards.Card]
    exercises: list[exercises.Exercise]
    repository: str = ""
    url: str = ""
    _found: dict = field(default_factory=dict, compare=False)

    @classmethod
    def load(cls, root, **known):
        """Read the bank at `root`."""
        read = {path.relative_to(root).as_posix(): path for path in cards.find(root)}
        loaded = {name: cards.load(path) for name, path in read.items()}
        return cls(
            root,
            cards=dict(sorted(loaded.items(), key=_in_order)),
            pages={p.relative_to(root).as_posix(): cards.load(p) for p in cards.pages(root)},
            exercises=exercises.path(root),
            **known,
        )

    @cached_property
    def topics(self):
        """{folder: paths of its cards}, in the order of the site."""
        found = {}
        for name in self.cards:
            found.setdefault(topic(name), []).append(name)
        return found

    @cached_property
    def stems(self):
        """{stem: path of the card}."""
        return {Path(name).stem: name for name in self.cards}

    @cached_property
    def paths(self):
        """The learning paths: the pages under questions/paths, in the order of their names."""
        found = []
        for name, page in self.pages.items():
            is_path = name.startswith("questions/paths/") and not name.endswith("/index.md")
            if is_path and name != DIAGNOSTIC:
                steps = (join(name, target) for _, target in cards.links(page.path))
                known = dict.fromkeys(s for s in steps if s in self.cards or _is_table(s))
                found.append(ReadingPath(name, page.title, tuple(known)))
        return found

    def cards_of(self, exercise):
        """Paths of the cards that name this exercise, the most asked ones first."""
        found = [name for name, card in self.cards.items() if card.exercise == exercise.id]
        return sorted(found, key=lambda name: -self.cards[name].asked)

    def edit(self, file):
        """Where the file can be edited, "" if the repository is not known."""
        return f"{self.repository}/edit/main/{file}" if self.repository else ""


def card_id(name):
    """What a card is called: `statistics/two-variances`."""
    return name.removeprefix("questions/").removesuffix(".md")


def topic(name):
    """The folder of a card: `statistics` of questions/statistics/two-variances.md."""
    return name.split("/")[1]


def topic_title(folder):
    """The folder's name as a heading."""
    return folder.replace("-", " ").capitalize()


def join(page, target):
    """The path below the root that a link on a page leads to, without its fragment."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), target.partition("#")[0]))


def relative(target, page):
    """A link from a page to a target, both paths below the root; a fragment is kept."""
    path, mark, fragment = target.partition("#")
    return posixpath.relpath(path, posixpath.dirname(page) or ".") + mark + fragment


def _is_table(name):
    return name.startswith("questions/tables/")


def _in_order(item):
    name, card = item
    topics = list(TOPICS)
    place = topics.index(topic(name)) if topic(name) in TOPICS else len(topics)
    return place, topic(name), cards.LEVELS.index(card.level), -card.asked, card.title
