"""The book on paper: one document of all pages, its PDF, and a page as it is printed."""

import re
from dataclasses import replace

import pytest
from block_by_block.address import read_address
from block_by_block.book_pdf import FILE, page_numbers, read_book, write_pdf
from block_by_block.chromium import MISSING, executable
from block_by_block.one_document import anchor, document
from bs4 import BeautifulSoup
from pages import ROOT
from pypdf import PdfReader

CHAPTER = "chapters/foundations/low_rank_models"
NEXT = "chapters/foundations/nonnegative_regression"
IDENTIFIER = re.compile(r'\sid="([^"]*)"')
INSIDE = re.compile(r'<a [^>]*href="#([^"]*)"')


@pytest.fixture(scope="module")
def book(site):
    return read_book(ROOT)


@pytest.fixture(scope="module")
def small(book):
    return replace(book, parts=(("", ("intro",)), ("Foundations", (CHAPTER, NEXT))))


@pytest.fixture(scope="module")
def whole(book):
    return document(book)


@pytest.fixture(scope="module")
def paper(small):
    return BeautifulSoup(document(small), "html.parser")


def test_every_page_is_in_the_document_once_and_in_order(book, whole):
    pages = re.findall(r'<article class="bd-article" id="([^"]*)"', whole)
    assert pages == [anchor(name) for name in book.docnames]


def test_every_link_within_the_book_arrives(whole):
    places = IDENTIFIER.findall(whole)
    named = [place for place in places if not re.fullmatch(r"m[0-9a-f]{8}-\d+", place)]
    assert len(named) == len(set(named))
    assert set(INSIDE.findall(whole)) - set(places) == set()


def test_links_that_leave_the_book_lead_to_the_published_site(paper):
    links = {a["href"] for a in paper.select("a[href]") if not a["href"].startswith("#")}
    assert all(link.startswith("https://") for link in links)
    published = read_address(ROOT).pages
    assert f"{published}front/api/models.html#multiconvex.nmf" in links
    assert f"{published}{CHAPTER}.html#fig-lr-truncation" in links


def test_paper_has_no_frames_to_choose_from_and_nothing_to_press(paper):
    assert paper.select("template, button, audio, .headerlink, .above-input") == []
    assert len(paper.select(".mbx-knob-frames > svg")) == len(paper.select(".mbx-knob"))


def test_headings_form_an_outline(paper):
    assert [h.get_text(strip=True) for h in paper.find_all("h1")] == ["Contents", "Foundations"]
    assert paper.select_one(f"#{anchor(CHAPTER)} h2").get_text().startswith("1. ")
    assert paper.select(f"#{anchor(CHAPTER)} h3")


def test_every_page_offers_the_pdf_at_its_published_address(soup):
    address = read_address(ROOT).pages + FILE
    for docname in ("intro", CHAPTER, "front/atlas"):
        assert soup(docname).select(f'.article-header-buttons a[href="{address}"]')
    assert soup("front/how_to_read").select(f'.bd-article a[href="{address}"]')


@pytest.fixture(scope="module")
def printed(small, tmp_path_factory):
    if executable() is None:
        pytest.skip(MISSING)
    path = tmp_path_factory.mktemp("paper") / FILE
    write_pdf(small, path)
    return path


@pytest.mark.browser
def test_the_pdf_has_an_outline_of_parts_pages_and_sections(printed):
    outline = PdfReader(printed).outline
    assert [entry.title for entry in outline if not isinstance(entry, list)][-2:] == [
        "Contents",
        "Foundations",
    ]
    pages, sections = outline[-1], outline[-1][1]
    assert pages[0].title == "1. Low-rank models"
    assert "1.1. A question" in [entry.title for entry in sections if not isinstance(entry, list)]


@pytest.mark.browser
def test_the_outline_names_every_heading_once_in_order_where_it_stands(printed, paper):
    def entries(outline):
        for entry in outline:
            yield from entries(entry) if isinstance(entry, list) else [entry]

    reader = PdfReader(printed)
    found = list(entries(reader.outline))
    headings = [h for h in paper.find_all(re.compile("h[1-5]$")) if not h.find(class_="math")]
    named = {" ".join(h.get_text().split()) for h in headings}
    assert [e.title for e in found if e.title in named] == [
        " ".join(h.get_text().split()) for h in headings
    ]
    for entry in found:
        text = reader.pages[reader.get_destination_page_number(entry)].extract_text()
        assert "".join(entry.title.split()) in "".join(text.split())


