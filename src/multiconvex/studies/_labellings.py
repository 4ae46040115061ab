r"""Every labelling of a few samples, which local search and relaxations are compared with."""

from dataclasses import dataclass

import cvxpy as cp
import numpy as np

from multiconvex import IndependentLabels, KLSmoothness, LatentFactorModel, TotalVariation


@dataclass(frozen=True)
class SearchCount:
    """How often local search finds the least objective among all labellings.

    Attributes
    ----------
    trials : int
        Random instances of k-means.
    labellings : int
        Of each instance.
    one_start, ten_starts, fifty_starts : int
        Instances that so many starts solved.
    """

    trials: int
    labellings: int
    one_start: int
    ten_starts: int
    fifty_starts: int


def search_every_labelling(trials=30, n_samples=8, n_factors=3, random_state=0):
    """Compare k-means from random starts with every labelling of a few points of the plane."""
    rng = np.random.default_rng(random_state)
    labellings = _all_labellings(n_samples, n_factors)
    reached = np.empty((trials, 50), bool)
    for trial in range(trials):
        points = rng.standard_normal((n_samples, 2))
        centres = [cp.Variable((1, 2)) for _ in range(n_factors)]
        losses = [cp.sum(cp.square(points - centre), axis=1) for centre in centres]
        starts = LatentFactorModel(centres, losses).fit(n_starts=50, random_state=rng).starts
        least = clustering_costs(points, labellings, n_factors).min()
        reached[trial] = starts <= (1 + 1e-9) * least
    solved = (int(reached[:, :count].any(axis=1).sum()) for count in (1, 10, 50))
    return SearchCount(trials, len(labellings), *solved)


@dataclass(frozen=True)
class Relaxation:
    """Least objectives of the step on the labels.

    Attributes
    ----------
    penalty : str
    one_hot : float
        Over all one-hot labels, each tried.
    relaxed : float
        Over the simplex, by a conic solver.
    label_step : float
        What ``minimize`` of the penalty returns.
    """

    penalty: str
    one_hot: float
    relaxed: float
    label_step: float


def compare_relaxations(n_samples=7, n_factors=3, weight=0.4, random_state=1):
    """Solve the step on the labels over one-hot labels and over the simplex."""
    losses = 2.0 * np.random.default_rng(random_state).random((n_samples, n_factors))
    z = cp.Variable((n_samples, n_factors), nonneg=True)
    penalties = {
        "none": (IndependentLabels(), 0.0),
        "total variation": (
            TotalVariation(weight),
            0.5 * weight * cp.sum(cp.abs(z[1:] - z[:-1])),
        ),
        "Kullback-Leibler": (
            KLSmoothness(weight),
            weight * cp.sum(cp.rel_entr(z[:-1], z[1:])),
        ),
    }
    return tuple(
        Relaxation(
            name,
            one_hot=_least_one_hot(losses, penalty),
            relaxed=_cost(losses, penalty, _solve_relaxed(losses, z, expression)),
            label_step=_cost(
                losses, penalty, penalty.minimize(losses, np.full(losses.shape, 1 / n_factors))
            ),
        )
        for name, (penalty, expression) in penalties.items()
    )


def _all_labellings(n_samples, n_factors):
    return np.indices((n_factors,) * n_samples).reshape(n_samples, -1).T


def clustering_costs(points, labellings, n_factors):
    """Sum of squared distances to the means of the groups, for each labelling."""
    members = np.eye(n_factors)[labellings]
    sums = np.einsum("sik,in->skn", members, points)
    counts = np.maximum(members.sum(axis=1), 1.0)
    return np.sum(points**2) - np.sum((sums**2).sum(axis=2) / counts, axis=1)


def _least_one_hot(losses, penalty):
    m, K = losses.shape
    return min(_cost(losses, penalty, z) for z in np.eye(K)[_all_labellings(m, K)])


def _solve_relaxed(losses, z, penalty):
    """Return the labels of a conic solver, without its rounding beyond the simplex."""
    data_term = cp.sum(cp.multiply(losses, z))
    simplex = [cp.sum(z, axis=1) == 1]
    cp.Problem(cp.Minimize(data_term + penalty), simplex).solve(solver=cp.CLARABEL)
    inside = np.maximum(z.value, 1e-10)
    return inside / inside.sum(axis=1, keepdims=True)


def _cost(losses, penalty, z):
    return float(np.vdot(losses, z)) + penalty.value(z)
