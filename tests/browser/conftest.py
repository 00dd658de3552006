"""A real browser, and the site served to it by this machine alone."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).parents[2]
EYES = Path(__file__).parent / "eyes.js"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Options for a browser that runs in a container and makes no requests of its own."""

STYLE_AND_SCRIPTS = ("style.css", "columns.js", "search.js")
PATIENCE = 10_000
"""Milliseconds after which a wait has failed, even on a busy machine."""


def pytest_addoption(parser):
    parser.addoption(
        "--site",
        type=Path,
        default=ROOT / "comparisons/site",
        help="the folder that `study site` has written (default: comparisons/site)",
    )


@dataclass
class Site:
    """A folder and the address that serves it."""

    folder: Path
    address: str

    @property
    def pages(self):
        """The names of all pages, with the start page first."""
        names = sorted(path.name for path in self.folder.glob("*.html"))
        return sorted(names, key=lambda name: name != "index.html")

    def is_topic(self, name):
        """Return whether a page is that of a topic, which has a trace."""
        return (self.folder / name).with_suffix(".trace.json").exists()

    def weight(self, name):
        """Return the bytes of a page with its style and its scripts."""
        parts = (name, *STYLE_AND_SCRIPTS)
        return sum((self.folder / part).stat().st_size for part in parts)

    def largest(self, kind):
        """Return the name of the longest page of a kind, which shows most mistakes."""
        kinds = {
            "start": lambda name: name == "index.html",
            "pair": lambda name: "-to-" in name,
            "race": lambda name: name.startswith("race-"),
            "question": lambda name: name.startswith("question-"),
            "topic": self.is_topic,
        }
        if kind not in kinds:
            return f"{kind}.html"
        found = [name for name in self.pages if kinds[kind](name)]
        assert found, f"no {kind} page in {self.folder}"
        return max(found, key=lambda name: (self.folder / name).stat().st_size)


@dataclass
class Heard:
    """The requests and complaints of a browser context."""

    asked: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # a browser that leaves a page hangs up


@pytest.fixture(scope="session")
def site(pytestconfig):
    folder = pytestconfig.getoption("--site").resolve()
    if not (folder / "index.html").is_file():
        pytest.fail(
            f"There is no index.html in {folder}: make the site with `study site`,"
            " after `nox -s compare` has made the reports that it needs.",
            pytrace=False,
        )
    serve = partial(Quiet, directory=str(folder))
    with Server(("127.0.0.1", 0), serve) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield Site(folder, f"http://127.0.0.1:{server.server_port}/")
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="session")
def browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.fail(
            f"No browser on the PATH ({', '.join(BROWSERS)}):"
            " install one, as `apt-get install chromium` does.",
            pytrace=False,
        )
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        # launch() gives each browser a temporary profile, and takes it away.
        browser = playwright.chromium.launch(executable_path=path, args=[*QUIET])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def listen(site, browser):
    """``listen(**options)`` returns a browser context and a record of its requests."""

    def listen(**options):
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE)
        context.add_init_script(path=EYES)
        heard = Heard()

        def pass_on(route):
            url = route.request.url
            if url.startswith((site.address, site.folder.as_uri())):
                heard.asked.append(url)
                route.continue_()
            else:
                heard.outside.append(url)
                route.abort()

        def answered(response):
            if response.status >= 400:
                heard.complaints.append(f"{response.status} {response.url}")

        def said(message):
            if message.type in ("error", "warning"):
                heard.complaints.append(message.text)

        context.route("**/*", pass_on)
        context.on("response", answered)
        context.on("console", said)
        context.on("weberror", lambda error: heard.complaints.append(str(error.error)))
        return context, heard

    return listen


@pytest.fixture
def new_page(listen):
    """``new_page(**options)`` returns a page in a new browser context.

    The test fails if a page sends a request elsewhere or reports an error.
    """
    opened = []

    def new_page(**options):
        options = {"viewport": {"width": 1280, "height": 800}, **options}
        context, heard = listen(**options)
        opened.append((context, heard))
        return context.new_page()

    yield new_page
    for context, _ in opened:
        context.close()
    assert [heard.outside for _, heard in opened if heard.outside] == []
    assert [heard.complaints for _, heard in opened if heard.complaints] == []


@pytest.fixture
def visit(site, new_page):
    """``visit("topic", width=360)`` returns the longest page of that kind, loaded."""

    def visit(kind, query="", *, width=1280, height=800, **options):
        page = new_page(viewport={"width": width, "height": height}, **options)
        page.goto(site.address + site.largest(kind) + query)
        return page

    return visit
