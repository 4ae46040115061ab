"""Every penalty against its contract, and the closed forms it stands for."""

import numpy as np
import pytest
from contracts.penalty import ConvexPenaltyContract, MoreauContract, PenaltyContract

from multiconvex import (
    L1,
    L2,
    Box,
    ColumnSparse,
    GroupL2,
    NonNegative,
    NoPenalty,
    Simplex,
    SubSimplex,
    TraceNorm,
    UnitBall,
)


class TestNoPenalty(ConvexPenaltyContract):
    penalty = NoPenalty()
    constraint = True

    def in_cvxpy(self, u, cvxpy):
        return 0.0, []


class TestNonNegative(MoreauContract, ConvexPenaltyContract):
    penalty = NonNegative()
    constraint = True

    def feasible(self, rng):
        return rng.exponential(size=self.shape)

    def in_cvxpy(self, u, cvxpy):
        return 0.0, [u >= 0]

    def conjugate_prox(self, v, step):
        return np.minimum(v, 0.0)

    def test_infinite_outside(self):
        assert self.penalty.value(np.array([[1.0, -1e-9]])) == np.inf


class TestSparseNonNegative(TestNonNegative):
    penalty = NonNegative(l1=0.7)
    constraint = False

    def in_cvxpy(self, u, cvxpy):
        return 0.7 * cvxpy.sum(u), [u >= 0]

    def conjugate_prox(self, v, step):
        return np.minimum(v, 0.7)


class TestRidgeNonNegative(ConvexPenaltyContract):
    penalty = NonNegative(l2=0.7)

    def feasible(self, rng):
        return rng.exponential(size=self.shape)

    def in_cvxpy(self, u, cvxpy):
        return 0.35 * cvxpy.sum_squares(u), [u >= 0]


class TestElasticNonNegative(TestRidgeNonNegative):
    penalty = NonNegative(l1=0.4, l2=0.7)

    def in_cvxpy(self, u, cvxpy):
        return 0.4 * cvxpy.sum(u) + 0.35 * cvxpy.sum_squares(u), [u >= 0]


class TestBox(ConvexPenaltyContract):
    penalty = Box(-0.5, 2.0)
    constraint = True

    def feasible(self, rng):
        return rng.uniform(-0.5, 2.0, self.shape)

    def in_cvxpy(self, u, cvxpy):
        return 0.0, [u >= -0.5, u <= 2.0]

    @pytest.mark.parametrize("outside", [-0.51, 2.01])
    def test_infinite_outside(self, outside):
        assert self.penalty.value(np.array([[0.0, outside]])) == np.inf


class TestL1(MoreauContract, ConvexPenaltyContract):
    penalty = L1(0.7)

    def in_cvxpy(self, u, cvxpy):
        return 0.7 * cvxpy.sum(cvxpy.abs(u)), []

    def conjugate_prox(self, v, step):
        return np.clip(v, -0.7, 0.7)


class TestL2(MoreauContract, ConvexPenaltyContract):
    penalty = L2(0.7)

    def in_cvxpy(self, u, cvxpy):
        return 0.35 * cvxpy.sum_squares(u), []

    def conjugate_prox(self, v, step):
        return v / (1.0 + step / 0.7)


class TestGroupL2(MoreauContract, ConvexPenaltyContract):
    penalty = GroupL2(0.7)

    def in_cvxpy(self, u, cvxpy):
        return 0.7 * cvxpy.sum(cvxpy.norm(u, 2, axis=0)), []

    def conjugate_prox(self, v, step):
        return v * np.minimum(1.0, 0.7 / np.linalg.norm(v, axis=0))

    def test_short_columns_vanish_whole_and_zero_columns_stay(self):
        x = np.array([[0.3, 3.0, 0.0], [0.4, 4.0, 0.0]])
        np.testing.assert_allclose(GroupL2(1.0).prox(x, 1.0), [[0, 2.4, 0], [0, 3.2, 0]])


