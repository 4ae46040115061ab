"""The built pages in a browser whose network is cut, as a reader on a train would see them.

Screenshots of every page are written to ``_build/screenshots`` for a person to look at.
"""

import pytest
from block_by_block.book_map import toc_docnames
from browsing import PHONE, THEME_FAULTS, audit, shoot, violations
from pages import ROOT

pytestmark = pytest.mark.browser

PAGES = toc_docnames(ROOT)
CHAPTERS = [name for name in PAGES if name.startswith("chapters/")]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("docname", PAGES)
def test_a_page_opens_without_faults_and_is_accessible(visit, docname, theme):
    with visit(docname, theme=theme) as page:
        assert page.evaluate("document.documentElement.dataset.theme") == theme
        shoot(page, docname, f"desktop-{theme}")
        assert violations(page) == []


def test_faults_of_the_theme_are_still_there(visit):
    with visit("intro") as page:
        known = {number for *_, number in audit(page)} - {None}
    assert known == set(range(len(THEME_FAULTS)))


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
