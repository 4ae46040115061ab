"""Which columns of a matrix make the left factor of a separable factorisation."""

from typing import Any, NamedTuple

import numpy as np

from multiconvex.acceleration import Extrapolation
from multiconvex.engine import alternate
from multiconvex.penalties import SubSimplex
from multiconvex.regression import LeastSquaresRegression, nnls
from multiconvex.stopping import RelativeDecrease
from multiconvex.updates import ProxGradient


class Chosen(NamedTuple):
    """The selected columns, the exact weights of all columns, and how well they fit."""

    indices: np.ndarray
    W: Any
    H: Any
    objective: float
    half_norm2: float


def separate(X, sums, rank, method):
    """Return the selection by a method of :func:`multiconvex.separable_nmf`.

    Only inner products of columns matter: ``X`` may be any matrix with those of the data, and
    ``sums`` are the sums of the columns of the data.
    """
    check_usable(np.count_nonzero(sums), rank)
    indices = np.array(METHODS[method](X / np.where(sums > 0, sums, 1.0), rank))
    W = X[:, indices]
    fit = nnls(W, X)
    H = np.ascontiguousarray(fit.x.T)
    return Chosen(indices, W, H, fit.objective, 0.5 * float(np.vdot(X, X)))


def check_usable(usable, rank):
    """Refuse more components than there are columns that are not zero."""
    if rank > usable:
        raise ValueError(f"rank must be at most the {usable} nonzero columns of X, got {rank}.")


def check_independent(length, found, rank, dtype):
    """Refuse to go on where what is left of the longest column is rounding."""
    if length <= np.sqrt(np.finfo(dtype).eps):
        raise ValueError(
            f"method='spa' found only {found} independent columns, fewer than "
            f"rank={rank}: lower the rank, or use method='snpa'."
        )


def check_two(rank):
    """Refuse the closed form for two components where more or fewer are asked for."""
    if rank != 2:
        raise ValueError(f"method='rank2' is for two components, got rank={rank}.")


def _successive_projections(M, rank):
    residual, indices = M.copy(), []
    for _ in range(rank):
        indices.append(_farthest(np.square(residual).sum(axis=0), indices))
        direction = residual[:, indices[-1]]
        length = np.linalg.norm(direction)
        check_independent(length, len(indices) - 1, rank, M.dtype)
        direction = direction / length
        residual -= np.outer(direction, direction @ residual)
    return indices


def _successive_nonnegative_projections(M, rank):
    residual, indices, weights = M, [], np.zeros((M.shape[1], 0))
    for _ in range(rank):
        indices.append(_farthest(np.square(residual).sum(axis=0), indices))
        weights = np.hstack([weights, np.zeros((M.shape[1], 1))]).astype(M.dtype)
        weights[indices[-1]] = np.eye(len(indices))[-1]
        weights = hull_weights(M[:, indices], M, weights)
        residual = M - M[:, indices] @ weights.T
    return indices


def hull_weights(vertices, M, start):
    """Return the weights of the projections on the hull of the vertices and the origin."""
    fit = alternate(
        LeastSquaresRegression(vertices, M, SubSimplex()),
        (start,),
        ProxGradient(),
        acceleration=Extrapolation(),
        stop=RelativeDecrease(1e-9),
        max_iter=2000,
    )
    return fit.blocks["x"]


def _rank_two(M, rank):
    check_two(rank)
    first = int(np.argmax(np.square(M).sum(axis=0)))
    gaps = np.square(M - M[:, [first]]).sum(axis=0)
    gaps[M.sum(axis=0) == 0] = -1.0
    return [first, int(np.argmax(gaps))]


def _farthest(lengths, taken):
    lengths[taken] = -1.0
    return int(np.argmax(lengths))


METHODS = {
    "snpa": _successive_nonnegative_projections,
    "spa": _successive_projections,
    "rank2": _rank_two,
}