@pytest.mark.browser
def test_links_of_the_pdf_lead_to_pages_of_it_or_to_the_web(printed):
    reader = PdfReader(printed)
    places, inside = {name.removeprefix("/") for name in reader.named_destinations}, 0
    for page in reader.pages:
        for note in page.get("/Annots", []):
            note = note.get_object()
            target = note.get("/Dest") or note["/A"].get("/D")
            if target is None:
                assert note["/A"]["/URI"].startswith("https://")
            else:
                assert str(target).removeprefix("/") in places
                inside += 1
    assert inside > 30


@pytest.mark.browser
def test_pages_are_numbered_and_the_contents_know_the_numbers(printed):
    reader = PdfReader(printed)
    texts = [page.extract_text() for page in reader.pages]
    for number, text in enumerate(texts[1:], start=2):
        assert str(number) in text.split()
    start = page_numbers(reader)[anchor(NEXT)]
    assert "Nonnegative regression" in texts[start - 1]
    contents = next(text for text in texts if "Contents" in text)
    assert re.search(rf"Nonnegative regression\s*{start}\b", contents)


@pytest.mark.browser
def test_mathematics_and_figures_are_printed(printed):
    reader = PdfReader(printed)
    text = "\n".join(page.extract_text() for page in reader.pages)
    assert "\\(" not in text and "\\[" not in text and "mathbb" not in text
    assert "Fig. 1.1" in text and "Theorem 1.1" in text
    assert reader.metadata.title == "Block by Block"
    assert reader.trailer["/Root"]["/Lang"] == "en"


@pytest.mark.browser
@pytest.mark.parametrize(
    "docname", [CHAPTER, "intro", "front/atlas", "front/choose", "front/gallery", "front/map"]
)
def test_a_page_is_printed_in_light_colours_without_what_surrounds_it(visit, docname, tmp_path):
    with visit(docname, theme="dark") as page:
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        assert page.evaluate("document.documentElement.dataset.theme") == "light"
        for around in (".bd-sidebar-primary", ".article-header-buttons", ".prev-next-footer"):
            assert not page.locator(around).first.is_visible()
        # The headings of the Atlas's columns are buttons: their words stay.
        pressed = page.locator(".bd-article :is(button, input, select, audio):not(th *)")
        assert not any(control.is_visible() for control in pressed.all())
        page.set_viewport_size({"width": 660, "height": 900})
        assert page.evaluate(CUT, 660) == []
        page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.browser
def test_formulas_shrink_only_where_the_sheet_is_too_narrow(visit):
    with visit(CHAPTER) as page:
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 660, "height": 900})
        page.evaluate(WIDEN)
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        sizes = page.locator('mjx-container[display="true"]').evaluate_all(SIZES)
    assert sizes[0] < 1 and set(sizes[1:]) == {1}


@pytest.mark.browser
def test_folded_solutions_are_printed_and_folded_preparations_are_not(visit):
    with visit(CHAPTER) as page:
        page.emulate_media(media="print")
        assert page.locator(".solution p").nth(1).is_visible()
        assert not page.locator("details.above-input").first.is_visible()


# What would be cut off at the right edge of the paper.
CUT = """
width => [...document.querySelectorAll(".bd-article *")]
  .filter((element) => element.checkVisibility() && !element.closest("svg, mjx-assistive-mml"))
  .filter((element) => element.getBoundingClientRect().right > width + 1)
  .map((element) => element.outerHTML.slice(0, 120))
"""

# The first formula of a page, five times as long.
WIDEN = """
() => {
  const formula = document.querySelector('mjx-container[display="true"] mjx-math');
  const copy = formula.cloneNode(true);
  formula.append(...[1, 2, 3, 4].flatMap(() => [...copy.cloneNode(true).children]));
}
"""
SIZES = "formulas => formulas.map((formula) => Number(getComputedStyle(formula).zoom))"
