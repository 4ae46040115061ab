"""What the chapter on low-rank models claims of nonnegative factorisations of rank three."""

import numpy as np
import pytest

from multiconvex import viz
from multiconvex.studies import low_rank_geometry as study

figures = viz.low_rank_models


@pytest.fixture(scope="module")
def maps():
    return {reach: study.feasible_columns(reach) for reach in (1.0, 0.9, 0.7, 0.5)}


@pytest.fixture(scope="module")
def chosen():
    return study.choices(0.7)


def contains(triangle, points):
    """Whether the columns of a 3 by 3 matrix contain points of the simplex in their hull."""
    return np.linalg.solve(triangle, points).min() >= -1e-9


# --- Where columns may lie


@pytest.mark.parametrize("reach", [0.9, 0.7, 0.5])
def test_corners_of_triangles_that_contain_the_data_are_feasible(reach):
    rng = np.random.default_rng(0)
    data = study.mixtures(reach)[1]
    true = study.mixtures(reach)[0]
    accepted = 0
    for _ in range(3000):
        nearby = true + 0.2 * (1 - reach) * rng.standard_normal((3, 3))
        triangle = np.clip(nearby, 0.0, None) / np.clip(nearby, 0.0, None).sum(axis=0)
        if contains(triangle, data):
            accepted += 1
            assert study._enclosure_slack(triangle, data).min() >= -1e-9
    assert accepted > 10


@pytest.mark.parametrize("reach", [0.9, 0.7, 0.5])
def test_feasible_points_are_corners_of_a_triangle_that_contains_the_data(reach):
    data = study.mixtures(reach)[1]
    lattice = study._lattice(40)
    feasible = lattice[:, study._enclosure_slack(lattice, data) >= 0]
    corners = data[:2, study.ConvexHull(data[:2].T).vertices].T
    assert feasible.shape[1] > 0
    for point in feasible.T:
        second = study._follow_tangent(point[None, :2], corners)
        third = study._follow_tangent(second, corners)
        flat = np.vstack([point[:2], second, third])
        triangle = np.column_stack([flat, 1 - flat.sum(axis=1)]).T
        assert triangle.min() >= -1e-9
        assert contains(triangle, data)


def test_points_among_the_data_and_the_middles_of_the_sides_are_not_feasible():
    data = study.mixtures(0.7)[1]
    points = np.array([[1, 1, 1], [1, 1, 0], [0, 1, 1], [1, 0, 1]]).T
    assert study._enclosure_slack(points / points.sum(axis=0), data).max() < 0


def test_only_the_corners_are_feasible_when_the_data_touch_every_side(maps):
    touching = maps[1.0]
    feasible = touching.lattice[:, touching.slack >= -1e-9]
    np.testing.assert_allclose(np.sort(feasible.max(axis=0)), np.ones(3))
    for columns in touching.found:
        np.testing.assert_allclose(np.sort(columns.max(axis=0)), np.ones(3), atol=1e-6)


def test_the_feasible_share_grows_as_the_data_leave_the_sides(maps):
    assert np.all(np.diff([found.share for found in maps.values()]) > 0)
    assert maps[0.5].share > 0.3


def test_fits_are_exact_and_differ_below_reach_one(maps):
    for reach, found in maps.items():
        assert found.error < 1e-12
        for columns in found.found:
            assert study._enclosure_slack(columns, found.data).min() > -1e-6
        first, second = (np.sort(columns.max(axis=0)) for columns in found.found)
        assert (np.abs(first - second).max() > 1e-3) == (reach < 1)


def test_the_weights_contain_the_disc_that_touches_the_sides():
    hull = study.ConvexHull(study.HEXAGON @ _isometry().T)
    radius = np.linalg.norm([1 / 6, 1 / 6, -1 / 3])
    centre = _isometry() @ np.full(3, 1 / 3)
    distances = -(hull.equations[:, :2] @ centre + hull.equations[:, 2])
    assert distances.min() >= radius - 1e-12
    assert (distances > radius + 1e-3).any()


def _isometry():
    return np.linalg.svd(np.eye(3) - 1 / 3)[2][:2]


def test_below_reach_one_every_entry_of_the_true_columns_is_positive():
    assert study.mixtures(0.95)[0].min() > 0


# --- Choosing


def test_sparse_and_minimum_volume_fits_find_the_true_columns(chosen):
    assert chosen["sparse"].distance < 0.01
    assert chosen["minimum volume"].distance < 0.005


def test_the_plain_fit_is_exact_and_wrong(chosen):
    assert chosen["plain"].error < 1e-12
    assert chosen["plain"].distance > 0.05
    assert chosen["plain"].volume > 1.1 * chosen["minimum volume"].volume


def test_the_separable_fit_misses_data_without_pure_columns(chosen):
    assert chosen["separable"].error > 0.1
    data = study.mixtures(0.7)[1]
    nearest = np.abs(chosen["separable"].W[:, :, None] - data[:, None]).max(axis=0).min(axis=1)
    assert nearest.max() < 1e-12


def test_columns_near_the_centre_have_the_least_norm_for_their_sum():
    for reach in (1.0, 0.7, 0.4):
        norms = np.linalg.norm(study.mixtures(reach)[0], axis=0)
        assert np.all(norms > np.linalg.norm(study.mixtures(reach - 0.1)[0], axis=0))


# --- Volume


def test_the_volume_is_concave_between_grams_and_not_between_factors():
    paths = study.volume_paths(((1,), (0,)), ((0,), (2,)))
    inner = slice(1, -1)
    assert np.all(paths.in_gram[inner] > paths.chord[inner])
    assert np.all(paths.in_factor[inner] < paths.chord[inner])


def test_the_midpoint_of_two_factors_of_equal_volume_can_have_less():
    paths = study.volume_paths(((1,), (0.5,)), ((1,), (-0.5,)), points=3)
    np.testing.assert_allclose(paths.in_factor, [np.log(1.25), 0.0, np.log(1.25)], atol=1e-15)


def test_the_volume_is_not_convex_in_the_factor_either():
    paths = study.volume_paths(((1,),), ((3,),), points=3)
    assert paths.in_factor[1] > paths.chord[1]


# --- Figures


def test_every_figure_follows_the_theme_and_describes_itself(maps, chosen):
    true, data = study.mixtures(0.7)
    pictures = (
        figures.feasible(maps[0.7]),
        figures.choices(chosen, data, true),
        figures.volume_paths(study.volume_paths()),
    )
    for picture in pictures:
        assert picture.strays() == ()
    assert f"{maps[0.7].share:.1%}" in pictures[0].alt
    assert f"{chosen['separable'].error:.1%}" in pictures[1].alt
