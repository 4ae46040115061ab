"""Primal-dual steps converge to the convex optimum, with multipliers only where there are data."""

import numpy as np
import pytest
import scipy.sparse as sp
from contracts.instances import convex_optimum, generators
from contracts.problems import PLAIN, all_divergences, divergence
from contracts.update import UpdateContract

from multiconvex import KullbackLeibler, MultiplicativeUpdate, NonNegative, PrimalDual, nmf, nnkl
from multiconvex.regression import DivergenceRegression
from multiconvex.row_kernels import row_value
from multiconvex.updates.primal_dual import _set_steps, _step, primal_dual_rows

WEIGHTS = [(0.0, 0.0), (0.3, 0.0), (0.0, 0.5), (0.3, 0.5)]


class TestPrimalDual(UpdateContract):
    update = PrimalDual()
    settle = 3000

    def problems(self, scale=1.0):
        return all_divergences(scale, PLAIN)


class TestWeighted(TestPrimalDual):
    def problems(self, scale=1.0):
        penalty = NonNegative(0.3, 0.4 / scale)
        return [divergence(scale, penalty), divergence(scale, penalty, sparse=True)]


@pytest.mark.parametrize(("l1", "l2"), WEIGHTS)
def test_limit_is_the_convex_optimum(l1, l2):
    for rng in generators(2):
        W, y = rng.random((8, 4)), rng.random(8)
        fit = nnkl(W, y, update=PrimalDual(), l1=l1, l2=l2, tol=1e-14)
        best = convex_optimum(W, y, loss="kullback-leibler", l1=l1, l2=l2)
        np.testing.assert_allclose(fit.objective, best, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("l1", "l2"), WEIGHTS)
def test_one_call_with_many_steps_solves_the_block(l1, l2):
    for rng in generators(3):
        W, Y = rng.random((9, 3)), rng.random((9, 4))
        problem = DivergenceRegression(W, Y, KullbackLeibler(), NonNegative(l1, l2))
        solved, _ = PrimalDual(steps=20000)(problem, (np.ones((4, 3)),), 0, None)
        best = convex_optimum(W, Y, loss="kullback-leibler", l1=l1, l2=l2)
        np.testing.assert_allclose(problem.objective((solved,)), best, rtol=1e-7)


def one_row(seed=0):
    rng = np.random.default_rng(seed)
    design, y = rng.random((9, 3)), rng.poisson(3.0, 9) + 1.0
    return design, y


def test_steps_are_those_of_the_formulas():
    design, y = one_row()
    h, weights, l2 = design.T.copy(), design.sum(axis=0) + 0.2, 0.3
    t, p = np.array([0.3, 2.0, 0.7]), -y / (design @ np.array([0.3, 2.0, 0.7]))
    tau, sigma, z = np.empty(3), np.empty(9), np.empty(9)
    _set_steps(y, h, 2.0, tau, sigma)
    gamma = 2.0 * y.sum() / design.sum()
    np.testing.assert_allclose(tau, gamma / design.sum(axis=0))
    np.testing.assert_allclose(sigma, 1.0 / (gamma * design.sum(axis=1)))
    moved = np.maximum((t - tau * (weights + design.T @ p)) / (1 + l2 * tau), 0.0)
    u = p + sigma * (design @ (2.0 * moved - t))
    _step(y, h, weights, l2, tau, sigma, t, p, z)
    np.testing.assert_allclose(t, moved)
    np.testing.assert_allclose(p, 0.5 * (u - np.sqrt(u * u + 4.0 * sigma * y)))


def test_step_sizes_satisfy_the_condition_of_convergence():
    for rng in generators(20):
        design, y = rng.random((7, 4)) * 10.0 ** rng.uniform(-3, 3, 4), rng.random(7)
        tau, sigma = np.empty(4), np.empty(7)
        _set_steps(y, design.T.copy(), 3.0, tau, sigma)
        scaled = np.sqrt(sigma)[:, None] * design * np.sqrt(tau)
        assert np.linalg.norm(scaled, 2) <= 1.0 + 1e-12


