"""The convex problem behind the codes, and the weights that leave so many nonzeros."""

import numpy as np
import pytest
from contracts.coding import CodingContract, coded, planted_codes
from contracts.instances import generators
from sklearn.linear_model import Lasso

from multiconvex import BlockFISTA
from multiconvex.updates.block_fista import solve_block_lasso


class TestBlockFISTA(CodingContract):
    update = BlockFISTA()


class TestManySteps(CodingContract):
    update = BlockFISTA(steps=100)


def block_lasso(problem, x, weights, *, steps=5000, nonnegative=False):
    L = problem.lipschitz(x, 0)
    return solve_block_lasso(
        problem.coding_equations(x, 0),
        np.zeros_like(x[0]),
        L,
        lambda sizes: weights / L,
        steps,
        nonnegative=nonnegative,
        tol=1e-14,
    )


@pytest.mark.parametrize("nonnegative", [False, True])
def test_largest_correlations_are_the_weights_above_which_codes_are_zero(nonnegative):
    for rng in generators(5):
        problem, x = coded(1.0, 3, nonnegative=nonnegative)(rng)
        correlations = problem.dictionary.T @ problem.data.array @ x[1]
        largest = (correlations if nonnegative else np.abs(correlations)).max(axis=0)
        above = largest * (1 + 1e-12)
        assert not block_lasso(problem, x, above, nonnegative=nonnegative).any()
        for q in range(3):
            below = np.where(np.arange(3) == q, 0.999 * largest, above)
            assert block_lasso(problem, x, below, nonnegative=nonnegative)[:, q].any()


@pytest.mark.parametrize("nonnegative", [False, True])
def test_given_weights_it_is_a_lasso_with_one_weight_for_each_column(nonnegative):
    for rng in generators(4, seed=1):
        problem, (codes, H) = coded(1.0, 3, nonnegative=nonnegative)(rng)
        D, X = problem.dictionary, problem.data.array
        weights = np.abs(D.T @ X @ H).max(axis=0) * np.array([0.1, 0.3, 0.5])
        peer = Lasso(
            alpha=1.0 / X.size, fit_intercept=False, positive=nonnegative, tol=1e-12, max_iter=10**6
        )
        peer.fit(np.kron(D, H / weights), X.ravel())
        got = block_lasso(problem, (codes, H), weights, steps=10000, nonnegative=nonnegative)

        def value(c, D=D, H=H, X=X, weights=weights):
            return 0.5 * np.sum((X - D @ c @ H.T) ** 2) + weights @ np.abs(c).sum(axis=0)

        np.testing.assert_allclose(
            value(got), value(peer.coef_.reshape(12, 3) / weights), rtol=1e-9
        )


@pytest.mark.parametrize("nonnegative", [False, True])
def test_where_weights_settle_the_codes_solve_the_convex_problem(nonnegative):
    for seed in range(6):
        problem, x = planted_codes(seed, nonnegative)
        found = []

        def next_largest(sizes, found=found):
            found.append(np.sort(sizes, axis=0)[-3])
            return found[-1]

        L = problem.lipschitz(x, 0)
        equations = problem.coding_equations(x, 0)
        codes = solve_block_lasso(
            equations, x[0], L, next_largest, 5000, nonnegative=nonnegative, tol=1e-15
        )
        weights = L * found[-1]
        slope = equations[0] @ codes @ equations[1] - equations[2]
        assert np.count_nonzero(codes, axis=0).max() <= 2
        np.testing.assert_allclose(
            slope[codes != 0], (-weights * np.sign(codes))[codes != 0], rtol=1e-6
        )
        assert np.all((-slope if nonnegative else np.abs(slope)) <= weights * (1 + 1e-6))


def test_three_steps_are_those_of_the_formula():
    for rng in generators(4, seed=3):
        problem, x = coded(1.0, 3, nonnegative=False)(rng)
        zero, L = np.zeros_like(x[0]), problem.lipschitz(x, 0)
        weights = np.full(3, 0.05 * np.abs(problem.gradient((zero, x[1]), 0)).max())

        def step(point, problem=problem, H=x[1], L=L, weights=weights):
            moved = point - problem.gradient((point, H), 0) / L
            return np.sign(moved) * np.maximum(np.abs(moved) - weights / L, 0.0)

        second = (1 + np.sqrt(5)) / 2
        third = (1 + np.sqrt(1 + 4 * second**2)) / 2
        one = step(zero)
        two = step(one)
        three = step(two + (second - 1) / third * (two - one))
        np.testing.assert_allclose(block_lasso(problem, x, weights, steps=3), three, atol=1e-12)


def test_as_many_nonzeros_as_atoms_is_least_squares():
    for rng in generators(3, seed=2):
        problem, x = coded(1.0, 12, nonnegative=False, shape=(20, 7))(rng)
        codes, _ = BlockFISTA()(problem, x, 0, None)
        assert np.abs(problem.gradient((codes, x[1]), 0)).max() < 1e-9


def test_at_least_one_step():
    with pytest.raises(ValueError, match="steps must be an integer of at least 1, got 0"):
        BlockFISTA(steps=0)
