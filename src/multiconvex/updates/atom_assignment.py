r"""Replace a factor by the distinct atoms of a dictionary that look most like its columns."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.optimize import linear_sum_assignment

from multiconvex.penalties import ColumnSparse
from multiconvex.updates.active_set import pivot_rows
from multiconvex.updates.base import Update
from multiconvex.updates.least_squares import solve_symmetric


@dataclass(frozen=True)
class AtomAssignment(Update):
    r"""Least squares, then the most similar distinct atoms.

    For codes with one nonzero in each column, on distinct rows, minimise over a free factor

    .. math:: \hat A \in \arg\min_A \; \tfrac12 \langle A M, A \rangle - \langle B, A \rangle

    (over :math:`A \ge 0` where codes and dictionary are nonnegative), scale its columns to unit
    norm, and let the atoms :math:`K_1, \dots, K_r` be the assignment that maximises the sum of
    cosines [1]_

    .. math:: \sum_q |D_{:K_q}^T \hat A_{:q}| \qquad (\text{without } |\cdot| \text{ for
              nonnegative codes}).

    The codes are one there: atoms have unit norm and the other factors take scale and sign.
    ``M, B = problem.factor_equations(x, k)``.

    Notes
    -----
    Guarantee: the best assignment for the scaled columns; the objective may increase, hence
    :class:`multiconvex.KeepBest`.

    Cost: one product with the data, one of O(m d r) with the dictionary of d atoms, and the
    assignment, O(d r^2), per sweep.

    Chapter: :doc:`/chapters/theory/one_sparse_dictionaries`

    References
    ----------
    .. [1] J. E. Cohen and N. Gillis, "Dictionary-based tensor canonical polyadic decomposition",
       IEEE Transactions on Signal Processing 66, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import ColumnSparse, DictionaryProblem, NoPenalty
    >>> H = np.array([[1.0, 1.0], [0.0, 1.0]])
    >>> X = np.array([[0.0, 0.0], [0.1, 3.0], [2.0, 0.0]]) @ H.T
    >>> problem = DictionaryProblem(X, 2, np.eye(3), (ColumnSparse(1), NoPenalty()))
    >>> codes, _ = AtomAssignment()(problem, (np.zeros((3, 2)), H), 0, None)
    >>> codes.argmax(axis=0)
    array([2, 1])
    """

    requires: ClassVar[tuple[str, ...]] = ("factor_equations", "dictionary")
    handles: ClassVar[tuple[type, ...]] = (ColumnSparse,)

    def start(self, problem, x, k):
        sparsity = problem.blocks[k].penalty.k
        if sparsity != 1:
            raise ValueError(
                f"AtomAssignment gives each component one atom, and the sparsity is {sparsity}: "
                "choose another update, such as HOMP()."
            )
        n_atoms, rank = problem.blocks[k].shape
        if n_atoms < rank:
            raise ValueError(
                f"AtomAssignment needs distinct atoms, and the dictionary has {n_atoms} for "
                f"rank={rank}: lower the rank or add atoms."
            )

    def __call__(self, problem, x, k, memory):
        nonnegative = problem.blocks[k].penalty.nonnegative
        gram, rhs = problem.factor_equations(x, k)
        if nonnegative and problem.dictionary.min() >= 0:
            free = np.empty_like(rhs)
            pivot_rows(gram, rhs, np.zeros_like(rhs), 16.0 * np.finfo(rhs.dtype).eps, free)
        else:
            free = solve_symmetric(gram, rhs.T).T
        norms = np.linalg.norm(free, axis=0)
        scores = problem.dictionary.T @ (free / np.where(norms > 0, norms, 1.0))
        codes = np.zeros_like(x[k])
        atoms = assign_atoms(scores if nonnegative else np.abs(scores))
        codes[atoms, np.arange(len(atoms))] = 1.0
        return codes, memory


def assign_atoms(scores):
    """Return a distinct row for each column, in column order, of largest total score."""
    rows, columns = linear_sum_assignment(scores, maximize=True)
    atoms = np.empty(scores.shape[1], int)
    atoms[columns] = rows
    return atoms
