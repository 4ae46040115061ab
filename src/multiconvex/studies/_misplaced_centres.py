"""Clusterings that go wrong: misread bounds, late projections, lost and misshapen clusters."""

from dataclasses import dataclass

import cvxpy as cp
import numpy as np
from sklearn.datasets import load_wine, make_moons
from sklearn.preprocessing import scale

from multiconvex import ConstrainedKMeans, LatentFactorModel, datasets, match_labels
from multiconvex.models.latent.parameter_space import ParameterSpace
from multiconvex.models.latent.problem import LatentFactorProblem, SeparateFactors
from multiconvex.models.latent.sample_losses import CentreLoss
from multiconvex.models.latent.starts import fit_from_starts
from multiconvex.quadratic import project_rows


@dataclass(frozen=True, eq=False)
class Misreading:
    """A constraint as it was meant, and as NumPy's rules of broadcasting read it.

    Attributes
    ----------
    meant, read : ConstrainedKMeans
        Fitted with ``A theta <= b`` and with ``A theta <= min(b)``.
    corners : ndarray, shape (p, 2)
        Corners of the polyhedron that was read.
    sentence : str
        How :class:`~multiconvex.LatentFactorModel` refuses the formula.
    """

    meant: ConstrainedKMeans
    read: ConstrainedKMeans
    corners: np.ndarray
    sentence: str


def misread_bound(data, n_clusters=4, random_state=0):
    """Fit centres under ``A @ theta.T <= b`` with ``b`` flat, and as intended."""
    tight = np.full_like(data.b, data.b.min())
    meant, read = (
        ConstrainedKMeans(n_clusters, constraint=(data.A, b), random_state=random_state).fit(data.X)
        for b in (data.b, tight)
    )
    shrunk = datasets.DiamondPoints(data.X, data.clean, data.A, tight)
    return Misreading(meant, read, shrunk.vertices, _refusal(data, n_clusters))


def _refusal(data, n_clusters):
    thetas = [cp.Variable((1, 2)) for _ in range(n_clusters)]
    losses = [cp.sum(cp.square(data.X - theta), axis=1) for theta in thetas]
    normals, bound = data.A, data.b
    flat = [normals @ theta.T <= bound for theta in thetas]
    try:
        LatentFactorModel(thetas, losses, parameter_constraints=flat)
    except ValueError as error:
        return str(error)
    return ""


@dataclass(frozen=True, eq=False)
class Road:
    """Customers on both sides of a road on which their depots must stand.

    Attributes
    ----------
    X : ndarray, shape (m, 2)
    corners : ndarray, shape (4, 2)
        Of the road.
    free, constrained : ConstrainedKMeans
        Fitted without the road and with it.
    projected : ndarray, shape (2, 2)
        The centres of ``free``, projected on the road.
    """

    X: np.ndarray
    corners: np.ndarray
    free: ConstrainedKMeans
    constrained: ConstrainedKMeans
    projected: np.ndarray

    @property
    def projected_objective(self):
        """Sum of squared distances to the nearer of the projected centres."""
        return float(CentreLoss(self.X).values(self.projected).min(axis=1).sum())


def build_on_the_road(n_samples=240, half_length=1.8, half_width=0.05, random_state=0):
    """Put two depots on a road, before and after clustering the customers beside it."""
    rng = np.random.default_rng(random_state)
    along = rng.uniform(-half_length, half_length, n_samples)
    beside = np.where(np.arange(n_samples) % 2, 2.0, -2.0) + 0.15 * rng.standard_normal(n_samples)
    X = np.column_stack([along, beside])
    A = np.vstack([np.eye(2), -np.eye(2)])
    b = np.array([half_length, half_width] * 2)
    free = ConstrainedKMeans(2, random_state=random_state).fit(X)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * b[:2]
    return Road(
        X,
        corners,
        free,
        ConstrainedKMeans(2, constraint=(A, b), random_state=random_state).fit(X),
        project_rows(free.cluster_centers_, A, b),
    )


@dataclass(frozen=True)
class SharedCorner:
    """What several centres give for customers who all lie beyond one corner.

    Attributes
    ----------
    centres, places : int
        Centres asked for, and different places at which they end.
    objective : float
    """

    centres: int
    places: int
    objective: float


def share_a_corner(data, counts=(1, 2, 4), n_samples=100, random_state=0):
    """Cluster two groups of customers in the normal cone of one corner of the polygon."""
    rng = np.random.default_rng(random_state)
    corner = data.vertices[1]
    tight = np.flatnonzero(data.A @ corner > data.b - 1e-9)
    reach = np.array([[2.0, 0.3], [0.3, 2.0]]) / np.linalg.norm(data.A[tight], axis=1)
    pull = np.abs(rng.normal(reach[np.arange(n_samples) % 2], 0.1))
    X = corner + pull @ data.A[tight]
    rows = []
    for count in counts:
        model = ConstrainedKMeans(count, constraint=(data.A, data.b), random_state=0).fit(X)
        places = np.unique(model.cluster_centers_.round(9), axis=0)
        rows.append(SharedCorner(count, len(places), model.inertia_))
    return tuple(rows)


@dataclass(frozen=True)
class Reseeding:
    """Final objectives of random starts, and what becomes of clusters that lose all samples.

    Attributes
    ----------
    clusters : int
    policy : str
    least, median, worst : float
    """

    clusters: int
    policy: str
    least: float
    median: float
    worst: float


class _KeepEmpty(LatentFactorProblem):
    """The same problem, its empty factors left where they are."""

    def fit_parameters(self, x):
        return self.emission.fit(x[1], x[0])


def compare_reseeding(data, counts=(4, 6, 8), n_starts=200, random_state=0):
    """Fit from the same starts, with empty clusters left alone and started again."""
    space = ParameterSpace.from_pair((data.A, data.b), data.X.shape[1])
    loss = CentreLoss(data.X)
    rows = []
    for count in counts:
        emission = SeparateFactors([loss] * count, [space] * count)
        for policy, problem in (("keep", _KeepEmpty), ("re-seed", LatentFactorProblem)):
            _, objectives = fit_from_starts(
                problem(emission),
                n_starts=n_starts,
                init=None,
                random_state=random_state,
                max_iter=500,
                tol=1e-10,
                n_jobs=None,
                callback=None,
            )
            ends = objectives.min(), np.median(objectives), objectives.max()
            rows.append(Reseeding(count, policy, *map(float, ends)))
    return tuple(rows)


@dataclass(frozen=True)
class KnownGroups:
    """How well clusters agree with groups that are known.

    Attributes
    ----------
    data : str
    samples, clusters : int
    agreement : float
        Fraction of samples, the clusters being named as is best.
    """

    data: str
    samples: int
    clusters: int
    agreement: float


def score_known_groups(random_state=0):
    """Cluster wines in raw and in standard units, and two interleaved half circles."""
    wine = load_wine()
    moons, halves = make_moons(300, noise=0.05, random_state=random_state)
    cases = (
        ("wines, raw units", wine.data, wine.target),
        ("wines, each feature of variance one", scale(wine.data), wine.target),
        ("two half moons", moons, halves),
    )
    rows = []
    for name, X, groups in cases:
        count = int(groups.max()) + 1
        labels = ConstrainedKMeans(count, random_state=random_state).fit(X).labels_
        agreement = match_labels(labels, groups, count).accuracy
        rows.append(KnownGroups(name, len(X), count, float(agreement)))
    return tuple(rows)