class TestTraceNorm(MoreauContract, ConvexPenaltyContract):
    penalty = TraceNorm(0.7)

    def in_cvxpy(self, u, cvxpy):
        return 0.7 * cvxpy.normNuc(u), []

    def conjugate_prox(self, v, step):
        left, singular, right = np.linalg.svd(v, full_matrices=False)
        return (left * np.minimum(singular, 0.7)) @ right


class TestSimplexRows(ConvexPenaltyContract):
    penalty = Simplex()
    constraint = True

    def feasible(self, rng):
        return rng.dirichlet(np.ones(3), 5)

    def in_cvxpy(self, u, cvxpy):
        return 0.0, [u >= 0, cvxpy.sum(u, axis=1) == 1]

    def test_infinite_outside(self):
        assert self.penalty.value(np.array([[0.5, 0.4]])) == np.inf
        assert self.penalty.value(np.array([[1.5, -0.5]])) == np.inf


class TestSimplexColumns(TestSimplexRows):
    penalty = Simplex(axis=0)

    def feasible(self, rng):
        return rng.dirichlet(np.ones(5), 3).T

    def in_cvxpy(self, u, cvxpy):
        return 0.0, [u >= 0, cvxpy.sum(u, axis=0) == 1]


class TestSubSimplex(ConvexPenaltyContract):
    penalty = SubSimplex()
    constraint = True

    def feasible(self, rng):
        return rng.dirichlet(np.ones(3), 5) * rng.random((5, 1))

    def in_cvxpy(self, u, cvxpy):
        return 0.0, [u >= 0, cvxpy.sum(u, axis=1) <= 1]

    def test_infinite_outside(self):
        assert self.penalty.value(np.array([[0.7, 0.4]])) == np.inf
        assert self.penalty.value(np.array([[0.7, -0.4]])) == np.inf


class TestUnitBall(MoreauContract, ConvexPenaltyContract):
    penalty = UnitBall()
    constraint = True

    def feasible(self, rng):
        columns = rng.standard_normal(self.shape)
        return rng.random(3) * columns / np.linalg.norm(columns, axis=0)

    def in_cvxpy(self, u, cvxpy):
        return 0.0, [cvxpy.norm(u, 2, axis=0) <= 1]

    def conjugate_prox(self, v, step):
        return GroupL2(1.0).prox(v, step)

    def test_infinite_outside(self):
        assert self.penalty.value(np.array([[0.8], [0.7]])) == np.inf


class TestColumnSparse(PenaltyContract):
    penalty = ColumnSparse(2)
    constraint = True

    def feasible(self, rng):
        x = np.zeros(self.shape)
        for q in range(3):
            x[rng.choice(5, 2, replace=False), q] = rng.standard_normal(2)
        return x

    def test_infinite_outside(self):
        assert self.penalty.value(np.ones((3, 1))) == np.inf

    def test_ties_keep_the_first_entries(self):
        np.testing.assert_array_equal(self.penalty.prox(np.ones((4, 1)), 1.0).ravel(), [1, 1, 0, 0])


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: L1(-1.0), "weight must be a finite nonnegative number, got -1.0"),
        (lambda: L2(np.nan), "weight must be a finite nonnegative number, got nan"),
        (lambda: GroupL2("a"), "weight must be a finite nonnegative number, got 'a'"),
        (lambda: TraceNorm(np.inf), "weight must be a finite nonnegative number, got inf"),
        (lambda: NonNegative(l1=-1.0), "l1 must be a finite nonnegative number"),
        (lambda: NonNegative(l2=-1.0), "l2 must be a finite nonnegative number"),
        (lambda: ColumnSparse(0), "k must be a"),
        (lambda: Box(1.0, 0.0), "Box needs lower < upper, got 1.0 and 0.0"),
        (lambda: Simplex(axis=2), "axis must be one of 0, 1; got 2"),
    ],
)
def test_impossible_options_are_refused(build, sentence):
    with pytest.raises(ValueError, match=sentence):
        build()


def test_counts_are_integers():
    with pytest.raises(
        (TypeError, ValueError), match=r"k must be an integer of at least 1, got 1\.5"
    ):
        ColumnSparse(1.5)
