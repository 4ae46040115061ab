"""How readers find a page: the Atlas, old and wrong addresses, search engines and shared links."""

import io
import xml.etree.ElementTree as ET

import pytest
from block_by_block.address import read_address
from block_by_block.book_map import chapters, part_of, toc_docnames
from block_by_block.cards import draw_card
from block_by_block.redirects import faults, moved_pages, redirect
from block_by_block.sharing import LONGEST, shorten
from bs4 import BeautifulSoup
from pages import ROOT
from PIL import Image

from multiconvex.viz.palette import LIGHT

BASE = read_address(ROOT).pages
PAGES = toc_docnames(ROOT)
CHAPTERS = chapters(ROOT)
NAMES = [chapter.docname for chapter in CHAPTERS]
CARD_BUDGET = 100_000


def test_rows_of_the_atlas_know_their_part(soup):
    page = soup("front/atlas")
    rows = page.select(".atlas tbody tr")
    expected = [chapter.part for chapter in CHAPTERS for _ in chapter.algorithms]
    for row, part in zip(rows, expected, strict=True):
        assert f"part-{part}" in row["class"]
    choices = {
        option["value"]: option.get_text()
        for option in page.select(".atlas-tools option")
        if option["value"]
    }
    assert choices == {chapter.part: part_of(ROOT, chapter.docname) for chapter in CHAPTERS}


def test_without_scripts_the_atlas_is_a_plain_table(soup):
    page = soup("front/atlas")
    assert page.select_one(".atlas-tools").has_attr("hidden")
    assert not page.select(".atlas th button")


def test_moved_pages_are_those_of_the_table(tmp_path):
    assert moved_pages(tmp_path) == {}
    table = "# old new\n\nchapters/a/old chapters/b/new\nolder  chapters/b/new\n"
    (tmp_path / "redirects.txt").write_text(table)
    assert moved_pages(tmp_path) == {
        "chapters/a/old": "chapters/b/new",
        "older": "chapters/b/new",
    }


def test_a_page_moves_to_a_page_and_not_from_one():
    assert faults({"old": "intro"}, {"intro"}) == []
    assert len(faults({"intro": "intro"}, {"intro"})) == 1
    assert len(faults({"old": "older", "older": "intro"}, {"intro"})) == 1


def test_the_book_has_moved_no_page_to_nowhere(site):
    moved = moved_pages(ROOT)
    assert faults(moved, set(PAGES)) == []
    for old, new in moved.items():
        assert (site / f"{old}.html").read_text(encoding="utf-8") == redirect(old, new, BASE)


@pytest.mark.parametrize(
    ("old", "target"),
    [
        ("old", "chapters/b/new.html"),
        ("chapters/a/old", "../b/new.html"),
        ("chapters/b/old", "new.html"),
    ],
)
def test_an_old_address_leads_to_the_new_one(old, target):
    page = BeautifulSoup(redirect(old, "chapters/b/new", BASE), "html.parser")
    assert page.select_one('link[rel="canonical"]')["href"] == f"{BASE}chapters/b/new.html"
    assert page.select_one("meta[http-equiv=refresh]")["content"] == f"0; url={target}"
    assert page.a["href"] == target
    assert f'location.replace("{target}"' in page.script.string


def test_the_page_for_wrong_addresses_needs_nothing_but_itself(soup):
    page = soup("404")
    assert page.select("link, script[src], img, iframe") == []
    assert "url(" not in page.style.string
    addresses = [a["href"] for a in page.select("a[href]")] + [page.form["action"]]
    assert all(address.startswith(BASE) for address in addresses)


def test_the_page_for_wrong_addresses_leads_to_every_chapter_and_to_the_search(site, soup):
    page = soup("404")
    targets = {a["href"].removeprefix(BASE) for a in page.select("a[href]")}
    assert targets >= {f"{name}.html" for name in NAMES}
    assert all((site / target).is_file() for target in targets)
    assert (site / page.form["action"].removeprefix(BASE)).is_file()
    assert page.select_one('form input[type="search"]')["name"] == "q"


def test_the_sitemap_lists_the_pages_of_the_book_and_no_other(site):
    tree = ET.parse(site / "sitemap.xml")
    space = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
    assert [one.text for one in tree.findall("s:url/s:loc", space)] == [
        f"{BASE}{docname}.html" for docname in PAGES
    ]


def test_crawlers_are_told_of_the_sitemap(site):
    lines = (site / "robots.txt").read_text(encoding="utf-8").splitlines()
    assert f"Sitemap: {BASE}sitemap.xml" in lines
    assert (site / "sitemap.xml").is_file()
    assert not any(line.startswith("Disallow: /") for line in lines)


@pytest.mark.parametrize("docname", PAGES)
def test_a_page_says_what_it_is_when_it_is_shared(site, soup, docname):
    said = said_of(soup(docname))
    assert said["og:url"] == f"{BASE}{docname}.html"
    assert said["og:url"] == soup(docname).select_one('link[rel="canonical"]')["href"]
    assert said["og:title"] in soup(docname).h1.get_text()
    assert 20 <= len(said["description"]) <= LONGEST
    assert said["description"] == said["og:description"]
    assert not set(said["description"]) & set("\\$\n")
    assert (site / said["og:image"].removeprefix(BASE)).is_file()


def test_a_chapter_promises_what_its_box_promises_and_shows_its_first_figure(soup):
    for docname in NAMES:
        said = said_of(soup(docname))
        assert said["description"].startswith("You will be able to ")
        figure = soup(docname).select_one(".bd-article svg.mbx-picture")
        assert said["og:image:alt"] == figure["aria-label"]


def test_every_chapter_has_a_card_of_its_own(site, soup):
    cards = {said_of(soup(docname))["og:image"] for docname in NAMES}
    assert len(cards) == len(NAMES)
    assert len(list((site / "cards").iterdir())) == len(NAMES) + 1
    for path in (site / "cards").iterdir():
        assert path.stat().st_size <= CARD_BUDGET, path.name
        with Image.open(path) as card:
            assert card.format == "PNG" and card.size == (1200, 630)


def test_a_card_shows_the_figure_in_light_colours_and_is_always_the_same():
    style = "--c3:var(--mbx-c3,#123456);stroke-linejoin:round"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10" style="{style}">'
    figure = head + '<path d="M0 0H10V10H0z" style="fill:var(--c3)"/></svg>'
    card = draw_card("A title of several words that takes more than one line", "Part", figure)
    again = draw_card("A title of several words that takes more than one line", "Part", figure)
    assert card == again
    red, green, blue = Image.open(io.BytesIO(card)).convert("RGB").getpixel((850, 315))
    assert f"#{red:02x}{green:02x}{blue:02x}" == LIGHT["c3"]


def test_long_descriptions_end_after_a_word():
    text = "words " * 100
    assert len(shorten(text)) <= LONGEST
    assert shorten(text).endswith(" words…")
    assert shorten("Two\n  words.") == "Two words."


def said_of(page):
    """What the head of a page says of it: name or property, and content."""
    return {
        tag.get("name") or tag.get("property"): tag["content"]
        for tag in page.head.select("meta[content]")
        if tag.get("name") or tag.get("property")
    }
