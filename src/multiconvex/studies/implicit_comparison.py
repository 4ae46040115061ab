r"""Implicit rules against what a user would try first, on four tables of data.

Each seed is one division of the data: four fifths, or 750 samples at most, to train with, and the
rest for the test. A fifth of the first part chooses one of a few settings of each method: weights
of one penalty, :math:`\tfrac\rho2` times the sum of squared weights next to the mean loss; for
gradient boosting, sizes of trees; for block-by-block training, weights of the divergence. The fit
that is chosen is tested, once.
"""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_diabetes, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning as PeerWarning
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor

from multiconvex import datasets
from multiconvex.estimators.implicit import ImplicitClassifier, ImplicitRegressor
from multiconvex.implicit_rules.adjoint import equilibrium_gradient
from multiconvex.implicit_rules.sets import SpectralBall
from multiconvex.models.implicit import implicit_network
from multiconvex.models.implicit_start import random_weights
from multiconvex.stopping import ConvergenceWarning
from multiconvex.studies._relaxed_training import draw_known_rule, root_mean_square

RIDGES = (1e-4, 1e-3, 3e-2)
LAMS = (0.01, 0.1)
TREES = (4, 12, 36)
HIDDEN = 30
_TRAINING, _MOST, _VALIDATION = 0.8, 750, 0.2
_STEPS, _PEER_STEPS = 80, 300
_NO_CORES = "Could not find the number of physical cores"
_WELL_POSED, _SHUT = SpectralBall(0.5), SpectralBall(1e-9)


@dataclass(frozen=True)
class Outcome:
    """One method on one division of the data.

    Attributes
    ----------
    method : str
    seed : int
    error : float
        Of the test part: root mean squared error in units of the target, or percentage of wrong
        classes.
    setting : float
        What the validation part chose.
    seconds : float
        For all settings.
    certified : bool or None
        Whether a proof was found that every input has one state; None where there is no state.
    """

    method: str
    seed: int
    error: float
    setting: float
    seconds: float
    certified: bool | None = None


@dataclass(frozen=True, eq=False)
class Comparison:
    """All methods on one table of data.

    Attributes
    ----------
    data : str
    unit : str
        Of the errors.
    note : str
        What the page must say of the data.
    outcomes : tuple of Outcome
    """

    data: str
    unit: str
    note: str
    outcomes: tuple = field(repr=False)

    @property
    def methods(self):
        """Names of the methods, in the order in which they were run."""
        return tuple(dict.fromkeys(outcome.method for outcome in self.outcomes))

    def errors(self, method):
        """Return the test errors of a method, one a seed."""
        return np.array([one.error for one in self.outcomes if one.method == method])

    def ratio(self, method):
        """Return the median error of a method relative to that of the ordinary network."""
        return float(np.median(self.errors(method)) / np.median(self.errors(NETWORK)))

    @property
    def rows(self):
        """Median error, quartiles, ratio and median seconds of each method, in a row."""
        rows = []
        for method in self.methods:
            low, middle, high = np.percentile(self.errors(method), [25, 50, 75])
            seconds = [one.seconds for one in self.outcomes if one.method == method]
            rows.append({
                "method": method,
                f"median error ({self.unit})": float(middle),
                "quartiles": f"{low:.3g} to {high:.3g}",
                "ratio": self.ratio(method),
                "seconds": float(np.median(seconds)),
            })  # fmt: skip
        return tuple(rows)


@dataclass(frozen=True, eq=False)
class _Division:
    """A table cut into parts to fit, to choose and to test; inputs as the first part says."""

    fit: tuple
    choose: tuple
    test: tuple
    scale: float | None

    def error(self, model, part):
        """Return the root mean squared error in units of the target, or the wrong per cent."""
        U, y = part
        if self.scale is None:
            return 100.0 * float(np.mean(model.predict(U) != y))
        return self.scale * float(np.sqrt(np.mean((model.predict(U) - y) ** 2)))


