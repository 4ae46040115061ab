"""Fits from several starts, the best kept."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from multiconvex.chains import IndependentLabels
from multiconvex.checks import check_array, check_count
from multiconvex.engine import alternate
from multiconvex.models.multistart import best_of_starts
from multiconvex.stopping import RelativeDecrease
from multiconvex.trace import Result
from multiconvex.updates import FactorUpdate, ParameterUpdate

_UPDATES = {"parameters": ParameterUpdate(), "z": FactorUpdate()}


@dataclass(frozen=True, repr=False, kw_only=True)
class LatentFactorFit(Result):
    """A fitted discrete latent factor model.

    Attributes
    ----------
    parameters : ndarray, shape (K, n), or tuple of ndarray
        One row, or one array, for each factor.
    starts : ndarray
        Final objective of each start, in the order they were made.
    """

    parameters: np.ndarray | tuple
    starts: np.ndarray

    @property
    def z(self):
        """Weights of the factors for each sample, rows in the simplex, shape (m, K)."""
        return self.blocks["z"]

    @property
    def labels(self):
        """The factor of largest weight for each sample, shape (m,)."""
        return self.z.argmax(axis=1)


def random_labels(n_samples, n_factors, rng):
    """Draw the weights of each sample uniformly on the simplex."""
    return rng.dirichlet(np.ones(n_factors), size=n_samples)


def seeded_labels(emission, parameters, rng):
    """Fit each factor to a few random samples, and give every sample to the best factor."""
    weights = np.zeros((emission.n_samples, emission.n_factors))
    for k, size in enumerate(emission.sizes):
        count = min(rng.integers(1, size + 2), len(weights))
        weights[rng.choice(len(weights), count, replace=False), k] = 1.0
    losses = emission.values(emission.fit(weights, parameters))
    return IndependentLabels().minimize(losses, weights)


def check_labels(init, n_samples, n_factors):
    """Return a start given by the user: weights (m, K) or integer labels (m,)."""
    given = np.asarray(init)
    if given.ndim == 1 and given.dtype.kind in "iu":
        if given.shape != (n_samples,) or given.min() < 0 or given.max() >= n_factors:
            raise ValueError(
                f"init must hold {n_samples} labels from 0 to {n_factors - 1}, got shape "
                f"{given.shape} with values from {given.min()} to {given.max()}."
            )
        return np.eye(n_factors)[given]
    z = check_array("init", init, ndim=2)
    if z.shape != (n_samples, n_factors) or IndependentLabels().value(z) > 0:
        raise ValueError(
            f"init must have shape ({n_samples}, {n_factors}) and nonnegative rows that sum to "
            f"one, got shape {z.shape}: pass labels, or divide each row by its sum."
        )
    return z.astype(float)


def draw_starts(emission, draw, *, n_starts, init, random_state):
    """Return the labels of each start: ``init`` first where it is given, then drawn ones.

    ``draw(number, rng)`` returns the labels of a drawn start.
    """
    n_starts = check_count("n_starts", n_starts)
    m, K = emission.n_samples, emission.n_factors
    if m < K:
        raise ValueError(
            f"{K} factors need at least as many samples, got {m}: lower the number of factors."
        )
    given = [] if init is None else [check_labels(init, m, K)]
    if len(given) == n_starts:
        return given
    rng = np.random.default_rng(random_state)
    return given + [draw(number, rng) for number in range(n_starts - len(given))]


def fit_from_starts(problem, *, n_starts, init, random_state, max_iter, tol, n_jobs, callback):
    """Fit from several starts and return the best result with all final objectives.

    The drawn starts are of two kinds in turn, since neither finds every solution: random weights,
    and factors fitted to a few samples each.
    """
    emission, pooled = problem.emission, problem.pooled_parameters()

    def draw(number, rng):
        if number % 2:
            return seeded_labels(emission, pooled, rng)
        return random_labels(emission.n_samples, emission.n_factors, rng)

    starts = draw_starts(emission, draw, n_starts=n_starts, init=init, random_state=random_state)
    run = partial(_fit_once, problem, pooled, max_iter=max_iter, tol=tol, callback=callback)
    return best_of_starts(run, starts, max_iter=max_iter, tol=tol, n_jobs=n_jobs)


def _fit_once(problem, parameters, z, *, max_iter, tol, callback):
    return alternate(
        problem,
        (parameters, z),
        _UPDATES,
        stop=RelativeDecrease(tol),
        max_iter=max_iter,
        callback=callback,
    )
