"""The exact unconstrained update, on regular and singular systems."""

import numpy as np
import pytest
from contracts.instances import cp_to_array, generators, planted_tensor
from contracts.problems import factors, least_squares
from contracts.update import UpdateContract

from multiconvex import L2, FactorProblem, LeastSquares, NoPenalty
from multiconvex.regression import LeastSquaresRegression


class TestLeastSquares(UpdateContract):
    update = LeastSquares()
    settle = 1

    def problems(self, scale=1.0):
        return [
            least_squares(scale, NoPenalty()),
            factors(scale, NoPenalty()),
            factors(scale, NoPenalty(), (5, 4, 6)),
        ]


class TestRidge(TestLeastSquares):
    def problems(self, scale=1.0):
        return [least_squares(scale, L2(0.3)), least_squares(scale, L2(0.3), sparse=True)]


@pytest.mark.parametrize("penalty", [NoPenalty(), L2(0.7)])
@pytest.mark.parametrize("shape", [(6, 5), (5, 4, 6), (3, 4, 2, 5)])
def test_gradient_vanishes_after_an_update(penalty, shape):
    for rng in generators(3):
        problem = FactorProblem(rng.standard_normal(shape), 2, (penalty,) * len(shape))
        x = tuple(rng.standard_normal((n, 2)) for n in shape)
        for k in range(len(shape)):
            x = (*x[:k], LeastSquares()(problem, x, k, None)[0], *x[k + 1 :])
            slope = problem.gradient(x, k) + getattr(penalty, "weight", 0.0) * x[k]
            assert np.abs(slope).max() < 1e-12 * np.prod(shape) * np.abs(x[k]).max()


def test_normal_equations_of_a_tensor():
    T, (_, B, C) = planted_tensor((4, 5, 6), 2, draw="standard_normal")
    problem = FactorProblem(T, 2, (NoPenalty(),) * 3)
    x = tuple(np.random.default_rng(k).standard_normal((n, 2)) for k, n in enumerate(T.shape))
    A, _ = LeastSquares()(problem, (x[0], B, C), 0, None)
    khatri_rao = np.einsum("jq,kq->jkq", B, C).reshape(-1, 2)
    unfolded = T.reshape(4, -1)
    np.testing.assert_allclose(unfolded @ khatri_rao, A @ ((B.T @ B) * (C.T @ C)), rtol=1e-11)
    np.testing.assert_allclose(cp_to_array((A, B, C)), T, atol=1e-11)


def test_singular_systems_give_the_solution_of_least_norm():
    for rng in generators(5):
        W, Y = rng.standard_normal((7, 2)), rng.standard_normal((7, 3))
        W = np.hstack([W, W[:, :1], np.zeros((7, 1))])
        problem = LeastSquaresRegression(W, Y, NoPenalty())
        x, _ = LeastSquares()(problem, (np.ones((3, 4)),), 0, None)
        expected = np.linalg.lstsq(W, Y, rcond=None)[0]
        np.testing.assert_allclose(x.T, expected, rtol=1e-7, atol=1e-9)
