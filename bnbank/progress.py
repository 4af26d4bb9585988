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


class Progress:
    """The progress file of one bank; $BNBANK_PROGRESS puts it elsewhere."""

    def __init__(self, root):
        self.root = Path(root)
        self.file = Path(os.environ.get("BNBANK_PROGRESS") or Path(root) / "progress.json")
        self.entries = self._read()

    def _read(self):
        try:
            entries = json.loads(self.file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            spoiled = self.file.with_suffix(".spoiled.json")
            self.file.replace(spoiled)
            print(f"{self.file.name} could not be read ({error}); it is kept as {spoiled.name}")
            return {}
        return entries if isinstance(entries, dict) else {}

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

    def told(self, id, name):
        """Note that the first hint on a subject was shown, with a verdict."""
        self.of(id).setdefault("hints", {}).setdefault(name, 1)

    def save(self):
        """Write the file, whole or not at all."""
        entries = {id: entry for id, entry in self.entries.items() if entry}
        text = json.dumps(entries, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
        new = self.file.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.replace(self.file)
