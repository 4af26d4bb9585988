"""Styles, scripts, and what comes from npm packages by exact version: fonts, KaTeX, the scheduler.

Everything is copied beside the pages, so that no page asks another host for anything.
"""

import json
from pathlib import Path

from bnbank import practice_page

WEB = Path(__file__).parents[1] / "web" / "site"
PRACTICE = "assets/practice"  # written by practice_page
OWN = ("site.css", "site.js", "flash-cards.js", "logo.svg")
FONTS = {
    "@fontsource-variable/source-serif-4": "source-serif-4-{}-wght-{}.woff2",
    "@fontsource-variable/jetbrains-mono": "jetbrains-mono-{}-wght-{}.woff2",
}
NoPackages = practice_page.Unavailable


def files(root):
    """{path: file} of the styles and scripts of our own."""
    return {f"assets/site/{name}": WEB / name for name in OWN}


def packages(root):
    """{path: file} of fonts, KaTeX and the scheduler of the flash cards, with their licences.

    Raises NoPackages if npm cannot get them.
    """
    modules = practice_page.node_modules(root)
    katex, fsrs = modules / "katex", modules / "ts-fsrs"
    found = {
        "assets/site/katex/katex.min.css": katex / "dist" / "katex.min.css",
        "assets/site/katex/katex.min.js": katex / "dist" / "katex.min.js",
        "assets/site/katex/LICENSE.txt": katex / "LICENSE",
        "assets/site/ts-fsrs.js": _without_map(fsrs / "dist" / "index.umd.js"),
        "assets/site/ts-fsrs-LICENSE.txt": fsrs / "LICENSE",
        "assets/site/iframe-worker.js": modules / "iframe-worker" / "shim" / "index.js",
        "assets/site/iframe-worker-LICENSE.txt": modules / "iframe-worker" / "LICENSE",
    }
    for file in (katex / "dist" / "fonts").glob("*.woff2"):
        found[f"assets/site/katex/fonts/{file.name}"] = file
    for package, name in FONTS.items():
        folder = modules / package
        found[f"assets/site/fonts/{package.split('/')[1]}-LICENSE.txt"] = folder / "LICENSE"
        for subset in ("latin", "greek"):
            for style in ("normal", "italic"):
                file = name.format(subset, style)
                found[f"assets/site/fonts/{file}"] = folder / "files" / file
    versions = {p: _version(modules / p) for p in ("katex", "ts-fsrs", "iframe-worker", *FONTS)}
    return found | {"assets/site/versions.json": json.dumps(versions, indent=1) + "\n"}


def practice(root, out):
    """Write what grading in the page needs. Raises NoPackages."""
    practice_page.build(root, out)


def _version(folder):
    return json.loads((folder / "package.json").read_text(encoding="utf-8"))["version"]


def _without_map(script):
    """A script without the line that would make a browser's tools ask for its source map."""
    lines = script.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("//# sourceMappingURL")) + "\n"
