"""The site's pages, made from cards, exercises and notebooks before a site generator runs.

Everything is plain Markdown, so that mkdocs-material and Zensical build the same site from it.
`build` writes a folder; nothing in it is edited by hand, and none of it is in git.
"""

import os
from pathlib import Path

from bnbank.site import assets, data, exercises, lists, questions
from bnbank.site import notebooks as notebook_pages
from bnbank.site.bank import Bank

MARK = ".bnbank-site"  # says that a folder is a build's own


def build(root, out, with_notebooks=True, with_assets=True):
    """Write all pages of the bank at `root` into the folder `out`.

    with_notebooks  run the notebooks that have changed, and show what came out; without, a page
                    says how to run each
    with_assets     take fonts, KaTeX and in-page practice from their packages; needs npm

    Returns the number of pages. Files of an earlier build that have no source any more are
    removed; unchanged ones are not touched, so that a server rebuilds only for a reason.
    Raises assets.NoPackages if the packages cannot be had, and FileExistsError if the folder holds
    what no build has written.
    """
    root, out = Path(root).resolve(), Path(out).resolve()
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file():
        raise FileExistsError(f"{out} holds other files, which a build would remove")
    bank = Bank.load(
        root,
        repository=os.environ.get("BNBANK_REPOSITORY", "").rstrip("/"),
        url=os.environ.get("BNBANK_SITE_URL", "").rstrip("/"),
    )
    files = {MARK: "Made by `bnbank site`; what is changed here is lost with the next one.\n"}
    for part in (questions, exercises, lists, data):
        files |= part.pages(bank)
    files |= notebook_pages.pages(bank, run=with_notebooks)
    files |= assets.files(root)
    if with_assets:
        files |= assets.packages(root)
    _write(out, files, keep=() if with_assets else ("assets",))
    if with_assets:
        assets.practice(root, out)
    return sum(name.endswith(".md") for name in files)


def _write(out, files, keep):
    """Make `out` hold these files: {path below out: text, bytes or the Path to copy}."""
    for name, content in files.items():
        file = out / name
        if isinstance(content, Path):
            content = content.read_bytes()
        elif isinstance(content, str):
            content = content.encode()
        if not file.is_file() or file.read_bytes() != content:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
    for file in list(out.rglob("*")):
        name = file.relative_to(out).as_posix()
        if file.is_file() and name not in files and not name.startswith((*keep, assets.PRACTICE)):
            file.unlink()
