r"""Sparse codes of a factor by iterative hard thresholding."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from multiconvex.checks import check_count
from multiconvex.penalties import ColumnSparse
from multiconvex.updates.base import Update
from multiconvex.updates.coding import keep_better, refit

_FLATTEST = 1e-30


@dataclass(frozen=True)
class IHT(Update):
    r"""Iterative hard thresholding, then least squares on the nonzeros.

    For codes :math:`C` with at most :math:`k` nonzeros in each column, of

    .. math:: \min_C \; \tfrac12 \langle C, D^T D\, C M \rangle - \langle B, C \rangle
              \quad\text{subject to}\quad \|C_{:q}\|_0 \le k,

    take steps of projected gradient [1]_,

    .. math:: C \leftarrow P_k\bigl(C - (D^T D\, C M - B) / L\bigr), \qquad
              L = \|D\|_2^2 \, \|M\|_2,

    where :math:`P_k` keeps the :math:`k` largest entries of each column; then fit all nonzeros
    together. ``D.T @ D, M, B = problem.coding_equations(x, k)``.

    Parameters
    ----------
    steps : int, default 20
        Largest number of gradient steps; they end at a fixed point.

    Notes
    -----
    Guarantee: never increases the objective.

    Cost: one product with the data, then O(d^2 r) for d atoms per step and per sweep.

    Chapter: :doc:`/chapters/theory/mixed_sparse_coding`

    References
    ----------
    .. [1] T. Blumensath and M. E. Davies, "Iterative thresholding for sparse approximations",
       Journal of Fourier Analysis and Applications 14, 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import ColumnSparse, DictionaryProblem, NoPenalty
    >>> X = np.array([[0.5, 0.0], [3.0, 1.0], [1.0, 2.0]])
    >>> problem = DictionaryProblem(X, 2, np.eye(3), (ColumnSparse(1), NoPenalty()))
    >>> IHT()(problem, (np.zeros((3, 2)), np.eye(2)), 0, None)[0]
    array([[0., 0.],
           [3., 0.],
           [0., 2.]])
    """

    steps: int = 20
    requires: ClassVar[tuple[str, ...]] = ("coding_equations", "lipschitz")
    handles: ClassVar[tuple[type, ...]] = (ColumnSparse,)

    def __post_init__(self):
        check_count("steps", self.steps)

    def __call__(self, problem, x, k, memory):
        equations = problem.coding_equations(x, k)
        atom_gram, gram, correlations = equations
        penalty = problem.blocks[k].penalty
        step = 1.0 / max(problem.lipschitz(x, k), _FLATTEST)
        codes = x[k] if np.isfinite(penalty.value(x[k])) else np.zeros_like(x[k])
        for _ in range(self.steps):
            slope = atom_gram @ codes @ gram - correlations
            moved = penalty.prox(codes - step * slope, step)
            settled = np.array_equal(moved, codes)
            codes = moved
            if settled:
                break
        codes = refit(equations, codes, nonnegative=penalty.nonnegative)
        return keep_better(problem, x, k, codes), memory
