"""What may be free together: known grammars, brute force, convexity along segments, sentences."""

from itertools import combinations

import cvxpy as cp
import numpy as np
import pytest

from multiconvex.programming import NotMultiConvex, Program, fixed_sets, is_multiconvex
from multiconvex.programming.fixing import known_signs, stand_in, substitute


def names(problem):
    return [tuple(variable.name() for variable in group) for group in fixed_sets(problem)]


def scalars(letters, **attributes):
    return [cp.Variable(name=letter, **attributes) for letter in letters]


def minimise(expression, constraints=()):
    return cp.Problem(cp.Minimize(expression), list(constraints))


def matrices():
    return (
        cp.Variable((4, 2), name="W"),
        cp.Variable(2, name="s"),
        cp.Variable((2, 3), name="H"),
    )


def test_bilinear():
    W, _, H = matrices()
    assert names(minimise(cp.sum_squares(W @ H - 1))) == [("W",), ("H",)]


def test_trilinear():
    W, s, H = matrices()
    problem = minimise(cp.sum_squares(W @ cp.diag(s) @ H - 1))
    assert names(problem) == [("W", "s"), ("W", "H"), ("s", "H")]


def test_convex_problems_fix_nothing():
    x, y = scalars("xy")
    assert fixed_sets(minimise(cp.square(x - y), [x + y >= 1])) == ((),)


def test_product_of_absolute_value_and_halfspace():
    x, y = scalars("xy")
    assert names(minimise(cp.abs(x * y), [x + y >= 1])) == [("x",), ("y",)]


@pytest.mark.parametrize("how", ["attribute", "bounds", "constraint", "negated"])
def test_signs_come_from_attributes_bounds_and_constraints(how):
    x = cp.Variable(name="x")
    y = cp.Variable(name="y", nonneg=how == "attribute", bounds=[0, 5] if how == "bounds" else None)
    constraints = {"constraint": [y >= 0], "negated": [-y <= -1]}.get(how, [])
    assert names(minimise(x**2 * y, constraints)) == [("x",), ("y",)]


def test_without_a_sign_the_same_product_is_refused():
    x, y = scalars("xy")
    problem = minimise(x**2 * y, [y >= -1])
    assert not is_multiconvex(problem)
    sentence = r"x cannot be free.*multiplies a convex expression with something whose sign"
    with pytest.raises(NotMultiConvex, match=sentence):
        fixed_sets(problem)


def test_maximisation():
    x, y = scalars("xy", nonneg=True)
    assert names(cp.Problem(cp.Maximize(cp.log(x) * y + cp.sqrt(y)))) == [("x",), ("y",)]
    assert not is_multiconvex(cp.Problem(cp.Maximize(cp.exp(x) * y)))


def test_free_variables_of_other_terms_join_every_set():
    x, y, u = scalars("xyu")
    assert names(minimise(x * y + cp.square(u))) == [("x",), ("y",)]


def test_parameters_need_no_value():
    (x,), (y,) = scalars("x"), scalars("y", nonneg=True)
    weight = cp.Parameter(nonneg=True)
    assert names(minimise(weight * cp.square(x) * y)) == [("x",), ("y",)]


x, y, z = scalars("xyz")
REFUSED = [
    (minimise(x * x), "x appears multiplied with itself in `x [*] x`"),
    (minimise((x + y) * (x + z)), "x appears multiplied with itself"),
    (minimise(cp.square(cp.sqrt(x)) + y), "is the square of a concave expression"),
    (minimise(cp.sqrt(x) + y), "in the objective, `power.x, 0.5.` is concave in x"),
    (minimise(x / y), "y cannot be free.*y appears in the denominator of `x / y`"),
    (minimise(x, [cp.square(x) == 1]), "in the constraint .* is convex in x, where an affine"),
    (minimise(x, [cp.sqrt(x) <= y]), "in the constraint .* is concave in x, where a convex"),
    (
        minimise(cp.log(cp.exp(x) + 1) + y * x),
        "`log.exp.x. . 1.0.` is the log of an expression that is not affine",
    ),
    (minimise(cp.norm(cp.Variable(2, boolean=True, name="b"))), "b is boolean; relax it"),
    (minimise(cp.norm(cp.Variable(2, integer=True, name="b"))), "b is integer; relax it"),
    (minimise(cp.norm(cp.Variable(2, complex=True, name="c"))), "c is complex"),
]


@pytest.mark.parametrize("problem, sentence", REFUSED, ids=lambda value: str(value)[:40])
def test_refusals_say_why(problem, sentence):
    assert not is_multiconvex(problem)
    with pytest.raises(NotMultiConvex, match=sentence):
        fixed_sets(problem)


def test_what_is_no_problem_is_refused():
    with pytest.raises(TypeError, match=r"problem must be a cvxpy\.Problem"):
        fixed_sets(cp.square(x))


def random_problem(rng):
    """Sums of products of few variables, some convex, some signed."""
    variables = [
        cp.Variable(name=f"v{index}", nonneg=bool(rng.integers(2)))
        for index in range(rng.integers(2, 6))
    ]
    terms = []
    for _ in range(rng.integers(1, 5)):
        one, two, three = rng.choice(len(variables), 3)
        kind = rng.integers(4)
        first, second, third = (variables[index] for index in (one, two, three))
        terms.append(
            [
                lambda a, b, c: cp.abs(a * b - c),
                lambda a, b, c: cp.square(a) * b + c,
                lambda a, b, c: cp.exp((a + 2 * b) * c),
                lambda a, b, c: cp.maximum(a, b) + cp.square(c),
            ][kind](first, second, third)
        )
    return minimise(cp.sum(terms))


def frees(problem, free):
    signs = known_signs(problem)
    free = set(map(id, free))
    fixed = [variable for variable in problem.variables() if id(variable) not in free]
    mapping = {id(variable): stand_in(variable, signs[id(variable)]) for variable in fixed}
    return minimise(substitute(problem.objective.args[0], mapping, {})).is_dcp()


@pytest.mark.parametrize("seed", range(40))
def test_sets_are_the_minimal_ones_of_all_subsets(seed):
    problem = random_problem(np.random.default_rng(seed))
    variables = problem.variables()
    indices = range(len(variables))
    fixing = [
        set(subset)
        for size in range(len(variables) + 1)
        for subset in combinations(indices, size)
        if frees(problem, [v for i, v in enumerate(variables) if i not in subset])
    ]
    minimal = [subset for subset in fixing if not any(other < subset for other in fixing)]
    if set().union(*(set(indices) - subset for subset in minimal)) != set(indices):
        assert not is_multiconvex(problem)
        return
    expected = sorted(tuple(sorted(subset)) for subset in minimal)
    assert names(problem) == [tuple(variables[i].name() for i in one) for one in expected]
    assert names(problem) == names(problem)


@pytest.mark.parametrize("seed", range(5))
def test_blocks_are_convex_along_segments(seed):
    rng = np.random.default_rng(seed)
    W, s, H = matrices()
    expression = cp.sum_squares(W @ cp.diag(s) @ H - 1) + cp.norm1(cp.multiply(W[:2], H.T[:2]))
    program = Program(minimise(expression))
    x = [rng.standard_normal(block.shape) for block in program.blocks]
    for k, block in enumerate(program.blocks):
        other = rng.standard_normal(block.shape)
        path = np.linspace(0.0, 1.0, 9)
        losses = [program.loss((*x[:k], (1 - t) * x[k] + t * other, *x[k + 1 :])) for t in path]
        assert np.diff(losses, 2).min() >= -1e-9 * max(losses)
