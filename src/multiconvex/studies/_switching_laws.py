r"""Two laws that take turns in time: what penalties of labels do, and when a fit should stop."""

from dataclasses import dataclass

import cvxpy as cp
import numpy as np
from scipy.optimize import brentq

from multiconvex import KLSmoothness, LatentFactorModel, TotalVariation, match_labels

_PENALTY = KLSmoothness(1.0)


@dataclass(frozen=True, eq=False)
class Series:
    """Samples in order of time, ``y = x + noise`` or ``y = -x + noise`` in turns.

    Attributes
    ----------
    x, y : ndarray, shape (m,)
    labels : ndarray of int, shape (m,)
        The law of each sample.
    """

    x: np.ndarray
    y: np.ndarray
    labels: np.ndarray

    @property
    def design(self):
        """Design of a line, shape (m, 2)."""
        return np.column_stack([self.x, np.ones(len(self.x))])


def make_series(n_samples=120, run=30, noise=0.6, random_state=0):
    """Draw a series whose law changes every ``run`` samples."""
    rng = np.random.default_rng(random_state)
    x = rng.uniform(-1.0, 1.0, n_samples)
    labels = (np.arange(n_samples) // run) % 2
    y = np.where(labels == 0, x, -x) + noise * rng.standard_normal(n_samples)
    return Series(x, y, labels)


@dataclass(frozen=True, eq=False)
class StoppingRun:
    """Two quantities that could stop a fit, after each sweep.

    Attributes
    ----------
    gap : ndarray, shape (n,)
        Fall of the data term in the step on the labels, P - F.
    label_drop : ndarray, shape (n,)
        Fall of the objective in the step on the labels.
    objective : ndarray, shape (n,)
        Data term and penalty after the sweep.
    """

    gap: np.ndarray
    label_drop: np.ndarray
    objective: np.ndarray

    @property
    def excess(self):
        """What the objective still falls after each sweep."""
        return self.objective - self.objective[-1]


def trace_stopping(series, start, max_iter=13):
    """Follow both quantities from labels ``start`` under a Kullback-Leibler penalty."""
    gaps, drops, previous = [], [], [np.asarray(start, float)]

    def record(sweep):
        losses = _losses_at(series, sweep.blocks["parameters"])
        before, after = previous[0], sweep.blocks["z"]
        gaps.append(float(np.vdot(before - after, losses)))
        drops.append(gaps[-1] + _PENALTY.value(before) - _PENALTY.value(after))
        previous[0] = after

    fit = _model(series, _PENALTY).fit(
        n_starts=1, init=start, tol=0, max_iter=max_iter, callback=record
    )
    return StoppingRun(np.array(gaps), np.array(drops), fit.trace.objective[1:])


def find_false_stop(series, random_state=0):
    """Mix vague and almost sure labels until the data term does not move in the first sweep."""
    rng = np.random.default_rng(random_state)
    vague = rng.dirichlet(np.ones(2), size=len(series.x))
    fit = _model(series, None).fit(n_starts=1, init=vague)
    almost_sure = 0.98 * fit.z + 0.01

    def mixed(share):
        return (1.0 - share) * vague + share * almost_sure

    def first_gap(share):
        return trace_stopping(series, mixed(share), max_iter=1).gap[0]

    return mixed(brentq(first_gap, 0.0, 1.0, xtol=1e-15))


@dataclass(frozen=True, eq=False)
class WeightedLabels:
    """Labels of the series under two penalties of one weight.

    Attributes
    ----------
    weight : float
    second : dict of str to ndarray, shape (m,)
        Weight of the second law for each sample, for each penalty.
    accuracy : dict of str to float
        Of the most likely labels, names matched.
    """

    weight: float
    second: dict
    accuracy: dict


def fit_weights(series, weights, random_state=0):
    """Fit the series with each weight of the penalty on the labels."""
    return tuple(_fit_weight(series, weight, random_state) for weight in weights)


def _fit_weight(series, weight, random_state):
    second, accuracy = {}, {}
    penalties = {
        "Kullback-Leibler": KLSmoothness(weight),
        "total variation": TotalVariation(weight),
    }
    for name, penalty in penalties.items():
        fit = _model(series, penalty).fit(random_state=random_state)
        match = match_labels(fit.labels, series.labels, 2)
        second[name] = fit.z[:, int(np.argmax(match.permutation))]
        accuracy[name] = float(match.accuracy)
    return WeightedLabels(weight, second, accuracy)


def _model(series, penalty):
    laws = [cp.Variable(2) for _ in range(2)]
    losses = [cp.square(series.design @ law - series.y) for law in laws]
    return LatentFactorModel(laws, losses, factor_penalty=penalty)


def _losses_at(series, laws):
    return (series.design @ laws.T - series.y[:, None]) ** 2
