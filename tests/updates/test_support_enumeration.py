"""Enumeration of supports is exact among rows with few nonzero entries."""

from itertools import combinations

import numpy as np
import pytest
from contracts.instances import generators
from contracts.problems import factors, least_squares
from contracts.update import UpdateContract

from multiconvex import (
    FactorProblem,
    LeastSquares,
    NoPenalty,
    RowSparse,
    SupportEnumeration,
    alternate,
)
from multiconvex.regression import LeastSquaresRegression
from multiconvex.updates.support_enumeration import best_supports


def brute_force(W, y, size):
    """Return the least value of ``|y - W x|^2 / 2`` over all supports, by least squares."""
    costs = []
    for support in map(list, combinations(range(W.shape[1]), size)):
        x = np.linalg.lstsq(W[:, support], y, rcond=None)[0]
        costs.append(0.5 * np.sum((y - W[:, support] @ x) ** 2))
    return min(costs)


def regression(W, Y, size):
    return LeastSquaresRegression(W, Y, RowSparse(size)), (np.zeros((Y.shape[1], W.shape[1])),)


def feasible(build):
    """Start from a point that satisfies the penalty."""

    def wrapped(rng, dtype=np.float64):
        problem, x = build(rng, dtype)
        return problem, tuple(b.penalty.prox(a, 0.0) for b, a in zip(problem.blocks, x))

    return wrapped


class TestSupportEnumeration(UpdateContract):
    update = SupportEnumeration()
    settle = 60

    def problems(self, scale=1.0):
        return [
            feasible(build)
            for build in (
                least_squares(scale, RowSparse(2)),
                least_squares(scale, RowSparse(2), sparse=True),
                factors(scale, RowSparse(2)),
                factors(scale, RowSparse(1), (5, 4, 6)),
            )
        ]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_equals_brute_force(size):
    for rng in generators(6, seed=size):
        W, Y = rng.standard_normal((7, 5)), rng.standard_normal((7, 9))
        problem, start = regression(W, Y, size)
        x, _ = SupportEnumeration()(problem, start, 0, None)
        costs = 0.5 * np.sum((Y - W @ x.T) ** 2, axis=0)
        np.testing.assert_allclose(costs, [brute_force(W, y, size) for y in Y.T], rtol=1e-10)
        assert np.count_nonzero(x, axis=1).max() <= size


def test_equals_brute_force_where_atoms_depend_on_each_other():
    for rng in generators(6):
        W, Y = rng.standard_normal((6, 3)), rng.standard_normal((6, 8))
        W = np.hstack([W, W[:, :1], W[:, 1:2] + W[:, 2:], np.zeros((6, 1))])
        problem, start = regression(W, Y, 3)
        x, _ = SupportEnumeration()(problem, start, 0, None)
        costs = 0.5 * np.sum((Y - W @ x.T) ** 2, axis=0)
        np.testing.assert_allclose(costs, [brute_force(W, y, 3) for y in Y.T], rtol=1e-9)


def test_as_many_nonzeros_as_components_is_least_squares():
    for rng in generators(4):
        W, Y = rng.standard_normal((7, 4)), rng.standard_normal((7, 3))
        for size in (4, 9):
            problem, start = regression(W, Y, size)
            x, _ = SupportEnumeration()(problem, start, 0, None)
            np.testing.assert_allclose(x.T, np.linalg.lstsq(W, Y, rcond=None)[0], rtol=1e-9)


def test_orthonormal_atoms_keep_the_largest_correlations():
    for rng in generators(4):
        Q = np.linalg.qr(rng.standard_normal((6, 6)))[0]
        Y = rng.standard_normal((6, 10))
        problem, start = regression(Q, Y, 2)
        x, _ = SupportEnumeration()(problem, start, 0, None)
        np.testing.assert_allclose(x, RowSparse(2).prox(Y.T @ Q, 0.0), atol=1e-13)


def test_supports_are_found_whatever_the_scales_of_the_atoms():
    rng = np.random.default_rng(0)
    W, Y = rng.standard_normal((7, 5)), rng.standard_normal((7, 9))
    scales = 10.0 ** rng.uniform(-4, 4, 5)
    plain, scaled = (
        best_supports(A.T @ A, np.ascontiguousarray(A.T @ Y), 3) for A in (W, W * scales)
    )
    np.testing.assert_array_equal(plain, scaled)


def test_rows_may_be_solved_in_any_order():
    rng = np.random.default_rng(1)
    W, Y = rng.standard_normal((7, 5)), rng.standard_normal((7, 9))
    order = rng.permutation(9)
    one, other = (SupportEnumeration()(*regression(W, Z, 2), 0, None)[0] for Z in (Y, Y[:, order]))
    np.testing.assert_array_equal(one[order], other)


def test_too_many_supports_are_refused_before_the_first_sweep():
    X = np.random.default_rng(0).random((10, 8))
    problem = FactorProblem(X, 8, (NoPenalty(), RowSparse(4)))
    start = np.ones((10, 8)), RowSparse(4).prox(np.ones((8, 8)), 0.0)
    updates = {"W": LeastSquares(), "H": SupportEnumeration(most=69)}
    sentence = "would visit 70 supports of 4 among 8 components for block 'H', more than most=69"
    with pytest.raises(ValueError, match=sentence):
        alternate(problem, start, updates)
    updates = {"W": LeastSquares(), "H": SupportEnumeration(most=70)}
    assert alternate(problem, start, updates, max_iter=0).n_iter == 0


def test_signs_are_refused():
    problem = LeastSquaresRegression(np.eye(3), np.eye(3), RowSparse(1, nonnegative=True))
    with pytest.raises(ValueError, match="solves without signs but block 'x' must be nonnegative"):
        alternate(problem, (np.zeros((3, 3)),), SupportEnumeration())


def test_the_limit_is_a_count():
    with pytest.raises(ValueError, match="most must be an integer of at least 1, got 0"):
        SupportEnumeration(most=0)
