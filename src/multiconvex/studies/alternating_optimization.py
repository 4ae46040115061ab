r"""Experiments of the chapter on alternating optimisation.

Each function is pure and seeded and returns a frozen dataclass; the figures are in
:mod:`multiconvex.viz.alternating_optimization`.
"""

from dataclasses import dataclass, replace

import numpy as np

from multiconvex.acceleration import Extrapolation
from multiconvex.engine import alternate
from multiconvex.models import FactorProblem
from multiconvex.models.initialization import random_factors
from multiconvex.penalties import L1, L2, Box, NonNegative
from multiconvex.problem import Block, MultiblockProblem
from multiconvex.stopping import RelativeDecrease
from multiconvex.trace import Trace
from multiconvex.updates import HALS, ActiveSet, LeastSquares, Update

NEVER = RelativeDecrease(0)
"""A stopping rule that never fires: runs have as many sweeps as asked."""


@dataclass(frozen=True, eq=False)
class Corner:
    """A square piece of a hyperspectral image and a random point to start from.

    Attributes
    ----------
    cube : ndarray of shape (size, size, bands)
        Scaled to a largest entry of one.
    X : ndarray of shape (bands, size**2)
    rank : int
    start : tuple of ndarray
        Nonnegative factors ``W, H`` at the best common scale.
    """

    cube: np.ndarray
    X: np.ndarray
    rank: int
    start: tuple

    def problem(self):
        """The nonnegative factorisation of ``X`` under the Frobenius loss."""
        return FactorProblem(self.X, self.rank, (NonNegative(), NonNegative()))


def corner(cube, *, size=60, rank=5, random_state=0):
    """Cut the upper left corner out of an image of shape (rows, columns, bands)."""
    piece = cube[:size, :size] / cube[:size, :size].max()
    X = np.ascontiguousarray(piece.reshape(-1, piece.shape[2]).T)
    problem = FactorProblem(X, rank, (NonNegative(), NonNegative()))
    rng = np.random.default_rng(random_state)
    start = random_factors(problem.data, rank, rng, nonnegative=True)
    return Corner(piece, X, rank, start)


@dataclass(frozen=True, eq=False)
class Race:
    """Runs from one start on one problem.

    Attributes
    ----------
    traces : dict of str to Trace
    best : float
        The least objective known, from a longer run.
    """

    traces: dict
    best: float

    def gap(self, name):
        """Relative gap to the best objective, one value for each sweep."""
        return (self.traces[name].objective - self.best) / self.best

    def seconds_to(self, name, gap):
        """Seconds until the relative gap is at most `gap`, infinite where it never is."""
        reached = self.gap(name) <= gap
        return float(self.traces[name].seconds[reached.argmax()]) if reached.any() else np.inf

    def quickest(self, gap):
        """Name of the run that first comes within `gap`."""
        return min(self.traces, key=lambda name: self.seconds_to(name, gap))


PASSES = (1, 2, 5, 10, 20, 100)


def inner_passes(data, *, passes=PASSES, sweeps=100, repeats=2):
    """Factorise with a fixed number of passes of HALS over each factor, and exactly.

    Parameters
    ----------
    data : Corner
    passes : sequence of int
    sweeps : int
    repeats : int
        Runs of each kind; the clock of the trace is the fastest.

    Returns
    -------
    Race
        Named by the number of passes, and ``"exact"`` for active sets.
    """
    rules = {str(k): HALS(sweeps=k, inner_tol=0) for k in passes} | {"exact": ActiveSet()}
    results = {
        name: _fastest(
            [
                alternate(data.problem(), data.start, rule, stop=NEVER, max_iter=sweeps)
                for _ in range(repeats)
            ]
        )
        for name, rule in rules.items()
    }
    return _race(data, results)


WEIGHTS = (0.0, 0.2, 0.4, 0.6, 0.8, 0.95)


def passes_worth_a_product(m, n, rank):
    r"""Passes over both factors that cost as many operations as both products with the data.

    The products :math:`X H` and :math:`X^T W` cost :math:`4mnr` operations, a pass over both
    factors :math:`2(m + n) r^2`.
    """
    return 4 * m * n * rank / (2 * (m + n) * rank**2)


