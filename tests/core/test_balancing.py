"""Best scales of columns: closed forms, brute force, and what never changes."""

import numpy as np
import pytest
from contracts.instances import cp_to_array, generators
from contracts.scales import levels, mixtures, total
from scipy.optimize import minimize

from multiconvex import (
    L1,
    L2,
    Balancing,
    FactorProblem,
    GroupL2,
    MaxColumnL1,
    NonNegative,
    NoPenalty,
    Simplex,
    TraceNorm,
    balance,
    implicit_penalty,
)
from multiconvex.balancing import best_scale


def components(factors):
    """Return the array of each rank-one term."""
    rank = factors[0].shape[1]
    return [cp_to_array([factor[:, [q]] for factor in factors]) for q in range(rank)]


class TestBalance:
    def test_leaves_every_rank_one_term_as_it_is(self):
        for factors, penalties in mixtures():
            before, after = components(factors), components(balance(factors, penalties))
            for one, other in zip(before, after):
                np.testing.assert_allclose(other, one, rtol=1e-12)

    def test_never_raises_the_penalty(self):
        for factors, penalties in mixtures():
            after = total(balance(factors, penalties), penalties)
            assert after <= total(factors, penalties) * (1 + 1e-12)

    def test_degree_times_penalty_is_the_same_for_all_factors(self):
        for factors, penalties in mixtures():
            after = levels(balance(factors, penalties), penalties)
            np.testing.assert_allclose(after, np.broadcast_to(after[0], after.shape), rtol=1e-10)

    def test_twice_is_once(self):
        for factors, penalties in mixtures():
            once = balance(factors, penalties)
            for one, two in zip(once, balance(once, penalties)):
                np.testing.assert_allclose(two, one, rtol=1e-12)

    def test_is_the_minimum_over_scales(self):
        for factors, penalties in mixtures(12, rank=1):
            factors = [
                factor / np.linalg.norm(factor) * size
                for factor, size in zip(factors, (0.5, 2.0, 1.0, 0.3, 1.5))
            ]

            def cost(logs, factors=factors, penalties=penalties):
                scales = np.exp([*logs, -np.sum(logs)])
                return total([s * factor for s, factor in zip(scales, factors)], penalties)

            best = minimize(cost, np.zeros(len(factors) - 1), tol=1e-12)
            np.testing.assert_allclose(implicit_penalty(factors, penalties), best.fun, rtol=1e-9)

    def test_implicit_penalty_is_the_penalty_afterwards(self):
        for factors, penalties in mixtures():
            after = total(balance(factors, penalties), penalties)
            np.testing.assert_allclose(implicit_penalty(factors, penalties), after, rtol=1e-12)

    def test_implicit_penalty_depends_on_the_rank_one_terms_alone(self):
        rng = np.random.default_rng(0)
        for factors, penalties in mixtures(20):
            scales = np.exp(rng.standard_normal((len(factors), 3)))
            scales[-1] = 1.0 / np.prod(scales[:-1], axis=0)
            moved = [factor * s for factor, s in zip(factors, scales)]
            expected = implicit_penalty(factors, penalties)
            np.testing.assert_allclose(implicit_penalty(moved, penalties), expected, rtol=1e-12)

    def test_terms_that_are_zero_in_one_factor_become_zero_in_all(self):
        for factors, penalties in mixtures(20):
            factors[0][:, 1] = 0.0
            after = balance(factors, penalties)
            assert not any(np.any(factor[:, 1]) for factor in after)
            assert all(np.all(np.any(factor[:, [0, 2]], axis=0)) for factor in after)
            kept = [factor[:, [0, 2]] for factor in factors]
            for one, other in zip(balance(kept, penalties), after):
                np.testing.assert_array_equal(one, other[:, [0, 2]])

    def test_far_apart_scales_do_not_overflow(self):
        for penalty in (L1(2.0), L2(2.0), GroupL2(2.0)):
            W, H = balance((np.full((2, 1), 1e150), np.full((3, 1), 1e-150)), (penalty, penalty))
            np.testing.assert_allclose(W @ H.T, np.ones((2, 3)), rtol=1e-12)
            np.testing.assert_allclose(penalty.value(W), penalty.value(H), rtol=1e-10)

    @pytest.mark.parametrize("sizes", [(1e-25, 1e25), (1e25, 1e-25)])
    def test_far_apart_scales_in_single_precision(self, sizes):
        pair = [np.full((2, 1), size, np.float32) for size in sizes]
        W, H = balance(pair, (L2(1.0), L2(1.0)))
        assert W.dtype == H.dtype == np.float32
        np.testing.assert_allclose(W @ H.T, np.ones((2, 2)), rtol=1e-5)
        np.testing.assert_allclose(W, H, rtol=1e-5)

    def test_keeps_single_precision_and_never_writes_to_its_input(self):
        for factors, penalties in mixtures(10):
            single = [factor.astype(np.float32) for factor in factors]
            for factor in single:
                factor.flags.writeable = False
            after = balance(single, penalties)
            assert {factor.dtype for factor in after} == {np.dtype(np.float32)}
            for one, other in zip(after, balance(factors, penalties)):
                np.testing.assert_allclose(one, other, rtol=1e-5)


