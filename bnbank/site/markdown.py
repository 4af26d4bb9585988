"""Markdown that both site generators read alike, and that keeps answers folded and unsearched.

An answer stands in `<details>`, its text in a `<section data-search-exclude>`. It is a section and
not a div, and no section within one, because the search of mkdocs-material leaves off excluding at
the first closing tag of the same name, and every code block is a div.
"""

import html
import json
import re

from bnbank.site.bank import join, relative

ASKED = "●●●●●○○○○○"


def front(title, description, **more):
    """The front matter of a page: title, description, and what else is given.

    The menu at the side stays away: the lists of questions are the menu.
    """
    given = {"title": title, "description": description, "hide": ["navigation"], **more}
    return (
        "---\n"
        + "".join(f"{k}: {json.dumps(v, ensure_ascii=False)}\n" for k, v in given.items())
        + "---\n"
    )


def fold(summary, text, name="bn-fold", inside=False):
    """A text that is shown on demand and not found by searching. The summary may be a heading.

    inside   whether it stands in another fold, which keeps it from being found already
    """
    tag, exclude = ("div", "") if inside else ("section", ' data-search-exclude=""')
    return "\n".join(
        [
            f'<details class="{name}" markdown="block">',
            '<summary markdown="block">',
            "",
            summary,
            "",
            "</summary>",
            f'<{tag} class="bn-answer"{exclude} markdown="block">',
            "",
            text.strip("\n"),
            "",
            f"</{tag}>",
            "</details>",
            "",
        ]
    )


def heading(text, level=2, id=""):
    """A heading that the search leaves out; what stands on top of a fold."""
    return f'{"#" * level} {text} {{ {"#" + id + " " if id else ""}data-search-exclude="" }}'


def fence(code, language="python"):
    """A block of code."""
    return f"```{language}\n{code.strip()}\n```"


def asked(number):
    """How often a question is asked, as dots that are read as a number."""
    return (
        f'<span class="bn-asked" role="img" aria-label="asked {number} of 5" '
        f'title="how often it is asked: {number} of 5">{ASKED[5 - number : 10 - number]}</span>'
    )


def unsearched(text, name=""):
    """A text that the search leaves out."""
    name = f'class="{name}" ' if name else ""
    return f'<section {name}data-search-exclude="" markdown="block">\n\n{text}\n\n</section>\n'


def facts(*parts):
    """One line of small facts, left out of the search."""
    return " · ".join(part for part in parts if part) + '\n{ .bn-facts data-search-exclude="" }\n'


def escape(text):
    """Text as it is, in HTML."""
    return html.escape(text, quote=False)


def hide_answers(text):
    """Keep what a page folds, in `???` or `<details>`, out of the search."""
    text = re.sub(
        r"^<details(?=[ >])(?!.*data-search-exclude)",
        '<details data-search-exclude=""',
        text,
        flags=re.M,
    )
    block = r"^(\?\?\?.*\n(?:(?:[ ]{4}.*)?\n)*)"
    return re.sub(block, unsearched(r"\1") + "\n", text + "\n", flags=re.M).rstrip("\n") + "\n"


def as_on_github(text):
    """Prose so that Python-Markdown reads it as GitHub does.

    A list may follow a paragraph without an empty line, and a number other than 1 at the beginning
    of a line within a paragraph, such as a year, begins no list.
    """
    lines, in_list = [""], False
    for line in text.split("\n"):
        within = bool(lines[-1].strip())
        if within and re.match(r" *\d{3,}\. " if in_list else r"(?!1\.) *\d+\. ", line):
            line = line.replace(".", r"\.", 1)
        item = re.match(r" {0,3}([-*+]|\d{1,2}\.) ", line)
        if item and within and not in_list:
            lines.append("")
        goes_on = within or not line.strip() or line.startswith(" ")
        in_list = bool(item) or (in_list and goes_on)
        lines.append(line)
    return "\n".join(lines[1:])


class Links:
    """The links of a text that was written for one place of the repository and is shown on a page.

    bank   what there is
    page   the path of the page that shows it, below the root of the site
    """

    def __init__(self, bank, page):
        self.bank, self.page = bank, page
        self.ids = {exercise.id for exercise in bank.exercises}

    def __call__(self, text, source=None):
        """The text with its links made right for the page.

        source   the path of the file that the text is from, below the root; the page if left out

        A link to an exercise's folder or to a notebook leads to its page, `pytest solutions/<id>`
        becomes one, and another file of the repository is linked where that is published.
        """
        parts = re.split(r"(^[ ]*(?:```|~~~).*?^[ ]*(?:```|~~~)[ ]*$)", text, flags=re.M | re.S)
        source = source or self.page
        parts[::2] = [self._prose(part, source) for part in parts[::2]]
        return "".join(parts)

    def _prose(self, text, source):
        text = as_on_github(text)
        text = re.sub(
            r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(<?([^)\s>]+)>?\)",
            lambda found: self._link(*found.groups(), source),
            text,
        )
        return re.sub(r"(?<!\[)`pytest solutions/(\w+)`(?!\])", self._command, text)

    def _link(self, mark, words, target, source):
        if re.match(r"[a-z]+:|#", target):
            return f"{mark}[{words}]({target})"
        path, hash_, fragment = join(source, target), *target.partition("#")[1:]
        if found := re.match(r"solutions/(\w+)", path):
            path = f"exercises/{found[1]}.md"
        elif found := re.fullmatch(r"notebooks/(\w+)\.py", path):
            path = f"notebooks/{found[1]}.md"
        elif not path.startswith(("questions/", "exercises/", "notebooks/")):
            where = f"{self.bank.repository}/blob/main/{path}"
            return f"[{words}]({where})" if self.bank.repository else words
        return f"{mark}[{words}]({relative(path + hash_ + fragment, self.page)})"

    def _command(self, found):
        if found[1] not in self.ids:
            return found[0]
        return f"[{found[0]}]({relative(f'exercises/{found[1]}.md', self.page)})"
