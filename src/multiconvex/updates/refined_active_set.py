"""Exact nonnegative least squares for few right-hand sides: single precision, then refinement."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.linalg import get_lapack_funcs

from multiconvex.penalties import NonNegative
from multiconvex.updates.active_set import ActiveSet, pivot_rows
from multiconvex.updates.base import Update

_EXCHANGES = 12
_REFINEMENTS = 20
_BLUR = 1e-5
_SETTLED = 1e-12
_SMALLEST = 1e-12
_LARGEST = 1e20


@dataclass(frozen=True)
class RefinedActiveSet(Update):
    r"""Exact nonnegative least squares with a Gram matrix in single precision.

    For few right-hand sides the Gram matrix is what an active set costs. Here it is formed in
    single precision, which finds the support, and the solution on the support is then refined
    in double precision with residuals of the data [1]_,

    .. math:: x_S \leftarrow x_S + \tilde G_{SS}^{-1} \bigl( W^T (y - W x) - \lambda_1 -
              \lambda_2 x \bigr)_S ,

    until it stops changing. The optimality conditions are checked in double precision, offenders
    change sides, and where that does not settle (ill-conditioned :math:`W`) the rows are solved
    by :class:`ActiveSet`.

    Notes
    -----
    Guarantee: each row is a global minimiser, to rounding; residuals of the data make it at least
    as accurate as working on a Gram matrix in double precision.

    Cost: a Gram matrix in single precision, O(m r^2), then a few products with the data and
    factorisations of size s per row and per sweep.

    Chapter: :doc:`/chapters/foundations/nonnegative_regression`

    References
    ----------
    .. [1] N. J. Higham, "Accuracy and stability of numerical algorithms", 2nd ed., 2002,
       chapter 12.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import nnls
    >>> W = np.array([[1.0, 0.5], [0.0, 1.0]])
    >>> nnls(W, np.array([1.0, -1.0]), update=RefinedActiveSet()).x
    array([1., 0.])
    """

    requires: ClassVar[tuple[str, ...]] = ("design", "normal_equations")
    handles: ClassVar[tuple[type, ...]] = (NonNegative,)
    exact: ClassVar[bool] = True

    def __call__(self, problem, x, k, memory):
        W, Y = problem.design()
        penalty = problem.blocks[k].penalty
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            single = W.astype(np.float32)
            gram = single.T @ single
            gram[np.diag_indices_from(gram)] += np.float32(penalty.l2)
            rhs = (Y.T @ W - penalty.l1).astype(np.float32)
        block = x[k]
        if _in_range(gram.diagonal()) and _in_range(np.abs(rhs).max(axis=1)):
            block = _support_in_single_precision(gram, rhs, x[k]).astype(W.dtype)
            if all([_settle(W, y, gram, penalty, row) for y, row in zip(Y.T, block)]):
                return block, memory
        return ActiveSet()(problem, (*x[:k], block, *x[k + 1 :]), k, memory)


def _in_range(values):
    """Return whether numbers and their residuals stay within single precision."""
    return bool(values.min() > _SMALLEST and values.max() < _LARGEST)


def _support_in_single_precision(gram, rhs, start):
    if not start.any():
        (posv,) = get_lapack_funcs(("posv",), (gram, rhs))
        start = posv(gram.T, rhs.T)[1].T
    block = np.empty_like(rhs)
    pivot_rows(gram, rhs, start.astype(np.float32), 16.0 * np.finfo(np.float32).eps, block)
    return block


def _settle(W, y, gram, penalty, x):
    """Exchange and refine one row in place; return whether it is optimal."""
    support, peak = x > 0, np.abs(y @ W).max()
    for _ in range(_EXCHANGES):
        x[~support] = 0.0
        wrong = _refine(W, y, gram, penalty, peak, support, x)
        if wrong is None:
            return False
        if not wrong.any():
            return True
        support ^= wrong
    return False


def _refine(W, y, gram, penalty, peak, support, x):
    """Solve on the support in place and return the offenders; None without convergence.

    After one refinement, offences far above its error are returned at once; the last word is
    spoken when refinement no longer changes the solution.
    """
    potrf, potrs = get_lapack_funcs(("potrf", "potrs"), (gram,))
    kept = np.flatnonzero(support)
    factor, failed = potrf(gram[kept][:, kept]) if len(kept) else (None, 0)
    tol = 16.0 * np.finfo(W.dtype).eps * len(x) * peak
    last = np.inf
    for step in range(0 if failed else _REFINEMENTS):
        slope = (y - W @ x) @ W - penalty.l1 - penalty.l2 * x
        if len(kept) == 0:
            return slope > tol
        move = potrs(factor, slope[kept])[0]
        size, scale = float(np.abs(move).max()), float(np.abs(x).max())
        if size > 0.5 * last > _SETTLED * scale:
            return None
        x[kept] += move
        if size <= _SETTLED * scale:
            return _offenders(support, x, slope, 0.0, tol)
        if step == 1:
            wrong = _offenders(support, x, slope, _BLUR * scale, _BLUR * peak)
            if wrong.any():
                return wrong
        last = size
    return None


def _offenders(support, x, slope, slack, tol):
    return np.where(support, x < -slack, slope > tol)
