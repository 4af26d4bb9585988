"""Hints, one level at a time."""

from bnbank import exercise as exercises
from bnbank.report import hint


def next_hints(exercise, progress):
    """The next hint on each mistake that was found last, or the next general one, counted."""
    found = progress.of(exercise.id).get("mistakes", [])
    subjects = [mistake for mistake in exercise.mistakes if mistake.name in found]
    hints = {mistake.name: mistake.hints for mistake in subjects} or {"": exercise.hints}
    for name, sentences in hints.items():
        yield hint(sentences, progress.next_hint(exercise.id, name, len(sentences)))
    for card in sorted({mistake.card for mistake in subjects} or {exercise.card}):
        yield f"Read: {exercises.card_file(exercise.root, card)}"
