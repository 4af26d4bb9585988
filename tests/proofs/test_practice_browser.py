"""Practice in a real browser, on the site as it is built: write, be told, be stopped, go on."""

import json
from pathlib import Path

import pytest
from test_learner_view import BIASED
from test_site_browser import browser, home, site, visit  # noqa: F401  (fixtures)

from bnbank import practice_page
from bnbank.practice_page import node_modules
from bnbank.progress import Progress

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "proofs" / "golden"
BN2D = "exercises/bn2d/"
IN_TIME = 60_000  # milliseconds, for the first start on a machine that does something else, too
LOOP = ("        self._refuse(x, uses_batch)", "        while True: pass")
REFERENCE = (ROOT / "solutions/bn2d/reference.py").read_text(encoding="utf-8")


def told(golden, *beginnings):
    """The lines of a golden text that begin so, as pytest has them."""
    text = (GOLDEN / f"{golden}.txt").read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines()]
    return [next(line for line in lines if line.startswith(b)) for b in beginnings]


def with_change(change):
    right, wrong = change
    assert right in REFERENCE
    return REFERENCE.replace(right, wrong)


def write(page, text):
    """Write an answer as a person does: into the editor, in the place of what is there."""
    page.locator(".cm-content").first.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)


def verdict(page):
    """Wait for what is said of an attempt."""
    page.wait_for_function(
        "!document.querySelector('.bn-busy') && document.querySelector('.bn-results').innerText",
        timeout=IN_TIME,
    )
    return page.inner_text(".bn-results")


def check(page):
    """Check by the keyboard. Returns what is said."""
    page.evaluate("document.querySelector('.bn-results').replaceChildren()")
    page.locator(".cm-content").first.press("Control+Enter")
    return verdict(page)


def pythons(page):
    """The workers that run Python; the search has one of its own."""
    return [worker for worker in page.workers if "/practice/" in worker.url]


