r"""Separable nonnegative matrix factorisation: the left factor is made of columns of the data."""

from dataclasses import dataclass

import numpy as np

from multiconvex.checks import check_array, check_option, check_rank, is_chunked
from multiconvex.models.chunked_separable import separate_chunks
from multiconvex.models.column_selection import METHODS, separate
from multiconvex.models.nmf import MatrixFactorization
from multiconvex.trace import Recorder


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
    X : ndarray or dask.array.Array, shape (m, n)
        Nonnegative. Chunks of a Dask array stay where they are: cut along rows, ``W`` is a Dask
        array as well, and the selection needs n^2 numbers; cut along columns, ``H`` is one.
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
    check_option("method", method, tuple(METHODS))
    rank = check_rank(rank)
    if is_chunked(X):
        chosen = separate_chunks(X, rank, method)
    else:
        X = check_array("X", X, ndim=2, nonnegative=True)
        chosen = separate(X, X.sum(axis=0), rank, method)
    recorder.clock.pause()
    recorder.add(0, chosen.half_norm2, "start")
    recorder.add(rank, chosen.objective, "sweep")
    return SeparableFactorization(
        blocks={"W": chosen.W, "H": chosen.H},
        objective=chosen.objective,
        n_iter=rank,
        status="converged",
        trace=recorder.trace(),
        indices=chosen.indices,
    )
