"""Proximal gradient steps on one block, for any loss and any penalty with a prox."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from multiconvex.checks import check_count
from multiconvex.updates.base import Update

_HALVINGS = 60
_FLATTEST = 1e-30


@dataclass(frozen=True)
class ProxGradient(Update):
    r"""Proximal gradient descent with backtracking.

    .. math:: x_k \leftarrow \operatorname{prox}_{s g_k}(x_k - s \nabla_k f(x)), \qquad s = 1/L_k,

    where ``L_k = problem.lipschitz(x, k)`` and :math:`s` is halved until the quadratic model built
    at :math:`x_k` lies above the loss at the new point.

    Parameters
    ----------
    steps : int, default 1
        Gradient steps on the block before moving to the next one.

    Notes
    -----
    Guarantee: never increases the objective, for a convex penalty or a projection.

    Cost: one gradient and at least one loss evaluation per step.

    Chapter: :doc:`/chapters/foundations/alternating_optimization`

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import L1, alternate
    >>> from multiconvex.models import FactorProblem
    >>> X = np.random.default_rng(0).standard_normal((8, 6))
    >>> problem = FactorProblem(X, rank=2, penalties=(L1(0.1), L1(0.1)))
    >>> start = (np.ones((8, 2)), np.eye(6, 2))
    >>> result = alternate(problem, start, ProxGradient(), max_iter=1000)
    >>> bool(np.all(np.diff(result.trace.objective) <= 0))
    True
    """

    requires: ClassVar[tuple[str, ...]] = ("gradient", "lipschitz")

    steps: int = 1

    def __post_init__(self):
        check_count("steps", self.steps)

    def __call__(self, problem, x, k, memory):
        for _ in range(self.steps):
            x = _one_step(problem, x, k)
        return x[k], memory


def _one_step(problem, x, k):
    gradient = problem.gradient(x, k)
    loss = problem.loss(x)
    step = 1.0 / max(problem.lipschitz(x, k), _FLATTEST)
    slack = 1e-12 * max(1.0, abs(loss))
    for _ in range(_HALVINGS):
        new = problem.blocks[k].penalty.prox(x[k] - step * gradient, step)
        move = new - x[k]
        model = loss + np.vdot(gradient, move) + np.vdot(move, move) / (2.0 * step)
        trial = (*x[:k], new, *x[k + 1 :])
        if problem.loss(trial) <= model + slack:
            return trial
        step *= 0.5
    return x
