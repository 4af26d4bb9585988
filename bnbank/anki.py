"""The cards as an Anki deck: one note a card, recognized again when a later deck is imported.

A note's identity comes from the card's place in questions/, so a second import updates its text
and leaves what Anki knows of it, when it is due, alone.
"""

import html
import re
from pathlib import Path, PurePosixPath

import genanki
import markdown
from pygments.formatters import HtmlFormatter

from bnbank import cards

# Anki tells decks and note types apart by these numbers; they must never change.
DECK_ID, MODEL_ID = 1_763_610_001, 1_763_610_002
FIELDS = ("Question", "About", "Short answer", "Full answer", "Prove it", "Follow-ups",
          "Common mistakes", "Sources", "Card")  # fmt: skip
FOLDED = ("Prove it", "Follow-ups", "Common mistakes", "Sources")
EXTENSIONS = {
    "tables": {},
    "pymdownx.superfences": {},
    "pymdownx.highlight": {"guess_lang": False},
    "pymdownx.arithmatex": {"generic": True, "smart_dollar": False},
}

FRONT = """<p class="about">{{About}}</p>
<h1>{{Question}}</h1>"""
BACK = (
    "{{FrontSide}}<hr id=answer>"
    "<div class=short>{{Short answer}}</div>{{Full answer}}"
    + "".join(
        f"{{{{#{name}}}}}<details><summary>{name}</summary>{{{{{name}}}}}</details>{{{{/{name}}}}}"
        for name in FOLDED
    )
    + '<p class="about">{{Card}}</p>'
)
STYLE = """.card { font: 18px/1.5 system-ui, sans-serif; max-width: 44em; margin: 0 auto;
  padding: 0 .6em; text-align: left; color: #1d1d1f; background: #fff; }
h1 { font-size: 1.3em; } h3 { font-size: 1em; }
.about { color: #666; font-size: .8em; }
.short { border-left: 4px solid #3f51b5; padding-left: .8em; }
pre { overflow-x: auto; padding: .6em; background: #f5f5f5; font-size: .8em; }
code { font-family: ui-monospace, monospace; font-size: .9em; }
table { border-collapse: collapse; } td, th { border: 1px solid #999; padding: .2em .5em; }
summary { cursor: pointer; font-weight: bold; margin: .6em 0; }
img { max-width: 100%; } img.dark, .night_mode img.light { display: none; }
.night_mode img.dark { display: inline; }
.night_mode.card { color: #e6e6e6; background: #1e1e1e; }
.night_mode .about { color: #aaa; } .night_mode pre { background: #2b2b2b; }
"""


def export(root, out):
    """Write the deck of all cards.

    root    the folder of the bank
    out     the .apkg to write

    Returns how many cards it has. Needs genanki, Markdown and pymdown-extensions.
    """
    root = Path(root)
    deck = genanki.Deck(DECK_ID, "bnbank", "Batch normalization and its family, every answer run.")
    pictures = {}
    for path in cards.find(root):
        deck.add_note(_note(root, path, pictures))
    package = genanki.Package(deck)
    package.media_files = sorted(str(path) for path in pictures.values())
    package.write_to_file(out)
    return len(deck.notes)


def _note(root, path, pictures):
    card = cards.load(path)
    place = path.relative_to(root / "questions").with_suffix("").as_posix()
    sections = {s.name: _as_html(s.text, path.parent, pictures) for s in card.sections}
    fields = {
        **sections,
        "Question": html.escape(card.title),
        "About": f"{card.kind}, {card.level}",
        "Card": f"questions/{place}.md &middot; <code>pytest solutions/{card.exercise}</code>",
    }
    words = [PurePosixPath(place).parent.name, card.kind, card.level, *card.tags]
    return genanki.Note(
        model=MODEL,
        fields=[fields[name] for name in FIELDS],
        tags=[re.sub(r"\s+", "-", word) for word in words] + [f"exercise::{card.exercise}"],
        guid=genanki.guid_for("bnbank", place),
    )


def _as_html(text, folder, pictures):
    """A section for Anki: formulas for its MathJax, pictures by name, links out of the deck cut."""
    found = markdown.markdown(
        text, extensions=list(EXTENSIONS), extension_configs=EXTENSIONS, output_format="html"
    )
    found = re.sub(r'<a href="(?!https?:)[^"]*">(.*?)</a>', r"<em>\1</em>", found, flags=re.S)

    def picture(match):
        scheme = "dark" if "#only-dark" in match[2] else "light"
        file = (folder / match[2].partition("#")[0]).resolve()
        pictures[file.name] = file
        return f'<img class="{scheme}" {match[1]}src="{file.name}"'

    return re.sub(r'<img ([^>]*?)src="([^"]*)"', picture, found)


def _colours():
    """Pygments' colours, for Anki's day and night."""
    day = HtmlFormatter(style="default").get_style_defs(".highlight")
    night = HtmlFormatter(style="monokai").get_style_defs(".night_mode .highlight")
    return f"{day}\n{night}\n"


MODEL = genanki.Model(
    MODEL_ID,
    "bnbank card",
    fields=[{"name": name} for name in FIELDS],
    templates=[{"name": "Card", "qfmt": FRONT, "afmt": BACK}],
    css=_colours() + STYLE,
)