def extrapolated(data, *, weights=WEIGHTS, sweeps=100):
    """Factorise with an extrapolation weight that is held, and with one that adapts.

    Parameters
    ----------
    data : Corner
    weights : sequence of float
    sweeps : int

    Returns
    -------
    Race
        Named by the weight, ``"plain"`` without extrapolation and ``"adaptive"``.
    """
    rules = {f"{beta:g}": _held(beta) for beta in weights}
    rules |= {"plain": None, "adaptive": Extrapolation()}
    results = {
        name: alternate(
            data.problem(), data.start, HALS(), acceleration=rule, stop=NEVER, max_iter=sweeps
        )
        for name, rule in rules.items()
    }
    return _race(data, results)


def _held(beta):
    """Extrapolation whose weight stays put, up to rounding."""
    still = 1.0 + 1e-12
    return Extrapolation(beta=beta, gamma=still, gamma_bar=still, eta=still)


def _fastest(results):
    """Return the first result with the least seconds of all, sweep by sweep."""
    seconds = np.min([result.trace.seconds for result in results], axis=0)
    return replace(results[0], trace=replace(results[0].trace, seconds=seconds))


def _race(data, results):
    finals = {name: result.objective for name, result in results.items()}
    leader = results[min(finals, key=finals.get)]
    polished = alternate(
        data.problem(),
        tuple(leader.blocks.values()),
        HALS(),
        acceleration=Extrapolation(),
        stop=NEVER,
        max_iter=400,
    )
    traces = {name: result.trace for name, result in results.items()}
    return Race(traces, polished.objective)


class Powell(MultiblockProblem):
    r"""Three scalar blocks that are convex one at a time [1]_.

    .. math:: f(x, y, z) = -xy - yz - zx + \sum_{t \in \{x, y, z\}} \bigl(|t| - 1\bigr)_+^2,
              \qquad |x|, |y|, |z| \le 2

    References
    ----------
    .. [1] M. J. D. Powell, "On search directions for minimization algorithms", Math. Program. 4,
       1973. The bounds are ours: they make the level sets compact and are never active on the
       cycle.
    """

    def __init__(self):
        self.blocks = tuple(Block(name, (1,), Box(-2.0, 2.0)) for name in "xyz")

    def loss(self, x):
        point = np.concatenate(x)
        pairs = -(point.sum() ** 2 - point @ point) / 2
        return float(pairs + np.sum(np.maximum(np.abs(point) - 1, 0) ** 2))

    def gradient(self, x, k):
        return 2 * np.sign(x[k]) * np.maximum(np.abs(x[k]) - 1, 0) - self.others(x, k)

    def lipschitz(self, x, k):
        return 2.0

    def others(self, x, k):
        """Return the sum of the other two unknowns."""
        return x[(k + 1) % 3] + x[(k + 2) % 3]


@dataclass(frozen=True)
class ExactPowell(Update):
    r"""The minimiser in one unknown of :class:`Powell`, unique unless the two others cancel.

    .. math:: x \leftarrow \operatorname{sign}(y + z) \bigl(1 + \tfrac12 |y + z|\bigr)
    """

    requires = ("others",)

    def __call__(self, problem, x, k, memory):
        total = problem.others(x, k)
        return np.clip(np.sign(total) * (1 + np.abs(total) / 2), -2, 2), memory


@dataclass(frozen=True, eq=False)
class Path:
    """Points of a run in three unknowns, one for each update of a block.

    Attributes
    ----------
    points : ndarray of shape (updates + 1, 3)
    objective : ndarray of shape (updates + 1,)
    slope : ndarray of shape (updates + 1,)
        Norm of the gradient.
    """

    points: np.ndarray
    objective: np.ndarray
    slope: np.ndarray


def powell_start(epsilon=0.5):
    """Powell's starting point, near a corner of the cube."""
    start = (-1 - epsilon, 1 + epsilon / 2, -1 - epsilon / 4)
    return tuple(np.array([value]) for value in start)


