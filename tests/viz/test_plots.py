"""The generic pictures draw what they are given, describe it with numbers, and follow the theme."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from multiconvex import viz
from multiconvex.viz.labels import spread
from multiconvex.viz.profiles import interrupted
from multiconvex.viz.simplices import barycentric
from multiconvex.viz.tables import format_value


def run(objective, seconds=0.5):
    sweeps = np.arange(len(objective))
    return SimpleNamespace(
        iteration=sweeps, seconds=seconds * sweeps, objective=np.array(objective, float)
    )


SAMPLE = np.random.default_rng(0).random((5, 6, 3))
CURVES = np.column_stack([np.sin(np.linspace(0, 3, 40)), np.linspace(0, 2, 40)])
PICTURES = {
    "traces": lambda: viz.traces({"a": run([3, 2, 1.5]), "b": run([3, 1.2, 1])}),
    "traces in seconds": lambda: viz.traces({"a": run([3, 2])}, x="seconds", best=1, xscale="log"),
    "image_grid": lambda: viz.image_grid({"a": np.eye(4), "b": np.zeros((4, 4, 3))}, colorbar="u"),
    "abundance_maps": lambda: viz.abundance_maps(SAMPLE, names=["a", "b", "c"]),
    "spectra": lambda: viz.spectra(CURVES, names=["sine", "line"], reference=CURVES + 0.1),
    "factors": lambda: viz.factors([CURVES, CURVES[:5]], axes=[("time", None), None]),
    "cone in the plane": lambda: viz.cone(
        [[1, 0.2], [0.2, 1]],
        points=[[1.0, 0.5], [0.0, 0.5]],
        projections=[[0.96, 0.5], [0.19, 0.5]],
    ),
    "cone in space": lambda: viz.cone(np.eye(3), points=np.ones((3, 2))),
    "simplex": lambda: viz.simplex(SAMPLE.reshape(3, -1), polygons={"all": np.eye(3)}),
}


@pytest.mark.parametrize("name", PICTURES)
def test_picture_follows_the_theme_and_is_deterministic(name):
    picture = PICTURES[name]()
    assert isinstance(picture, viz.Picture)
    assert picture.strays() == ()
    assert picture.svg() == PICTURES[name]().svg()
    assert len(picture.svg()) < 60_000


@pytest.mark.parametrize("name", PICTURES)
def test_description_is_a_sentence_with_numbers(name):
    alt = PICTURES[name]().alt
    assert alt.endswith(".") and any(character.isdigit() for character in alt)


def curves(picture, axes=0):
    return [line.get_xydata() for line in picture.figure.axes[axes].lines]


def test_traces_draw_the_relative_gap():
    first, second = curves(PICTURES["traces"]())[:2]
    np.testing.assert_allclose(first, [[0, 2], [1, 1], [2, 0.5]])
    np.testing.assert_allclose(second, [[0, 2], [1, 0.2], [2, np.nan]])


def test_traces_use_the_given_optimum_and_the_clock():
    (gap, _leader) = curves(viz.traces({"a": run([-3, -4])}, x="seconds", best=-5))
    np.testing.assert_allclose(gap, [[0, 0.4], [0.5, 0.2]])


def test_traces_take_results_too():
    result = SimpleNamespace(trace=run([3, 2, 1.5]))
    assert viz.traces({"a": result}).alt == viz.traces({"a": result.trace}).alt


def test_traces_tell_first_and_last_gap():
    alt = PICTURES["traces"]().alt
    assert "a falls from 2.0e+00 to 5.0e-01 in 2 sweeps" in alt
    assert "b falls from 2.0e+00 to 2.0e-01" in alt
    assert "a is zero throughout" in viz.traces({"a": run([1, 1])}).alt


def test_image_grid_shares_one_scale():
    picture = viz.image_grid({"a": np.eye(3), "b": 5 * np.eye(3)})
    limits = {axes.images[0].get_clim() for axes in picture.figure.axes}
    assert limits == {(0.0, 5.0)}
    assert "b (3 by 3 pixels, mean 1.67, largest 5)" in picture.alt


def test_image_grid_fills_rows():
    picture = viz.image_grid({str(k): np.eye(2) for k in range(5)}, ncols=3)
    assert [bool(axes.images) for axes in picture.figure.axes] == [True] * 5 + [False]


def test_spectra_are_interrupted_where_positions_jump_or_return():
    x, y = interrupted([0, 1, 2, 1.5, 2.5, 20, 21], np.arange(7.0))
    np.testing.assert_array_equal(x, [0, 1, 2, np.nan, 1.5, 2.5, np.nan, 20, 21])
    np.testing.assert_array_equal(np.isnan(y), np.isnan(x))


def test_factors_write_the_axes_of_a_data_set():
    axis = SimpleNamespace(label="emission (nm)", values=np.linspace(300, 400, 40))
    picture = viz.factors([CURVES], axes=[axis], names=["sine", "line"])
    assert picture.figure.axes[0].get_xlabel() == "emission (nm)"
    assert "along emission (nm) the largest entries are sine at 351.3, line at 400" in picture.alt


def test_cone_tells_how_far_points_are():
    picture = PICTURES["cone in the plane"]()
    assert "1 of them outside, the farthest at 0.194" in picture.alt


def test_barycentric_coordinates_are_affine_and_scale_free():
    points = SAMPLE[0].T[:, :4] + 0.1
    weights = np.array([0.1, 0.2, 0.3, 0.4])
    normal = points / points.sum(axis=0)
    np.testing.assert_allclose(barycentric(7 * points), barycentric(points))
    np.testing.assert_allclose(
        barycentric((normal @ weights)[:, None]).ravel(), barycentric(points) @ weights
    )
    sides = barycentric(np.eye(3))
    lengths = np.linalg.norm(sides - np.roll(sides, 1, axis=1), axis=0)
    np.testing.assert_allclose(lengths, 1)


def test_simplex_tells_the_share_of_a_polygon():
    half = np.array([[1, 0, 0.5], [0, 0, 0.5], [0, 1, 0]])
    assert "half, 3 corners, 50.0% of the area" in viz.simplex(half, polygons={"half": half}).alt


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0.01, 0.2))
def test_labels_are_spread_in_order_with_the_distance(heights, spacing):
    placed = spread(heights, spacing)
    order = np.argsort(heights, kind="stable")
    assert (np.diff(placed[order]) >= spacing - 1e-9).all()
    assert np.mean(placed) == pytest.approx(np.mean(heights), abs=1e-9)


def test_labels_move_as_little_as_possible():
    heights, spacing = np.array([0.1, 0.15, 0.2, 0.8, 0.81]), 0.1
    best = minimize(
        lambda y: ((y - heights) ** 2).sum(),
        np.linspace(0, 1, 5),
        constraints={"type": "ineq", "fun": lambda y: np.diff(y) - spacing},
    )
    np.testing.assert_allclose(spread(heights, spacing), best.x, atol=1e-5)


def test_labels_stay_inside_the_axes():
    with viz.style():
        _fig, axes = viz.figure()
        for k in range(4):
            axes.plot([0, 1], [k, 0])
        axes.set_ylim(0, 3)
        viz.label_lines(axes, ["a", "b", "c", "d"])
    heights = sorted(text.get_position()[1] for text in axes.texts)
    assert heights[0] >= 0 and heights[-1] <= 1
    assert [text.get_text() for text in axes.texts] == ["a", "b", "c", "d"]


def test_labels_of_lines_that_end_together_keep_the_order_of_the_lines():
    with viz.style():
        _fig, axes = viz.figure()
        for start, name in zip((2.0, 3.0, 1.0), ("middle", "top", "bottom")):
            axes.plot([0, 1, 2], [start, 0.5 + 1e-9 * start, 0.5], label=name)
        axes.set_ylim(0, 3)
        viz.label_lines(axes, ["middle", "top", "bottom"])
    by_height = sorted(axes.texts, key=lambda text: text.get_position()[1])
    assert [text.get_text() for text in by_height] == ["bottom", "middle", "top"]


@dataclass
class Row:
    method: str
    gap: float


def test_table_takes_dataclasses_and_dictionaries():
    assert "<b>" not in viz.table([{"<b>": 1}])._repr_html_()
    from_dataclass = viz.table([Row("<a>", 0.5)], caption="Gaps & more")
    from_dict = viz.table([{"method": "<a>", "gap": 0.5}], caption="Gaps & more")
    assert from_dataclass == from_dict
    html = from_dataclass._repr_html_()
    assert "<caption>Gaps &amp; more</caption>" in html and "&lt;a&gt;" in html
    assert '<th scope="col" style="text-align:right">gap</th>' in html
    assert 'style="overflow-x:auto"' in html and 'tabindex="0"' in html


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"), (-12, "−12"), (123456, "123\u202f456"), (0.5, "0.5"), (1 / 3, "0.333"),
        (1.5e-12, "1.5 × 10⁻¹²"), (float("nan"), "–"), (None, "–"), (float("-inf"), "−∞"),
        (True, "True"), ("text", "text"), (np.float64(2.0), "2"), (np.int64(7), "7"),
    ],
)  # fmt: skip
def test_cells_are_formatted(value, text):
    assert format_value(value) == text


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: viz.traces({}), "results is empty"),
        (lambda: viz.traces({"a": run([1])}, x="epoch"), "x must be one of .*got 'epoch'"),
        (lambda: viz.image_grid({}), "images is empty"),
        (lambda: viz.image_grid({"a": np.ones(3)}), r"image 'a' must have shape .* got \(3,\)"),
        (lambda: viz.abundance_maps(np.eye(2)), r"maps must have shape .* got \(2, 2\)"),
        (lambda: viz.abundance_maps(np.ones((2, 2, 2)), names=["a"]), "names must be 2"),
        (lambda: viz.spectra(np.ones(3)), r"spectra must have shape .* got \(3,\)"),
        (lambda: viz.spectra(CURVES, x=[1, 2]), r"x must have shape \(40,\), got \(2,\)"),
        (lambda: viz.factors([CURVES, CURVES[:, :1]]), "with one rank, got shapes"),
        (lambda: viz.factors([CURVES], axes=[("a", [1])]), r"axes\[0\] must have 40 values"),
        (lambda: viz.cone(np.eye(4)), r"generators must have shape .* got \(4, 4\)"),
        (lambda: viz.simplex(np.ones((2, 3))), r"points must have shape \(3, n\), got \(2, 3\)"),
        (lambda: viz.simplex(np.zeros((3, 1))), "must have a positive sum"),
        (lambda: viz.table([]), "rows is empty"),
        (lambda: viz.table([{"a": 1}, {"b": 1}]), r"row 1 has columns \('b',\), expected \('a',"),
    ],
)
def test_wrong_input_is_refused_with_a_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()
