"""Projections on cones of nonnegative images: exact, by one step, alternating, and Dykstra's."""

from dataclasses import dataclass

import numpy as np

from multiconvex import NonNegativeImage, nnls


@dataclass(frozen=True, eq=False)
class Cone:
    """A point of the plane and its ways into the cone of nonnegative images.

    Attributes
    ----------
    edges : ndarray, shape (2, 2)
        Unit vectors, as columns.
    point, step, nearest : ndarray, shape (2,)
        What is projected, one step of alternating projections, and the projection.
    path : ndarray, shape (steps, 2)
        The steps of alternating projections.
    dykstra : ndarray, shape (steps, 2)
        Those of Dykstra's method.
    """

    edges: np.ndarray
    point: np.ndarray
    step: np.ndarray
    nearest: np.ndarray
    path: np.ndarray
    dykstra: np.ndarray


def project_in_the_plane(degrees, steps=60):
    """Project a unit vector on the cone of the nonnegative images of a 4 by 2 basis.

    Parameters
    ----------
    degrees : float
        Direction of the vector, from the first axis.
    """
    basis = np.linalg.qr(np.array([[1.0, 0.0], [0.6, 0.5], [0.3, 0.9], [0.05, 1.6]]))[0]
    basis = basis * np.sign(basis.sum(axis=0))
    point = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    cone = NonNegativeImage(basis)
    path = alternate_projections(basis[None], point[None], steps)[:, 0]
    corrected = alternate_projections(basis[None], point[None], steps, memory=1.0)[:, 0]
    return Cone(
        edges=_edges(basis),
        point=point,
        step=cone.one_step(point[:, None])[:, 0],
        nearest=cone.prox(point[:, None], 1.0)[:, 0],
        path=path,
        dykstra=corrected,
    )


@dataclass(frozen=True)
class ProjectionTrials:
    """Random points projected on random cones in five ways.

    Attributes
    ----------
    trials : int
    dual_gap : float
        Largest distance between the projection and what the multipliers say.
    outside : float
        How many single steps end outside the cone, in per cent.
    feasible : float
        Largest violation where alternating projections end.
    elsewhere : float
        In how many trials they do not end at the projection, in per cent.
    mean, largest : float
        Distance of their end from the projection, relative to the projected point.
    dykstra : float
        Largest distance of Dykstra's end from the projection, relative too.
    expansion : float
        Largest ratio of the distance of two steps to that of their points.
    """

    trials: int
    dual_gap: float
    outside: float
    feasible: float
    elsewhere: float
    mean: float
    largest: float
    dykstra: float
    expansion: float


def measure_projections(trials=200, rows=10, columns=3, steps=2000, *, random_state=0):
    """Project Gaussian points on cones whose bases span random nonnegative columns."""
    rng = np.random.default_rng(random_state)
    bases = np.linalg.qr(rng.random((trials, rows, columns)))[0]
    points, others = rng.standard_normal((2, trials, columns))
    cones = [NonNegativeImage(basis) for basis in bases]
    exact = np.array([cone.prox(x[:, None], 1.0)[:, 0] for cone, x in zip(cones, points)])
    dual = np.array([_by_the_dual(basis, x) for basis, x in zip(bases, points)])
    step, other = (alternate_projections(bases, x, 1)[-1] for x in (points, others))
    ends = alternate_projections(bases, points, steps)[-1]
    corrected = alternate_projections(bases, points, steps, memory=1.0)[-1]
    sizes = np.linalg.norm(points, axis=1)
    away = np.linalg.norm(ends - exact, axis=1) / sizes
    spread = np.linalg.norm(step - other, axis=1) / np.linalg.norm(points - others, axis=1)
    return ProjectionTrials(
        trials=trials,
        dual_gap=float(np.abs(dual - exact).max()),
        outside=float(100 * np.mean(_lowest(bases, step) < -1e-9)),
        feasible=float(-_lowest(bases, ends).min()),
        elsewhere=float(100 * np.mean(away > 1e-6)),
        mean=float(away.mean()),
        largest=float(away.max()),
        dykstra=float((np.linalg.norm(corrected - exact, axis=1) / sizes).max()),
        expansion=float(spread.max()),
    )


def alternate_projections(bases, points, steps, *, memory=0.0):
    """Project many points in turn on orthants and on subspaces.

    Parameters
    ----------
    bases : ndarray, shape (trials, m, n)
    points : ndarray, shape (trials, n)
    steps : int
    memory : float
        What Dykstra's method adds to a point before it meets the orthant again: this many times
        what the orthant took from it. With 0 the projections simply alternate.

    Returns
    -------
    ndarray, shape (steps, trials, n)
    """
    path, taken, x = np.empty((steps, *points.shape)), 0.0, points[..., None]
    for step in range(steps):
        image = bases @ x + memory * taken
        clipped = np.maximum(image, 0.0)
        taken = image - clipped
        x = np.swapaxes(bases, 1, 2) @ clipped
        path[step] = x[..., 0]
    return path


def _by_the_dual(basis, x):
    """Project through the nonnegative regression of the multipliers."""
    return x + basis.T @ nnls(basis.T, -x, tol=1e-14).x


def _lowest(bases, points):
    return (bases @ points[..., None]).min(axis=(1, 2))


def _edges(basis):
    """Return the two rays that bound a cone of the plane."""
    rays = np.hstack([sign * np.array([-basis[:, 1], basis[:, 0]]) for sign in (1.0, -1.0)])
    inside = rays[:, (basis @ rays).min(axis=0) > -1e-12]
    inside = inside / np.linalg.norm(inside, axis=0)
    order = np.argsort(np.arctan2(inside[1], inside[0]))
    return inside[:, order[[0, -1]]]