def powell(update=ExactPowell(), *, sweeps=12, start=None):
    """Run an update on :class:`Powell`, by default the exact one.

    With the default start every iterate is a dyadic number and therefore free of rounding.
    """
    problem, start = Powell(), start or powell_start()
    points = [np.concatenate(start)]

    def keep(sweep):
        for k, block in enumerate(sweep.blocks.values()):
            point = points[-1].copy()
            point[k] = block[0]
            points.append(point)

    alternate(problem, start, update, stop=NEVER, max_iter=sweeps, callback=keep)
    blocks = [tuple(point[:, None]) for point in points]
    gradients = [[problem.gradient(x, k)[0] for k in range(3)] for x in blocks]
    return Path(
        np.array(points),
        np.array([problem.loss(x) for x in blocks]),
        np.linalg.norm(gradients, axis=1),
    )


def kinked(x, y, weight):
    r""":math:`\tfrac12 (x-1)^2 + \tfrac12 (y-1)^2 + c\,|x - y|`, minimal at (1, 1)."""
    return 0.5 * (x - 1) ** 2 + 0.5 * (y - 1) ** 2 + weight * np.abs(x - y)


def stuck(weight=2.0, *, starts=((-1.5, 2.5), (0.4, -1.6), (2.6, -0.6)), sweeps=5):
    """Minimise :func:`kinked` exactly over x, then over y, and so on.

    Returns
    -------
    tuple of ndarray of shape (2 * sweeps + 1, 2)
        One path for each start.
    """
    coupling, paths = L1(weight), []
    for x, y in starts:
        path = [(x, y)]
        for _ in range(sweeps):
            x = y + float(coupling.prox(np.array(1.0 - y), 1.0))
            path.append((x, y))
            y = x + float(coupling.prox(np.array(1.0 - x), 1.0))
            path.append((x, y))
        paths.append(np.array(path))
    return tuple(paths)


@dataclass(frozen=True, eq=False)
class Swamp:
    r"""Exact alternation on :math:`\tfrac12 (y - wh)^2 + \tfrac{\lambda}{2} (w^2 + h^2)`.

    Attributes
    ----------
    y, weight : float
    w, h : ndarray
        One value for each sweep, the start included.
    trace : Trace
    """

    y: float
    weight: float
    w: np.ndarray
    h: np.ndarray
    trace: Trace

    @property
    def solution(self):
        """The common value of both unknowns at the minimiser."""
        return np.sqrt(max(self.y - self.weight, 0.0))

    @property
    def best(self):
        """The least objective."""
        return 0.5 * self.weight**2 + self.weight * (self.y - self.weight)

    @property
    def predicted_rate(self):
        """By which the distance to the solution shrinks in a sweep, near the solution."""
        return (1 - 2 * self.weight / self.y) ** 2

    @property
    def measured_rate(self):
        """The same from the last two sweeps that rounding has not reached."""
        distance = np.abs(self.h - self.solution)
        last = np.flatnonzero(distance > 1e-7)[-1]
        return distance[last] / distance[last - 1]

    def marginal(self, w):
        """The objective at the best h: what alternation over both unknowns minimises in w."""
        return 0.5 * self.weight * (w**2 + self.y**2 / (w**2 + self.weight))

    def majorant(self, w, k):
        """The objective at the h that is best for the iterate ``w[k]``."""
        h = _best_response(self.w[k], self.y, self.weight)
        return 0.5 * (self.y - w * h) ** 2 + 0.5 * self.weight * (w**2 + h**2)


def _best_response(w, y, weight):
    """The unknown that is best for the other one: a scalar ridge regression."""
    return w * y / (w**2 + weight)


def swamp(weight, *, y=1.0, start=(0.2, 5.0), sweeps=200):
    """Run exact alternation on the scalar factorisation ``y ≈ w h`` with a ridge on both.

    Parameters
    ----------
    weight : float
        Of the ridge; below y.
    start : pair of float
        ``w, h``; ``w`` is updated first.
    """
    problem = FactorProblem(np.array([[y]]), 1, (L2(weight), L2(weight)))
    history = [start]
    result = alternate(
        problem,
        [np.array([[value]]) for value in start],
        LeastSquares(),
        stop=NEVER,
        max_iter=sweeps,
        callback=lambda sweep: history.append([b.item() for b in sweep.blocks.values()]),
    )
    w, h = np.array(history, dtype=float).T
    return Swamp(y, weight, w, h, result.trace)


def majorized(*, weight=0.05, w=0.2, sweeps=8):
    """Run exact alternation from a point whose second unknown is already best for the first."""
    return swamp(weight, start=(w, _best_response(w, 1.0, weight)), sweeps=sweeps)
