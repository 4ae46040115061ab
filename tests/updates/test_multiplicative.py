"""Multiplicative updates are monotone for the documented cost and reach the convex optimum."""

import numpy as np
import pytest
from contracts.instances import convex_optimum, generators
from contracts.problems import (
    PLAIN,
    all_divergences,
    all_quadratics,
    divergence,
    divergence_factors,
)
from contracts.update import UpdateContract

from multiconvex import (
    BetaDivergence,
    Frobenius,
    KullbackLeibler,
    MultiplicativeUpdate,
    NonNegative,
    kkt_residual,
    nnkl,
    nnls,
    rank_one,
)
from multiconvex.regression import DivergenceRegression, LeastSquaresRegression

WEIGHTS = [(0.0, 0.0), (0.3, 0.0), (0.0, 0.5), (0.3, 0.5)]
EPS = 1e-10


class TestFrobenius(UpdateContract):
    update = MultiplicativeUpdate()
    settle = 30000

    def problems(self, scale=1.0):
        return all_quadratics(scale, PLAIN)


class TestKullbackLeibler(UpdateContract):
    update = MultiplicativeUpdate()
    settle = 20000

    def problems(self, scale=1.0):
        return all_divergences(scale, PLAIN)


class TestBetaDivergence(UpdateContract):
    update = MultiplicativeUpdate(sweeps=3)
    settle = 5000

    def problems(self, scale=1.0):
        loss = BetaDivergence(1.4)
        return [divergence(scale, PLAIN, loss), divergence_factors(scale, PLAIN, loss)]


class TestWeighted(TestKullbackLeibler):
    def problems(self, scale=1.0):
        return [
            divergence(scale, NonNegative(0.3, 0.4 / scale)),
            divergence(scale, NonNegative(0.3, 0.4 / scale), sparse=True),
        ]


def random_regression(rng):
    m, r = rng.integers(3, 9, 2)
    W = rng.random((m, r)) + 1e-3
    return W, rng.random(m) * (rng.random(m) > 0.2) + 1e-3 * np.eye(m)[0], rng.random(r) + 0.1


def descend(problem, x, floor, passes):
    """Return the objectives of repeated single passes."""
    rule, costs = MultiplicativeUpdate(floor=floor), [problem.objective((x,))]
    for _ in range(passes):
        x, _ = rule(problem, (x,), 0, None)
        costs.append(problem.objective((x,)))
    return np.array(costs)


@pytest.mark.parametrize(
    "loss", [KullbackLeibler(), BetaDivergence(1.3), BetaDivergence(1.7), None]
)
@pytest.mark.parametrize(("l1", "l2"), WEIGHTS)
@pytest.mark.parametrize("floor", [1e-12, 1e-8])
def test_monotone(loss, l1, l2, floor):
    if isinstance(loss, BetaDivergence):
        l1 = l2 = 0.0
    for rng in generators(20, seed=9):
        W, y, x = random_regression(rng)
        penalty = NonNegative(l1, l2)
        if loss is None:
            problem = LeastSquaresRegression(W, y[:, None], penalty)
        else:
            problem = DivergenceRegression(W, y[:, None], loss, penalty)
        costs = descend(problem, x[None, :], floor, 40)
        assert np.diff(costs).max() <= EPS * (1.0 + costs[0])


@pytest.mark.parametrize(("l1", "l2"), WEIGHTS)
def test_least_squares_limit_is_the_convex_optimum(l1, l2):
    for rng in generators(2):
        W, y = rng.random((8, 4)), rng.random(8)
        rule = MultiplicativeUpdate(sweeps=100)
        fit = nnls(W, y, update=rule, l1=l1, l2=l2, tol=1e-14, max_iter=2000)
        best = nnls(W, y, l1=l1, l2=l2).objective
        np.testing.assert_allclose(best, convex_optimum(W, y, l1=l1, l2=l2), rtol=1e-7)
        np.testing.assert_allclose(fit.objective, best, rtol=1e-6)


@pytest.mark.parametrize(("l1", "l2"), WEIGHTS)
def test_kullback_leibler_limit_is_the_convex_optimum(l1, l2):
    for rng in generators(2):
        W, y = rng.random((8, 4)), rng.random(8)
        fit = nnkl(W, y, l1=l1, l2=l2, tol=1e-14, max_iter=50000)
        best = convex_optimum(W, y, loss="kullback-leibler", l1=l1, l2=l2)
        np.testing.assert_allclose(fit.objective, best, rtol=1e-6, atol=1e-9)


def test_one_column_is_solved_at_once():
    for rng in generators(5):
        w, Y = rng.random((6, 1)), rng.random((6, 3))
        x = nnkl(w, Y, max_iter=1, tol=0).x
        np.testing.assert_allclose(x, Y.sum(axis=0)[None, :] / w.sum(), rtol=1e-13)


