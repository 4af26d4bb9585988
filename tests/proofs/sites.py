"""Building the site in a folder of its own, with either generator, and serving it to a browser."""

import functools
import gzip
import os
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from filelock import FileLock

from bnbank import site

ROOT = Path(__file__).parents[2]
ANYWHERE = "http://site.invalid/"  # stands for the address in a site that is built to be served
STRICT = ("mkdocs", "build", "--strict")
KINDS = {
    "mkdocs": (STRICT, {"BNBANK_SITE_URL": ANYWHERE}),
    "zensical": (("zensical", "build"), {"BNBANK_SITE_URL": ANYWHERE}),
    "offline": (STRICT, {"BNBANK_OFFLINE": "true"}),
}
ARGUMENTS = [  # of Chromium: nothing but the page
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def project(folder):
    """Make `folder` hold mkdocs.yml and all pages, as `bnbank site` leaves them.

    Where npm cannot get its packages the proof is skipped, in CI it fails.
    """
    (folder / "bnbank").mkdir(parents=True)
    shutil.copytree(ROOT / "bnbank" / "web" / "site", folder / "bnbank" / "web" / "site")
    for watched in ("questions", "solutions"):
        (folder / watched).mkdir()
    try:
        site.build(ROOT, folder / "build" / "docs", with_notebooks=False)
    except site.assets.NoPackages as reason:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(reason))
    shutil.copy(ROOT / "mkdocs.yml", folder)
    return folder


def built(project, name, *generator, **environment):
    """The folder `name` of a project with the site that a generator makes of it.

    generator     its module and arguments
    environment   what mkdocs.yml reads, such as BNBANK_SITE_URL
    """
    done = subprocess.run(
        [sys.executable, "-m", *generator],
        cwd=project,
        env={
            **os.environ,
            "NO_MKDOCS_2_WARNING": "1",
            "NO_COLOR": "1",
            "BNBANK_SITE_DIR": name,
            **environment,
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return project / name


def shared(factory, kind):
    """The site of one KIND, built once for all workers of a run.

    factory   pytest's tmp_path_factory
    """
    base = factory.getbasetemp()
    base = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder = base / "site-project"
    generator, environment = KINDS[kind]
    with FileLock(base / "site.lock"):
        if not (folder / "mkdocs.yml").is_file():
            shutil.rmtree(folder, ignore_errors=True)
            project(folder)
        if not (folder / kind).is_dir():
            built(folder, kind, *generator, **environment)
    return folder / kind


def chromium():
    """The Chromium of the system, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next(filter(None, map(shutil.which, names)), None)


@contextmanager
def served(folder, handler=None):
    """Serve a folder while the block runs; gives the address.

    handler     how; if left out as GitHub Pages does, and with the address in the place of ANYWHERE
    """
    handler = functools.partial(handler or _Server, directory=folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


class _Server(SimpleHTTPRequestHandler):
    """Serves as GitHub Pages does: texts compressed, with a page of its own for what is missing."""

    def do_GET(self):
        file = Path(self.translate_path(self.path))
        file = file / "index.html" if file.is_dir() else file
        found = file.is_file()
        file = file if found else Path(self.directory, "404.html")
        content, kind = file.read_bytes(), self.guess_type(file)
        self.send_response(200 if found else 404)
        if kind.startswith("text/html") or kind.endswith("xml"):
            address = "http://{}:{}/".format(*self.server.server_address)
            content = content.replace(ANYWHERE.encode(), address.encode())
        if kind.startswith("text/") or kind.endswith(("javascript", "json", "svg+xml")):
            content = gzip.compress(content, 5)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with suppress(ConnectionError):  # a reader who has gone on
            self.wfile.write(content)

    def log_message(self, *said):
        pass
