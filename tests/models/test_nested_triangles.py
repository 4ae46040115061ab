"""Triangles between two polygons: arcs against membership, brute force and closed forms."""

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from multiconvex.models import nested_triangles
from multiconvex.models.profile_plane import profile_plane


def random_mixture(seed, zeros):
    """Nonnegative factors of rank three; `zeros` of their entries vanish."""
    rng = np.random.default_rng(seed)
    W, H = (rng.random((n, 3)) * (rng.random((n, 3)) >= zeros) for n in (7, 9))
    return W, H


def tangle(seed):
    """Factors in which data touch the border of the outer polygon, in one of several ways."""
    rng = np.random.default_rng(seed)
    kinds = (
        lambda: (rng.integers(0, 3, (6, 3)), rng.integers(0, 3, (8, 3))),
        lambda: (np.vstack([np.eye(3), rng.integers(0, 3, (2, 3))]), pure_rows(rng)),
        lambda: (rng.random((7, 3)) * (rng.random((7, 3)) > 0.4), pure_rows(rng)),
        lambda: random_mixture(seed, 0.4),
        lambda: (np.kron(np.eye(3), np.ones((2, 1))), random_mixture(seed, 0.4)[1]),
    )
    W, H = kinds[seed % len(kinds)]()
    return W.astype(float), H


def pure_rows(rng):
    return np.vstack([np.eye(3), rng.random((5, 3))])


def regular(count, radius, turn=0.0):
    angles = turn + 2 * np.pi * np.arange(count) / count
    return radius * np.column_stack([np.cos(angles), np.sin(angles)])


def plane_between(outer, inner, tol=1e-9):
    """The plane of the matrix of distances of inner points from the sides of a polygon."""
    edges = np.roll(outer, -1, axis=0) - outer
    way = inner - outer[:, None]
    return profile_plane(edges[:, [0]] * way[..., 1] - edges[:, [1]] * way[..., 0], 3, tol=tol)


def sampled_area(plane, steps=120):
    """Area of the set by testing the points of a grid, and that of the grid."""
    low, high = plane.outer.min(axis=0), plane.outer.max(axis=0)
    axes = [np.linspace(*ends, steps) for ends in zip(low, high)]
    points = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    box = float(np.prod(high - low))
    return box * float((nested_triangles.slack(plane, points) >= 0).mean()), box


def distance_to(curve, point):
    """Distance of a point from a closed polygonal curve."""
    way = np.roll(curve, -1, axis=0) - curve
    share = ((point - curve) * way).sum(axis=1) / np.maximum((way**2).sum(axis=1), 1e-300)
    nearest = curve + np.clip(share, 0, 1)[:, None] * way
    return np.linalg.norm(nearest - point, axis=1).min()


def winds_around(outline, point):
    """Whether a point lies between closed curves, by their angles seen from it."""
    turns = 0
    for curve in outline:
        angles = np.unwrap(np.arctan2(*(np.vstack([curve, curve[:1]]) - point).T))
        turns += round((angles[-1] - angles[0]) / (2 * np.pi))
    return turns % 2 == 1


@pytest.mark.parametrize("seed", range(6))
def test_slack_agrees_with_random_triangles(seed):
    W, H = random_mixture(seed, 0.0)
    plane = profile_plane(W @ H.T, 3, noise=0.0)
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(len(plane.outer)), (20_000, 3))
    corners = weights @ plane.outer
    lifted = np.concatenate([corners, np.ones((*corners.shape[:2], 1))], axis=2)
    corners = corners[np.abs(np.linalg.det(lifted)) > 1e-9]
    kept = [c for c in corners if plane.shares(c, plane.inner).min() >= 0]
    if kept:
        assert nested_triangles.slack(plane, np.vstack(kept)).min() >= -1e-12


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize("seed", range(6))
def test_tangents_of_a_corner_go_along_its_edges_whatever_its_last_digits(seed, turn):
    W, H = random_mixture(seed, 0.0)
    plane = profile_plane(W @ H.T, 3, noise=0.0)
    edges = np.roll(plane.inner, -turn, axis=0) - plane.inner
    for nudge in regular(8, 3e-17):
        reached = nested_triangles.next_point(plane, plane.inner + nudge, turn) - plane.inner
        lengths = np.linalg.norm(edges, axis=1) * np.linalg.norm(reached, axis=1)
        sines = (edges[:, 0] * reached[:, 1] - edges[:, 1] * reached[:, 0]) / lengths
        assert np.abs(sines).max() < 1e-9
        assert ((edges * reached).sum(axis=1) > 0).all()


