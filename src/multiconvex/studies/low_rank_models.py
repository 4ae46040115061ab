"""Experiments of the chapter on low-rank models: rank, and two stains.

Its other experiments are in ``low_rank_geometry`` and ``low_rank_tensors``.
"""

from dataclasses import dataclass, replace

import numpy as np

from multiconvex.diagnostics import match_components
from multiconvex.models.nmf import nmf
from multiconvex.penalties import NonNegative
from multiconvex.regression import nnls


@dataclass(frozen=True, eq=False)
class Truncation:
    """A truncated singular value decomposition of a scene.

    Attributes
    ----------
    rank : int
    image : ndarray, shape (rows, cols)
        One band of the approximation.
    spectrum, original : ndarray, shape (bands,)
        One pixel of the approximation and of the scene.
    wavelengths : ndarray, shape (bands,)
    error : float
        Relative error, measured on the approximation itself.
    tail : float
        Relative error that the discarded singular values predict.
    share : float
        Numbers stored, as a fraction of the entries of the scene.
    """

    rank: int
    image: np.ndarray
    spectrum: np.ndarray
    original: np.ndarray
    wavelengths: np.ndarray
    error: float
    tail: float
    share: float


def truncations(scene, ranks, *, band=29, pixel=(20, 40)):
    """Truncate the singular value decomposition of a hyperspectral image at several ranks.

    Returns
    -------
    dict of int to Truncation
    """
    X = scene.matrix
    m, n = X.shape
    left, singular, right = np.linalg.svd(X, full_matrices=False)
    row, col = pixel
    found = {}
    for rank in ranks:
        model = (left[:, :rank] * singular[:rank]) @ right[:rank]
        cube = model.T.reshape(scene.cube.shape)
        found[rank] = Truncation(
            rank=rank,
            image=cube[..., band],
            spectrum=cube[row, col],
            original=scene.cube[row, col],
            wavelengths=scene.wavelengths,
            error=float(np.linalg.norm(X - model) / np.linalg.norm(X)),
            tail=float(np.linalg.norm(singular[rank:]) / np.linalg.norm(singular)),
            share=rank * (m + n) / (m * n),
        )
    return found


def tails(matrix):
    """Relative error of the best approximation of each rank 0, 1, 2, ..., from singular values."""
    energy = np.square(np.linalg.svd(matrix, compute_uv=False))
    left_over = np.append(np.cumsum(energy[::-1])[::-1], 0.0)
    return np.sqrt(left_over / left_over[0])


def why_low_rank(scene, *, random_state=0):
    """Tails of a scene, of its entries in random order, and of a smooth function on a grid.

    Returns
    -------
    dict of str to ndarray
    """
    X = scene.matrix
    shuffled = np.random.default_rng(random_state).permutation(X.ravel()).reshape(X.shape)
    grid = np.linspace(0.0, 3.0, len(X))
    smooth = np.exp(-np.square(grid[:, None] - grid))
    named = {"Indian Pines": X, "shuffled": shuffled, "smooth function": smooth}
    return {name: tails(matrix) for name, matrix in named.items()}


@dataclass(frozen=True, eq=False)
class StainFan:
    """Where two stains lie in the plane of the leading singular vectors of optical densities.

    Angles are in degrees, from the first singular vector.

    Attributes
    ----------
    edges, density : ndarray
        Histogram of the directions of pixels, weighted by optical density.
    limits : ndarray, shape (2,)
        Where the plane leaves the nonnegative orthant.
    bulk : ndarray, shape (2,)
        Between them lie 98% of the optical density.
    published : ndarray, shape (2,)
    placed, random, penalised : ndarray, shapes (starts, 2), (starts, 2) and (2,)
        Columns of W: without penalty, from starts placed in the gaps between the pixels and the
        limits, or random; and with penalties.
    plain_errors, penalised_error : ndarray, float
        Relative errors, of the placed and then of the random starts.
    plain_cosines, penalised_cosines : ndarray, shapes (2 starts, 2) and (2,)
        With the published vectors, in their order.
    H : ndarray, shape (pixels, 2)
        Amounts of the published stains found by the penalised model.
    """

    edges: np.ndarray
    density: np.ndarray
    limits: np.ndarray
    bulk: np.ndarray
    published: np.ndarray
    placed: np.ndarray
    random: np.ndarray
    penalised: np.ndarray
    plain_errors: np.ndarray
    penalised_error: float
    plain_cosines: np.ndarray
    penalised_cosines: np.ndarray
    H: np.ndarray


