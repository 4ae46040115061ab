"""Losses written in CVXPY, and models built from them."""

import cvxpy as cp
import numpy as np

from multiconvex import LatentFactorModel
from multiconvex.models.latent.links import Huber, Logistic, LogSumExp, Power, Square
from multiconvex.models.latent.programs import ProgramEmission

M, N = 24, 3
RNG = np.random.default_rng(0)
D, Y, POINTS = RNG.normal(size=(M, N)), RNG.normal(size=M), RNG.normal(size=(M, N))
STACK = RNG.normal(size=(M, 2, N))
ONES = np.ones((M, 1))
A, B = np.array([[1.0, 0, 0], [0, 1.0, 0], [-1.0, -1.0, -1.0]]), np.array([0.1, 0.2, 0.3])


def lse(v):
    return cp.log_sum_exp(cp.vstack([STACK[:, 0] @ v, STACK[:, 1] @ v]).T, axis=1)


RECOGNISED = {
    "square": (Square, [(N,)], lambda v: cp.square(D @ v - Y)),
    "power of 2": (Square, [(N,)], lambda v: (Y - D @ v) ** 2),
    "column": (Square, [(N, 1)], lambda v: cp.square((D @ v)[:, 0] - Y)),
    "row": (Square, [(1, N)], lambda v: cp.square(D @ v[0] - Y)),
    "scalar slope": (Square, [()], lambda v: cp.square(D[:, 0] * v - Y)),
    "list": (Square, [(N,), ()], lambda v, c: cp.square(D @ v + c - Y)),
    "list of matrices": (
        Square, [(1, N), (2, 2)],
        lambda a, b: cp.square((D @ a.T)[:, 0] + D[:, :2] @ b[:, 0] + b[1, 1] - Y),
    ),
    "square and linear": (Square, [(N,)], lambda v: cp.square(D @ v - Y) + D @ v + Y),
    "sums of squares": (Square, [(N, 2)], lambda v: cp.sum(cp.square(D @ v - 1.0), axis=1)),
    "absolute": (Power, [(N,)], lambda v: cp.abs(D @ v - Y)),
    "power": (Power, [(N,)], lambda v: cp.power(cp.abs(D @ v - Y), 1.5, approx=False)),
    "huber": (Huber, [(N,)], lambda v: cp.huber(D @ v - Y, 0.3)),
    "logistic": (Logistic, [(N,)], lambda v: cp.logistic(D @ v) - cp.multiply(Y > 0, D @ v)),
    "margin": (Logistic, [(N,)], lambda v: cp.logistic(-cp.multiply(np.sign(Y), D @ v))),
    "softmax": (LogSumExp, [(N,)], lambda v: lse(v) - STACK[:, 0] @ v),
    "softmax of a matrix": (
        LogSumExp, [(N, 2)], lambda v: cp.log_sum_exp(D @ v, axis=1) - (D @ v)[:, 1]
    ),
    "centre": (None, [(N,)], lambda v: cp.sum(cp.square(POINTS - v), axis=1)),
    "centre row": (None, [(1, N)], lambda v: cp.sum(cp.square(v - POINTS), axis=1)),
    "centre column": (None, [(N, 1)], lambda v: cp.sum(cp.square(ONES @ v.T - POINTS), axis=1)),
    "centre scalar": (None, [()], lambda v: cp.square(Y - v)),
}  # fmt: skip
COMPILED = {
    "norm": ([(N,)], lambda v: cp.norm(POINTS - ONES @ cp.reshape(v, (1, N), "C"), 2, axis=1)),
    "two terms": ([(N,)], lambda v: cp.square(D @ v - Y) + cp.abs(D @ v)),
    "exponential": ([(N,)], lambda v: cp.exp(D @ v) - cp.multiply(np.abs(Y), D @ v)),
    "hinge": ([(N,)], lambda v: cp.pos(D @ v - Y)),
    "linear": ([(N,)], lambda v: D @ v),
}


def variables_of(shapes):
    return [cp.Variable(shape) for shape in shapes]


def write_model(shapes, loss, n_factors=2, **options):
    """Return a model of factors alike; callables among the options take their variables."""
    factors = [variables_of(shapes) for _ in range(n_factors)]
    options = {
        name: given(factors) if name.startswith("parameter") else given
        for name, given in options.items()
    }
    return LatentFactorModel(factors, [loss(*factor) for factor in factors], **options)


def force_compiled(model):
    """Return the losses of a model without its fast path."""
    return ProgramEmission(model._factors, model._losses, model._penalty, model._constraints)


def ridge(factors):
    """Return a penalty written as one multiple of a sum over factors."""
    whole = [cp.hstack([cp.vec(v, order="F") for v in factor]) for factor in factors]
    return 0.1 * sum(cp.sum_squares(vector) for vector in whole)
