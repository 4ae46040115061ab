"""The menu of the rocket: where a page opens as a notebook."""

import pytest
from block_by_block.address import Address, read_address
from block_by_block.book_map import chapters
from pages import ROOT

NAMES = [chapter.docname for chapter in chapters(ROOT)]
MENU = ".dropdown-launch-buttons a[href]"


def test_colab_reads_the_branch_of_notebooks():
    assert Address("https://github.com/someone/a-book").colab("chapters/a") == (
        "https://colab.research.google.com/github/someone/a-book/blob/notebooks/chapters/a.ipynb"
    )


@pytest.mark.parametrize("docname", NAMES)
def test_a_chapter_opens_on_binder_and_on_colab(site, soup, docname):
    address = read_address(ROOT)
    links = {a.get_text(strip=True): a["href"] for a in soup(docname).select(MENU)}
    assert links["Binder"] == address.binder(f"{docname}.md")
    assert links["Colab"] == address.colab(docname)
    assert (site / f"_sources/{docname}.ipynb").is_file()


def test_a_page_without_cells_opens_nowhere(soup):
    assert soup("front/how_to_read").select(MENU) == []
