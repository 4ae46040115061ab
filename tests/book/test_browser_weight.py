"""What a page and the site weigh, and how soon a reader can use a page."""

import gzip
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from block_by_block.book_map import toc_docnames
from pages import ROOT

PAGES = toc_docnames(ROOT)
CHAPTERS = [name for name in PAGES if name.startswith("chapters/")]
PAGE_BUDGET = 3_000_000
SITE_BUDGET = 80_000_000
SOON = 2.0


def test_the_site_keeps_to_its_budget(site):
    files = [path for path in site.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= SITE_BUDGET


@pytest.mark.browser
@pytest.mark.parametrize("docname", PAGES)
def test_a_page_with_all_it_asks_for_keeps_to_its_budget(visit, docname):
    """Fonts and what scripts load are counted too; a server compresses what it sends."""
    with visit(docname) as page:
        asked = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
        asked += [page.url]
    files = {Path(unquote(urlsplit(a).path)) for a in asked if a.startswith("file:")}
    assert sum(map(sent, files)) <= PAGE_BUDGET


@pytest.mark.browser
@pytest.mark.parametrize("docname", CHAPTERS)
def test_a_chapter_is_ready_soon(visit, docname):
    """Until the last piece of work that would delay an answer; the best of three visits, because
    the machine of the tests does other work too."""
    times = []
    for _ in range(3):
        with visit(docname) as page:
            times.append(page.evaluate(READY) / 1000)
        if times[-1] <= SOON:
            break
    assert min(times) <= SOON


@cache
def sent(path):
    """Bytes that travel for a file."""
    return len(gzip.compress(path.read_bytes()))


# Milliseconds from the request to the end of the last long task.
READY = """
async () => {
  const tasks = await new Promise((done) => {
    new PerformanceObserver((list) => done(list.getEntries()))
      .observe({ type: "longtask", buffered: true });
    setTimeout(() => done([]), 500);
  });
  const [navigation] = performance.getEntriesByType("navigation");
  return Math.max(navigation.domContentLoadedEventEnd,
    ...tasks.map((task) => task.startTime + task.duration));
}
"""
