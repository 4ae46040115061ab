"""The figure in which a component of a factorisation is dragged."""

import json
import os
import re
import shutil

import numpy as np
import pytest
from bs4 import BeautifulSoup

from multiconvex import feasible_set, viz


@pytest.fixture(scope="module")
def solutions():
    rng = np.random.default_rng(0)
    return feasible_set((rng.random((8, 3)) + 0.2) @ (rng.random((3, 9)) + 0.2), 3)


@pytest.fixture(scope="module")
def drag(solutions):
    return viz.factor_drag(solutions, alt="The factors follow the point.")


@pytest.fixture(scope="module")
def soup(drag):
    return BeautifulSoup(drag.html(), "html.parser")


def test_controls_have_names_and_places(soup):
    box = soup.select_one(".mbx-drag")
    assert box["role"] == "group" and box["aria-label"] == "The factors follow the point."
    names = [label.find(string=True) for label in soup.select("label:has(input)")]
    assert names == ["place", "depth"]
    assert all(svg["aria-label"] for svg in soup.select("svg"))


def test_every_place_is_a_factorisation(drag, solutions):
    last = json.loads(BeautifulSoup(drag.html(), "html.parser").div["data-plane"])["near"]
    for place in range(0, len(last), 7):
        for depth in (0.0, 0.5, 1.0):
            W = solutions.plane.columns(drag.factors_at(place, depth))
            assert solutions.contains(W)


def test_same_set_same_bytes(drag, solutions):
    assert viz.factor_drag(solutions, alt=drag.alt).html() == drag.html()


def test_colours_are_those_of_the_theme(drag):
    plain = re.sub(
        r"var\([^;\"]*\)", "", re.sub(r"<script>.*</script>", "", drag.html(), flags=re.S)
    )
    assert not re.search(r"#[0-9a-f]{6}", plain)


def test_what_cannot_be_dragged_is_refused(solutions):
    with pytest.raises(ValueError, match="rank three"):
        viz.factor_drag(feasible_set(np.array([[2.0, 1, 1], [1, 2, 1]]), 2), alt="x")
    with pytest.raises(ValueError, match="alt is empty"):
        viz.factor_drag(solutions, alt=" ")


@pytest.mark.browser
def test_pointer_and_keyboard_show_what_python_computes(drag, solutions):
    path = shutil.which(os.environ.get("CHROMIUM", "chromium"))
    if path is None:
        pytest.skip("No Chromium on the path: on Debian, apt-get install chromium.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 700, "height": 700})
        page.set_content(drag.html())
        place, depth = page.locator("input").all()
        place.focus()
        page.keyboard.press("Home")
        page.keyboard.press("ArrowRight")
        depth.focus()
        page.keyboard.press("End")
        shown = corners_on(page)
        expected = drag.factors_at(1, 1.0)
        np.testing.assert_allclose(shown, drawn(drag, expected), atol=0.1)
        columns = solutions.plane.columns(expected)
        heights = curve_on(page, "W", 1)
        assert np.corrcoef(heights, -columns[:, 1])[0, 1] > 1 - 1e-9

        view = page.locator(".mbx-plane").bounding_box()
        page.mouse.move(view["x"] + 0.9 * view["width"], view["y"] + 0.5 * view["height"])
        page.mouse.down()
        page.mouse.up()
        moved = drag.factors_at(int(place.input_value()), int(depth.input_value()) / 100)
        np.testing.assert_allclose(corners_on(page), drawn(drag, moved), atol=0.1)
        assert int(place.input_value()) > 1
        browser.close()


def corners_on(page):
    text = page.locator(".mbx-triangle").get_attribute("points")
    return np.array([pair.split(",") for pair in text.split()], float)


def curve_on(page, name, q):
    text = page.locator(f".mbx-{name}-{q}").get_attribute("points")
    return np.array([pair.split(",") for pair in text.split()], float)[:, 1]


def drawn(drag, points):
    text = drag._on_screen(points)
    return np.array([pair.split(",") for pair in text.split()], float)
