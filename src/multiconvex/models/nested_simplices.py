r"""Walks among the simplices between two polytopes, in any dimension.

With all corners of the simplex but one fixed, both conditions are linear in the last one: it lies
in the outer polytope, and each corner ``b`` of the inner one keeps nonnegative shares. The set of
simplices is multi-convex, and each corner in turn can be moved in the polytope that is left to it.
"""

import numpy as np
from scipy.optimize import linprog

from multiconvex.models.nmf import nmf
from multiconvex.models.profile_plane import ProfilePlane

_ROUNDS = 40
_SWEEPS = 300
_ROOM = 1e-3  # how far inside its conditions a repaired simplex may be sent
_EXACT = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


def walk(plane: ProfilePlane, simplices, sweeps, rng):
    """Move each corner of each simplex in turn to a random place on a random line through it.

    This is hit-and-run inside Gibbs sampling: the uniform distribution over simplices does not
    change under it.

    Parameters
    ----------
    plane : ProfilePlane
    simplices : ndarray, shape (k, r, r - 1)
        Corners of simplices between the polytopes.
    sweeps : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (k, r, r - 1)
    """
    simplices = np.array(simplices)
    for _ in range(sweeps):
        for q in range(simplices.shape[1]):
            directions = rng.standard_normal(simplices[:, q].shape)
            directions /= np.linalg.norm(directions, axis=1, keepdims=True)
            low, high = _segments(plane, simplices, q, directions)
            simplices[:, q] += rng.uniform(low, high)[:, None] * directions
    return simplices


def is_between(plane, corners, tol=0.0):
    """Whether a simplex lies between the polytopes; ``tol`` is in shares and in diameters."""
    return _margin(plane, corners) >= -tol


def find(plane, starts, rng):
    """Simplices between the polytopes, found by factorising their columns from several starts.

    What a fit leaves at the border is repaired by linear programmes.
    """
    rank = plane.dimension + 1
    inner = np.maximum(plane.columns(plane.inner), 0.0)
    candidates = [corners for corners in (plane.outer, plane.inner) if len(corners) == rank]
    for number in range(starts):
        init = "random" if number else "nndsvd"
        fit = nmf(inner, rank, init=init, max_iter=_SWEEPS, tol=0, random_state=rng)
        if (fit.W.sum(axis=0) > 0).all():
            candidates.append(plane.points(fit.W))
    repaired = [_repair(plane, corners) for corners in candidates]
    return tuple(corners for corners in repaired if is_between(plane, corners))


def _segments(plane, simplices, q, directions):
    """How far corner ``q`` of each simplex may move back and forth along a direction.

    Shares of a point while the corner moves are quotients with one denominator, which is the
    volume of the simplex relative to the present one: numerators and denominator are linear.
    """
    inverses = np.linalg.inv(_lifted(simplices))
    shares = _lifted(plane.inner) @ inverses
    rates = np.einsum("kd,kdi->ki", directions, inverses[:, :-1])
    slopes = shares * rates[:, None, [q]] - shares[:, :, [q]] * rates[:, None]
    heights = simplices[:, q] @ plane.normals.T + plane.offsets
    constants = np.hstack([heights, shares.reshape(len(shares), -1), np.ones((len(shares), 1))])
    slopes = np.hstack(
        [directions @ plane.normals.T, slopes.reshape(len(shares), -1), rates[:, [q]]]
    )
    limits = -np.maximum(constants, 0.0)
    back = np.divide(limits, slopes, out=np.full_like(limits, -np.inf), where=slopes > 0)
    forth = np.divide(limits, slopes, out=np.full_like(limits, np.inf), where=slopes < 0)
    return back.max(axis=1), forth.min(axis=1)


def _lifted(points):
    """Points with a last coordinate of one."""
    return np.concatenate([points, np.ones((*points.shape[:-1], 1))], axis=-1)


def _repair(plane, corners):
    """Raise the worst of all conditions by linear programmes around the corners, until it is met.

    The conditions are linearised in all corners at once; a step that does not help is halved.
    """
    corners, reach = corners.copy(), 0.1 * plane.diameter
    lifted = _lifted(plane.inner)
    worst = _margin(plane, corners)
    for _ in range(_ROUNDS):
        if worst >= 0:
            break
        inverse = np.linalg.inv(_lifted(corners))
        shares = lifted @ inverse
        moves = -np.einsum("bk,di->bikd", shares, inverse[:-1]).reshape(shares.size, -1)
        lengths = plane.diameter * np.linalg.norm(plane.normals, axis=1)
        walls = np.kron(np.eye(len(corners)), plane.normals / lengths[:, None])
        heights = (corners @ plane.normals.T + plane.offsets) / lengths
        slopes = np.vstack([walls, moves])
        programme = linprog(
            np.append(np.zeros(corners.size), -1.0),
            A_ub=np.column_stack([-slopes, np.ones(len(slopes))]),
            b_ub=np.concatenate([heights.ravel(), shares.ravel()]),
            bounds=[(-reach, reach)] * corners.size + [(None, _ROOM)],
            options=_EXACT,
        )
        if programme.status != 0:
            break
        moved = corners + programme.x[:-1].reshape(corners.shape)
        margin = _margin(plane, moved)
        if margin > worst:
            corners, worst = moved, margin
        else:
            reach *= 0.25
    return corners


def _margin(plane, corners):
    """The worst condition: distance from the outer border in diameters, or share of a point."""
    if not _spans(corners):
        return -np.inf
    depth = plane.depth(corners).min() / plane.diameter
    return float(min(depth, plane.shares(corners, plane.inner).min()))


def _spans(corners):
    return np.linalg.matrix_rank(_lifted(corners)) == len(corners)
