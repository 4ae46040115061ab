"""Diagonal majorants of a Hessian: what the choice of the test vector changes."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from multiconvex.penalties import NonNegative
from multiconvex.updates import Update
from multiconvex.updates.msom import descend, separable_curvature

CURVATURES = {
    "gradient": lambda hessian: np.full(len(hessian), np.linalg.norm(hessian, 2)),
    "ones": lambda hessian: separable_curvature(hessian, np.ones(len(hessian))),
    "unit-free": lambda hessian: separable_curvature(hessian, 1.0 / np.sqrt(np.diag(hessian))),
}
"""The diagonal of the majorant for each test vector that depends on the Hessian only."""


@dataclass(frozen=True)
class DiagonalSteps(Update):
    """Steps on one of the majorants of ``CURVATURES``; ``"ones"`` is :class:`multiconvex.MSOM`."""

    vector: str
    gamma: float = 1.0
    steps: int = 10
    requires: ClassVar[tuple[str, ...]] = ("normal_equations",)
    handles: ClassVar[tuple[type, ...]] = (NonNegative,)

    def __call__(self, problem, x, k, memory):
        gram, rhs = problem.normal_equations(x, k)
        block, curvature = np.empty_like(x[k]), CURVATURES[self.vector](gram)
        descend(x[k], gram, rhs, curvature, 0.0, 0.0, self.gamma, self.steps, 0.0, block)
        return block, memory


def slowest_mode(hessian, curvature):
    """The least eigenvalue of the Hessian relative to its majorant; the largest is at most 1."""
    root = 1.0 / np.sqrt(curvature)
    return float(np.linalg.eigvalsh(root[:, None] * hessian * root)[0])


def leading_eigenvector(hessian):
    """The nonnegative eigenvector of the largest eigenvalue, with entries that sum to one."""
    vector = np.abs(np.linalg.eigh(hessian)[1][:, -1])
    return vector / vector.sum()


@dataclass(frozen=True, eq=False)
class Slices:
    """A loss around one point along each coordinate, and three majorants.

    Attributes
    ----------
    point : ndarray of shape (r,)
    moves : ndarray of shape (points,)
    loss : ndarray of shape (r, points)
        Differences to the loss at the point.
    majorants : dict of str to ndarray of shape (r, points)
    curvatures : dict of str to ndarray of shape (r,)
    """

    point: np.ndarray
    moves: np.ndarray
    loss: np.ndarray
    majorants: dict
    curvatures: dict


POINTS = {
    "all equal": (0.0, 0.0),
    "halfway": (0.5, 0.0),
    "eigenvector": (1.0, 0.0),
    "a little off": (1.0, 0.4),
    "lopsided": (1.0, 0.9),
}
"""How far each point lies from equal entries to the leading eigenvector, and on to an edge."""


def slice_majorants(name, random_state=3):
    """Slice a nonnegative regression in three unknowns at one of ``POINTS``."""
    rng = np.random.default_rng(random_state)
    W = rng.random((4, 3)) * np.array([1.0, 0.6, 0.35])
    hessian = W.T @ W
    pulls = hessian @ (np.full(3, 1 / 3) + np.array([0.2, -0.1, 0.1]))
    towards, off = POINTS[name]
    point = (1 - towards) / 3 + towards * leading_eigenvector(hessian)
    point = (1 - off) * point + off * np.array([0.05, 0.15, 0.8])
    slope = hessian @ point - pulls
    curvatures = {
        "multiplicative (u = x)": separable_curvature(hessian, point),
        "gradient": CURVATURES["gradient"](hessian),
        "ones (u = 1)": CURVATURES["ones"](hessian),
    }
    moves = np.linspace(-0.5, 0.5, 81)
    linear = slope[:, None] * moves
    majorants = {
        rule: linear + 0.5 * curvature[:, None] * moves**2 for rule, curvature in curvatures.items()
    }
    loss = linear + 0.5 * np.diag(hessian)[:, None] * moves**2
    return Slices(point, moves, loss, majorants, curvatures)


@dataclass(frozen=True)
class MeanTest:
    """How random test vectors compare with ones on random Hessians.

    Attributes
    ----------
    trials : int
    smaller_sum, smaller_median : int
        How many had a smaller sum, and a smaller median, of the curvatures.
    """

    trials: int
    smaller_sum: int
    smaller_median: int


def compare_means(trials=2000, random_state=0):
    """Compare the sum and the median of curvatures for random test vectors and for ones."""
    rng = np.random.default_rng(random_state)
    sums = medians = 0
    for _ in range(trials):
        W = rng.random((8, 5))
        ones = CURVATURES["ones"](W.T @ W)
        other = separable_curvature(W.T @ W, 10.0 ** rng.uniform(-0.3, 0.3, 5))
        sums += other.sum() < ones.sum()
        medians += np.median(other) < np.median(ones)
    return MeanTest(trials, int(sums), int(medians))


def measure_rates(trials=100, random_state=0):
    """Tabulate the slowest mode for columns of more and more different norms, and for signs.

    Returns
    -------
    list of dict
        Medians over random regressions for each test vector, and how often ones beat the gradient.
    """
    nonnegative = {
        "6, equal norms": 0.0,
        "6, norms within a factor 3": 0.5,
        "6, norms within a factor 10": 1.0,
        "6, norms within a factor 100": 2.0,
    }
    return [
        *(
            _rate_row(name, partial(_uneven_columns, decades), trials, random_state)
            for name, decades in nonnegative.items()
        ),
        _rate_row("40, of random signs", _signed_columns, trials, random_state),
    ]


def _uneven_columns(decades, rng):
    return rng.random((30, 6)) * 10.0 ** (decades * rng.uniform(-0.5, 0.5, 6))


def _signed_columns(rng):
    return rng.standard_normal((100, 40))


def _rate_row(name, draw, trials, random_state):
    rng, modes = np.random.default_rng(random_state), []
    for _ in range(trials):
        W = draw(rng)
        hessian, point = W.T @ W, 0.1 + rng.random(W.shape[1])
        diagonals = (
            CURVATURES["gradient"](hessian),
            separable_curvature(hessian, point),
            CURVATURES["ones"](hessian),
            CURVATURES["unit-free"](hessian),
        )
        modes.append([slowest_mode(hessian, diagonal) for diagonal in diagonals])
    modes = np.array(modes)
    names = ("gradient", "current point", "ones", "unit-free")
    row = {"columns": name} | dict(zip(names, np.median(modes, axis=0).tolist()))
    wins = int(np.sum(modes[:, 2] > modes[:, 0]))
    return row | {"ones beat gradient": f"{wins} of {trials}"}


@dataclass(frozen=True, eq=False)
class GammaPath:
    """Steps of one length on a quadratic in two unknowns whose minimiser is positive.

    Attributes
    ----------
    gamma : float
    hessian : ndarray of shape (2, 2)
    solution : ndarray of shape (2,)
    points : ndarray of shape (steps + 1, 2)
    mode : float
        The slowest mode for ones.
    """

    gamma: float
    hessian: np.ndarray
    solution: np.ndarray
    points: np.ndarray
    mode: float

    def predicted(self, gamma):
        """Factor by which the distance shrinks in a step, in the norm of the majorant."""
        return np.maximum(np.abs(1.0 - gamma), 1.0 - gamma * self.mode)

    @property
    def measured(self):
        """The same from the last two steps."""
        weights = self.hessian.sum(axis=1)
        before, after = np.sqrt(((self.points[-2:] - self.solution) ** 2) @ weights)
        return float(after / before)


def follow_gamma(gamma, *, steps=30):
    """Take steps of length `gamma` times the majorant's from one corner of the plane."""
    hessian, solution = np.array([[1.0, 0.75], [0.75, 1.4]]), np.array([1.0, 0.9])
    x, points = np.array([2.4, 1.5]), []
    curvature = CURVATURES["ones"](hessian)
    for _ in range(steps + 1):
        points.append(x)
        x = x - gamma * hessian @ (x - solution) / curvature
    return GammaPath(gamma, hessian, solution, np.array(points), slowest_mode(hessian, curvature))
