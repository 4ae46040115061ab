"""Projected least squares: when it is exact, how wrong it can be, and what it never does."""

import numpy as np
import pytest
from contracts.instances import generators, planted_tensor, scipy_nnls
from contracts.problems import all_quadratics
from contracts.update import UpdateContract

from multiconvex import (
    FactorProblem,
    LeastSquares,
    NonNegative,
    NonNegativeImage,
    NoPenalty,
    ProjectedLeastSquares,
)
from multiconvex.regression import LeastSquaresRegression


def regression(W, Y, penalty):
    """Return a problem of one block and a point of ones."""
    problem = LeastSquaresRegression(W, Y, penalty)
    return problem, (np.ones((Y.shape[1], W.shape[1])),)


def solve(W, Y, penalty, projection="exact"):
    problem, x = regression(W, Y, penalty)
    return ProjectedLeastSquares(projection)(problem, x, 0, None)[0]


class TestOrthant(UpdateContract):
    update = ProjectedLeastSquares()
    settle = 1

    def problems(self, scale=1.0):
        return all_quadratics(scale, NonNegative())

    def fixed_point(self):
        X, factors = planted_tensor((6, 5, 4), 3, seed=1)
        return FactorProblem(X, 3, (NonNegative(),) * 3), factors

    test_never_increases_the_objective = None

    def test_may_increase_the_objective_but_never_leaves_the_constraint(self):
        rises = []
        for problem, x in self.cases(8):
            costs = [problem.objective(point) for point in self.run(problem, x, 10)]
            assert np.isfinite(costs).all()
            rises.append(np.diff(costs).max() > 1e-9 * costs[0])
        assert any(rises)


class TestRidge(TestOrthant):
    def problems(self, scale=1.0):
        return all_quadratics(scale, NonNegative(l2=0.2))


class TestExactCone(TestOrthant):
    basis = np.linalg.qr(np.random.default_rng(3).random((20, 6)))[0]

    def problems(self, scale=1.0):
        def build(rng, dtype=np.float64):
            penalty = NonNegativeImage(self.basis.astype(dtype))
            W, Y = rng.random((12, 4)).astype(dtype), (scale * rng.random((12, 6))).astype(dtype)
            start = penalty.prox(rng.random((6, 4)).astype(dtype), 0.0)
            return LeastSquaresRegression(W, Y, penalty), (start,)

        return [build]

    def fixed_point(self):
        rng = np.random.default_rng(4)
        W, inside = rng.random((9, 3)), self.basis.T @ self.basis @ np.abs(rng.random((6, 3)))
        inside = NonNegativeImage(self.basis).prox(inside, 0.0)
        return LeastSquaresRegression(W, W @ inside.T, NonNegativeImage(self.basis)), (inside,)


@pytest.mark.parametrize("projection", ["exact", "one_step"])
def test_a_minimiser_inside_is_found(projection):
    for rng in generators(10):
        W, x = rng.standard_normal((9, 3)), 0.5 + rng.random((6, 3))
        basis = np.linalg.qr(rng.random((20, 6)))[0]
        wide = basis @ basis.T @ np.ones((20, 3))
        inside = basis.T @ (wide if (basis @ basis.T @ wide).min() > 0 else np.zeros((20, 3)))
        for penalty, target in ((NonNegative(), x), (NonNegativeImage(basis), inside)):
            np.testing.assert_allclose(
                solve(W, W @ target.T, penalty, projection), target, atol=1e-10
            )


def test_orthogonal_designs_are_solved_exactly():
    for rng in generators(10):
        W, Y = 3.0 * np.linalg.qr(rng.standard_normal((9, 4)))[0], rng.standard_normal((9, 30))
        x = solve(W, Y, NonNegative())
        kept = x.any(axis=0)
        np.testing.assert_allclose(x[:, kept], scipy_nnls(W, Y).T[:, kept], atol=1e-12)


