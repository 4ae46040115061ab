r"""Experiments of the chapter on constrained k-means.

Every fit minimises :math:`\sum_i \sum_k z_{ik} \|x_i - \theta_k\|^2` over labels in the simplex and
centres with :math:`A \theta_k \le b`, as :class:`multiconvex.ConstrainedKMeans` does.
"""

from dataclasses import dataclass

import cvxpy as cp
import numpy as np

from multiconvex import ConstrainedKMeans, datasets
from multiconvex.models.latent.parameter_space import ParameterSpace, Spaces
from multiconvex.models.latent.sample_losses import CentreLoss
from multiconvex.quadratic import project_rows
from multiconvex.studies._labellings import SearchCount
from multiconvex.studies._misplaced_centres import (
    KnownGroups,
    Misreading,
    Reseeding,
    Road,
    SharedCorner,
    build_on_the_road,
    compare_reseeding,
    misread_bound,
    score_known_groups,
    share_a_corner,
)
from multiconvex.studies._tissue_palettes import Palette, fit_palettes, mixtures_of

__all__ = [
    "CountCurve",
    "KnownGroups",
    "Misreading",
    "Palette",
    "Reproduction",
    "Reseeding",
    "Road",
    "SharedCorner",
    "StartRuns",
    "Sweep",
    "build_on_the_road",
    "compare_reseeding",
    "compare_with_solver",
    "fit_counts",
    "fit_palettes",
    "follow_sweeps",
    "measure_concavity",
    "misread_bound",
    "mixtures_of",
    "reproduce_corners",
    "run_starts",
    "score_known_groups",
    "search_every_labelling",
    "share_a_corner",
    "tabulate_runs",
]

_ROUNDING = 1e-9
_SAME = 1e-6


@dataclass(frozen=True, eq=False)
class Sweep:
    """The state after one sweep.

    Attributes
    ----------
    number : int
    means : ndarray, shape (K, 2)
        Means of the clusters before the sweep, which it projects.
    centres : ndarray, shape (K, 2)
    labels : ndarray of int, shape (m,)
    objective : float
    """

    number: int
    means: np.ndarray
    centres: np.ndarray
    labels: np.ndarray
    objective: float


def follow_sweeps(data, n_clusters=4, n_sweeps=8, random_state=16):
    """Alternate from random labels and keep the state after each sweep."""
    labels = np.random.default_rng(random_state).integers(0, n_clusters, len(data.X))
    start, sweeps = labels, []
    for number in range(1, n_sweeps + 1):
        means = np.stack([data.X[labels == k].mean(axis=0) for k in range(n_clusters)])
        model = _constrained(data, n_clusters, n_starts=1, init=start, max_iter=number, tol=0.0)
        labels = model.labels_
        sweeps.append(Sweep(number, means, model.cluster_centers_, labels, model.inertia_))
    return tuple(sweeps)


def compare_with_solver(trials=20, random_state=0):
    """Return the largest difference of a centre from that of a conic solver.

    Weights, points and polyhedra are random; the solver sees the weighted sum of squares itself.
    """
    rng = np.random.default_rng(random_state)
    largest = 0.0
    for _ in range(trials):
        points, weights = rng.standard_normal((30, 3)), rng.random(30)
        A, b = rng.standard_normal((8, 3)), 0.1 * rng.random(8)
        theta = cp.Variable(3)
        distances = cp.sum(cp.square(points - theta[None, :]), axis=1)
        cp.Problem(cp.Minimize(weights @ distances), [A @ theta <= b]).solve(solver=cp.CLARABEL)
        space = ParameterSpace.from_pair((A, b), 3)
        centre = CentreLoss(points).fit(weights, space, np.zeros(3))
        largest = max(largest, float(np.abs(centre - theta.value).max()))
    return largest


