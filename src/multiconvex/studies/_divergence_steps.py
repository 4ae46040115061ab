"""Second-order steps on the Kullback-Leibler divergence, with and without a guard."""

from dataclasses import dataclass

import numpy as np

from multiconvex.engine import alternate
from multiconvex.losses import KullbackLeibler
from multiconvex.models import DivergenceProblem
from multiconvex.models.factor_problem import as_operand
from multiconvex.models.initialization import random_factors
from multiconvex.penalties import NonNegative
from multiconvex.problem import Block, MultiblockProblem
from multiconvex.regression import nnkl
from multiconvex.stopping import RelativeDecrease
from multiconvex.updates import MSOM, MultiplicativeUpdate, ScalarNewton
from multiconvex.updates.msom import second_order_step, separable_curvature

_LOSS = KullbackLeibler()


@dataclass(frozen=True)
class BareSteps(MSOM):
    """:class:`MSOM` without its guard."""

    def __call__(self, problem, x, k, memory):
        for _ in range(self.steps):
            x = (*x[:k], second_order_step(problem, x, k, self.gamma), *x[k + 1 :])
        return x[k], memory


@dataclass(frozen=True, eq=False)
class DivergenceSlice:
    """The divergence of one count, its second-order model, and where the model leads.

    Attributes
    ----------
    count, point : float
    grid, loss, model : ndarray
    landing : float
        The minimiser of the model over nonnegative numbers.
    """

    count: float
    point: float
    grid: np.ndarray
    loss: np.ndarray
    model: np.ndarray
    landing: float

    def loss_at(self, x):
        """The divergence, infinite at zero."""
        return self.count * np.log(self.count / x) - self.count + x if x > 0 else np.inf


def slice_divergence(point, *, count=1.0):
    """Slice the divergence of one count, modelled by its unknown mean, at a point."""
    grid = np.linspace(0.02, 4.5, 160)
    slope, bend = 1.0 - count / point, count / point**2
    loss = count * np.log(count / grid) - count + grid
    here = count * np.log(count / point) - count + point
    model = here + slope * (grid - point) + 0.5 * bend * (grid - point) ** 2
    landing = max(point - slope / bend, 0.0)
    return DivergenceSlice(count, point, grid, loss, model, landing)


class ManyRegressions(MultiblockProblem):
    r"""Regressions under the Kullback-Leibler divergence, one in each row of the block.

    .. math:: \sum_p D_{\mathrm{KL}}\bigl(y^{(p)}, W^{(p)} x^{(p)}\bigr), \qquad x \ge 0
    """

    def __init__(self, W, y):
        self.W, self.y = W, y
        self.blocks = (Block("x", (len(W), W.shape[2]), NonNegative()),)

    def _model(self, x):
        return np.einsum("pmr,pr->pm", self.W, x[0]) + 1e-77

    def losses(self, x):
        """One divergence for each regression."""
        z = self._model(x)
        return (self.y * np.log(self.y / z) - self.y + z).sum(axis=1)

    def loss(self, x):
        return float(self.losses(x).sum())

    def gradient(self, x, k):
        return np.einsum("pmr,pm->pr", self.W, 1.0 - self.y / self._model(x))

    def curvature_sums(self, x, k):
        bend = self.y / self._model(x) ** 2 * self.W.sum(axis=2)
        return np.einsum("pmr,pm->pr", self.W, bend)


STARTS = {
    "within 5%": lambda rng, truth: truth * (1 + 0.05 * rng.uniform(-1, 1, truth.shape)),
    "within 50%": lambda rng, truth: truth * (1 + 0.5 * rng.uniform(-1, 1, truth.shape)),
    "uniform in [0, 1]": lambda rng, truth: rng.random(truth.shape),
    "within a factor 100": lambda rng, truth: 10.0 ** rng.uniform(-2, 2, truth.shape),
}
"""Where noiseless regressions start, given their solution."""


def draw_regressions(start, *, problems=200, random_state=1):
    """Draw noiseless regressions, and a start for each that lies where STARTS says."""
    rng = np.random.default_rng(random_state)
    W, truth = rng.random((problems, 12, 4)), 0.1 + rng.random((problems, 4))
    y = np.einsum("pmr,pr->pm", W, truth)
    return ManyRegressions(W, y), STARTS[start](rng, truth)


