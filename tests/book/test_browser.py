"""The built pages in a browser whose network is cut, as a reader on a train would see them.

Screenshots of every page are written to ``_build/screenshots`` for a person to look at.
"""

import os
import shutil
from contextlib import contextmanager
from importlib.resources import files

import pytest
from block_by_block.book_map import toc_docnames
from pages import ROOT

pytestmark = pytest.mark.browser

PAGES = toc_docnames(ROOT)
CHAPTERS = [name for name in PAGES if name.startswith("chapters/")]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
# Nodes of the theme that axe finds fault with; the pages' own content is never listed here.
THEME_NODES = (
    ".search-button-field",
    ".theme-switch-button",
    ".navbar-brand",
    ".sbt-scroll-pixel-helper",
)
LOCAL = ("file:", "data:", "blob:", "about:")


def executable():
    """Chromium, or whatever ``CHROMIUM`` names."""
    named = [os.environ["CHROMIUM"]] if os.environ.get("CHROMIUM") else BROWSERS
    return next(filter(None, map(shutil.which, named)), None)


@pytest.fixture(scope="module")
def browser(site):
    path = executable()
    if path is None:
        pytest.skip("No Chromium on the path: on Debian, apt-get install chromium.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser, site):
    """Open a page of the site; on leaving it, nothing may have gone wrong in the background."""

    @contextmanager
    def opened(docname, *, query="", theme="light", viewport=DESKTOP):
        faults = []
        context = browser.new_context(viewport=viewport, color_scheme=theme, offline=True)
        context.add_init_script(
            f"localStorage.setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}');"
        )
        page = context.new_page()
        page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("requestfailed", lambda request: faults.append(f"not loaded: {request.url}"))
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


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("docname", PAGES)
def test_a_page_opens_without_faults_and_is_accessible(visit, docname, theme):
    with visit(docname, theme=theme) as page:
        assert page.evaluate("document.documentElement.dataset.theme") == theme
        shoot(page, docname, f"desktop-{theme}")
        assert violations(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("docname", PAGES)
def test_a_page_fits_a_phone(visit, docname, theme):
    with visit(docname, theme=theme, viewport=PHONE) as page:
        shoot(page, docname, f"phone-{theme}")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert page.evaluate(SPILLING, PHONE["width"]) == []


@pytest.mark.parametrize("docname", PAGES)
def test_mathematics_is_typeset(visit, docname):
    with visit(docname) as page:
        written = page.locator(".bd-article .math").count()
        assert page.locator(".bd-article .math:has(mjx-container)").count() == written
        assert page.locator("mjx-merror").count() == 0


@pytest.mark.parametrize("docname", CHAPTERS)
def test_each_knob_moves_its_figure_by_keyboard(visit, docname):
    with visit(docname) as page:
        for knob in page.locator(".mbx-knob").all():
            control, shown = knob.locator("input"), knob.locator("output")
            knob.scroll_into_view_if_needed()
            control.focus()
            page.keyboard.press("Home")
            seen = [(drawing(knob), shown.text_content())]
            for _ in range(int(control.get_attribute("max"))):
                page.keyboard.press("ArrowRight")
                seen.append((drawing(knob), shown.text_content()))
            pictures, values = zip(*seen)
            assert len(set(values)) == len(values)
            assert len(set(pictures)) > 1
            assert pictures[0] != pictures[-1]


@pytest.mark.parametrize("docname", CHAPTERS)
def test_a_knob_is_large_enough_for_a_finger(visit, docname):
    with visit(docname, viewport=PHONE) as page:
        for control in page.locator(".mbx-knob input").all():
            box = control.bounding_box()
            assert box["height"] >= 44 and box["width"] >= 120


def test_the_theme_changes_figures_with_the_page(visit):
    ink = "getComputedStyle(document.querySelector('figure svg')).getPropertyValue('--mbx-ink')"
    with visit(CHAPTERS[0], theme="light") as light, visit(CHAPTERS[0], theme="dark") as dark:
        assert light.evaluate(ink) != dark.evaluate(ink)


def test_search_works_without_a_server(visit):
    with visit("search", query="?q=convex") as page:
        page.wait_for_selector("#search-results li")


def shoot(page, docname, label):
    folder = ROOT / "_build/screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    name = docname.replace("/", "-")
    page.screenshot(path=folder / f"{name}-{label}.png", full_page=True)


def violations(page):
    """What axe-core finds outside the theme's own nodes: rule, impact and place."""
    page.evaluate((files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate(
        "async excluded => (await axe.run({exclude: excluded.map(s => [s])})).violations",
        [selector for selector in THEME_NODES if page.locator(selector).count()],
    )
    return [
        f"{rule['id']} ({rule['impact']}): {' '.join(node['target'])}"
        for rule in found
        for node in rule["nodes"]
    ]


def drawing(knob):
    """Pixels that the reader sees, as a picture."""
    return knob.locator(".mbx-knob-frames > *").first.screenshot()


# Elements of the text that reach beyond the page, unless something around them scrolls.
SPILLING = """
width => [...document.querySelectorAll(".bd-article *")]
  .filter(element => element.getBoundingClientRect().right > width + 1)
  .filter(element => {
    for (let box = element; box && box !== document.body; box = box.parentElement)
      if (["auto", "scroll", "hidden"].includes(getComputedStyle(box).overflowX)) return false;
    return element.checkVisibility();
  })
  .map(element => element.outerHTML.slice(0, 120))
"""