def measure_concavity(data, trials=500, n_clusters=4, random_state=0):
    """Compare the objective at best centres between two labellings with the chord.

    Returns
    -------
    ndarray, shape (trials,)
        The objective minus the chord, relative to the chord; positive where it is above.
    """
    rng = np.random.default_rng(random_state)
    loss, space = CentreLoss(data.X), ParameterSpace.from_pair((data.A, data.b), 2)
    start = np.zeros((n_clusters, 2))
    excess = np.empty(trials)
    for trial in range(trials):
        ends = rng.dirichlet(np.full(n_clusters, 0.2), size=(2, len(data.X)))
        share = rng.random()
        between = (1.0 - share) * ends[0] + share * ends[1]
        low, high, middle = (
            np.vdot(z, loss.values(loss.fit_all(z, Spaces([space] * n_clusters), start)))
            for z in (*ends, between)
        )
        chord = (1.0 - share) * low + share * high
        excess[trial] = middle / chord - 1.0
    return excess


@dataclass(frozen=True, eq=False)
class Reproduction:
    """Centres of many simulated data sets of one size.

    Attributes
    ----------
    n_samples : int
    to_corner : ndarray, shape (seeds,)
        Largest distance of a centre from its corner of the polygon.
    violation : ndarray, shape (seeds,)
        Largest amount by which an inequality is exceeded.
    objective : ndarray, shape (seeds,)
    single_excess : ndarray, shape (seeds,)
        Relative excess of the first start over the best of ten.
    corners : ndarray, shape (4, 2)
        The corners on which the centres stand, from left to right.
    occupied : ndarray of bool, shape (seeds,)
        Whether each of them holds one centre.
    multipliers : ndarray, shape (seeds, 4)
        Smaller multiplier of the two tight inequalities at each corner.
    """

    n_samples: int
    to_corner: np.ndarray
    violation: np.ndarray
    objective: np.ndarray
    single_excess: np.ndarray
    corners: np.ndarray
    occupied: np.ndarray
    multipliers: np.ndarray

    @property
    def summary(self):
        """What the table of the chapter says of this size."""
        return {
            "data sets": len(self.objective),
            "with a centre on each of the four corners": int(self.occupied.sum()),
            "distance to the corner, median": float(np.median(self.to_corner)),
            "distance to the corner, worst": float(self.to_corner.max()),
            "violation, worst": float(self.violation.max()),
            "objective, median": float(np.median(self.objective)),
            "objective, worst": float(self.objective.max()),
            "one start instead of ten: data sets missed": int((self.single_excess > _SAME).sum()),
            "one start instead of ten: worst excess (%)": float(
                100 * self.single_excess.max().round(9)
            ),
        }


def tabulate_runs(runs):
    """One row for each quantity, one column for each size."""
    summaries = {f"{run.n_samples} points": run.summary for run in runs}
    quantities = next(iter(summaries.values()))
    return [
        {"": quantity} | {size: summary[quantity] for size, summary in summaries.items()}
        for quantity in quantities
    ]


def reproduce_corners(n_samples, seeds=range(10)):
    """Fit four centres to simulated diamonds and compare them with corners of the polygon."""
    corners = _used_corners(datasets.make_diamond(n_samples, random_state=0))
    columns = []
    for seed in seeds:
        data = datasets.make_diamond(n_samples, random_state=seed)
        model = _constrained(data, 4, random_state=seed)
        centres = model.cluster_centers_
        distances = np.linalg.norm(centres[:, None] - corners, axis=2)
        nearest = distances.argmin(axis=1)
        means = np.stack([data.X[model.labels_ == k].mean(axis=0) for k in range(4)])
        pulls = [_multipliers(data, centre, mean) for centre, mean in zip(centres, means)]
        columns.append(
            (
                distances.min(axis=1).max(),
                max((centres @ data.A.T - data.b).max(), 0.0),
                model.inertia_,
                model.result_.starts[0] / model.inertia_ - 1.0,
                len(set(nearest)) == 4,
                np.array([min(pulls[k]) for k in np.argsort(nearest)]),
            )
        )
    far, violation, objective, excess, occupied, multipliers = map(np.array, zip(*columns))
    return Reproduction(
        n_samples, far, violation, objective, excess, corners, occupied, multipliers
    )


