"""Geometry of nonnegative factorisations of rank three, for the chapter on low-rank models."""

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from scipy.spatial import ConvexHull

from multiconvex.diagnostics import match_components
from multiconvex.models.minvol_nmf import minvol_nmf
from multiconvex.models.nmf import nmf
from multiconvex.models.separable_nmf import separable_nmf
from multiconvex.penalties import NonNegative, Simplex

HEXAGON = np.array(sorted(set(permutations((0.75, 0.25, 0.0)))))
"""Weights, one row a data point, that touch every face of the simplex in two points."""

_EXACT = {"init": "random", "tol": 1e-12, "max_iter": 20_000}
_TOUCHING = 1e-9


@dataclass(frozen=True, eq=False)
class FeasibleColumns:
    """Where the columns of an exact factorisation of rank three may lie.

    Columns of all arrays sum to one.

    Attributes
    ----------
    reach : float
        1 where the true columns are the corners of the simplex, 0 where they are its centre.
    data : ndarray, shape (3, n)
    true : ndarray, shape (3, 3)
    lattice : ndarray, shape (3, points)
    slack : ndarray, shape (points,)
        Not negative where the lattice point is a column of some exact factorisation.
    share : float
        Fraction of the simplex that is feasible.
    found : tuple of ndarray, shape (3, 3)
        Columns that `nmf` finds from several starts.
    error : float
        Largest relative error of these fits.
    """

    reach: float
    data: np.ndarray
    true: np.ndarray
    lattice: np.ndarray
    slack: np.ndarray
    share: float
    found: tuple
    error: float


def mixtures(reach, *, interior=14, random_state=0):
    """True columns and data whose weights are the hexagon and random points inside it."""
    true = reach * np.eye(3) + (1.0 - reach) / 3.0
    inner = np.random.default_rng(random_state).dirichlet((8.0, 8.0, 8.0), interior)
    return true, true @ np.vstack([HEXAGON, inner]).T


def feasible_columns(reach, *, resolution=96, starts=2):
    """Map the columns of all exact factorisations ``X = W Hᵀ`` of rank three, and find some."""
    true, data = mixtures(reach)
    lattice = _lattice(resolution)
    slack = _enclosure_slack(lattice, data)
    fits = [nmf(data, 3, random_state=seed, **_EXACT) for seed in range(starts)]
    norm = np.linalg.norm(data)
    return FeasibleColumns(
        reach=reach,
        data=data,
        true=true,
        lattice=lattice,
        slack=slack,
        share=float(np.mean(slack >= -_TOUCHING)),
        found=tuple(fit.W / fit.W.sum(axis=0) for fit in fits),
        error=max(float(np.linalg.norm(data - fit.reconstruct()) / norm) for fit in fits),
    )


def _enclosure_slack(points, data):
    """Tell which points are corners of a triangle inside the simplex that contains the data.

    From each point, two tangents of the data are followed in turn to the border of the simplex;
    the point is feasible when the line that closes the triangle leaves the data on the same side.

    Parameters
    ----------
    points, data : ndarray, shapes (3, p) and (3, n)
        Columns that sum to one.

    Returns
    -------
    ndarray, shape (p,)
        Distance of the data from the closing line, negative where they cross it; minus the depth
        for points inside the hull of the data.
    """
    hull = ConvexHull(data[:2].T)
    corners, flat = data[:2, hull.vertices].T, points[:2].T
    depth = -(flat @ hull.equations[:, :2].T + hull.equations[:, 2]).max(axis=1)
    last = _follow_tangent(_follow_tangent(flat, corners), corners)
    closing = flat - last
    lengths = np.maximum(np.linalg.norm(closing, axis=1), np.finfo(float).tiny)
    sides = _cross(closing[:, None], corners - last[:, None]) / lengths[:, None]
    return np.where(depth > _TOUCHING, -depth, sides.min(axis=1))


