r"""Separable nonnegative matrix factorisation: the left factor is made of columns of the data."""

from dataclasses import dataclass

import numpy as np

from multiconvex.acceleration import Extrapolation
from multiconvex.checks import check_array, check_option, check_rank
from multiconvex.engine import alternate
from multiconvex.models.nmf import MatrixFactorization
from multiconvex.penalties import SubSimplex
from multiconvex.regression import LeastSquaresRegression, nnls
from multiconvex.stopping import RelativeDecrease
from multiconvex.trace import Recorder
from multiconvex.updates import ProxGradient


@dataclass(frozen=True, repr=False, kw_only=True)
class SeparableFactorization(MatrixFactorization):
    """A model ``X[:, indices] @ H.T``; see :class:`MatrixFactorization`.

    Attributes
    ----------
    indices : ndarray of int, shape (rank,)
        Columns of the data, in the order of selection.
    """

    indices: np.ndarray


def separable_nmf(X, rank, *, method="snpa"):
    r"""Factorise ``X ≈ X[:, indices] Hᵀ`` with nonnegative ``H``.

    Selects ``rank`` columns of the data whose cone comes close to all columns. The columns are
    scaled to sum to one for the selection, which is exact when every column is a nonnegative
    combination of the selected ones (separable data).

    Parameters
    ----------
    X : ndarray, shape (m, n)
        Nonnegative.
    rank : int
        At most the number of columns that are not zero.
    method : {"snpa", "spa", "rank2"}
        - ``"spa"`` takes the column of largest residual and projects it out [1]_; it needs
          independent columns, hence ``rank <= m``.
        - ``"snpa"`` takes the residual of the projection on the convex hull of the selected
          columns and the origin [2]_; it needs less and resists noise better.
        - ``"rank2"`` is the closed form for two components: the longest column, then the column
          farthest from it.

    Returns
    -------
    SeparableFactorization
        With ``.indices``, ``.W = X[:, indices]``, ``.H`` the exact nonnegative least-squares
        weights, and ``.objective`` :math:`= \tfrac12 \|X - W H^T\|_F^2`.

    Raises
    ------
    ValueError
        For data that are empty, negative or not finite, ``"rank2"`` with another rank, or fewer
        usable columns than the rank.

    Notes
    -----
    Guarantee: the right columns on separable data, also under small noise ("spa", "snpa").

    Cost: rank passes, each O(m n) plus, for "snpa", one constrained regression of all columns.

    Chapter: :doc:`/chapters/foundations/low_rank_models`

    References
    ----------
    .. [1] N. Gillis and S. A. Vavasis, "Fast and robust recursive algorithms for separable
       nonnegative matrix factorization", IEEE TPAMI 36, 2014.
    .. [2] N. Gillis, "Successive nonnegative projection algorithm for robust nonnegative blind
       source separation", SIAM J. Imaging Sci. 7, 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import separable_nmf
    >>> pure = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 2.0]])
    >>> X = pure @ np.array([[0.5, 1.0, 0.0, 0.2], [0.5, 0.0, 1.0, 0.8]])
    >>> sorted(separable_nmf(X, 2).indices.tolist())
    [1, 2]
    """
    recorder = Recorder()
    check_option("method", method, tuple(_METHODS))
    X = check_array("X", X, ndim=2, nonnegative=True)
    rank = check_rank(rank)
    sums = X.sum(axis=0)
    usable = int(np.count_nonzero(sums))
    if rank > usable:
        raise ValueError(f"rank must be at most the {usable} nonzero columns of X, got {rank}.")
    scaled = X / np.where(sums > 0, sums, 1.0)
    indices = np.array(_METHODS[method](scaled, rank))
    W = X[:, indices]
    fit = nnls(W, X)
    recorder.clock.pause()
    recorder.add(0, 0.5 * float(np.vdot(X, X)), "start")
    recorder.add(rank, fit.objective, "sweep")
    return SeparableFactorization(
        blocks={"W": W, "H": np.ascontiguousarray(fit.x.T)},
        objective=fit.objective,
        n_iter=rank,
        status="converged",
        trace=recorder.trace(),
        indices=indices,
    )


def _successive_projections(M, rank):
    residual, indices = M.copy(), []
    for _ in range(rank):
        indices.append(_farthest(np.square(residual).sum(axis=0), indices))
        direction = residual[:, indices[-1]]
        length = np.linalg.norm(direction)
        if length <= np.sqrt(np.finfo(M.dtype).eps):
            raise ValueError(
                f"method='spa' found only {len(indices) - 1} independent columns, fewer than "
                f"rank={rank}: lower the rank, or use method='snpa'."
            )
        direction = direction / length
        residual -= np.outer(direction, direction @ residual)
    return indices


def _successive_nonnegative_projections(M, rank):
    residual, indices, weights = M, [], np.zeros((M.shape[1], 0))
    for _ in range(rank):
        indices.append(_farthest(np.square(residual).sum(axis=0), indices))
        weights = np.hstack([weights, np.zeros((M.shape[1], 1))]).astype(M.dtype)
        weights[indices[-1]] = np.eye(len(indices))[-1]
        problem = LeastSquaresRegression(M[:, indices], M, SubSimplex())
        fit = alternate(
            problem,
            (weights,),
            ProxGradient(),
            acceleration=Extrapolation(),
            stop=RelativeDecrease(1e-9),
            max_iter=2000,
        )
        weights = fit.blocks["x"]
        residual = M - M[:, indices] @ weights.T
    return indices


def _rank_two(M, rank):
    if rank != 2:
        raise ValueError(f"method='rank2' is for two components, got rank={rank}.")
    first = int(np.argmax(np.square(M).sum(axis=0)))
    gaps = np.square(M - M[:, [first]]).sum(axis=0)
    gaps[M.sum(axis=0) == 0] = -1.0
    return [first, int(np.argmax(gaps))]


def _farthest(lengths, taken):
    lengths[taken] = -1.0
    return int(np.argmax(lengths))


_METHODS = {
    "snpa": _successive_nonnegative_projections,
    "spa": _successive_projections,
    "rank2": _rank_two,
}
