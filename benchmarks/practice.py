"""What practice in the page costs: bytes, the time until Python is ready, from click to verdict.

`python benchmarks/practice.py` writes the tables to benchmarks/practice.md; it needs npm and
Chromium. The server is this machine, so the times are those of work, not of a network.
"""

import gzip
import os
import platform
import statistics
import sys
import tempfile
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "proofs")]

import sites  # noqa: E402
from headlines import note  # noqa: E402

STARTS = 5
CHECKS = 30
SETTLED = 4_000  # milliseconds for which a person reads before the first check
PACKED = (".whl", ".zip")
PARTS = {
    "on every page": ("practice.js", "chunk-*.js"),
    "an exercise's page: the editor": ("exercise-*.js",),
    "once Python starts: Pyodide": ("worker.js", "pyodide/pyodide*"),
    "once Python starts: its standard library": ("pyodide/python_stdlib.zip",),
    "once Python starts: NumPy": ("pyodide/*.whl",),
    "once Python starts: the bank's grader": ("bank.json",),
    "an exercise's files: bn2d": ("exercises/bn2d.json",),
}
HEADLINES = []  # for the table of all benchmarks
READY = "document.querySelector('.bn-status').textContent === 'Python is ready'"
# From the click to the moment at which the verdict stands in the page.
CLICK = """async () => {
  const results = document.querySelector('.bn-results');
  results.replaceChildren();
  const start = performance.now();
  const seen = new Promise((resolve) => {
    new MutationObserver((_, observer) => {
      observer.disconnect();
      resolve(performance.now() - start);
    }).observe(results, { childList: true });
  });
  document.querySelector('.bn-main').click();
  return [await seen, results.innerText];
}"""


def main():
    """Measure, print the tables, write them."""
    with tempfile.TemporaryDirectory() as folder:
        project = sites.project(Path(folder))
        with sites.served(project / "site", Server) as address:
            sites.built(project, "site", *sites.STRICT, BNBANK_SITE_URL=address)
            with sync_playwright() as driver:
                browser = driver.chromium.launch(
                    executable_path=sites.chromium(), args=sites.ARGUMENTS
                )
                lines = [
                    "# What practice in the page costs",
                    "",
                    f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
                    f"Chromium {browser.version}.",
                    "",
                    *size(project / "site" / "assets" / "practice"),
                    "",
                    *starting(browser, address),
                    "",
                    *checking(browser, address),
                ]
    text = "\n".join(lines) + "\n"
    print(text)
    (ROOT / "benchmarks" / "practice.md").write_text(text, encoding="utf-8")
    note("practice", HEADLINES)


class Server(SimpleHTTPRequestHandler):
    """Serves with the cache times of GitHub Pages."""

    def end_headers(self):
        self.send_header("Cache-Control", "max-age=600")
        super().end_headers()

    def log_message(self, *said):
        pass


def size(assets):
    """Rows: what is loaded when, gzipped as a server sends it."""
    yield "| loaded | kB, gzipped |"
    yield "|---|---|"
    for name, patterns in PARTS.items():
        files = [file for pattern in patterns for file in assets.glob(pattern)]
        yield f"| {name} | {sum(map(sent, files)) / 1000:,.0f} |"
    exercises = [sent(file) for file in (assets / "exercises").glob("*.json")]
    middle, most = statistics.median(exercises) / 1000, max(exercises) / 1000
    yield f"| the same: median of {len(exercises)}, largest | {middle:.0f}, {most:.0f} |"


def sent(file):
    """The bytes of a file as they are sent."""
    content = file.read_bytes()
    return len(content if file.suffix in PACKED else gzip.compress(content, 6))


def starting(browser, address):
    """Rows: from the first focus to Python ready, with nothing in the cache and with all of it."""
    cold, warm = [], []
    for _ in range(STARTS):
        context = browser.new_context()
        for times in (cold, warm):
            page = open_exercise(context, address)
            times.append(until_ready(page))
            page.close()
        context.close()
    yield "| from the first focus until Python is ready, in seconds | median | min | max |"
    yield "|---|---|---|---|"
    yield row("nothing cached", cold, 2)
    yield row("all cached", warm, 2)


def open_exercise(context, address):
    page = context.new_page()
    page.goto(f"{address}exercises/bn2d/")
    page.locator(".cm-content").wait_for()
    return page


def until_ready(page):
    """Seconds from the focus."""
    start = page.evaluate(
        "() => { document.querySelector('.cm-content').focus(); return performance.now(); }"
    )
    page.wait_for_function(READY, polling=20, timeout=120_000)
    return (page.evaluate("performance.now()") - start) / 1000


def checking(browser, address):
    """Rows: from the click on Check to the verdict in the page."""
    reference = (ROOT / "solutions/bn2d/reference.py").read_text(encoding="utf-8")
    starter = (ROOT / "solutions/bn2d/starter.py").read_text(encoding="utf-8")
    attempts = {
        "the starter": (starter, "not written yet"),
        "a known mistake, named": (reference.replace("* m / (m - 1)", ""), "Hint 1 of 2"),
        "solved": (reference, "bn2d: solved"),
    }
    yield "| from click to verdict, in milliseconds | the first | median of the next | max |"
    yield "|---|---|---|---|"
    for name, (text, said) in attempts.items():
        context = browser.new_context()
        page = open_exercise(context, address)
        until_ready(page)
        page.locator(".cm-content").click()
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(text)
        page.wait_for_timeout(SETTLED)
        times = []
        for _ in range(CHECKS + 1):
            took, told = page.evaluate(CLICK)
            assert said in told, told
            times.append(took)
            page.wait_for_timeout(200)
        first, *rest = times
        median = f"{statistics.median(rest):.0f}"
        yield f"| {name} | {first:.0f} | {median} | {max(rest):.0f} |"
        HEADLINES.append((f"click to verdict, {name}, median ms", median, "50"))
        context.close()


def row(name, values, digits):
    figures = (statistics.median(values), min(values), max(values))
    return f"| {name} | " + " | ".join(f"{figure:.{digits}f}" for figure in figures) + " |"


if __name__ == "__main__":
    main()
