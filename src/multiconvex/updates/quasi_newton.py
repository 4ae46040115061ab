r"""Quasi-Newton steps on one block."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from multiconvex.checks import check_count
from multiconvex.penalties import NonNegative
from multiconvex.updates.base import Update


@dataclass(frozen=True)
class QuasiNewton(Update):
    r"""Steps with a limited memory of past gradients, within bounds: L-BFGS-B [1]_.

    Improves one block of any smooth loss under nonnegativity,

    .. math:: \min_{X \ge 0} \; f(X) + \lambda_1 \sum X + \tfrac{\lambda_2}{2} \|X\|_F^2 ,

    with the implementation of SciPy. On the single block of a
    :class:`multiconvex.JointProblem` all factors move at once, which is the rival of
    alternating. The memory of the method lasts for one call.

    Parameters
    ----------
    steps : int, default 10
        Largest number of steps on the block.
    memory_size : int, default 10
        Pairs of gradients and moves that are kept.

    Notes
    -----
    Guarantee: never increases the objective.

    Cost: one loss and one gradient per step, sometimes a few more.

    Chapter: :doc:`/chapters/open_problems/nmf_solvers`

    References
    ----------
    .. [1] R. H. Byrd, P. Lu, J. Nocedal and C. Zhu, "A limited memory algorithm for bound
       constrained optimization", SIAM Journal on Scientific Computing 16, 1995.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import nnls
    >>> W = np.array([[1.0, 0.0], [1.0, 2.0]])
    >>> nnls(W, np.array([3.0, 1.0]), update=QuasiNewton()).x.round(6)
    array([2., 0.])
    """

    steps: int = 10
    memory_size: int = 10
    requires: ClassVar[tuple[str, ...]] = ("gradient",)
    handles: ClassVar[tuple[type, ...]] = (NonNegative,)

    def __post_init__(self):
        check_count("steps", self.steps)
        check_count("memory_size", self.memory_size)

    def __call__(self, problem, x, k, memory):
        from scipy.optimize import minimize

        start, penalty = x[k], problem.blocks[k].penalty
        before = problem.objective(x)
        scale = float(start.max(initial=0.0)) or 1.0
        if before <= 0.0:
            return start.copy(), memory

        def point(u):
            block = (scale * u).reshape(start.shape).astype(start.dtype, copy=False)
            return (*x[:k], block, *x[k + 1 :])

        def relative(u):
            """The objective and its gradient in units of where they start."""
            blocks = point(u)
            slope = problem.gradient(blocks, k) + penalty.l1 + penalty.l2 * blocks[k]
            slope = slope.ravel().astype(np.float64, copy=False) * (scale / before)
            return problem.objective(blocks) / before, slope

        found = minimize(
            relative, start.ravel().astype(np.float64) / scale, jac=True, method="L-BFGS-B",
            bounds=[(0.0, None)] * start.size,
            options={
                "maxiter": self.steps, "maxcor": self.memory_size, "ftol": 1e-15, "gtol": 1e-12,
            },
        )  # fmt: skip
        reached = point(np.maximum(found.x, 0.0))
        return (reached[k] if problem.objective(reached) <= before else start.copy()), memory
