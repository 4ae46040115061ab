r"""Experiments of the chapter on discrete latent factor models.

Every fit minimises :math:`\sum_i z_i^T r_i(\theta) + R_\theta(\theta) + R_z(z)` over parameters and
labels with :class:`multiconvex.LatentFactorModel`.
"""

import time
from dataclasses import dataclass

import cvxpy as cp
import numpy as np
from sklearn.datasets import load_iris

from multiconvex import KLSmoothness, LatentFactorModel
from multiconvex.studies._labellings import (
    Relaxation,
    SearchCount,
    compare_relaxations,
    search_every_labelling,
)
from multiconvex.studies._switching_laws import (
    Series,
    StoppingRun,
    WeightedLabels,
    find_false_stop,
    fit_weights,
    make_series,
    trace_stopping,
)

__all__ = [
    "CompileTimes",
    "Flowers",
    "Refusal",
    "Relaxation",
    "SearchCount",
    "Series",
    "StartSpread",
    "StoppingRun",
    "WeightedLabels",
    "collect_refusals",
    "compare_relaxations",
    "find_false_stop",
    "fit_from_vague_starts",
    "fit_weights",
    "load_flowers",
    "make_series",
    "score_left_out",
    "search_every_labelling",
    "spread_of_starts",
    "time_compilation",
    "trace_stopping",
]


@dataclass(frozen=True, eq=False)
class Flowers:
    """Widths of iris flowers, in centimetres.

    Attributes
    ----------
    sepal, petal : ndarray, shape (m,)
    species : ndarray of int, shape (m,)
        What the botanist said: 0 *setosa*, 1 *versicolor*, 2 *virginica*; no fit sees it.
    """

    sepal: np.ndarray
    petal: np.ndarray
    species: np.ndarray

    @property
    def setosa(self):
        """Whether a flower belongs to the first species, shape (m,)."""
        return self.species == 0

    @property
    def design(self):
        """Design of a line, shape (m, 2), with columns sepal width and one."""
        return np.column_stack([self.sepal, np.ones(len(self.sepal))])

    @property
    def trend(self):
        """Slope and intercept of one least-squares line through all flowers."""
        return np.linalg.lstsq(self.design, self.petal, rcond=None)[0]

    def take(self, rows):
        """Return some of the flowers."""
        return Flowers(self.sepal[rows], self.petal[rows], self.species[rows])


def load_flowers():
    """Load the widths of Fisher's irises, which scikit-learn ships."""
    iris = load_iris()
    return Flowers(iris.data[:, 1], iris.data[:, 3], iris.target)


@dataclass(frozen=True, eq=False)
class CompileTimes:
    """Seconds of processor time against the number of samples, for two lines.

    Attributes
    ----------
    sizes : tuple of int
    listing : ndarray
        To compile the step on the parameters of the listing, before anything is solved.
    model : ndarray
        For a whole fit by :class:`~multiconvex.LatentFactorModel`, from one start.
    """

    sizes: tuple
    listing: np.ndarray
    model: np.ndarray


def time_compilation(sizes, repeats=3, random_state=0):
    """Time the compilation of the listing, and a whole fit, on simulated lines."""
    rng = np.random.default_rng(random_state)
    listing, model = [], []
    for size in sizes:
        sepal = rng.uniform(2.0, 4.5, size)
        species = rng.integers(2, size=size)
        petal = np.where(species, 0.7 * sepal, 0.2) + 0.1 * rng.standard_normal(size)
        flowers = Flowers(sepal, petal, species)
        start = rng.dirichlet(np.ones(2), size=size)
        listing.append(min(_time_listing(flowers, start) for _ in range(repeats)))
        model.append(min(_time_model(flowers, start) for _ in range(repeats)))
    return CompileTimes(tuple(sizes), np.array(listing), np.array(model))


@dataclass(frozen=True, eq=False)
class StartSpread:
    """Final objectives of many starts, in increasing order.

    Attributes
    ----------
    objectives : ndarray
    """

    objectives: np.ndarray

    @property
    def distinct(self):
        """Number of different objectives, to six digits."""
        return len(np.unique(np.round(self.objectives / self.objectives[0], 6)))

    def best_of(self, count, chance):
        """Objective that the best of ``count`` starts stays below with probability ``chance``."""
        share = 1.0 - (1.0 - chance) ** (1.0 / count)
        place = int(np.ceil(share * len(self.objectives))) - 1
        return float(self.objectives[max(place, 0)])


def spread_of_starts(flowers, n_factors=4, n_starts=300, random_state=0):
    """Fit several lines to the flowers from many random starts."""
    fit = _lines(flowers, n_factors)[0].fit(n_starts=n_starts, random_state=random_state)
    return StartSpread(np.sort(fit.starts))


