"""Training by gradients: a descent within the set, whose minimisers are known in simple cases."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from multiconvex import (
    ImplicitWeights,
    Intersection,
    MonotoneSet,
    NonNegative,
    RowL1Ball,
    SpectralBall,
    equilibrium,
    equilibrium_gradient,
    implicit_network,
)
from multiconvex.models.implicit_biconvex import rule_from
from multiconvex.models.implicit_gradient import gauge_slope, train
from multiconvex.models.implicit_start import random_weights

SETS = {
    "spectral": SpectralBall(0.4),
    "rows": RowL1Ball(0.7),
    "monotone": MonotoneSet(),
    "weighted": MonotoneSet(np.linspace(0.5, 2.0, 8), modulus=0.7),
    "both": Intersection(SpectralBall(0.9), MonotoneSet(modulus=0.8)),
}
quiet = pytest.mark.filterwarnings("ignore::multiconvex.ConvergenceWarning")


@pytest.fixture
def data():
    rng = np.random.default_rng(5)
    U = rng.standard_normal((80, 3))
    return U, np.column_stack([np.abs(U[:, 0]) - U[:, 1], np.maximum(U[:, 2], 0.2)])


@pytest.fixture
def start():
    return random_weights(3, 8, 2, np.random.default_rng(1))


@pytest.mark.parametrize("name", SETS)
def test_slopes_of_gauges_agree_with_differences(name):
    rng = np.random.default_rng(2)
    x, direction = rng.standard_normal((2, 8, 8))
    gauge, slope = SETS[name].gauge, gauge_slope(SETS[name], x)
    difference = (gauge(x + 1e-6 * direction) - gauge(x - 1e-6 * direction)) / 2e-6
    assert np.vdot(slope, direction) == pytest.approx(difference, rel=1e-6, abs=1e-8)
    assert np.vdot(slope, x) == pytest.approx(gauge(x))


def test_only_sets_with_a_gauge(start, data):
    with pytest.raises(TypeError, match="needs a well-posed set, got NonNegative"):
        gauge_slope(NonNegative(), start.D)


@quiet
@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("name", SETS)
def test_every_step_descends_within_the_set(name, loss, start, data):
    U, Y = data
    Y = Y if loss == "squared" else np.eye(2)[(Y[:, 0] > 0).astype(int)]
    seen = []

    def look(sweep):
        D = sweep.blocks["weights"][:, :8]
        seen.append((sweep.objective, SETS[name].gauge(D)))

    options = {"loss": loss, "ridge": 1e-3, "max_iter": 40, "tol": 0}
    fit = train(start, U, Y, SETS[name], callback=look, **options)
    values, gauges = np.transpose(seen)
    assert np.all(np.diff(fit.trace.objective) <= 1e-6 * fit.trace.objective[:-1])
    assert gauges.max() <= 1.0 + 1e-12
    assert gauges[-1] == pytest.approx(1.0)
    np.testing.assert_array_equal(values, fit.trace.objective[1:])
    assert fit.objective < 0.7 * fit.trace.objective[0]


@quiet
def test_the_objective_is_that_of_the_blocks(start, data):
    U, Y = data
    fit = train(start, U, Y, SETS["monotone"], ridge=0.01, max_iter=20, tol=0)
    found = equilibrium_gradient(rule_from(fit.blocks), U, Y, ridge=0.01)
    assert fit.objective == pytest.approx(found.value, rel=1e-6)
    np.testing.assert_allclose(fit.blocks["states"], found.states, atol=1e-4)
    size = np.abs(found.gradients.A).max() + np.abs(found.gradients.B).max()
    assert size < 1e-5, "the readout is exact"


@pytest.mark.parametrize("name", ["spectral", "rows", "monotone"])
def test_it_ends_where_no_projected_step_leads_down(name, start, data):
    U, Y = data
    fit = train(start, U, Y, SETS[name], ridge=0.1, max_iter=2000, tol=1e-10)
    assert fit.status == "converged"
    rule = rule_from(fit.blocks)
    pull = equilibrium_gradient(rule, U, Y, ridge=0.1).gradients
    assert np.abs(pull.D).max() > 0.02, "the set is what stops D"
    for step in np.logspace(-4, 0, 9):
        moved = ImplicitWeights(*(w - step * g for w, g in zip(rule, pull)))
        moved = moved._replace(D=SETS[name].prox(moved.D, step))
        value = equilibrium_gradient(moved, U, Y, ridge=0.1).value
        assert value >= fit.objective * (1 - 1e-3)


@quiet
def test_a_planted_rule_is_found_from_nearby():
    rng = np.random.default_rng(8)
    truth = random_weights(3, 5, 1, rng, radius=0.4)
    truth = truth._replace(A=rng.standard_normal((1, 5)), B=rng.standard_normal((1, 3)))
    U = rng.standard_normal((300, 3))
    Y = truth.readout(equilibrium(*truth[:3], U, tol=1e-12).states, U)
    near = truth._replace(
        D=truth.D + 0.05 * rng.standard_normal((5, 5)),
        E=truth.E + 0.05 * rng.standard_normal((5, 3)),
    )
    fit = train(near, U, Y, SpectralBall(0.9), ridge=0.0, max_iter=1000, tol=1e-9)
    assert fit.objective < 1e-5 * fit.trace.objective[0]


def test_with_a_heavy_ridge_on_the_weights_only_a_linear_rule_is_left(data):
    U, Y = data
    still = ImplicitWeights(
        np.zeros((4, 4)), np.zeros((4, 3)), np.full(4, -1.0), np.zeros((2, 4)), np.zeros((2, 3)),
        np.zeros(2),
    )  # fmt: skip
    fit = train(still, U, Y, SpectralBall(0.5), ridge=0.1)
    peer = Ridge(alpha=0.1 * len(U)).fit(U, Y)
    np.testing.assert_allclose(fit.blocks["readout"][:, 4:-1], peer.coef_, atol=1e-10)
    np.testing.assert_allclose(fit.blocks["readout"][:, -1], peer.intercept_, atol=1e-10)


def test_without_active_units_the_logistic_loss_is_a_logistic_regression(data):
    U = data[0]
    classes = (U[:, 0] + 0.5 * U[:, 1] > 0).astype(int)
    still = ImplicitWeights(
        np.zeros((2, 2)), np.zeros((2, 3)), np.full(2, -1.0), np.zeros((2, 2)), np.zeros((2, 3)),
        np.zeros(2),
    )  # fmt: skip
    fit = train(
        still, U, np.eye(2)[classes], SpectralBall(0.5), loss="logistic", ridge=0.02,
        max_iter=500, tol=1e-13,
    )  # fmt: skip
    B = fit.blocks["readout"][:, 2:-1]
    # the difference of two symmetric rows of B, each with half of the ridge
    peer = LogisticRegression(C=2.0 / (0.02 * len(U)), tol=1e-10).fit(U, classes)
    np.testing.assert_allclose(B[1] - B[0], peer.coef_[0], rtol=1e-3)
    np.testing.assert_allclose(B.sum(axis=0), 0.0, atol=1e-8)


@quiet
def test_validation_chooses_the_step(start, data):
    rng = np.random.default_rng(0)
    U, Y = data
    noisy = Y + rng.standard_normal(Y.shape)
    V = rng.standard_normal((200, 3))
    W = np.column_stack([np.abs(V[:, 0]) - V[:, 1], np.maximum(V[:, 2], 0.2)])
    errors = []

    def judge(sweep):
        D, E, f = np.split(sweep.blocks["weights"], [8, 11], axis=1)
        states = equilibrium(D, E, f[:, 0], V).states
        A, B, c = np.split(sweep.blocks["readout"], [8, 11], axis=1)
        errors.append(0.5 * np.sum((states @ A.T + V @ B.T + c[:, 0] - W) ** 2) / len(V))

    options = {"ridge": 1e-6, "max_iter": 200, "tol": 0, "validation": (V, W)}
    fit = train(start, U, noisy, SETS["spectral"], callback=judge, **options)
    best = int(np.argmin(errors)) + 1
    assert fit.status == "stopped" and fit.n_iter == best + 20
    assert fit.trace.event[-1] == "best"
    assert fit.objective == fit.trace.objective[best] > fit.trace.objective[-2]


def test_a_callback_ends_the_fit(start, data):
    fit = train(start, *data, SETS["rows"], callback=lambda sweep: sweep.iteration == 3)
    assert (fit.status, fit.n_iter, len(fit.trace)) == ("stopped", 3, 4)


@quiet
def test_fine_tuning_goes_on_from_a_biconvex_fit(data):
    first = implicit_network(*data, 8, well_posed=SpectralBall(0.5), random_state=0)
    second = implicit_network(
        *data, 8, method="implicit_gradient", well_posed=SpectralBall(0.5), init=first.weights,
        max_iter=30,
    )  # fmt: skip
    before, after = (np.mean((fit.predict(data[0]) - data[1]) ** 2) for fit in (first, second))
    assert after < before
    assert second.certificate.certified
    start = equilibrium_gradient(first.weights, *data, ridge=1e-3).value
    assert second.trace.objective[0] <= start * (1 + 1e-6), "the start with its best readout"


@quiet
def test_the_same_seed_gives_the_same_rule_and_inputs_stay(data):
    copies = [array.copy() for array in data]
    fits = [
        implicit_network(*data, 6, method="implicit_gradient", max_iter=15, random_state=4)
        for _ in range(2)
    ]
    for one, other in zip(*(fit.weights for fit in fits)):
        np.testing.assert_array_equal(one, other)
    for array, copy in zip(data, copies):
        np.testing.assert_array_equal(array, copy)
