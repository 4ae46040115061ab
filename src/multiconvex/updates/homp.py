r"""Sparse codes of a factor, column by column, by orthogonal matching pursuit."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from multiconvex.checks import check_count
from multiconvex.penalties import ColumnSparse
from multiconvex.pursuit import pursue
from multiconvex.updates.base import Update


@dataclass(frozen=True)
class HOMP(Update):
    r"""Hierarchical orthogonal matching pursuit.

    Improves codes :math:`C` with at most :math:`k` nonzeros in each column,

    .. math:: \min_C \; \tfrac12 \langle C, D^T D\, C M \rangle - \langle B, C \rangle
              \quad\text{subject to}\quad \|C_{:q}\|_0 \le k,

    one column at a time. With the other columns fixed the problem is, without approximation, the
    sparse coding of a single vector [1]_,

    .. math:: \min_{\|c\|_0 \le k} \; \tfrac12 c^T D^T D\, c - b_q^T c, \qquad
              b_q = \frac{B_{:q} - D^T D \sum_{p \ne q} C_{:p} M_{pq}}{M_{qq}},

    for which :math:`k` steps of pursuit propose a column; it is taken where it is better than the
    old one. ``D.T @ D, M, B = problem.coding_equations(x, k)``. Nonnegative codes are pursued
    through positive correlations and nonnegative least squares.

    Parameters
    ----------
    sweeps : int, default 3
        Largest number of passes over the columns; they end when no column changes.

    Notes
    -----
    Guarantee: never increases the objective.

    Cost: one product with the data and one with the dictionary per block, then O(d k r + k^3 r)
    for d atoms per pass and per sweep.

    Chapter: :doc:`/chapters/theory/mixed_sparse_coding`

    References
    ----------
    .. [1] J. E. Cohen, "Dictionary-based low-rank approximations and the mixed sparse coding
       problem", Frontiers in Applied Mathematics and Statistics 8, 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import ColumnSparse, DictionaryProblem, NoPenalty
    >>> X = np.array([[0.0, 0.0], [3.0, 1.0], [1.0, 2.0]])
    >>> problem = DictionaryProblem(X, 2, np.eye(3), (ColumnSparse(1), NoPenalty()))
    >>> codes, _ = HOMP()(problem, (np.zeros((3, 2)), np.eye(2)), 0, None)
    >>> codes
    array([[0., 0.],
           [3., 0.],
           [0., 2.]])
    """

    sweeps: int = 3
    requires: ClassVar[tuple[str, ...]] = ("coding_equations",)
    handles: ClassVar[tuple[type, ...]] = (ColumnSparse,)

    def __post_init__(self):
        check_count("sweeps", self.sweeps)

    def __call__(self, problem, x, k, memory):
        equations = problem.coding_equations(x, k)
        penalty = problem.blocks[k].penalty
        codes = x[k] if np.isfinite(penalty.value(x[k])) else np.zeros_like(x[k])
        codes = np.array(codes, order="C")
        for _ in range(self.sweeps):
            if not _pass_over_columns(equations, penalty, codes):
                break
        return codes, memory


def _pass_over_columns(equations, penalty, codes):
    """Replace columns by better ones, in place; return whether any was replaced."""
    atom_gram, gram, correlations = equations
    seen = atom_gram @ codes
    changed = False
    for q in np.flatnonzero(np.diag(gram) > 0):
        old = codes[:, q]
        target = (correlations[:, q] - seen @ gram[:, q]) / gram[q, q] + seen[:, q]
        new = pursue(atom_gram, target[:, None], penalty.k, nonnegative=penalty.nonnegative)[:, 0]
        support = np.flatnonzero(new)
        seen_new = new[support] @ atom_gram[support]
        if np.vdot(0.5 * seen_new - target, new) < np.vdot(0.5 * seen[:, q] - target, old):
            codes[:, q], seen[:, q] = new, seen_new
            changed = True
    return changed
