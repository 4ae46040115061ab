"""The built site, the extension that builds it and a browser, for the tests of the book."""

import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "_ext")]

from block_by_block.chromium import MISSING, executable  # noqa: E402
from browsing import DESKTOP, LEFT, LOCAL  # noqa: E402
from pages import ROOT, parsed  # noqa: E402


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the built site."""
    if not (ROOT / "_build/site.ok").exists():
        pytest.fail("The site is not built, or its build failed: run `make book`.", pytrace=False)
    return ROOT / "_build/html"


@pytest.fixture(scope="session")
def soup(site):
    """Parsed page of a document name such as ``front/atlas``."""
    return lambda docname: parsed(site / f"{docname}.html")


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window."""
    path = executable()
    if path is None:
        pytest.skip(MISSING)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser, site):
    """Open a page of the site, the network cut; on leaving it, nothing may have gone wrong.

    Further options are those of playwright's ``new_context``.
    """

    @contextmanager
    def opened(docname, *, query="", theme="light", viewport=DESKTOP, **options):
        faults = []
        context = browser.new_context(
            viewport=viewport, color_scheme=theme, offline=True, **options
        )
        context.add_init_script(
            f"localStorage.setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}');"
        )
        page = context.new_page()
        page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "requestfailed",
            lambda request: (
                None if request.failure == LEFT else faults.append(f"not loaded: {request.url}")
            ),
        )
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith(LOCAL) else faults.append(f"asked: {request.url}")
            ),
        )
        page.goto((site / f"{docname}.html").as_uri() + query)
        page.evaluate("async () => { await window.MathJax?.startup?.promise }")
        yield page
        context.close()
        assert faults == []

    return opened
