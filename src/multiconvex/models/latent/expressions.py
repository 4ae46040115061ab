"""What CVXPY expressions say: losses, constraints and penalties with a fast path.

Every function returns None for an expression it does not recognise; the caller then solves the
step with CVXPY.
"""

from contextlib import contextmanager

import cvxpy as cp
import numpy as np
from cvxpy.atoms.affine.add_expr import AddExpression
from cvxpy.atoms.affine.binary_operators import DivExpression, MulExpression, multiply
from cvxpy.atoms.elementwise.power import Power as ElementwisePower

from multiconvex.models.latent.links import Huber, Logistic, LogSumExp, Power, Square
from multiconvex.models.latent.parameter_space import ParameterSpace
from multiconvex.models.latent.sample_losses import AffineLoss, CentreLoss, SquaredLoss
from multiconvex.programming.fixing import substitute

_SIMPLE_ATTRIBUTES = {"nonneg", "nonpos", "bounds"}


def as_sample_loss(expression, variables):
    """Return the loss (m,) as a convex function of linear predictors, or None."""
    nonlinear, affine = [], []
    for term in split_terms(expression):
        (affine if term.is_affine() else nonlinear).append(term)
    if len(nonlinear) != 1:
        return None
    scale, atom = _scaled(nonlinear[0])
    found = _link_of(atom)
    scaled = _with_scale(found[0], scale) if found else None
    if scaled is None:
        return None
    link, factor = scaled
    m = expression.shape[0]
    matrix, offset = (factor * part for part in affine_map(found[1], variables))
    n = matrix.shape[1]
    design, offset = matrix.reshape(m, -1, n), offset.reshape(m, -1)
    if not affine:
        if not isinstance(link, Square):
            return AffineLoss(link, design, offset)
        return _as_centre(design, offset) or SquaredLoss(design, offset)
    linear, constant = affine_map(sum(affine), variables)
    return AffineLoss(link, design, offset, linear, constant)


def as_parameter_space(constraints, penalty, variables):
    """Return the constraints and the penalty (None where there is none) of one factor, or None."""
    size = sum(variable.size for variable in variables)
    rows = [_bounds_of(variables)]
    for constraint in constraints:
        rows.append(_inequalities(constraint, variables))
    weights = _weights_of(penalty, variables)
    if weights is None or any(pair is None for pair in rows):
        return None
    matrix = np.vstack([np.zeros((0, size)), *(pair[0] for pair in rows)])
    bound = np.concatenate([pair[1] for pair in rows])
    return ParameterSpace(matrix, bound, **weights)


def affine_map(expression, variables):
    """Return ``matrix, constant`` of an affine expression, flattened in C order."""
    size = sum(variable.size for variable in variables)
    with preserved(variables):
        assign(variables, np.zeros(size))
        value, slopes = expression.value, expression.grad
    columns = [
        _slopes_in(variable, slopes.get(variable), expression.shape) for variable in variables
    ]
    return np.column_stack(columns), _dense(value).ravel()


def assign(variables, flat):
    """Give the variables the values of a vector, one after the other."""
    start = 0
    for variable in variables:
        piece = flat[start : start + variable.size]
        variable.save_value(piece.reshape(variable.shape))
        start += variable.size


def settle(variables, flat):
    """Give the variables fitted values, inside their signs and bounds, which rounding may cross."""
    assign(variables, flat)
    for variable in variables:
        variable.save_value(np.clip(variable.value, *variable.get_bounds()))


def split_terms(expression):
    """Return the terms of a sum, or of a multiple of a sum."""
    if isinstance(expression, AddExpression):
        return [term for arg in expression.args for term in split_terms(arg)]
    scale, inner = _scaled(expression)
    if isinstance(inner, AddExpression):
        return [scale * term for term in split_terms(inner)]
    return [expression]


def copy_factor(variables, loss, pieces):
    """Return the same variables, loss, and terms or constraints, with variables of their own."""
    copies = [_like(variable) for variable in variables]
    mapping = {id(variable): copy for variable, copy in zip(variables, copies)}
    memo = {}
    loss, *pieces = (substitute(piece, mapping, memo) for piece in [loss, *pieces])
    return copies, loss, pieces


def _like(variable):
    given = {name: value for name, value in variable.attributes.items() if value is not None}
    return cp.Variable(variable.shape, **{name: v for name, v in given.items() if np.any(v)})


@contextmanager
def preserved(variables):
    """Restore the values of the variables afterwards."""
    before = [variable.value for variable in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, before):
            variable.save_value(value)


def _slopes_in(variable, slope, shape):
    """Return the derivative in one variable; CVXPY stacks both sides column by column."""
    size = int(np.prod(shape))
    if slope is None:
        return np.zeros((size, variable.size))
    matrix = _dense(slope).reshape(variable.size, size)
    rows = np.arange(variable.size).reshape(variable.shape, order="F").ravel()
    columns = np.arange(size).reshape(shape, order="F").ravel()
    return matrix[rows][:, columns].T


def _dense(value):
    return value.toarray() if hasattr(value, "toarray") else np.asarray(value, float)


