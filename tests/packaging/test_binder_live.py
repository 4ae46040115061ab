"""Binder opens a chapter as a notebook whose cells run: its script is run, and a browser looks."""

import os
import shutil
import socket
import subprocess
import sys
import time
import venv
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

CHAPTER = "chapters/foundations/alternating_optimization.md"
CELLS = 3
KERNEL_IS_READY = "#jp-bottom-panel :text('| Idle')"
ERROR = "application/vnd.jupyter.stderr"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("binder")]


@pytest.fixture(scope="module")
def browser_path():
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("Chromium is not installed, so no page can be opened: apt-get install chromium")
    return found


@pytest.fixture(scope="module")
def repository_on_binder(tracked_copy, tmp_path_factory):
    folder = tmp_path_factory.mktemp("binder") / "repository"
    return shutil.copytree(tracked_copy, folder)


@pytest.fixture(scope="module")
def variables(browser_path, repository_on_binder, tmp_path_factory):
    """Variables of an environment of the locked packages in which ``binder/postBuild`` ran."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    locked = Path(sys.prefix)
    (site / "locked.pth").write_text(f"{locked / site.relative_to(folder)}\n")
    variables = {
        **os.environ,
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder / "home"),
        "JUPYTER_PATH": str(locked / "share/jupyter"),
        "JUPYTER_CONFIG_PATH": str(locked / "etc/jupyter"),
    }
    done = subprocess.run(
        [repository_on_binder / "binder/postBuild"],
        cwd=repository_on_binder,
        env=variables,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return variables


@pytest.fixture(scope="module")
def lab(repository_on_binder, variables, tmp_path_factory):
    """Address of a JupyterLab that serves the repository."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("log") / "lab.log"
    options = [f"--port={port}", "--no-browser", "--allow-root", "--IdentityProvider.token="]
    with log.open("w") as output:
        server = subprocess.Popen(
            [repository_on_binder / "binder/start", "python", "-m", "jupyterlab", *options],
            cwd=repository_on_binder,
            env=variables,
            stdout=output,
            stderr=output,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(address, server, log)
        yield address
    finally:
        server.terminate()
        server.wait()


def wait_for(address, server, log):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urlopen(f"{address}/api").close()
            return
        except URLError:
            time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def page(lab, browser_path):
    """The chapter, opened at the address that the Binder button uses."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{lab}/lab/tree/{CHAPTER}")
        page.locator(KERNEL_IS_READY).wait_for()
        page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
        yield page
        browser.close()


def test_the_chapter_opens_as_a_notebook_and_not_as_text(page):
    assert page.locator(".jp-Notebook .jp-CodeCell").count() >= CELLS
    assert page.locator(".jp-FileEditor, .jp-MarkdownViewer").count() == 0


def test_its_directives_are_rendered(page):
    cells = page.locator(".jp-Notebook .jp-MarkdownCell").all_inner_texts()
    assert not any(":::" in text or "```{" in text for text in cells)


def test_its_cells_run(page):
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    for index in range(CELLS):
        cells.nth(index).locator(".cm-content").click()
        page.keyboard.press("Shift+Enter")
        cells.nth(index).locator(".jp-InputPrompt", has_text=f"[{index + 1}]").wait_for()
    assert page.locator(f".jp-Notebook [data-mime-type='{ERROR}']").all_inner_texts() == []
