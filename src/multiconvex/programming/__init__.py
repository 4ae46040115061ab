r"""Multi-convex programs written in CVXPY: recognised, partitioned and solved block by block.

.. math:: \min_{x_1, \dots, x_K} \; f(x_1, \dots, x_K) \quad \text{subject to constraints},

which becomes a disciplined convex program when all variables but those of one block are fixed.
"""

try:
    import cvxpy  # noqa: F401
    import networkx  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"multiconvex.programming needs {error.name}, which is not installed: "
        "pip install multiconvex[programs]."
    ) from error

from multiconvex.programming.grammar import NotMultiConvex, fixed_sets, is_multiconvex
from multiconvex.programming.program import BlockFailure, BlockSolve, Program
from multiconvex.programming.solving import ProgramResult, solve_blockwise

__all__ = [
    "BlockFailure",
    "BlockSolve",
    "NotMultiConvex",
    "Program",
    "ProgramResult",
    "fixed_sets",
    "is_multiconvex",
    "solve_blockwise",
]
