"""One block: what is compiled has the minimum of the problem with the others as numbers."""

import cvxpy as cp
import numpy as np
import pytest

from multiconvex.programming import BlockFailure, Program
from multiconvex.programming.cones import ConeProgram
from multiconvex.programming.fixing import substitute
from multiconvex.programming.starts import random_start

rng = np.random.default_rng(7)
A, B, b, X = (
    rng.standard_normal((20, 3)),
    rng.random((20, 4)),
    rng.standard_normal(20),
    rng.random((6, 5)),
)


def factors(losses, extra=0.0):
    """Labels in the simplex times the losses of two parameter vectors."""
    z = cp.Variable((20, 2), name="z")
    thetas = [cp.Variable(3, name=f"theta{k}") for k in range(2)]
    r = cp.vstack([losses(theta) for theta in thetas]).T
    penalty = extra(z) if callable(extra) else extra
    return minimise(cp.sum(cp.multiply(z, r)) + penalty, [z >= 0, cp.sum(z, axis=1) == 1])


def minimise(expression, constraints=()):
    return cp.Problem(cp.Minimize(expression), list(constraints))


def trilinear():
    W, s, H = cp.Variable((6, 2), name="W"), cp.Variable(2, name="s"), cp.Variable((2, 5), name="H")
    ridge = 0.01 * cp.sum_squares(W) + 0.01 * cp.norm1(H)
    return minimise(cp.sum_squares(W @ cp.diag(s) @ H - X) + ridge, [s >= 0, cp.sum(s) <= 1])


def inner_product():
    theta, z = cp.Variable(3, name="theta"), cp.Variable(20, name="z", nonneg=True)
    return minimise(z @ cp.square(A @ theta - b) + cp.sum_squares(z), [cp.sum(z) == 1])


def vectors(**attributes):
    return cp.Variable(3, name="x"), cp.Variable(3, name="y", **attributes)


def quotient():
    x, y = cp.Variable(3, name="x"), cp.Variable(name="y", bounds=[0.1, 10])
    return minimise(cp.quad_over_lin(x - 1, y) + y + cp.norm1(y * x / 3))


def matrix_quotient():
    x, P = cp.Variable(3, name="x"), cp.Variable((3, 3), name="P", PSD=True)
    coupling = cp.norm1(cp.multiply(x, cp.diag(P)))
    return minimise(cp.matrix_frac(x - 1, P) + cp.trace(P) + coupling, [P >> 0.1 * np.eye(3)])


def inverse_position():
    x, y = vectors()
    expression = cp.sum(cp.multiply(cp.inv_pos(y), cp.square(x - 1))) + cp.sum(y)
    return minimise(expression, [y >= 0.1])


def semidefinite():
    Q, u = cp.Variable((3, 3), name="Q", PSD=True), cp.Variable(name="u", nonneg=True)
    expression = u * cp.trace(Q) + cp.square(u - 2) + cp.square(cp.trace(Q) - 1)
    return minimise(expression, [Q >> 0.1 * np.eye(3)])


def symmetric():
    x, M = cp.Variable(3, name="x"), cp.Variable((3, 3), name="M", symmetric=True)
    expression = cp.sum_squares(M @ x - 1) + cp.sum_squares(M - np.eye(3)) + 0.1 * cp.norm1(x)
    return minimise(expression)


def scaled_squares():
    x, u = cp.Variable(3, name="x"), cp.Variable(name="u", nonneg=True)
    expression = u * cp.sum_squares(x - 1) + cp.quad_over_lin(x, 2) + cp.square(u - 3)
    return minimise(expression + u * cp.norm(x - 2, 1), [u >= 1])


def maximised():
    a, u = cp.Variable(name="a", bounds=[1.5, 5]), cp.Variable(name="u", nonneg=True)
    return cp.Problem(cp.Maximize(cp.log(a) * u - cp.square(u) - a))


def negative_weight():
    a, u = cp.Variable(name="a", bounds=[1.5, 5]), cp.Variable(name="u", nonpos=True)
    return minimise(cp.log(a) * u + cp.square(u + 1) + cp.square(a - 2))


def coupled_constraints():
    x, y = vectors(nonneg=True)
    constraints = [cp.sum(cp.multiply(x, y)) == 1, cp.multiply(y, cp.square(x)) <= 4, y <= 2]
    return minimise(cp.sum_squares(x - y) + cp.norm(x), constraints)


