"""Fits from several starts, the best kept."""

import warnings
from dataclasses import dataclass
from functools import partial

import numpy as np
from joblib import Parallel, delayed

from multiconvex.chains import IndependentLabels
from multiconvex.checks import check_array, check_count
from multiconvex.engine import alternate
from multiconvex.penalties import Simplex
from multiconvex.stopping import ConvergenceWarning, RelativeDecrease, warn_unconverged
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


def seeded_labels(problem, parameters, rng):
    """Fit each factor to a few random samples, and give every sample to the best factor."""
    emission = problem.emission
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
    if z.shape != (n_samples, n_factors) or Simplex().value(z) > 0:
        raise ValueError(
            f"init must have shape ({n_samples}, {n_factors}) and nonnegative rows that sum to "
            f"one, got shape {z.shape}: pass labels, or divide each row by its sum."
        )
    return z.astype(float)


def fit_from_starts(problem, *, n_starts, init, random_state, max_iter, tol, n_jobs, callback):
    """Fit from several starts and return the best result with all final objectives.

    ``init`` is the first start where it is given. The others are of two kinds in turn, since
    neither finds every solution: random weights, and factors fitted to a few samples each.
    """
    n_starts = check_count("n_starts", n_starts)
    shape = problem.blocks[1].shape
    if shape[1] > shape[0]:
        raise ValueError(
            f"{shape[1]} factors need at least as many samples, got {shape[0]}: lower the number "
            "of factors."
        )
    rng = np.random.default_rng(random_state)
    labels = [] if init is None else [check_labels(init, *shape)]
    pooled = problem.pooled_parameters()
    for number in range(n_starts - len(labels)):
        seeded = number % 2 == 1
        labels.append(seeded_labels(problem, pooled, rng) if seeded else random_labels(*shape, rng))
    run = partial(_fit_once, problem, pooled, max_iter=max_iter, tol=tol, callback=callback)
    if n_jobs is None:
        results = _until_stopped(map(run, labels))
    else:
        results = Parallel(n_jobs=n_jobs)(delayed(run)(z) for z in labels)
    objectives = np.array([result.objective for result in results])
    best = results[int(np.argmin(objectives))]
    if best.status == "max_iter" and max_iter > 0 and tol > 0:
        warn_unconverged(RelativeDecrease(tol), max_iter)
    return best, objectives


def _until_stopped(results):
    """Collect results up to the first that the callback stopped."""
    kept = []
    for result in results:
        kept.append(result)
        if result.status == "stopped":
            break
    return kept


def _fit_once(problem, parameters, z, *, max_iter, tol, callback):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return alternate(
            problem,
            (parameters, z),
            _UPDATES,
            stop=RelativeDecrease(tol),
            max_iter=max_iter,
            callback=callback,
        )
