"""The toy experiment of the source: a regression with trained weights, on data of its own kind."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from multiconvex.models.unrolled_nmf import UnrolledNMF
from multiconvex.regression import nnls
from multiconvex.unrolled_layers import forward

N_LAYERS = 20
_SETTINGS = {
    "trained layers": {},
    "trained layers, last layer supervised": {"supervision": "last"},
    "trained layers, tied": {"weights": "tied"},
}


@dataclass(frozen=True, eq=False)
class RegressionToy:
    """Three sets of regressions ``X ≈ W Hᵀ`` with the same W, each a triple ``(X, W, H)``.

    Attributes
    ----------
    training, fresh : tuple of ndarray
        The rows of H scatter around one mean.
    moved : tuple of ndarray
        They scatter around another.
    """

    training: tuple
    fresh: tuple
    moved: tuple


def make_regression_toy(n_columns=200, random_state=2):
    """Draw rows of H from a Gaussian around a mean between 0 and 50, as the source does."""
    rng = np.random.default_rng(random_state)
    W = rng.random((20, 5))
    means = 50.0 * rng.random((2, 5))

    def draw(mean):
        H = np.maximum(mean + rng.standard_normal((n_columns, 5)), 0.0)
        noise = 0.1 * rng.standard_normal((20, n_columns))
        return np.maximum(W @ H.T + noise, 0.0), W, H

    return RegressionToy(draw(means[0]), draw(means[0]), draw(means[1]))


@dataclass(frozen=True)
class RegressionRow:
    """Relative squared error of H on three sets.

    Attributes
    ----------
    method : str
    training, fresh, moved : float
    """

    method: str
    training: float
    fresh: float
    moved: float


def compare_regressions(toy, max_iter=250, random_state=0):
    """Train layers on one set, and compare them on all three with what needs no weights."""
    models = {"multiplicative, 20 steps": _model(max_iter=0)}
    for method, options in _SETTINGS.items():
        models[method] = _model(max_iter=max_iter, random_state=random_state, **options)
    for model in models.values():
        model.fit([toy.training])
    solvers = {method: partial(_amounts, model) for method, model in models.items()}
    mean = toy.training[2].mean(axis=0)
    solvers["multiplicative, 20 steps from the training mean"] = partial(_steps_from, mean)
    solvers["exact regression"] = _exact
    sets = toy.training, toy.fresh, toy.moved
    return [
        RegressionRow(method, *(_error(solve(X, W), H) for X, W, H in sets))
        for method, solve in solvers.items()
    ]


def _model(**options):
    settings = {"supervision": np.logspace(-7, 0, N_LAYERS), "learning_rate": 0.02, **options}
    return UnrolledNMF(N_LAYERS, blocks="H", **settings)


def _amounts(model, X, W):
    return model.predict(X).H


def _exact(X, W):
    return nnls(W, X).x.T


def _steps_from(mean, X, W):
    """Return what plain multiplicative steps make of a start whose rows are all the same."""
    start = np.tile(mean, (X.shape[1], 1))
    return forward(X, W, start, [None] * N_LAYERS, np.ones((N_LAYERS, len(mean)))).H[-1]


def _error(H, truth):
    return float(np.sum((H - truth) ** 2) / np.sum(truth**2))