def parametrised():
    x, y = vectors()
    weight = cp.Parameter(3, nonneg=True, value=np.array([1.0, 2.0, 3.0]))
    return minimise(cp.sum(cp.multiply(weight, cp.square(x - y))) + cp.norm1(cp.multiply(x, y)))


PROBLEMS = {
    "squares": lambda: factors(lambda theta: cp.square(A @ theta - b)),
    "absolute": lambda: factors(lambda theta: cp.abs(A @ theta - b)),
    "huber": lambda: factors(lambda theta: cp.huber(A @ theta - b, 0.3)),
    "logistic": lambda: factors(
        lambda theta: cp.logistic(cp.multiply(np.sign(b), A @ theta)) + 0.1 * cp.sum_squares(theta)
    ),
    "row norms": lambda: factors(
        lambda theta: cp.norm(A @ cp.reshape(theta, (3, 1), order="F") - B, 2, axis=1)
    ),
    "k-means": lambda: factors(
        lambda theta: cp.sum(cp.square(A - cp.reshape(theta, (1, 3), order="F")), axis=1)
    ),
    "chain": lambda: factors(
        lambda theta: cp.square(A @ theta - b), lambda z: cp.norm1(z[1:] - z[:-1])
    ),
    "inner product": inner_product,
    "trilinear": trilinear,
    "quotient": quotient,
    "matrix quotient": matrix_quotient,
    "inverse position": inverse_position,
    "semidefinite": semidefinite,
    "symmetric": symmetric,
    "scaled squares": scaled_squares,
    "maximised": maximised,
    "negative weight": negative_weight,
    "coupled constraints": coupled_constraints,
    "parametrised": parametrised,
}


def optimum(problem, program, x, k):
    """Minimum over one block by CVXPY, the other variables being numbers."""
    own = {id(variable) for variable in program.groups[k]}
    values = program.unpack(x)
    values |= {id(parameter): parameter.value for parameter in problem.parameters()}
    mapping = {key: cp.Constant(value) for key, value in values.items() if key not in own}
    constraints = [substitute(one, mapping, {}) for one in problem.constraints]
    expression = program.sense * substitute(problem.objective.args[0], mapping, {})
    reference = minimise(expression, [one for one in constraints if one.variables()])
    reference.solve(solver="CLARABEL")
    assert reference.status == "optimal"
    return reference.value


# Other solvers have one route for all problems.
CASES = [(name, "CLARABEL") for name in PROBLEMS] + [
    (name, "SCS") for name in ("squares", "absolute", "semidefinite")
]


@pytest.mark.parametrize("name, solver", CASES)
def test_block_solve_equals_cvxpy(name, solver):
    problem = PROBLEMS[name]()
    program = Program(problem, solver=solver)
    x = program.pack(random_start(problem, program, np.random.default_rng(1)))
    tolerance = 1e-6 if solver == "CLARABEL" else 1e-3
    for k in (*range(len(program.blocks)), 0):
        expected = optimum(problem, program, x, k)
        x = (*x[:k], program.solve_block(x, k), *x[k + 1 :])
        assert program.loss(x) == pytest.approx(expected, rel=tolerance, abs=tolerance)


@pytest.mark.parametrize("name", ["squares", "trilinear", "semidefinite"])
def test_compiled_arrays_are_those_of_cvxpy(name):
    problem = PROBLEMS[name]()
    program = Program(problem)
    x = program.pack(random_start(problem, program, np.random.default_rng(2)))
    for k, subproblem in enumerate(program._subproblems):
        program.solve_block(x, k)
        data, _, _ = subproblem.problem.get_problem_data("CLARABEL")
        compiled = ConeProgram(data["param_prob"])
        P, q, entries, right = compiled.arrays(compiled.theta())
        full = np.zeros(compiled.A.shape)
        full[
            compiled.A.indices, np.repeat(np.arange(full.shape[1]), np.diff(compiled.A.indptr))
        ] = entries
        np.testing.assert_allclose(full, data["A"].toarray(), atol=1e-12)
        np.testing.assert_allclose(q, data["c"], atol=1e-12)
        np.testing.assert_allclose(right, data["b"], atol=1e-12)
        if "P" in data:
            assert np.sum(P) == pytest.approx(np.triu(data["P"].toarray()).sum())


