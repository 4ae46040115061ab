"""Quadratic programs: optimality by multipliers, independent solvers, and what is infeasible."""

import cvxpy as cp
import numpy as np
import pytest
from contracts.instances import generators
from scipy.optimize import linprog, nnls

from multiconvex.quadratic import InfeasibleConstraints, minimize_quadratic, project_rows

SENTENCE = "No parameter satisfies the constraints together"


def draw_program(rng, n, p, spread=0.0):
    """Return a definite Hessian, a linear term and inequalities that 0 satisfies or not."""
    root = rng.standard_normal((n + 2, n)) * 10.0 ** rng.uniform(-spread, spread, n)
    rows = rng.standard_normal((p, n))
    return root.T @ root + 1e-3 * np.eye(n), 10.0 * rng.standard_normal(n), rows, rng.normal(size=p)


def feasible(matrix, bound):
    free = [(None, None)] * matrix.shape[1]
    return linprog(np.zeros(matrix.shape[1]), matrix, bound, bounds=free).status == 0


def assert_optimal(hessian, linear, matrix, bound, x, tol=1e-8):
    """Feasible, and the negative gradient a nonnegative combination of the tight normals."""
    slack = bound - matrix @ x
    size = np.abs(bound) + np.linalg.norm(matrix, axis=1) * (1.0 + np.linalg.norm(x))
    assert np.all(slack >= -1e-11 * size)
    pull = linear - hessian @ x
    tight = matrix[(slack <= tol * size) & matrix.any(axis=1)]
    normals = (tight / np.linalg.norm(tight, axis=1, keepdims=True)).T
    left = nnls(normals, pull)[1] if tight.size else np.linalg.norm(pull)
    assert left <= tol * (np.linalg.norm(linear) + np.linalg.norm(hessian, 2) * np.linalg.norm(x))


def agrees_on_feasibility(*program):
    """Check optimality where there is a feasible point, and the sentence where there is none."""
    if feasible(*program[2:]):
        assert_optimal(*program, minimize_quadratic(*program))
        return True
    with pytest.raises(InfeasibleConstraints, match=SENTENCE):
        minimize_quadratic(*program)
    return False


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_multipliers_certify_the_minimiser(spread):
    solved = [
        agrees_on_feasibility(*draw_program(rng, rng.integers(1, 8), rng.integers(0, 16), spread))
        for rng in generators(300, seed=1)
    ]
    assert 100 < sum(solved) < 280


def test_agrees_with_an_interior_point_solver():
    for rng in generators(12, seed=2):
        hessian, linear, matrix, bound = draw_program(rng, 5, 9)
        bound = np.abs(bound)
        x = cp.Variable(5)
        cost = cp.quad_form(x, cp.psd_wrap(hessian)) / 2 - linear @ x
        cp.Problem(cp.Minimize(cost), [matrix @ x <= bound]).solve(
            solver=cp.CLARABEL, tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11
        )
        np.testing.assert_allclose(
            minimize_quadratic(hessian, linear, matrix, bound), x.value, atol=1e-6
        )


def test_nothing_binds():
    for rng in generators(5, seed=3):
        hessian, linear, matrix, bound = draw_program(rng, 4, 6)
        best = np.linalg.solve(hessian, linear)
        loose = matrix @ best + 1.0
        np.testing.assert_allclose(minimize_quadratic(hessian, linear, matrix, loose), best)
        empty = minimize_quadratic(hessian, linear, matrix[:0], bound[:0])
        np.testing.assert_allclose(empty, best)


def test_one_unknown_is_clipped():
    for linear, best in ((5.0, 1.0), (-5.0, -2.0), (0.5, 0.25)):
        found = minimize_quadratic(
            np.array([[2.0]]), np.array([linear]), np.array([[1.0], [-3.0]]), np.array([1.0, 6.0])
        )
        np.testing.assert_allclose(found, [best])


def test_zero_rows_say_nothing_or_everything():
    eye, target = np.eye(2), np.array([3.0, 4.0])
    rows = np.array([[0.0, 0.0], [1.0, 0.0]])
    np.testing.assert_allclose(minimize_quadratic(eye, target, rows, np.array([0.0, 1.0])), [1, 4])
    with pytest.raises(InfeasibleConstraints, match=SENTENCE):
        minimize_quadratic(eye, target, rows, np.array([-1e-6, 1.0]))


def test_repeated_constraints_change_nothing():
    for rng in generators(30, seed=4):
        hessian, linear, matrix, bound = draw_program(rng, 4, 5)
        bound = np.abs(bound)
        once = minimize_quadratic(hessian, linear, matrix, bound)
        scales = rng.uniform(0.01, 100.0, 10)
        again = np.vstack([matrix, matrix]) * scales[:, None]
        twice = minimize_quadratic(hessian, linear, again, np.tile(bound, 2) * scales)
        np.testing.assert_allclose(twice, once, atol=1e-9)


