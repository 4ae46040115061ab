"""Newton steps on the mass of the data reach the optimum, quadratically, and never raise it."""

import numpy as np
import pytest
import scipy.sparse as sp
from contracts.instances import convex_optimum, generators
from contracts.problems import PLAIN, all_divergences, divergence
from contracts.update import UpdateContract

from multiconvex import ConstrainedNewton, KullbackLeibler, NonNegative, kkt_residual, nnkl
from multiconvex.regression import DivergenceRegression
from multiconvex.updates.constrained_newton import _search, _second_order, minimise_on_simplex


class TestConstrainedNewton(UpdateContract):
    update = ConstrainedNewton()
    settle = 60

    def problems(self, scale=1.0):
        return all_divergences(scale, PLAIN)


class TestWeighted(TestConstrainedNewton):
    def problems(self, scale=1.0):
        return [
            divergence(scale, NonNegative(0.3)),
            divergence(scale, NonNegative(0.3), sparse=True),
        ]


@pytest.mark.parametrize("l1", [0.0, 0.3])
def test_limit_is_the_convex_optimum(l1):
    for rng in generators(3):
        W, y = rng.random((8, 4)), rng.random(8)
        fit = nnkl(W, y, update=ConstrainedNewton(), l1=l1, tol=1e-15)
        best = convex_optimum(W, y, loss="kullback-leibler", l1=l1)
        np.testing.assert_allclose(fit.objective, best, rtol=1e-7, atol=1e-9)
        assert kkt_residual(W, y, fit.x, loss="kullback-leibler", l1=l1) < 1e-7


def test_a_few_steps_give_all_digits():
    for rng in generators(10):
        W, Y = rng.random((40, 5)) + 0.05, rng.poisson(20.0, (40, 6)).astype(float)
        fit = nnkl(W, Y, update=ConstrainedNewton(steps=1), max_iter=10, tol=0)
        assert kkt_residual(W, Y, fit.x, loss="kullback-leibler") < 1e-9


@pytest.mark.parametrize("l1", [0.0, 0.7])
def test_every_row_has_the_mass_of_its_data(l1):
    rng = np.random.default_rng(0)
    W, Y = rng.random((9, 4)), rng.poisson(3.0, (9, 6)).astype(float)
    problem = DivergenceRegression(W, Y, KullbackLeibler(), NonNegative(l1))
    block, _ = ConstrainedNewton(steps=1)(problem, (rng.random((6, 4)),), 0, None)
    np.testing.assert_allclose(block @ (W.sum(axis=0) + l1), Y.sum(axis=0), rtol=1e-9)


def test_monotone_from_far_on_sparse_counts():
    for rng in generators(20):
        W, Y = rng.gamma(0.2, size=(20, 4)) + 1e-6, rng.poisson(0.5, (20, 15)).astype(float)
        init = 10.0 ** rng.uniform(-6, 4, (4, 15))
        fit = nnkl(W, Y, update=ConstrainedNewton(), init=init, max_iter=20, tol=0)
        objective = fit.trace.objective
        assert np.all(np.diff(objective) <= 1e-10 * (1.0 + objective[:-1]))


def test_derivatives_agree_with_differences_and_with_each_other():
    rng = np.random.default_rng(2)
    h, y, t = rng.random((4, 12)), rng.poisson(3.0, 12) + 1.0, rng.random(4) + 0.2

    def pull(t):
        return _second_order(y, h, h.T @ t)[1]

    curvature, _ = _second_order(y, h, h.T @ t)
    step = 1e-6
    for q, unit in enumerate(np.eye(4)):
        change = (pull(t + step * unit) - pull(t - step * unit)) / (2 * step)
        np.testing.assert_allclose(-change, curvature[q], rtol=1e-7)
    np.testing.assert_allclose(curvature @ t, pull(t), rtol=1e-12)


def test_the_model_is_minimised_exactly():
    import cvxpy

    for rng in generators(20):
        rank = int(rng.integers(1, 7))
        root = rng.standard_normal((rank + 1, rank))
        matrix, linear = root.T @ root, rng.standard_normal(rank)
        weights = rng.random(rank) + 0.1
        v = rng.random(rank) * (rng.random(rank) > 0.4) + np.eye(rank)[0]
        mass = weights @ v
        u = cvxpy.Variable(rank, nonneg=True)
        cost = cvxpy.quad_form(u, cvxpy.psd_wrap(matrix)) / 2 - linear @ u
        best = cvxpy.Problem(cvxpy.Minimize(cost), [weights @ u == mass]).solve(
            solver=cvxpy.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10
        )
        minimise_on_simplex(matrix, linear, weights, v)
        assert v.min() >= 0.0
        np.testing.assert_allclose(weights @ v, mass, rtol=1e-10)
        np.testing.assert_allclose(0.5 * v @ matrix @ v - linear @ v, best, atol=1e-7)


def test_a_step_that_empties_the_model_under_a_count_is_halved():
    y, h = np.array([1.0, 100.0]), np.eye(2)
    for left, expected in ((1e-9, [0.5, 1.5]), (1e-3, [1e-3, 2.0])):
        t, z, along = np.ones(2), np.ones(2), np.empty(2)
        assert _search(y, h, y, np.array([left, 2.0]), t, z, along)
        np.testing.assert_allclose(t, expected, rtol=1e-6)


def test_entries_at_zero_can_grow_again():
    problem = DivergenceRegression(np.eye(2) + 0.1, np.ones((2, 1)), KullbackLeibler(), PLAIN)
    x = np.array([[0.0, 2.0]])
    for _ in range(5):
        x, _ = ConstrainedNewton()(problem, (x,), 0, None)
    np.testing.assert_allclose(x, 1.0 / 1.2, rtol=1e-9)


def test_more_components_than_data_do_no_harm():
    rng = np.random.default_rng(5)
    W, Y = rng.random((3, 8)), rng.random((3, 5))
    fit = nnkl(W, Y, update=ConstrainedNewton(), max_iter=60, tol=0)
    assert fit.objective <= convex_optimum(W, Y, loss="kullback-leibler") + 1e-6


def test_sparse_data_give_the_same_iterates():
    rng = np.random.default_rng(0)
    W = rng.random((30, 5))
    Y = sp.csr_array(sp.random_array((30, 8), density=0.3, rng=rng))
    dense, stored = (
        nnkl(W, data, update=ConstrainedNewton(), max_iter=5, tol=0) for data in (Y.toarray(), Y)
    )
    np.testing.assert_allclose(dense.x, stored.x, rtol=1e-10, atol=1e-14)


def test_ridge_is_refused_with_a_sentence():
    with pytest.raises(TypeError, match="without l2, whose solutions do not have the mass"):
        nnkl(np.eye(2), np.ones(2), update=ConstrainedNewton(), l2=0.1)


def test_impossible_options_are_refused():
    with pytest.raises(ValueError, match="steps must be an integer"):
        ConstrainedNewton(steps=0)