def thinned(stains, step):
    """Keep one row and one column in `step` of a stained image."""
    return replace(
        stains,
        rgb=stains.rgb[::step, ::step],
        optical_density=stains.optical_density[::step, ::step],
    )


def stain_fan(stains, *, starts=5, ridge=1.0, sparsity=5e-4):
    """Factorise optical densities with two components, plainly and with penalties."""
    X = stains.matrix
    leading = np.linalg.eigh(X @ X.T)[1][:, ::-1][:, :2]
    plane = leading * np.sign(leading[1] * [1.0, stains.vectors[1] @ [1.0, -1.0]])
    flat = plane.T @ X
    angles, weights = _angle(flat), np.linalg.norm(flat, axis=0)
    density, edges = np.histogram(angles, bins=np.arange(-40, 65, 1.0), weights=weights)
    limits, bulk = _orthant_limits(plane), _weighted_quantiles(angles, weights, (0.01, 0.99))
    places = np.linspace(0.55, 1.0, starts)[:, None]
    fits = [_fit_from(X, plane, (1 - t) * bulk + t * limits) for t in places]
    fits += [nmf(X, 2, init="random", random_state=seed) for seed in range(starts)]
    penalties = (NonNegative(l2=ridge), NonNegative(l1=sparsity))
    chosen = nmf(X, 2, penalties=penalties, tol=1e-8, max_iter=5000, random_state=0)
    order, cosines = match_components(chosen.W, stains.vectors)
    columns = np.array([np.sort(_angle(plane.T @ fit.W)) for fit in fits])
    norm = np.linalg.norm(X)
    return StainFan(
        edges=edges,
        density=density / weights.sum(),
        limits=limits,
        bulk=bulk,
        published=_angle(plane.T @ stains.vectors),
        placed=columns[:starts],
        random=columns[starts:],
        penalised=np.sort(_angle(plane.T @ chosen.W)),
        plain_errors=np.array([np.linalg.norm(X - fit.reconstruct()) / norm for fit in fits]),
        penalised_error=float(np.linalg.norm(X - chosen.reconstruct()) / norm),
        plain_cosines=np.array([match_components(fit.W, stains.vectors)[1] for fit in fits]),
        penalised_cosines=cosines,
        H=chosen.H[:, order] * np.linalg.norm(chosen.W[:, order], axis=0),
    )


def _fit_from(X, plane, angles):
    """Factorise from the columns of a plane at given angles and their best weights."""
    W = np.maximum(plane @ np.array([np.cos(np.radians(angles)), np.sin(np.radians(angles))]), 0.0)
    return nmf(X, 2, init=(W, np.ascontiguousarray(nnls(W, X).x.T)))


def _angle(flat):
    return np.degrees(np.arctan2(flat[1], flat[0]))


def _orthant_limits(plane):
    """Angles between which the vectors of a plane are nonnegative."""
    turning = np.degrees(np.arctan2(-plane[:, 0], plane[:, 1]))
    lower, upper = turning[plane[:, 1] > 0], turning[plane[:, 1] < 0] + 180.0
    return np.array([lower.max(), upper.min()])


def _weighted_quantiles(values, weights, levels):
    order = np.argsort(values)
    heights = np.cumsum(weights[order]) / weights.sum()
    return values[order][np.searchsorted(heights, levels)]
