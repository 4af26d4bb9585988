"""The site: complete with two generators, answers not searched, nothing from elsewhere."""

import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest
import sites
from markdown import markdown
from markdown_it import MarkdownIt

from bnbank import cards, notebooks, practice_page
from bnbank import exercise as exercises
from bnbank import site as pages_of
from bnbank.cli import main
from bnbank.site.bank import Bank
from bnbank.site.markdown import Links, as_on_github, hide_answers
from bnbank.site.questions import along, card_page, follow_ups

pytest.importorskip("mkdocs", reason="mkdocs is not installed")
pytest.importorskip("material", reason="mkdocs-material is not installed")

ROOT = Path(__file__).parents[2]

# What a browser fetches by itself when it shows a page; an <a href> is fetched only by a reader.
LOADS = {
    "audio": "src",
    "embed": "src",
    "iframe": "src",
    "img": "src",
    "link": "href",
    "object": "data",
    "script": "src",
    "source": "src",
    "video": "src",
}
NOT_LOADED = {"alternate", "author", "canonical", "edit", "license", "next", "prev"}


class Page(HTMLParser):
    """What the tests ask of a page: its title, description, ids, links, text and what it loads."""

    def __init__(self, text):
        super().__init__()
        self.title, self.description, self.text = "", "", ""
        self.ids, self.links, self.loads, self.classes = set(), [], [], set()
        self.headings = []
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = {key: value or "" for key, value in attributes}
        self._in = tag
        self.ids |= {found[key] for key in ("id", "name") if key in found}
        self.classes |= set(found.get("class", "").split())
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((tag, found.get("id")))
        if tag == "meta" and found.get("name") == "description":
            self.description = found["content"]
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if found.get(LOADS.get(tag)) and found.get("rel") not in NOT_LOADED:
            self.loads.append(found[LOADS[tag]])
        self.loads += [part.split()[0] for part in found.get("srcset", "").split(",") if part]
        self.loads += _loaded_by_css(found.get("style", ""))

    def handle_endtag(self, tag):
        self._in = ""

    def handle_data(self, data):
        self.text += data
        if self._in == "title" and not self.title:
            self.title = data.strip()
        if self._in == "style":
            self.loads += _loaded_by_css(data)


