"""Safe second-order steps never pass the minimiser of their coordinate, and reach the optimum."""

import numpy as np
import pytest
import scipy.sparse as sp
from contracts.instances import convex_optimum, generators
from contracts.problems import PLAIN, all_divergences, divergence
from contracts.update import UpdateContract
from scipy.optimize import brentq

from multiconvex import KullbackLeibler, NonNegative, ScalarNewton, kkt_residual, nmf, nnkl
from multiconvex.kernels import safe_step
from multiconvex.regression import DivergenceRegression

WEIGHTS = [(0.0, 0.0), (0.3, 0.0), (0.0, 0.5), (0.3, 0.5)]


class TestScalarNewton(UpdateContract):
    update = ScalarNewton()
    settle = 3000

    def problems(self, scale=1.0):
        return all_divergences(scale, PLAIN)


class TestSeveralPasses(TestScalarNewton):
    update = ScalarNewton(sweeps=4)


class TestWeighted(TestScalarNewton):
    def problems(self, scale=1.0):
        penalty = NonNegative(0.3, 0.4 / scale)
        return [divergence(scale, penalty), divergence(scale, penalty, sparse=True)]


def coordinates(count, l2):
    """Yield a point and the function that returns the sums of a random coordinate."""
    for rng in generators(count, seed=10):
        n = int(rng.integers(1, 9))
        h, c = rng.random(n) + 1e-3, rng.random(n) * rng.choice([0.0, 1.0, 10.0]) + 1e-6
        y = rng.exponential(size=n) * (rng.random(n) > 0.3)
        l1, t = (
            rng.choice([0.0, 0.5]),
            float(rng.exponential() * rng.choice([0.0, 0.01, 1.0, 30.0])),
        )

        def sums(s, h=h, c=c, y=y, l1=l1):
            share = h / (c + s * h)
            return h.sum() + l1, np.sum(y * share), np.sum(y * share**2)

        yield t, sums


def coordinate_minimiser(sums, l2):
    def slope(s):
        total, weight, _ = sums(s)
        return total + l2 * s - weight

    if slope(0.0) >= 0.0:
        return 0.0
    right = 1.0
    while slope(right) < 0.0:
        right *= 2.0
    return brentq(slope, 0.0, right, xtol=1e-14, rtol=1e-14)


@pytest.mark.parametrize("l2", [0.0, 0.5, 20.0])
def test_a_step_stays_between_the_point_and_the_minimiser(l2):
    moved = 0
    for t, sums in coordinates(400, l2):
        best = coordinate_minimiser(sums, l2)
        new = safe_step(t, *sums(t), l2)
        low, high = sorted((t, best))
        assert low - 1e-9 * (1 + low) <= new <= high + 1e-9 * (1 + high)
        moved += abs(new - t) > 1e-9
    assert moved > 200


@pytest.mark.parametrize("l2", [0.0, 0.5])
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_steps_converge_quadratically(l2, side):
    tried = 0
    for _, sums in coordinates(100, l2):
        best = coordinate_minimiser(sums, l2)
        if best < 1e-2:
            continue
        starts = (best * (1.0 + side * size) for size in (1e-2, 1e-3))
        gaps = [abs(safe_step(start, *sums(start), l2) - best) / best for start in starts]
        assert gaps[1] <= 0.02 * gaps[0] + 1e-10
        tried += 1
    assert tried > 30


@pytest.mark.parametrize(("l1", "l2"), WEIGHTS)
def test_limit_is_the_convex_optimum_and_that_of_multiplicative_updates(l1, l2):
    for rng in generators(2):
        W, y = rng.random((8, 4)), rng.random(8)
        fit = nnkl(W, y, update="scalar_newton", l1=l1, l2=l2, tol=1e-15)
        best = convex_optimum(W, y, loss="kullback-leibler", l1=l1, l2=l2)
        np.testing.assert_allclose(fit.objective, best, rtol=1e-6, atol=1e-9)
        slow = nnkl(W, y, l1=l1, l2=l2, tol=1e-15, max_iter=100000)
        np.testing.assert_allclose(fit.objective, slow.objective, rtol=1e-8)
        assert fit.n_iter < slow.n_iter
        assert kkt_residual(W, y, fit.x, loss="kullback-leibler", l1=l1, l2=l2) < 1e-6


@pytest.mark.parametrize(("l1", "l2"), WEIGHTS)
def test_monotone_from_far(l1, l2):
    for rng in generators(20):
        W, Y = rng.random((9, 4)) + 1e-4, rng.poisson(1.0, (9, 5)).astype(float)
        init = 10.0 ** rng.uniform(-6, 4, (4, 5))
        fit = nnkl(W, Y, update="scalar_newton", init=init, l1=l1, l2=l2, max_iter=40, tol=0)
        objective = fit.trace.objective
        assert np.all(np.diff(objective) <= 1e-10 * (1.0 + objective[:-1]))


def test_entries_at_zero_can_grow_again():
    problem = DivergenceRegression(np.eye(2) + 0.1, np.ones((2, 1)), KullbackLeibler(), PLAIN)
    x = np.array([[0.0, 2.0]])
    for _ in range(20):
        x, _ = ScalarNewton()(problem, (x,), 0, None)
    np.testing.assert_allclose(x, 1.0 / 1.2, rtol=1e-9)


@pytest.mark.parametrize("density", [0.05, 0.5, 1.0])
def test_sparse_data_give_the_same_iterates(density):
    rng = np.random.default_rng(0)
    W = rng.random((30, 5))
    Y = rng.poisson(3.0, (30, 40)) * (rng.random((30, 40)) < density) * 1.0
    dense = nnkl(W, Y, update="scalar_newton", max_iter=7, tol=0)
    sparse = nnkl(W, sp.csr_array(Y), update="scalar_newton", max_iter=7, tol=0)
    np.testing.assert_allclose(dense.x, sparse.x, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(dense.trace.objective, sparse.trace.objective, rtol=1e-10)


@pytest.mark.parametrize("sweeps", [0, 1.5])
def test_passes_are_counted_in_integers(sweeps):
    with pytest.raises((TypeError, ValueError), match="sweeps must be a"):
        ScalarNewton(sweeps=sweeps)


@pytest.mark.parametrize("as_stored", [np.asarray, sp.csr_array])
def test_a_model_that_is_zero_where_data_are_positive_is_left_at_once(as_stored):
    W = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    H = np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    X = as_stored(np.ones((3, 3)))
    fit = nmf(X, 2, loss="kullback-leibler", init=(W, H), tol=1e-12, max_iter=200)
    assert np.all(np.diff(fit.trace.objective) <= 1e-9)
    np.testing.assert_allclose(fit.reconstruct(), np.ones((3, 3)), atol=1e-5)
