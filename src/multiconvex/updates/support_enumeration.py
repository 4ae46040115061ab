r"""Exact least squares on one block whose rows have few nonzero entries."""

from dataclasses import dataclass
from math import comb
from typing import ClassVar

import numpy as np
from numba import njit

from multiconvex.checks import check_count
from multiconvex.penalties import RowSparse
from multiconvex.updates.base import Update

_DEPENDENT = 1e3


@dataclass(frozen=True)
class SupportEnumeration(Update):
    r"""The exact minimiser of a least-squares block with at most k nonzero entries in each row.

    .. math:: \min_{\|X_{i:}\|_0 \le k} \; \tfrac12 \langle X G, X\rangle - \langle B, X\rangle,

    where ``G, B = problem.normal_equations(x, k)``. On a support :math:`S`, with the Cholesky
    factorisation :math:`G_{SS} = L L^T`, the least value of row :math:`i` is

    .. math:: -\tfrac12 \|y\|^2, \qquad L y = B_{i,S}^T .

    The first entries of :math:`y` depend on the first columns of :math:`S` only, so that supports
    in lexicographic order each cost no more than the columns that are new.

    Parameters
    ----------
    most : int, default 100000
        Largest number of supports, r choose k, that are visited.

    Raises
    ------
    ValueError
        At the start of a fit, where there are more supports than that, or where the entries must
        also be nonnegative.

    Notes
    -----
    Guarantee: exact over all supports, so never increases the objective.

    Cost: one product with the data per block, then O(n k) for each of the r choose k supports.

    Chapter: :doc:`/chapters/theory/complete_dictionary_learning`

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import FactorProblem, NoPenalty
    >>> D = np.array([[1.0, 0.0, 0.6], [0.0, 1.0, 0.8]])
    >>> problem = FactorProblem(D @ [[0.0], [0.0], [5.0]], 3, (NoPenalty(), RowSparse(1)))
    >>> SupportEnumeration()(problem, (D, np.zeros((1, 3))), 1, None)[0].round(12)
    array([[0., 0., 5.]])
    """

    most: int = 100_000
    exact: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("normal_equations",)
    handles: ClassVar[tuple[type, ...]] = (RowSparse,)

    def __post_init__(self):
        check_count("most", self.most)

    def start(self, problem, x, k):
        block = problem.blocks[k]
        rank = block.shape[1]
        size = min(block.penalty.k, rank)
        if block.penalty.nonnegative:
            raise ValueError(
                f"SupportEnumeration solves without signs but block {block.name!r} must be "
                "nonnegative: use BranchAndBound()."
            )
        if comb(rank, size) > self.most:
            raise ValueError(
                f"SupportEnumeration would visit {comb(rank, size)} supports of {size} among "
                f"{rank} components for block {block.name!r}, more than most={self.most}: choose a "
                "smaller sparsity, or another update, such as ADMM()."
            )

    def __call__(self, problem, x, k, memory):
        gram, rhs = problem.normal_equations(x, k)
        size = min(problem.blocks[k].penalty.k, len(gram))
        return solve_on_best_supports(gram, np.ascontiguousarray(rhs.T), size), memory


@njit(cache=True, error_model="numpy")
def solve_on_best_supports(gram, rhs, size):
    """Return, as rows, the minimisers of ``<x gram, x>/2 - <rhs, x>`` with ``size`` nonzeros.

    ``rhs`` has one column for each row of the block.
    """
    rank, n = rhs.shape
    out = np.zeros((n, rank), gram.dtype)
    supports = best_supports(gram, rhs, size)
    factor = np.zeros((size, size), gram.dtype)
    y, gain = np.zeros((size, 1), gram.dtype), np.zeros((size + 1, 1), gram.dtype)
    for i in range(n):
        column = rhs[:, i].copy().reshape((rank, 1))
        for t in range(size):
            _extend(gram, column, supports[i], t, factor, y, gain)
        for t in range(size - 1, -1, -1):
            value = y[t, 0]
            for s in range(t + 1, size):
                value -= factor[s, t] * out[i, supports[i, s]]
            out[i, supports[i, t]] = value * factor[t, t]
    return out


@njit(cache=True, error_model="numpy")
def best_supports(gram, rhs, size):
    """Return the support of greatest gain for each column of ``rhs``, the first where many are."""
    rank, n = rhs.shape
    factor = np.zeros((size, size), gram.dtype)
    y, gain = np.zeros((size, n), gram.dtype), np.zeros((size + 1, n), gram.dtype)
    best = np.full(n, -1.0)
    supports = np.zeros((n, size), np.int64)
    support = np.arange(size)
    first = 0
    while first >= 0:
        for t in range(first, size):
            _extend(gram, rhs, support, t, factor, y, gain)
        for i in range(n):
            if gain[size, i] > best[i]:
                best[i] = gain[size, i]
                supports[i] = support
        first = _advance(support, rank)
    return supports


@njit(cache=True, error_model="numpy")
def _extend(gram, rhs, support, t, factor, y, gain):
    """Add entry ``t`` of a support to its Cholesky factor, to ``y`` and to the gain ``|y|^2``.

    The diagonal of the factor holds the inverses of its pivots, 0 where a column depends on those
    before it: such a column is left out of the solution and gains nothing.
    """
    column = support[t]
    pivot = gram[column, column]
    threshold = _DEPENDENT * np.finfo(gram.dtype).eps * pivot
    for s in range(t):
        entry = gram[column, support[s]]
        for u in range(s):
            entry -= factor[t, u] * factor[s, u]
        factor[t, s] = entry * factor[s, s]
        pivot -= factor[t, s] ** 2
    factor[t, t] = 1.0 / np.sqrt(pivot) if pivot > threshold else 0.0
    y[t] = rhs[column]
    for s in range(t):
        y[t] -= factor[t, s] * y[s]
    y[t] *= factor[t, t]
    gain[t + 1] = gain[t] + y[t] * y[t]


@njit(cache=True, error_model="numpy")
def _advance(support, rank):
    """Move to the next support in lexicographic order; return where it changed, -1 at the end."""
    size = len(support)
    for t in range(size - 1, -1, -1):
        if support[t] < rank - size + t:
            support[t] += 1
            for s in range(t + 1, size):
                support[s] = support[s - 1] + 1
            return t
    return -1
