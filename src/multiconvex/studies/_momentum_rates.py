"""Gradient descent with momentum on one block, and what restarting adds."""

from dataclasses import dataclass

import numpy as np

from multiconvex import (
    Block,
    Extrapolation,
    MultiblockProblem,
    NoPenalty,
    ProxGradient,
    Trace,
    alternate,
)
from multiconvex.studies._inertial_sweeps import Held, Nesterov
from multiconvex.studies.alternating_optimization import NEVER


class Bowl(MultiblockProblem):
    r"""The quadratic :math:`\tfrac12 \sum_i \lambda_i x_i^2`, one block, least at zero.

    Parameters
    ----------
    curvatures : ndarray
        The positive numbers :math:`\lambda_i`.
    """

    def __init__(self, curvatures):
        self.curvatures = np.asarray(curvatures, float)
        self.blocks = (Block("x", self.curvatures.shape, NoPenalty()),)

    def loss(self, x):
        return 0.5 * float(self.curvatures @ x[0] ** 2)

    def gradient(self, x, k):
        return self.curvatures * x[0]

    def lipschitz(self, x, k):
        return float(self.curvatures.max())


@dataclass(frozen=True, eq=False)
class BowlRace:
    """First-order methods from one start on one quadratic whose least value is zero.

    Attributes
    ----------
    condition : float
        Largest over smallest curvature.
    distance2 : float
        Squared distance of the start to the solution; the largest curvature is one.
    traces : dict of str to Trace
    """

    condition: float
    distance2: float
    traces: dict[str, Trace]

    def bounds(self):
        """What is guaranteed of gradient descent and of Nesterov's weights, sweep by sweep."""
        k = np.arange(1, len(self.traces["gradient"]))
        slow = np.minimum(1.0 / k, (1.0 - 1.0 / self.condition) ** k)
        return {
            "gradient": 0.5 * self.distance2 * slow,
            "Nesterov": 2.0 * self.distance2 / (k + 1.0) ** 2,
        }


def race_on_bowl(condition, *, size=200, sweeps=400):
    """Minimise a quadratic with logarithmically spaced curvatures by four methods.

    The methods are gradient descent, Nesterov's growing weights, the constant weight that suits
    the condition number, and :class:`multiconvex.Extrapolation`.
    """
    problem = Bowl(np.geomspace(1.0, 1.0 / condition, size))
    start = (np.ones(size) / np.sqrt(size),)
    root = np.sqrt(condition)
    methods = {
        "gradient": None,
        "Nesterov": Nesterov(),
        "constant": Held((root - 1.0) / (root + 1.0)),
        "restarted": Extrapolation(),
    }
    traces = {
        name: alternate(
            problem, start, ProxGradient(), acceleration=method, stop=NEVER, max_iter=sweeps
        ).trace
        for name, method in methods.items()
    }
    return BowlRace(condition, 1.0, traces)