def test_weights_are_those_of_the_documented_subproblem():
    """With an orthogonal design the penalised problem separates, and the step is its solution."""
    for rng in generators(10):
        W, Y = np.linalg.qr(rng.standard_normal((9, 4)))[0], rng.standard_normal((9, 30))
        penalty = NonNegative(l1=0.1, l2=0.5)
        expected = np.maximum((Y.T @ W - 0.1) / 1.5, 0.0)
        np.testing.assert_allclose(solve(W, Y, penalty), expected, atol=1e-12)


def test_is_the_projection_of_least_squares():
    for rng in generators(10):
        W, Y = rng.standard_normal((9, 4)), rng.standard_normal((9, 30))
        problem, x = regression(W, Y, NoPenalty())
        free, _ = LeastSquares()(problem, x, 0, None)
        assert (free.max(axis=0) > 0).all()
        np.testing.assert_allclose(solve(W, Y, NonNegative()), np.maximum(free, 0.0), atol=1e-12)


def test_stretched_problems_are_solved_arbitrarily_badly():
    """The example of the source: least squares at (-.5, -.2), seen through a stretch and a turn."""
    angle = 3.14 / 12
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for stretch, gap in ((1e-1, 2), (1e-2, 100), (1e-3, 1e4)):
        W = np.diag([1.0, stretch]) @ turn
        Y = W @ np.array([[-0.5, 0.3], [-0.2, 0.4]])
        x = solve(W, Y, NonNegative())[0]
        best = scipy_nnls(W, Y[:, :1])[:, 0]
        np.testing.assert_allclose(x, [0.0, 0.0], atol=1e-12)
        costs = [np.sum((W @ point - Y[:, 0]) ** 2) for point in (x, best)]
        assert costs[0] > gap * costs[1]
    assert best == pytest.approx([0.0, 1.66], abs=0.01)


def test_columns_without_a_positive_entry_are_turned_round():
    x = np.array([[-1.0, 2.0], [-3.0, -1.0]])
    np.testing.assert_allclose(
        solve(np.eye(2), x.T, NonNegative()), [[1.0, 2.0], [3.0, 0.0]], atol=1e-14
    )
    basis = np.linalg.qr(np.array([[1.0, 0.2], [0.3, 1.0], [0.5, 0.5]]))[0]
    inside = np.linalg.lstsq(basis, np.ones((3, 1)), rcond=None)[0]
    inside = NonNegativeImage(basis).prox(inside, 0.0)
    for projection in ("exact", "one_step"):
        turned = solve(np.eye(1), -inside.T, NonNegativeImage(basis), projection)
        np.testing.assert_allclose(turned, inside, atol=1e-12)


def test_columns_of_the_polar_cone_do_not_vanish():
    """Their projection is zero although their image has positive entries."""
    rescued = 0
    for rng in generators(60, seed=6):
        basis = np.linalg.qr(rng.random((15, 3)))[0]
        cone = NonNegativeImage(basis)
        polar = -basis.T @ rng.exponential(size=(15, 1)) ** 4
        if (basis @ polar).max() <= 0:
            continue
        assert np.linalg.norm(cone.prox(polar, 0.0)) < 1e-12 * np.linalg.norm(polar)
        block = solve(np.eye(1), polar.T, cone)
        assert cone.value(block) == 0.0
        assert np.linalg.norm(block) > 1e-6 * np.linalg.norm(polar)
        rescued += 1
    assert rescued > 10


def test_one_step_may_leave_the_cone_and_exact_may_not():
    left = 0
    for rng in generators(30, seed=7):
        cone = NonNegativeImage(np.linalg.qr(rng.random((20, 4)))[0])
        W, Y = rng.standard_normal((6, 2)), rng.standard_normal((6, 4))
        assert cone.value(solve(W, Y, cone)) == 0.0
        left += cone.value(solve(W, Y, cone, "one_step")) == np.inf
    assert left > 15


def test_unknown_projections_are_refused():
    with pytest.raises(ValueError, match="projection must be one of 'exact', 'one_step'"):
        ProjectedLeastSquares("two_steps")
