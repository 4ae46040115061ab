r"""Extrapolated alternation on quadratics in a few numbers, where its rate can be computed."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from multiconvex import Block, LeastSquares, MultiblockProblem, NoPenalty, alternate
from multiconvex.studies._inertial_sweeps import Held
from multiconvex.studies.alternating_optimization import NEVER


class CoupledNumbers(MultiblockProblem):
    r"""A quadratic in which every block is one number.

    .. math:: \tfrac12 x^T R x, \qquad R_{kk} = 1

    Parameters
    ----------
    coupling : ndarray, shape (d, d)
        The symmetric matrix :math:`R`.
    """

    def __init__(self, coupling):
        self.coupling = np.asarray(coupling, float)
        self.blocks = tuple(Block(f"x{k}", (1, 1), NoPenalty()) for k in range(len(coupling)))

    def loss(self, x):
        point = np.ravel(x)
        return 0.5 * float(point @ self.coupling @ point)

    def normal_equations(self, x, k):
        """Return ``gram, rhs`` of the quadratic in block k."""
        others = self.coupling[k] @ np.ravel(x) - x[k]
        return np.ones((1, 1)), -others

    def gradient(self, x, k):
        return self.coupling[k] @ np.ravel(x) * np.ones((1, 1))

    def lipschitz(self, x, k):
        return 1.0


def pair(rho):
    """Return the coupling of two numbers with correlation rho."""
    return np.array([[1.0, -rho], [-rho, 1.0]])


def factor_per_sweep(coupling, beta):
    """Factor by which the distance to the solution shrinks in a sweep, in the long run.

    The spectral radius of the linear map that a sweep applies to the last two updates of all
    numbers.

    Parameters
    ----------
    coupling : ndarray, shape (d, d)
    beta : float
        The weight, held.
    """
    d = len(coupling)
    latest, before = np.eye(2 * d)[:d], np.eye(2 * d)[d:]
    extrapolated = latest + beta * (latest - before)
    updated = latest.copy()
    for k in range(d):
        updated[k] = extrapolated[k] - coupling[k] @ extrapolated
        extrapolated[k] = updated[k] + beta * (updated[k] - latest[k])
    return float(np.abs(np.linalg.eigvals(np.vstack([updated, latest]))).max())


def best_weight(rho):
    r"""The weight at which two numbers converge fastest.

    The root in :math:`[0, \tfrac12]` of :math:`4 \rho^2 (1 + \beta)^3 = 27 \beta`.
    """
    return brentq(lambda beta: 4.0 * rho**2 * (1.0 + beta) ** 3 - 27.0 * beta, 0.0, 0.5)


def best_factor(rho):
    r"""The factor per sweep at the best weight, :math:`\tfrac49 \rho^2 (1 + \beta)^2`."""
    return 4.0 / 9.0 * rho**2 * (1.0 + best_weight(rho)) ** 2


def largest_weight(n_blocks):
    """The weight above which numbers diverge along a direction that costs nothing.

    Of numbers of which only the sum counts, as of the logarithms of the scales of factors.
    """
    coupling, slack = np.ones((n_blocks, n_blocks)), 1e-6
    low, high = 0.1, 1.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        if factor_per_sweep(coupling, middle) > 1.0 + slack:
            high = middle
        else:
            low = middle
    return low


@dataclass(frozen=True, eq=False)
class PairRun:
    """Extrapolated alternation on two numbers.

    Attributes
    ----------
    rho, beta : float
    points : ndarray, shape (sweeps + 1, 2)
        After each sweep, the start included.
    predicted : float
        Factor per sweep from theory.
    """

    rho: float
    beta: float
    points: np.ndarray
    predicted: float

    @property
    def measured(self):
        """Factor per sweep between the second and the last quarter of the run, from their tops."""
        quarters = np.array_split(np.linalg.norm(self.points, axis=1), 4)
        sweeps = len(quarters[1]) + len(quarters[2])
        return float((quarters[3].max() / quarters[1].max()) ** (1.0 / sweeps))


def follow_pair(beta, *, rho=0.95, start=(-0.6, 1.2), sweeps=199):
    r"""Alternate between two numbers with a held weight.

    Minimises :math:`\tfrac12 x^2 + \tfrac12 y^2 - \rho x y`.
    """
    points = [start]
    alternate(
        CoupledNumbers(pair(rho)),
        tuple(np.array([[number]]) for number in start),
        LeastSquares(),
        acceleration=Held(beta),
        stop=NEVER,
        max_iter=sweeps,
        callback=lambda sweep: points.append([block.item() for block in sweep.blocks.values()]),
    )
    return PairRun(rho, beta, np.array(points), factor_per_sweep(pair(rho), beta))