def _loaded_by_css(text):
    found = re.findall(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""", text)
    return [url or imported for url, imported in found]


def _other_hosts(urls):
    return [url for url in urls if urlsplit(url).netloc]


def _pages(site):
    """Every page of a site by its path, the page for what is not found left out."""
    found = {
        path.relative_to(site).as_posix(): Page(path.read_text(encoding="utf-8"))
        for path in site.rglob("*.html")
    }
    del found["404.html"]
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site that mkdocs builds, without a warning."""
    return sites.shared(tmp_path_factory, "mkdocs")


@pytest.fixture(scope="module")
def pages(site):
    """The pages that mkdocs builds."""
    return _pages(site)


@pytest.fixture(scope="module")
def zensical(tmp_path_factory):
    """The folder of the site that Zensical builds."""
    pytest.importorskip("zensical", reason="zensical is not installed")
    return sites.shared(tmp_path_factory, "zensical")


@pytest.fixture(scope="module")
def bank():
    """What the pages are made from."""
    return Bank.load(ROOT)


def test_every_card_is_a_page_with_its_own_title_and_description(pages, bank):
    for name, card in bank.cards.items():
        page = pages[f"{name.removesuffix('.md')}/index.html"]
        assert page.title.startswith(card.title)
        assert page.description == card.description
    for seen in ("title", "description"):
        values = [getattr(page, seen) for page in pages.values()]
        assert all(values)
        assert sorted(values) == sorted(set(values))


def test_everything_has_a_page(pages, bank):
    asked = {f"exercises/{exercise.id}" for exercise in bank.exercises}
    asked |= {f"notebooks/{notebook.stem}" for notebook in notebooks.find(ROOT)}
    asked |= {name.removesuffix(".md").removesuffix("/index") for name in bank.pages}
    asked |= {f"questions/{folder}" for folder in bank.topics}
    asked |= {"claims", "data", "flash-cards", "exercises", "notebooks"}
    asked |= {f"questions/{name}" for name in ("levels", "kinds", "tags", "paths", "tables")}
    assert {f"{name}/index.html" for name in asked} <= set(pages)


def test_no_page_loads_anything_from_another_host(pages):
    for name, page in pages.items():
        assert page.loads, name
        assert _other_hosts(page.loads) == [], name


def test_no_stylesheet_loads_anything_from_another_host(site):
    styles = list(site.rglob("*.css"))
    assert styles
    for path in styles:
        assert _other_hosts(_loaded_by_css(path.read_text(encoding="utf-8"))) == [], path.name


def test_every_link_within_the_site_resolves(site, pages):
    for name, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (site / name).parent / unquote(parts.path) if parts.path else site / name
            target = target / "index.html" if target.is_dir() else target
            assert target.is_file(), f"{name}: {link}"
            if parts.fragment and target.suffix == ".html":
                ids = pages[target.resolve().relative_to(site.resolve()).as_posix()].ids
                assert unquote(parts.fragment) in ids, f"{name}: {link}"


def test_what_would_be_loaded_is_noticed():
    page = Page(
        "<title>t</title><script src='https://cdn.example/a.js'></script>"
        "<link rel=stylesheet href='//cdn.example/a.css'>"
        "<img srcset='https://cdn.example/a.png 2x'>"
        "<style>@import 'https://cdn.example/b.css'; a { src: url(https://cdn.example/c.woff) }"
        "</style><a href='https://example.org'>read</a><link rel=canonical href='https://a.b/'>"
    )
    assert len(_other_hosts(page.loads)) == 5


def _last_plain_line(text):
    """The last line of a text that no Markdown changes and that is long enough to be its own."""
    lines = [line.strip() for line in text.splitlines()]
    plain = [s for s in lines if len(s) > 35 and not re.search(r"[`*\[\]()_$<>&|\\\"'#]|^[-\d]", s)]
    return plain[-1] if plain else None


def _answers(bank):
    """{page: lines of it that would give an answer away}: the last ones, after all code blocks."""
    found = {}
    for name, card in bank.cards.items():
        folded = [s.text for s in card.sections if s.name != "Follow-ups"]
        folded += [answer for _, answer in follow_ups(card.section("Follow-ups").text)]
        found[name.removesuffix(".md")] = list(filter(None, map(_last_plain_line, folded)))
    for exercise in bank.exercises:
        texts = [*exercise.hints, exercise.why, exercise.reference.read_text(encoding="utf-8")]
        texts += [mistake.hints[0] for mistake in exercise.mistakes]
        texts.append(exercise.starter.read_text(encoding="utf-8"))
        lines = filter(None, map(_last_plain_line, texts))
        found[f"exercises/{exercise.id}"] = list(lines)
    return found


@pytest.mark.parametrize(
    ("generator", "index"), [("site", "search/search_index.json"), ("zensical", "search.json")]
)
def test_answers_are_on_the_page_and_not_in_the_search(request, bank, generator, index):
    site = request.getfixturevalue(generator)
    found = json.loads((site / index).read_text(encoding="utf-8"))
    found = found.get("docs") or found["items"]
    searched = dict.fromkeys(_answers(bank), "")
    titles = {}
    for entry in found:
        page = entry["location"].partition("#")[0].strip("/")
        titles.setdefault(page, []).append(Page(entry["title"]).text)
        if page in searched:
            searched[page] += " " + Page(entry["text"]).text + " " + Page(entry["title"]).text
    number = 0
    for page, lines in _answers(bank).items():
        shown = " ".join(
            Page((site / page / "index.html").read_text(encoding="utf-8")).text.split()
        )
        for line in lines:
            line, number = " ".join(line.split()), number + 1
            assert line in shown, page
            assert line not in searched[page], page
    assert number > 5 * len(bank.cards)
    for name, card in bank.cards.items():
        assert card.title in titles[name.removesuffix(".md")]


def test_follow_up_questions_are_found_by_searching(site, bank):
    index = json.loads((site / "search/search_index.json").read_text(encoding="utf-8"))
    found = {(e["location"].partition("#")[0], Page(e["title"]).text) for e in index["docs"]}
    asked = [
        (f"{name.removesuffix('.md')}/", question)
        for name, card in bank.cards.items()
        for question in cards.follow_ups(card)
        if not re.search(r"[`*_$\\\[<&]", question)
    ]
    assert len(asked) > len(bank.cards)
    assert set(asked) <= found


def test_both_generators_build_the_same_pages(site, zensical, pages):
    theirs = _pages(zensical)
    assert set(theirs) == set(pages)
    for name, page in pages.items():
        ours = {c for c in page.classes if c.startswith(("bn-", "arithmatex", "admonition"))}
        assert ours == {c for c in theirs[name].classes if c in ours}, name
        assert page.headings == theirs[name].headings, name
    for name in ("cards.json", "assets/site/site.js", "assets/practice/practice.js"):
        assert (zensical / name).read_bytes() == (site / name).read_bytes()
    lost = (zensical / "404.html").read_text(encoding="utf-8")
    assert "data-lost" in lost


def test_an_exercise_page_has_what_belongs_to_it(site):
    for exercise in exercises.path(ROOT):
        html = (site / "exercises" / exercise.id / "index.html").read_text(encoding="utf-8")
        page = Page(html)
        in_page = practice_page.in_page(exercise)
        assert (f'class="bn-practice" data-exercise="{exercise.id}"' in html) == in_page
        assert f"pytest solutions/{exercise.id}" in page.text
        for check in exercise.checks.values():
            title = check.__doc__.strip().partition("\n")[0]
            assert title in (page.text if not re.search(r"[`*\"'_]", title) else title)
        assert {"what-is-checked", "hints", "why-it-works", "the-reference", "mistakes"} <= page.ids
        # Above the first fold there is nothing of the reference but what the starter has, too.
        shown = Page(html[: html.index("<details")]).text
        starter = exercise.starter.read_text(encoding="utf-8")
        lines = exercise.reference.read_text(encoding="utf-8").splitlines()
        secret = [s.strip() for s in lines if len(s.strip()) > 25 and s.strip() not in starter]
        assert not [line for line in secret if line in shown]


def test_the_data_files_are_as_their_schemas_say(site):
    for name, number in (("cards", len(cards.find(ROOT))), ("exercises", len(exercises.ids(ROOT)))):
        found = json.loads((site / f"{name}.json").read_text(encoding="utf-8"))
        schema = json.loads((site / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
        jsonschema.validate(found, schema)
        # The page that documents the data is made from the schema: it has every field, no other.
        assert set(schema["properties"][name]["items"]["properties"]) == set(found[name][0])
        assert len(found[name]) == number
        for entry in found[name]:
            assert (site / entry["url"] / "index.html").is_file()
            assert (ROOT / entry["file"]).is_file()
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({name: [{**found[name][0], "level": "expert"}]}, schema)


def test_llms_txt_links_to_every_page_of_the_bank(site, bank):
    links = re.findall(r"\]\((\S+?)\)", (site / "llms.txt").read_text(encoding="utf-8"))
    for link in links:
        assert (site / link).exists(), link
    assert len(links) >= len(bank.cards) + len(bank.exercises)
    full = (site / "llms-full.txt").read_text(encoding="utf-8")
    assert all(f"# {card.title}\n" in full for card in bank.cards.values())


def test_next_leads_along_every_path_to_its_end(bank):
    assert bank.paths
    for path in bank.paths:
        assert len(path.steps) > 3
        for here, following in zip(path.steps, path.steps[1:], strict=False):
            rows = along(bank, here).split("\n\n")
            row = next(row for row in rows if path.title in row)
            link = re.search(r"\]\(([^)]+)\)\{ rel=\"next\" \}", row)
            assert (ROOT / here).parent.joinpath(link[1]).resolve() == ROOT / following
        assert 'rel="next"' not in next(
            row for row in along(bank, path.steps[-1]).split("\n\n") if path.title in row
        )


def test_a_page_can_be_edited_where_the_repository_is_known():
    name = "questions/statistics/two-variances.md"
    known = Bank.load(ROOT, repository="https://example.org/bank")
    assert f"(https://example.org/bank/edit/main/{name})" in card_page(known, name)
    assert "Edit" not in card_page(Bank.load(ROOT), name)


def test_python_markdown_reads_the_cards_as_github_does(bank):
    for name, card in bank.cards.items():
        text = card.path.read_text(encoding="utf-8").split("\n---\n", 1)[1]
        text = re.sub(r"\$\$.*?\$\$", "", text, flags=re.S)
        github = MarkdownIt().enable("table").render(text)
        ours = markdown(Links(bank, name)(text), extensions=["tables", "pymdownx.superfences"])
        for tag in ("li", "ol", "ul", "table", "h2", "pre"):
            assert ours.count(f"<{tag}>") == github.count(f"<{tag}>"), f"{name}: {tag}"


def test_a_year_at_the_beginning_of_a_line_is_no_list():
    text = "- Ioffe and Szegedy, ICML\n  2015. Section 3.\n"
    assert markdown(text).count("<li>") == 2
    assert markdown(as_on_github(text)).count("<li>") == 1
    assert as_on_github("12. a list\n13. goes on\n") == "12. a list\n13. goes on\n"


def test_a_list_may_follow_a_paragraph():
    text = "Two things:\n- one\n- two,\n  on two lines\n"
    assert "<ul>" not in markdown(text)
    assert markdown(as_on_github(text)).count("<li>") == 2


def test_what_a_page_folds_is_not_searched():
    text = 'Before\n\n??? note "Answer"\n    It is 2.\n\n    Or 3.\n\nAfter\n'
    hidden = hide_answers(text)
    inside = hidden[hidden.index("<section") : hidden.index("</section>")]
    assert "It is 2." in inside
    assert "Or 3." in inside
    assert "After" not in inside
    assert hide_answers("<details markdown>\n").startswith('<details data-search-exclude=""')


def test_building_again_touches_only_what_has_changed(tmp_path, monkeypatch):
    out = tmp_path / "docs"
    assert main(["site", "--out", str(out), "--without-notebooks", "--without-assets"]) == 0
    page, stale = out / "questions/statistics/two-variances.md", out / "questions/old.md"
    before = page.stat().st_mtime_ns
    stale.write_text("# Old")
    (out / "index.md").write_text("spoiled")
    assert main(["site", "--out", str(out), "--without-notebooks", "--without-assets"]) == 0
    assert page.stat().st_mtime_ns == before
    assert not stale.exists()
    assert (out / "index.md").read_text(encoding="utf-8") != "spoiled"


def test_a_folder_with_other_files_is_left_alone(tmp_path, capsys):
    (tmp_path / "thesis.md").write_text("years of work")
    assert main(["site", "--out", str(tmp_path), "--without-assets"]) == 2
    assert "holds other files" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.md"]


def test_without_pages_mkdocs_says_what_to_run(tmp_path):
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    shutil.copytree(ROOT / "bnbank" / "web" / "site", tmp_path / "bnbank" / "web" / "site")
    for folder in ("build/docs", "questions", "solutions"):  # as in a fresh clone
        (tmp_path / folder).mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode != 0
    assert "First: bnbank site" in done.stdout


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no clone")
def test_a_clone_has_the_folder_of_the_pages():
    file = ROOT / "build" / "docs" / pages_of.MARK
    ignored = subprocess.run(["git", "check-ignore", "-q", file], cwd=ROOT, check=False)
    assert ignored.returncode == 1
    assert file.is_file()


def test_topics_have_a_sentence():
    assert set(Bank.load(ROOT).topics) <= set(pages_of.bank.TOPICS)
