"""Implicit networks: their start, their training block by block, and what they refuse."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from multiconvex import (
    ConvergenceWarning,
    SpectralBall,
    certify,
    equilibrium,
    feed_forward,
    implicit_network,
)
from multiconvex.datasets import make_implicit_data
from multiconvex.models.implicit_biconvex import raised, rule_from, rule_of
from multiconvex.models.implicit_start import choose_ridge, fit_readout, random_weights

_DATA = make_implicit_data(700, inputs=4, hidden=40, directions=1, random_state=0)
U, Y = _DATA.inputs[:400], _DATA.targets[:400]
TEST_U, TEST_Y = _DATA.inputs[400:], _DATA.targets[400:]


def error(network):
    return float(np.sqrt(np.mean((network.predict(TEST_U) - TEST_Y) ** 2)))


@pytest.fixture(scope="module")
def start():
    return implicit_network(U, Y, 40, method="random_features", random_state=0)


@pytest.fixture(scope="module")
def trained():
    return implicit_network(U, Y, 40, dual_steps=2, max_iter=6, random_state=0)


class TestStart:
    def test_weights_are_certified_and_rows_have_unit_norm(self):
        rule = random_weights(3, 20, 2, np.random.default_rng(0))
        assert certify(rule.D).spectral_norm == pytest.approx(0.5)
        assert certify(rule.D).lmi_eigenvalue >= 0
        np.testing.assert_allclose(np.sum(rule.E**2, axis=1) + rule.f**2, 1.0)

    def test_the_readout_is_the_ridge_regression_of_scikit_learn(self):
        rng = np.random.default_rng(1)
        rule = random_weights(4, 10, 1, rng)
        states = equilibrium(*rule[:3], U).states
        fitted = fit_readout(rule, states, U, Y, 0.01)
        peer = Ridge(alpha=0.01 * len(U)).fit(np.hstack([states, U]), Y[:, 0])
        np.testing.assert_allclose(
            fitted.readout(states, U)[:, 0], peer.predict(np.hstack([states, U])), rtol=1e-8
        )

    def test_the_ridge_has_the_least_score_of_generalised_cross_validation(self):
        """With the matrix that maps targets to predictions, intercept included."""
        rng = np.random.default_rng(2)
        inputs = rng.standard_normal((60, 3))
        states = np.maximum(inputs @ rng.standard_normal((3, 20)), 0)
        targets = np.sin(inputs[:, :1]) + 0.3 * rng.standard_normal((60, 1))
        features = np.hstack([states, inputs])
        features -= features.mean(axis=0)

        def score(ridge):
            gram = features.T @ features + 60 * ridge * np.eye(23)
            hat = features @ np.linalg.solve(gram, features.T) + 1 / 60
            return np.sum((targets - hat @ targets) ** 2) / (60 - np.trace(hat)) ** 2

        chosen = choose_ridge(states, inputs, targets)
        assert 1e-9 < chosen < 10
        step = 10**0.25
        assert score(chosen) <= min(score(chosen * step), score(chosen / step))

    def test_random_features_train_nothing(self, start):
        assert start.n_iter == 0 and start.gap == 0.0
        assert start.lam is None and start.eigenvalues is None
        assert start.certificate.certified
        exact = equilibrium(*start.weights[:3], U).states
        np.testing.assert_allclose(start.blocks["states"], exact, atol=1e-6)


class TestBiconvex:
    def test_learns_what_random_features_do_not(self, start, trained):
        assert error(trained) < 0.6 * error(start)

    def test_never_rises_between_dual_steps(self, trained):
        trace = trained.trace
        rises = np.diff(trace.objective)
        sweeps = trace.event[1:] != "dual step"
        assert (~sweeps).sum() == 2
        assert rises[sweeps].max() <= 1e-12 * trace.objective[0]
        assert np.all(rises[~sweeps] > 0)

    def test_the_inequality_holds_at_every_sweep(self, trained):
        assert len(trained.eigenvalues) == len(trained.trace)
        assert trained.eigenvalues.min() > -1e-12
        last = rule_from(trained.blocks)
        assert certify(last.D, trained.lam).lmi_eigenvalue == trained.eigenvalues[-1]

    def test_weights_of_units_rise_most_where_the_divergence_is_largest(self):
        rng = np.random.default_rng(0)
        X, inputs = rng.random((6, 3)), np.ones((6, 2))
        block = rng.standard_normal((3, 5))
        lam = raised(np.ones(3), (None, block, X), inputs)
        Z = np.hstack([X, inputs]) @ block.T
        parts = np.mean(0.5 * X**2 + 0.5 * np.maximum(Z, 0) ** 2 - X * Z, axis=0)
        assert np.all(lam > 1) and np.all(lam <= 4)
        np.testing.assert_array_equal(np.argsort(lam), np.argsort(parts))

    def test_predicts_with_the_equilibrium_and_reports_the_gap(self, trained):
        rule = trained.weights
        state = np.zeros(40)
        for _ in range(2000):
            state = np.maximum(rule.D @ state + rule.E @ TEST_U[0] + rule.f, 0)
        expected = rule.A @ state + rule.B @ TEST_U[0] + rule.c
        np.testing.assert_allclose(trained.predict(TEST_U[:1])[0], expected, atol=1e-6)
        exact = equilibrium(*rule_from(trained.blocks)[:3], U, tol=1e-12).states
        distance = np.linalg.norm(trained.blocks["states"] - exact) / np.linalg.norm(exact)
        assert trained.gap == pytest.approx(distance, rel=1e-4)
        assert 0 < trained.gap < 0.2

    def test_raising_the_weights_closes_the_gap(self, trained):
        plain = implicit_network(U, Y, 40, max_iter=18, random_state=0)
        assert plain.n_iter == trained.n_iter == 18
        assert trained.gap < plain.gap

    @pytest.mark.parametrize("name", ["spectral", "inf_norm", "lmi"])
    def test_every_set_gives_a_certified_rule(self, name, start):
        network = implicit_network(U, Y, 40, well_posed=name, max_iter=8, random_state=0)
        assert network.certificate.certified
        assert network.eigenvalues.min() > -1e-12
        assert error(network) < error(start)
        if name == "inf_norm":
            assert network.certificate.inf_norm <= 0.95 * (1 + 1e-9)

    def test_without_a_tether_the_set_is_reached_and_never_left(self):
        network = implicit_network(U, Y, 20, tether=0.0, max_iter=12, random_state=1)
        assert network.eigenvalues.min() > -1e-12
        assert network.eigenvalues.min() < 1e-3

    def test_early_stopping_keeps_the_sweep_of_least_validation_error(self):
        noisy = Y + 0.5 * np.random.default_rng(3).standard_normal(Y.shape)
        options = {"hidden": 40, "lam": 1e-3, "max_iter": 40, "random_state": 0}
        stopped = implicit_network(U, noisy, early_stopping=True, **options)
        assert stopped.status == "stopped" and stopped.n_iter < 40
        assert error(stopped) < error(implicit_network(U, noisy, **options))

    def test_same_seed_same_bytes(self):
        first, second = (
            implicit_network(U, Y, 10, max_iter=3, random_state=5).predict(TEST_U) for _ in range(2)
        )
        assert first.tobytes() == second.tobytes()

    def test_callback_sees_the_blocks_and_stops(self):
        seen = []
        network = implicit_network(
            U, Y, 10, max_iter=9, dual_steps=3, random_state=0,
            callback=lambda sweep: seen.append(sweep.blocks["weights"].shape) or len(seen) == 4,
        )  # fmt: skip
        assert network.status == "stopped" and network.n_iter == 4
        assert seen == [(10, 15)] * 4

    def test_a_tolerance_that_is_not_met_is_announced(self):
        with pytest.warns(ConvergenceWarning, match="all 2 sweeps"):
            implicit_network(U, Y, 10, max_iter=2, tol=1e-9, random_state=0)


class TestOptions:
    def test_starts_where_it_is_told(self):
        layers = [np.eye(4), 0.1 * np.ones((3, 4)), np.ones((1, 3))]
        rule = feed_forward(layers, [np.zeros(4), np.zeros(3), np.zeros(1)])
        network = implicit_network(U, Y, method="random_features", init=rule)
        np.testing.assert_array_equal(network.weights.D, rule.D)
        inside = implicit_network(
            U, Y, method="random_features", init=rule, well_posed=SpectralBall(0.1)
        )
        assert inside.certificate.spectral_norm == pytest.approx(0.1)

    def test_blocks_and_rules_are_the_same_numbers(self, trained):
        rule = rule_from(trained.blocks)
        np.testing.assert_array_equal(
            np.hstack([rule.A, rule.B, rule.c[:, None]]), trained.blocks["readout"]
        )
        again = rule_of(rule, trained.blocks["weights"])
        np.testing.assert_array_equal(again.E, trained.blocks["weights"][:, 40:-1])

    def test_gradient_steps_go_on_from_a_relaxed_fit(self, trained):
        tuned = implicit_network(
            U, Y, 40, method="implicit_gradient", init=trained.weights, ridge=1e-6,
            max_iter=15, tol=0.0,
        )  # fmt: skip
        assert tuned.certificate.certified
        assert error(tuned) < error(trained)

    def test_refuses_what_does_not_go_together(self, trained):
        with pytest.raises(ValueError, match="method must be one of"):
            implicit_network(U, Y, method="sgd")
        with pytest.raises(ValueError, match="well_posed must be one of"):
            implicit_network(U, Y, well_posed="none")
        with pytest.raises(ValueError, match="minimises squared errors"):
            implicit_network(U, Y, loss="logistic")
        with pytest.raises(ValueError, match="early_stopping needs five samples"):
            implicit_network(U[:3], Y[:3], early_stopping=True)
        with pytest.raises(ValueError, match="U must have 4 columns"):
            trained.predict(U[:, :2])
        with pytest.raises(ValueError, match="hidden must be an integer"):
            implicit_network(U, Y, 0)
