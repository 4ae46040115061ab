"""Accelerated proximal gradient steps on one block, and the same steps in a metric of its own."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from multiconvex.checks import check_count, check_positive
from multiconvex.implicit_rules.sets import WellPosedWeights
from multiconvex.updates.base import Update

_FLATTEST = 1e-30


@dataclass(frozen=True)
class AcceleratedProxGradient(Update):
    r"""Proximal gradient steps with momentum on one block, restarted where it points uphill.

    .. math:: x^+ = \operatorname{prox}_{g/L}\bigl(v - \nabla f(v) / L\bigr), \qquad
              v = x^+ + \beta (x^+ - x),

    with Nesterov's :math:`\beta`, which starts again at zero when
    :math:`\langle v - x^+, x^+ - x \rangle > 0` [1]_.

    Parameters
    ----------
    steps : int, default 15
        Largest number of steps.
    tol : float, default 1e-4
        They end when one moves the block by less than this times its norm.

    Notes
    -----
    Guarantee: never increases the objective of a convex block; where the steps with momentum
    would, one step without it is taken.

    Cost: one gradient a step, and two losses.

    Chapter: :doc:`/chapters/learning/training_implicit_models`

    References
    ----------
    .. [1] B. O'Donoghue and E. Candes, "Adaptive restart for accelerated gradient schemes",
       Foundations of Computational Mathematics 15, 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import NonNegative, alternate
    >>> from multiconvex.models import FactorProblem
    >>> X = np.outer([1.0, 2.0], [1.0, 3.0])
    >>> problem = FactorProblem(X, rank=1, penalties=(NonNegative(), NonNegative()))
    >>> start = (np.ones((2, 1)), np.ones((2, 1)))
    >>> bool(alternate(problem, start, AcceleratedProxGradient()).objective < 1e-8)
    True
    """

    requires: ClassVar[tuple[str, ...]] = ("gradient", "lipschitz")

    steps: int = 15
    tol: float = 1e-4

    def __post_init__(self):
        check_count("steps", self.steps)
        check_positive("tol", self.tol, allow_zero=True)

    def __call__(self, problem, x, k, memory):
        size = 1.0 / max(problem.lipschitz(x, k), _FLATTEST)
        penalty = problem.blocks[k].penalty

        def step(v):
            return penalty.prox(v - size * problem.gradient((*x[:k], v, *x[k + 1 :]), k), size)

        return _descend(problem, x, k, step, self), memory


@dataclass(frozen=True)
class WeightRegression(Update):
    r"""Regression of what the units receive on what they see, with momentum.

    The divergence of :math:`X` from :math:`[Z]_+` has curvature at most one in each entry of Z, so
    that a least-squares regression on the states and inputs lies above it:

    .. math:: T = Z - [Z]_+ + X, \qquad
              \min_{D, E, f} \; \tfrac{1}{2m} \|X D^T + U E^T + 1 f^T - T\|_\Lambda^2
              + \tfrac{\kappa}{2} \|\Lambda^{1/2} (D - D_0)\|_F^2 .

    Each step solves this exactly for E and f, and takes a projected gradient step in D after E and
    f have been eliminated, where ``C, G^{-1}, L = problem.weight_metric(x)``:

    .. math:: D^+ = \Pi\Bigl(D - \tfrac{1}{L} \Lambda^{-1} (\nabla_D - \nabla_V C^T) \Lambda\Bigr),
              \qquad V^+ = V - \Lambda^{-1} \nabla_V G^{-1} - (D^+ - D) C .

    The scaling by :math:`\lambda` is that of the metric in which :math:`\Pi` projects.

    Parameters
    ----------
    steps : int, default 5
    tol : float, default 1e-4
        As in :class:`AcceleratedProxGradient`.

    Notes
    -----
    Guarantee: never increases the objective; D stays in its set.

    Cost: O(m h (h + n)) a step, one projection where D leaves its set, and one factorisation.

    Chapter: :doc:`/chapters/learning/training_implicit_models`

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import ImplicitProblem
    >>> U = np.linspace(-1.0, 1.0, 9)[:, None]
    >>> states = np.maximum(2.0 * U - 0.5, 0.0)
    >>> problem = ImplicitProblem(U, U, np.zeros((1, 1)), tether=1e6)
    >>> blocks = (np.zeros((1, 3)), np.array([[0.0, 1.0, 0.0]]), states)
    >>> WeightRegression(steps=500, tol=0.0)(problem, blocks, 1, None)[0].round(3)
    array([[ 0. ,  2. , -0.5]])
    """

    requires: ClassVar[tuple[str, ...]] = ("gradient", "weight_metric")
    handles: ClassVar[tuple[type, ...]] = (WellPosedWeights,)

    steps: int = 5
    tol: float = 1e-4

    def __post_init__(self):
        check_count("steps", self.steps)
        check_positive("tol", self.tol, allow_zero=True)

    def __call__(self, problem, x, k, memory):
        C, inverse, steepest = problem.weight_metric(x)
        lam, hidden = problem.lam[:, None], len(C)
        size = problem.lam / lam / max(steepest, _FLATTEST)
        allowed = problem.blocks[k].penalty.allowed

        def step(v):
            slope = problem.gradient((*x[:k], v, *x[k + 1 :]), k)
            along_D, along_V = slope[:, :hidden], slope[:, hidden:]
            D = allowed.prox(v[:, :hidden] - size * (along_D - along_V @ C.T), 0.0)
            V = v[:, hidden:] - along_V @ inverse / lam - (D - v[:, :hidden]) @ C
            return np.hstack([D, V])

        return _descend(problem, x, k, step, self), memory


def _descend(problem, x, k, step, rule):
    """Repeat a step with momentum; return its last point, unless a plain step is better."""
    old = ahead = x[k]
    weight = 1.0
    for _ in range(rule.steps):
        new = step(ahead)
        move = new - old
        if np.vdot(ahead - new, move) > 0.0:
            weight = 1.0
        grown = 0.5 * (1.0 + math.sqrt(1.0 + 4.0 * weight * weight))
        ahead = new + (weight - 1.0) / grown * move
        old, weight = new, grown
        if np.linalg.norm(move) <= rule.tol * np.linalg.norm(new):
            break
    before = problem.objective(x)
    return old if problem.objective((*x[:k], old, *x[k + 1 :])) <= before else step(x[k])