def test_equalities_are_pairs_of_inequalities():
    """The minimiser under equalities alone solves a linear system."""
    for rng in generators(30, seed=5):
        n, p = 5, rng.integers(1, 5)
        hessian, linear, matrix, bound = draw_program(rng, n, p)
        pairs = np.vstack([matrix, -matrix]), np.concatenate([bound, -bound])
        system = np.block([[hessian, matrix.T], [matrix, np.zeros((p, p))]])
        expected = np.linalg.solve(system, np.concatenate([linear, bound]))[:n]
        np.testing.assert_allclose(
            minimize_quadratic(hessian, linear, *pairs), expected, rtol=1e-8, atol=1e-8
        )


def test_equalities_with_inequalities_and_a_single_point():
    for rng in generators(100, seed=6):
        n = rng.integers(1, 6)
        hessian, linear, matrix, bound = draw_program(rng, n, 2 * n)
        pairs = rng.integers(1, n + 1)
        matrix[pairs : 2 * pairs], bound[pairs : 2 * pairs] = -matrix[:pairs], -bound[:pairs]
        agrees_on_feasibility(hessian, linear, matrix, bound)


@pytest.mark.parametrize("scale", [1e-9, 1e-4, 1.0, 1e6])
def test_cones_down_to_their_apex(scale):
    """With bounds 0 some cones hold nothing but 0, where many more than n constraints meet."""
    apex = 0
    for rng in generators(60, seed=7):
        n = rng.integers(1, 6)
        hessian, linear, matrix, _ = draw_program(rng, n, rng.integers(1, 9))
        x = minimize_quadratic(hessian, scale * linear, matrix, np.zeros(len(matrix)))
        assert_optimal(hessian, linear, matrix, np.zeros(len(matrix)), x / scale)
        apex += np.linalg.norm(x) < 1e-12 * scale
    assert apex > 5


def test_integer_grids_are_degenerate():
    for rng in generators(100, seed=8):
        n = rng.integers(1, 5)
        hessian, linear, matrix, bound = draw_program(rng, n, 12)
        agrees_on_feasibility(hessian, linear, np.round(matrix), np.round(2.0 * bound))


def test_follows_the_units_of_the_unknowns():
    for rng in generators(10, seed=9):
        hessian, linear, matrix, bound = draw_program(rng, 4, 8)
        bound = np.abs(bound)
        x = minimize_quadratic(hessian, linear, matrix, bound)
        for scale in (1e-8, 1e7):
            scaled = minimize_quadratic(hessian, scale * linear, matrix, scale * bound)
            np.testing.assert_allclose(scaled, scale * x, rtol=1e-9, atol=1e-9 * scale)


def test_rows_are_projected_one_by_one():
    """Nearest points satisfy the variational inequality at every other feasible point."""
    for rng in generators(20, seed=10):
        points, matrix = 3.0 * rng.standard_normal((6, 3)), rng.standard_normal((5, 3))
        bound = rng.random(5)
        projected = project_rows(points, matrix, bound)
        for point, nearest in zip(points, projected):
            assert_optimal(np.eye(3), point, matrix, bound, nearest)
            np.testing.assert_allclose(
                nearest, minimize_quadratic(np.eye(3), point, matrix, bound), atol=1e-12
            )
        np.testing.assert_allclose(project_rows(projected, matrix, bound), projected, atol=1e-10)
        normals = points - projected
        gaps = normals @ projected.T - np.sum(normals * projected, axis=1, keepdims=True)
        assert gaps.max() <= 1e-9


def test_no_row_can_be_projected_on_nothing():
    with pytest.raises(InfeasibleConstraints, match=SENTENCE):
        project_rows(np.zeros((2, 1)), np.array([[1.0], [-1.0]]), np.array([0.0, -1.0]))


@pytest.mark.parametrize("hessian", [np.zeros((2, 2)), np.diag([1.0, -1.0]), np.ones((2, 2))])
def test_a_hessian_that_is_not_definite_is_refused(hessian):
    with pytest.raises(np.linalg.LinAlgError, match="must be positive definite"):
        minimize_quadratic(hessian, np.ones(2), np.ones((1, 2)), np.zeros(1))


def test_inputs_are_never_written_to():
    hessian, linear, matrix, bound = draw_program(np.random.default_rng(11), 4, 6)
    program = (hessian, linear, matrix, np.abs(bound))
    before = [array.copy() for array in program]
    x = minimize_quadratic(*program)
    projected = project_rows(matrix, *program[2:])
    for array, copy in zip(program, before):
        np.testing.assert_array_equal(array, copy)
        assert not np.shares_memory(array, x)
        assert not np.shares_memory(array, projected)
