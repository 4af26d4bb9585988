"""The site in a real browser: found, read, folded, printed, asked, without asking another host."""

import json
import os
from pathlib import Path

import pytest
import sites

from bnbank.practice_page import node_modules
from bnbank.site.bank import Bank

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

ROOT = Path(__file__).parents[2]
CARD = "questions/statistics/two-variances/"
KINDS = {  # a page of each kind
    "home": "",
    "card": CARD,
    "exercise": "exercises/bn2d/",
    "torch exercise": "exercises/freeze_bn/",
    "exercises": "exercises/",
    "questions": "questions/",
    "topic": "questions/family/",
    "tags": "questions/tags/",
    "path": "questions/paths/three-hours/",
    "table": "questions/tables/frameworks/",
    "notebook": "notebooks/fast_bn2d/",
    "flash cards": "flash-cards/",
    "data": "data/",
    "lost": "no/such/variance-page/",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site."""
    return sites.shared(tmp_path_factory, "mkdocs")


@pytest.fixture(scope="module")
def home(site):
    """The address of the site while the proofs of this file run."""
    with sites.served(site) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    """The system's Chromium, or playwright's. Without one CI fails and others skip."""
    with playwright.sync_playwright() as driver:
        try:
            browser = driver.chromium.launch(executable_path=sites.chromium(), args=sites.ARGUMENTS)
        except playwright.Error:
            if os.environ.get("CI"):
                raise
            pytest.skip(
                "there is no Chromium: apt install chromium, or playwright install chromium"
            )
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, home):
    """visit(path, **settings of the context) -> a page of the site.

    In the end nothing may have been said on the console or asked of another host.
    """
    said, contexts = [], []

    def visit(path="", **settings):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **settings})
        contexts.append(context)
        page = context.new_page()
        page.on(
            "console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda r: None if _at_home(r.url, home) else said.append(r.url))
        page.goto(path if "://" in path else home + path)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert [text for text in said if "404 (Not Found)" not in text] == []


def _at_home(url, home):
    return url.startswith((home, "file:", "data:", "blob:"))


def test_the_search_finds_a_card_without_giving_its_answer_away(visit):
    page = visit()
    page.evaluate("window.still = 'here'")
    page.keyboard.press("/")
    page.keyboard.type("which variance remember")
    link = page.locator(".md-search-result__link").first
    link.wait_for()
    shown = page.locator(".md-search-result").inner_text()
    assert "Which variance does batch norm remember?" in shown
    assert "Nothing is being estimated" not in shown
    assert "divided by m" not in shown
    link.click()
    page.wait_for_url(f"**/{CARD}*")
    page.locator(".md-content h1", has_text="Which variance").wait_for()
    assert page.evaluate("window.still") == "here", "the card was not opened by instant loading"
    assert page.locator(".md-content h1").inner_text().startswith("Which variance")
    assert not page.locator(".bn-answer").first.is_visible()


def test_folds_open_by_click_by_key_by_link_and_all_at_once(visit):
    page = visit(CARD)
    answers = page.locator(".bn-answer")
    page.get_by_text("Short answer", exact=True).first.click()
    answers.nth(0).wait_for()
    page.keyboard.press("o")
    answers.nth(1).wait_for()
    assert not answers.nth(2).is_visible()
    page.get_by_role("button", name="Unfold everything").click()
    assert all(answer.is_visible() for answer in answers.all())
    page.get_by_role("button", name="Fold everything").click()
    assert not any(answer.is_visible() for answer in answers.all())
    page.evaluate("location.hash = '#common-mistakes'")
    page.locator("#common-mistakes ~ *, .bn-answer:visible").first.wait_for()
    assert "N·H·W" in page.locator(".bn-answer:visible").inner_text()


def test_a_link_within_the_page_closes_nothing(visit):
    page = visit(CARD)
    answers = page.locator(".bn-answer")
    page.locator("summary").first.click()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    contents = page.locator(".md-nav--secondary")
    contents.get_by_text("Follow-ups", exact=True).click()
    page.wait_for_url(f"**/{CARD}#follow-ups")
    contents.get_by_text("Full answer", exact=True).click()
    answers.nth(1).wait_for()
    page.go_back()
    page.wait_for_url(f"**/{CARD}#follow-ups")
    page.wait_for_timeout(300)
    assert not [url for url in asked if CARD in url], "the page was loaded anew"
    assert answers.nth(0).is_visible()
    assert answers.nth(1).is_visible()


def test_who_goes_back_before_the_next_page_has_come_stays(visit):
    page = visit(CARD)
    page.locator(".md-nav--secondary").get_by_text("Follow-ups", exact=True).click()
    held = []
    page.route("**/exercises/**", lambda route: held.append(route))
    page.get_by_role("article").locator("a[href*='/exercises/']:visible").first.click()
    page.wait_for_url("**/exercises/**")
    page.go_back()
    page.wait_for_url(f"**/{CARD}#follow-ups")
    for route in held:
        route.continue_()
    page.wait_for_timeout(500)
    assert page.locator("h1").inner_text().startswith("Which variance")


def test_every_formula_of_the_site_renders(visit, site):
    page = visit(CARD)
    page.get_by_role("button", name="Unfold everything").click()
    page.locator(".arithmatex .katex").first.wait_for()
    assert page.locator(".arithmatex:not(:has(.katex))").count() == 0
    wrong = page.evaluate(
        """async (pages) => {
            const wrong = [];
            let formulas = 0;
            for (const name of pages) {
                const text = await (await fetch(name)).text();
                const page = new DOMParser().parseFromString(text, "text/html");
                for (const { textContent } of page.querySelectorAll(".arithmatex")) {
                    formulas += 1;
                    try { katex.renderToString(textContent.trim().slice(2, -2)); }
                    catch (error) { wrong.push(name + ": " + error.message); }
                }
            }
            return formulas > 10 ? wrong : ["only " + formulas + " formulas"];
        }""",
        ["/" + f.relative_to(site).as_posix() for f in _with_formulas(site)],
    )
    assert wrong == []


def _with_formulas(site):
    pages = site.rglob("index.html")
    return [page for page in pages if 'class="arithmatex"' in page.read_text(encoding="utf-8")]


def test_a_page_without_formulas_does_not_load_katex(visit):
    page = visit("exercises/")
    assert page.evaluate("typeof katex") == "undefined"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_kind_of_page_fits_a_phone(visit, home, scheme):
    phone = {"viewport": {"width": 390, "height": 844}, "color_scheme": scheme}
    page = visit(**phone)
    for kind, path in KINDS.items():
        page.goto(home + path)
        page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
        assert page.evaluate("document.documentElement.scrollWidth") == 390, kind
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        red = int(paper.removeprefix("rgb(").partition(",")[0])
        assert (red < 60) == (scheme == "dark"), kind


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visit, home, scheme):
    axe = node_modules(ROOT) / "axe-core" / "axe.min.js"
    page = visit(color_scheme=scheme, reduced_motion="reduce")
    for kind, path in KINDS.items():
        page.goto(home + path)
        if kind == "exercise":
            page.locator(".cm-editor").wait_for()
        if kind in ("card", "exercise"):
            page.evaluate("for (const f of document.querySelectorAll('details')) f.open = true")
        page.add_script_tag(path=axe)
        found = page.evaluate("axe.run().then((result) => result.violations)")
        seen = [(one["id"], node["html"]) for one in found for node in one["nodes"]]
        assert seen == [], kind


def test_print_unfolds_and_folds_again(visit):
    page = visit(CARD)
    page.emulate_media(media="print")
    last = page.locator(".bn-answer").last
    # Without a script, by the style alone ...
    assert last.evaluate("(answer) => answer.getBoundingClientRect().height") > 50
    assert not page.locator(".md-header").is_visible()
    assert not page.locator("[data-tools]").is_visible()
    # ... and by the script, for browsers whose style cannot open a fold.
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0


def test_flash_cards_by_keyboard(visit):
    page = visit("flash-cards/")
    shown = page.locator(".bn-flash.bn-shown")
    shown.wait_for()
    first = shown.get_attribute("data-card")
    assert not shown.locator(".bn-answer").is_visible()
    page.keyboard.press("3")  # a grade before the answer means nothing
    assert shown.get_attribute("data-card") == first
    page.keyboard.press("Space")
    assert shown.locator(".bn-answer").is_visible()
    assert "Good" in page.locator(".bn-grades").inner_text()
    page.keyboard.press("3")
    second = shown.get_attribute("data-card")
    assert second != first
    assert not shown.locator(".bn-answer").is_visible()
    page.keyboard.press("u")
    assert shown.get_attribute("data-card") == first
    page.keyboard.press("Space")
    page.keyboard.press("4")
    page.reload()
    shown.wait_for()
    assert shown.get_attribute("data-card") == second, "what was graded is asked again at once"
    known = json.loads(page.evaluate("localStorage.getItem('bnbank.flash-cards')"))
    assert list(known) == [first]
    assert known[first]["reps"] == 1
    assert known[first]["due"] > known[first]["last_review"]


def test_a_flash_card_comes_back_when_it_is_due(visit):
    page = visit("flash-cards/")
    page.locator(".bn-flash.bn-shown").wait_for()
    seen = []
    for _ in range(10):
        seen.append(page.locator(".bn-flash.bn-shown").get_attribute("data-card"))
        page.keyboard.press("Space")
        page.keyboard.press("4")
    assert len(set(seen)) == 10
    assert "Done for today" in page.locator("[data-said]").inner_text()
    page.evaluate(
        """(name) => {
            const known = JSON.parse(localStorage.getItem("bnbank.flash-cards"));
            known[name].due = new Date(Date.now() - 60_000).toISOString();
            localStorage.setItem("bnbank.flash-cards", JSON.stringify(known));
        }""",
        seen[4],
    )
    page.reload()
    page.locator(".bn-flash.bn-shown").wait_for()
    assert page.locator(".bn-flash.bn-shown").get_attribute("data-card") == seen[4]


def test_a_lost_reader_is_shown_what_is_near(visit):
    page = visit("questions/variance/two-variances/")
    link = page.get_by_role("link", name="Which variance does batch norm remember?")
    link.wait_for()
    link.click()
    page.wait_for_url(f"**/{CARD}")


def test_next_goes_along_the_path_by_instant_loading(visit):
    path = Bank.load(ROOT).paths[0]
    page = visit(path.steps[0].replace(".md", "/"))
    page.evaluate("window.still = document.querySelector('[data-tools] button').className = 'here'")
    page.locator('.bn-along [rel="next"]').first.click()
    page.wait_for_url(f"**/{path.steps[1].replace('.md', '/')}")
    assert page.evaluate("window.still") == "here"
    page.locator("[data-tools] button:not(.here)").wait_for()  # the new page is made ready, too


def test_without_a_server_it_can_be_read(visit, tmp_path_factory):
    """From file://, as after unpacking the zip: links, folds, formulas, search, flash cards."""
    folder = sites.shared(tmp_path_factory, "offline")
    page = visit((folder / "index.html").as_uri())
    page.get_by_text("Say it aloud").click()
    page.get_by_role("link", name="The whole answer").click()
    page.wait_for_url("**/two-variances.html")
    page.get_by_role("button", name="Unfold everything").click()
    page.locator(".arithmatex .katex").first.wait_for()
    page.keyboard.press("/")
    page.keyboard.type("layer norm transformers")
    page.locator(".md-search-result__link").first.wait_for()
    page.goto((folder / "flash-cards.html").as_uri())
    page.locator(".bn-flash.bn-shown").wait_for()
    page.keyboard.press("Space")
    assert page.locator(".bn-shown .bn-answer").is_visible()
    page.goto((folder / "exercises" / "bn2d.html").as_uri())
    assert "class BatchNorm2D" in page.locator(".bn-practice").inner_text()
