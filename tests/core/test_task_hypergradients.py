"""The lower level of grouped tasks, and derivatives through its solver."""

import cvxpy as cp
import numpy as np
import pytest
from scipy.optimize import minimize

from multiconvex import LabelledTasks, Simplex, task_hypergradient
from multiconvex.nested.logistic_kernels import hessian_factors, solve_factored, tilted_minimisers
from multiconvex.nested.task_hypergradients import bregman_path, couple, couple_adjoint, last_step

LAM = 3.0


def draw_tasks(seed=0, sizes=(25, 30, 18, 40), n_features=5, ridge=1.0):
    rng = np.random.default_rng(seed)
    X = [rng.standard_normal((size, n_features)) for size in sizes]
    Y = [
        (table[:, t // 2] + rng.standard_normal(len(table)) > 0) * 1.0 for t, table in enumerate(X)
    ]
    return LabelledTasks.prepare(X, Y, ridge=ridge)


def draw_theta(n_tasks=4, n_groups=3, seed=1):
    return Simplex().prox(np.random.default_rng(seed).random((n_tasks, n_groups)), 1.0)


def differences(function, x, step=1e-5):
    """Central differences of a function with scalar values."""
    out = np.zeros_like(x)
    for index in np.ndindex(*x.shape):
        move = np.zeros_like(x)
        move[index] = step
        out[index] = (function(x + move) - function(x - move)) / (2.0 * step)
    return out


def minimisers(tasks, tilts, start=None):
    start = np.zeros_like(tilts) if start is None else start
    ends = tasks.X, tasks.first, tasks.last
    factors = hessian_factors(*ends, start, tasks.ridge)
    return tilted_minimisers(
        tasks.X, tasks.labels, tasks.first, tasks.last, tilts, start, factors, tasks.ridge, 1e-18
    )


class TestLogisticKernels:
    def test_minimisers_agree_with_a_general_optimiser(self):
        tasks = draw_tasks()
        tilts = np.random.default_rng(2).standard_normal((4, 6))
        tilts[:, -1] = 0.0
        found = minimisers(tasks, tilts)
        seen = 0
        for t, (first, last) in enumerate(zip(tasks.first, tasks.last)):
            X, y = tasks.X[first:last], tasks.labels[seen : seen + last - first]
            seen += last - first

            def objective(w, X=X, y=y, t=t):
                z = X @ w
                loss = np.sum(np.logaddexp(0, z) - y * z)
                return loss + 0.5 * np.sum(tasks.ridge * w**2) - tilts[t] @ w

            best = minimize(objective, np.zeros(6), method="BFGS", options={"gtol": 1e-9})
            assert objective(found[t]) <= best.fun + 1e-10
            np.testing.assert_allclose(found[t], best.x, atol=1e-5)

    def test_the_start_does_not_matter_however_far(self):
        tasks = draw_tasks()
        tilts = np.zeros((4, 6))
        far = 10.0 * np.random.default_rng(3).standard_normal((4, 6))
        np.testing.assert_allclose(
            minimisers(tasks, tilts, far), minimisers(tasks, tilts), atol=1e-8
        )

    def test_the_derivative_of_the_minimiser_is_the_inverse_hessian(self):
        tasks = draw_tasks()
        rng = np.random.default_rng(4)
        tilts, move = rng.standard_normal((2, 4, 6))
        ends = [minimisers(tasks, tilts + sign * 1e-5 * move) for sign in (1, -1)]
        factors = hessian_factors(
            tasks.X, tasks.first, tasks.last, minimisers(tasks, tilts), tasks.ridge
        )
        np.testing.assert_allclose(
            solve_factored(factors, move), (ends[0] - ends[1]) / 2e-5, rtol=1e-6, atol=1e-8
        )


class TestCoupling:
    z = np.random.default_rng(5).standard_normal((4, 5)) * 3.0

    def test_singular_values_go_through_the_ball(self):
        theta = draw_theta()
        tilt = np.zeros((4, 5))
        for column in theta.T:
            left, s, right = np.linalg.svd(self.z * column[:, None], full_matrices=False)
            ball = (left * (LAM * s / np.sqrt(1 + s**2))) @ right
            assert np.linalg.norm(ball, 2) < LAM
            # The gradient of phi at the step is the mirror variable: the step is the Bregman prox.
            back = np.linalg.svd(ball, compute_uv=False)
            np.testing.assert_allclose(back / np.sqrt(LAM**2 - back**2), s, rtol=1e-9)
            tilt += column[:, None] * ball
        np.testing.assert_allclose(couple(self.z, theta.T**2, LAM).tilt, tilt, atol=1e-12)

    def test_one_task_is_the_euclidean_ball(self):
        z = self.z[:1]
        expected = LAM * 0.25 * z / np.sqrt(1 + 0.25 * np.sum(z**2))
        np.testing.assert_allclose(couple(z, np.full((1, 1), 0.25), LAM).tilt, expected)

    @pytest.mark.parametrize("scale", [0.0, 1.0, 30.0])
    def test_adjoint_agrees_with_differences(self, scale):
        z, square = scale * self.z, draw_theta().T ** 2
        bar = np.random.default_rng(6).standard_normal(z.shape)
        in_z, in_square = couple_adjoint(couple(z, square, LAM), z, square, LAM, bar)

        def of_z(z):
            return np.vdot(couple(z, square, LAM).tilt, bar)

        def of_square(square):
            return np.vdot(couple(z, square, LAM).tilt, bar)

        step = 1e-5 * max(scale, 1.0)
        numeric = differences(of_z, z, step)
        np.testing.assert_allclose(in_z, numeric, atol=1e-6 * np.abs(numeric).max())
        inner = np.where(square > 0.02, 1.0, 0.0)
        numeric = inner * differences(of_square, square + 0.0)
        np.testing.assert_allclose(
            inner * in_square, numeric, atol=1e-5 * np.abs(numeric).max() + 1e-12
        )

    def test_equal_singular_values_are_harmless(self):
        z, square = np.eye(4, 5) * 2.0, np.ones((1, 4))
        bar = np.random.default_rng(7).standard_normal(z.shape)
        in_z, _ = couple_adjoint(couple(z, square, LAM), z, square, LAM, bar)
        numeric = differences(lambda z: np.vdot(couple(z, square, LAM).tilt, bar), z)
        np.testing.assert_allclose(in_z, numeric, atol=1e-8)


class TestLowerLevel:
    def test_it_converges_to_the_optimum_of_a_convex_solver(self):
        tasks, theta = draw_tasks(), draw_theta()
        w, b = cp.Variable((4, 5)), cp.Variable(4)
        terms, seen = [], 0
        for t, (first, last) in enumerate(zip(tasks.first, tasks.last)):
            y = tasks.labels[seen : seen + last - first]
            seen += last - first
            z = tasks.X[first:last, :-1] @ w[t] + b[t]
            terms.append(cp.sum(cp.logistic(z)) - y @ z)
        penalty = sum(cp.normNuc(cp.diag(column) @ w) for column in theta.T)
        objective = sum(terms) + 0.5 * cp.sum_squares(w) + LAM * penalty
        problem = cp.Problem(cp.Minimize(objective))
        problem.solve(solver="CLARABEL")
        coef = last_step(tasks, theta.T**2, LAM, 3000).coef
        w.value, b.value = coef[:, :-1], coef[:, -1]
        assert problem.value * (1 - 1e-7) <= objective.value <= problem.value * (1 + 1e-4)

    def test_the_dual_objective_never_increases(self):
        tasks, theta = draw_tasks(ridge=0.3), draw_theta()
        counts = tasks.last - tasks.first
        values = []
        for state in bregman_path(tasks, theta.T**2, LAM, 100):
            loss = counts @ tasks.losses(state.coef) + 0.5 * np.sum(tasks.ridge * state.coef**2)
            values.append(-np.vdot(state.coupling.tilt, state.coef[:, :-1]) - loss)
        assert np.all(np.diff(values) <= 1e-10)

    def test_losses_and_their_gradients(self):
        tasks = draw_tasks()
        coef = np.random.default_rng(8).standard_normal((4, 6))
        numeric = differences(lambda coef: tasks.losses(coef).sum(), coef)
        np.testing.assert_allclose(tasks.loss_gradients(coef), numeric, atol=1e-8)

    def test_a_shared_table_is_the_same_as_its_copies(self):
        rng = np.random.default_rng(9)
        X, Y = rng.standard_normal((30, 4)), [rng.permutation(30) % 2 * 1.0 for _ in range(3)]
        one = LabelledTasks.prepare([X] * 3, Y, ridge=1.0)
        many = LabelledTasks.prepare([X.copy() for _ in range(3)], Y, ridge=1.0)
        assert len(one.X) == 30 and len(many.X) == 90
        coef = rng.standard_normal((3, 5))
        np.testing.assert_array_equal(one.losses(coef), many.losses(coef))
        square = draw_theta(3).T ** 2
        np.testing.assert_allclose(
            last_step(one, square, LAM, 20).coef, last_step(many, square, LAM, 20).coef, atol=1e-12
        )


class TestHypergradient:
    training, judging = draw_tasks(0), draw_tasks(1)

    @pytest.mark.parametrize("n_inner", [1, 2, 40])
    def test_it_agrees_with_differences(self, n_inner):
        theta = 0.9 * draw_theta() + 0.02

        def value(theta):
            found = task_hypergradient(self.training, self.judging, theta, LAM, n_inner=n_inner)
            return found.values.mean()

        found = task_hypergradient(self.training, self.judging, theta, LAM, n_inner=n_inner).theta
        numeric = differences(value, theta)
        np.testing.assert_allclose(found, numeric, atol=1e-6 * np.abs(numeric).max())

    def test_groups_and_tasks_may_come_in_any_order(self):
        theta = draw_theta()
        found = task_hypergradient(self.training, self.judging, theta, LAM)
        turned = task_hypergradient(self.training, self.judging, theta[:, ::-1], LAM)
        np.testing.assert_allclose(turned.theta, found.theta[:, ::-1], atol=1e-12)

    def test_equal_memberships_and_zeros_stand_still(self):
        equal = task_hypergradient(self.training, self.judging, np.full((4, 2), 0.5), LAM).theta
        np.testing.assert_allclose(equal[:, 0], equal[:, 1], rtol=1e-10)
        hard = np.eye(2)[[0, 0, 1, 1]]
        found = task_hypergradient(self.training, self.judging, hard, LAM).theta
        assert np.all(found[hard == 0] == 0.0) and np.abs(found).max() > 1e-4


class TestRefusals:
    def test_what_is_wrong_is_said(self):
        X, y = np.zeros((4, 2)), np.array([0.0, 1.0, 1.0, 0.0])
        with pytest.raises(ValueError, match="Labels of task 1 must be 0 and 1, and some of each"):
            LabelledTasks.prepare([X, X], [y, np.ones(4)], ridge=1.0)
        with pytest.raises(ValueError, match="Task 1 has a table of shape"):
            LabelledTasks.prepare([X, X[:3]], [y, y], ridge=1.0)
        with pytest.raises(ValueError, match="as many tasks"):
            LabelledTasks.prepare([X], [y, y], ridge=1.0)
        with pytest.raises(ValueError, match="ridge must be a finite positive number"):
            LabelledTasks.prepare([X], [y], ridge=0.0)
        tasks = draw_tasks()
        with pytest.raises(ValueError, match="one row for each of the 4 tasks"):
            task_hypergradient(tasks, tasks, draw_theta(3), LAM)
        with pytest.raises(ValueError, match="sum to at most one, got 2"):
            task_hypergradient(tasks, tasks, np.ones((4, 2)), LAM)
        with pytest.raises(ValueError, match="judging must have as many tasks"):
            task_hypergradient(tasks, draw_tasks(sizes=(9, 9)), draw_theta(), LAM)
        with pytest.raises(ValueError, match="lam must be"):
            task_hypergradient(tasks, tasks, draw_theta(), 0.0)
        with pytest.raises(ValueError, match="n_inner must be"):
            task_hypergradient(tasks, tasks, draw_theta(), LAM, n_inner=0)
