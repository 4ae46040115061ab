"""Exact least squares on one block."""

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
from scipy.linalg import get_lapack_funcs

from multiconvex.penalties import L2, NoPenalty
from multiconvex.updates.base import Update

_SINGULAR = 1e-7


@dataclass(frozen=True)
class LeastSquares(Update):
    r"""The exact minimiser of an unconstrained least-squares block.

    .. math:: \min_X \; \tfrac12 \langle X G, X\rangle - \langle B, X\rangle
              + \tfrac{\lambda}{2} \|X\|_F^2, \qquad X (G + \lambda I) = B,

    where ``G, B = problem.normal_equations(x, k)``. Where the matrix is singular the solution of
    least norm is returned.

    Notes
    -----
    Guarantee: exact, so never increases the objective.

    Cost: one product with the data per block, then O(n r^2 + r^3) per sweep.

    Chapter: :doc:`/chapters/foundations/alternating_optimization`

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import alternate
    >>> from multiconvex.models import FactorProblem
    >>> X = np.outer([1.0, -2.0], [3.0, 1.0])
    >>> problem = FactorProblem(X, rank=1, penalties=(NoPenalty(), NoPenalty()))
    >>> result = alternate(problem, (np.ones((2, 1)), np.ones((2, 1))), LeastSquares())
    >>> bool(result.objective < 1e-20)
    True
    """

    exact: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("normal_equations",)
    handles: ClassVar[tuple[type, ...]] = (NoPenalty, L2)

    def __call__(self, problem, x, k, memory):
        gram, rhs = problem.normal_equations(x, k)
        ridge = getattr(problem.blocks[k].penalty, "weight", 0.0)
        matrix = gram + ridge * np.eye(len(gram), dtype=gram.dtype)
        return solve_symmetric(matrix, rhs.T).T.copy(), memory


def solve_symmetric(matrix, rhs):
    """Solve a positive semidefinite system; least norm where it is singular."""
    factor, solution, failed = _posv(matrix.dtype.char)(matrix.T, rhs)
    if not failed:
        diagonal = factor.diagonal()
        if diagonal.min() > _SINGULAR * diagonal.max():
            return solution
    return np.linalg.lstsq(matrix, rhs, rcond=None)[0]


@cache
def _posv(kind):
    (posv,) = get_lapack_funcs(("posv",), dtype=kind)
    return posv
