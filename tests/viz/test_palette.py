"""The colours can be read, and told apart, in both themes."""

from itertools import combinations

import numpy as np
import pytest
from colours import BACKGROUND, contrast, linear

from multiconvex.viz.palette import CYCLE, DARK, INK, LIGHT, css_color

THEMES = {"light": LIGHT, "dark": DARK}

# Machado, Oliveira and Fernandes (2009), full severity.
VISION = {
    "full": np.eye(3),
    "protan": [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]],
    "deutan": [[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
    "tritan": [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]],
}


def oklab(rgb):
    cones = np.array([[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]])
    mix = np.array(
        [[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]]
    )
    return mix @ np.cbrt(cones @ np.clip(rgb, 0, 1))


def test_contrast_ratio_of_black_and_white_is_21():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", ["ink", "muted"])
def test_text_has_contrast(theme, name):
    assert contrast(THEMES[theme][name], BACKGROUND[theme]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", [f"c{i}" for i in range(8)])
def test_data_colors_have_contrast(theme, name):
    assert contrast(THEMES[theme][name], BACKGROUND[theme]) >= 3


@pytest.mark.parametrize("theme", THEMES)
def test_surface_is_the_page(theme):
    assert contrast(THEMES[theme]["surface"], BACKGROUND[theme]) < 1.01


def test_backgrounds_are_those_of_the_installed_theme():
    theme = pytest.importorskip("sphinx_book_theme")
    from pathlib import Path

    styles = Path(theme.__file__).parent.glob("theme/**/sphinx-book-theme.css")
    assert f"--pst-color-background:{BACKGROUND['dark']}" in "".join(s.read_text() for s in styles)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("vision", VISION)
def test_data_colors_differ_for_every_kind_of_vision(theme, vision):
    seen = [oklab(VISION[vision] @ linear(THEMES[theme][f"c{i}"])) for i in range(8)]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 0.04


def test_themes_name_the_same_colors_and_none_twice():
    assert list(LIGHT) == list(DARK)
    assert len(set(LIGHT.values())) == len(LIGHT)
    assert len(set(DARK.values())) == len(DARK)
    assert LIGHT["ink"] == INK and CYCLE[3] == LIGHT["c3"]


def test_css_variable_falls_back_on_the_light_color():
    assert css_color("c2") == f"var(--mbx-c2,{LIGHT['c2']})"
    assert css_color("ink") == f"var(--mbx-ink,var(--jp-content-font-color1,{INK}))"
