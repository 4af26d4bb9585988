"""Small JSON files that belong to the learner: never lost, never half written."""

import json


def read(file):
    """What a file holds, {} if there is none. One that cannot be read is kept beside it."""
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        spoiled = file.with_suffix(".spoiled.json")
        file.replace(spoiled)
        print(f"{file.name} could not be read ({error}); it is kept as {spoiled.name}")
        return {}
    return entries if isinstance(entries, dict) else {}


def write(file, entries):
    """Write the file, whole or not at all."""
    new = file.with_suffix(".new")
    new.write_text(text(entries), encoding="utf-8")
    new.replace(file)


def text(entries):
    """What a file with these entries holds."""
    return json.dumps(entries, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