class TestClosedForms:
    """MATHS of four special cases, with ridge of weight w meaning w/2 times the square."""

    def parts(self, order=2):
        factors = [rng.standard_normal((4, 3)) for rng in generators(order)]
        return factors, components(factors)

    def test_ridge_pair_is_a_sum_of_frobenius_norms(self):
        factors, terms = self.parts()
        expected = np.sqrt(0.6 * 1.7) * sum(map(np.linalg.norm, terms))
        np.testing.assert_allclose(implicit_penalty(factors, (L2(0.6), L2(1.7))), expected)

    def test_ridge_on_three_factors(self):
        factors, terms = self.parts(3)
        expected = 1.5 * 0.7 * sum(np.linalg.norm(term) ** (2 / 3) for term in terms)
        np.testing.assert_allclose(implicit_penalty(factors, (L2(0.7),) * 3), expected)

    def test_l1_pair(self):
        factors, terms = self.parts()
        expected = 2 * np.sqrt(0.6 * 1.7) * sum(np.sqrt(np.abs(term).sum()) for term in terms)
        np.testing.assert_allclose(implicit_penalty(factors, (L1(0.6), L1(1.7))), expected)

    def test_l1_with_ridge(self):
        factors, terms = self.parts()
        mixed = [np.linalg.norm(np.abs(term).sum(axis=0)) for term in terms]
        expected = 1.5 * 0.6 ** (2 / 3) * 1.7 ** (1 / 3) * np.sum(np.power(mixed, 2 / 3))
        np.testing.assert_allclose(implicit_penalty(factors, (L1(0.6), L2(1.7))), expected)

    def test_only_the_weighted_product_of_weights_matters(self):
        factors, _ = self.parts()
        one = implicit_penalty(factors, (L1(0.6), L2(1.7)))
        other = implicit_penalty(factors, (L1(0.6 / 3.0), L2(1.7 * 9.0)))
        np.testing.assert_allclose(one, other)

    def test_ridge_on_three_factors_gives_columns_the_geometric_mean_of_their_norms(self):
        factors, _ = self.parts(3)
        norms = np.prod([np.linalg.norm(factor, axis=0) for factor in factors], axis=0) ** (1 / 3)
        for factor in balance(factors, (L2(0.7),) * 3):
            np.testing.assert_allclose(np.linalg.norm(factor, axis=0), norms)