def _link_of(term):
    """Return the link and its affine argument."""
    if isinstance(term, cp.Sum) and term.axis == 1 and len(term.args[0].shape) == 2:
        inner = _link_of(term.args[0])
        return None if inner is None or isinstance(inner[0], LogSumExp) else inner
    if not term.args or not term.args[0].is_affine():
        if isinstance(term, ElementwisePower) and isinstance(term.args[0], cp.abs):
            inner = term.args[0].args[0]
            return (Power(float(term.p.value)), inner) if inner.is_affine() else None
        return None
    inner = term.args[0]
    if isinstance(term, ElementwisePower) and float(term.p.value) == 2.0:
        return Square(), inner
    if isinstance(term, cp.abs):
        return Power(1.0), inner
    if isinstance(term, cp.huber):
        return Huber(float(term.M.value)), inner
    if isinstance(term, cp.logistic):
        return Logistic(), inner
    if isinstance(term, cp.log_sum_exp) and term.axis == 1:
        return LogSumExp(), inner
    return None


def _with_scale(link, scale):
    """Return a link and a factor of its argument that stand for a multiple of the link."""
    if scale == 1.0:
        return link, 1.0
    if scale > 0.0 and isinstance(link, Square):
        return link, np.sqrt(scale)
    if scale > 0.0 and isinstance(link, Power):
        return link, scale ** (1.0 / link.p)
    if scale > 0.0 and isinstance(link, Huber):
        return Huber(link.delta * np.sqrt(scale)), np.sqrt(scale)
    return None


def _as_centre(design, offset):
    """Recognise squared distances to points, where every design is plus or minus the identity."""
    _, q, n = design.shape
    if q != n:
        return None
    for sign in (1.0, -1.0):
        if np.array_equal(design, np.broadcast_to(sign * np.eye(n), design.shape)):
            return CentreLoss(np.ascontiguousarray(-sign * offset))
    return None


def _inequalities(constraint, variables):
    """Return ``A, b`` with the constraint being ``A theta <= b``."""
    kind = type(constraint).__name__
    if kind not in {"Inequality", "Equality", "NonPos", "NonNeg", "Zero"}:
        return None
    expression = constraint.args[0] if kind in {"NonPos", "NonNeg", "Zero"} else constraint.expr
    if not expression.is_affine():
        return None
    matrix, constant = affine_map(expression, variables)
    if kind == "NonNeg":
        return -matrix, constant
    if kind in {"Equality", "Zero"}:
        return np.vstack([matrix, -matrix]), np.concatenate([-constant, constant])
    return matrix, -constant


def _bounds_of(variables):
    """Return the inequalities that attributes of the variables stand for, None beyond bounds."""
    matrices, bounds, start = [], [], 0
    size = sum(variable.size for variable in variables)
    for variable in variables:
        given = {name for name, value in variable.attributes.items() if value is not None and value}
        if given - _SIMPLE_ATTRIBUTES:
            return None
        rows = np.eye(size)[start : start + variable.size]
        if variable.is_nonneg() or variable.is_nonpos():
            matrices.append(-rows if variable.is_nonneg() else rows)
            bounds.append(np.zeros(variable.size))
        if "bounds" in given:
            lower, upper = (
                np.broadcast_to(b, variable.shape).ravel() for b in variable.attributes["bounds"]
            )
            matrices += [rows[np.isfinite(upper)], -rows[np.isfinite(lower)]]
            bounds += [upper[np.isfinite(upper)], -lower[np.isfinite(lower)]]
        start += variable.size
    return np.vstack([np.zeros((0, size)), *matrices]), np.concatenate([np.zeros(0), *bounds])


def _weights_of(penalty, variables):
    """Return the ridge and norm weights of a penalty on all variables of a factor."""
    weights = {"ridge": 0.0, "norm": 0.0}
    for term in [] if penalty is None else split_terms(penalty):
        scale, atom = _scaled(term)
        whole = atom.args and _is_whole(atom.args[0], variables)
        if whole and isinstance(atom, cp.quad_over_lin) and atom.args[1].value == 1.0:
            weights["ridge"] += 2.0 * scale
        elif whole and isinstance(atom, cp.Pnorm) and atom.p == 2 and atom.axis is None:
            weights["norm"] += scale
        else:
            return None
    return weights


def _scaled(term):
    """Return a number and what it multiplies."""
    if isinstance(term, DivExpression) and _number(term.args[1], True) is not None:
        scale, inner = _scaled(term.args[0])
        return scale / _number(term.args[1], True), inner
    if isinstance(term, multiply | MulExpression):
        for factor, other in (term.args, term.args[::-1]):
            number = _number(factor, isinstance(term, multiply))
            if number is not None:
                scale, inner = _scaled(other)
                return scale * number, inner
    return 1.0, term


def _number(factor, entrywise):
    """Return the number that a constant factor is, or repeats in every entry."""
    if not factor.is_constant():
        return None
    values = np.ravel(_dense(factor.value))
    repeated = values.size == 1 or (entrywise and values.size and np.all(values == values[0]))
    return float(values[0]) if repeated else None


def _is_whole(expression, variables):
    """Whether an expression is the vector of all variables, in any order."""
    size = sum(variable.size for variable in variables)
    if not expression.is_affine() or expression.size != size:
        return False
    matrix, constant = affine_map(expression, variables)
    orthogonal = np.array_equal(matrix.T @ matrix, np.eye(size))
    return orthogonal and not constant.any()
