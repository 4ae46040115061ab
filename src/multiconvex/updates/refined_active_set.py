"""Exact nonnegative least squares for few right-hand sides: single precision, then refinement."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.linalg.lapack import spotrf, spotrs

from multiconvex.penalties import NonNegative
from multiconvex.updates.active_set import ActiveSet
from multiconvex.updates.base import Update

_ROUNDS = 40
_BLUR = 1e-6
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
        slopes = Y.T @ W - penalty.l1
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            single = W.astype(np.float32)
            gram = single.T @ single
            gram.ravel()[:: len(gram) + 1] += np.float32(penalty.l2)
        block = np.zeros_like(x[k])
        if _in_range(gram.diagonal()) and _in_range(np.abs(slopes).max(axis=1)):
            rows = zip(Y.T, slopes, x[k] > 0, block)
            if all([_solve(W, y, gram, penalty, *row) for y, *row in rows]):
                return block, memory
        return ActiveSet()(problem, (*x[:k], block, *x[k + 1 :]), k, memory)


def _in_range(values):
    """Return whether numbers and their residuals stay within single precision."""
    return bool(values.min() > _SMALLEST and values.max() < _LARGEST)


def _solve(W, y, gram, penalty, slope, support, x):
    """Solve one row in place, from zero; return whether it is optimal.

    ``slope`` is minus the gradient at ``x``, in double precision. As long as fewer and fewer
    entries offend after a step, they change sides and the step is taken again; only then is a
    step kept and a residual of the data paid for.
    """
    if not support.any():
        support[:] = True
    tol = 16.0 * np.finfo(W.dtype).eps * len(x) * np.abs(slope).max()
    factor, last, fewest = None, np.inf, np.inf
    for _ in range(_ROUNDS):
        if factor is None:
            kept = np.flatnonzero(support)
            factor, failed = _factor(gram, kept)
            if failed:
                return False
        step = np.where(support, 0.0, -x).astype(np.float32)
        if len(kept):
            step[kept] = spotrs(factor, (slope - gram @ step)[kept])[0]
        new, change = np.where(support, x + step, 0.0), gram @ step
        blur = _BLUR * np.abs(change).max()
        wrong = np.where(support, new < 0.0, slope - change > tol + blur)
        offenders = np.count_nonzero(wrong)
        if 0 < offenders < fewest:
            support ^= wrong
            factor, last, fewest = None, np.inf, offenders
            continue
        size = np.abs(step).max()
        if size > 0.5 * last:
            return False
        x[:] = new
        if size <= _SETTLED * np.abs(x).max() and not offenders:
            return True
        slope = (y - W @ x) @ W - penalty.l1 - penalty.l2 * x
        last, fewest = size, np.inf
    return False


def _factor(gram, kept):
    return spotrf(gram[kept][:, kept], overwrite_a=True) if len(kept) else (gram[:0], 0)
