"""Builders of problems for the update contract: ``build(rng, dtype) -> problem, point``."""

import numpy as np
import scipy.sparse as sp

from multiconvex import (
    L1,
    L2,
    Box,
    DivergenceProblem,
    FactorProblem,
    GroupL2,
    KullbackLeibler,
    MaxColumnL1,
    NonNegative,
    NoPenalty,
    Simplex,
    SubSimplex,
    TraceNorm,
    UnitBall,
)
from multiconvex.regression import DivergenceRegression, LeastSquaresRegression


def _positive(rng, shape, dtype):
    return (0.1 + rng.random(shape)).astype(dtype)


def least_squares(scale, penalty, *, sparse=False):
    """Regression of sparse or dense columns on a nonnegative matrix."""

    def build(rng, dtype=np.float64):
        W, Y = rng.random((12, 4)).astype(dtype), (scale * rng.random((12, 6))).astype(dtype)
        Y = Y * (rng.random(Y.shape) > 0.3)
        data = sp.csr_array(Y) if sparse else Y
        return LeastSquaresRegression(W, data, penalty), (_positive(rng, (6, 4), dtype),)

    return build


def factors(scale, penalty, shape=(9, 7), *, sparse=False):
    """Factorisation of a matrix or tensor under the Frobenius loss."""

    def build(rng, dtype=np.float64):
        X = (scale * rng.random(shape)).astype(dtype)
        data = sp.csr_array(X) if sparse else X
        problem = FactorProblem(data, 3, (penalty,) * len(shape))
        return problem, tuple(_positive(rng, block.shape, dtype) for block in problem.blocks)

    return build


def divergence(scale, penalty, loss=None, *, sparse=False):
    """Regression of counts on a nonnegative matrix under a divergence."""
    loss = loss or KullbackLeibler()

    def build(rng, dtype=np.float64):
        W = rng.random((12, 4)).astype(dtype)
        Y = (scale * rng.poisson(2.0, (12, 6))).astype(dtype)
        data = sp.csr_array(Y) if sparse else Y
        return DivergenceRegression(W, data, loss, penalty), (_positive(rng, (6, 4), dtype),)

    return build


def divergence_factors(scale, penalty, loss=None, *, sparse=False):
    """Factorisation of a matrix of counts under a divergence."""
    loss = loss or KullbackLeibler()

    def build(rng, dtype=np.float64):
        X = (scale * rng.poisson(2.0, (9, 7))).astype(dtype)
        data = sp.csr_array(X) if sparse else X
        problem = DivergenceProblem(data, 3, loss, (penalty,) * 2)
        return problem, tuple(_positive(rng, block.shape, dtype) for block in problem.blocks)

    return build


PLAIN = NonNegative()
CONVEX = [
    NoPenalty(),
    NonNegative(),
    NonNegative(0.2, 0.3),
    Box(0.0, 0.7),
    L1(0.2),
    L2(0.2),
    GroupL2(0.2),
    TraceNorm(0.2),
    MaxColumnL1(0.2),
    Simplex(),
    SubSimplex(),
    UnitBall(),
]


def all_quadratics(scale, penalty):
    """Regressions and factor models under the Frobenius loss: dense, sparse, of order three."""
    return [
        least_squares(scale, penalty),
        least_squares(scale, penalty, sparse=True),
        factors(scale, penalty),
        factors(scale, penalty, sparse=True),
        factors(scale, penalty, (5, 4, 6)),
    ]


def all_divergences(scale, penalty):
    """Regressions and factor models of counts, dense and sparse."""
    return [
        divergence(scale, penalty),
        divergence(scale, penalty, sparse=True),
        divergence_factors(scale, penalty),
        divergence_factors(scale, penalty, sparse=True),
    ]