def compare_methods(name, *, seeds=range(10), methods=None, steps=_STEPS):
    """Fit methods on several divisions of a table of data.

    Parameters
    ----------
    name : {"energy", "concrete", "diabetes", "digits"}
    seeds : iterable of int
    methods : iterable of str, optional
        Some of the methods, in this order; all of them by default.
    steps : int
        Most iterations of an implicit network by gradients, half of them after another method;
        ordinary networks have 300.

    Returns
    -------
    Comparison
    """
    U, y, unit, note = _load(name)
    outcomes = []
    for seed in seeds:
        division = _divide(U, y, seed)
        done = {}
        for method in METHODS if methods is None else methods:
            outcomes.append(_run(method, division, seed, steps, done))
    return Comparison(name, unit, note, tuple(outcomes))


def compare_gradients(*, hidden=20, samples=50, random_state=0):
    """Return the largest relative gap between gradients and central differences, by loss."""
    rng = np.random.default_rng(random_state)
    U = rng.standard_normal((samples, 4))
    rule = random_weights(4, hidden, 3, rng)
    rule = rule._replace(A=rng.standard_normal((3, hidden)), B=rng.standard_normal((3, 4)))
    targets = {
        "squared": rng.standard_normal((samples, 3)),
        "logistic": np.eye(3)[rng.integers(3, size=samples)],
    }
    return {loss: _largest_gap(rule, U, Y, loss, rng) for loss, Y in targets.items()}


def _largest_gap(rule, U, Y, loss, rng, step=1e-6):
    options = {"loss": loss, "ridge": 0.1, "tol": 1e-13}
    found = equilibrium_gradient(rule, U, Y, **options)
    gaps = []
    for name, block, gradient in zip(rule._fields, rule, found.gradients):
        direction = rng.standard_normal(block.shape)
        ahead, behind = (
            equilibrium_gradient(rule._replace(**{name: block + s * direction}), U, Y, **options)
            for s in (step, -step)
        )
        slope = (ahead.value - behind.value) / (2 * step)
        gaps.append(abs(np.vdot(gradient, direction) - slope) / max(abs(slope), 1e-3))
    return float(max(gaps))


def compare_with_blocks(rows, *, hidden=100, steps=60):
    """Train on data of known rules by gradients, about as long as block by block.

    Parameters
    ----------
    rows : sequence of SeedRow
        What training block by block has reached on some seeds.
    hidden, steps : int

    Returns
    -------
    list of float
        Its test error, divided by that of training by gradients.
    """
    ratios = []
    for row in rows:
        U, Y, test_U, test_Y = draw_known_rule(row.seed)
        network = implicit_network(
            U, Y, hidden, method="implicit_gradient", max_iter=steps, tol=0, random_state=row.seed
        )
        ratios.append(row.after_refit / root_mean_square(network.predict(test_U) - test_Y))
    return ratios


def summarise(comparisons):
    """Return one row a method: its ratio to the ordinary network on every table."""
    rows = []
    for method in comparisons[0].methods:
        certified = [
            one.certified
            for comparison in comparisons
            for one in comparison.outcomes
            if one.method == method and one.certified is not None
        ]
        share = f"{sum(certified)} of {len(certified)}" if certified else "no state"
        ratios = {comparison.data: comparison.ratio(method) for comparison in comparisons}
        rows.append({"method": method, **ratios, "certified fits": share})
    return tuple(rows)


def _load(name):
    """Return inputs, targets, the unit of their error, and a note on the data."""
    if name == "diabetes":
        return *load_diabetes(return_X_y=True), "points", ""
    if name == "digits":
        return *load_digits(return_X_y=True), "% wrong", ""
    table = datasets.load_or_simulate(name)
    unit = "units of the target" if table.note else _UNITS[name]
    return table.inputs, table.targets[:, 0], unit, table.note


_UNITS = {"energy": "kWh/m²", "concrete": "MPa"}


