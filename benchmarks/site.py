"""What the site costs: building it, loading a page, and what Lighthouse and axe say of it.
`python benchmarks/site.py` writes the tables to benchmarks/site.md; it needs npm and Chromium.
"""

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "proofs")]

import sites  # noqa: E402
from headlines import note  # noqa: E402

from bnbank import cards, practice_page, site  # noqa: E402

LIGHTHOUSE = "lighthouse@12.8.2"
PAGES = {
    "home": "",
    "card": "questions/statistics/two-variances/",
    "exercise": "exercises/bn2d/",
}
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
KINDS = ("document", "stylesheet", "script", "font")
SCHEMES = ("light", "dark")
RUNS = 3  # of Lighthouse a page; the median counts
SYNTHETIC = 1000


def main():
    """Measure, print the tables, write them, and the headlines into benchmarks/README.md."""
    headlines = []
    with tempfile.TemporaryDirectory() as folder:
        lines = []
        for line in report(Path(folder), headlines):
            print(line, flush=True)
            lines.append(line)
    (ROOT / "benchmarks" / "site.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    note("site", headlines)


def report(folder, headlines):
    """The lines of the report; puts (what, measured, goal) of the chief figures into headlines."""
    mkdocs, zensical = (package_version(name) for name in ("mkdocs-material", "zensical"))
    yield "# What the site costs"
    yield ""
    yield f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores,"
    yield f"Python {platform.python_version()}, mkdocs-material {mkdocs}, Zensical {zensical}."
    yield ""
    yield "| build, in seconds | CPU | wall | pages | MB |"
    yield "|---|---|---|---|---|"
    project = sites.project(folder / "ours")
    number = len(cards.find(ROOT))
    yield from built(project, ROOT, f"our {number} cards", headlines)
    (folder / "synthetic").mkdir()
    bank = synthetic(folder / "synthetic")
    yield from built(bare(folder / "bare"), bank, f"{SYNTHETIC:,} synthetic cards", headlines)
    yield ""
    yield from in_the_browser(project, headlines)


def package_version(name):
    """The installed version of a package."""
    from importlib.metadata import version

    return version(name)


def built(project, bank, name, headlines):
    """Rows: the pages, then both generators."""
    docs = project / "build" / "docs"
    pages, cpu, wall = timed(
        lambda: site.build(bank, docs, with_notebooks=False, with_assets=False)
    )
    yield f"| {name}: `bnbank site` | {cpu:.1f} | {wall:.1f} | {pages} | {megabytes(docs)} |"
    for generator, command in (
        ("mkdocs build", ("mkdocs", "build")),
        ("zensical build", ("zensical", "build")),
    ):
        out, cpu, wall = timed(lambda c=command: sites.built(project, c[0], *c))
        number = len(list(out.rglob("*.html")))
        headlines.append((f"{generator} of {name}, CPU seconds", f"{cpu:.1f}", ""))
        yield f"| {name}: `{generator}` | {cpu:.1f} | {wall:.1f} | {number} | {megabytes(out)} |"


def timed(function):
    """What a function returns, its CPU seconds with those of its processes, its wall time."""
    start = time.perf_counter(), cpu_seconds()
    result = function()
    return result, cpu_seconds() - start[1], time.perf_counter() - start[0]


def cpu_seconds():
    children = getrusage(RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def megabytes(folder):
    """The size of the files of a folder, what in-page practice ships left out."""
    files = (f for f in folder.rglob("*") if f.is_file() and "practice" not in f.parts)
    return f"{sum(file.stat().st_size for file in files) / 1e6:.1f}"


def synthetic(bank):
    """A bank whose cards are ours, copied under other names until there are 1,000."""
    for name in ("solutions", "tests", "notebooks", "references.bib"):
        (bank / name).symlink_to(ROOT / name)
    found = cards.find(ROOT)
    for number in range(SYNTHETIC):
        source = found[number % len(found)]
        copy = bank / source.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        round_ = number // len(found)
        name = copy.name if not round_ else f"{copy.stem}-{round_}.md"
        copy.with_name(name).write_bytes(source.read_bytes())
    for page in cards.pages(ROOT):
        copy = bank / page.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(page, copy)
    shutil.copytree(ROOT / "questions" / "figures", bank / "questions" / "figures")
    return bank


def bare(folder):
    """A project without pages."""
    shutil.copytree(ROOT / "bnbank" / "web" / "site", folder / "bnbank" / "web" / "site")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    for name in ("questions", "solutions"):
        (folder / name).mkdir()
    return folder


def in_the_browser(project, headlines):
    """Bytes over the wire, Lighthouse on a desktop, findings of axe in light and dark."""
    from playwright.sync_api import sync_playwright

    axe = practice_page.node_modules(ROOT) / "axe-core" / "axe.min.js"
    built_site = sites.built(project, "site", *sites.STRICT, BNBANK_SITE_URL=sites.ANYWHERE)
    with sites.served(built_site) as address:
        yield "| first visit, gzipped kB | page | styles | scripts | fonts | search, rest | all |"
        yield "|---|---|---|---|---|---|---|"
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=sites.chromium(), args=sites.ARGUMENTS)
            for name, path in PAGES.items():
                sizes = loaded(browser, address + path)
                all_of_it = sum(sizes.values())
                kinds = [sizes.pop(kind, 0) for kind in KINDS]
                row = " | ".join(
                    f"{n / 1000:.0f}" for n in (*kinds, sum(sizes.values()), all_of_it)
                )
                yield f"| {name} | {row} |"
                headlines.append((f"{name}, first visit, kB", f"{all_of_it / 1000:.0f}", ""))
            findings = {
                (name, scheme): axe_findings(browser, address + path, scheme, axe)
                for name, path in PAGES.items()
                for scheme in SCHEMES
            }
            browser.close()
        yield ""
        what = f"{LIGHTHOUSE.replace('@', ' ')}, desktop, median of {RUNS}"
        yield f"| {what} | {' | '.join(CATEGORIES)} | axe, light | dark |"
        yield "|---|---|---|---|---|---|---|"
        for name, path in PAGES.items():
            scores = lighthouse(address + path)
            row = " | ".join(f"{100 * scores[category]:.0f}" for category in CATEGORIES)
            yield f"| {name} | {row} | {findings[name, 'light']} | {findings[name, 'dark']} |"
            least = 100 * min(scores.values())
            headlines.append((f"Lighthouse of {name}, the least of four", f"{least:.0f}", "95"))
            number = sum(findings[name, scheme] for scheme in SCHEMES)
            headlines.append((f"axe findings on {name}, light and dark", str(number), "0"))


def loaded(browser, address):
    """{kind: bytes} of what a first visit loads."""
    page = browser.new_page()
    requests = []
    page.on("requestfinished", lambda request: requests.append(request))
    page.goto(address, wait_until="networkidle")
    sizes = Counter()
    for request in requests:
        sizes[request.resource_type] += request.sizes()["responseBodySize"]
    page.close()
    return sizes


def axe_findings(browser, address, scheme, axe):
    """How many elements axe finds fault with, everything unfolded."""
    page = browser.new_page(color_scheme=scheme)
    page.goto(address, wait_until="networkidle")
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    page.add_script_tag(path=axe)
    found = page.evaluate("axe.run().then((result) => result.violations)")
    page.close()
    return sum(len(one["nodes"]) for one in found)


def lighthouse(address):
    """{category: median score}, from 0 to 1."""
    flags = " ".join(sites.ARGUMENTS)
    scores = []
    for _ in range(RUNS):
        done = subprocess.run(
            [
                *("npx", "--yes", LIGHTHOUSE, address, "--preset=desktop", "--quiet"),
                *("--output=json", f"--chrome-flags={flags}"),
            ],
            env={**os.environ, "CHROME_PATH": sites.chromium()},
            stdout=subprocess.PIPE,
            check=True,
        )
        categories = json.loads(done.stdout)["categories"]
        scores.append({name: categories[name]["score"] for name in CATEGORIES})
    return {name: statistics.median(run[name] for run in scores) for name in CATEGORIES}


if __name__ == "__main__":
    main()
