r"""Sparse codes of a factor by an l1 penalty on each column whose weight adapts itself."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from multiconvex.checks import check_count
from multiconvex.penalties import ColumnSparse
from multiconvex.updates.base import Update
from multiconvex.updates.coding import keep_better, refit

_FLATTEST = 1e-30


@dataclass(frozen=True)
class BlockFISTA(Update):
    r"""Accelerated proximal gradient with one l1 weight for each column of the codes.

    For codes with at most :math:`k` nonzeros in each column, solve the convex problem

    .. math:: \min_C \; \tfrac12 \langle C, D^T D\, C M \rangle - \langle B, C \rangle
              + \sum_q \lambda_q \|C_{:q}\|_1

    by FISTA, with weights as large as :math:`k` nonzeros need [1]_; then keep the :math:`k`
    largest entries of each column and fit all of them together, without the penalty.
    ``D.T @ D, M, B = problem.coding_equations(x, k)``.

    Which weights leave :math:`k` nonzeros is not known beforehand, and adapting them is a
    heuristic. Here each gradient step :math:`V` sets :math:`\lambda_q / L` to the entry of
    :math:`|V_{:q}|` that is next after the :math:`k` largest, so that :math:`k` entries survive.
    Where this settles, the codes solve the convex problem for the weights that were found.

    Parameters
    ----------
    steps : int, default 50
        Largest number of gradient steps; they end when codes change by less than 1e-4 of their
        size.

    Notes
    -----
    Guarantee: never increases the objective: old codes stay where the new ones are not better.

    Cost: one product with the data, then O(d^2 r) for d atoms per step and per sweep.

    Chapter: :doc:`/chapters/theory/mixed_sparse_coding`

    References
    ----------
    .. [1] J. E. Cohen, 2022, as in :class:`HOMP`.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import ColumnSparse, DictionaryProblem, NoPenalty
    >>> problem = DictionaryProblem(
    ...     np.array([[0.5], [-3.0], [1.0]]), 1, np.eye(3), (ColumnSparse(2), NoPenalty())
    ... )
    >>> codes, _ = BlockFISTA()(problem, (np.zeros((3, 1)), np.ones((1, 1))), 0, None)
    >>> codes.ravel()
    array([ 0., -3.,  1.])
    """

    steps: int = 50
    requires: ClassVar[tuple[str, ...]] = ("coding_equations", "lipschitz")
    handles: ClassVar[tuple[type, ...]] = (ColumnSparse,)

    def __post_init__(self):
        check_count("steps", self.steps)

    def __call__(self, problem, x, k, memory):
        equations = problem.coding_equations(x, k)
        penalty = problem.blocks[k].penalty
        codes = solve_block_lasso(
            equations,
            x[k],
            problem.lipschitz(x, k),
            lambda sizes: _next_largest(sizes, penalty.k),
            self.steps,
            nonnegative=penalty.nonnegative,
        )
        codes = refit(equations, penalty.prox(codes, 1.0), nonnegative=penalty.nonnegative)
        return keep_better(problem, x, k, codes), memory


def solve_block_lasso(equations, start, lipschitz, thresholds, steps, *, nonnegative, tol=1e-4):
    """Run FISTA on the loss of codes plus l1 penalties on their columns.

    ``thresholds(sizes)`` returns the weights over ``lipschitz``, one for each column, given the
    magnitudes (positive parts, with nonnegativity) of a gradient step.
    """
    atom_gram, gram, correlations = equations
    step = 1.0 / max(lipschitz, _FLATTEST)
    codes, point, weight = start, start, 1.0
    for _ in range(steps):
        moved = point - step * (atom_gram @ point @ gram - correlations)
        sizes = np.maximum(moved, 0.0) if nonnegative else np.abs(moved)
        sizes = np.maximum(sizes - thresholds(sizes), 0.0)
        new = sizes if nonnegative else np.copysign(sizes, moved)
        change = np.linalg.norm(new - codes)
        next_weight = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * weight**2))
        point = new + (weight - 1.0) / next_weight * (new - codes)
        point = point.astype(start.dtype, copy=False)
        codes, weight = new, float(next_weight)
        if change <= tol * np.linalg.norm(new):
            break
    return codes


def _next_largest(sizes, k):
    """Return the largest entry of each column after its ``k`` largest."""
    if k >= len(sizes):
        return np.zeros(sizes.shape[1], sizes.dtype)
    return -np.partition(-sizes, k, axis=0)[k]
