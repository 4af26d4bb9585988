"""For mkdocs: says what to run where there are no pages yet, and makes them anew while serving."""

import logging
import sys
from pathlib import Path

from mkdocs.exceptions import Abort

ROOT = Path(__file__).parents[3]
log = logging.getLogger("mkdocs.bnbank")
serving = False

if not (ROOT / "build" / "docs" / "index.md").is_file():
    raise Abort("There are no pages in build/docs yet. First: bnbank site    Or both: make site")


def on_startup(command, dirty):
    """Note whether pages have to follow their sources."""
    global serving
    serving = command == "serve"


def on_pre_build(config):
    """Make the pages anew from cards and exercises; what has not changed is not touched."""
    if serving:
        sys.path.insert(0, str(ROOT))
        from bnbank import site

        site.build(ROOT, config.docs_dir, with_notebooks=False, with_assets=False)


def on_serve(server, config, builder):
    """Watch the sources alone: the pages change only when these do, and once is enough."""
    server.unwatch(config.docs_dir)
    return server
