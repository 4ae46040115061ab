"""Pursuit of the free factor."""

import numpy as np
from contracts.coding import CodingContract, coded, planted_codes
from contracts.instances import generators
from sklearn.linear_model import orthogonal_mp

from multiconvex import DictionaryProblem, TrickOMP


class TestTrickOMP(CodingContract):
    update = TrickOMP()


def test_columns_are_coded_from_the_least_squares_factor():
    for rng in generators(6):
        problem, (codes, H) = coded(1.0, 2, nonnegative=False)(rng)
        free = np.linalg.lstsq(H, problem.data.array.T, rcond=None)[0].T
        expected = orthogonal_mp(problem.dictionary, free, n_nonzero_coefs=2)
        new, _ = TrickOMP()(problem, (np.full_like(codes, 9.0), H), 0, None)
        np.testing.assert_allclose(new, expected, atol=1e-10)


def test_codes_that_are_better_stay():
    """Components that look alike amplify the noise, so that the true codes are better."""
    kept = 0
    for seed in range(20):
        problem, (codes, _) = planted_codes(seed, False)
        rng = np.random.default_rng(seed)
        H = rng.standard_normal((20, 1)) + 0.02 * rng.standard_normal((20, 2))
        truth = problem.blocks[0].penalty.prox(rng.standard_normal(codes.shape), 0.0)
        X = problem.dictionary @ truth @ H.T + 0.1 * rng.standard_normal((30, 20))
        penalties = [block.penalty for block in problem.blocks]
        problem = DictionaryProblem(X, 2, problem.dictionary, penalties)
        proposed, _ = TrickOMP()(problem, (np.full_like(codes, 1.0), H), 0, None)
        new, _ = TrickOMP()(problem, (truth, H), 0, None)
        better = min((truth, proposed), key=lambda c: problem.loss((c, H)))
        np.testing.assert_array_equal(new, better)
        kept += better is truth
    assert kept > 5
