"""Fixing variables: each is replaced by a parameter of the same shape and sign."""

import cvxpy as cp
from cvxpy.atoms.affine.promote import Promote
from cvxpy.atoms.affine.unary_operators import NegExpression

_KEPT_ATTRIBUTES = ("nonneg", "nonpos", "pos", "neg", "symmetric", "diag", "PSD", "NSD")


def substitute(expression, mapping, memo):
    """Return an expression or constraint with some leaves replaced; shared parts stay shared.

    Parameters
    ----------
    expression : cvxpy.Expression or cvxpy.Constraint
    mapping : dict of int to cvxpy.Expression
        What replaces a leaf, by the ``id`` of the leaf.
    memo : dict
        Results by ``id``, to pass again for expressions that share parts with this one.
    """
    key = id(expression)
    if key not in memo:
        if not expression.args:
            memo[key] = mapping.get(key, expression)
        else:
            args = [substitute(arg, mapping, memo) for arg in expression.args]
            memo[key] = with_args(expression, args)
    return memo[key]


def with_args(expression, args):
    """Return the expression itself when its arguments are the same, else a copy with these."""
    if all(new is old for new, old in zip(args, expression.args)):
        return expression
    return expression.copy(args)


def stand_in(variable, sign):
    """Return a parameter with the shape, the attributes and the sign of a variable."""
    attributes = {name: True for name in _KEPT_ATTRIBUTES if variable.attributes[name]}
    if sign:
        attributes[sign] = True
    return cp.Parameter(variable.shape, name=variable.name(), **attributes)


def known_signs(problem):
    """Return ``"nonneg"``, ``"nonpos"`` or None for each variable, by ``id``.

    Attributes, bounds and constraints that compare the whole variable with a constant count.
    """
    signs = {id(variable): _sign_of_attributes(variable) for variable in problem.variables()}
    for constraint in problem.constraints:
        for variable, sign in _signs_from(constraint):
            signs[id(variable)] = signs[id(variable)] or sign
    return signs


def _sign_of_attributes(variable):
    lower, upper = variable.bounds if variable.bounds is not None else (None, None)
    if variable.is_nonneg() or (_is_number(lower) and lower.min() >= 0):
        return "nonneg"
    if variable.is_nonpos() or (_is_number(upper) and upper.max() <= 0):
        return "nonpos"
    return None


def _is_number(bound):
    return hasattr(bound, "min") and not isinstance(bound, cp.Expression) and bound.size > 0


def _signs_from(constraint):
    """Yield the variables whose sign a constraint implies, with that sign."""
    if isinstance(constraint, cp.constraints.NonNeg):
        smaller, larger = cp.Constant(0.0), constraint.args[0]
    elif isinstance(constraint, cp.constraints.NonPos):
        smaller, larger = constraint.args[0], cp.Constant(0.0)
    elif isinstance(constraint, cp.constraints.Inequality):
        smaller, larger = constraint.args
    else:
        return
    if smaller.is_constant() and smaller.is_nonneg():
        yield from _signed_variable(larger, "nonneg", "nonpos")
    if larger.is_constant() and larger.is_nonpos():
        yield from _signed_variable(smaller, "nonpos", "nonneg")


def _signed_variable(expression, sign, opposite):
    while isinstance(expression, Promote | NegExpression):
        if isinstance(expression, NegExpression):
            sign, opposite = opposite, sign
        expression = expression.args[0]
    if isinstance(expression, cp.Variable):
        yield expression, sign
