"""The alternating direction method of multipliers reaches the optimum of every convex penalty."""

import numpy as np
import pytest
from contracts.instances import generators
from contracts.problems import CONVEX, PLAIN, all_quadratics
from contracts.update import UpdateContract

from multiconvex import (
    ADMM,
    L1,
    L2,
    ActiveSet,
    ColumnSparse,
    Extrapolation,
    FactorProblem,
    LeastSquares,
    NonNegative,
    NoPenalty,
    RelativeDecrease,
    RowSparse,
    alternate,
)
from multiconvex.regression import LeastSquaresRegression

SPARSE = [RowSparse(2), ColumnSparse(3), RowSparse(2, nonnegative=True)]


class TestADMM(UpdateContract):
    update = ADMM()
    settle = 2000

    def problems(self, scale=1.0):
        return all_quadratics(scale, PLAIN)


class TestStrongCoupling(TestADMM):
    update = ADMM(steps=3, strength=3.0)


def solve(problem, start, sweeps, update=None):
    """Return the block after many sweeps, the dual being remembered between them."""
    stop = RelativeDecrease(0.0)
    return alternate(problem, start, update or ADMM(), stop=stop, max_iter=sweeps).blocks["x"]


def regression(rng, penalty, shape=(9, 4), samples=6):
    W, Y = rng.standard_normal(shape), rng.standard_normal((shape[0], samples))
    start = penalty.prox(rng.random((samples, shape[1])), 0.0)
    return LeastSquaresRegression(W, Y, penalty), (start,)


@pytest.mark.parametrize("penalty", CONVEX, ids=repr)
def test_first_order_conditions_hold_at_the_limit(penalty):
    for rng in generators(3):
        problem, start = regression(rng, penalty)
        x = solve(problem, start, 400)
        assert problem.residual((x,)) < 1e-6


@pytest.mark.parametrize("penalty", [NonNegative(), NonNegative(0.3, 0.2)], ids=repr)
def test_nonnegative_limit_is_that_of_the_active_set(penalty):
    for rng in generators(4):
        problem, start = regression(rng, penalty)
        exact, _ = ActiveSet()(problem, start, 0, ActiveSet().start(problem, start, 0))
        np.testing.assert_allclose(solve(problem, start, 400), exact, atol=1e-7)


@pytest.mark.parametrize("penalty", [NoPenalty(), L2(0.7)], ids=repr)
def test_limit_is_least_squares_where_the_penalty_is_smooth(penalty):
    for rng in generators(4):
        problem, start = regression(rng, penalty)
        exact, _ = LeastSquares()(problem, start, 0, None)
        np.testing.assert_allclose(solve(problem, start, 400), exact, atol=1e-7)


def test_l1_on_orthonormal_columns_is_a_soft_threshold():
    for rng in generators(4):
        Q = np.linalg.qr(rng.standard_normal((6, 4)))[0]
        Y = rng.standard_normal((6, 5))
        problem = LeastSquaresRegression(Q, Y, L1(0.4))
        x = solve(problem, (np.zeros((5, 4)),), 200)
        correlations = Y.T @ Q
        expected = np.sign(correlations) * np.maximum(np.abs(correlations) - 0.4, 0.0)
        np.testing.assert_allclose(x, expected, atol=1e-8)


@pytest.mark.parametrize("penalty", [*CONVEX, *SPARSE], ids=repr)
@pytest.mark.parametrize("acceleration", [None, Extrapolation()], ids=["plain", "extrapolated"])
def test_never_leaves_the_constraint_and_never_increases_the_objective(penalty, acceleration):
    for rng in generators(2):
        problem = FactorProblem(rng.standard_normal((9, 6)), 3, (penalty, penalty))
        start = [penalty.prox(rng.random(block.shape), 0.0) for block in problem.blocks]
        stop = RelativeDecrease(0.0)
        fit = alternate(problem, start, ADMM(), acceleration=acceleration, stop=stop, max_iter=40)
        costs = fit.trace.objective
        assert np.isfinite(costs).all()
        assert np.diff(costs).max() <= 1e-12 * costs[0]
        assert costs[-1] < costs[0]


def test_two_steps_are_those_of_the_formula():
    problem, (x,) = regression(np.random.default_rng(3), L1(0.1))
    update = ADMM(steps=2, strength=2.0)
    _, memory = update(problem, (x,), 0, update.start(problem, (x,), 0))
    gram, rhs = problem.normal_equations((x,), 0)
    rho = 2.0 * np.trace(gram) / 4
    dual = (x @ gram - rhs) / rho
    for _ in range(2):
        free = (rhs + rho * (x + dual)) @ np.linalg.inv(gram + rho * np.eye(4))
        x = L1(0.1).prox(free - dual, 1.0 / rho)
        dual = dual + x - free
    np.testing.assert_allclose(memory.feasible, x, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(memory.multiplier, rho * dual, rtol=1e-9, atol=1e-12)


def test_multipliers_tend_to_the_gradient():
    """At the optimum the multiplier is the gradient, whatever the strength."""
    for strength in (0.3, 1.0, 4.0):
        problem, x = regression(np.random.default_rng(4), NonNegative())
        update = ADMM(strength=strength)
        memory = update.start(problem, x, 0)
        for _ in range(400):
            block, memory = update(problem, x, 0, memory)
            x = (block,)
        np.testing.assert_allclose(memory.multiplier, problem.gradient(x, 0), atol=1e-6)


def test_a_block_that_no_step_betters_is_kept():
    problem, _ = regression(np.random.default_rng(5), RowSparse(2))
    best = solve(problem, (np.zeros((6, 4)),), 200)
    memory = ADMM().start(problem, (best,), 0)
    kept, _ = ADMM(steps=1)(problem, (best,), 0, memory._replace(multiplier=best * 1e3))
    np.testing.assert_array_equal(kept, best)


def test_memory_is_carried_from_sweep_to_sweep():
    problem, x = regression(np.random.default_rng(6), L1(0.3))
    together, _ = ADMM(steps=6)(problem, x, 0, ADMM().start(problem, x, 0))
    memory = ADMM().start(problem, x, 0)
    for _ in range(3):
        _, memory = ADMM(steps=2)(problem, x, 0, memory)
    np.testing.assert_allclose(memory.feasible, together, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"steps": 0}, "steps must be an integer of at least 1, got 0"),
        ({"strength": 0.0}, "strength must be a finite positive number, got 0.0"),
    ],
)
def test_impossible_options_are_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        ADMM(**options)
