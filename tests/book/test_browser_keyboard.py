"""Reading without a mouse, without motion, and with one finger."""

import pytest
from block_by_block.book_map import toc_docnames
from browsing import PHONE
from pages import ROOT

pytestmark = pytest.mark.browser

PAGES = toc_docnames(ROOT)
CHAPTERS = [name for name in PAGES if name.startswith("chapters/")]


@pytest.mark.parametrize("docname", ["intro", "front/atlas", CHAPTERS[0], "search"])
def test_every_control_is_reached_by_tab_and_shows_it(visit, docname):
    with visit(docname) as page:
        wanted = page.evaluate(CONTROLS)
        reached, faint = set(), []
        page.evaluate("document.activeElement.blur()")
        for _ in range(2 * len(wanted)):
            page.keyboard.press("Tab")
            state = page.evaluate(FOCUS)
            if state["number"] is None:
                continue
            if state["number"] in reached:
                break
            reached.add(state["number"])
            if not state["shown"]:
                faint.append(state["what"])
        assert faint == []
        assert [what for number, what in enumerate(wanted) if str(number) not in reached] == []


@pytest.mark.parametrize("docname", CHAPTERS)
def test_a_folded_solution_opens_by_keyboard(visit, docname):
    with visit(docname) as page:
        solution = page.locator(".solution").first
        inside = solution.locator(".solution-content, .admonition-title ~ *").first
        button = solution.locator("button.toggle-button")
        assert not inside.is_visible()
        button.focus()
        page.keyboard.press("Enter")
        inside.wait_for(state="visible")
        page.keyboard.press("Enter")
        inside.wait_for(state="hidden")


def test_menus_open_and_close_by_keyboard(visit):
    with visit(CHAPTERS[0]) as page:
        for menu in page.locator(".article-header-buttons .dropdown").all():
            button, entry = menu.locator("button").first, menu.locator("li > *").first
            button.focus()
            page.keyboard.press("Enter")
            entry.wait_for(state="visible")
            page.keyboard.press("ArrowDown")
            assert menu.locator("li :focus").count() == 1
            page.keyboard.press("Escape")
            entry.wait_for(state="hidden")


def test_the_table_of_contents_of_a_phone_opens_and_closes_by_keyboard(visit):
    with visit(CHAPTERS[0], viewport=PHONE) as page:
        contents = page.locator(".bd-sidebar-primary nav.bd-links")
        assert not contents.is_visible()
        page.locator(".primary-toggle:visible").first.focus()
        page.keyboard.press("Enter")
        contents.wait_for(state="visible")
        page.keyboard.press("Escape")
        contents.wait_for(state="hidden")


@pytest.mark.parametrize("docname", ["intro", "front/atlas", *CHAPTERS[:3]])
def test_nothing_moves_for_who_asks_for_rest(visit, docname):
    with visit(docname, reduced_motion="reduce") as page:
        page.locator("body").hover()
        assert page.evaluate(MOVING) == []
        assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"


@pytest.mark.parametrize("docname", PAGES)
def test_wide_tables_scroll_on_a_phone(visit, docname):
    with visit(docname, viewport=PHONE) as page:
        assert page.evaluate(CUT_TABLES, PHONE["width"]) == []


# The controls of the page that a reader can see and use; each gets a number.
CONTROLS = """
() => {
  const controls = [...document.querySelectorAll(
    "a[href], button, input, select, textarea, summary, audio[controls], [tabindex]")]
    .filter((c) => c.tabIndex >= 0 && !c.disabled && c.type !== "hidden")
    .filter((c) => c.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
    .filter((c) => !c.closest("details:not([open]) > :not(summary)"));
  controls.forEach((control, number) => (control.dataset.number = number));
  return controls.map((control) => control.outerHTML.slice(0, 100));
}
"""
# The control that has the focus, and whether a reader sees that it has: an outline, a shadow or
# another colour of it, of what it contains or of the card around it.
FOCUS = """
() => {
  const control = document.activeElement;
  const near = [control, ...control.children, control.parentElement, control.closest(".sd-card")];
  const look = () => near.filter(Boolean).flatMap((element) => ["", "::after"].map((part) => {
    const style = getComputedStyle(element, part);
    return ["outlineStyle", "outlineWidth", "outlineColor", "boxShadow", "borderColor",
      "backgroundColor"].map((name) => style[name]).join();
  })).join();
  const focused = look();
  control.blur();
  const shown = look() !== focused;
  control.focus({ focusVisible: true });
  return { number: control.dataset.number ?? null, shown, what: control.outerHTML.slice(0, 100) };
}
"""
MOVING = """
() => [
  ...document.getAnimations().filter((a) => a.playState === "running").map((a) => a.animationName),
  ...[...document.querySelectorAll("svg")].filter((svg) =>
    svg.querySelector("animate, animateTransform, animateMotion, set") && !svg.animationsPaused()),
].map(String)
"""
# Tables that reach beyond the screen and cannot be moved into it, with a finger and with a key.
CUT_TABLES = """
width => [...document.querySelectorAll(".bd-article table")]
  .filter((table) => table.checkVisibility())
  .filter((table) => {
    let box = table.parentElement;
    while (box && box.scrollWidth <= box.clientWidth) box = box.parentElement;
    if (!box || table.getBoundingClientRect().right <= width) return false;
    const moves = ["auto", "scroll"].includes(getComputedStyle(box).overflowX);
    return !(moves && (box.tabIndex >= 0 || box.querySelector("a, button, input")));
  })
  .map((table) => table.outerHTML.slice(0, 120))
"""
