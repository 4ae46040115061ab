"""Steps in the metric of the measurements: exact, monotone, and fast where others stall."""

import numpy as np
import pytest
from contracts.instances import generators
from contracts.update import Smooth, UpdateContract

from multiconvex import (
    Box,
    Frobenius,
    ImageTotalVariation,
    KullbackLeibler,
    MeasuredFactorProblem,
    MeasuredRegressionProblem,
    MetricProxGradient,
    MultiplicativeUpdate,
    NonNegative,
    RelativeDecrease,
    Simplex,
    SplitHadamard2D,
    alternate,
)
from multiconvex.updates.metrics import FlatMetric, GramMetric

CAMERA = SplitHadamard2D(4)


def regression(scale, penalty, loss):
    def build(rng, dtype=np.float64):
        H = (0.1 + rng.random((3, 2))).astype(dtype)
        A = CAMERA.as_linear_operator(dtype)
        Y = (scale * (A @ (rng.random((16, 2)).astype(dtype) @ H.T))).astype(dtype)
        Y += (scale * 0.3 * rng.random(Y.shape)).astype(dtype)
        problem = MeasuredRegressionProblem(Y, A, H, loss, penalty)
        return problem, ((0.1 + rng.random((16, 2))).astype(dtype),)

    return build


def factors(scale, penalties, loss):
    def build(rng, dtype=np.float64):
        A = CAMERA.as_linear_operator(dtype)
        Y = (scale * (A @ rng.random((16, 5)))).astype(dtype)
        problem = MeasuredFactorProblem(Y, A, 2, loss, penalties)
        return problem, tuple((0.1 + rng.random(b.shape)).astype(dtype) for b in problem.blocks)

    return build


class TestMetricProxGradient(UpdateContract):
    update = MetricProxGradient()
    settle = 300

    def problems(self, scale=1.0):
        plain = NonNegative()
        return [
            regression(scale, plain, KullbackLeibler()),
            regression(scale, plain, Frobenius()),
            factors(scale, (plain, plain), KullbackLeibler()),
            factors(scale, (plain, plain), Frobenius()),
        ]

    def test_says_which_penalties_it_honours(self):
        """Any with a prox, of a problem that has a metric."""
        offering = type("Offering", (Smooth,), {"metric": lambda self, x, k: FlatMetric(1.0, 0.5)})
        result = alternate(offering(Simplex()), (np.full((2, 2), 0.5),), self.update)
        assert np.isfinite(result.objective)


class TestOtherPenalties(TestMetricProxGradient):
    def problems(self, scale=1.0):
        smooth = ImageTotalVariation((4, 4), 0.05 * scale, tol=1e-14)
        return [
            regression(scale, NonNegative(l1=0.1), KullbackLeibler()),
            regression(scale, smooth, Frobenius()),
        ]


def dense(metric, n):
    return metric.scale * (np.eye(n) + metric.omega * np.ones((n, n)))


@pytest.mark.parametrize(
    "penalty",
    [
        NonNegative(),
        NonNegative(0.5, 0.3),
        Box(0.0, 0.4),
        ImageTotalVariation((3, 2), 0.4, tol=1e-13),
    ],
)
def test_flat_steps_agree_with_a_convex_solver(penalty):
    import cvxpy

    for rng in generators(3, seed=1):
        metric = FlatMetric(rng.uniform(0.5, 2.0), rng.uniform(0.5, 5.0))
        x, slope = rng.random((6, 2)), 3.0 * rng.standard_normal((6, 2))
        found = metric.minimize(x, slope, penalty, 1.5)
        u = cvxpy.Variable((6, 2))
        move = u - x
        squares = cvxpy.sum_squares(move) + metric.omega * cvxpy.sum_squares(
            cvxpy.sum(move, axis=0)
        )
        cost = cvxpy.sum(cvxpy.multiply(slope, move)) + 0.75 * metric.scale * squares
        constraints = [u >= 0]
        if isinstance(penalty, NonNegative):
            cost += penalty.l1 * cvxpy.sum(u) + penalty.l2 / 2 * cvxpy.sum_squares(u)
        elif isinstance(penalty, Box):
            constraints.append(u <= penalty.upper)
        else:
            for k in range(2):
                image = cvxpy.reshape(u[:, k], (3, 2), order="C")
                image = cvxpy.vstack([image, image[-1:, :]])
                cost += penalty.weight * cvxpy.tv(cvxpy.hstack([image, image[:, -1:]]))
        cvxpy.Problem(cvxpy.Minimize(cost), constraints).solve(solver=cvxpy.CLARABEL)
        np.testing.assert_allclose(found, u.value, atol=2e-4)


