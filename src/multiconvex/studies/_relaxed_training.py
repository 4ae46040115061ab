"""Block-by-block training of implicit rules: what it needs, and what it reaches."""

from dataclasses import dataclass

import numpy as np

from multiconvex.datasets import make_implicit_data, make_noisy_sine
from multiconvex.implicit_rules.equilibria import equilibrium
from multiconvex.models.implicit import ImplicitNetwork, implicit_network
from multiconvex.models.implicit_biconvex import rule_from, settled

_TRAINING = 1000
_TEST = 4000
VARIANTS = {
    "recommended": {},
    "no tether on D": {"tether": 0.0},
    "no ridge on A": {"training_ridge": 1e-8},
}


@dataclass(frozen=True, eq=False)
class Path:
    """One fit, sweep by sweep.

    Attributes
    ----------
    network : ImplicitNetwork
    relaxed : ndarray
        Root mean squared training error of the trained states.
    exact : ndarray
        The same of the equilibrium, with the readout of the sweep.
    test : ndarray
        Test error of the equilibrium, its readout fitted again.
    """

    network: ImplicitNetwork
    relaxed: np.ndarray
    exact: np.ndarray
    test: np.ndarray


@dataclass(frozen=True, eq=False)
class RelaxedCurve:
    """A fit of a noisy sine with one weight of the divergence.

    Attributes
    ----------
    inputs, targets : ndarray, shape (m, 1)
    relaxed : ndarray, shape (m, 1)
        What the readout makes of the trained states.
    places, exact, truth : ndarray
        A grid, and the prediction by the equilibrium and the sine there.
    gap : float
    """

    inputs: np.ndarray
    targets: np.ndarray
    relaxed: np.ndarray
    places: np.ndarray
    exact: np.ndarray
    truth: np.ndarray
    gap: float


@dataclass(frozen=True)
class SeedRow:
    """Test errors of one seed; for the sine they are divided by the noise of the test set."""

    seed: int
    before: float
    after: float
    after_refit: float
    random_features: float
    linear: float
    certified: bool


def root_mean_square(error):
    """Return the root of the mean of squares."""
    return float(np.sqrt(np.mean(np.square(error))))


def draw_known_rule(seed, directions=2, training=_TRAINING, test=_TEST):
    """Return training and test data of an implicit rule with 10 inputs and 300 hidden units."""
    data = make_implicit_data(training + test, directions=directions, random_state=seed)
    return tuple(
        part for rows in _parts(training) for part in (data.inputs[rows], data.targets[rows])
    )


def draw_sine(seed, training=_TRAINING, test=10 * _TRAINING):
    """Return training and test data of a sine of noise 0.1, and the noise of the test set."""
    data = make_noisy_sine(training + test, random_state=seed)
    inputs = data.inputs / data.inputs.std()
    first, last = _parts(training)
    noise = root_mean_square(data.targets[last] - data.clean[last])
    return (inputs[first], data.targets[first], inputs[last], data.targets[last]), noise


def _parts(training):
    return slice(None, training), slice(training, None)


def follow_variants(variants=VARIANTS, seed=0, hidden=100, max_iter=20, **sizes):
    """Return a :class:`Path` for each variant of the training, on data of one known rule."""
    data = draw_known_rule(seed, **sizes)
    return {
        name: _follow(data, seed, hidden, max_iter, options) for name, options in variants.items()
    }


def _follow(data, seed, hidden, max_iter, options):
    U, Y, test_U, test_Y = data
    lines = []

    def watch(sweep):
        rule = rule_from(sweep.blocks)
        X = sweep.blocks["states"]
        refitted, states = settled(rule, U, Y, None)
        tested = refitted.readout(equilibrium(*rule[:3], test_U).states, test_U)
        errors = rule.readout(X, U) - Y, rule.readout(states, U) - Y, tested - test_Y
        lines.append([root_mean_square(error) for error in errors])

    start = implicit_network(U, Y, hidden, method="random_features", random_state=seed)
    network = implicit_network(
        U, Y, hidden, random_state=seed, max_iter=max_iter, callback=watch, **options
    )
    first = root_mean_square(start.predict(test_U) - test_Y)
    relaxed, exact, test = np.array(lines).T
    return Path(network, relaxed, exact, np.concatenate([[first], test]))


def fit_relaxed(lams=(0.001, 0.01, 0.1, 1.0, 10.0), seed=0, hidden=100, training_ridge=0.01):
    """Return a :class:`RelaxedCurve` for each weight of the divergence, on one noisy sine."""
    (U, Y, _, _), _ = draw_sine(seed, test=1)
    places = np.linspace(U.min(), U.max(), 200)[:, None]
    scale = np.pi / np.abs(U).max()
    curves = {}
    for lam in lams:
        network = implicit_network(
            U, Y, hidden, lam=lam, training_ridge=training_ridge, ridge=training_ridge,
            max_iter=10, random_state=seed,
        )  # fmt: skip
        rule = rule_from(network.blocks)
        relaxed = rule.readout(network.blocks["states"], U)
        truth = np.sin(scale * places)
        curves[lam] = RelaxedCurve(
            U, Y, relaxed, places, network.predict(places), truth, network.gap
        )
    return curves


def raise_weights(seed=0, hidden=100, dual_steps=3, max_iter=5, **sizes):
    """Return a fit with dual steps, and its error on the test data of a known rule."""
    U, Y, test_U, test_Y = draw_known_rule(seed, **sizes)
    network = implicit_network(
        U, Y, hidden, dual_steps=dual_steps, max_iter=max_iter, random_state=seed
    )
    return network, root_mean_square(network.predict(test_U) - test_Y)


def compare_known_rules(seeds=range(10), hidden=100, directions=2, **sizes):
    """Return a :class:`SeedRow` for each seed, on data of known rules."""
    return [
        _seed_row(seed, draw_known_rule(seed, directions, **sizes), 1.0, hidden, {})
        for seed in seeds
    ]


def compare_sines(seeds=range(10), hidden=100, ridge=0.01, lam=30.0, max_iter=15, **sizes):
    """Return a :class:`SeedRow` for each seed, on noisy sines."""
    rows = []
    for seed in seeds:
        data, noise = draw_sine(seed, **sizes)
        options = {"lam": lam, "training_ridge": ridge, "max_iter": max_iter}
        rows.append(_seed_row(seed, data, noise, hidden, options))
    return rows


def _seed_row(seed, data, unit, hidden, options):
    U, Y, test_U, test_Y = data
    ridge = options.get("training_ridge", 1.0)

    def error(network):
        return root_mean_square(network.predict(test_U) - test_Y) / unit

    def features(weight):
        return implicit_network(
            U, Y, hidden, method="random_features", ridge=weight, random_state=seed
        )

    trained = implicit_network(U, Y, hidden, ridge=ridge, random_state=seed, **options)
    refitted = implicit_network(
        U, Y, hidden, method="random_features", init=trained.weights, random_state=seed
    )
    linear = np.linalg.lstsq(_with_ones(U), Y, rcond=None)[0]
    return SeedRow(
        seed,
        before=error(features(ridge)),
        after=error(trained),
        after_refit=error(refitted),
        random_features=error(features(None)),
        linear=root_mean_square(_with_ones(test_U) @ linear - test_Y) / unit,
        certified=bool(refitted.certificate.certified and trained.eigenvalues.min() > -1e-9),
    )


def _with_ones(U):
    return np.hstack([U, np.ones((len(U), 1))])
