r"""Dictionaries of three atoms as triangles in the plane, in exact integers.

A sample of :math:`\mathbb{R}^3`, up to scale, is a point ``(x, y, z)`` of the plane in homogeneous
coordinates, an atom is a vertex and a facet is the line of a side. The line through two points and
the point on two lines are cross products, and a point is on a line when their product is zero, so
that nothing is ever rounded.
"""

from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import atan, degrees, radians, tan

import numpy as np

from multiconvex import complete_dictionary, match_components

CORNERS = np.array([[0, 12, 1], [-10, -6, 1], [10, -6, 1]], object)
_STEPS = 997
_FINEST = 40
_SAME = 1e-9
_EXACT = 1e-20


@dataclass(frozen=True, eq=False)
class Crossing:
    """Two triangles and the points in which their sides meet.

    Attributes
    ----------
    turn : float
        Angle between the two, in degrees.
    corners : ndarray of int, shape (2, 3, 3)
        Of each triangle; rows are homogeneous coordinates.
    points : ndarray of int, shape (9, 3)
    """

    turn: float
    corners: np.ndarray
    points: np.ndarray

    @property
    def on_sides(self):
        """How many points each of the six lines carries, exactly, shape (2, 3)."""
        return np.array([(sides_of(one) @ self.points.T == 0).sum(axis=1) for one in self.corners])

    @property
    def between_corners(self):
        """Number of points that are between two corners of both triangles."""
        weights = [plane(self.points) @ np.linalg.inv(plane(one)) for one in self.corners]
        return int(np.all(np.stack(weights) > -_SAME, axis=(0, 2)).sum())


@dataclass(frozen=True)
class Explanations:
    """How many triangles carry sets of points of one kind.

    Attributes
    ----------
    points : str
        Points on the sides.
    sets : int
    fewest, most : int
        Triangles, over the sets.
    """

    points: str
    sets: int
    fewest: int
    most: int


@dataclass(frozen=True)
class Ends:
    """Where fits to the nine points end.

    Attributes
    ----------
    starts, first, second, elsewhere : int
        Of all starts, those at an exact fit by the one or by the other triangle or by neither.
    """

    starts: int
    first: int
    second: int
    elsewhere: int


def cross_triangles(turn):
    """Turn a triangle about its centre and return the nine points of both.

    The tangent of half the angle is rounded to a fraction, so that all coordinates are integers.
    """
    half = Fraction(tan(radians(turn) / 2)).limit_denominator(_FINEST)
    p, q = half.numerator, half.denominator
    rotation = np.array(
        [[q * q - p * p, -2 * p * q, 0], [2 * p * q, q * q - p * p, 0], [0, 0, q * q + p * p]],
        object,
    )
    turned = CORNERS @ rotation.T
    points = _cross(sides_of(CORNERS)[:, None], sides_of(turned)[None]).reshape(9, 3)
    return Crossing(2 * degrees(atan(half)), np.stack([CORNERS, turned]), points)


def place_points(counts, random_state=None):
    """Draw points on the sides of the triangle, a count for each side, none of them a corner.

    They lie between two corners or outside, by up to a third of the side.
    """
    rng = np.random.default_rng(random_state)
    allowed = np.setdiff1d(np.arange(-_STEPS // 3, 4 * _STEPS // 3), [0, _STEPS])
    placed = []
    for side, count in enumerate(counts):
        start, end = np.delete(CORNERS, side, axis=0)
        places = rng.choice(allowed, count, replace=False)
        placed += [int(place) * end + (_STEPS - int(place)) * start for place in places]
    return np.array(placed, object)


def find_triangles(points):
    """Return every triangle whose sides carry all the points, as rows of three lines.

    Tries all triples of lines through at least two of the points.
    """
    first, second = np.triu_indices(len(points), 1)
    lines = _cross(points[first], points[second])
    carried, kept = np.unique(lines @ points.T == 0, axis=0, return_index=True)
    triples = np.array(list(combinations(range(len(kept)), 3)))
    full = triples[carried[triples].any(axis=1).all(axis=1)]
    found = [lines[kept[triple]] for triple in full]
    return [sides for sides in found if _cross(sides[0], sides[1]) @ sides[2] != 0]


def count_explanations(sets=20, random_state=0):
    """Count the triangles that carry two, three and four points a side."""
    rng = np.random.default_rng(random_state)
    turns = np.linspace(5.0, 35.0, sets)
    kinds = {
        "2 on each side, drawn": [place_points((2, 2, 2), rng) for _ in range(sets)],
        "3 on each side, drawn": [place_points((3, 3, 3), rng) for _ in range(sets)],
        "3 on each side, crossings": [cross_triangles(turn).points for turn in turns],
        "4 on each side, drawn": [place_points((4, 4, 4), rng) for _ in range(sets)],
        "3 crossings and 1 drawn": [
            np.vstack([cross_triangles(turn).points, place_points((1, 1, 1), rng)])
            for turn in turns
        ],
    }
    rows = []
    for name, drawn in kinds.items():
        found = [len(find_triangles(points)) for points in drawn]
        rows.append(Explanations(name, sets, min(found), max(found)))
    return rows


def fit_crossing(crossing, n_starts=40):
    """Learn a dictionary of three atoms from the nine points, from random starts."""
    X = plane(crossing.points).T
    ends = [0, 0, 0]
    for seed in range(n_starts):
        fit = complete_dictionary(X, 3, 2, init="random", n_starts=1, tol=1e-9, random_state=seed)
        exact = fit.objective < _EXACT * np.vdot(X, X)
        similar = [match_components(fit.dictionary, plane(c).T)[1].min() for c in crossing.corners]
        same = exact and max(similar) > 1.0 - _SAME
        ends[int(np.argmax(similar)) if same else 2] += 1
    return Ends(n_starts, *ends)


def sides_of(corners):
    """Lines of the sides; the first one is opposite to the first corner."""
    return _cross(np.roll(corners, -1, axis=0), np.roll(corners, -2, axis=0))


def plane(points):
    """Homogeneous coordinates as floats with a last coordinate of one."""
    return (points / points[:, 2:]).astype(float)


def _cross(u, v):
    return np.stack(
        [u[..., i - 2] * v[..., i - 1] - u[..., i - 1] * v[..., i - 2] for i in range(3)], axis=-1
    )
