"""Reviewing: what comes when, over simulated days, and how it looks in a terminal."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from test_command_line import bnbank

from bnbank import review
from bnbank.reviewer import ReviewApp, as_text

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is told."""

    def __init__(self):
        self.time = MONDAY

    def __call__(self):
        return self.time

    def on(self, days, minutes=0):
        self.time = MONDAY + timedelta(days=days, minutes=minutes)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def sitting(bank, clock):
    """Begins a sitting, as one start of `bnbank review` does."""

    def begin(*only, new_a_day=3):
        return review.Reviews(bank, only, new_a_day=new_a_day, now=clock)

    return begin


def answer_all(reviews, number):
    """Rate whatever comes, the clock standing still; returns the names in order."""
    names = []
    while name := reviews.following():
        names.append(name)
        reviews.rate(name, number)
    return names


def test_the_most_asked_come_first_and_a_day_has_its_measure(sitting, clock):
    first = answer_all(sitting(), 4)
    assert len(first) == 3
    asked = [sitting().cards[name].asked for name in first]
    assert asked == [5, 5, 5]
    assert sitting().following() is None, "the same day again brings more new cards"
    clock.on(days=1)
    assert not {*answer_all(sitting(), 4)} & {*first}


def test_a_forgotten_card_comes_again_at_once_and_a_known_one_ever_later(sitting, clock):
    reviews = sitting(new_a_day=1)
    name = reviews.following()
    reviews.rate(name, 1)
    assert reviews.following() == name, "forgotten, and gone for today"
    reviews.rate(name, 3)
    reviews.rate(name, 3)
    assert reviews.following() is None

    waits, day = [], 0
    for _ in range(4):
        reviews = sitting(new_a_day=0)
        waits.append((reviews.returns() - clock()).days)
        day += waits[-1] + 1
        clock.on(day)
        assert sitting(new_a_day=0).following() == name
        sitting(new_a_day=0).rate(name, 3)
    assert waits == sorted(waits)
    assert waits[-1] > waits[0]


def test_what_is_due_today_may_be_done_in_the_morning(sitting, clock):
    clock.on(days=0, minutes=300)
    reviews = sitting(new_a_day=1)
    name = reviews.following()
    reviews.rate(name, 4)
    days = reviews.intervals(name)  # what FSRS says now; the file says when it is due
    assert days[1] < days[3] <= days[4]
    due = datetime.fromisoformat(reviews.known[name]["due"])
    clock.time = due - timedelta(hours=3)
    assert sitting(new_a_day=0).following() == name
    clock.time = due - timedelta(days=1)
    assert sitting(new_a_day=0).following() is None


def test_undo_takes_back_the_last_verdicts(sitting):
    reviews = sitting()
    assert reviews.undo() is None
    name = reviews.following()
    reviews.rate(name, 3)
    once = json.loads(reviews.file.read_text())
    reviews.rate(name, 1)
    assert reviews.undo() == name
    assert json.loads(reviews.file.read_text()) == once
    assert reviews.undo() == name
    assert json.loads(reviews.file.read_text()) == {}


def test_unknown_cards_and_a_spoiled_file_are_kept(sitting, bank):
    file = bank / "reviews.json"
    file.write_text('{"gone/for-good": {"due": "2026-01-01T00:00:00+00:00", "mine": 1}}')
    reviews = sitting()
    reviews.rate(reviews.following(), 3)
    assert json.loads(file.read_text())["gone/for-good"]["mine"] == 1
    file.write_text("not JSON")
    assert sitting().due() == []
    assert (bank / "reviews.spoiled.json").read_text() == "not JSON"


def test_topics_tags_and_levels_choose(sitting):
    assert {name.split("/")[0] for name in sitting("backward").cards} == {"backward"}
    both = sitting("backward", "Senior").cards
    assert both
    assert {card.level for card in both.values()} == {"senior"}
    either = sitting("junior", "mid").cards
    assert {card.level for card in either.values()} == {"junior", "mid"}
    assert "statistics/two-variances" in sitting("Bessel's correction").cards
    assert [*sitting("two-variances").cards] == ["statistics/two-variances"]
    with pytest.raises(review.NoSuchCards, match="'nonsense'"):
        sitting("nonsense")
    with pytest.raises(review.NoSuchCards, match="No card is all of: gan, foundations"):
        sitting("gan", "foundations")


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ({"seconds": 20}, "1 min"),
        ({"minutes": 10}, "10 min"),
        ({"hours": 1}, "1 hour"),
        ({"days": 1}, "1 day"),
        ({"days": 9, "hours": 13}, "10 days"),
        ({"days": 91}, "3 months"),
        ({"days": 1000}, "3 years"),
    ],
)
def test_intervals_in_words(interval, words):
    assert review.in_words(timedelta(**interval)) == words


def test_in_a_terminal(sitting):
    """Question, short answer, all of it, a verdict, undo, and the end of the day."""
    reviews = sitting(new_a_day=1)
    name = reviews.following()
    card = reviews.cards[name]

    async def sit():
        app = ReviewApp(reviews)
        async with app.run_test(size=(100, 50)) as pilot:

            def said(place):
                return str(app.query_one(place).render())

            def answer():
                return app.query_one("#answer").source

            async def press(key):
                await pilot.press(key)
                await pilot.pause()

            await pilot.pause()
            assert card.title in said("#question")
            assert answer() == ""
            await press("3")
            assert "Look at the answer first" in said("#below")
            await press("space")
            assert answer() == card.section("Short answer").text.strip()
            assert f"pytest solutions/{card.exercise}" in said("#below")
            await press("space")
            assert "## Common mistakes" in answer()
            await press("4")
            assert "all for today" in said("#question")
            assert "comes back in" in said("#below")
            await press("u")
            assert card.title in said("#question")
            assert name not in reviews.known

    asyncio.run(sit())


def test_formulas_and_pictures_in_a_terminal(sitting):
    reviews = sitting()
    card = next(iter(reviews.cards.values()))
    file = card.path
    shown = (
        "$$\nx = \\mu\n$$\n\n![Axes](../f-light.svg#only-light)\n![Axes](../f-dark.svg#only-dark)\n"
    )
    file.write_text(
        file.read_text(encoding="utf-8").replace("## Prove it", f"{shown}\n## Prove it"),
        encoding="utf-8",
    )
    card = next(iter(sitting().cards.values()))
    text = as_text(card, ("Full answer",))
    assert "```text\nx = \\mu\n```" in text
    assert "> Figure: Axes" in text
    assert "svg" not in text


def test_without_a_terminal(bank):
    status, text = bnbank(bank, "review", "backward")
    assert status == 0
    assert "0 due, " in text
    assert "questions/backward/" in text
    status, text = bnbank(bank, "review", "nonsense")
    assert status == 2
    assert "nonsense" in text
