"""A picture is one SVG: the same bytes each time, at home on any page, in any theme."""

import base64
import dataclasses
import io
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import matplotlib
import numpy as np
import pytest
from PIL import Image

from multiconvex import viz
from multiconvex.viz.palette import CYCLE, LIGHT, SURFACE
from multiconvex.viz.svg import compact

SCRIPT = """
from multiconvex import viz
with viz.style():
    fig, axes = viz.figure(ncols=2, height=2.5)
    axes[0].plot([0, 1, 2], [0.123456, 3.2, 1], "o-", label="a")
    axes[0].fill_between([0, 1], [0, 1], alpha=0.3, color=viz.CYCLE[1], hatch="//")
    axes[0].legend(title="$x^2$")
    axes[1].imshow([[0, 1], [2, 3]])
    axes[1].set_title("title")
picture = viz.Picture(fig, alt="Two panels: a & b < c.")
"""


def example(alt="Two panels: a & b < c."):
    names = {}
    exec(SCRIPT, names)
    return dataclasses.replace(names["picture"], alt=alt)


@pytest.fixture(scope="module")
def svg():
    return example().svg()


def test_same_figure_same_bytes(svg):
    picture = example()
    assert picture.svg() == picture.svg() == svg


def test_same_bytes_in_another_process_with_other_settings(svg):
    code = "import matplotlib as m; m.rcParams.update({'font.size': 30, 'axes.labelpad': 30})"
    code += "\nm.rcParams.update({'xtick.direction': 'in', 'legend.shadow': True})"
    code += SCRIPT + "import sys; sys.stdout.buffer.write(picture.svg().encode())"
    env = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, env=env, check=True)
    assert run.stdout.decode() == svg


def test_root_is_an_image_with_a_name_that_scales(svg):
    root = ET.fromstring(svg)
    assert root.get("role") == "img"
    assert root.get("aria-label") == "Two panels: a & b < c."
    assert "width:100%;max-width:576px;height:auto" in root.get("style")
    assert root.get("viewBox") == "0 0 432 180"
    assert root.get("width") is None and root.get("height") is None


def test_identifiers_belong_to_the_figure_and_resolve(svg):
    identifiers = re.findall(r' id="([^"]*)"', svg)
    assert len(set(identifiers)) == len(identifiers)
    assert len({re.fullmatch(r"(m[0-9a-f]{8}-)\d+", name).group(1) for name in identifiers}) == 1
    links = re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', svg)
    assert {a or b for a, b in links} == set(identifiers)


def test_two_pictures_share_no_identifier(svg):
    other = example(alt="Another description.").svg()
    ids = [set(re.findall(r' id="([^"]*)"', text)) for text in (svg, other)]
    assert ids[0] and not ids[0] & ids[1]


@pytest.mark.parametrize(
    "unwanted", ["<!--", "<!DOCTYPE", "<metadata", "<style", "xlink", "matplotlib", "<?xml", "Date"]
)
def test_nothing_of_a_standalone_file_is_left(svg, unwanted):
    assert unwanted not in svg


def test_text_is_drawn_as_paths(svg):
    assert "<text" not in svg and "font-family" not in svg


def test_palette_colors_become_variables(svg):
    head, body = svg.split(">", 1)
    for name in ("ink", "muted", "grid", "c0", "c1"):
        assert f"--{name}:var(--mbx-{name}," in head
        assert f"var(--{name})" in body
    assert not [color for color in LIGHT.values() if color in body]


def test_coordinates_keep_two_decimals(svg):
    paths = "".join(re.findall(r' d="([^"]*)"', svg))
    assert not re.search(r"\.\d{3}", paths)
    assert re.search(r"\.\d\d", paths)


def test_rounding_moves_nothing_by_more_than_half_a_hundredth():
    x = np.linspace(0, 1, 9)
    with viz.style():
        fig, axes = viz.figure(height=2)
        (line,) = axes.plot(x, np.sin(9 * x), color=CYCLE[5])
    svg = viz.Picture(fig, "A curve.").svg()
    (path,) = re.findall(r'd="([^"]*)"[^>]*stroke:var\(--c5\)', svg)
    drawn = np.array(re.findall(r"-?[\d.]+", path), float).reshape(-1, 2)
    exact = line.get_transform().transform(line.get_xydata()) * 72 / fig.dpi
    exact[:, 1] = 2 * 72 - exact[:, 1]
    assert np.abs(drawn - exact).max() <= 0.0051


def test_strays_are_empty_for_palette_colors_only():
    assert example().strays() == ()


