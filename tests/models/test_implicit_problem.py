"""The relaxed training of an implicit rule: its derivatives, its convexity, what it forgets."""

import numpy as np
import pytest
from contracts.implicit import implicit_problem
from contracts.instances import generators
from contracts.problem import ProblemContract

from multiconvex import (
    AcceleratedProxGradient,
    Extrapolation,
    ImplicitProblem,
    LeastSquares,
    MonotoneSet,
    RelativeDecrease,
    SpectralBall,
    WeightRegression,
    alternate,
    certify,
)
from multiconvex.models.implicit_problem import READOUT, STATES, WEIGHTS, InMetric


class TestImplicitProblem(ProblemContract):
    # The targets may be negative: there are no multiplicative terms.
    test_multiplicative_terms_split_the_gradient = None

    def problem(self):
        return implicit_problem(np.random.default_rng(1))[0]

    def point(self, problem, rng):
        _, x = implicit_problem(rng)
        return x

    def documented_loss(self, x):
        """Sample by sample and unit by unit, with columns, as the formula is printed."""
        problem = self.problem()
        readout, weights, X = x
        h, m = len(weights), len(X)
        total = 0.0
        for u, y, state in zip(problem.inputs, problem.targets, X):
            seen = np.concatenate([state, u])
            total += 0.5 * np.sum((readout @ seen - y) ** 2) / m
            for j, z in enumerate(weights @ seen):
                term = 0.5 * (state[j] - max(z, 0)) ** 2 + state[j] * max(-z, 0)
                total += problem.lam[j] * term / m
        drift = np.sqrt(problem.lam)[:, None] * (weights[:, :h] - problem.anchor)
        ridge = 0.5 * problem.ridge * np.sum(readout[:, :-1] ** 2)
        return total + ridge + 0.5 * problem.tether * np.sum(drift**2)

    def minimiser(self):
        problem, x = implicit_problem(np.random.default_rng(2), ridge=2.0, tether=2.0)
        rules = {
            "readout": LeastSquares(),
            "weights": WeightRegression(tol=0.0),
            "states": AcceleratedProxGradient(tol=0.0),
        }
        result = alternate(
            problem,
            x,
            rules,
            acceleration=Extrapolation(),
            stop=RelativeDecrease(0),
            max_iter=1500,
        )
        return problem, tuple(result.blocks.values())

    def test_normal_equations_are_those_of_the_readout(self):
        for _, problem, x, k in self.cases():
            if k != READOUT:
                with pytest.raises(ValueError, match="Only the readout"):
                    problem.normal_equations(x, k)
                continue
            gram, rhs = problem.normal_equations(x, k)
            np.testing.assert_allclose(x[k] @ gram - rhs, problem.gradient(x, k), atol=1e-12)
            assert LeastSquares()(problem, x, k, None)[0] == pytest.approx(
                np.linalg.solve(gram, rhs.T).T
            )


def test_the_weight_metric_lies_above_the_second_order_terms():
    """The model at one point is above the loss anywhere, for moves that share no structure."""
    for rng in generators(20):
        problem, x = implicit_problem(rng)
        C, inverse, steepest = problem.weight_metric(x)
        G = problem.inputs.T @ problem.inputs / len(x[STATES])
        np.testing.assert_allclose(inverse @ G, np.eye(len(G)), atol=1e-9)
        roots = np.sqrt(problem.lam)[:, None]
        h = len(roots)
        move = rng.standard_normal(x[WEIGHTS].shape)
        D, V = move[:, :h], move[:, h:]
        shifted = roots * (V + D @ C)
        model = 0.5 * steepest * np.sum((roots * D / roots.T) ** 2)
        model += 0.5 * np.vdot(shifted @ G, shifted)
        moved = (x[READOUT], x[WEIGHTS] + move, x[STATES])
        slope = np.vdot(problem.gradient(x, WEIGHTS), move)
        assert problem.loss(moved) <= (problem.loss(x) + slope + model) * (1 + 1e-12)


def test_collinear_inputs_leave_the_weights_small():
    rng = np.random.default_rng(0)
    free = rng.standard_normal((60, 2))
    rounding = 1e-6 * rng.standard_normal((60, 1))
    U = np.hstack([free, free @ [[1.0], [2.0]] + rounding])
    states = np.maximum(rng.standard_normal((60, 4)), 0.0)
    problem = ImplicitProblem(U, free, np.zeros((4, 4)))
    start = (np.zeros((2, 8)), np.zeros((4, 8)), states)
    weights, _ = WeightRegression(steps=50)(problem, start, WEIGHTS, None)
    assert np.abs(weights).max() < 10


