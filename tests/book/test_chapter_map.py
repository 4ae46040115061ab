"""What chapters need: read from their boxes, in an order that can be followed, drawn on a map."""

import re
from pathlib import PurePosixPath

import pytest
from block_by_block.chapter_map import WIDTH, arcs
from block_by_block.parts import leads_to, needed, needs, parts
from pages import ROOT

NEEDS = needs(ROOT)
ORDER = list(NEEDS)
PAIRS = {(before, name) for name in NEEDS for before in NEEDS[name]}


@pytest.fixture
def small(tmp_path):
    (tmp_path / "chapters/a").mkdir(parents=True)
    page = "**You need** {doc}`two`, {doc}`the third </chapters/b/three>` and courage.\n"
    page += "See {doc}`/front/atlas`.\n**Runs in** 3 seconds with {doc}`four`.\n{doc}`five`\n"
    (tmp_path / "chapters/a/one.md").write_text(page)
    (tmp_path / "chapters/a/bare.md").write_text("# No box\n")
    return tmp_path


def test_links_of_the_sentence_on_needs_are_found_whatever_their_form(small):
    listed = ["chapters/b/three", "chapters/a/two", "chapters/a/four", "chapters/a/five"]
    assert needed(small, "chapters/a/one", listed) == ("chapters/b/three", "chapters/a/two")
    assert needed(small, "chapters/a/bare", listed) == ()


def test_no_chapter_needs_a_later_one():
    for before, name in PAIRS:
        assert ORDER.index(before) < ORDER.index(name), f"{name} needs {before}, which comes later"


def test_every_chapter_but_the_first_steps_builds_on_another():
    assert [name for name in ORDER if not NEEDS[name]] == [
        "chapters/foundations/low_rank_models",
        "chapters/foundations/nonnegative_regression",
        "chapters/learning/differentiating_an_algorithm",
    ]


def test_leading_is_the_converse_of_needing():
    assert {(name, after) for name, later in leads_to(ROOT).items() for after in later} == PAIRS


def test_arcs_join_the_lines_of_their_chapters():
    drawn, lines = arcs(ROOT)
    assert {(arc.needed, arc.needing) for arc in drawn} == PAIRS
    rows = [row for part in parts(ROOT) for row in (None, *part.docnames)]
    assert lines == len(rows)
    for arc in drawn:
        assert (rows[int(arc.top)], rows[int(arc.bottom)]) == (arc.needed, arc.needing)
        ends = re.findall(r"-?[\d.]+", arc.path())
        assert [float(ends[k]) for k in (0, 1, 6, 7)] == [WIDTH, arc.top, WIDTH, arc.bottom]
        assert 0.0 <= float(ends[2]) < WIDTH


def test_the_map_links_to_every_chapter_and_says_what_it_builds_on(soup):
    items = soup("front/map").select(".chapter-map li")
    assert [item.a["href"] for item in items] == [f"../{name}.html" for name in ORDER]
    for item, name in zip(items, ORDER):
        spoken = item.select_one(".visually-hidden").get_text()
        for before in NEEDS[name]:
            assert soup(before).h1.find(string=True, recursive=False).strip() in spoken
        assert ("needs no other chapter" in spoken) == (not NEEDS[name])


def test_the_curves_of_the_map_name_their_ends(soup):
    page = soup("front/map")
    curves = page.select(".chapter-map path")
    ids = {PurePosixPath(name).name: name for name in ORDER}
    drawn = {
        tuple(ids[curve[end].removeprefix("map-")] for end in ("data-from", "data-to"))
        for curve in curves
    }
    assert drawn == PAIRS
    assert all(page.find(id=curve["data-from"]) for curve in curves)


def test_the_style_sheet_gives_the_arcs_the_width_they_are_drawn_in():
    style = (ROOT / "_static/chapter_map.css").read_text(encoding="utf-8")
    assert float(re.search(r"--reach: ([\d.]+);", style)[1]) == WIDTH


@pytest.mark.parametrize("docname", ORDER)
def test_a_chapter_says_where_it_leads(soup, docname):
    line = soup(docname).select_one(".chapter-box .onward")
    links = [link["href"] for link in line.select("a")]
    stems = [PurePosixPath(link).stem for link in links]
    assert stems == [*(PurePosixPath(name).name for name in leads_to(ROOT)[docname]), "map"]
