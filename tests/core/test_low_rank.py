"""Low-rank facts that the first chapter states, each with its witness."""

import numpy as np
import pytest
from contracts.instances import generators

from multiconvex import LeastSquares, NoPenalty
from multiconvex.models import FactorProblem


@pytest.mark.parametrize("rank", [1, 3, 5])
def test_best_approximation_leaves_the_energy_of_the_tail(rank):
    for rng in generators(5):
        M = rng.standard_normal((8, 6))
        left, s, right = np.linalg.svd(M, full_matrices=False)
        best = (left[:, :rank] * s[:rank]) @ right[:rank]
        np.testing.assert_allclose(np.sum((M - best) ** 2), np.sum(s[rank:] ** 2), rtol=1e-12)
        for _ in range(20):
            U, V = rng.standard_normal((8, rank)), rng.standard_normal((6, rank))
            assert np.sum((M - U @ V.T) ** 2) >= np.sum(s[rank:] ** 2)


def test_factors_are_only_known_up_to_an_invertible_matrix():
    rng = np.random.default_rng(0)
    U, V, P = rng.random((5, 3)), rng.random((4, 3)), rng.standard_normal((3, 3))
    np.testing.assert_allclose((U @ P) @ (V @ np.linalg.inv(P).T).T, U @ V.T, atol=1e-12)


def test_columns_that_sum_to_one_are_mixed_by_rows_that_sum_to_one():
    rng = np.random.default_rng(0)
    W, H = rng.random((6, 3)), rng.random((5, 3))
    M = W @ H.T
    scaled = H * W.sum(axis=0) / M.sum(axis=0)[:, None]
    np.testing.assert_allclose((W / W.sum(axis=0)) @ scaled.T, M / M.sum(axis=0))
    np.testing.assert_allclose(scaled.sum(axis=1), 1.0)


def test_two_exact_blocks_descend_on_a_majorant_of_the_reduced_cost():
    """With g(W) = min_H f(W, H), the function f(., H(W_k)) lies above g and touches it at W_k."""
    for rng in generators(10):
        X, W = rng.random((7, 6)), rng.random((7, 3))
        problem = FactorProblem(X, 3, (NoPenalty(), NoPenalty()))

        def best(W, problem=problem):
            return LeastSquares()(problem, (W, np.ones((6, 3))), 1, None)[0]

        H = best(W)
        for _ in range(20):
            other = W + rng.standard_normal(W.shape) * rng.choice([1e-3, 1.0])
            assert problem.loss((other, H)) >= problem.loss((other, best(other))) - 1e-12
        np.testing.assert_allclose(problem.loss((W, H)), problem.loss((W, best(W))), rtol=1e-12)
