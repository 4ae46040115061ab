"""Bregman steps with Burg's entropy: valid up to one over the mass of the data, and no further."""

import numpy as np
import pytest
from contracts.instances import convex_optimum, generators
from contracts.problems import PLAIN, all_divergences, divergence
from contracts.update import UpdateContract

from multiconvex import KullbackLeibler, MultiplicativeUpdate, NoLips, NonNegative, nnkl
from multiconvex.regression import DivergenceRegression


class TestNoLips(UpdateContract):
    update = NoLips()
    fixed = 1e-3
    settle = 5000

    def problems(self, scale=1.0):
        return all_divergences(scale, PLAIN)


class TestHalfSteps(TestNoLips):
    update = NoLips(alpha=0.5)
    settle = 10000


class TestWeighted(TestNoLips):
    def problems(self, scale=1.0):
        return [
            divergence(scale, NonNegative(0.3)),
            divergence(scale, NonNegative(0.3), sparse=True),
        ]


def instances(count=200):
    for rng in generators(count, seed=6):
        m, r = rng.integers(2, 8, 2)
        W, y = rng.random((m, r)) + 1e-3, rng.random((m, 1)) + 1e-3
        x = 10.0 ** rng.uniform(-3, 2, (1, r))
        yield DivergenceRegression(W, y, KullbackLeibler(), PLAIN), x


def test_longest_safe_step_never_increases_the_cost_nor_leaves_the_orthant():
    for problem, x in instances():
        for _ in range(10):
            new, _ = NoLips()(problem, (x,), 0, None)
            assert new.min() > 0
            before, after = problem.objective((x,)), problem.objective((new,))
            assert after <= before + 1e-10 * (1.0 + before)
            x = new


def test_formula():
    for problem, x in instances(20):
        s = 0.7 / problem.burg_constants((x,), 0)
        expected = x / (1.0 + s * x * problem.gradient((x,), 0))
        np.testing.assert_allclose(NoLips(0.7)(problem, (x,), 0, None)[0], expected, rtol=1e-11)


def test_four_times_that_step_is_not_safe():
    failures = 0
    for problem, x in instances():
        denominator = 1.0 + 4.0 / problem.burg_constants((x,), 0) * x * problem.gradient((x,), 0)
        before = problem.objective((x,)) * (1 + 1e-9)
        failures += denominator.min() <= 0 or problem.objective((x / denominator,)) > before
    assert failures > 20


def test_multiplicative_steps_go_further_in_the_majorant():
    """Burg's majorant is above the other one, so its minimum is not below."""
    better = 0
    for problem, x in instances(50):
        burg, _ = NoLips()(problem, (x,), 0, None)
        ratio, _ = MultiplicativeUpdate()(problem, (x,), 0, None)
        better += problem.objective((ratio,)) <= problem.objective((burg,)) + 1e-12
    assert better >= 40


@pytest.mark.parametrize("l1", [0.0, 0.3])
def test_limit_is_the_convex_optimum(l1):
    rng = np.random.default_rng(0)
    W, y = rng.random((8, 4)), rng.random(8)
    fit = nnkl(W, y, update="nolips", l1=l1, tol=1e-13, max_iter=100000)
    best = convex_optimum(W, y, loss="kullback-leibler", l1=l1)
    np.testing.assert_allclose(fit.objective, best, rtol=1e-4)


def test_ridge_is_refused():
    with pytest.raises(TypeError, match="NoLips honours NonNegative without l2"):
        nnkl(np.eye(2), np.ones(2), update="nolips", l2=1.0)


@pytest.mark.parametrize("alpha", [0.0, -1.0, 1.01, float("nan")])
def test_unsafe_fractions_are_refused(alpha):
    with pytest.raises(ValueError, match=r"alpha must lie in \(0, 1\]"):
        NoLips(alpha)
