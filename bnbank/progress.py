"""What was solved and when: one small JSON file that a person can read and a later version keeps.

{
  "bn2d": {"attempts": 3, "solved": "2026-01-31", "hints": {"leaves_eps_out": 2}}
}

Exercises and fields that this version does not know are kept as they are.
"""

import json
import os
from datetime import date
from pathlib import Path

from bnbank import exercise as exercises
from bnbank import store


class Progress:
    """The progress file of one bank; $BNBANK_PROGRESS puts it elsewhere."""

    def __init__(self, root):
        self.root = Path(root)
        self.file = Path(os.environ.get("BNBANK_PROGRESS") or Path(root) / "progress.json")
        self.entries = store.read(self.file)

    def of(self, id):
        """What is known of one exercise: {} at first."""
        return self.entries.setdefault(id, {})

    def graded(self, id, solved, mistakes=()):
        """Note one verdict on a learner's attempt, and the names of the mistakes it found."""
        entry = self.of(id)
        entry["attempts"] = entry.get("attempts", 0) + 1
        entry["mistakes"] = list(mistakes)
        if solved:
            entry.setdefault("solved", date.today().isoformat())
        self.save()

    def is_solved(self, id):
        return "solved" in self.entries.get(id, {})

    def following(self, exercise=None):
        """What to do next: an unsolved exercise that builds on this one, or the first one."""
        unsolved = [
            e for e in exercises.path(self.root)
            if not self.is_solved(e.id) and (exercise is None or e.id != exercise.id)
        ]  # fmt: skip
        closest = [e for e in unsolved if exercise and exercise.id in e.after]
        return next(iter(closest + unsolved), None)

    def seen(self, id):
        """Note that the reference was shown."""
        self.of(id).setdefault("seen", date.today().isoformat())
        self.save()

    def next_hint(self, id, name, most):
        """The number of the next hint on a subject that has `most` of them; the last one stays."""
        hints = self.of(id).setdefault("hints", {})
        hints[name] = min(hints.get(name, 0) + 1, most)
        self.save()
        return hints[name]

    def merge(self, text):
        """Take in another progress file: what is known here or there is known afterwards.

        The first day counts, the larger number of attempts and the further hint; of what this
        version does not know, the own is kept. Importing twice changes nothing.
        Returns a sentence. Raises ValueError where the text is no progress file.
        """
        theirs = _entries(text)
        before = self.solved
        for id, entry in theirs.items():
            own = self.of(id)
            if entry.get("attempts", 0) > own.get("attempts", 0):
                own["mistakes"] = entry.get("mistakes", [])
            for name, value in entry.items():
                own[name] = _merged(name, own[name], value) if name in own else value
        self.save()
        newly = self.solved - before
        return f"Taken in, with {newly} newly solved; {self.solved} are solved in all."

    @property
    def solved(self):
        """How many exercises are solved."""
        return sum("solved" in entry for entry in self.entries.values())

    def told(self, id, name):
        """Note that the first hint on a subject was shown, with a verdict."""
        self.of(id).setdefault("hints", {}).setdefault(name, 1)

    def save(self):
        """Write the file."""
        store.write(self.file, self._worth_keeping())

    def text(self):
        """What the file holds."""
        return store.text(self._worth_keeping())

    def _worth_keeping(self):
        return {id: entry for id, entry in self.entries.items() if entry}


def _entries(text):
    """The entries of an exported file. Raises ValueError where it is none."""
    try:
        entries = json.loads(text)
    except ValueError as error:
        raise ValueError(f"This is no progress file: {error}") from None
    if not isinstance(entries, dict) or not all(map(_is_entry, entries.values())):
        raise ValueError('This is no progress file: {"bn2d": {"attempts": 3, ...}} is expected')
    return entries


def _is_entry(entry):
    """Whether the fields that this version knows are what it takes them for."""
    kinds = {"attempts": int, "solved": str, "seen": str, "mistakes": list, "hints": dict}
    return (
        isinstance(entry, dict)
        and all(isinstance(entry.get(name, kind()), kind) for name, kind in kinds.items())
        and all(isinstance(number, int) for number in entry.get("hints", {}).values())
    )


def _merged(name, own, other):
    """One field of an exercise, from two files."""
    if name in ("solved", "seen"):
        return min(own, other)
    if name == "attempts":
        return max(own, other)
    if name == "hints":
        return {key: max(own.get(key, 0), other.get(key, 0)) for key in {**own, **other}}
    return own
