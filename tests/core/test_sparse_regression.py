"""Exact sparse nonnegative least squares: every support, every certificate."""

from itertools import product
from math import comb

import numpy as np
import pytest
import scipy.sparse as sp
from contracts.instances import generators, read_only, scipy_nnls
from contracts.supports import awkward_regression, best_over_supports, planted_regression

from multiconvex import nnls, sparse_nnls
from multiconvex.sparse_search import ORDERS, search


def costs(W, Y, x):
    return 0.5 * np.sum((Y - W @ x) ** 2, axis=0)


class TestOptimality:
    @pytest.mark.parametrize("order", ORDERS)
    def test_equals_every_support_tried_on_a_thousand_awkward_problems(self, order):
        for rng in generators(1000):
            W, y = awkward_regression(rng)
            k = int(rng.integers(1, W.shape[1] + 1))
            fit = sparse_nnls(W, y, k, order=order)
            assert fit.objective == pytest.approx(
                best_over_supports(W, y, k), rel=1e-9, abs=1e-12 * (y @ y)
            )
            assert np.count_nonzero(fit.x) <= k and fit.x.min() >= 0
            assert fit.gap[0] == 0 and fit.status == "converged"

    @pytest.mark.parametrize("order", ORDERS)
    def test_every_sparsity_of_a_path_equals_every_support_tried(self, order):
        for rng in generators(150, seed=1):
            W, y = awkward_regression(rng)
            k = int(rng.integers(1, W.shape[1] + 1))
            fit = sparse_nnls(W, y, k, path=True, order=order)
            assert list(fit.path) == list(range(k, W.shape[1] + 1))
            for p, x in fit.path.items():
                best = best_over_supports(W, y, p)
                assert costs(W, y, x) == pytest.approx(best, rel=1e-9, abs=1e-12 * (y @ y))
                assert np.count_nonzero(x) <= p and x.min() >= 0
            np.testing.assert_array_equal(fit.path[k], fit.x)

    def test_nodes_stay_below_the_number_of_supports_that_large(self):
        for rng in generators(200, seed=2):
            W, y = awkward_regression(rng)
            r = W.shape[1]
            k = int(rng.integers(1, r + 1))
            bound = sum(comb(r, p) for p in range(k, r + 1))
            for path, order in product((False, True), ORDERS):
                assert 1 <= sparse_nnls(W, y, k, path=path, order=order).nodes[0] <= bound

    def test_all_columns_allowed_is_nonnegative_least_squares(self):
        W, Y = planted_regression(np.random.default_rng(0), r=6)
        fit = sparse_nnls(W, Y, 6)
        np.testing.assert_allclose(fit.x, scipy_nnls(W, Y), atol=1e-10)
        assert fit.nodes.max() == 1

    def test_one_column_has_a_closed_form(self):
        for rng in generators(50, seed=3):
            W, Y = rng.standard_normal((5, 6)), rng.standard_normal((5, 8))
            gains = np.maximum(W.T @ Y, 0.0) ** 2 / np.sum(W**2, axis=0)[:, None]
            expected = 0.5 * (np.sum(Y**2, axis=0) - gains.max(axis=0))
            np.testing.assert_allclose(costs(W, Y, sparse_nnls(W, Y, 1).x), expected, rtol=1e-12)

    def test_orthonormal_columns_keep_the_largest_coefficients(self):
        rng = np.random.default_rng(4)
        Q = np.linalg.qr(rng.standard_normal((9, 9)))[0]
        Y = rng.standard_normal((9, 20))
        expected = np.maximum(Q.T @ Y, 0.0)
        expected[expected < -np.sort(-expected, axis=0)[2]] = 0.0
        np.testing.assert_allclose(sparse_nnls(Q, Y, 3).x, expected, atol=1e-12)

    def test_more_columns_never_fit_worse(self):
        W, Y = planted_regression(np.random.default_rng(5), r=12, nonzeros=8)
        path = sparse_nnls(W, Y, 1, path=True).path
        table = np.array([costs(W, Y, x) for x in path.values()])
        assert np.diff(table, axis=0).max() <= 1e-12

    def test_near_dependent_columns(self):
        grid = np.linspace(0.0, 1.0, 80)
        W = np.exp(-0.5 * ((grid[:, None] - np.linspace(0.2, 0.8, 8)) / 0.25) ** 2)
        assert np.linalg.cond(W.T @ W) > 1e9
        for rng in generators(20, seed=6):
            y = W @ rng.random(8) + 1e-3 * rng.standard_normal(80)
            assert sparse_nnls(W, y, 3).objective == pytest.approx(
                best_over_supports(W, y, 3), rel=1e-6
            )


