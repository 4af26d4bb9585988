"""The practice loop's face in a terminal."""

from textual import work
from textual.app import App
from textual.containers import VerticalScroll
from textual.widgets import Footer, Header, Static
from watchfiles import awatch


class PracticeApp(App):
    """The loop in a terminal: the verdict on top, what was asked for below, keys at the foot."""

    TITLE = "bnbank"
    BINDINGS = [
        ("h", "hint", "Hint"),
        ("c", "contract", "Contract"),
        ("g", "grade", "Grade"),
        ("n", "next", "Next exercise"),
        ("s", "show", "Show the reference"),
        ("q", "quit", "Quit"),
    ]
    CSS = """
    Screen { background: $background; }
    Static { padding: 0 2; }
    #score { padding: 1 2; text-style: bold; }
    .solved { color: $success; }
    .open { color: $warning; }
    #more { padding: 1 2; border-top: solid $primary; height: auto; }
    """

    def __init__(self, session):
        super().__init__()
        self.session = session

    def compose(self):
        """One column: score, verdict, and whatever a key has brought up."""
        yield Header()
        with VerticalScroll():
            yield Static(id="opening", markup=False)
            yield Static(id="score", markup=False)
            yield Static(id="verdict", markup=False)
            yield Static(id="more", markup=False)
        yield Footer()

    def on_mount(self):
        """Grade at once, then with every save."""
        self.begin()

    def begin(self):
        """Show the exercise, grade it and watch its file."""
        self.sub_title = self.session.exercise.id
        self.query_one("#opening").update("\n".join(self.session.opening()))
        self.say("")
        self.action_grade()
        self.watch_attempt()

    @work(exclusive=True, group="watch")
    async def watch_attempt(self):
        """Regrade whenever the attempt is saved; look for that where the system cannot tell."""
        attempt = self.session.exercise.attempt
        settings = {"debounce": 50, "step": 10, "recursive": False}
        for polling in (None, True):
            try:
                async for changes in awatch(attempt.parent, force_polling=polling, **settings):
                    if any(path.endswith(attempt.name) for _, path in changes) and attempt.exists():
                        self.action_grade()
            except OSError:
                continue
            return

    @work(exclusive=True, group="grade", thread=True)
    def action_grade(self):
        """Grade now."""
        self.call_from_thread(self.show_score, "Grading ...", "open")
        graded = self.session.grade()
        self.call_from_thread(self.show_verdict, graded)

    def show_score(self, text, kind):
        """The line that says how far this is."""
        score = self.query_one("#score")
        score.set_classes(kind)
        score.update(text)

    def show_verdict(self, graded):
        """What came of grading."""
        checks = len(graded.verdicts)
        if graded.solved:
            self.show_score(f"Solved: all {checks} checks agree with torch.", "solved")
        else:
            self.show_score(f"{graded.passed} of {checks} checks agree with torch.", "open")
        self.query_one("#verdict").update(graded.text())
        following = self.session.following() if graded.solved else None
        self.say(f"n: go on with {following.id} ({following.title})" if following else "")

    def say(self, text):
        """Put something below the verdict, or clear the place."""
        more = self.query_one("#more")
        more.display = bool(text)
        more.update(text)

    def action_hint(self):
        """The next hint."""
        self.say("\n".join(self.session.hints()))

    def action_contract(self):
        """What was asked: the starter."""
        self.say(self.session.exercise.starter.read_text(encoding="utf-8"))

    def action_show(self):
        """The reference, after which the exercise counts as seen."""
        self.say(self.session.reference())

    def action_next(self):
        """Go to the next exercise; the solved one comes before an unsolved one of this path."""
        if following := self.session.following():
            self.session.take(following)
            self.begin()
        else:
            self.say("Everything else is solved.")

    def on_unmount(self):
        """Leave no child behind."""
        self.session.close()