@pytest.mark.parametrize(("color", "stray"), [("#123456", "#123456"), ("black", "#000000")])
def test_strays_finds_colors_that_ignore_the_theme(color, stray):
    with viz.style():
        fig, axes = viz.figure()
        axes.text(0, 0, "fixed", color=color)
    assert viz.Picture(fig, "One word.").strays() == (stray,)


def test_strays_looks_into_patterns():
    with viz.style():
        fig, axes = viz.figure()
        axes.bar([0], [1], facecolor="#123456", edgecolor=CYCLE[0], hatch="/")
    assert viz.Picture(fig, "One bar.").strays() == ("#123456",)


def image_in(svg):
    (data,) = re.findall(r'href="data:image/\w+;base64,([^"]*)"', svg)
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_mapped_image_keeps_its_pixels_with_a_colour_table():
    values = np.arange(48.0).reshape(6, 8)
    image = image_in(viz.image_grid({"a": values}).svg())
    expected = viz.SEQUENTIAL(values / 47, bytes=True)[..., :3]
    assert image.mode == "P" and image.size == (8, 6)
    np.testing.assert_array_equal(np.asarray(image.convert("RGB")), expected)


def test_photograph_is_compressed_closely():
    ramp = np.linspace(0, 255, 200)
    photo = np.stack(np.broadcast_arrays(ramp, ramp[:, None], 128.0), -1).astype(np.uint8)
    image = image_in(viz.image_grid({"a": photo}).svg())
    assert image.format == "JPEG" and image.size == (200, 200)
    assert np.abs(np.asarray(image).astype(int) - photo).max() <= 12


def test_transparent_image_stays_transparent():
    values = np.array([[0.0, np.nan], [1.0, 2.0]])
    image = image_in(viz.image_grid({"a": values}).svg()).convert("RGBA")
    assert np.asarray(image)[..., 3].tolist() == [[255, 0], [255, 255]]


def test_compact_keeps_drawings_that_matplotlib_did_not_write():
    text = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 72 72"><g><path d="M 0 0 L 1e1 -.5"'
    )
    svg = compact(text + ' style="stroke: #2158c9"/></g></svg>', "A line.")
    assert 'd="M0 0L10-0.5"' in svg and "max-width:96px" in svg and "<g" not in svg


def test_bundle_has_a_bitmap_only_outside_the_build(monkeypatch):
    monkeypatch.setenv("MULTICONVEX_STATIC", "1")
    picture = example()
    assert set(picture._repr_mimebundle_()) == {"text/html", "text/plain"}
    monkeypatch.delenv("MULTICONVEX_STATIC")
    bundle = picture._repr_mimebundle_()
    assert bundle["image/png"].startswith(b"\x89PNG")
    assert bundle["text/html"] == picture.svg()
    assert bundle["text/plain"] == picture.alt


def test_bitmap_and_saved_files_are_light_and_opaque(tmp_path):
    picture = example()
    corner = Image.open(io.BytesIO(picture.png(dpi=50))).convert("RGBA").getpixel((0, 0))
    assert corner == (*(int(SURFACE[i : i + 2], 16) for i in (1, 3, 5)), 255)
    picture.save(tmp_path / "figure.png")
    with Image.open(tmp_path / "figure.png") as saved:
        assert saved.size == (1200, 500)
    picture.save(tmp_path / "figure.svg")
    assert LIGHT["c0"] in (tmp_path / "figure.svg").read_text()


@pytest.mark.parametrize("alt", ["", "  \n", None])
def test_a_picture_needs_a_description(alt):
    with pytest.raises(ValueError, match="alt must be a sentence"):
        example(alt=alt)


def test_a_picture_needs_a_figure():
    with pytest.raises(TypeError, match="figure must be a matplotlib Figure, got int"):
        viz.Picture(3, "A number.")


def test_a_picture_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        example().alt = "other"


def test_style_leaves_the_settings_of_the_reader_alone():
    before = dict(matplotlib.rcParams)
    with viz.style():
        assert matplotlib.rcParams["svg.fonttype"] == "path"
    assert dict(matplotlib.rcParams) == before


def test_figures_do_not_load_pyplot_and_the_package_does_not_load_matplotlib():
    code = "import sys, multiconvex; assert 'matplotlib' not in sys.modules\n" + SCRIPT
    code += "picture._repr_mimebundle_(); assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_is_found_and_others_are_refused():
    for name in viz.__all__:
        assert getattr(viz, name) is not None
        assert name in dir(viz)
    assert viz.cones.cone is viz.cone
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = viz.nothing