def test_norms_are_those_of_the_dense_metric():
    rng = np.random.default_rng(2)
    move = rng.standard_normal((7, 2))
    flat = FlatMetric(1.7, 0.6)
    assert flat.norm2(move) == pytest.approx(np.vdot(move, dense(flat, 7) @ move))
    gram, weights = np.array([[2.0, 0.5], [0.5, 1.0]]), rng.random(7)
    expected = sum(w * row @ gram @ row for w, row in zip(weights, move))
    assert GramMetric(gram, weights).norm2(move) == pytest.approx(expected)


def test_gram_steps_satisfy_the_optimality_conditions():
    rng = np.random.default_rng(3)
    gram = np.array([[1.0, 0.999], [0.999, 1.0]])
    x, slope, weights = rng.random((9, 2)), rng.standard_normal((9, 2)), 0.1 + rng.random(9)
    u = GramMetric(gram, weights).minimize(x, slope, NonNegative(0.2), 2.0)
    gradient = slope + 0.2 + 2.0 * weights[:, None] * ((u - x) @ gram)
    assert u.min() >= 0 and gradient.min() > -1e-9
    assert np.abs(u * gradient).max() < 1e-9
    kept = GramMetric(gram, weights, 0.1).minimize(x, slope, NonNegative(0.2), 2.0)
    assert np.all(kept >= 0.1 * x - 1e-15)


def test_nonnegative_least_squares_takes_one_step():
    """The metric is the Hessian where all patterns are shown."""
    from scipy.optimize import nnls

    rng = np.random.default_rng(4)
    y = rng.standard_normal((32, 1)) + 3.0 * rng.random((32, 1))
    A = CAMERA.as_linear_operator()
    problem = MeasuredRegressionProblem(y, A, np.ones((1, 1)), Frobenius(), NonNegative())
    (x,), _ = (MetricProxGradient()(problem, (rng.random((16, 1)),), 0, None)[0],), None
    np.testing.assert_allclose(x[:, 0], nnls(A @ np.eye(16), y[:, 0])[0], atol=1e-8)


def test_multiplicative_updates_stall_and_these_do_not():
    camera = SplitHadamard2D(16)
    counts = camera.acquire(np.random.default_rng(5).random((16, 16)), gain=50.0, random_state=0)
    problem = MeasuredRegressionProblem(
        counts.reshape(-1, 1), camera.as_linear_operator(), np.ones((1, 1)), KullbackLeibler(),
        NonNegative(), gain=50.0,
    )  # fmt: skip
    start, ends = problem.flat_start(), {}
    for rule in (MultiplicativeUpdate(), MetricProxGradient()):
        fit = alternate(problem, (start,), rule, max_iter=20, stop=RelativeDecrease(0.0))
        ends[type(rule).__name__] = fit.trace.objective
    best = ends["MetricProxGradient"][-1]
    drop = ends["MetricProxGradient"][0] - best
    assert ends["MultiplicativeUpdate"][-1] - best > 0.5 * drop
    assert ends["MetricProxGradient"][10] - best < 1e-3 * drop


def test_a_bad_number_of_steps_is_refused():
    with pytest.raises(ValueError, match="steps must be an integer of at least 1"):
        MetricProxGradient(steps=0)
