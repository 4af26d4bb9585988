"""The practice loop: write, save, be told, go on. Without a terminal, one plain verdict."""

import sys
from threading import Lock

from bnbank import exercise as exercises
from bnbank.grade import Graded
from bnbank.hints import next_hints
from bnbank.progress import Progress
from bnbank.sandbox import Child


def practise(exercise):
    """Practise one exercise after another, starting with this one. Returns the exit status."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        from bnbank.terminal import PracticeApp

        PracticeApp(Session(exercise)).run()
    else:
        print("\n".join(once(exercise)))
    return 0


def once(exercise):
    """What there is to say where nobody can press a key: one verdict and how to go on."""
    session = Session(exercise)
    yield from session.opening()
    yield ""
    yield session.grade().text()
    yield ""
    yield f"Edit {session.file}, then: pytest solutions/{exercise.id}"
    yield f"In a terminal `bnbank practice {exercise.id}` grades each time you save."
    session.close()


class Session:
    """The loop without a face: one exercise at a time, graded on demand by a child that is warm."""

    def __init__(self, exercise):
        self.progress = Progress(exercise.root)
        self.spare, self.one_at_a_time = None, Lock()
        self.take(exercise)

    def take(self, exercise):
        """Go to an exercise; its attempt is made from the starter if there is none."""
        self.close()
        self.exercise, self.graded = exercise, None
        self.is_new = exercise.make_attempt()
        self.file = exercise.attempt.relative_to(exercise.root).as_posix()
        self.spare = Child(exercise)

    def opening(self):
        """What the exercise is and where to write."""
        exercise = self.exercise
        yield f"{exercise.id} ({exercise.level}, about {exercise.minutes} minutes)"
        yield f"{exercise.title}."
        yield f"{'Made from the starter' if self.is_new else 'Yours'}: {self.file}"
        yield f"Read first: {exercises.card_file(exercise.root, exercise.card)}"

    def grade(self):
        """Grade the attempt as it is now. Returns Graded."""
        with self.one_at_a_time:
            child, self.spare = self.spare or Child(self.exercise), None
            child.start(self.exercise.attempt)
            self.graded = Graded.of(self.exercise, child.result())
            self.spare = Child(self.exercise)
            for name in self.graded.mistakes:
                self.progress.told(self.exercise.id, name)
            self.progress.graded(self.exercise.id, self.graded.solved, self.graded.mistakes)
            return self.graded

    def hints(self):
        """The next hints, counted."""
        return list(next_hints(self.exercise, self.progress))

    def following(self):
        """The exercise to do next, or None."""
        return self.progress.following(self.exercise)

    def reference(self):
        """The reference's text; the exercise is marked as seen."""
        self.progress.seen(self.exercise.id)
        return self.exercise.reference.read_text(encoding="utf-8")

    def close(self):
        """End the child that waits."""
        if self.spare:
            self.spare.close()
            self.spare = None
