r"""Exact nonnegative least squares on one block, row by row, by exchanging active sets."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import njit

from multiconvex.checks import check_option
from multiconvex.penalties import NonNegative
from multiconvex.triangular import back_substitution, cholesky, forward_substitution
from multiconvex.updates.base import Update

_UNBLOCKED = 64
_BACKUPS = 3


@dataclass(frozen=True)
class ActiveSet(Update):
    r"""Exact nonnegative least squares by active sets.

    Minimises, separately for each row :math:`x` of the block with :math:`b` the same row of
    ``rhs``,

    .. math:: \min_{x \ge 0} \; \tfrac12 x^T G x - b^T x + \lambda_1 \sum x
              + \tfrac{\lambda_2}{2} \|x\|^2,

    where ``G, B = problem.normal_equations(x, k)``. The positive entries of the current block are
    the first guess of the support.

    Parameters
    ----------
    pivoting : {"block", "single"}, default "block"
        ``"block"`` exchanges all infeasible entries at once (block principal pivoting [1]_, with
        single exchanges as a safeguard against cycling); ``"single"`` lets one entry in at a
        time (Lawson and Hanson [2]_), which also copes with dependent columns. Rows whose
        pivoting meets a singular system are solved again by ``"single"``.

    Notes
    -----
    Guarantee: each row is a global minimiser, to rounding.

    Cost: one product with the data per block, then a few O(s^3) solves per row and per sweep,
    with s the size of the support.

    Chapter: :doc:`/chapters/foundations/nonnegative_regression`

    Working on the Gram matrix squares the condition number of the regression.

    References
    ----------
    .. [1] J. Kim and H. Park, "Fast nonnegative matrix factorization: an active-set-like method
       and comparisons", SIAM J. Sci. Comput. 33, 2011.
    .. [2] C. L. Lawson and R. J. Hanson, "Solving least squares problems", 1974, chapter 23.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import nnls
    >>> W = np.array([[1.0, 0.5], [0.0, 1.0]])
    >>> nnls(W, np.array([1.0, -1.0]), update=ActiveSet("single")).x
    array([1., 0.])
    """

    pivoting: str = "block"
    exact: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("normal_equations",)
    handles: ClassVar[tuple[type, ...]] = (NonNegative,)

    def __post_init__(self):
        check_option("pivoting", self.pivoting, ("block", "single"))

    def __call__(self, problem, x, k, memory):
        gram, rhs = problem.normal_equations(x, k)
        penalty = problem.blocks[k].penalty
        if penalty.l2:
            gram = gram + penalty.l2 * np.eye(len(gram), dtype=gram.dtype)
        if penalty.l1:
            rhs = rhs - penalty.l1
        solve_rows = pivot_rows if self.pivoting == "block" else enter_rows
        block = np.empty_like(x[k])
        solve_rows(gram, rhs, x[k], 16.0 * np.finfo(block.dtype).eps, block)
        return block, memory


@njit(cache=True, error_model="numpy")
def pivot_rows(gram, rhs, start, eps, out):
    """Solve every row by block principal pivoting and write the solutions to ``out``.

    A row is optimal when the least-squares solution on its support is nonnegative and the
    gradient is nonnegative elsewhere. All offenders change sides together as long as their number
    falls; after three failures only the last offender does, which cannot cycle.
    """
    n, rank = rhs.shape
    small = np.empty((rank, rank), gram.dtype)
    index = np.empty(rank, np.int64)
    x = np.empty(rank, gram.dtype)
    z = np.empty(rank, gram.dtype)
    support = np.empty(rank, np.bool_)
    wrong = np.empty(rank, np.bool_)
    for i in range(n):
        for q in range(rank):
            support[q] = start[i, q] > 0.0
        tol = eps * rank * np.abs(rhs[i]).max()
        fewest, backups, solved = rank + 1, _BACKUPS, False
        for _ in range(100 + 10 * rank):
            if not _solve_on_support(gram, rhs[i], support, small, index, z, x):
                break
            count = _find_offenders(gram, rhs[i], support, x, tol, wrong)
            if count == 0:
                solved = True
                break
            if count < fewest:
                fewest, backups = count, _BACKUPS
            else:
                backups -= 1
            if backups >= 0:
                for q in range(rank):
                    support[q] ^= wrong[q]
            else:
                last = rank - 1
                while not wrong[last]:
                    last -= 1
                support[last] = not support[last]
        if solved:
            out[i] = x
        else:
            out[i] = 0.0
            _enter_one_row(gram, rhs[i], tol, small, index, z, support, out[i])


@njit(cache=True, error_model="numpy")
def enter_rows(gram, rhs, start, eps, out):
    """Solve every row by the method of Lawson and Hanson and write the solutions to ``out``."""
    n, rank = rhs.shape
    small = np.empty((rank, rank), gram.dtype)
    index = np.empty(rank, np.int64)
    z = np.empty(rank, gram.dtype)
    support = np.empty(rank, np.bool_)
    for i in range(n):
        out[i] = start[i]
        tol = eps * rank * np.abs(rhs[i]).max()
        _enter_one_row(gram, rhs[i], tol, small, index, z, support, out[i])


@njit(cache=True, error_model="numpy")
def _enter_one_row(gram, b, tol, small, index, z, support, x):
    """Lawson and Hanson from the support of ``x``, which becomes the solution in place.

    The outer loop lets in the entry of most negative gradient; the inner loop walks towards the
    least-squares solution on the support and drops entries that reach zero on the way. A warm
    start begins with the inner loop: without it the result can fail to be optimal.
    """
    rank = len(b)
    full = np.empty(rank, gram.dtype)
    barred = np.zeros(rank, np.bool_)
    for q in range(rank):
        support[q] = x[q] > 0.0
    entering = -1
    for _ in range(30 * rank + 30):
        while True:
            if not _solve_on_support(gram, b, support, small, index, z, full):
                if entering < 0:
                    support[:] = False
                    x[:] = 0.0
                else:
                    support[entering] = False
                    barred[entering] = True
                    entering = -1
                continue
            step, blocking = 1.0, -1
            for q in range(rank):
                if support[q] and full[q] <= 0.0:
                    ratio = x[q] / (x[q] - full[q]) if x[q] > full[q] else 0.0
                    if ratio < step or blocking < 0:
                        step, blocking = ratio, q
            if blocking < 0:
                break
            for q in range(rank):
                if support[q]:
                    x[q] += step * (full[q] - x[q])
            x[blocking] = 0.0
            support[blocking] = False
            if blocking == entering:
                barred[entering] = True
            entering = -1
        moved = False
        for q in range(rank):
            if support[q] and x[q] != full[q]:
                moved = True
            x[q] = full[q] if support[q] else 0.0
        if moved and entering >= 0:
            barred[:] = False
        entering, steepest = -1, tol
        for q in range(rank):
            if support[q] or barred[q]:
                continue
            slope = b[q]
            for p in range(rank):
                slope -= gram[q, p] * x[p]
            if slope > steepest:
                entering, steepest = q, slope
        if entering < 0:
            return
        support[entering] = True


@njit(cache=True, error_model="numpy")
def _find_offenders(gram, b, support, x, tol, wrong):
    """Mark negative entries on the support and negative gradients off it; return their number."""
    rank, count = len(b), 0
    for q in range(rank):
        if support[q]:
            wrong[q] = x[q] < 0.0
        else:
            slope = b[q]
            for p in range(rank):
                slope -= gram[q, p] * x[p]
            wrong[q] = slope > tol
        count += wrong[q]
    return count


@njit(cache=True, error_model="numpy")
def _solve_on_support(gram, b, support, small, index, z, x):
    """Solve the normal equations on the support, 0 elsewhere; False where they are singular."""
    rank, size = len(b), 0
    for q in range(rank):
        x[q] = 0.0
        if support[q]:
            index[size] = q
            size += 1
    if size > _UNBLOCKED:
        block = np.empty((size, size), gram.dtype)
        right = np.empty(size, gram.dtype)
        for i in range(size):
            right[i] = b[index[i]]
            for j in range(size):
                block[i, j] = gram[index[i], index[j]]
        factor = _blocked_cholesky(block)
        if len(factor) == 0:
            return False
        forward_substitution(factor, size, right)
        back_substitution(factor, size, right)
        for i in range(size):
            x[index[i]] = right[i]
        return True
    for i in range(size):
        z[i] = b[index[i]]
        for j in range(i + 1):
            small[i, j] = gram[index[i], index[j]]
    if not cholesky(small, size):
        return False
    forward_substitution(small, size, z)
    back_substitution(small, size, z)
    for i in range(size):
        x[index[i]] = z[i]
    return True


@njit(cache=True)
def _blocked_cholesky(a):
    """Factor by LAPACK; an empty array where the matrix is not definite to rounding."""
    try:
        factor = np.linalg.cholesky(a)
    except Exception:
        return a[:0]
    for j in range(len(a)):
        if factor[j, j] * factor[j, j] <= 1e-14 * a[j, j]:
            return a[:0]
    return factor
