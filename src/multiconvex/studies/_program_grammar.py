"""What the rules of disciplined convex programming say of expressions and programs."""

from dataclasses import dataclass

import cvxpy as cp
import numpy as np
from cvxpy.atoms.affine.reshape import reshape
from cvxpy.atoms.affine.unary_operators import NegExpression

from multiconvex.programming import NotMultiConvex, fixed_sets, solve_blockwise
from multiconvex.programming.fixing import stand_in, substitute

_SYMBOLS = {
    "AddExpression": "+",
    "MulExpression": "@",
    "quad_over_lin": "sum_squares",
    "diag_vec": "diag",
    "transpose": "T",
}
_PASSED_OVER = (NegExpression, reshape)


@dataclass(frozen=True)
class Node:
    """One operation, variable or constant of an expression.

    Attributes
    ----------
    text : str
    verdict : str
        ``"fixed"``, ``"affine"``, ``"convex"``, ``"concave"`` or ``"unknown"``.
    parent : int or None
        Index of the operation that uses it.
    depth : int
    place : float
        Across the tree, leaves being one apart.
    """

    text: str
    verdict: str
    parent: int | None
    depth: int
    place: float


def grow_tree(expression, fixed=()):
    """Return the nodes of an expression with some of its variables fixed, the root first."""
    mapping = {id(variable): stand_in(variable, _sign(variable)) for variable in fixed}
    nodes, leaves = [], 0

    def visit(one, parent, depth):
        nonlocal leaves
        while isinstance(one, _PASSED_OVER):
            one = one.args[0]
        index = len(nodes)
        nodes.append(None)
        if one.args:
            places = [visit(arg, index, depth + 1) for arg in one.args if not _is_number(arg)]
            place = float(np.mean(places))
        else:
            leaves, place = leaves + 1, float(leaves)
        nodes[index] = Node(_text(one), _verdict(one), parent, depth, place)
        return place

    visit(substitute(expression, mapping, {}), None, 0)
    return tuple(nodes)


def read_expressions():
    """Return a table of expressions: what is true of each, and what the rules can tell."""
    x, y = cp.Variable(name="x"), cp.Variable(name="y")
    written = (
        ("square(x)", cp.square(x), "convex"),
        ("exp(2 * x - 1)", cp.exp(2 * x - 1), "convex"),
        ("square(exp(x))", cp.square(cp.exp(x)), "convex"),
        ("square(sqrt(x))", cp.square(cp.sqrt(x)), "convex"),
        ("sqrt(1 + square(x))", cp.sqrt(1 + cp.square(x)), "convex"),
        ("norm(hstack([1, x]))", cp.norm(cp.hstack([1, x])), "convex"),
        ("log(1 + exp(x))", cp.log(1 + cp.exp(x)), "convex"),
        ("logistic(x)", cp.logistic(x), "convex"),
        ("x * y", x * y, "neither"),
    )
    return [
        {"expression": text, "in truth": truth, "by the rules": _verdict(expression)}
        for text, expression, truth in written
    ]


def read_programs():
    """Return a table of objectives, what to fix in each, or why nothing helps."""
    x, y = cp.Variable(name="x"), cp.Variable(name="y")
    u, count = cp.Variable(name="u", nonneg=True), cp.Variable(name="n", integer=True)
    written = (
        ("square(x - y)", cp.square(x - y)),
        ("abs(x * y)", cp.abs(x * y)),
        ("square(x) * u, with u nonnegative", cp.square(x) * u),
        ("square(x) * y", cp.square(x) * y),
        ("x * x + abs(x * y)", x * x + cp.abs(x * y)),
        ("x / y", x / y),
        ("abs(x * y) + sqrt(u)", cp.abs(x * y) + cp.sqrt(u)),
        ("abs(x * n), with n an integer", cp.abs(x * count)),
    )
    return [
        {"minimise": text, "fix": _answer(cp.Problem(cp.Minimize(expression)))}
        for text, expression in written
    ]


def collect_failures():
    """Return a table of programs that stop with a sentence, and the sentence."""
    x, y = cp.Variable(name="x"), cp.Variable(name="y")
    product, distance = cp.square(x * y - 2), cp.square(x - 1) + cp.square(y - 1)
    weight = cp.Parameter(name="weight", nonneg=True)
    written = (
        ("x * y == 2 and x <= 1, from y = 1", distance, [x * y == 2, x <= 1], {}),
        ("x * y, without bounds", x * y, [], {}),
        ("a weight without a value", weight * product, [], {}),
        ("a missing observation", cp.square(x * y - np.nan), [], {}),
        ("x and y in one block", product, [], {"blocks": [[x, y]]}),
        ("a block for x only", product, [], {"blocks": [[x]]}),
    )
    rows = []
    for text, expression, constraints, options in written:
        x.value, y.value = 3.0, 1.0
        problem = cp.Problem(cp.Minimize(expression), constraints)
        try:
            solve_blockwise(problem, **options)
        except (ValueError, RuntimeError) as error:
            rows.append({"mistake": text, "answer": str(error)})
    return rows


def _answer(problem):
    try:
        sets = fixed_sets(problem)
    except NotMultiConvex as error:
        return str(error).removeprefix("The problem is not multi-convex: ")
    names = ("{" + ", ".join(variable.name() for variable in one) + "}" for one in sets)
    return " or ".join(names).replace("{}", "nothing")


def _sign(variable):
    return "nonneg" if variable.is_nonneg() else "nonpos" if variable.is_nonpos() else None


def _is_number(expression):
    return isinstance(expression, cp.Constant) and expression.is_scalar()


def _text(expression):
    if expression.args:
        kind = type(expression).__name__
        subtracts = any(isinstance(arg, NegExpression) for arg in expression.args)
        return "\N{MINUS SIGN}" if subtracts else _SYMBOLS.get(kind, kind)
    return "X" if isinstance(expression, cp.Constant) else expression.name()


def _verdict(expression):
    if expression.is_constant():
        return "fixed"
    verdict = expression.curvature.lower()
    return verdict if verdict in ("affine", "convex", "concave") else "unknown"