def _follow_tangent(flat, corners):
    """Go from each point along its right-hand tangent of a polygon to the border of the simplex."""
    towards = corners - flat[:, None]
    middle = (corners.mean(axis=0) - flat)[:, None]
    angles = np.arctan2(_cross(middle, towards), (middle * towards).sum(axis=2))
    angles[np.linalg.norm(towards, axis=2) <= _TOUCHING] = np.inf
    direction = towards[np.arange(len(flat)), angles.argmin(axis=1)]
    position = np.column_stack([flat, 1.0 - flat.sum(axis=1)])
    velocity = np.column_stack([direction, -direction.sum(axis=1)])
    leaving = velocity < -_TOUCHING
    steps = np.where(leaving, position / np.where(leaving, -velocity, 1.0), np.inf).min(axis=1)
    return flat + steps[:, None] * direction


def _cross(a, b):
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _lattice(resolution):
    """Barycentric coordinates of a triangular grid, one point a column."""
    i, j = np.indices((resolution + 1, resolution + 1)).reshape(2, -1)
    keep = i + j <= resolution
    return np.stack([i, j, resolution - i - j])[:, keep] / resolution


@dataclass(frozen=True, eq=False)
class Choice:
    """Columns that one principle chooses.

    Attributes
    ----------
    W : ndarray, shape (3, 3)
        Columns that sum to one, in the order of the true ones.
    distance : float
        Largest difference with an entry of the true columns.
    error : float
        Relative error of the fit.
    volume : float
        Determinant of ``W``, 1 for the whole simplex.
    """

    W: np.ndarray
    distance: float
    error: float
    volume: float


def choices(reach=0.7, *, weight=1e-3):
    """Factorise the same data plainly, as separable, with sparse weights, with minimum volume.

    Returns
    -------
    dict of str to Choice
    """
    true, data = mixtures(reach)
    plain = nmf(data, 3, random_state=0, **_EXACT)
    separable = separable_nmf(data, 3)
    penalties = (NonNegative(l2=weight), NonNegative(l1=weight))
    sparse = nmf(data, 3, penalties=penalties, random_state=0, **_EXACT)
    size = np.vdot(data, data)
    small = minvol_nmf(
        data, 3, volume=weight / size, delta=1e-3 * data.shape[1] / size,
        penalties=(NonNegative(), Simplex()),
        init=(plain.W / plain.W.sum(axis=0), plain.H * plain.W.sum(axis=0)),
        max_iter=5000, tol=1e-9,
    )  # fmt: skip
    fits = {"plain": (plain.W, plain.H), "separable": (separable.W, separable.H)}
    fits |= {"sparse": (sparse.W, sparse.H), "minimum volume": small.factors}
    return {name: _judge(W, H, true, data) for name, (W, H) in fits.items()}


def _judge(W, H, true, data):
    columns = (W / W.sum(axis=0))[:, match_components(W, true)[0]]
    return Choice(
        W=columns,
        distance=float(np.abs(columns - true).max()),
        error=float(np.linalg.norm(data - W @ H.T) / np.linalg.norm(data)),
        volume=float(abs(np.linalg.det(columns))),
    )


@dataclass(frozen=True, eq=False)
class VolumePaths:
    """Volume along a segment between two factors, and along the segment between their Grams.

    Attributes
    ----------
    position : ndarray, shape (points,)
        From 0 to 1.
    in_factor, in_gram, chord : ndarray, shape (points,)
        ``log det`` along each segment and between its ends.
    """

    position: np.ndarray
    in_factor: np.ndarray
    in_gram: np.ndarray
    chord: np.ndarray


def volume_paths(first=((1.0,), (0.0,)), second=((0.0,), (2.0,)), *, points=41):
    """Follow ``log det(WᵀW)`` between two matrices, given as tuples of rows."""
    first, second = np.array(first), np.array(second)
    position = np.linspace(0.0, 1.0, points)
    factors = [(1 - t) * first + t * second for t in position]
    grams = [(1 - t) * first.T @ first + t * second.T @ second for t in position]
    in_factor = np.array([np.linalg.slogdet(W.T @ W)[1] for W in factors])
    in_gram = np.array([np.linalg.slogdet(gram)[1] for gram in grams])
    return VolumePaths(
        position=position,
        in_factor=in_factor,
        in_gram=in_gram,
        chord=(1 - position) * in_factor[0] + position * in_factor[-1],
    )
