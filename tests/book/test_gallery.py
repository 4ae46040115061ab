"""The gallery shows every figure once, small, in both themes, and leads to where it stands."""

import base64
import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from block_by_block.book_map import chapters
from block_by_block.gallery import first_sentence
from block_by_block.parts import parts
from block_by_block.thumbnails import SVG, first_picture, shrink, thin, thumbnail
from docutils import nodes
from pages import ROOT
from PIL import Image

from multiconvex import viz

CHAPTERS = [chapter.docname for chapter in chapters(ROOT)]


def uri(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="png")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def opened(address):
    return Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))


@pytest.fixture(scope="module")
def drawing():
    with viz.style():
        fig, axes = viz.figure(height=2)
        x = np.linspace(0, 1, 5000)
        axes.plot(x, np.sin(9 * x))
        axes.set_title("a title")
    return viz.Picture(fig, alt="A wave with 1 title.").svg()


def test_a_thumbnail_is_small_and_keeps_the_shapes_but_not_the_text(drawing):
    small = thumbnail(drawing)
    root = ET.fromstring(small)
    assert len(small) < len(drawing) / 2
    assert root.findall(f".//{SVG}path")
    assert not [path for path in root.iter() if path.get("transform") == "scale(0.015625)"]
    glyphs = {f"#{element.get('id')}" for element in root.iter() if element.get("id")}
    assert {use.get("href") for use in root.iter(f"{SVG}use")} <= glyphs


def test_a_thumbnail_has_the_colours_of_both_themes(drawing):
    rules = ET.fromstring(thumbnail(drawing)).find(f"{SVG}style").text
    light, dark = rules.split("svg:target")
    assert f"--mbx-c0:{viz.LIGHT['c0']};" in light
    assert f"--mbx-c0:{viz.DARK['c0']};" in dark
    assert ET.fromstring(thumbnail(drawing)).get("id") == "dark"


def test_points_that_share_a_pixel_become_one():
    assert thin("M0 0L0.3 0.04L0.5 0.1L5 5L5.2 5L9.96 1") == "M0 0L5 5L10 1"
    assert thin("M0 0L10 0L10 10z") == "M0 0L10 0L10 10z"
    assert thin("M-0.01 2C1.23 4.56 7 8 9 10.14") == "M0 2C1.2 4.6 7 8 9 10.1"


def test_thinning_moves_no_curve_by_more_than_a_point():
    x = np.linspace(0.0, 400.0, 3000)
    y = 100.0 + 80.0 * np.sin(x / 15.0)
    path = "M" + "L".join(f"{a:.2f} {b:.2f}" for a, b in zip(x, y))
    pairs = [point.split() for point in thin(path).removeprefix("M").split("L")]
    kept = np.array(pairs, float)
    assert len(kept) < len(x) / 2
    assert np.abs(np.interp(x, *kept.T) - y).max() < 1.0


@pytest.mark.parametrize("shape", [(300, 200, 3), (300, 200, 4), (20, 10, 3)])
def test_images_are_shrunk_to_a_few_pixels(shape):
    pixels = np.full(shape, 128, np.uint8)
    small = opened(shrink(uri(pixels), 120))
    assert max(small.size) <= 120
    assert small.size[1] / small.size[0] == pytest.approx(shape[0] / shape[1], rel=0.03)
    assert np.abs(np.asarray(small.convert("RGBA"))[..., 0].astype(int) - 128).max() <= 2


def test_the_first_frame_of_a_knob_is_shown():
    html = viz.knob(
        lambda value: viz.image_grid({str(value): np.full((2, 2), value)}),
        label="v", values=(1, 2, 3), start=2, alt="Values change.",
    ).html()  # fmt: skip
    assert "mean 2" in first_picture(html)
    assert first_picture("<audio></audio>") is None


def test_a_caption_is_cut_after_its_first_sentence():
    caption = nodes.caption(
        "", "", nodes.Text("With "), nodes.math("", "x"), nodes.Text(" it\nis so. More")
    )
    assert [node.astext() for node in first_sentence(caption)] == ["With ", "x", " it is so."]
    linked = nodes.caption("", "", nodes.reference("", "a link", refuri="x"), nodes.Text(" ends."))
    assert "".join(node.astext() for node in first_sentence(linked)) == "a link ends."


def test_every_figure_of_every_chapter_is_in_the_gallery_once(soup):
    shown = [card.a["href"] for card in soup("front/gallery").select(".gallery-card")]
    there = [
        f"../{docname}.html#{figure['id']}"
        for docname in CHAPTERS
        for figure in soup(docname).select(".bd-article figure[id]")
    ]
    assert shown == there


def test_each_card_has_the_number_and_the_first_words_of_its_figure(soup):
    for card in soup("front/gallery").select(".gallery-card"):
        address, _, name = card.a["href"].removeprefix("../").partition("#")
        figure = soup(address.removesuffix(".html")).find(id=name)
        number = figure.select_one(".caption-number").get_text(strip=True)
        assert card.select_one(".gallery-number").get_text(strip=True) == number
        caption = " ".join(figure.select_one(".caption-text").get_text().split())
        said = " ".join(card.select_one(".gallery-caption").get_text().split())
        assert len(said) > 15 and caption.startswith(said)


def test_the_pictures_are_there_in_both_themes_and_light(site, soup):
    cards = soup("front/gallery").select(".gallery-card")
    files = set()
    for card in cards:
        images = card.select("img")
        if not images:
            assert card.select_one(".gallery-sound")
            continue
        light, dark = (image["src"] for image in images)
        assert dark == f"{light}#dark"
        assert all(image["loading"] == "lazy" for image in images)
        files.add((site / "front" / light).resolve())
    assert len(files) >= len(cards) - 1
    assert max(path.stat().st_size for path in files) < 80_000


def test_figures_stand_under_their_parts(soup):
    sections = soup("front/gallery").select("section.gallery-part")
    assert [section["id"] for section in sections] == [part.name for part in parts(ROOT)]
    for section, part in zip(sections, parts(ROOT)):
        pages = {card.a["href"].split("#")[0] for card in section.select(".gallery-card")}
        assert pages == {f"../{docname}.html" for docname in part.docnames}
