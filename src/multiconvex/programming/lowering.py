"""One block's problem, written so that CVXPY compiles it once for all values of the others.

Whatever has no free variable becomes one parameter, whose value is computed before each solve.
Products of a parameter with what is not affine and free of parameters are rewritten: CVXPY's rules
for parameters (DPP) would refuse them, or accept them at a cost that is quadratic in their length.
"""

from dataclasses import dataclass, field

import cvxpy as cp
import numpy as np
import scipy.sparse as sp
from cvxpy.atoms.affine.add_expr import AddExpression
from cvxpy.atoms.affine.binary_operators import MulExpression, multiply
from cvxpy.atoms.affine.concatenate import Concatenate
from cvxpy.atoms.affine.hstack import Hstack
from cvxpy.atoms.affine.reshape import reshape
from cvxpy.atoms.affine.sum import Sum
from cvxpy.atoms.affine.transpose import transpose
from cvxpy.atoms.affine.vstack import Vstack
from cvxpy.atoms.elementwise.power import Power
from cvxpy.atoms.quad_form import QuadForm
from cvxpy.atoms.quad_over_lin import quad_over_lin

from multiconvex.programming.fixing import with_args

_PIECE = 1024
_REARRANGEMENTS = (transpose, reshape, Vstack, Hstack, Concatenate)


@dataclass
class Lowering:
    """Rewrites expressions, and collects the constraints and parameters that this takes.

    Attributes
    ----------
    constraints : list of cvxpy.Constraint
        Definitions of the auxiliary variables.
    refreshed : list of tuple
        Each parameter with the function that returns its value at the current point, in the order
        in which they are to be computed.
    """

    constraints: list = field(default_factory=list)
    refreshed: list = field(default_factory=list)
    _done: dict = field(default_factory=dict)

    def __call__(self, expression):
        """Return an equivalent expression, or constraint, whose parameters are fresh ones."""
        key = id(expression)
        if key not in self._done:
            self._done[key] = (expression, self._lowered(expression))
        return self._done[key][1]

    def refresh(self):
        """Compute the value of every parameter from the current point."""
        for parameter, compute in self.refreshed:
            parameter.save_value(compute())

    def _lowered(self, expression):
        if not expression.variables():
            return self._constant(expression)
        if not expression.args:
            return expression
        args = [self(arg) for arg in expression.args]
        if isinstance(expression, multiply | MulExpression):
            for index, arg in enumerate(args):
                if not arg.variables() and arg.parameters():
                    return self._product(type(expression), args, index)
        if isinstance(expression, QuadForm):
            return _quadratic_form(args[0], args[1])
        if isinstance(expression, quad_over_lin) and args[1].parameters():
            root = self._derived(args[1], lambda value: 1.0 / np.sqrt(value))
            inside = self._weighted(root, args[0])
            return quad_over_lin(inside, 1.0, *expression.get_data())
        if isinstance(expression, Sum) and expression.axis is None and expression.is_scalar():
            return _total(args[0])
        return with_args(expression, args)

    def _constant(self, expression):
        if not expression.parameters():
            return expression
        return self._parameter(expression, lambda: expression.value)

    def _parameter(self, like, compute):
        """Return a parameter of the shape and sign of an expression."""
        nonneg, nonpos = like.is_nonneg(), like.is_nonpos() and not like.is_nonneg()
        parameter = cp.Parameter(like.shape, nonneg=nonneg, nonpos=nonpos)
        low, high = (0.0 if nonneg else -np.inf), (0.0 if nonpos else np.inf)

        def clipped():
            value = compute()
            value = value.toarray() if sp.issparse(value) else np.asarray(value, dtype=float)
            return np.clip(value.reshape(like.shape), low, high)

        self.refreshed.append((parameter, clipped))
        return parameter

    def _derived(self, parameter, function):
        """Return a parameter whose value is a function of that of another one."""
        return self._parameter(parameter, lambda: function(parameter.value))

    def _product(self, kind, args, index):
        """Return the product of a parameter, ``args[index]``, with an expression."""
        weight, expression = args[index], args[1 - index]
        if kind is multiply:
            return self._weighted(weight, expression)
        if weight.ndim == expression.ndim == 1:
            return _total(self._weighted(weight, expression))
        plain = self._plain(expression)
        return kind(weight, plain) if index == 0 else kind(plain, weight)

    def _weighted(self, weight, expression):
        """Return an entrywise product, as deep inside the expression as it goes."""
        if not expression.variables():
            product = cp.multiply(weight, expression)
            return self._constant(product)
        if _is_plain(expression):
            return self._in_pieces(weight, expression)
        if weight.is_nonneg() and _is_square(expression):
            root = self._derived(weight, np.sqrt)
            inside = self._weighted(root, expression.args[0])
            return expression.copy([inside, *expression.args[1:]])
        if weight.is_scalar():
            if isinstance(expression, AddExpression | Sum):
                return expression.copy([self._weighted(weight, arg) for arg in expression.args])
        elif weight.shape == expression.shape:
            if _adds_equal_shapes(expression):
                return expression.copy([self._weighted(weight, arg) for arg in expression.args])
            if isinstance(expression, _REARRANGEMENTS):
                return expression.copy(self._weighted_parts(weight, expression))
            if isinstance(expression, Sum):
                return expression.copy([self._weighted_terms(weight, expression)])
        return self._in_pieces(weight, self._plain(expression))

    def _in_pieces(self, weight, plain):
        """Return an entrywise product, a piece at a time: CVXPY compiles it in quadratic time."""
        if weight.is_scalar() or weight.size <= _PIECE:
            return cp.multiply(weight, plain)
        flat, pieces = cp.vec(plain, order="F"), []
        for first in range(0, weight.size, _PIECE):
            piece = slice(first, min(first + _PIECE, weight.size))
            part = self._parameter(
                _Anything((piece.stop - first,), weight.is_nonneg(), weight.is_nonpos()),
                lambda piece=piece: weight.value.ravel(order="F")[piece],
            )
            pieces.append(cp.multiply(part, flat[piece]))
        return cp.reshape(cp.hstack(pieces), plain.shape, order="F")

    def _weighted_parts(self, weight, expression):
        """Return the arguments of a rearrangement, each times its part of the weights."""
        ends = np.cumsum([arg.size for arg in expression.args])
        places = [
            np.arange(end - arg.size, end).reshape(arg.shape)
            for arg, end in zip(expression.args, ends)
        ]
        order = np.asarray(expression.numeric(places)).ravel().astype(int)
        origin = np.argsort(order)
        parts = []
        for arg, place in zip(expression.args, places):
            part = self._parameter(
                _Anything(arg.shape, weight.is_nonneg(), weight.is_nonpos()),
                lambda place=place: np.asarray(weight.value).ravel()[origin[place]],
            )
            parts.append(self._weighted(part, arg))
        return parts

    def _weighted_terms(self, weight, total):
        """Return the argument of a sum along axes, each term times the weight of its sum."""
        arg, axes = total.args[0], total.axis
        kept = Sum(arg, axes, True).shape
        spread = self._parameter(
            _Anything(arg.shape, weight.is_nonneg(), weight.is_nonpos()),
            lambda: np.broadcast_to(np.asarray(weight.value).reshape(kept), arg.shape),
        )
        return self._weighted(spread, arg)

    def _plain(self, expression):
        """Return an affine expression without parameters that can stand for this one."""
        if _is_plain(expression):
            return expression
        auxiliary = cp.Variable(expression.shape)
        if expression.is_affine():
            self.constraints.append(auxiliary == expression)
        elif expression.is_convex():
            self.constraints.append(auxiliary >= expression)
        else:
            self.constraints.append(auxiliary <= expression)
        return auxiliary


