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
    """Seconds for which the browser works on a chapter from disk, until all of it is typeset: a
    reader who has nothing else open waits that long, and a busy machine of tests counts no more."""
    with visit(docname) as page:
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.reload()
        page.evaluate("async () => { await window.MathJax?.startup?.promise }")
        page.wait_for_timeout(500)
        metrics = session.send("Performance.getMetrics")["metrics"]
    (worked,) = (metric["value"] for metric in metrics if metric["name"] == "TaskDuration")
    assert 0.0 < worked <= SOON


@cache
def sent(path):
    """Bytes that travel for a file."""
    return len(gzip.compress(path.read_bytes()))