class TestBestCommonScale:
    def cases(self, count=30):
        for rng, (factors, penalties) in zip(generators(count, seed=1), mixtures(count)):
            factors = [factor / np.linalg.norm(factor) for factor in factors]
            X = rng.uniform(0.0, 6.0) * cp_to_array(factors)
            X = X + 0.1 * rng.standard_normal(X.shape)
            yield FactorProblem(X, 3, penalties) if X.ndim > 1 else None, tuple(factors)

    def test_is_no_worse_than_any_on_a_fine_grid(self):
        scales = np.concatenate([[0.0], np.geomspace(1e-3, 1e2, 400)])
        found = []
        for problem, x in self.cases():
            best = problem.optimal_scale(x)
            found.append(best)
            reached = problem.objective(tuple(best * block for block in x))
            grid = min(problem.objective(tuple(t * block for block in x)) for t in scales)
            assert reached <= grid * (1 + 1e-9)
        assert min(found) == 0.0 < max(found)

    @pytest.mark.parametrize("order", [2, 3, 4])
    def test_is_a_root_of_the_polynomial_of_ridge(self, order):
        x = tuple(rng.random((5, 2)) for rng in generators(order))
        M = cp_to_array(x)
        X, weight = 3.0 * M, 0.01
        t = FactorProblem(X, 2, (L2(weight),) * order).optimal_scale(x)
        size = sum(np.vdot(block, block) for block in x)
        slope = order * np.sum(M**2) * t ** (2 * order - 2) + weight * size
        slope -= order * np.vdot(X, M) * t ** (order - 2)
        assert t > 1.0
        np.testing.assert_allclose(slope / (weight * size), 0.0, atol=1e-6)

    def test_is_zero_for_large_weights_and_for_models_that_point_away(self):
        x = tuple(rng.random((5, 2)) for rng in generators(2))
        X = x[0] @ x[1].T
        assert FactorProblem(X, 2, (L2(1e4), L2(1e4))).optimal_scale(x) == 0.0
        assert FactorProblem(-X, 2, (NoPenalty(), NoPenalty())).optimal_scale(x) == 0.0
        zero = tuple(0.0 * block for block in x)
        assert FactorProblem(X, 2, (L2(1.0), L2(1.0))).optimal_scale(zero) == 0.0

    def test_without_penalties_is_the_projection_on_the_model(self):
        t = best_scale(24.0, 3.0, 3, [NoPenalty()] * 3, [None] * 3)
        np.testing.assert_allclose(t, 2.0, rtol=1e-12)

    def test_a_start_that_is_best_at_zero_is_not_erased(self):
        X, x = np.eye(3), (np.ones((3, 2)), np.ones((3, 2)))
        problem = FactorProblem(X, 2, (L2(1e4), L2(1e4)))
        assert all(np.all(block > 0) for block in Balancing().first(problem, x))


class TestRefusals:
    @pytest.mark.parametrize(
        "penalty",
        [
            NoPenalty(),
            NonNegative(),
            NonNegative(0.1, 0.2),
            TraceNorm(1.0),
            MaxColumnL1(1.0),
            Simplex(),
            L1(0.0),
            L2(0.0),
            GroupL2(0.0),
        ],
        ids=repr,
    )
    @pytest.mark.parametrize("function", [balance, implicit_penalty])
    def test_penalties_without_a_best_scale(self, penalty, function):
        with pytest.raises(ValueError, match=r"penalties\[1\] is .*: balancing needs one that is"):
            function((np.ones((3, 2)), np.ones((4, 2))), (L2(1.0), penalty))

    @pytest.mark.parametrize(
        ("factors", "penalties", "sentence"),
        [
            ((np.ones((3, 2)),) * 2, (L2(1.0),), "one for each of the 2 factors, got 1"),
            ((np.ones((3, 2)), np.ones((3, 1))), (L2(1.0),) * 2, r"same number of columns, got \["),
            ((np.ones((3, 2)), np.ones(3)), (L2(1.0),) * 2, r"factors\[1\] must have 2 dim"),
            ((np.ones((3, 2)), np.full((3, 2), np.nan)), (L2(1.0),) * 2, r"factors\[1\] has 6 NaN"),
            (
                (np.ones((3, 2)), -np.ones((3, 2))),
                (NonNegative(1.0),) * 2,
                r"factors\[1\] is outside the domain of",
            ),
        ],
    )
    def test_factors_that_do_not_match(self, factors, penalties, sentence):
        with pytest.raises(ValueError, match=sentence):
            balance(factors, penalties)
