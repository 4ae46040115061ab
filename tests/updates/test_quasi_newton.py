"""Quasi-Newton steps reach the optimum of a block, and stationary points of both at once."""

import numpy as np
import pytest
from contracts.instances import convex_optimum, generators
from contracts.problems import PLAIN, divergence, divergence_factors, factors, least_squares
from contracts.update import UpdateContract

from multiconvex import JointProblem, NonNegative, QuasiNewton, nnkl, nnls

WEIGHTS = [(0.0, 0.0), (0.3, 0.0), (0.0, 0.5), (0.3, 0.5)]


class TestDivergence(UpdateContract):
    update = QuasiNewton(steps=3)
    settle = 100

    def problems(self, scale=1.0):
        return [divergence_factors(scale, PLAIN), divergence(scale, PLAIN, sparse=True)]

    def cases(self, count=2, scale=1.0):
        return super().cases(min(count, 2), scale)

    def test_follows_the_scale_of_the_data(self):
        """Up to what a line search makes of rounding."""
        for (problem, x), (scaled, _) in zip(self.cases(2), self.cases(2, 1e5)):
            wide = (1e5 * x[0], *x[1:])
            expected = problem.objective((self.step(problem, x, 0), *x[1:]))
            got = scaled.objective((self.step(scaled, wide, 0), *x[1:]))
            np.testing.assert_allclose(got, 1e5 * expected, rtol=1e-6)


class TestQuadratic(TestDivergence):
    def problems(self, scale=1.0):
        weighted = NonNegative(0.3 * scale, 0.4)
        return [least_squares(scale, PLAIN), factors(scale, weighted, (5, 4, 6))]

    def test_follows_the_scale_of_the_data(self):
        for (problem, x), (scaled, _) in zip(self.cases(2), self.cases(2, 1e5)):
            if len(x) == 1:
                expected = problem.objective((self.step(problem, x, 0),))
                got = scaled.objective((self.step(scaled, (1e5 * x[0],), 0),))
                np.testing.assert_allclose(got, 1e10 * expected, rtol=1e-6)


def joint(build):
    def stacked(rng, dtype=np.float64):
        problem, x = build(rng, dtype)
        problem = JointProblem(problem)
        return problem, problem.stack(x)

    return stacked


class TestJoint(TestDivergence):
    settle = 300
    fixed = 1e-4

    def problems(self, scale=1.0):
        return [joint(divergence_factors(scale, PLAIN)), joint(factors(scale, PLAIN))]

    def test_follows_the_scale_of_the_data(self):
        """Both factors would have to share the scale."""


@pytest.mark.parametrize(("l1", "l2"), WEIGHTS)
def test_limits_are_the_convex_optima(l1, l2):
    for rng in generators(2):
        W, y = rng.random((8, 4)), rng.random(8)
        options = {"update": QuasiNewton(steps=50), "l1": l1, "l2": l2, "tol": 1e-15}
        for loss, solve in (("frobenius", nnls), ("kullback-leibler", nnkl)):
            best = convex_optimum(W, y, loss=loss, l1=l1, l2=l2)
            np.testing.assert_allclose(solve(W, y, **options).objective, best, rtol=1e-6, atol=1e-9)


def test_more_steps_and_more_memory_go_further():
    rng = np.random.default_rng(0)
    W, Y = rng.random((30, 12)), rng.random((30, 20))
    costs = [
        nnls(W, Y, update=rule, init=np.ones((12, 20)), max_iter=1, tol=0).objective
        for rule in (QuasiNewton(5), QuasiNewton(25), QuasiNewton(25, memory_size=1))
    ]
    assert costs[1] < costs[0]
    assert costs[1] < costs[2]


@pytest.mark.parametrize("name", ["steps", "memory_size"])
def test_impossible_options_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be an integer"):
        QuasiNewton(**{name: 0})