def count_increases(*, steps=300):
    """Count the regressions that bare steps raise on their way, and those that arrive.

    Returns
    -------
    list of dict
        One row for each of STARTS.
    """
    rows = []
    for start in STARTS:
        problem, x = draw_regressions(start)
        short, long = (_follow_losses(problem, x, gamma, steps) for gamma in (1.0, 1.9))
        mass = problem.y.sum(axis=1)
        rises = [(np.diff(losses, axis=0) > 1e-12 * mass).any(axis=0) for losses in (short, long)]
        rows.append(
            {
                "start": start,
                "rise, γ = 1": int(rises[0].sum()),
                "rise, γ = 1.9": int(rises[1].sum()),
                "arrive, γ = 1.9": int((long[-1] < 1e-8 * mass).sum()),
            }
        )
    return rows


def _follow_losses(problem, x, gamma, steps):
    """Return the divergence of each regression along bare steps, (steps + 1, problems)."""
    losses = [problem.losses((x,))]
    alternate(
        problem,
        (x,),
        BareSteps(gamma, steps=1),
        stop=RelativeDecrease(0),
        max_iter=steps,
        callback=lambda sweep: losses.append(problem.losses((sweep.blocks["x"],))),
    )
    return np.array(losses)


def guard_far_starts(*, problems=50, sweeps=20):
    """Return how many of the same regressions rise with the guard, and how many arrive."""
    many, x = draw_regressions("within a factor 100", problems=problems)
    rises = arrivals = 0
    for W, y, start in zip(many.W, many.y, x):
        trace = nnkl(W, y, init=start, update=MSOM(inner_tol=0.0), max_iter=sweeps, tol=0).trace
        rises += bool(np.diff(trace.objective).max() > 1e-12 * y.sum())
        arrivals += bool(trace.objective[-1] < 1e-8 * y.sum())
    return rises, arrivals


@dataclass(frozen=True)
class RatioGap:
    """Distance of one step with the current point as test vector to a multiplicative update.

    Attributes
    ----------
    with_hessian, with_fisher : float
        Largest relative difference of an entry, the median over random regressions.
    orders : tuple of float
        The same with the Hessian, at distances 0.1 and 0.01 of the ratio from one.
    """

    with_hessian: float
    with_fisher: float
    orders: tuple


def compare_test_points(trials=100, random_state=0):
    """Compare steps whose test vector is the current point with multiplicative updates."""
    rng, gaps = np.random.default_rng(random_state), []
    for _ in range(trials):
        W, y, x = rng.random((8, 3)), rng.random(8), 0.1 + rng.random(3)
        slope = W.T @ (1.0 - y / (W @ x))
        update = x * (W.T @ (y / (W @ x))) / W.sum(axis=0)
        hessian = W.T @ ((y / (W @ x) ** 2)[:, None] * W)
        fisher = W.T @ (W / (W @ x)[:, None])
        steps = [x - slope / separable_curvature(matrix, x) for matrix in (hessian, fisher)]
        gaps.append([np.abs(step / update - 1.0).max() for step in steps])
    orders = tuple(abs((2.0 - 1.0 / c) / c - 1.0) for c in (1.1, 1.01))
    return RatioGap(*np.median(gaps, axis=0).tolist(), orders)


def race_counts(*, sweeps=60, random_state=0):
    """Factorise Poisson counts by multiplicative, second-order and coordinate Newton rules.

    Returns
    -------
    dict of str to Result
        Bare steps may raise the objective.
    """
    rng = np.random.default_rng(random_state)
    mean = rng.random((100, 5)) @ rng.random((5, 80))
    X = rng.poisson(10.0 * mean).astype(float)
    problem = DivergenceProblem(X, 5, _LOSS, (NonNegative(), NonNegative()))
    start = random_factors(as_operand(X), 5, rng, nonnegative=True)
    rules = {
        "multiplicative": MultiplicativeUpdate(sweeps=10),
        "bare second order": BareSteps(gamma=1.9, steps=10),
        "guarded second order": MSOM(),
        "coordinate Newton": ScalarNewton(),
    }
    return {
        name: alternate(problem, start, rule, stop=RelativeDecrease(0), max_iter=sweeps)
        for name, rule in rules.items()
    }