class TestInvariance:
    def test_scales_of_data_and_of_columns(self):
        rng = np.random.default_rng(7)
        W, Y = planted_regression(rng)
        base = sparse_nnls(W, Y, 3)
        weights = 10.0 ** rng.uniform(-6, 6, 10)
        for scale in (1e-8, 1e8):
            fit = sparse_nnls(W * weights, scale * Y, 3)
            np.testing.assert_allclose(fit.x * weights[:, None] / scale, base.x, rtol=1e-8)
            np.testing.assert_array_equal(fit.nodes, base.nodes)

    def test_columns_are_separate_problems_and_vectors_are_columns(self):
        W, Y = planted_regression(np.random.default_rng(8))
        together = sparse_nnls(W, Y, 2, path=True)
        for j, y in enumerate(Y.T):
            alone = sparse_nnls(W, y, 2, path=True)
            np.testing.assert_allclose(alone.x, together.x[:, j], rtol=1e-12)
            np.testing.assert_allclose(alone.path[4], together.path[4][:, j], rtol=1e-12)
            assert alone.nodes == together.nodes[j]

    def test_sparse_and_single_precision_and_read_only_data(self):
        W, Y = read_only(*planted_regression(np.random.default_rng(9)))
        base = sparse_nnls(W, Y, 3)
        np.testing.assert_allclose(sparse_nnls(W, sp.csr_array(Y), 3).x, base.x, atol=1e-12)
        single = sparse_nnls(W.astype(np.float32), Y.astype(np.float32), 3)
        assert single.x.dtype == np.float32
        np.testing.assert_allclose(single.objective, base.objective, rtol=1e-4)

    def test_nothing_to_fit_is_zero(self):
        fit = sparse_nnls(np.ones((3, 2)), -np.ones(3), 1)
        np.testing.assert_array_equal(fit.x, np.zeros(2))
        assert fit.gap == 0 and fit.objective == 1.5
        assert not sparse_nnls(np.zeros((3, 2)), np.ones(3), 1, path=True).x.any()