@pytest.mark.parametrize("seed", range(12))
def test_triangles_of_feasible_points_lie_between_and_of_others_do_not(seed):
    W, H = random_mixture(seed, 0.2 * (seed % 2))
    plane = profile_plane(W @ H.T, 3, noise=0.0)
    points = np.random.default_rng(seed).dirichlet(np.ones(len(plane.outer)), 400) @ plane.outer
    slack = nested_triangles.slack(plane, points)
    triangles = nested_triangles.triangles(plane, points)
    for corners, room in zip(triangles, slack):
        if abs(room) > 1e-9:
            inside = plane.depth(corners).min() >= -1e-12
            covers = plane.shares(corners, plane.inner).min() >= -1e-9
            assert (room > 0) == (inside and covers)


@pytest.mark.parametrize("seed", range(8))
def test_the_near_border_is_where_triangles_just_close(seed):
    W, H = random_mixture(seed, 0.0)
    plane = profile_plane(W @ H.T, 3, noise=0.0)
    for part in nested_triangles.parts(plane):
        away = np.linalg.norm(part.near[:, None] - plane.inner, axis=2).min(axis=1) > 1e-9
        assert np.abs(nested_triangles.slack(plane, part.near[away])).max() < 1e-8
        further = part.near + 1e-4 * (part.far - part.near)
        nearer = part.near[away] * (1 - 1e-4)
        assert nested_triangles.slack(plane, further).min() > -1e-9
        assert nested_triangles.slack(plane, nearer).max() < 0


@pytest.mark.parametrize("seed", range(25))
def test_no_part_is_lost_and_none_invented_where_data_touch_the_border(seed):
    W, H = tangle(seed)
    if np.linalg.matrix_rank(W @ H.T) < 3:
        pytest.skip("these random factors have a lower rank")
    plane = profile_plane(W @ H.T, 3, noise=0.0)
    parts = nested_triangles.parts(plane)
    area, box = sampled_area(plane)
    assert sum(part.area for part in parts) == pytest.approx(area, abs=0.02 * box)
    for point in plane.points(W):
        assert any(
            distance_to(curve, point) < 1e-3 * plane.diameter or winds_around(part.outline, point)
            for part in parts
            for curve in part.outline
        )


def test_the_area_does_not_depend_on_how_it_is_measured():
    W, H = random_mixture(3, 0.0)
    plane = profile_plane(W @ H.T, 3, noise=0.0)
    for part in nested_triangles.parts(plane):
        outline = part.outline[0] if not part.encloses else None
        if outline is not None:
            x, y = outline.T
            shoelace = 0.5 * abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))
            assert part.area == pytest.approx(shoelace, rel=2e-2, abs=1e-9)


def test_a_small_disc_in_a_triangle_leaves_a_ring():
    outer = regular(3, 1.0)
    plane = plane_between(outer, regular(60, 0.05))
    (part,) = nested_triangles.parts(plane)
    assert part.encloses
    whole = ConvexHull(plane.outer).volume
    assert part.area < whole - ConvexHull(plane.inner).volume


def test_two_concentric_polygons_that_fit_exactly():
    # Two triangles have their corners in a hexagon; the data are where their sides cross.
    plane = plane_between(regular(6, 1.0), regular(6, 1 / np.sqrt(3), turn=np.pi / 6))
    parts = nested_triangles.parts(plane)
    assert len(parts) == 6
    assert max(part.diameter for part in parts) < 1e-6
    corners = np.array([part.near[0] for part in parts])
    np.testing.assert_allclose(
        np.linalg.norm(corners, axis=1), np.linalg.norm(plane.outer, axis=1).mean(), rtol=1e-6
    )
    assert all(nested_triangles.avoidable(plane, parts, k) for k in range(6))


def test_no_triangle_fits_between_close_squares():
    plane = plane_between(regular(4, 1.0), 0.99 * regular(4, 1.0))
    assert nested_triangles.parts(plane) == ()


@pytest.mark.parametrize("reach", [0.9, 0.5])
def test_three_regions_of_a_symmetric_problem_are_equal(reach):
    true = reach * np.eye(3) + (1 - reach) / 3
    weights = np.array([[3, 1, 0], [1, 3, 0], [0, 3, 1], [0, 1, 3], [1, 0, 3], [3, 0, 1]]) / 4
    plane = profile_plane(true @ weights.T, 3, noise=0.0, tol=1e-9)
    parts = nested_triangles.parts(plane)
    assert len(parts) == 3
    areas = [part.area for part in parts]
    np.testing.assert_allclose(areas, areas[0], rtol=1e-7)
    assert not any(nested_triangles.avoidable(plane, parts, k) for k in range(3))