def test_identity_design_is_solved_at_once():
    y = np.array([3.0, 0.5, 2.0])
    init = np.array([1.0, 7.0, 0.1])
    np.testing.assert_allclose(nnkl(np.eye(3), y, init=init, max_iter=1, tol=0).x, y, rtol=1e-14)


def test_one_step_gives_the_model_the_mass_of_the_data():
    for rng in generators(10):
        W, Y = rng.random((9, 4)), rng.random((9, 6))
        x = nnkl(W, Y, init=rng.random((4, 6)) + 0.1, max_iter=1, tol=0).x
        np.testing.assert_allclose((W @ x).sum(axis=0), Y.sum(axis=0), rtol=1e-12)


def test_optimum_has_the_mass_of_the_data_and_scales_with_it():
    for rng in generators(3):
        W, y = rng.random((9, 3)), rng.random(9)
        fit = nnkl(W, y, tol=1e-15, max_iter=50000)
        np.testing.assert_allclose((W @ fit.x).sum(), y.sum(), rtol=1e-10)
        wide = nnkl(W, 7.0 * y, tol=1e-15, max_iter=50000)
        np.testing.assert_allclose(wide.objective, 7.0 * fit.objective, rtol=1e-9)


def test_model_is_unique_only_where_there_are_data():
    W, y = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]), np.array([1.0, 0.0, 0.0])
    costs = [KullbackLeibler().value(y, W @ (np.array([t, 1 - t]) / 2)) for t in (0.1, 0.4, 0.9)]
    np.testing.assert_allclose(costs, costs[0], rtol=1e-14)
    np.testing.assert_allclose(nnkl(W, y).objective, costs[0], rtol=1e-12)


def test_rank_one_factors_reach_the_closed_form():
    X = np.random.default_rng(0).random((6, 5))
    problem, x = divergence_factors(1.0, PLAIN)(np.random.default_rng(1))
    problem = type(problem)(X, 1, KullbackLeibler(), (PLAIN, PLAIN))
    x = (np.ones((6, 1)), np.ones((5, 1)))
    for _ in range(5):
        for k in range(2):
            x = (*x[:k], MultiplicativeUpdate()(problem, x, k, None)[0], *x[k + 1 :])
    w, h = rank_one(X, loss="kullback-leibler")
    np.testing.assert_allclose(x[0] @ x[1].T, w @ h.T, rtol=1e-12)


def test_floor_lets_entries_leave_zero():
    W, y = np.eye(2), np.array([1.0, 1.0])
    start = np.array([[0.0, 1.0]])
    problem = DivergenceRegression(W, y[:, None], KullbackLeibler(), PLAIN)
    locked, _ = MultiplicativeUpdate(sweeps=60, floor=0.0)(problem, (start,), 0, None)
    freed, _ = MultiplicativeUpdate(sweeps=60)(problem, (start,), 0, None)
    assert locked[0, 0] == 0.0
    np.testing.assert_allclose(freed, [[1.0, 1.0]], rtol=1e-6)


def test_gradient_ratio_and_majorant_share_their_limit():
    """The ratio with penalty gradients in the denominator is another rule to the same optimum."""
    for rng in generators(3):
        W, y, l1, l2 = rng.random((8, 3)), rng.random(8), 0.2, 0.3
        x = np.ones(3)
        for _ in range(20000):
            x = x * (W.T @ (y / (W @ x))) / (W.sum(axis=0) + l1 + l2 * x)
        fit = nnkl(W, y, l1=l1, l2=l2, tol=1e-16, max_iter=50000)
        np.testing.assert_allclose(fit.x, x, rtol=1e-4, atol=1e-6)
        assert kkt_residual(W, y, x, loss="kullback-leibler", l1=l1, l2=l2) < 1e-6


def test_sweeps_are_repeated_passes():
    problem, x = divergence(1.0, PLAIN)(np.random.default_rng(3))
    thrice, _ = MultiplicativeUpdate(sweeps=3)(problem, x, 0, None)
    for _ in range(3):
        x = (MultiplicativeUpdate()(problem, x, 0, None)[0],)
    np.testing.assert_allclose(thrice, x[0], rtol=1e-12)


def test_half_and_full_losses_are_those_documented():
    y, z = np.array([3.0, 1.0]), np.array([1.0, 2.0])
    assert Frobenius().value(y, z) == 2.5


@pytest.mark.parametrize("options", [{"sweeps": 0}, {"sweeps": 1.5}, {"floor": -1.0}])
def test_impossible_options_are_refused(options):
    with pytest.raises((TypeError, ValueError), match=f"{next(iter(options))} must be a"):
        MultiplicativeUpdate(**options)