def findings(page):
    """What axe finds wrong on the page as it stands."""
    page.evaluate((node_modules(ROOT) / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    violations = page.evaluate("axe.run().then(({ violations }) => violations)")
    return [(v["id"], [node["target"] for node in v["nodes"]]) for v in violations]


def test_write_be_told_solve_and_go_on(visit, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.delenv("BNBANK_PROGRESS", raising=False)
    page = visit(BN2D)
    write(page, with_change(BIASED))
    said = check(page)
    for line in told("known_mistake", "training: running_var", "running_var differs", "Hint 1"):
        assert line in said
    assert "10 of 14 checks agree with torch. Not solved yet." in said
    assert findings(page) == []
    page.get_by_role("button", name="the next hint").click()
    page.get_by_text("Hint 2 of 2: Evaluation wants the variance").wait_for()

    write(page, REFERENCE)
    said = check(page)
    for line in told("solved", "bn2d: solved", "A channel is one population"):
        assert line in said
    page.get_by_role("button", name="the reference").click()
    assert "class BatchNorm2D" in page.inner_text(".bn-reference")
    assert findings(page) == []

    # Another page by instant loading: the same Python grades at once.
    page.evaluate("window.still = 'here'")
    [python] = pythons(page)
    following = page.locator(".bn-results a[href*='/exercises/']")
    id = following.inner_text()
    following.click()
    page.locator(f"[data-exercise={id}] .cm-content").wait_for()
    assert f"{id}: not written yet" in check(page)
    assert page.evaluate("window.still") == "here"
    assert pythons(page) == [python]

    # Work and progress are there after a reload, and travel as one file.
    page.locator(".cm-content").press_sequentially("# mine")
    page.reload()
    page.get_by_text("# mine").wait_for()
    page.goto(page.url.replace(f"{id}/", ""))
    page.wait_for_function("document.querySelector('[data-progress=bn2d]').innerText")
    assert page.locator("[data-progress=bn2d]").inner_text() == "solved, reference seen"
    assert page.locator(f"[data-progress={id}]").inner_text() == "started"
    with page.expect_download() as download:
        page.get_by_role("button", name="Export progress").click()
    download.value.save_as(tmp_path / "exported.json")
    here = Progress(tmp_path)
    here.merge((tmp_path / "exported.json").read_text(encoding="utf-8"))
    assert here.is_solved("bn2d")
    assert here.of("bn2d")["hints"] == {"stores_the_biased_variance": 2}
    other = {"rms_norm": {"attempts": 2, "solved": "2026-01-31", "of_tomorrow": 5}}
    (tmp_path / "other.json").write_text(json.dumps(other))
    page.set_input_files("input[type=file]", tmp_path / "other.json")
    page.get_by_text("Taken in, with 1 newly solved; 2 are solved in all.").wait_for(
        timeout=IN_TIME
    )
    assert page.locator("[data-progress=rms_norm]").inner_text() == "solved"
    page.wait_for_function("document.querySelector('[data-progress=bn2d]').innerText")
    assert page.locator("[data-progress=bn2d]").inner_text() == "solved, reference seen"


def test_what_hangs_or_dies_is_ended_and_python_starts_again(browser, home):  # noqa: F811
    # Not by `visit`: Pyodide says on the console that it dies.
    page = browser.new_page()
    page.route("**/exercises/bn2d.json", in_one_second)
    page.goto(home + BN2D)
    write(page, with_change(LOOP))
    said = check(page)
    for line in told("endless_loop", "training: every channel", "The attempt was still running"):
        assert line in said

    page.unroute("**/exercises/bn2d.json")  # Python starts anew, and has 10 s again
    check_button, stop = (page.get_by_role("button", name=name) for name in ("Check", "Stop"))
    assert stop.is_disabled()
    check_button.click()
    page.get_by_text("Running ...").wait_for(timeout=IN_TIME)
    stop.click()
    assert "You stopped it." in verdict(page)

    write(page, "import os\nos.abort()")
    assert "Python came to an end" in check(page)

    write(page, with_change(LOOP))
    page.get_by_role("button", name="Reset").click()
    page.get_by_role("button", name="Start over").click()
    assert "not written yet" in check(page)
    page.get_by_role("button", name="Reset").click()
    page.get_by_role("button", name="Bring my answer back").click()
    assert "while True" in page.inner_text(".cm-content")
    page.close()


def in_one_second(route):
    """Serve an exercise with less time for its attempts."""
    files = route.fetch().json()
    assert files["seconds"] == 10
    route.fulfill(json={**files, "seconds": 1})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_telephone(visit, scheme):  # noqa: F811
    page = visit(BN2D, viewport={"width": 390, "height": 844}, color_scheme=scheme)
    write(page, "print('hello')\n1 / 0")
    page.get_by_role("button", name="Run").click()
    said = verdict(page)
    assert said.startswith("hello")
    assert "line 2: 1 / 0" in said
    assert "ZeroDivisionError: division by zero" in said
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    dark = brightness(page, ".bn-foot") < 0.2
    assert dark == (scheme == "dark")
    assert findings(page) == []
    page.get_by_role("button", name="line 2").click()
    assert "1 / 0" in page.evaluate("String(getSelection())")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className").startswith("cm-content")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Check"


def brightness(page, selector):
    """Of an element's background, from 0 to 1."""
    colour = page.eval_on_selector(selector, "e => getComputedStyle(e).backgroundColor")
    values = [float(part) for part in colour.strip("rgba()").split(",")[:3]]
    return sum(values) / 3 / 255


def test_every_place_to_practise_has_its_files(site):  # noqa: F811
    served = {file.stem for file in (site / "assets/practice/exercises").glob("*.json")}
    places = {
        page.parent.name
        for page in (site / "exercises").glob("*/index.html")
        if f'data-exercise="{page.parent.name}"' in page.read_text(encoding="utf-8")
    }
    assert served == places == {exercise.id for exercise in practice_page.practised(ROOT)}
