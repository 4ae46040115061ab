r"""Hierarchical alternating least squares: cyclic exact coordinate descent on one block."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import njit

from multiconvex.checks import check_count, check_positive
from multiconvex.penalties import NonNegative
from multiconvex.updates.base import Update

_TILE = 64


@dataclass(frozen=True)
class HALS(Update):
    r"""Hierarchical alternating least squares.

    Improves one block :math:`X` of

    .. math:: \min_{X \ge 0} \; \tfrac12 \langle X G, X\rangle - \langle B, X\rangle
              + \lambda_1 \sum X + \tfrac{\lambda_2}{2} \|X\|_F^2

    by minimising exactly over one column at a time [1]_,

    .. math:: X_{:q} \leftarrow \Bigl[ \frac{B_{:q} - \sum_{p \ne q} X_{:p} G_{pq} - \lambda_1}
              {G_{qq} + \lambda_2} \Bigr]_+ ,

    where ``G, B = problem.normal_equations(x, k)``.

    Parameters
    ----------
    sweeps : int, default 10
        Largest number of passes over the columns; they cost little once ``G`` and ``B`` exist.
    inner_tol : float, default 0.01
        Rows stop early once a pass changes them by less than this fraction of what the first
        pass changed (root mean square over a tile of rows); 0 makes all passes.

    Notes
    -----
    Guarantee: never increases the objective; a fixed point minimises over each column.

    Cost: one product with the data per block, then O(n r^2) per pass and per sweep.

    Chapter: :doc:`/chapters/foundations/nonnegative_regression`

    References
    ----------
    .. [1] A. Cichocki, R. Zdunek and S. Amari, "Hierarchical ALS algorithms for nonnegative
       matrix and 3D tensor factorization", ICA 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import nnls
    >>> W = np.array([[1.0, 0.0], [0.0, 2.0]])
    >>> nnls(W, np.array([3.0, -1.0]), update=HALS()).x
    array([3., 0.])
    """

    sweeps: int = 10
    inner_tol: float = 0.01
    requires: ClassVar[tuple[str, ...]] = ("normal_equations",)
    handles: ClassVar[tuple[type, ...]] = (NonNegative,)

    def __post_init__(self):
        check_count("sweeps", self.sweeps)
        check_positive("inner_tol", self.inner_tol, allow_zero=True)

    def __call__(self, problem, x, k, memory):
        gram, rhs = problem.normal_equations(x, k)
        penalty = problem.blocks[k].penalty
        block = np.empty_like(x[k])
        curvature = np.diag(gram) + penalty.l2
        sweep_columns(
            x[k],
            gram,
            rhs - penalty.l1 if penalty.l1 else rhs,
            curvature,
            self.sweeps,
            self.inner_tol**2,
            block,
        )
        return block, memory


@njit(cache=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def sweep_columns(start, gram, rhs, curvature, sweeps, tol, out):
    """Pass over the columns of ``start``, a tile of rows at a time, and write to ``out``.

    One exact step on column q moves it by (rhs - x gram)_q minus the ridge, divided by the
    curvature, and cuts it at zero. Tiles are stored by column so that each step is one
    vectorised loop over rows in first-level cache.
    """
    n, rank = start.shape
    x = np.empty((rank, _TILE), start.dtype)
    b = np.empty((rank, _TILE), start.dtype)
    slope = np.empty(_TILE, start.dtype)
    for first in range(0, n, _TILE):
        size = min(_TILE, n - first)
        for i in range(size):
            for q in range(rank):
                x[q, i] = start[first + i, q]
                b[q, i] = rhs[first + i, q]
        first_change = 0.0
        for sweep in range(sweeps):
            change = 0.0
            for q in range(rank):
                if curvature[q] <= 0.0:
                    continue
                ridge = curvature[q] - gram[q, q]
                for i in range(size):
                    slope[i] = b[q, i] - ridge * x[q, i]
                for p in range(rank):
                    weight = gram[p, q]
                    for i in range(size):
                        slope[i] -= weight * x[p, i]
                scale = 1.0 / curvature[q]
                for i in range(size):
                    new = max(x[q, i] + slope[i] * scale, 0.0)
                    move = new - x[q, i]
                    change += move * move
                    x[q, i] = new
            if sweep == 0:
                first_change = change
            if change <= tol * first_change:
                break
        for i in range(size):
            for q in range(rank):
                out[first + i, q] = x[q, i]
