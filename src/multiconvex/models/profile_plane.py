r"""The plane of normalised profiles in which nonnegative factorisations are nested polytopes."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import ConvexHull

from multiconvex.checks import check_array, check_positive

_FULL_RANK = 1e-10
_EROSIONS = 8
_DIGITS = 10  # to which corners and facets are told apart
_DRAWN = 3  # dimensions up to which polytopes are reduced to their corners and facets
_NO_FACTORISATION = (
    "The best approximation of X of rank {rank} has negative entries beyond the noise of "
    "{noise:.3g}, so it has no nonnegative factorisation: choose a higher rank or state more noise."
)


@dataclass(frozen=True, eq=False)
class ProfilePlane:
    r"""Columns that sum to one in the range of a matrix of rank ``r``, as points.

    A column with sum one in the range of the data is :math:`c + B a` with the centre :math:`c` of
    the normalised data, an orthonormal :math:`B` of shape (m, r - 1) and a point :math:`a`, so
    that distances between points are distances between columns. The *outer* polytope holds the
    points of nonnegative columns, the *inner* one is the hull of the data. Columns are the left
    factor of an exact factorisation if and only if their points lie in the outer polytope and
    their hull contains the inner one.

    Attributes
    ----------
    centre : ndarray, shape (m,)
    basis : ndarray, shape (m, r - 1)
    data : ndarray, shape (n, r - 1)
        Points of the columns of the data; the centre for columns that are lost in noise.
    scales : ndarray, shape (n,)
        Sums of the columns of the data.
    lowest : float
        Entries of feasible columns are not below this.
    noise : float
        Standard deviation of the noise that the bounds make room for.
    inner : ndarray, shape (corners, r - 1)
        Corners of the inner polytope, counterclockwise in two dimensions; above three dimensions
        all points of the data.
    outer : ndarray, shape (corners, r - 1)
        Corners of the outer polytope, counterclockwise in two dimensions; above three dimensions
        they are not listed.
    normals, offsets : ndarray, shapes (facets, r - 1) and (facets,)
        The outer polytope is where ``normals @ a + offsets >= 0``.
    """

    centre: np.ndarray
    basis: np.ndarray
    data: np.ndarray
    scales: np.ndarray
    lowest: float
    noise: float
    inner: np.ndarray
    outer: np.ndarray
    normals: np.ndarray
    offsets: np.ndarray

    @property
    def thickness(self):
        """How far columns that only differ by the noise may be from the plane."""
        return -self.lowest * np.sqrt(len(self.centre))

    @property
    def dimension(self):
        return self.basis.shape[1]

    @cached_property
    def diameter(self):
        """Twice the largest distance of a point of the data from the centre."""
        return 2.0 * float(np.linalg.norm(self.data, axis=1).max())

    def points(self, columns):
        """Points of columns, scaled to sum one and projected, of shape (k, r - 1)."""
        return (columns / columns.sum(axis=0) - self.centre[:, None]).T @ self.basis

    def columns(self, points):
        """Columns with sum one at points, of shape (m, k)."""
        return self.centre[:, None] + self.basis @ np.asarray(points).T

    def depth(self, points):
        """Distance of each point from the border of the outer polytope, negative outside."""
        lengths = np.linalg.norm(self.normals, axis=1)
        return ((points @ self.normals.T + self.offsets) / lengths).min(axis=1)

    def shares(self, corners, points):
        """Barycentric coordinates of points for the corners of a simplex, one row a point."""
        lifted = np.column_stack([corners, np.ones(len(corners))])
        return np.column_stack([points, np.ones(len(points))]) @ np.linalg.inv(lifted)

    def factors(self, corners):
        """The factors ``(W, H)`` of the data whose columns of ``W`` are at the corners.

        Columns of ``W`` sum to one. What a bound allows below zero is cut off.
        """
        W = self.columns(corners)
        H = self.shares(corners, self.data) * self.scales[:, None]
        return np.maximum(W, 0.0), np.maximum(H, 0.0)


def profile_plane(X, rank, *, noise="auto", tol=1e-5):
    """Place the columns of a nonnegative matrix and its two polytopes in their plane.

    Parameters
    ----------
    X : ndarray, shape (m, n)
    rank : int
        At least 2.
    noise : float or "auto"
        Standard deviation of the noise in the entries of ``X``; ``"auto"`` measures what the best
        approximation of this rank leaves.
    tol : float
        How far all bounds give way even without noise, relative to the size of the data.
    """
    X = check_array("X", X, ndim=2, nonnegative=not isinstance(noise, str) and noise == 0)
    left, lengths, right = np.linalg.svd(X, full_matrices=False)
    if rank > len(lengths) or lengths[rank - 1] <= _FULL_RANK * lengths[0]:
        found = int((lengths > _FULL_RANK * lengths[0]).sum())
        raise ValueError(
            f"X has rank {found}, so its factorisations of rank {rank} have a component to spare "
            f"and are never unique: choose a rank of at most {found}."
        )
    noise = _noise_level(lengths, X.shape, rank) if isinstance(noise, str) else noise
    check_positive("noise", noise, allow_zero=True)
    model = (left[:, :rank] * lengths[:rank]) @ right[:rank]
    sums = model.sum(axis=0)
    bound = noise * np.sqrt(2.0 * np.log(2.0 * X.size))
    seen = sums > max(_FULL_RANK * np.abs(sums).max(), bound * np.sqrt(len(X)))
    if seen.sum() < rank:
        raise ValueError(f"Fewer than {rank} columns of X stand out of the noise of {noise:.3g}.")
    columns = model[:, seen] / sums[seen]
    centre = model[:, seen].sum(axis=1) / sums[seen].sum()
    moments = model[:, seen] - np.outer(centre, sums[seen])
    basis = _signed(np.linalg.svd(moments, full_matrices=False)[0][:, : rank - 1])
    data = np.zeros((X.shape[1], rank - 1))
    data[seen] = (columns - centre[:, None]).T @ basis

    lowest, inner = -tol / len(X), data[seen] * (1.0 - tol)
    if noise:
        mixing = left[:, :rank].T / lengths[:rank, None]
        slack = bound * np.linalg.norm(mixing @ centre)
        _, _, corners = _outer_polytope(basis, np.maximum(centre, 0.0) + slack)
        reach = np.linalg.norm(mixing @ (centre[:, None] + basis @ corners.T), axis=0)
        lowest -= bound * reach.max()
        tilt = np.linalg.norm(columns.T @ basis, axis=1) * np.linalg.norm(
            left[:, :rank].sum(axis=0)
        )
        inner = _eroded(inner, bound / sums[seen] * np.hypot(1.0, tilt))
    inner = _corners(inner)
    if centre.min() <= lowest:
        raise ValueError(_NO_FACTORISATION.format(rank=rank, noise=noise))
    normals, offsets, outer = _outer_polytope(basis, centre - lowest)
    plane = ProfilePlane(
        centre=centre, basis=basis, data=data, scales=np.where(seen, sums, 0.0), lowest=lowest,
        noise=float(noise), inner=inner, outer=outer, normals=normals, offsets=offsets,
    )  # fmt: skip
    if plane.depth(inner).min() < 0:
        raise ValueError(_NO_FACTORISATION.format(rank=rank, noise=noise))
    return plane


def _noise_level(lengths, shape, rank):
    """Root mean square of what lies beyond a rank, per degree of freedom."""
    freedom = (shape[0] - rank) * (shape[1] - rank)
    return float(np.sqrt(np.square(lengths[rank:]).sum() / freedom)) if freedom else 0.0


def _signed(basis):
    """Give each column the sign that makes its largest entry positive."""
    largest = np.abs(basis).argmax(axis=0)
    return basis * np.sign(basis[largest, np.arange(basis.shape[1])])


def _outer_polytope(normals, offsets):
    """Facets and corners of ``normals @ a + offsets >= 0``, through the hull of the polar."""
    if normals.shape[1] > _DRAWN:
        return normals, offsets, np.empty((0, normals.shape[1]))
    polar = -normals / offsets[:, None]
    if normals.shape[1] == 1:
        facets = np.array([polar[:, 0].argmin(), polar[:, 0].argmax()])
        return normals[facets], offsets[facets], 1.0 / polar[facets]
    scaled = np.round(polar / np.abs(polar).max(), _DIGITS)
    polar = polar[np.unique(scaled, axis=0, return_index=True)[1]]
    hull = ConvexHull(polar)
    corners = hull.equations[:, :-1] / -hull.equations[:, -1:]
    kept = -polar[hull.vertices]
    return kept, np.ones(len(kept)), _in_turn(corners)


def _corners(points):
    if points.shape[1] == 1:
        return np.array([points.min(axis=0), points.max(axis=0)])
    if points.shape[1] > _DRAWN:
        return points
    hull = ConvexHull(points)
    return points[hull.vertices]


def _eroded(points, radii):
    """Points moved to the centre by so much that hulls of the true points contain them.

    A point whose error is up to ``radius`` may pass a side at distance ``h`` of the true hull; it
    is behind that side again after a division by ``1 + radius / h``, and ``h`` is at least the
    radius of the largest disc around the centre.
    """
    kept = points
    for _ in range(_EROSIONS):
        kept = points / (1.0 + radii / _inradius(kept))[:, None]
    return kept


def _inradius(points):
    """Distance of the origin from the border of the hull of some points."""
    if points.shape[1] == 1:
        return min(-points.min(), points.max())
    return -ConvexHull(points).equations[:, -1].max()


def _in_turn(corners):
    """Corners without repetitions, counterclockwise in two dimensions."""
    size = np.abs(corners).max()
    distinct = corners[np.unique(np.round(corners / size, _DIGITS), axis=0, return_index=True)[1]]
    if corners.shape[1] != 2:
        return distinct
    return distinct[np.arctan2(distinct[:, 1], distinct[:, 0]).argsort()]
