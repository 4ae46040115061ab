"""Hard thresholding of gradient steps, and least squares on what is left."""

import numpy as np
import pytest
from contracts.coding import CodingContract, coded, exhaustive_codes, planted_codes
from contracts.instances import generators, scipy_nnls

from multiconvex import IHT, TrickOMP


class TestIHT(CodingContract):
    update = IHT(steps=100)

    def search_from(self, problem, x):
        """Start near by: the steps find the closest of many fixed points."""
        return TrickOMP()(problem, x, 0, None)[0], x[1]


class TestFewSteps(TestIHT):
    update = IHT(steps=2)


def test_steps_from_zero_need_not_find_the_best_support():
    found = []
    for seed in range(10):
        problem, x = planted_codes(seed, False)
        _, best = exhaustive_codes(seed, False)
        found.append(np.array_equal(IHT(steps=200)(problem, x, 0, None)[0] != 0, best))
    assert 5 < sum(found) < 10


@pytest.mark.parametrize("nonnegative", [False, True])
def test_a_step_is_the_formula_and_values_are_least_squares_on_its_support(nonnegative):
    for rng in generators(40):
        problem, (codes, H) = coded(1.0, 3, nonnegative=nonnegative)(rng)
        D, X = problem.dictionary, problem.data.array
        L = np.linalg.norm(D, 2) ** 2 * np.linalg.norm(H, 2) ** 2
        moved = codes - D.T @ (D @ codes @ H.T - X) @ H / L
        rows, columns = np.nonzero(problem.blocks[0].penalty.prox(moved, 0.0))
        matrix = np.stack([np.outer(D[:, i], H[:, q]).ravel() for i, q in zip(rows, columns)], 1)
        solve = scipy_nnls if nonnegative else lambda A, b: np.linalg.lstsq(A, b, rcond=None)[0]
        expected = np.zeros_like(codes)
        expected[rows, columns] = solve(matrix, X.ravel())
        new, _ = IHT(steps=1)(problem, (codes, H), 0, None)
        np.testing.assert_allclose(new, expected, atol=1e-9)


def test_at_least_one_step():
    with pytest.raises(ValueError, match="steps must be an integer of at least 1, got 0"):
        IHT(steps=0)