def test_scaling_the_states_makes_the_divergence_free():
    problem, (readout, weights, X) = implicit_problem(
        np.random.default_rng(3), ridge=0.0, tether=0.0
    )
    h = X.shape[1]
    features = np.hstack([X, problem.inputs])
    misfit = 0.5 * np.sum((features @ readout.T - problem.targets) ** 2) / len(X)
    price = problem.loss((readout, weights, X)) - misfit
    for t in (0.1, 1e-3):
        scaled = readout.copy()
        scaled[:, :h] /= t
        smaller = weights.copy()
        smaller[:, h:] *= t
        got = problem.loss((scaled, smaller, t * X))
        assert got == pytest.approx(misfit + t * t * price, rel=1e-9)


def test_weights_of_units_are_scales_of_units():
    """Scaling unit j by the root of its weight makes all weights one."""
    rng = np.random.default_rng(4)
    problem, (readout, weights, X) = implicit_problem(rng, ridge=0.0, tether=0.0)
    roots, h = np.sqrt(problem.lam), X.shape[1]
    readout_scaled, weights_scaled = readout.copy(), roots[:, None] * weights
    readout_scaled[:, :h] /= roots
    weights_scaled[:, :h] /= roots
    plain = ImplicitProblem(
        problem.inputs[:, :-1], problem.targets, problem.anchor, lam=1.0, ridge=0.0
    )
    assert plain.loss((readout_scaled, weights_scaled, X * roots)) == pytest.approx(
        problem.loss((readout, weights, X))
    )


def test_states_are_a_convex_block_on_the_set_and_not_outside():
    """Silent units: the second difference along the eigenvector is the eigenvalue."""
    rng = np.random.default_rng(5)
    for scale, expected in ((0.1, True), (3.0, False)):
        problem, (readout, weights, X) = implicit_problem(rng, m=1, ridge=0.0, tether=0.0)
        h = X.shape[1]
        weights[:, :h] = scale * rng.standard_normal((h, h))
        weights[:, -1] = -1e3
        readout = 0.0 * readout
        certificate = certify(weights[:, :h], problem.lam)
        coupling = problem.lam[:, None] * weights[:, :h]
        direction = np.linalg.eigh(np.diag(problem.lam) - coupling - coupling.T)[1][:, :1].T
        losses = [problem.loss((readout, weights, 1 + X + t * direction)) for t in (-0.1, 0, 0.1)]
        curvature = np.diff(losses, 2)[0] / 0.01
        assert curvature == pytest.approx(certificate.lmi_eigenvalue, rel=1e-5)
        assert (curvature >= 0) == expected
        allowed = problem.blocks[WEIGHTS].penalty.value(weights)
        assert np.isfinite(allowed) == expected


class TestInMetric:
    def test_projects_to_the_nearest_in_its_metric(self):
        """Nothing feasible is nearer, among points towards random members of the set."""
        for rng in generators(5):
            lam = rng.uniform(0.2, 5.0, 4)
            ratios = np.sqrt(lam)[:, None] / np.sqrt(lam)
            allowed = InMetric(SpectralBall(0.5), lam)
            D = rng.standard_normal((4, 4))
            projected = allowed.prox(D, 1.0)
            assert allowed.gauge(projected) <= 1 + 1e-12
            distance = np.linalg.norm((D - projected) * ratios)
            for _ in range(50):
                other = allowed.prox(rng.standard_normal((4, 4)), 1.0)
                step = projected + 0.1 * (other - projected)
                assert np.linalg.norm((D - step) * ratios) >= distance

    def test_is_the_monotone_set_of_the_same_weights(self):
        for rng in generators(5):
            lam = rng.uniform(0.2, 5.0, 4)
            D = rng.standard_normal((4, 4))
            mine, theirs = InMetric(MonotoneSet(), lam), MonotoneSet(lam)
            assert mine.gauge(D) == pytest.approx(theirs.gauge(D))
            assert certify(mine.prox(D, 1.0), lam).lmi_eigenvalue > -1e-9

    def test_members_stay_where_they_are(self):
        D = 0.1 * np.eye(3)
        np.testing.assert_array_equal(InMetric(SpectralBall(0.5), np.ones(3)).prox(D, 1.0), D)


def test_refuses_data_that_do_not_agree():
    U, Y, D = np.ones((5, 2)), np.ones((5, 1)), np.zeros((3, 3))
    with pytest.raises(ValueError, match="U has 5 rows and Y has 4"):
        ImplicitProblem(U, Y[:4], D)
    with pytest.raises(ValueError, match="anchor must be square"):
        ImplicitProblem(U, Y, np.zeros((3, 2)))
    with pytest.raises(ValueError, match="ridge must be a finite nonnegative"):
        ImplicitProblem(U, Y, D, ridge=-1.0)
    with pytest.raises(ValueError, match=r"lam must"):
        ImplicitProblem(U, Y, D, lam=[1.0, 2.0])
