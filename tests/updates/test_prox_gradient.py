"""Proximal gradient steps descend for every loss and every penalty."""

import numpy as np
import pytest
from contracts.instances import generators
from contracts.problems import (
    CONVEX,
    PLAIN,
    all_quadratics,
    divergence,
    divergence_factors,
    factors,
)
from contracts.update import UpdateContract

from multiconvex import (
    BetaDivergence,
    ColumnSparse,
    FactorProblem,
    KullbackLeibler,
    ProxGradient,
    Simplex,
    nnls,
)
from multiconvex.regression import DivergenceRegression


class TestProxGradient(UpdateContract):
    update = ProxGradient()
    settle = 20000

    def problems(self, scale=1.0):
        return all_quadratics(scale, PLAIN)


class TestSeveralSteps(TestProxGradient):
    update = ProxGradient(steps=5)
    settle = 4000


class TestDivergences(UpdateContract):
    update = ProxGradient()
    settle = 20000

    def problems(self, scale=1.0):
        return [
            divergence(scale, PLAIN),
            divergence(scale, PLAIN, sparse=True),
            divergence_factors(scale, PLAIN),
            divergence_factors(scale, PLAIN, BetaDivergence(1.5)),
        ]


@pytest.mark.parametrize("penalty", [*CONVEX, Simplex(axis=0), ColumnSparse(3)], ids=repr)
def test_descends_under_every_penalty(penalty):
    for rng in generators(3):
        problem = FactorProblem(rng.standard_normal((9, 6)), 3, (penalty, penalty))
        x = tuple(penalty.prox(rng.random(b.shape), 0.0) for b in problem.blocks)
        costs = [problem.objective(x)]
        for _ in range(50):
            for k in range(2):
                x = (*x[:k], ProxGradient()(problem, x, k, None)[0], *x[k + 1 :])
                costs.append(problem.objective(x))
        assert np.isfinite(costs).all()
        assert np.diff(costs).max() <= 1e-10 * costs[0]
        assert costs[-1] < costs[0]


def test_limit_is_the_least_squares_optimum():
    rng = np.random.default_rng(0)
    W, Y = rng.standard_normal((9, 4)), rng.standard_normal((9, 3))
    fit = nnls(W, Y, update="prox_gradient", l1=0.1, l2=0.2, tol=1e-15, max_iter=20000)
    np.testing.assert_allclose(fit.x, nnls(W, Y, l1=0.1, l2=0.2).x, atol=1e-6)


def test_steps_that_the_local_curvature_makes_too_long_are_halved():
    """Far right of the solution the divergence is almost flat, and a step of 1/L passes zero."""
    problem = DivergenceRegression(np.ones((1, 1)), np.ones((1, 1)), KullbackLeibler(), PLAIN)
    x = np.array([[50.0]])
    slope = problem.gradient((x,), 0) / problem.lipschitz((x,), 0)
    new, _ = ProxGradient()(problem, (x,), 0, None)
    assert (x - slope).max() < 0.0 < new.min()
    assert problem.objective((new,)) < problem.objective((x,))


def test_steps_are_repeated():
    problem, x = factors(1.0, PLAIN)(np.random.default_rng(1))
    thrice, _ = ProxGradient(steps=3)(problem, x, 0, None)
    for _ in range(3):
        x = (ProxGradient()(problem, x, 0, None)[0], x[1])
    np.testing.assert_array_equal(thrice, x[0])


@pytest.mark.parametrize("steps", [0, 1.5])
def test_steps_are_counted_in_integers(steps):
    with pytest.raises((TypeError, ValueError), match="steps must be a"):
        ProxGradient(steps=steps)
