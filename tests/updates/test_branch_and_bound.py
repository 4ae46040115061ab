"""Branch and bound is exact among nonnegative rows with few nonzero entries."""

import numpy as np
import pytest
from contracts.instances import generators
from contracts.problems import factors, least_squares
from contracts.supports import best_over_supports, planted_regression
from contracts.update import UpdateContract

from multiconvex import (
    HALS,
    BranchAndBound,
    NonNegative,
    RowSparse,
    SupportEnumeration,
    alternate,
    cp,
    nmf,
)
from multiconvex.regression import LeastSquaresRegression
from multiconvex.sparse_search import ORDERS

PAIR = RowSparse(2, nonnegative=True)


def feasible(build):
    """Start from a point that satisfies the penalty."""

    def wrapped(rng, dtype=np.float64):
        problem, x = build(rng, dtype)
        return problem, tuple(b.penalty.prox(a, 0.0) for b, a in zip(problem.blocks, x))

    return wrapped


def regression(W, Y, k):
    penalty = RowSparse(k, nonnegative=True)
    return LeastSquaresRegression(W, Y, penalty), (np.zeros((Y.shape[1], W.shape[1])),)


class TestBranchAndBound(UpdateContract):
    update = BranchAndBound()
    settle = 60

    def problems(self, scale=1.0):
        return [
            feasible(build)
            for build in (
                least_squares(scale, PAIR),
                least_squares(scale, PAIR, sparse=True),
                factors(scale, PAIR),
                factors(scale, PAIR, (5, 4, 6)),
            )
        ]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("k", [1, 2, 3, 4, 7])
def test_equals_every_support_tried(k, order):
    for rng in generators(5, seed=k):
        W, Y = planted_regression(rng, r=7, nonzeros=4, n=5)
        problem, start = regression(W, Y, k)
        x, _ = BranchAndBound(order)(problem, start, 0, None)
        costs = 0.5 * np.sum((Y - W @ x.T) ** 2, axis=0)
        np.testing.assert_allclose(costs, [best_over_supports(W, y, k) for y in Y.T], rtol=1e-9)
        assert np.count_nonzero(x, axis=1).max() <= k


def test_never_above_the_solution_without_signs_where_that_is_positive():
    W, Y = planted_regression(np.random.default_rng(0), noise=0.0)
    signs = LeastSquaresRegression(W, Y, RowSparse(3))
    free, _ = SupportEnumeration()(signs, (np.zeros((20, 10)),), 0, None)
    problem, start = regression(W, Y, 3)
    x, _ = BranchAndBound()(problem, start, 0, None)
    np.testing.assert_allclose(x, free, atol=1e-9)


class TestOptions:
    @pytest.mark.parametrize("order", ORDERS)
    def test_two_nodes_give_a_feasible_row_and_never_lose_a_better_start(self, order):
        W, Y = planted_regression(np.random.default_rng(1), nonzeros=8)
        problem, start = regression(W, Y, 3)
        best, _ = BranchAndBound()(problem, start, 0, None)
        quick, _ = BranchAndBound(order, most_nodes=2)(problem, start, 0, None)
        warm, _ = BranchAndBound(order, most_nodes=2)(problem, (best,), 0, None)
        assert problem.objective((best,)) < problem.objective((quick,)) < np.inf
        np.testing.assert_allclose(warm, best, atol=1e-12)

    def test_a_limit_takes_the_promise_of_exactness_away(self):
        assert BranchAndBound().exact and not BranchAndBound(most_nodes=100).exact

    def test_an_unknown_order_is_refused(self):
        with pytest.raises(ValueError, match="order must be one of 'depth_first', 'best_first'"):
            BranchAndBound("widest_first")

    def test_one_node_is_too_few(self):
        with pytest.raises(ValueError, match="most_nodes must be an integer of at least 2, got 1"):
            BranchAndBound(most_nodes=1)


def test_rows_of_both_signs_are_refused():
    problem = LeastSquaresRegression(np.eye(3), np.eye(3), RowSparse(1))
    sentence = "solves for nonnegative rows but block 'x' may have both signs"
    with pytest.raises(ValueError, match=sentence):
        alternate(problem, (np.zeros((3, 3)),), BranchAndBound())


class TestSparseFactorizations:
    def factorize(self, k, **options):
        X = np.random.default_rng(3).random((30, 40))
        return nmf(X, 5, penalties=(NonNegative(), RowSparse(k, nonnegative=True)), **options)

    def test_the_named_updates_are_the_default(self):
        rules = {"W": HALS(), "H": BranchAndBound()}
        named = self.factorize(2, update=rules, random_state=0)
        assert named.H.tobytes() == self.factorize(2, random_state=0).H.tobytes()

    @pytest.mark.parametrize("acceleration", ["auto", None])
    def test_the_objective_never_increases_and_rows_stay_sparse(self, acceleration):
        for k in (1, 2, 3):
            fit = self.factorize(k, acceleration=acceleration, random_state=0)
            assert np.diff(fit.trace.objective).max() <= 1e-12 * fit.trace.objective[0]
            assert np.count_nonzero(fit.H, axis=1).max() <= k and fit.H.min() >= 0

    def test_as_many_nonzeros_as_components_is_plain_nmf(self):
        options = {"random_state": 0, "tol": 1e-9, "max_iter": 5000}
        plain = nmf(np.random.default_rng(3).random((30, 40)), 5, **options)
        assert self.factorize(5, **options).objective == pytest.approx(plain.objective, rel=1e-2)

    def test_one_nonzero_is_clustering_around_directions(self):
        rng = np.random.default_rng(4)
        centres, labels = rng.random((20, 3)), rng.integers(3, size=60)
        X = centres[:, labels] * rng.uniform(0.5, 2.0, 60)
        penalties = NonNegative(), RowSparse(1, nonnegative=True)
        fit = nmf(X, 3, penalties=penalties, init=(X[:, [0, 1, 2]], np.ones((60, 3))))
        found = fit.H.argmax(axis=1)
        assert fit.objective < 1e-10 or len(set(labels[:3])) < 3
        assert len(set(zip(labels, found))) == len(set(labels))

    def test_tensors_take_it_too(self):
        X = np.random.default_rng(5).random((6, 7, 8))
        penalties = NonNegative(), NonNegative(), RowSparse(2, nonnegative=True)
        fit = cp(X, 3, penalties=penalties, init="random", random_state=0)
        assert np.count_nonzero(fit.factors[2], axis=1).max() <= 2
        assert np.diff(fit.trace.objective).max() <= 0
