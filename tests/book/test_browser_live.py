"""Live code, end to end: a built page, a browser and a Jupyter server, all on this machine.

The server is reached the way a reader reaches one of their own, and once the way Binder is, with
Binder's answers written here. Nothing else may be asked.
"""

import json
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from block_by_block.address import read_address
from browsing import DESKTOP, PHONE, shoot, violations
from pages import ROOT, parsed

from multiconvex import L1, viz
from multiconvex.studies import alternating_optimization as study

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("live")]

CHAPTER = "chapters/foundations/alternating_optimization"
TOKEN = "the-readers-own"
PATIENCE = 90_000
IMPORTS, KNOB, NUMBERS, FIGURE = "import numpy", "viz.knob(", "x, y, kink =", "figures.stuck("


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def origin(site):
    """Address of the built site, served as any host of files does."""
    served = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site))
    Thread(target=served.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    served.server_close()


@pytest.fixture(scope="module")
def jupyter(origin, tmp_path_factory):
    """Address of a Jupyter server that admits the site and was started in an empty folder."""
    folder = tmp_path_factory.mktemp("anywhere")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *(sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser"),
        *(f"--port={port}", f"--IdentityProvider.token={TOKEN}"),
        f"--ServerApp.allow_origin={origin}",
    ]
    environment = {k: v for k, v in os.environ.items() if k != "MULTICONVEX_STATIC"}
    environment |= {"JUPYTER_CONFIG_DIR": str(folder), "IPYTHONDIR": str(folder)}
    with (folder / "log").open("w+") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            while "is running at" not in (folder / "log").read_text():
                assert server.poll() is None, (folder / "log").read_text()
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


@pytest.fixture(scope="module")
def opened(browser, origin):
    """Open the chapter; what it asks of other machines is refused, and recorded."""

    @contextmanager
    def visit(fragment="", viewport=DESKTOP, binder=None):
        page = browser.new_page(viewport=viewport)
        page.set_default_timeout(PATIENCE)
        asked, faults = [], []
        page.on("pageerror", lambda error: faults.append(str(error)))

        def guard(route):
            address = urlsplit(route.request.url)
            asked.append(address)
            if address.hostname == "mybinder.org" and binder:
                body = "".join(f"data: {json.dumps(event)}\n\n" for event in binder)
                headers = {"Access-Control-Allow-Origin": "*"}
                route.fulfill(content_type="text/event-stream", headers=headers, body=body)
            elif address.hostname == "127.0.0.1":
                route.continue_()
            else:
                route.abort()

        page.route("**/*", guard)
        page.goto(f"{origin}/{CHAPTER}.html{fragment}")
        yield page, asked
        page.close()
        assert faults == []

    return visit


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def state(page, name):
    """Wait until the bar says it, and return its text."""
    page.locator(f".bbb-live[data-state={name}]").wait_for()
    return page.locator(".bbb-live").inner_text()


class Cell:
    """One cell of a live page, found by a piece of the text that was built."""

    def __init__(self, page, text):
        cells = parsed(ROOT / f"_build/html/{CHAPTER}.html").select(".bd-article div.cell")
        number = next(k for k, cell in enumerate(cells) if text in cell.pre.get_text())
        self.page = page
        self.node = page.locator(".bd-article div.cell").nth(number)
        self.output = self.node.locator(".bbb-live-output")

    def write(self, change):
        """Change the text by the keyboard, as a reader does."""
        text = self.node.locator(".CodeMirror").evaluate("node => node.CodeMirror.getValue()")
        self.node.locator(".CodeMirror").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(change(text))
        return change(text)

    def run(self, button="Run", ends="done"):
        self.node.locator(".bbb-live-tools button", has_text=button).first.click()
        self.wait(ends)

    def wait(self, ends):
        self.node.locator(f".thebe-cell[data-state='{ends}']").wait_for()


@pytest.fixture(scope="module")
def live(opened, jupyter):
    """The chapter, running on the reader's own server, its imports done."""
    with opened(f"#live={jupyter}&token={TOKEN}") as (page, asked):
        press(page, "Run this page")
        state(page, "ready")
        Cell(page, IMPORTS).run()
        yield page
        assert {address.hostname for address in asked} <= {"127.0.0.1", None}


def kernels(jupyter):
    request = Request(f"{jupyter}/api/kernels", headers={"Authorization": f"token {TOKEN}"})
    with urlopen(request) as answer:
        return len(json.load(answer))


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_is_loaded_before_the_button_is_pressed(opened, viewport):
    with opened(viewport=viewport) as (page, asked):
        button = page.get_by_role("button", name="Run this page")
        box = button.bounding_box()
        assert box["y"] + box["height"] < viewport["height"]
        assert viewport is DESKTOP or box["height"] >= 44
        assert {address.hostname for address in asked} == {"127.0.0.1"}
        assert not any("thebe" in address.path for address in asked)


def test_an_edited_cell_runs_and_shows_what_it_computes(live):
    cell = Cell(live, NUMBERS)
    before = cell.node.locator(".cell_output").inner_text()
    source = cell.write(lambda text: text.replace("L1(2.0)", "L1(3.0)"))
    live.keyboard.press("Shift+Enter")
    cell.wait("done")
    names = {"L1": L1, "study": study}
    body, _, last = source.rpartition("\n")
    exec(body, names)
    shown = cell.node.locator(".cell_output").inner_text().strip()
    assert shown == repr(eval(last, names))
    assert shown != before.strip()


def test_an_edited_figure_is_drawn_again_above_its_caption(live):
    cell = Cell(live, FIGURE)
    figure = cell.node.locator("figure")
    caption = figure.locator("figcaption").inner_text()
    cell.write(lambda text: text.replace("2.0", "0.5"))
    cell.run()
    expected = viz.alternating_optimization.stuck(study.stuck(0.5), 0.5)
    assert figure.locator("svg").get_attribute("aria-label") == " ".join(expected.alt.split())
    assert figure.locator("figcaption").inner_text() == caption
    assert figure.evaluate("node => node.lastElementChild.tagName") == "FIGCAPTION"


def test_a_knob_becomes_a_widget_that_draws(live):
    cell = Cell(live, KNOB)
    assert cell.node.locator(".mbx-knob").count() == 1
    cell.run()
    assert cell.node.locator(".mbx-knob").count() == 0
    handle = cell.output.get_by_role("slider", name="sweep")
    picture = cell.output.locator("svg")
    seen = [picture.get_attribute("aria-label")]
    for _ in range(2):
        handle.press("ArrowRight")
        live.wait_for_function(
            "([node, old]) => node.querySelector('svg').getAttribute('aria-label') !== old",
            arg=[cell.output.element_handle(), seen[-1]],
        )
        seen.append(picture.get_attribute("aria-label"))
    assert len(set(seen)) == 3
    assert cell.output.locator(".widget-readout").inner_text() == "2"


def test_the_text_of_a_cell_is_restored(live):
    cell = Cell(live, "restarts = int(")
    restore = cell.node.locator("button", has_text="Restore")
    assert not restore.is_visible()
    cell.write(lambda text: text + "\n1 + 1")
    restore.click()
    assert "1 + 1" not in cell.node.locator(".CodeMirror").inner_text()
    assert not restore.is_visible()


def test_the_keyboard_leaves_an_editor(live):
    cell = Cell(live, NUMBERS)
    cell.node.locator(".CodeMirror").click()
    live.keyboard.press("Escape")
    assert live.evaluate("document.activeElement.textContent") == "Run"


def test_an_error_is_shown_and_ends_what_was_to_run(live):
    failing, following = Cell(live, "study.corner("), Cell(live, "figures.question(")
    failing.write(lambda text: "1 / 0")
    following.run("Run all above", ends="")
    assert "ZeroDivisionError" in failing.output.inner_text()
    assert failing.node.locator(".thebe-cell[data-state=error]").count() == 1
    failing.node.locator("button", has_text="Restore").click()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_live_page_is_accessible(live, theme):
    live.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    live.set_viewport_size(DESKTOP)
    shoot(live, CHAPTER, f"live-desktop-{theme}")
    assert violations(live, ".bbb-live, .thebe-cell, .bbb-live-output") == []


def test_a_live_page_fits_a_phone(live):
    live.set_viewport_size(PHONE)
    shoot(live, CHAPTER, "live-phone")
    assert live.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    live.set_viewport_size(DESKTOP)


def test_a_long_cell_can_be_stopped(live):
    cell = Cell(live, NUMBERS)
    cell.write(lambda text: "while True: pass")
    cell.run(ends="running")
    assert "Running cell" in state(live, "busy")
    press(live, "Stop what is running")
    state(live, "ready")
    assert "KeyboardInterrupt" in cell.output.inner_text()


def test_a_restart_forgets_names_and_says_how_to_get_them_back(live):
    press(live, "Restart Python and forget all results")
    state(live, "ready")
    cell = Cell(live, FIGURE)
    cell.run(ends="error")
    assert "run all above" in cell.node.locator(".bbb-live-note").inner_text()


def test_binder_is_followed_until_it_lends_a_computer(opened, jupyter):
    address = read_address(ROOT)
    events = [
        {"phase": "building", "message": "Step 3 of 9"},
        {"phase": "ready", "message": "here", "url": f"{jupyter}/", "token": TOKEN},
    ]
    with opened(binder=events) as (page, asked):
        page.evaluate(WATCH)
        press(page, "Run this page")
        assert "Ready" in state(page, "ready")
        texts = page.evaluate("window.seen")
        assert any("Binder: installing the book" in text for text in texts)
        assert any("Step 3 of 9" in text for text in texts)
        (build,) = [place for place in asked if place.hostname == "mybinder.org"]
        assert build.path == f"/build/gh/{address.owner}/{address.name}/{address.branch}"


def test_a_page_that_is_left_gives_its_kernel_back(opened, jupyter):
    before = kernels(jupyter)
    with opened(f"#live={jupyter}&token={TOKEN}") as (page, _):
        press(page, "Run this page")
        state(page, "ready")
        assert kernels(jupyter) == before + 1
        page.unroute_all()
        page.goto("about:blank")
        for _ in range(100):
            page.wait_for_timeout(100)
            if kernels(jupyter) == before:
                break
        assert kernels(jupyter) == before


@pytest.mark.parametrize(
    "events, reason",
    [
        ([{"phase": "failed", "message": "disk full"}], "could not install the book"),
        ([], "does not answer"),
    ],
    ids=["refused", "silent"],
)
def test_binder_that_fails_leaves_the_reason_and_a_way_out(opened, events, reason):
    with opened(binder=events) as (page, _):
        press(page, "Run this page")
        assert reason in state(page, "failed")
        way = page.get_by_role("link", name="Open this page on Binder")
        assert way.get_attribute("href") == read_address(ROOT).binder(f"{CHAPTER}.md")
        assert page.get_by_role("button", name="Try again").is_visible()


@pytest.mark.parametrize(
    "fragment, reason",
    [
        ("#live=http://127.0.0.1:9&token=x", "No Jupyter server answers at http://127.0.0.1:9/"),
        ("#live=https://example.org&token=x", "a server of this computer only"),
    ],
    ids=["nobody", "elsewhere"],
)
def test_a_server_that_is_not_there_is_named(opened, fragment, reason):
    with opened(fragment) as (page, asked):
        press(page, "Run this page")
        assert reason in state(page, "failed")
        assert {address.hostname for address in asked} == {"127.0.0.1"}


# Every text that the bar shows from now on.
WATCH = """() => {
  window.seen = [];
  const bar = document.querySelector(".bbb-live");
  const note = () => window.seen.push(bar.innerText);
  new MutationObserver(note).observe(bar, {subtree: true, childList: true, characterData: true});
}"""
