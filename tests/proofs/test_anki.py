"""The deck, imported by Anki's own package: every card arrives, and a later deck updates it."""

import re
import time

import pytest

from bnbank import cards

pytest.importorskip("genanki")
pytest.importorskip("anki")

from anki.collection import (
    Collection,
    ImportAnkiPackageOptions,
    ImportAnkiPackageRequest,
)

from bnbank import anki as deck


@pytest.fixture
def collection(tmp_path):
    collection = Collection(str(tmp_path / "collection.anki2"))
    yield collection
    collection.close()


def take_in(collection, bank, file):
    """Export a bank's deck and import it. Returns how many notes were new, updated, the same."""
    deck.export(bank, file)
    options = ImportAnkiPackageOptions(merge_notetypes=True)
    request = ImportAnkiPackageRequest(package_path=str(file), options=options)
    log = collection.import_anki_package(request).log
    return len(log.new), len(log.updated), len(log.duplicate)


def note_of(collection, title):
    return collection.get_note(collection.find_notes(f'"Question:{title}"')[0])


def test_every_card_arrives(collection, root, tmp_path):
    number = len(cards.find(root))
    assert take_in(collection, root, tmp_path / "deck.apkg") == (number, 0, 0)
    for card in map(collection.get_card, collection.find_cards("deck:bnbank")):
        shown = card.render_output()
        assert "<h1>" in shown.question_text
        assert "Short answer" not in shown.question_text
        assert "<details><summary>Prove it</summary>" in shown.answer_text
        assert 'href="..' not in shown.answer_text
        for picture in re.findall(r'<img [^>]*src="([^"]*)"', shown.answer_text):
            assert collection.media.have(picture)
    note = note_of(collection, "Which variance does batch norm remember?")
    assert {"statistics", "mid", "concept", "exercise::bn2d", "Bessel's-correction"} < {*note.tags}


def test_a_later_deck_updates_in_place(collection, bank, tmp_path):
    take_in(collection, bank, tmp_path / "first.apkg")
    number = collection.note_count()
    file = bank / "questions/statistics/two-variances.md"
    title = "Which variance does batch norm remember?"
    card = note_of(collection, title).cards()[0]
    collection.sched.set_due_date([card.id], "7")
    known = card.note().id

    text = file.read_text(encoding="utf-8")
    head, formula = "## Short answer\n\n", "$$\n\\hat x_i = x_i - \\mu\n$$\n\n"
    assert head in text
    file.write_text(text.replace(head, head + formula, 1), encoding="utf-8")
    time.sleep(1)  # Anki takes the newer of two notes, and counts in seconds
    assert take_in(collection, bank, tmp_path / "second.apkg")[:2] == (0, number)

    assert collection.note_count() == number
    note = note_of(collection, title)
    assert note.id == known
    assert r"\[" in note["Short answer"]
    assert r"\hat x_i = x_i - \mu" in note["Short answer"]
    assert (note.cards()[0].type, note.cards()[0].ivl) == (2, 7), "what Anki knew of it is lost"


def test_pictures_travel_for_day_and_night(collection, bank, tmp_path):
    folder = bank / "questions/figures"
    folder.mkdir(exist_ok=True)
    for scheme in ("light", "dark"):
        (folder / f"test-{scheme}.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    file = bank / "questions/statistics/two-variances.md"
    shown = "\n".join(
        f"![A test](../figures/test-{scheme}.svg#only-{scheme})" for scheme in ("light", "dark")
    )
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("## Prove it", f"{shown}\n\n## Prove it"), encoding="utf-8")
    take_in(collection, bank, tmp_path / "deck.apkg")
    answer = note_of(collection, "Which variance does batch norm remember?")["Full answer"]
    assert '<img class="light" alt="A test" src="test-light.svg"' in answer
    assert '<img class="dark" alt="A test" src="test-dark.svg"' in answer
    assert collection.media.have("test-dark.svg")
