"""What weighted multiplicative updates minimise, and whether their gradients are right."""

from dataclasses import dataclass

import numpy as np

from multiconvex.regression import nnls
from multiconvex.unrolled_layers import factor_loss, forward, reverse

_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class WeightedCosts:
    """Two costs along tied weighted updates of one factor, one row a run.

    Attributes
    ----------
    derived, printed : ndarray, shape (n_runs, n_layers + 1)
        The cost of which the update is a majorisation step, and the one in print.
    """

    derived: np.ndarray
    printed: np.ndarray

    @property
    def rises(self):
        """Numbers of runs in which each cost increases at some layer."""
        return _count_rises(self.derived), _count_rises(self.printed)


def compare_costs(n_runs=200, n_layers=30, spread=0.5, random_state=0):
    """Follow both costs from random starts, with random weights around one."""
    rng = np.random.default_rng(random_state)
    derived, printed = [], []
    for _ in range(n_runs):
        X, W, H = rng.random((12, 3)), rng.random((12, 4)), rng.random((3, 4))
        weights = rng.uniform(1.0 - spread, 1.0 + spread, H.shape)
        points = forward(X, W, H, [None] * n_layers, [weights] * n_layers).H
        models = [(W @ point.T, W @ (weights * point).T) for point in points]
        gaps = [0.5 * np.sum((X - model) ** 2) for model, _ in models]
        derived.append([gap + np.vdot(X, a - b) for gap, (a, b) in zip(gaps, models)])
        printed.append([2.0 * gap + np.vdot(X, b) for gap, (_, b) in zip(gaps, models)])
    return WeightedCosts(np.array(derived), np.array(printed))


@dataclass(frozen=True)
class TiedLimit:
    """Where tied weights lead a regression.

    Attributes
    ----------
    weight : float
        The same for all entries.
    amount : float
        Sum of the limit over the sum of the exact regression.
    residual : float
        Norm of the residual over that of the data.
    """

    weight: float
    amount: float
    residual: float


def follow_tied_weights(weights=(0.8, 0.9, 1.0, 1.1, 1.25), n_layers=300, random_state=0):
    """Run hundreds of layers with one weight on data that a nonnegative model fits exactly."""
    rng = np.random.default_rng(random_state)
    W, H = rng.random((12, 3)), rng.random((5, 3))
    X, start = W @ H.T, np.ones((5, 3))
    exact = nnls(W, X).x.sum()
    rows = []
    for weight in weights:
        end = forward(X, W, start, [None] * n_layers, [np.full(3, weight)] * n_layers).H[-1]
        residual = np.linalg.norm(X - W @ end.T) / np.linalg.norm(X)
        rows.append(TiedLimit(weight, float(end.sum() / exact), float(residual)))
    return rows


def check_gradient(n_layers=6, step=1e-5, random_state=0):
    """Return the relative difference of a reverse pass and central differences, in all weights."""
    rng = np.random.default_rng(random_state)
    X, W, H = rng.random((7, 9)), rng.random((7, 3)), rng.random((9, 3))
    truth = rng.random((7, 3)), rng.random((9, 3))
    emphasis = rng.random(n_layers)
    shapes = (n_layers, 7, 3), (n_layers, 3)
    logs = [0.3 * rng.standard_normal(shape) for shape in shapes]

    def losses(logs):
        run = forward(X, W, H, *map(np.exp, logs))
        return run, *factor_loss(np.stack(run.W[1:]), np.stack(run.H[1:]), *truth)

    run, _, bars = losses(logs)
    adjoints = [tuple(nu * bar for bar in pair) for nu, *pair in zip(emphasis, *bars)]
    exact = reverse(X, run, *map(np.exp, logs), adjoints)
    exact = np.concatenate([np.ravel(gradient) for gradient in exact])
    differences = np.empty_like(exact)
    for i, direction in enumerate(np.eye(len(exact))):
        split = np.split(direction, [np.prod(shapes[0])])
        shifts = [step * part.reshape(shape) for part, shape in zip(split, shapes)]
        values = [
            emphasis @ losses([a + sign * b for a, b in zip(logs, shifts)])[1] for sign in (1, -1)
        ]
        differences[i] = (values[0] - values[1]) / (2.0 * step)
    return float(np.abs(exact - differences).max() / np.abs(exact).max())


def _count_rises(costs):
    size = _ROUNDING * np.abs(costs).max(axis=1, keepdims=True)
    return int(np.sum((np.diff(costs, axis=1) > size).any(axis=1)))
