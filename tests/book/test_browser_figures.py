"""The text of figures can be read: at least 4.5:1 against what lies behind it, in each theme."""

import io
import re

import numpy as np
import pytest
from block_by_block.book_map import toc_docnames
from colours import BACKGROUND, contrast
from pages import ROOT
from PIL import Image

from multiconvex.viz import palette

CHAPTERS = [name for name in toc_docnames(ROOT) if name.startswith("chapters/")]
THEMES = {"light": palette.LIGHT, "dark": palette.DARK}
# Outlines of letters are scaled with a flip, since fonts count upwards and pages downwards.
LETTERS = re.compile(r'<g (?=[^>]*transform="[^"]*scale\(([\d.]+) -\1\)[^"]*")[^>]*>')
FILL = re.compile(r"fill:var\(--(\w+)\)")
# A line that crosses a letter does not make it unreadable; a surface behind it does.
SHARE = 0.7


@pytest.mark.parametrize("docname", CHAPTERS)
def test_the_text_of_every_frame_has_a_colour_that_can_be_read(site, docname):
    page = (site / f"{docname}.html").read_text(encoding="utf-8")
    used = {FILL.search(letters[0])[1] for letters in LETTERS.finditer(page)}
    assert used
    faint = {
        (name, theme)
        for name in used
        for theme, colors in THEMES.items()
        if contrast(colors[name], BACKGROUND[theme]) < 4.5
    }
    assert faint == set()


@pytest.mark.browser
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("docname", CHAPTERS)
def test_text_stands_out_from_what_lies_behind_it(visit, docname, theme):
    with visit(docname, theme=theme) as page:
        texts = page.evaluate(TEXTS)
        behind = Image.open(io.BytesIO(page.screenshot(full_page=True, animations="disabled")))
        pixels = np.asarray(behind.convert("RGB"))
    assert texts
    faint = {}
    for text in texts:
        left, top, right, bottom = text["box"]
        ratios = contrast(text["color"], pixels[top:bottom, left:right])
        if ratios.size and np.mean(ratios >= 4.5) < SHARE:
            faint[(text["figure"], left, top)] = round(float(np.median(ratios)), 2)
    assert faint == {}


# Where the text of figures is and which colour it has; the text itself is hidden.
TEXTS = r"""
() => {
  const letters = [...document.querySelectorAll("figure .mbx-picture g[transform]")].filter((g) =>
    /scale\(([\d.]+) -\1\)/.test(g.getAttribute("transform")));
  const words = [...letters, ...document.querySelectorAll("figure svg text")];
  const found = words.filter((word) => word.checkVisibility()).map((word) => {
    const { left, top, right, bottom } = word.getBoundingClientRect();
    const color = getComputedStyle(word).fill.match(/\d+/g).slice(0, 3).map(Number);
    const box = [left + scrollX, top + scrollY, right + scrollX, bottom + scrollY].map(Math.round);
    return { figure: word.closest("figure").id, color, box };
  });
  for (const word of words) word.style.visibility = "hidden";
  return found;
}
"""
