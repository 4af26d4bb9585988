"""Reviewing cards: which one is next, and when it comes back. FSRS decides, this keeps the book.

`reviews.json` lies beside `progress.json` and holds what FSRS knows of each card, by its name:

{
  "statistics/two-variances": {"due": "2026-02-03T09:00:00+00:00", "stability": 2.3, ...}
}

Cards that this version does not know are kept as they are.
Source: the FSRS algorithm as the package `fsrs` implements it, with its default parameters.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import fsrs

from bnbank import cards, store
from bnbank.progress import Progress

NEW_A_DAY = 10
AHEAD = timedelta(minutes=20)  # a card just learned may come back this much early
RATINGS = {
    1: ("Again", fsrs.Rating.Again),
    2: ("Hard", fsrs.Rating.Hard),
    3: ("Good", fsrs.Rating.Good),
    4: ("Easy", fsrs.Rating.Easy),
}


class NoSuchCards(ValueError):
    """No card of the bank has the topic or tag that was asked for."""


class Reviews:
    """What is due, what is new, and the verdicts on them.

    root        the folder of the bank
    only        topics (folders of questions/), tags, levels or kinds; all cards if empty. Words of
                one sort are alternatives, of different sorts all have to fit
    new_a_day   how many cards never seen before are taken up in a day
    now         the clock: a function that returns an aware datetime

    Raises NoSuchCards if a word of `only` fits no card, or no card fits them all.
    """

    def __init__(self, root, only=(), new_a_day=NEW_A_DAY, now=lambda: datetime.now(UTC)):
        self.file = Progress(root).file.with_name("reviews.json")
        self.now, self.new_a_day = now, new_a_day
        self.scheduler = fsrs.Scheduler(enable_fuzzing=False)
        self.known = store.read(self.file)
        self.cards = _chosen(Path(root), only)
        self.undone = []

    def due(self, ahead=timedelta(0)):
        """Names of the cards that are due, the longest overdue first.

        ahead   how much early a card still being learned may come; a learned one is due all day
        """
        times = {name: self._due(name) for name in self.cards if name in self.known}
        until = self.now() + ahead
        return sorted((name for name, due in times.items() if due <= until), key=times.get)

    def new(self):
        """Names of the cards to take up today: most asked first, easier ones before harder."""
        today = self.now().astimezone().date()
        begun = [entry["first"] for entry in self.known.values() if "first" in entry]
        left = self.new_a_day - begun.count(today.isoformat())
        unseen = [name for name in self.cards if name not in self.known]
        return unseen[: max(left, 0)]

    def following(self):
        """The name of the next card, or None for today: due ones, new ones, ones just learned."""
        return next(iter(self.due() or self.new() or self.due(AHEAD)), None)

    def intervals(self, name):
        """{rating: timedelta}: when the card would come back."""
        now, state = self.now(), self._state(name)
        return {
            number: self.scheduler.review_card(state, rating, now)[0].due - now
            for number, (_, rating) in RATINGS.items()
        }

    def rate(self, name, number):
        """Note how well a card was answered, 1 (not at all) to 4 (easily), and write the file."""
        before = self.known.get(name)
        rated, _ = self.scheduler.review_card(self._state(name), RATINGS[number][1], self.now())
        entry = rated.to_dict()
        del entry["card_id"]
        first = (before or {}).get("first", self.now().astimezone().date().isoformat())
        self.known[name] = {**(before or {}), **entry, "first": first}
        self.undone.append((name, before))
        store.write(self.file, self.known)

    def undo(self):
        """Take the last verdict of this session back. Returns the card's name, or None."""
        if not self.undone:
            return None
        name, before = self.undone.pop()
        if before is None:
            del self.known[name]
        else:
            self.known[name] = before
        store.write(self.file, self.known)
        return name

    def returns(self):
        """When the next card of these is due, or None if none has been seen."""
        return min((self._due(n) for n in self.cards if n in self.known), default=None)

    def _due(self, name):
        state = self._state(name)
        if state.state != fsrs.State.Review:
            return state.due
        return state.due.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)

    def _state(self, name):
        entry = self.known.get(name)
        if entry is None:
            return fsrs.Card(card_id=0, due=self.now())
        return fsrs.Card.from_dict({**entry, "card_id": 0})


def summary(reviews):
    """What there is to say where nobody can press a key."""
    yield f"{len(reviews.cards)} cards: {len(reviews.due())} due, {len(reviews.new())} new today."
    if name := reviews.following():
        yield f"First: {reviews.cards[name].title}"
        yield f"       questions/{name}.md"
    yield "In a terminal `bnbank review` asks them and brings them back in time."


def in_words(interval):
    """An interval as one says it: `10 min`, `3 days`, `4 months`."""
    minutes = round(interval.total_seconds() / 60)
    if minutes < 60:
        return f"{max(minutes, 1)} min"
    if minutes < 24 * 60:
        return _count(round(minutes / 60), "hour")
    days = round(minutes / (24 * 60))
    if days < 60:
        return _count(days, "day")
    return f"{round(days / 30.4)} months" if days < 730 else f"{round(days / 365)} years"


def _count(number, unit):
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _chosen(root, only):
    """{name: Card}, most asked first, of the cards that fit.

    Words of one sort are alternatives, `junior mid`; of different sorts all have to fit.
    """
    found, sorts = {}, {}
    for path in cards.find(root):
        card = cards.load(path)
        name = path.relative_to(root / "questions").with_suffix("").as_posix()
        sorts[name] = {
            "level": {card.level},
            "kind": {card.kind},
            "topic": {name.split("/")[0]},
            "tag": {tag.casefold() for tag in (name, path.stem, card.exercise, *card.tags)},
        }
        found[name] = card
    wanted = {}
    for word in (word.casefold() for word in only):
        sort = next((s for of in sorts.values() for s in of if word in of[s]), None)
        if sort is None:
            raise NoSuchCards(f"No card has the topic, tag, level or kind {word!r}")
        wanted.setdefault(sort, set()).add(word)
    fitting = [
        name
        for name, of in sorts.items()
        if all(of[sort] & words for sort, words in wanted.items())
    ]
    if not fitting:
        raise NoSuchCards(f"No card is all of: {', '.join(only)}")

    def easy_and_asked_first(name):
        return -found[name].asked, cards.LEVELS.index(found[name].level), name

    return {name: found[name] for name in sorted(fitting, key=easy_and_asked_first)}