def test_long_weights_are_multiplied_in_pieces():
    m = 2500
    local = np.random.default_rng(0)
    C, c = local.standard_normal((m, 3)), local.standard_normal(m)
    theta, z = cp.Variable(3, name="theta"), cp.Variable(m, name="z", nonneg=True)
    problem = minimise(cp.sum(cp.multiply(z, cp.square(C @ theta - c))), [cp.sum(z) == 1, z <= 0.1])
    program = Program(problem)
    weights = local.random(m) / m
    assert [block.name for block in program.blocks] == ["z", "theta"]
    solved = program.solve_block((weights, np.zeros(3)), 1)
    root = np.sqrt(weights)
    expected = np.linalg.lstsq(root[:, None] * C, root * c, rcond=None)[0]
    np.testing.assert_allclose(solved, expected, atol=1e-7)


def test_weighted_quadratic_form():
    matrix = A.T @ A
    x, u = cp.Variable(3, name="x"), cp.Variable(name="u", nonneg=True)
    form = u * cp.quad_form(x - 1, cp.Parameter((3, 3), PSD=True, value=matrix))
    program = Program(minimise(form + cp.square(u - 1) + cp.sum_squares(x)), [[x], [u]])
    solved = program.solve_block((np.zeros(3), np.array(0.7)), 0)
    expected = np.linalg.solve(0.7 * matrix + np.eye(3), 0.7 * matrix.sum(axis=1))
    losses = [program.loss((value, np.array(0.7))) for value in (solved, expected)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-8)


def test_least_squares_leave_only_the_variables_of_the_user():
    W, H = cp.Variable((6, 2), name="W"), cp.Variable((2, 5), name="H", nonneg=True)
    program = Program(minimise(cp.sum_squares(X - W @ H)))
    x = (np.ones((6, 2)), np.ones((2, 5)))
    for k, size in enumerate((12, 10)):
        program.solve_block(x, k)
        assert program._subproblems[k]._route._program.P.shape == (size, size)


def test_eliminated_variables_of_the_user_get_their_values():
    theta, residual = cp.Variable(3, name="theta"), cp.Variable(20, name="residual")
    fit = cp.sum_squares(residual) + cp.norm1(theta)
    problem = minimise(fit, [residual == 2 * (A @ theta - b)])
    program = Program(problem)
    start = program.pack(random_start(problem, program, np.random.default_rng(0)))
    expected = optimum(problem, program, start, 0)
    solved = program.solve_block(start, 0)
    assert program.loss((solved,)) == pytest.approx(expected, rel=1e-8)
    values = program.named((solved,))
    assert program._subproblems[0]._route._program.P.shape[0] < 20
    np.testing.assert_allclose(values["residual"], 2 * (A @ values["theta"] - b), atol=1e-8)


def test_solution_has_the_attributes_of_the_variables():
    problem = semidefinite()
    program = Program(problem)
    x = program.pack(random_start(problem, program, np.random.default_rng(0)))
    k = [block.name for block in program.blocks].index("Q")
    Q = program.solve_block(x, k)
    np.testing.assert_array_equal(Q, Q.T)
    assert np.linalg.eigvalsh(Q).min() >= 0.0


def test_a_worse_solution_is_not_taken(monkeypatch):
    problem = trilinear()
    program = Program(problem)
    x = program.pack(random_start(problem, program, np.random.default_rng(0)))
    monkeypatch.setattr(
        program._subproblems[0], "solve", lambda current: [value + 10.0 for value in current]
    )
    assert program.solve_block(x, 0) is x[0]


def test_residual_is_zero_at_a_blockwise_minimiser_and_positive_elsewhere():
    x, y = cp.Variable(name="x"), cp.Variable(name="y")
    program = Program(minimise(cp.square(x * y - 1) + cp.square(x) + cp.square(y)))
    assert program.residual((np.array(0.0), np.array(0.0))) == pytest.approx(0.0, abs=1e-7)
    assert program.residual((np.array(1.0), np.array(1.0))) == pytest.approx(0.5 / 2.0, abs=1e-6)


def test_values_outside_a_domain_are_explained():
    x, y = vectors(nonneg=True)
    program = Program(minimise(cp.sum(cp.multiply(cp.square(x), cp.inv_pos(y))) + cp.sum(y)))
    index = [block.name for block in program.blocks].index("x")
    with pytest.raises(BlockFailure, match="coefficients that are not finite"):
        program.solve_block((np.ones(3), np.zeros(3)), index)