def _divide(U, y, seed):
    order = np.random.default_rng(seed).permutation(len(y))
    n_training = min(round(_TRAINING * len(y)), _MOST)
    n_test = len(y) - n_training
    parts = np.split(order, [n_test, n_test + round(_VALIDATION * n_training)])
    fit = parts[-1]
    means, spread = U[fit].mean(axis=0), U[fit].std(axis=0)
    U = (U - means) / np.where(spread > 0, spread, 1.0)
    scale = None
    if y.dtype.kind == "f":
        scale = float(y[fit].std())
        y = (y - y[fit].mean()) / scale
    test, choose, fit = ((U[part], y[part]) for part in parts)
    return _Division(fit, choose, test, scale)


def _run(method, division, seed, steps, done):
    """Fit a method with each of its settings, and test the one that validates best."""
    models, seconds = _fits(method, division, seed, steps, done)
    best = _best(models, division)
    error = division.error(models[best], division.test)
    certificate = getattr(models[best], "certificate_", None)
    certified = None if certificate is None else bool(certificate.certified)
    return Outcome(method, seed, error, METHODS[method].settings[best], seconds, certified)


def _fits(method, division, seed, steps, done):
    """Return one model a setting and the seconds they took, those of their start included."""
    if method not in done:
        build, settings, before = METHODS[method]
        start, seconds = None, 0.0
        if before:
            starts, seconds = _fits(before, division, seed, steps, done)
            start = starts[_best(starts, division)].result_.weights
        started = time.perf_counter()
        with warnings.catch_warnings():
            for kind in (ConvergenceWarning, PeerWarning):
                warnings.simplefilter("ignore", kind)
            warnings.filterwarnings("ignore", _NO_CORES)
            models = [build(division, setting, seed, steps, start) for setting in settings]
        done[method] = models, seconds + time.perf_counter() - started
    return done[method]


def _best(models, division):
    return int(np.argmin([division.error(model, division.choose) for model in models]))


def _linear(division, ridge, seed, steps, start):
    kind = RidgeClassifier if division.scale is None else Ridge
    return kind(alpha=ridge * len(division.fit[1])).fit(*division.fit)


def _boosting(division, leaves, seed, steps, start):
    classes = division.scale is None
    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    model = kind(
        max_leaf_nodes=leaves, max_iter=30 if classes else 200,
        learning_rate=0.3 if classes else 0.1, early_stopping=False, random_state=seed,
    )  # fmt: skip
    return model.fit(*division.fit)


def _perceptron(division, ridge, seed, steps, start):
    kind = MLPClassifier if division.scale is None else MLPRegressor
    model = kind(
        hidden_layer_sizes=(100,), solver="lbfgs", alpha=ridge * len(division.fit[1]),
        max_iter=_PEER_STEPS, random_state=seed,
    )  # fmt: skip
    return model.fit(*division.fit)


def _implicit(method, **options):
    """Return how to fit an implicit rule by a method, whose setting is the option left out."""
    name = "lam" if method == "biconvex" else "ridge"
    options = {"hidden": HIDDEN, "well_posed": _WELL_POSED, "method": method, **options}

    def build(division, setting, seed, steps, start):
        kind = ImplicitClassifier if division.scale is None else ImplicitRegressor
        model = kind(init=start, random_state=seed, **options, **{name: setting})
        if method == "implicit_gradient":
            model.set_params(max_iter=steps if start is None else steps // 2)
        return model.fit(*division.fit)

    return build


class _Method(NamedTuple):
    """How to fit with one setting, the settings, and the method whose fits are the starts."""

    build: Callable
    settings: tuple
    before: str | None = None


NETWORK = "network, 100 units"
METHODS = {
    "linear": _Method(_linear, RIDGES),
    "gradient boosting": _Method(_boosting, TREES),
    NETWORK: _Method(_perceptron, RIDGES),
    "random features, 100 units": _Method(_implicit("random_features", hidden=100), RIDGES),
    "biconvex": _Method(_implicit("biconvex"), LAMS),
    "biconvex, then gradient": _Method(_implicit("implicit_gradient"), RIDGES, "biconvex"),
    "implicit gradient": _Method(_implicit("implicit_gradient"), RIDGES),
    "implicit gradient, D = 0": _Method(_implicit("implicit_gradient", well_posed=_SHUT), RIDGES),
}
