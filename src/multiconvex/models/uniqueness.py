r"""Whether the factors that a fit has found are the only ones."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment, linprog

from multiconvex.checks import check_positive
from multiconvex.diagnostics import spectral_angle
from multiconvex.models.feasible_sets import FeasibleCloud, FeasibleSet, feasible_set
from multiconvex.models.nmf import MatrixFactorization
from multiconvex.models.profile_plane import profile_plane

_LISTED = 3  # ranks up to which all factorisations are known
_ZERO = 1e-6
_STILL = 1e-6


@dataclass(frozen=True, eq=False, repr=False)
class UniquenessReport:
    """What is known of the other factorisations of a model; see :func:`uniqueness_report`.

    Attributes
    ----------
    W, H : ndarray, shapes (m, rank) and (n, rank)
        The factors in question, columns of ``W`` with sum one.
    angles_W, angles_H : ndarray, shape (rank,)
        Largest spectral angle, in degrees, between a component and what may stand in its place.
    bands_W, bands_H : pair of ndarray
        Least and largest entries of what may stand in place of each column, scaled to sum one.
    is_unique : ndarray of bool, shape (rank,)
        Whether both columns of a component are the same in all factorisations; above rank three, in
        all that were met.
    is_rigid : ndarray of bool, shape (rank,)
        Whether no small movement of all components at once, to first order, moves this one. Where
        all are rigid, the factorisation is isolated.
    is_exhaustive : bool
        Whether all factorisations were considered.
    """

    W: np.ndarray
    H: np.ndarray
    angles_W: np.ndarray
    angles_H: np.ndarray
    bands_W: tuple
    bands_H: tuple
    is_unique: np.ndarray
    is_rigid: np.ndarray
    is_exhaustive: bool

    @property
    def verdicts(self):
        """One of "unique", "isolated", "no other met" and "not unique" for each component."""
        kept = "unique" if self.is_exhaustive else "no other met"
        if not self.is_exhaustive and self.is_rigid.all():
            kept = "isolated"
        return tuple(kept if unique else "not unique" for unique in self.is_unique)

    @property
    def rows(self):
        """The report as dictionaries, one a component, for a table."""
        return [
            {"component": q + 1, "verdict": verdict, "angle of W (°)": float(self.angles_W[q]),
             "angle of H (°)": float(self.angles_H[q])}
            for q, verdict in enumerate(self.verdicts)
        ]  # fmt: skip

    def __repr__(self):
        return f"UniquenessReport({', '.join(self.verdicts)})"


def uniqueness_report(result, *, resolution=1e-3):
    r"""Look for other nonnegative factors of the model that a fit has found.

    The question is about the model, not about the data: which

    .. math:: W' \ge 0, \quad H' \ge 0 \quad\text{have}\quad W' H'^T = W H^T

    and differ from ``(W, H)`` by more than order and scale?  At rank 2 and 3 all of them are known
    (:func:`~multiconvex.feasible_set`). Above, walks start from the fit, and linear programmes
    tell whether the fit can move at all to first order [1]_.

    Parameters
    ----------
    result : MatrixFactorization
        Of :func:`~multiconvex.nmf` with nonnegative factors.
    resolution : float
        Components that move less than this fraction of the data count as fixed.

    Returns
    -------
    UniquenessReport

    Raises
    ------
    TypeError
        For what is not a result of ``nmf``.
    ValueError
        For factors with negative entries, or a model whose rank is below the number of components.

    Notes
    -----
    Guarantee: exhaustive at rank 1, 2 and 3; above, "not unique" comes with another factorisation
    and "isolated" is proved to first order.

    Cost: at rank 2 and 3 that of :func:`~multiconvex.feasible_set`, for ``W`` and for ``H``; above,
    O((m + n) r²) for each step of a walk and 2 r (r - 1) linear programmes.

    Chapter: :doc:`/chapters/open_problems/unique_factors`

    References
    ----------
    .. [1] R. Krone and K. Kubjas, "Uniqueness of nonnegative matrix factorizations by rigidity
       theory", SIAM Journal on Matrix Analysis and Applications, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import nmf, uniqueness_report
    >>> W = np.array([[1.0, 0], [0, 1], [1, 1]])
    >>> H = np.array([[2.0, 0], [0, 1], [1, 3]])
    >>> fit = nmf(W @ H.T, 2, tol=1e-14, max_iter=2000, random_state=0)
    >>> uniqueness_report(fit)
    UniquenessReport(unique, unique)
    """
    W, H = _checked(result)
    check_positive("resolution", resolution)
    rank = W.shape[1]
    if rank == 1:
        sides = [(np.zeros(1), (F / F.sum(axis=0),) * 2, np.ones(1, bool)) for F in (W, H)]
    elif rank <= _LISTED:
        sides = [
            _listed(F, feasible_set(X, rank, noise=0.0, resolution=resolution))
            for F, X in ((W, W @ H.T), (H, H @ W.T))
        ]
    else:
        sides = _walked(W, H, resolution)
    (angles_W, bands_W, unique_W), (angles_H, bands_H, unique_H) = sides
    return UniquenessReport(
        W=W, H=H, angles_W=angles_W, angles_H=angles_H, bands_W=bands_W, bands_H=bands_H,
        is_unique=unique_W & unique_H, is_rigid=_rigid(W, H), is_exhaustive=rank <= _LISTED,
    )  # fmt: skip


def _checked(result):
    if not isinstance(result, MatrixFactorization):
        raise TypeError(f"result must come from nmf, got {type(result).__name__}.")
    W, H = (np.asarray(factor, float) for factor in result.factors)
    if W.min() < 0 or H.min() < 0:
        raise ValueError("result must have nonnegative factors: fit it with NonNegative penalties.")
    sums = W.sum(axis=0)
    if not (sums.all() and H.sum(axis=0).all()):
        raise ValueError("result has a component that is zero: fit it again with a smaller rank.")
    return W / sums, H * sums


def _listed(F, solutions: FeasibleSet):
    """Angles, bands and uniqueness of the columns of a factor from all factorisations."""
    corners = solutions.plane.points(F)
    columns = [solutions.plane.columns(points) for points in solutions.extents(corners)]
    unique = solutions.spread_from(corners) <= solutions.resolution * solutions.plane.diameter
    return *_ranges(F, columns), unique


def _walked(W, H, resolution):
    """The same for both factors, from walks that start at them."""
    plane = profile_plane(W @ H.T, W.shape[1], noise=0.0)
    corners = plane.points(W)
    cloud = FeasibleCloud(W.shape[1], plane, resolution, known=(corners,))
    gaps = np.linalg.norm(cloud.met[:, :, None] - corners, axis=3)
    pairs = [
        plane.factors(met[linear_sum_assignment(gap.T)[1]]) for met, gap in zip(cloud.met, gaps)
    ]
    sides = []
    for F, found in zip((W, H), zip(*pairs)):
        columns = np.stack([G / G.sum(axis=0) for G in found]).transpose(2, 1, 0)
        home = (F / F.sum(axis=0)).T
        moved = np.linalg.norm(columns - home[:, :, None], axis=1).max(axis=1)
        sides.append((*_ranges(F, columns), moved <= resolution * np.linalg.norm(home, axis=1)))
    return sides


def _ranges(F, columns):
    """Largest angle with each column of a factor, and the bands of what may replace it."""
    angles = [
        spectral_angle(np.tile(f[:, None], C.shape[1]), C).max() for f, C in zip(F.T, columns)
    ]
    lower = np.column_stack([C.min(axis=1) for C in columns])
    upper = np.column_stack([C.max(axis=1) for C in columns])
    return np.array(angles), (np.maximum(lower, 0.0), upper)


def _rigid(W, H):
    """Which components no infinitesimal movement changes.

    Factors near ``(W, H)`` with the same product are ``W inv(I + A)`` and ``H (I + A).T``; to first
    order, ``W A`` must not be positive where ``W`` is zero, nor ``H A.T`` negative where ``H`` is.
    Row q of ``A`` moves column q of ``H``, and column q of ``A`` that of ``W``.
    """
    rank = W.shape[1]
    balance = np.sqrt(np.linalg.norm(W, axis=0) / np.linalg.norm(H, axis=0))
    walls = []
    for q in range(rank):
        for F, sign in ((W / balance, -1.0), (H * balance, 1.0)):
            rows = F[F[:, q] <= _ZERO * F[:, q].max()].copy()
            rows[:, q] = 0.0
            rows = rows[rows.max(axis=1, initial=0.0) > 0]
            wall = np.zeros((len(rows), rank, rank))
            if sign < 0:
                wall[:, :, q] = -rows
            else:
                wall[:, q, :] = rows
            walls.append(wall.reshape(-1, rank * rank))
    walls = np.vstack(walls)
    bounds = [(0, 0) if p == q else (-1, 1) for p in range(rank) for q in range(rank)]
    moves = np.zeros((rank, rank), bool)
    for p, q in np.argwhere(~np.eye(rank, dtype=bool)):
        for sign in (-1.0, 1.0):
            goal = np.zeros(rank * rank)
            goal[p * rank + q] = sign
            best = linprog(goal, A_ub=-walls, b_ub=np.zeros(len(walls)), bounds=bounds)
            moves[p, q] |= best.fun is not None and -best.fun > _STILL
    return ~(moves.any(axis=0) | moves.any(axis=1))
