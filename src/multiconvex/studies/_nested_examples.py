"""Matrices whose nonnegative factorisations are known, and brute force where they are not."""

from dataclasses import dataclass

import numpy as np

from multiconvex.models.feasible_sets import feasible_set

_ANGLES = np.arange(6) * np.pi / 3


@dataclass(frozen=True)
class KnownCase:
    """One line of the comparison with what theory says."""

    data: str
    parts: int
    area: float
    fixed_components: int
    expected: str


def make_case(name):
    """A matrix of rank three with a known set of factorisations.

    Parameters
    ----------
    name : str
        "pure": both factors hold the identity. "touching": no pure column, but two data points on
        each side of the simplex. "blocks": two matrices that share neither rows nor columns.
        "two answers": six points at the corners of a hexagon, of which two triangles are made.
        "wide": data near the centre. "none": rank three, but nonnegative rank four.

    Returns
    -------
    ndarray
    """
    if name not in _CASES:
        raise ValueError(f"name must be one of {sorted(_CASES)}, got {name!r}.")
    return _CASES[name]()


def list_known_cases():
    """What :func:`multiconvex.feasible_set` finds where the answer is known."""
    rows = []
    for name, expected in _EXPECTED.items():
        solutions = feasible_set(make_case(name), 3, noise=0.0)
        fixed = 0 if solutions.is_empty else int(solutions.is_unique.sum())
        rows.append(KnownCase(name, len(solutions.parts), solutions.area, fixed, expected))
    return rows


@dataclass(frozen=True)
class BruteForce:
    """Random triangles between the polygons, beside the exact set.

    Attributes
    ----------
    drawn, between : int
        Triangles with corners in the outer polygon, and those of them that contain the data.
    outside : int
        Corners of the latter that the exact set does not contain.
    sampled_area, area : float
        Of the set: by the share of random points for which a triangle exists, and exactly.
    """

    drawn: int
    between: int
    outside: int
    sampled_area: float
    area: float


def compare_with_triangles(solutions, *, drawn=100_000, random_state=0):
    """Draw triangles in the outer polygon and keep those that contain the data."""
    plane, rng = solutions.plane, np.random.default_rng(random_state)
    corners = _uniform_points(plane, 3 * drawn, rng).reshape(-1, 3, 2)
    lifted = np.concatenate([corners, np.ones((drawn, 3, 1))], axis=2)
    volumes = np.abs(np.linalg.det(lifted))
    usable = volumes > 1e-12 * volumes.max()
    inner = np.column_stack([plane.inner, np.ones(len(plane.inner))])
    shares = inner @ np.linalg.inv(lifted[usable])
    kept = corners[usable][shares.min(axis=(1, 2)) >= 0]
    outside = int((solutions.slack(kept.reshape(-1, 2)) < -1e-12).sum()) if len(kept) else 0
    feasible = solutions.slack(corners.reshape(-1, 2)) >= 0
    whole = 0.5 * float(_cross(plane.outer, np.roll(plane.outer, -1, axis=0)).sum())
    return BruteForce(drawn, len(kept), outside, whole * float(feasible.mean()), solutions.area)


def _uniform_points(plane, count, rng):
    """Points of the outer polygon by rejection."""
    low, high = plane.outer.min(axis=0), plane.outer.max(axis=0)
    points = np.empty((0, 2))
    while len(points) < count:
        drawn = rng.uniform(low, high, (2 * count, 2))
        points = np.vstack([points, drawn[plane.depth(drawn) >= 0]])
    return points[:count]


def _pure():
    weights = np.random.default_rng(0).dirichlet((1.0, 1.0, 1.0), 20)
    H = np.vstack([np.eye(3), weights])
    return np.vstack([np.eye(3), [[1.0, 2.0, 1.0], [2.0, 1.0, 1.0]]]) @ H.T


def _touching():
    return np.array([[3, 1, 0, 0, 1, 3], [1, 3, 3, 1, 0, 0], [0, 0, 1, 3, 3, 1]]) / 4.0


def _blocks():
    first = np.array([[3.0, 1], [1, 3], [2, 2]]) @ [[3.0, 2, 1, 2], [1, 2, 3, 3]]
    return np.block([[first, np.zeros((3, 1))], [np.zeros((2, 4)), np.array([[1.0], [2.0]])]])


def _two_answers():
    """Distances from the sides of a hexagon of the points where its two triangles meet."""
    corners = np.column_stack([np.cos(_ANGLES), np.sin(_ANGLES)])
    meeting = 0.5 * (corners + np.roll(corners, -1, axis=0)) * 2.0 / 3.0
    edges = np.roll(corners, -1, axis=0) - corners
    return _cross(edges[:, None], meeting - corners[:, None])


def _cross(a, b):
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _wide():
    rng = np.random.default_rng(1)
    return (rng.random((12, 3)) + 0.3) @ (rng.random((15, 3)) + 0.3).T


def _none():
    return np.array([[1.0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 1]])


_CASES = {
    "pure": _pure,
    "touching": _touching,
    "blocks": _blocks,
    "two answers": _two_answers,
    "wide": _wide,
    "none": _none,
}
_EXPECTED = {
    "pure": "unique",
    "touching": "unique",
    "blocks": "one component fixed",
    "two answers": "two factorisations",
    "wide": "a ring",
    "none": "no factorisation",
}