@dataclass(frozen=True, eq=False)
class CountCurve:
    """Fits with different numbers of centres.

    Attributes
    ----------
    models : dict of int to ConstrainedKMeans
    free : dict of int to float
        Objectives without the constraint.
    floor : float
        Sum of squared distances to the polygon, which no number of centres falls below.
    """

    models: dict
    free: dict
    floor: float


def fit_counts(data, counts, n_starts=100, random_state=0):
    """Fit each number of centres with the constraint and without."""
    options = {"n_starts": n_starts, "random_state": random_state}
    nearest = project_rows(data.X, data.A, data.b)
    return CountCurve(
        {count: _constrained(data, count, **options) for count in counts},
        {count: ConstrainedKMeans(count, **options).fit(data.X).inertia_ for count in counts},
        float(np.sum((data.X - nearest) ** 2)),
    )


@dataclass(frozen=True, eq=False)
class StartRuns:
    """The best of the first starts of one sequence of starts.

    Attributes
    ----------
    models : dict of int to ConstrainedKMeans
        For each number of starts, the best fit.
    objectives : ndarray
        Final objective of every start, in order.
    """

    models: dict
    objectives: np.ndarray

    @property
    def success(self):
        """Fraction of single starts that end at the least objective."""
        return float((self.objectives <= (1 + _SAME) * self.objectives.min()).mean())


def run_starts(data, counts, n_clusters=6, random_state=0):
    """Fit from more and more random starts."""
    models = {
        count: _constrained(data, n_clusters, n_starts=count, random_state=random_state)
        for count in counts
    }
    return StartRuns(models, models[max(counts)].result_.starts)


def search_every_labelling(data, trials=40, n_samples=8, n_factors=3, random_state=0):
    """Compare fits of a few points with every labelling of them."""
    rng = np.random.default_rng(random_state)
    members = np.eye(n_factors)[np.indices((n_factors,) * n_samples).reshape(n_samples, -1).T]
    counts = np.maximum(members.sum(axis=1), 1.0)[:, :, None]
    reached = np.empty((trials, 50), bool)
    for trial in range(trials):
        points = rng.choice(data.X, n_samples, replace=False)
        means = np.einsum("amk,mn->akn", members, points) / counts
        centres = project_rows(means.reshape(-1, 2), data.A, data.b).reshape(means.shape)
        squares = np.sum((points[None, :, None] - centres[:, None]) ** 2, axis=3)
        least = np.sum(members * squares, axis=(1, 2)).min()
        model = ConstrainedKMeans(
            n_factors, constraint=(data.A, data.b), n_starts=50, random_state=rng
        )
        reached[trial] = model.fit(points).result_.starts <= (1 + _ROUNDING) * least
    solved = (int(reached[:, :count].any(axis=1).sum()) for count in (1, 10, 50))
    return SearchCount(trials, len(members), *solved)


def _constrained(data, n_clusters, **options):
    return ConstrainedKMeans(n_clusters, constraint=(data.A, data.b), **options).fit(data.X)


def _used_corners(data):
    """The corners of the polygon on which four centres stand, from left to right."""
    centres = _constrained(data, 4, random_state=0).cluster_centers_
    distances = np.linalg.norm(centres[:, None] - data.vertices, axis=2)
    corners = data.vertices[distances.argmin(axis=1)]
    return corners[np.argsort(corners[:, 0])]


def _multipliers(data, centre, mean):
    """Multipliers of the tight inequalities when ``mean`` is projected on ``centre``."""
    tight = data.A @ centre > data.b - _ROUNDING
    return np.linalg.lstsq(data.A[tight].T, mean - centre, rcond=None)[0]
