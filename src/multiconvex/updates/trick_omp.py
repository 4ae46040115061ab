r"""Sparse codes of a factor by pursuit of its least-squares estimate."""

from dataclasses import dataclass
from typing import ClassVar

from multiconvex.penalties import ColumnSparse
from multiconvex.pursuit import pursue
from multiconvex.updates.base import Update
from multiconvex.updates.coding import keep_better
from multiconvex.updates.least_squares import solve_symmetric


@dataclass(frozen=True)
class TrickOMP(Update):
    r"""Pursuit of each column of the free factor.

    For codes :math:`C` with at most :math:`k` nonzeros in each column, of

    .. math:: \min_C \; \tfrac12 \langle C, D^T D\, C M \rangle - \langle B, C \rangle
              \quad\text{subject to}\quad \|C_{:q}\|_0 \le k,

    the free factor :math:`\hat A` solves the problem without the dictionary, and each of its
    columns is coded by :math:`k` steps of orthogonal matching pursuit [1]_. Only
    :math:`D^T \hat A = B M^{-1}` is needed; ``D.T @ D, M, B = problem.coding_equations(x, k)``.
    For matrices :math:`M = H^T H`. This is exact where :math:`M` is diagonal; otherwise it
    amplifies noise the more, the worse :math:`M` is conditioned.

    Notes
    -----
    Guarantee: never increases the objective: old codes stay where the new ones are not better.

    Cost: one product with the data and one with the dictionary, then O(d k r + k^3 r) for d atoms
    per sweep.

    Chapter: :doc:`/chapters/theory/mixed_sparse_coding`

    References
    ----------
    .. [1] J. E. Cohen, 2022, as in :class:`HOMP`.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import ColumnSparse, DictionaryProblem, NoPenalty
    >>> H = np.array([[1.0, 1.0], [0.0, 1.0]])
    >>> X = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 2.0]]) @ H.T
    >>> problem = DictionaryProblem(X, 2, np.eye(3), (ColumnSparse(1), NoPenalty()))
    >>> TrickOMP()(problem, (np.zeros((3, 2)), H), 0, None)[0]
    array([[0., 0.],
           [3., 0.],
           [0., 2.]])
    """

    requires: ClassVar[tuple[str, ...]] = ("coding_equations",)
    handles: ClassVar[tuple[type, ...]] = (ColumnSparse,)

    def __call__(self, problem, x, k, memory):
        atom_gram, gram, correlations = problem.coding_equations(x, k)
        penalty = problem.blocks[k].penalty
        free = solve_symmetric(gram, correlations.T).T
        codes = pursue(atom_gram, free, penalty.k, nonnegative=penalty.nonnegative)
        return keep_better(problem, x, k, codes), memory
