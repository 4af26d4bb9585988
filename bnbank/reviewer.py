"""The review's face in a terminal: the question, the answer on demand, a verdict on yourself."""

import re

from textual.app import App
from textual.containers import VerticalScroll
from textual.widgets import Footer, Header, Markdown, Static

from bnbank.review import RATINGS, in_words

FIRST, FULL = ("Short answer",), ("Full answer", "Prove it", "Follow-ups", "Common mistakes")
ALL = (*FIRST, *FULL, "Sources")


class ReviewApp(App):
    """One card after another: space shows more of it, 1 to 4 say how well you knew it."""

    TITLE = "bnbank review"
    BINDINGS = [
        ("space", "more", "Show more"),
        ("1", "rate(1)", "Again"),
        ("2", "rate(2)", "Hard"),
        ("3", "rate(3)", "Good"),
        ("4", "rate(4)", "Easy"),
        ("u", "undo", "Undo"),
        ("q", "quit", "Quit"),
    ]
    CSS = """
    Screen { background: $background; }
    #left { padding: 1 2 0 2; color: $text-muted; }
    #question { padding: 1 2; text-style: bold; }
    #answer { padding: 0 2; }
    #below { padding: 1 2; color: $text-muted; }
    """

    def __init__(self, reviews):
        super().__init__()
        self.reviews, self.current, self.shown = reviews, None, 0

    def compose(self):
        """How much is left, the question, as much of the answer as was asked for, what next."""
        yield Header()
        with VerticalScroll(id="card"):
            yield Static(id="left", markup=False)
            yield Static(id="question", markup=False)
            yield Markdown(id="answer", open_links=False)
            yield Static(id="below", markup=False)
        yield Footer()

    async def on_mount(self):
        """Begin with what is most overdue."""
        await self.go_to(self.reviews.following())

    async def go_to(self, name):
        """Show a card's question, or that this is all for today."""
        self.current, self.shown = name, 0
        reviews = self.reviews
        due, new = len(reviews.due()), len(reviews.new())
        left = f"{due} due, {new} new" if due or new else "once more, as it is fresh"
        if name is None:
            self.sub_title = ""
            self.query_one("#left").update("")
            self.query_one("#question").update("That is all for today.")
            self.query_one("#below").update(
                _until(reviews.returns(), reviews.now()) + "q: quit, u: undo the last verdict"
            )
        else:
            card = reviews.cards[name]
            self.sub_title = name
            self.query_one("#left").update(f"{left}    {card.kind}, {card.level}")
            self.query_one("#question").update(card.title)
            self.query_one("#below").update("Say your answer aloud, then press space.")
        await self.query_one("#answer").update("")
        self.query_one("#card").scroll_home(animate=False)

    async def action_more(self):
        """The short answer first, then all of the card."""
        if self.current is None:
            return
        self.shown = min(self.shown + 1, 2)
        card = self.reviews.cards[self.current]
        await self.query_one("#answer").update(as_text(card, FIRST if self.shown == 1 else ALL))
        when = self.reviews.intervals(self.current)
        verdicts = [f"{n} {word} ({in_words(when[n])})" for n, (word, _) in RATINGS.items()]
        how = "How well did you know it?    " + "    ".join(verdicts)
        more = f"space: the whole card\n{how}" if self.shown == 1 else how
        practise = f"To practise it: pytest solutions/{card.exercise}"
        self.query_one("#below").update(f"{more}\n{practise}")

    async def action_rate(self, number):
        """Note the verdict and go on."""
        if self.current is None:
            return
        if not self.shown:
            self.query_one("#below").update("Look at the answer first: press space.")
            return
        self.reviews.rate(self.current, number)
        await self.go_to(self.reviews.following())

    async def action_undo(self):
        """Back to the card rated last, as if it had not been."""
        if name := self.reviews.undo():
            await self.go_to(name)
        else:
            self.query_one("#below").update("There is no verdict to undo.")


def as_text(card, names):
    """Sections of a card as Markdown for a terminal: formulas as they are written, no pictures."""
    parts = []
    for name in names:
        text = card.section(name).text.strip()
        text = re.sub(r"^\$\$\s*(.*?)\s*\$\$$", r"```text\n\1\n```", text, flags=re.M | re.S)
        text = re.sub(
            r"^!\[([^\]]*)\]\([^)]*-light\.svg[^)]*\)$", r"> Figure: \1", text, flags=re.M
        )
        text = re.sub(r"^!\[[^\]]*\]\([^)]*\)$\n?", "", text, flags=re.M)
        parts.append(text if name in FIRST else f"## {name}\n\n{text}")
    return "\n\n".join(parts)


def _until(due, now):
    if due is None:
        return ""
    return f"The next card comes back in {in_words(due - now)}.\n" if due > now else ""