class TestCertificate:
    @pytest.mark.parametrize("order", ORDERS)
    def test_the_gap_covers_the_distance_to_the_optimum(self, order):
        W, Y = planted_regression(np.random.default_rng(11), r=14, nonzeros=10)
        gram, rhs, start = W.T @ W, Y.T @ W, np.zeros((20, 14))
        best = costs(W, Y, sparse_nnls(W, Y, 4).x)
        closed = []
        for most_nodes in (2, 5, 20, 100, 100_000):
            points, nodes, gap = search(gram, rhs, start, range(4, 5), most_nodes, order)
            found = costs(W, Y, points[0].T)
            assert (found - best <= gap + 1e-12).all() and (found >= best - 1e-12).all()
            assert nodes.max() <= most_nodes
            closed.append(np.sum(gap == 0))
        assert closed[0] < closed[2] < closed[-1] == 20

    def test_the_path_of_a_stopped_search_is_within_its_gap(self):
        W, Y = planted_regression(np.random.default_rng(14), r=12, nonzeros=12)
        gram, rhs, start = W.T @ W, Y.T @ W, np.zeros((20, 12))
        best = sparse_nnls(W, Y, 3, path=True).path
        for order, most_nodes in product(ORDERS, (2, 30, 200)):
            points, _, gap = search(gram, rhs, start, range(3, 13), most_nodes, order)
            for p, rows in zip(best, points):
                assert (costs(W, Y, rows.T) <= costs(W, Y, best[p]) + gap + 1e-12).all()

    def test_best_first_knows_more_when_it_is_stopped(self):
        W, Y = planted_regression(np.random.default_rng(15), r=20, nonzeros=20, m=50)
        gram, rhs, start = W.T @ W, Y.T @ W, np.zeros((20, 20))
        deep, best = (search(gram, rhs, start, range(5, 6), 500, order)[2] for order in ORDERS)
        assert np.median(best) < 0.8 * np.median(deep)

    @pytest.mark.parametrize("order", ORDERS)
    def test_a_time_limit_returns_feasible_coefficients_with_their_gap(self, order):
        W, Y = planted_regression(np.random.default_rng(10), r=40, nonzeros=40, n=6, m=90)
        fit = sparse_nnls(W, Y, 10, time_limit=0.05, order=order)
        assert fit.status == "stopped" and 0 < fit.gap.max() <= fit.objective
        assert np.count_nonzero(fit.x, axis=0).max() <= 10 and fit.x.min() >= 0
        assert fit.objective < 0.5 * np.sum(Y**2)
        assert fit.objective - fit.gap.sum() <= sparse_nnls(W, Y, 10, time_limit=0.3).objective

    def test_enough_time_is_no_limit(self):
        W, Y = planted_regression(np.random.default_rng(12), r=16, nonzeros=12, n=40)
        limited, full = (sparse_nnls(W, Y, 4, time_limit=limit) for limit in (60.0, None))
        assert limited.status == full.status == "converged"
        assert full.nodes.max() > 200 and not limited.gap.any()
        np.testing.assert_allclose(costs(W, Y, limited.x), costs(W, Y, full.x), rtol=1e-10)

    def test_a_good_start_saves_nodes_and_keeps_the_answer(self):
        W, Y = planted_regression(np.random.default_rng(13), r=12, nonzeros=8)
        cold = sparse_nnls(W, Y, 3)
        warm = sparse_nnls(W, Y, 3, init=cold.x)
        np.testing.assert_allclose(costs(W, Y, warm.x), costs(W, Y, cold.x), rtol=1e-12)
        assert warm.nodes.sum() < cold.nodes.sum()
        ignored = sparse_nnls(W, Y, 3, init=nnls(W, Y).x)
        np.testing.assert_array_equal(ignored.nodes >= warm.nodes, True)


class TestRefusals:
    def test_an_unknown_order(self):
        with pytest.raises(ValueError, match="order must be one of 'depth_first', 'best_first'"):
            sparse_nnls(np.eye(3), np.ones(3), 1, order="widest_first")

    @pytest.mark.parametrize("k", [0, -1, 1.5, True])
    def test_a_sparsity_that_is_no_count(self, k):
        with pytest.raises(ValueError, match="k must be an integer of at least 1"):
            sparse_nnls(np.eye(3), np.ones(3), k)

    def test_more_nonzeros_than_columns(self):
        with pytest.raises(ValueError, match="k must be at most the 3 columns of W, got 4"):
            sparse_nnls(np.eye(3), np.ones(3), 4)

    def test_no_time(self):
        with pytest.raises(ValueError, match="time_limit must be a finite positive number, got 0"):
            sparse_nnls(np.eye(3), np.ones(3), 1, time_limit=0)

    def test_a_start_of_another_shape(self):
        with pytest.raises(ValueError, match=r"init must have shape \(3,\), got \(2,\)"):
            sparse_nnls(np.eye(3), np.ones(3), 1, init=np.ones(2))

    def test_data_that_do_not_fit_together_or_are_not_numbers(self):
        with pytest.raises(ValueError, match="W and Y must have as many rows"):
            sparse_nnls(np.eye(3), np.ones(4), 1)
        with pytest.raises(ValueError, match="Y has 1 NaN or infinite entries"):
            sparse_nnls(np.eye(2), np.array([np.nan, 1.0]), 1)
