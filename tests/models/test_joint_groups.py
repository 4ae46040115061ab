"""The joint formulation: closed forms of its blocks, and the minima that say nothing."""

import numpy as np
import pytest
from contracts.instances import generators
from contracts.problem import ProblemContract

from multiconvex import RelativeDecrease, Simplex, alternate, group_lasso, joint_groups
from multiconvex.models.joint_groups import ClosedForm, JointGroupProblem

T, N, P, L = 5, 8, 6, 3
LABELS = np.array([0, 0, 1, 1, 2, 2])
LAM, RIDGE, SMOOTHING = 0.7, 0.3, 0.05


def make_tasks(n_tasks=T, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_tasks, N, P))
    W = rng.standard_normal((n_tasks, P)) * np.equal(rng.integers(L, size=n_tasks)[:, None], LABELS)
    return X, np.einsum("tnp,tp->tn", X, W) + 0.1 * rng.standard_normal((n_tasks, N))


def penalised(X, Y, coef, theta):
    """The objective without the scales, from its definition."""
    fit = 0.5 * np.sum((Y - np.einsum("tnp,tp->tn", X, coef)) ** 2)
    norms = np.sqrt(coef**2 @ theta**2 + SMOOTHING**2)
    return fit + 0.5 * RIDGE * np.sum(coef**2) + LAM * norms.sum()


class TestProblem(ProblemContract):
    smooth_everywhere = False
    test_multiplicative_terms_split_the_gradient = None

    def problem(self):
        return JointGroupProblem(*make_tasks(), L, lam=LAM, ridge=RIDGE, smoothing=SMOOTHING)

    def point(self, problem, rng):
        coef, norms, theta = super().point(problem, rng)
        return coef - 0.7, norms, theta / theta.sum(axis=1, keepdims=True)

    def documented_loss(self, x):
        X, Y = make_tasks()
        coef, norms, theta = x
        fit = 0.5 * np.sum((Y - np.einsum("tnp,tp->tn", X, coef)) ** 2)
        bounds = ((coef**2 @ theta**2 + SMOOTHING**2) / norms + norms).sum()
        return fit + 0.5 * RIDGE * np.sum(coef**2) + 0.5 * LAM * bounds

    def minimiser(self):
        problem = self.problem()
        x = self.point(problem, np.random.default_rng(0))
        result = alternate(problem, x, ClosedForm(), stop=RelativeDecrease(0.0), max_iter=4000)
        return problem, tuple(result.blocks.values())

    def test_every_block_has_its_minimiser(self):
        for rng, problem, x, k in self.cases():
            best = (*x[:k], problem.minimizer(x, k), *x[k + 1 :])
            assert problem.objective(best) <= problem.objective(x)
            for size in (1e-1, 1e-3):
                moved = best[k] + size * rng.standard_normal(best[k].shape)
                moved = problem.blocks[k].penalty.prox(moved, 1.0)
                if k == 1:
                    moved = np.maximum(moved, 1e-6)
                other = (*x[:k], moved, *x[k + 1 :])
                assert problem.objective(best) <= problem.objective(other) * (1 + 1e-13)

    def test_scales_at_their_best_are_the_smoothed_norms(self):
        for _, problem, x, _ in self.cases(2):
            best = (x[0], problem.minimizer(x, 1), x[2])
            assert problem.loss(best) == pytest.approx(penalised(*make_tasks(), x[0], x[2]))

    def test_a_feature_that_no_task_uses_keeps_its_memberships(self):
        problem = self.problem()
        coef, norms, theta = self.point(problem, np.random.default_rng(0))
        coef[:, 2] = 0.0
        new = problem.minimizer((coef, norms, theta), 2)
        np.testing.assert_allclose(new[2], theta[2])
        assert Simplex().value(new) == 0.0


def test_the_objective_never_increases_and_counts_what_is_documented():
    X, Y = make_tasks()
    options = {"lam": LAM, "ridge": RIDGE, "smoothing": SMOOTHING, "random_state": 0}
    result = joint_groups(X, Y, L, max_iter=40, tol=0.0, **options)
    assert np.diff(result.trace.objective).max() <= 1e-12 * result.objective
    np.testing.assert_array_equal(result.coef, result.blocks["coef"])
    assert Simplex().value(result.theta) == 0.0
    last = penalised(X, Y, result.coef, result.theta)
    assert last <= result.objective <= last * (1 + 1e-3)


def test_given_groups_that_stay_it_is_the_group_lasso():
    X, Y = make_tasks()
    problem = JointGroupProblem(X, Y, L, lam=LAM, ridge=RIDGE, smoothing=1e-5)
    theta = np.eye(L)[LABELS]
    point = (np.zeros((T, P)), np.ones((T, L)), theta)
    for _ in range(3000):
        for k in range(2):
            point = (*point[:k], problem.minimizer(point, k), *point[k + 1 :])
    direct = group_lasso(X, Y, LABELS, lam=LAM, ridge=RIDGE, tol=1e-12)
    np.testing.assert_allclose(point[0], direct.coef, atol=1e-3)


def test_one_group_is_best_for_any_weights():
    for rng in generators(20):
        coef, theta = rng.standard_normal((T, P)), rng.dirichlet(np.ones(L), P)
        norms = np.linalg.norm(coef, axis=1).sum()
        assert np.sqrt(coef**2 @ theta**2).sum() >= norms
        for trivial in (np.eye(L)[np.zeros(P, int)], np.tile(rng.dirichlet(np.ones(L)), (P, 1))):
            assert np.sqrt(coef**2 @ trivial**2).sum() == pytest.approx(norms)


def test_with_the_best_weights_one_group_is_best_too():
    X, Y = make_tasks(60)
    costs = []
    for theta in (np.ones((P, 1)), np.eye(L)[LABELS], np.full((P, L), 1.0 / L), np.eye(P)):
        fit = group_lasso(X, Y, theta, lam=0.5, ridge=0.1, tol=1e-12)
        gap = Y - np.einsum("tnp,tp->tn", X, fit.coef)
        norms = np.sqrt(fit.coef**2 @ theta**2).sum()
        costs.append(0.5 * np.sum(gap**2) + 0.05 * np.sum(fit.coef**2) + 0.5 * norms)
    one, truth, uniform, alone = costs
    assert uniform == pytest.approx(one, rel=1e-10)
    assert one < truth < alone


def test_a_start_is_used_and_never_modified():
    X, Y = make_tasks()
    start = np.random.default_rng(0).dirichlet(np.ones(L), P)
    copy = start.copy()
    result = joint_groups(X, Y, L, init=start, max_iter=0)
    np.testing.assert_allclose(result.theta, start, atol=1e-15)
    joint_groups(X, Y, L, init=start, max_iter=2, tol=0.0)
    np.testing.assert_array_equal(start, copy)


def test_wrong_weights_are_refused():
    for name in ("lam", "ridge", "smoothing"):
        with pytest.raises(ValueError, match=f"{name} must be a finite positive number, got 0"):
            joint_groups(*make_tasks(), L, **{name: 0.0})
