"""The site builds without a warning, is complete, and loads nothing from another host."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from bnbank import cards

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
    """What the tests ask of a page: its title, description, ids, links and what it loads."""

    def __init__(self, text):
        super().__init__()
        self.title, self.description = "", ""
        self.ids, self.links, self.loads = set(), [], []
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = {key: value or "" for key, value in attributes}
        self._in = tag
        self.ids |= {found[key] for key in ("id", "name") if key in found}
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
        if self._in == "title" and not self.title:
            self.title = data.strip()
        if self._in == "style":
            self.loads += _loaded_by_css(data)


def _loaded_by_css(text):
    found = re.findall(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""", text)
    return [url or imported for url, imported in found]


def _other_hosts(urls):
    return [url for url in urls if urlsplit(url).netloc]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site):
    """Every page of the site by its path, the page for what is not found left out."""
    found = {
        path.relative_to(site).as_posix(): Page(path.read_text(encoding="utf-8"))
        for path in site.rglob("*.html")
    }
    del found["404.html"]
    return found


def test_every_card_is_a_page_with_its_own_title_and_description(pages):
    for path in cards.find(ROOT):
        card = cards.load(path)
        name = path.relative_to(ROOT / "questions").with_suffix("").as_posix()
        page = pages[f"{name}/index.html"]
        assert page.title.startswith(card.title)
        assert page.description == card.description
    assert len(pages) == len(cards.find(ROOT)) + 1
    for seen in ("title", "description"):
        values = [getattr(page, seen) for page in pages.values()]
        assert all(values)
        assert len(set(values)) == len(values)


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