def test_new_multipliers_minimise_their_subproblem():
    design, y = one_row(3)
    h, weights = design.T.copy(), design.sum(axis=0)
    t = np.ones(3)
    p = -y / (design @ t)
    tau, sigma, z = np.empty(3), np.empty(9), np.empty(9)
    _set_steps(y, h, 1.0, tau, sigma)
    before = p.copy()
    _step(y, h, weights, 0.0, tau, sigma, t, p, z)
    u = before + sigma * z

    def cost(p):
        return (p - u) ** 2 / (2.0 * sigma) - y * np.log(-p)

    for move in (0.9, 0.99, 1.01, 1.1):
        assert np.all(cost(move * p) > cost(p))


def test_a_row_that_steps_do_not_improve_takes_a_multiplicative_update():
    W, Y = np.array([[1.0, 0.2], [0.1, 1.0]]), np.array([[4.0], [1.0]])
    problem = DivergenceRegression(W, Y, KullbackLeibler(), NonNegative(0.1, 0.2))
    x = (np.array([[3.0, 0.5]]),)
    wild, _ = PrimalDual(steps=1, strength=1e6)(problem, x, 0, None)
    np.testing.assert_allclose(wild, MultiplicativeUpdate()(problem, x, 0, None)[0], rtol=1e-12)


@pytest.mark.parametrize("density", [0.05, 0.5])
def test_sparse_data_give_the_same_iterates(density):
    rng = np.random.default_rng(0)
    W = rng.random((30, 5))
    Y = sp.csr_array(sp.random_array((30, 8), density=density, rng=rng))
    dense, stored = (
        nnkl(W, data, update=PrimalDual(), max_iter=5, tol=0) for data in (Y.toarray(), Y)
    )
    np.testing.assert_allclose(dense.x, stored.x, rtol=1e-10, atol=1e-14)


def test_components_without_data_vanish_and_empty_rows_too():
    W = np.array([[1.0, 0.0], [0.5, 0.0], [0.0, 2.0]])
    Y = np.array([[2.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    x = nnkl(W, Y, update=PrimalDual(), max_iter=3, tol=0).x
    np.testing.assert_allclose(x, [[2.0, 0.0], [0.0, 0.0]], atol=1e-12)


def test_value_of_a_row_is_the_divergence_up_to_a_constant():
    design, y = one_row(1)
    z = np.empty(9)
    values = [
        row_value(y, design.T.copy(), design.sum(axis=0), 0.0, 0.0, t, z)
        - KullbackLeibler().value(y, design @ t)
        for t in (np.ones(3), np.array([0.1, 5.0, 2.0]))
    ]
    np.testing.assert_allclose(values[0], values[1])


def test_kernel_writes_to_the_block_only():
    rng = np.random.default_rng(0)
    Y = sp.csr_array(rng.poisson(1.0, (4, 6)).astype(float))
    design, block = rng.random((6, 2)), np.ones((4, 2))
    arrays = (Y.data, Y.indices, Y.indptr, design)
    copies = [array.copy() for array in arrays]
    primal_dual_rows(*arrays, design.sum(axis=0), 0.0, 5, 3.0, block)
    for array, copy in zip(arrays, copies):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("options", [{"steps": 0}, {"strength": 0.0}, {"strength": -1.0}])
def test_impossible_options_are_refused(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} must be a"):
        PrimalDual(**options)


def test_a_factorisation_leaves_the_zeros_of_its_start():
    X = np.random.default_rng(0).poisson(3.0, (30, 25)).astype(float)
    options = {"loss": "kullback-leibler", "acceleration": None, "tol": 0, "random_state": 0}
    fit = nmf(X, 3, update=PrimalDual(), max_iter=60, **options)
    assert fit.objective <= 1.01 * nmf(X, 3, max_iter=60, **options).objective