@dataclass(frozen=True)
class _Anything:
    """Shape and sign, for a parameter that is like no expression."""

    shape: tuple
    nonneg: bool = False
    nonpos: bool = False

    def is_nonneg(self):
        return self.nonneg

    def is_nonpos(self):
        return self.nonpos


def _is_plain(expression):
    return expression.is_affine() and not expression.parameters()


def _is_square(expression):
    """Return whether ``w * f(e) == f(sqrt(w) * e)`` for nonnegative weights, with ``e`` affine."""
    if isinstance(expression, Power):
        square = expression.p.value == 2
    else:
        square = isinstance(expression, quad_over_lin) and expression.is_scalar()
    return square and expression.args[0].is_affine()


def _quadratic_form(inside, matrix):
    """Return a quadratic form as a sum of squares, which parameters may multiply."""
    sign = 1.0 if matrix.is_psd() else -1.0
    value = matrix.value.toarray() if sp.issparse(matrix.value) else np.asarray(matrix.value)
    values, vectors = np.linalg.eigh(sign * (value + value.T) / 2.0)
    root = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
    return sign * cp.sum_squares(root @ inside)


def _total(expression):
    """Return the sum of all entries, sums of squares as one term: CVXPY compiles it faster."""
    if isinstance(expression, _REARRANGEMENTS) or _adds_equal_shapes(expression):
        return cp.sum([_total(arg) for arg in expression.args])
    if isinstance(expression, Sum):
        return _total(expression.args[0])
    if isinstance(expression, Power) and _is_square(expression):
        return cp.sum_squares(expression.args[0])
    return cp.sum(expression)


def _adds_equal_shapes(expression):
    return isinstance(expression, AddExpression) and all(
        arg.shape == expression.shape for arg in expression.args
    )
