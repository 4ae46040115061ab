"""Each page leads to its own text and to a form that names it; comments ask for consent."""

from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from block_by_block.address import Address, read_address
from block_by_block.book_map import toc_docnames
from block_by_block.feedback import check, comments, issue_about
from bs4 import BeautifulSoup
from pages import ROOT
from sphinx.errors import ConfigError

PAGES = toc_docnames(ROOT)
PLACE = Address("https://github.com/someone/a-book")
SETTINGS = {"repo_id": "R_1", "category": "Comments & more", "category_id": "DIC_1"}


def fields(link):
    """Title and text that a form starts with."""
    return {name: value for name, (value,) in parse_qs(urlsplit(link).query).items()}


def test_an_issue_names_page_and_version():
    link = issue_about(PLACE, "front/notation", "Notation & glossary", "commit 0a1b, 2026-11-22")
    assert link.startswith("https://github.com/someone/a-book/issues/new?")
    assert fields(link)["title"] == "Notation & glossary: "
    assert fields(link)["body"].splitlines()[:2] == [
        "Page: https://someone.github.io/a-book/front/notation.html",
        "Version: commit 0a1b, 2026-11-22",
    ]


@pytest.mark.parametrize("docname", PAGES)
def test_a_page_leads_to_its_own_text_and_to_a_form_that_names_it(soup, docname):
    address = read_address(ROOT)
    edit, issue = (a["href"] for a in soup(docname).select(".bd-article .feedback a"))
    assert edit == f"{address.url}/edit/{address.branch}/{docname}.md"
    assert (ROOT / f"{docname}.md").is_file()
    page, version = fields(issue)["body"].splitlines()[:2]
    assert page == f"Page: {address.pages}{docname}.html"
    assert version.removeprefix("Version: ").strip()


@pytest.mark.parametrize("docname", PAGES)
def test_the_menu_opens_the_same_form(soup, docname):
    page = soup(docname)
    (menu,) = page.select("a.btn-source-issues-button")
    assert menu["href"] == page.select(".feedback a")[1]["href"]


def test_comments_are_off_until_they_are_configured(soup):
    assert all(soup(docname).select(".comments") == [] for docname in PAGES)


def test_comments_are_a_button_that_says_what_it_loads():
    box = BeautifulSoup(comments(PLACE, SETTINGS, "front/notation"), "html.parser").div
    assert {name: value for name, value in box.attrs.items() if name.startswith("data-")} == {
        "data-repo": "someone/a-book",
        "data-term": "front/notation",
        "data-repo-id": "R_1",
        "data-category": "Comments & more",
        "data-category-id": "DIC_1",
    }
    assert "giscus.app" in box.button.get_text() and "giscus.app" in box.p.get_text()
    assert box.a["href"] == "https://github.com/someone/a-book/discussions"
    assert box.select("script, iframe, img, link") == []


@pytest.mark.parametrize("settings", [{"repo_id": "R_1"}, {**SETTINGS, "theme": "dark"}])
def test_settings_that_are_incomplete_or_unknown_are_refused(settings):
    with pytest.raises(ConfigError, match="repo_id, category, category_id and nothing else"):
        check(None, SimpleNamespace(book_comments=settings))


@pytest.mark.parametrize("settings", [{}, SETTINGS])
def test_no_settings_and_complete_ones_are_accepted(settings):
    check(None, SimpleNamespace(book_comments=settings))
