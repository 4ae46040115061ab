"""Formulas on a phone: none is wider than the screen, so that none has to be pushed aside."""

import pytest
from block_by_block.book_map import chapters
from browsing import PHONE
from pages import ROOT

pytestmark = pytest.mark.browser

CHAPTERS = [chapter.docname for chapter in chapters(ROOT)]
TEXT = PHONE["width"] - 32  # what the margins of the page leave
FRAME = 20  # what the frame of a theorem takes
WIDER = """
() => [...document.querySelectorAll("mjx-container[display=true]")]
  .filter(formula => formula.scrollWidth > formula.clientWidth + 1)
  .map(formula => formula.closest("[data-place]").dataset.place)
"""


def test_displayed_formulas_fit_a_phone(browser, site, soup, tmp_path):
    """All formulas of the book on one page, in the style of the site: opened once, not 34 times."""
    formulas = []
    for docname in CHAPTERS:
        for formula in soup(docname).select(".bd-article div.math"):
            width = TEXT - (FRAME if formula.find_parent(class_="admonition") else 0)
            place = f"{docname}: {formula.get('id', formula.get_text().strip()[:40])}"
            style = f"width:{width}px"
            formulas.append(f'<div data-place="{escaped(place)}" style="{style}">{formula}</div>')
    assert len(formulas) > 100
    folder = (site / CHAPTERS[0]).parent
    styles = [
        (folder / link["href"].partition("?")[0]).resolve().as_uri()
        for link in soup(CHAPTERS[0]).select("link[rel=stylesheet]")
    ]
    together = tmp_path / "formulas.html"
    together.write_text(
        "<!DOCTYPE html><meta charset='utf-8'><html data-theme='light'>"
        + "".join(f"<link rel='stylesheet' href='{style}'>" for style in styles)
        + f"<script src='{(site / '_static/mathjax/tex-chtml.js').as_uri()}'></script>"
        + f"<article class='bd-article'>{''.join(formulas)}</article>",
        encoding="utf-8",
    )
    page = browser.new_page(viewport=PHONE)
    page.goto(together.as_uri())
    page.evaluate("async () => { await MathJax.startup.promise; await document.fonts.ready }")
    assert page.locator("mjx-container[display=true]").count() >= len(formulas)
    assert page.evaluate(WIDER) == []
    page.close()


def escaped(text):
    return " ".join(text.split()).replace("&", "&amp;").replace('"', "&quot;")
