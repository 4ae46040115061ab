"""Accelerated steps on one block: descent, and the solutions of independent solvers."""

import cvxpy as cp
import numpy as np
import pytest
from contracts.implicit import implicit_problem
from contracts.instances import generators
from contracts.problems import factors, least_squares
from contracts.update import UpdateContract

from multiconvex import (
    L1,
    AcceleratedProxGradient,
    Block,
    LeastSquares,
    MultiblockProblem,
    NonNegative,
    NoPenalty,
    ProxGradient,
    WeightRegression,
    alternate,
)
from multiconvex.models.implicit_problem import STATES, WEIGHTS


class TestAcceleratedProxGradient(UpdateContract):
    update = AcceleratedProxGradient()

    def problems(self, scale=1.0):
        return [factors(scale, NonNegative()), least_squares(scale, NonNegative())]

    def test_follows_the_scale_of_the_data(self):
        """The number of steps depends on rounding; without a tolerance it does not."""
        self.update = AcceleratedProxGradient(tol=0.0)
        super().test_follows_the_scale_of_the_data()


def test_reaches_in_fewer_steps_what_plain_steps_reach():
    for rng in generators(4):
        problem, x = least_squares(1.0, L1(0.01))(rng)
        best = AcceleratedProxGradient(steps=5000, tol=0.0)(problem, x, 0, None)[0]
        least = problem.objective((best,))
        excess = [
            problem.objective((rule(problem, x, 0, None)[0],)) - least
            for rule in (AcceleratedProxGradient(steps=60, tol=0.0), ProxGradient(steps=60))
        ]
        assert 0 <= excess[0] < 0.5 * excess[1]


class Cliff(MultiblockProblem):
    """A slope whose curvature is bounded by one on the near side only."""

    blocks = (Block("x", (1,), NoPenalty()),)

    def loss(self, x):
        return float(np.sum(50.0 * np.maximum(x[0], 0.0) ** 2 - np.minimum(x[0], 0.0)))

    def gradient(self, x, k):
        return 100.0 * np.maximum(x[0], 0.0) - (x[0] < 0)

    def lipschitz(self, x, k):
        return 1.0


def test_a_plain_step_replaces_momentum_that_leads_uphill():
    """From -3 the plain step is one; the third step, with momentum, falls off the cliff."""
    problem, x = Cliff(), (np.array([-3.0]),)
    for steps, expected in ((1, -2.0), (2, -1.0), (3, -2.0)):
        new, _ = AcceleratedProxGradient(steps=steps)(problem, x, 0, None)
        assert new == pytest.approx(expected)


def test_states_improve_however_few_the_steps():
    for rng in generators(5):
        problem, x = implicit_problem(rng)
        for steps in (1, 2, 3):
            new, _ = AcceleratedProxGradient(steps=steps)(problem, x, STATES, None)
            assert problem.objective((*x[:STATES], new)) <= problem.objective(x)


@pytest.mark.parametrize("radius", [0.95, 0.1])
def test_weights_agree_with_a_conic_solver(radius):
    """With a small radius the set is active, with a large one it is not."""
    for rng in generators(3):
        problem, x = implicit_problem(rng, radius=radius)
        (m, h), q = x[STATES].shape, x[WEIGHTS].shape[1]
        features = np.hstack([x[STATES], problem.inputs])
        W = cp.Variable((h, q))
        Z = features @ W.T
        roots = np.sqrt(problem.lam)
        D = cp.diag(roots) @ W[:, :h] @ cp.diag(1.0 / roots)
        divergence = 0.5 * cp.sum_squares(cp.pos(Z) @ cp.diag(roots)) - cp.sum(
            cp.multiply(x[STATES] * problem.lam, Z)
        )
        drift = cp.sum_squares(cp.diag(roots) @ (W[:, :h] - problem.anchor))
        value = divergence / m + 0.5 * problem.tether * drift
        program = cp.Problem(cp.Minimize(value), [cp.sigma_max(D) <= radius, D + D.T << np.eye(h)])
        program.solve(solver=cp.CLARABEL)
        new, _ = WeightRegression(steps=4000, tol=1e-12)(problem, x, WEIGHTS, None)
        got = problem.objective((x[0], new, x[STATES]))
        expected = problem.loss((x[0], W.value, x[STATES]))
        assert got == pytest.approx(expected, rel=1e-5)
        scaled = roots[:, None] * new[:, :h] / roots
        assert np.linalg.norm(scaled, 2) <= radius * (1 + 1e-9)


def test_states_agree_with_a_quadratic_solver():
    for rng in generators(3):
        problem, x = implicit_problem(rng)
        new, _ = AcceleratedProxGradient(steps=3000, tol=1e-12)(problem, x, STATES, None)
        readout, weights, X = x
        (m, h), lam = X.shape, problem.lam
        A, D = readout[:, :h], weights[:, :h]
        shift = problem.inputs @ weights[:, h:].T
        rest = problem.inputs @ readout[:, h:].T - problem.targets
        coupling = lam[:, None] * D
        form = np.diag(lam) - coupling - coupling.T
        for i in range(m):
            state = cp.Variable(h)
            value = (
                0.5 * cp.sum_squares(A @ state + rest[i])
                + 0.5 * cp.quad_form(state, cp.psd_wrap(form))
                - (lam * shift[i]) @ state
                + 0.5 * cp.sum_squares(cp.multiply(np.sqrt(lam), cp.pos(D @ state + shift[i])))
            )
            cp.Problem(cp.Minimize(value), [state >= 0]).solve(solver=cp.CLARABEL)
            np.testing.assert_allclose(new[i], state.value, atol=2e-5)


def test_weight_regression_never_raises_the_objective_and_leaves_its_inputs_alone():
    for rng in generators(6):
        problem, x = implicit_problem(rng, radius=0.2)
        before = [block.copy() for block in x]
        value = problem.objective(x)
        for _ in range(20):
            new, _ = WeightRegression(steps=2)(problem, x, WEIGHTS, None)
            x = (x[0], new, x[STATES])
            assert problem.objective(x) <= value * (1 + 1e-14)
            value = problem.objective(x)
        np.testing.assert_array_equal(before[STATES], x[STATES])


def test_weight_regression_honours_well_posed_weights_only():
    problem, x = implicit_problem(np.random.default_rng(0))
    with pytest.raises(TypeError, match="WeightRegression honours WellPosedWeights but block"):
        alternate(problem, x, {"readout": LeastSquares(), "weights": WeightRegression(),
                               "states": WeightRegression()})  # fmt: skip


@pytest.mark.parametrize("rule", [AcceleratedProxGradient, WeightRegression])
def test_refuses_options_without_meaning(rule):
    with pytest.raises(ValueError, match="steps must be an integer"):
        rule(steps=0)
    with pytest.raises(ValueError, match="tol must be a finite nonnegative"):
        rule(tol=-1.0)