def fit_from_vague_starts(model, n_samples, n_starts=20, random_state=0):
    """Return the final objectives of starts from weights that are uniform on the simplex."""
    rng = np.random.default_rng(random_state)
    even = np.ones(model.n_factors)
    vague = (rng.dirichlet(even, size=n_samples) for _ in range(n_starts))
    return np.array([model.fit(n_starts=1, init=z).objective for z in vague])


def score_left_out(flowers, counts, folds=5, random_state=0):
    """Return the mean score of left-out flowers for each number of lines."""
    order = np.random.default_rng(random_state).permutation(len(flowers.sepal))
    parts = np.array_split(order, folds)
    scores = []
    for count in counts:
        values = []
        for part in parts:
            kept, left = flowers.take(np.setdiff1d(order, part)), flowers.take(part)
            model, laws = _lines(kept, count)
            model.fit(n_starts=30, random_state=random_state)
            values.append(model.score(_line_losses(left, laws)))
        scores.append(float(np.mean(values)))
    return np.array(scores)


@dataclass(frozen=True)
class Refusal:
    """A mistake, and the sentence that answers it.

    Attributes
    ----------
    mistake : str
    sentence : str
    """

    mistake: str
    sentence: str


def collect_refusals():
    """Make the usual mistakes, and collect what the model says.

    Returns
    -------
    tuple of Refusal
        A mistake that is not refused does not appear.
    """
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((6, 2)), rng.standard_normal(6)
    mistakes = {
        "log(1 + exp(u)) spelled out": lambda: _refit(x, y, _spell_out_logistic),
        "a sum instead of a loss per sample": lambda: _refit(x, y, _sum_samples),
        "A @ theta.T <= b, with b flat": lambda: _refit(x, y, _clustering, _broadcast_bound),
        "a slope above 1 and below 0": lambda: _refit(x, y, _lines_of, _contradict),
        "nine factors for six samples": lambda: _refit(x, y, _lines_of, n_factors=9),
        "a missing observation": lambda: _refit(x, np.where(y == y[0], np.nan, y), _lines_of),
        "KLSmoothness and constraints on z": _mix_label_languages,
    }
    answers = ((mistake, _answer(make)) for mistake, make in mistakes.items())
    return tuple(Refusal(mistake, sentence) for mistake, sentence in answers if sentence)


def _answer(make):
    try:
        make()
    except (ValueError, TypeError, RuntimeError) as error:
        return " ".join(str(error).split())
    return None


def _refit(x, y, losses_of, constraints_of=lambda thetas: [], n_factors=2):
    thetas = [cp.Variable((1, 2)) for _ in range(n_factors)]
    losses = [losses_of(cp.Constant(x, name="x"), cp.Constant(y, name="y"), t) for t in thetas]
    constraints = constraints_of(thetas)
    LatentFactorModel(thetas, losses, parameter_constraints=constraints).fit(n_starts=1)


def _lines_of(x, y, theta):
    return cp.square(x @ theta[0] - y)


def _clustering(x, y, theta):
    return cp.sum(cp.square(x - theta), axis=1)


def _spell_out_logistic(x, y, theta):
    return cp.log(1 + cp.exp(x @ theta[0])) - cp.multiply(y, x @ theta[0])


def _sum_samples(x, y, theta):
    return cp.sum_squares(x @ theta[0] - y)


def _broadcast_bound(thetas):
    normals, bound = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]), np.ones(3)
    return [normals @ theta.T <= bound for theta in thetas]


def _contradict(thetas):
    return [thetas[0] >= 1, thetas[0] <= 0]


def _mix_label_languages():
    flowers = load_flowers()
    laws = [cp.Variable(2) for _ in range(2)]
    LatentFactorModel(
        laws,
        _line_losses(flowers, laws),
        factor_penalty=KLSmoothness(1.0),
        factor_constraints=lambda z: [z[0] == z[1]],
    ).fit(n_starts=1)


def _lines(flowers, n_factors):
    laws = [cp.Variable(2) for _ in range(n_factors)]
    return LatentFactorModel(laws, _line_losses(flowers, laws)), laws


def _line_losses(flowers, laws):
    return [cp.square(flowers.design @ law - flowers.petal) for law in laws]


def _time_listing(flowers, start):
    laws = [cp.Variable(2) for _ in range(start.shape[1])]
    weights = cp.Parameter(start.shape, nonneg=True, value=start)
    began = time.process_time()
    objective = cp.Minimize(cp.vdot(weights, cp.vstack(_line_losses(flowers, laws)).T))
    cp.Problem(objective).get_problem_data(cp.CLARABEL)
    return time.process_time() - began


def _time_model(flowers, start):
    began = time.process_time()
    _lines(flowers, start.shape[1])[0].fit(n_starts=1, init=start)
    return time.process_time() - began
