r"""Triangles between two convex polygons: where their corners may lie, exactly.

The polygons come counterclockwise, the inner one strictly inside the outer one and around the
origin. Walking with the inner polygon on the left, a point of the outer border is followed along
its tangent to the *next* point of the border; the tangents from both that remain meet in the
*apex*. While the point moves along an edge and no tangent changes its corner, the apex moves on a
conic, whose homogeneous coordinates are polynomials of degree two. These arcs are the border, on
the side of the data, of the set of corners of all triangles between the polygons [1]_; whatever
lies behind them, seen from the data, is feasible as well.

References
----------
.. [1] O. S. Borgen and B. R. Kowalski, "An extension of the multivariate component-resolution
   method to three components", Analytica Chimica Acta, 1985.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from multiconvex.models.exact_polygons import ExactPolygons, scaled
from multiconvex.models.profile_plane import ProfilePlane

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_SAMPLES = 17
_HERE = 1e-12  # sizes of the data within which a point is at a corner
_EVEN = (0.6, 1.6)  # middle weights with which the parameter of a conic runs evenly


@dataclass(frozen=True, eq=False)
class Part:
    """A connected part of the set of corners of triangles between two polygons.

    Attributes
    ----------
    near : ndarray, shape (k, 2)
        Its border on the side of the data, counterclockwise.
    far : ndarray, shape (k, 2)
        The border of the outer polygon behind each point of ``near``.
    area : float
    encloses : bool
        Whether it is a ring around the data.
    outline : tuple of ndarray, shapes (k, 2)
        The closed curves that bound it: one, or two of a ring.
    """

    near: np.ndarray
    far: np.ndarray
    area: float
    encloses: bool
    outline: tuple

    @property
    def diameter(self):
        """Largest distance between two of its points."""
        points = np.vstack([self.near, self.far])
        return float(np.sqrt(np.square(points[:, None] - points[None]).sum(axis=2).max()))


def next_point(plane, points, turn=1):
    """Follow the tangent of the inner polygon from each point to the outer border.

    With ``turn=1`` the inner polygon lies on the left of the way, with -1 on the right.
    """
    return _leave(plane, points, plane.inner[_touched(plane, points, turn)] - points)


def slack(plane, points):
    """Distance of the inner polygon from the line that closes the triangle at each point.

    It is not negative where a triangle between the polygons has this corner; for points inside the
    inner polygon or outside the outer one it is minus their distance from the border.
    """
    points = np.atleast_2d(points)
    edges = np.roll(plane.inner, -1, axis=0) - plane.inner
    lengths = np.linalg.norm(edges, axis=1)
    buried = (_cross(edges, points[:, None] - plane.inner) / lengths).min(axis=1)
    depth = plane.depth(points)
    first, second = next_point(plane, points), next_point(plane, points, turn=-1)
    closing = second - first
    gaps = _cross(closing[:, None], plane.inner - first[:, None])
    gaps = gaps.min(axis=1) / np.maximum(np.linalg.norm(closing, axis=1), np.finfo(float).tiny)
    return np.where(buried > 0, -buried, np.where(depth < 0, depth, gaps))


def triangles(plane, points):
    """The largest triangle with each point as a corner: along both tangents to the border."""
    points = np.atleast_2d(points)
    ends = next_point(plane, points), next_point(plane, points, turn=-1)
    return np.stack([points, *ends], axis=1)


def parts(plane: ProfilePlane):
    """The connected parts of the set of corners, in turn, as a tuple of :class:`Part`."""
    polygons = ExactPolygons(plane)
    pieces = polygons.pieces_of_the_border()
    chains = []
    for number, piece in enumerate(pieces):
        for low, high, arcs in _inside(polygons, _apexes(polygons, piece)):
            if low == 0.0 and chains and chains[-1][-1][:2] == (number - 1, np.inf):
                chains[-1].append((number, high, low, arcs))
            else:
                chains.append([(number, high, low, arcs)])
    if not chains:
        return ()
    first, last = chains[0][0], chains[-1][-1]
    meets = (first[0], first[2], *last[:2]) == (0, 0.0, len(pieces) - 1, np.inf)
    if meets and len(chains) > 1:
        chains[0] = chains.pop() + chains[0]
    return tuple(_part(plane, chain, meets and len(chains) == 1) for chain in chains)


def avoidable(plane, candidates, index):
    """Whether a triangle between the polygons has no corner in one of the parts.

    It suffices to look at corners on the outer border, and at steps that go as far as they can:
    the next point never turns back while a point goes round.
    """
    intervals = [_angles(part) for k, part in enumerate(candidates) if k != index]
    for low, high in intervals:
        for angle in np.linspace(low, high, _SAMPLES):
            reached = angle
            for _ in range(3):
                reached = _farthest(_turn_to(plane, reached), intervals)
            if reached >= angle + 2 * np.pi - 1e-9:
                return True
    return False


@dataclass(frozen=True, eq=False)
class _Arc:
    """Points on a conic.

    Rows of ``conic`` are the homogeneous coordinates that multiply ``(1 - s)**2``, ``2 s (1 - s)``
    and ``s**2``: in this form nothing cancels near the ends.
    """

    conic: np.ndarray

    def at(self, places):
        """Points, of shape (k, 2)."""
        lifted = _bernstein(places) @ self.conic
        return lifted[:, :2] / lifted[:, 2:]

    def velocity(self, places):
        """Derivatives of the points, of shape (k, 2)."""
        lifted = _bernstein(places) @ self.conic
        slope = 2.0 * np.column_stack([1.0 - places, places]) @ np.diff(self.conic, axis=0)
        return (slope[:, :2] - lifted[:, :2] / lifted[:, 2:] * slope[:, 2:]) / lifted[:, 2:]

    def cut(self, low, high):
        """The arc from one place to another, as a list of pieces that are run evenly."""
        conic = _between(self.conic, low, high)
        first, last = conic[0, 2], conic[2, 2]
        conic = conic / np.array([[first], [np.sign(first) * np.sqrt(first * last)], [last]])
        arc = _Arc(conic)
        if _EVEN[0] <= conic[1, 2] <= _EVEN[1]:
            return [arc]
        return arc.cut(0.0, 1.0) + arc.cut(1.0, np.inf)


def _apexes(polygons, ends):
    """The conic of the apexes while a point moves along a piece of an edge, in whole numbers.

    Its rows are as in :class:`_Arc`. They are products of products of differences. Where data touch
    the border of the outer polygon all of these are tiny, and only whole numbers of any length keep
    their digits.
    """
    middle = ends.sum(axis=0)
    (right, side), left = polygons.along_tangent(middle), polygons.touched(middle, -1)
    right, left, border = polygons.corners[right], polygons.corners[left], polygons.borders[side]
    following = np.cross(np.cross(middle, right), border)
    ahead = polygons.corners[polygons.touched(following * np.sign(following[2]))]
    if np.array_equal(ahead, left):
        return np.tile(left, (3, 1))
    reached = np.cross(np.cross(ends, right), border)
    onward, back = np.cross(reached, ahead), np.cross(ends, left)
    first, last = np.cross(onward[0], back[0]), np.cross(onward[1], back[1])
    twice = np.cross(onward[0], back[1]) + np.cross(onward[1], back[0])
    if not (first.any() and last.any()):
        # both lines coincide at an end: what remains without the common factor is a segment
        first, last = (end if end.any() else twice for end in (first, last))
        twice = first + last
    return np.array([2 * first, twice, 2 * last])


def _inside(polygons, conic):
    """Parts of an arc in the outer polygon: the ratios of their ends, and their pieces.

    A place ``s`` is given by the ratio ``s / (1 - s)``, which keeps all digits at both ends. An end
    may be closer to a side of the polygon than the digits of its coordinates tell, so the conic and
    its heights above the sides are whole numbers until they are compared.
    """
    heights = scaled(np.column_stack([conic @ polygons.borders.T, conic[:, 2]]))
    arc = _Arc(scaled(conic))
    cuts = np.unique(np.concatenate([[0.0, np.inf], *map(_sign_changes, heights.T)]))
    kept = []
    for low, high in pairwise(cuts):
        signs = np.sign(_between(heights, low, high).sum(axis=0))
        if signs.min() < 0 < signs.max():
            continue
        if kept and kept[-1][1] == low:
            low = kept.pop()[0]
        kept.append((low, high))
    return [(low, high, arc.cut(low, high)) for low, high in kept]


def _part(plane, chain, encloses):
    """Measure and sample a chain of arcs and what lies behind it."""
    near, area = [], 0.0
    for arc in (arc for *_, arcs in chain for arc in arcs):
        near.append(arc.at(np.linspace(0.0, 1.0, _SAMPLES)))
        places = 0.5 * (_NODES + 1.0)
        area -= 0.25 * float(_WEIGHTS @ _cross(arc.at(places), arc.velocity(places)))
    near = np.vstack(near)
    corners = plane.outer if encloses else _border_between(plane, near[0], near[-1])
    near = near[np.append(True, np.linalg.norm(np.diff(near, axis=0), axis=1) > 0)]
    swept = _cross(corners, np.roll(corners, -1, axis=0))
    area += 0.5 * float(swept.sum() if encloses else swept[:-1].sum())
    far = _leave(plane, np.zeros_like(near), near)
    outline = (near, corners) if encloses else (np.vstack([near, corners[::-1]]),)
    return Part(near, far, max(area, 0.0), encloses, outline)


def _border_between(plane, first, last):
    """Corners of the outer border from one of its points to another, counterclockwise."""
    angles = np.arctan2(plane.outer[:, 1], plane.outer[:, 0])
    start = np.arctan2(first[1], first[0])
    passed = (angles - start) % (2 * np.pi)
    between = passed < (np.arctan2(last[1], last[0]) - start) % (2 * np.pi)
    order = passed[between].argsort()
    return np.vstack([first, plane.outer[between][order], last])


def _angles(part):
    """First and last direction of a part, the last not before the first."""
    turned = np.unwrap(np.arctan2(part.near[:, 1], part.near[:, 0]))
    return (turned[0], turned[0] + 2 * np.pi) if part.encloses else (turned[0], turned[-1])


def _turn_to(plane, angle):
    """Direction of the next point of the border, more than ``angle``."""
    ray = np.array([[np.cos(angle), np.sin(angle)]])
    reached = next_point(plane, _leave(plane, np.zeros((1, 2)), ray))[0]
    return angle + (np.arctan2(reached[1], reached[0]) - angle) % (2 * np.pi)


def _farthest(angle, intervals):
    """The largest direction up to ``angle`` that lies in one of the intervals."""
    turns = 2 * np.pi
    ends = []
    for low, high in intervals:
        shift = turns * np.floor((angle - low) / turns)
        ends.append(min(angle, high + shift))
    return max(ends)


def _touched(plane, points, turn):
    """Index of the inner corner that the tangent from each point touches."""
    towards = plane.inner - points[:, None]
    middle = -points[:, None]
    angles = np.arctan2(_cross(middle, towards), (middle * towards).sum(axis=2))
    # the tangent of a corner goes to its neighbour: the way to the corner itself is rounding
    angles[np.abs(towards).max(axis=2) <= _HERE * np.abs(plane.inner).max()] = 0.0
    return (turn * angles).argmin(axis=1)


def _leave(plane, points, directions):
    """Where rays leave the outer polygon."""
    heights = points @ plane.normals.T + plane.offsets
    rates = directions @ plane.normals.T
    steps = np.full(rates.shape, np.inf)
    np.divide(-heights, rates, out=steps, where=rates < 0)
    return points + steps.min(axis=1)[:, None] * directions


def _bernstein(places):
    """The three quadratic Bernstein polynomials, one row a place."""
    places = np.atleast_1d(places)
    return np.column_stack([(1.0 - places) ** 2, 2.0 * places * (1.0 - places), places**2])


def _between(coefficients, low, high):
    """Bernstein coefficients of the same polynomials between two places, given by their ratios."""
    (v, u), (y, x) = (
        (1.0 / (1.0 + ratio), 1.0 / (1.0 + 1.0 / ratio) if ratio else 0.0) for ratio in (low, high)
    )
    weights = np.array(
        [[v * v, 2 * v * u, u * u], [v * y, v * x + u * y, u * x], [y * y, 2 * y * x, x * x]]
    )
    return weights @ coefficients


def _sign_changes(coefficients):
    """Ratios of the places where a polynomial with three Bernstein coefficients vanishes."""
    first, between, last = coefficients
    spread = between**2 - first * last
    if spread <= 0.0:
        return np.empty(0)
    # zeros u of last u² + 2 between u + first, without cancellation
    half = -(between + np.copysign(np.sqrt(spread), between))
    pairs = [(half, last), (first, half)]
    return np.array([top / bottom for top, bottom in pairs if top * bottom > 0])


def _cross(a, b):
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
