"""Every penalty against its contract, and the closed forms it stands for."""

import itertools

import numpy as np
import pytest
from contracts.penalty import ConvexPenaltyContract, MoreauContract, PenaltyContract

from multiconvex import (
    L1,
    L2,
    Box,
    ColumnSparse,
    GroupL2,
    MaxColumnL1,
    NonNegative,
    NoPenalty,
    RowSparse,
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

    def test_keeps_the_best_of_all_supports(self):
        for _, v, step in self.cases():
            u = self.penalty.prox(v, step)
            for column, kept in zip(v.T, u.T):
                errors = [
                    np.sum((self.best_on(column, support) - column) ** 2)
                    for support in itertools.combinations(range(len(column)), self.penalty.k)
                ]
                np.testing.assert_allclose(np.sum((kept - column) ** 2), min(errors), rtol=1e-12)

    def best_on(self, column, support):
        """Return the nearest feasible column among those on one support."""
        inside = np.zeros_like(column)
        inside[list(support)] = column[list(support)]
        return np.maximum(inside, 0.0) if self.penalty.nonnegative else inside

    def test_one_entry_more_than_allowed_is_outside(self):
        x = np.zeros((4, 2))
        x[:2, 1] = 1.0
        assert self.penalty.value(x) == 0.0
        x[2, 1] = 1e-300
        assert self.penalty.value(x) == np.inf


class TestNonNegativeColumnSparse(TestColumnSparse):
    penalty = ColumnSparse(2, nonnegative=True)

    def feasible(self, rng):
        return np.abs(super().feasible(rng))

    def test_infinite_below_zero(self):
        assert self.penalty.value(np.array([[1.0], [-1e-300]])) == np.inf

    def test_large_negative_entries_are_not_kept(self):
        x = np.array([[-9.0], [1.0], [0.5], [2.0]])
        np.testing.assert_array_equal(self.penalty.prox(x, 1.0).ravel(), [0, 1, 0, 2])


class TransposedSparse:
    """Turns what is stated of columns into statements of rows."""

    def test_is_the_same_of_the_transpose(self):
        of_columns = ColumnSparse(self.penalty.k, self.penalty.nonnegative)
        for _, v, step in self.cases():
            u = self.penalty.prox(v, step)
            np.testing.assert_array_equal(u, of_columns.prox(v.T, step).T)
            assert u.flags.c_contiguous
            assert self.penalty.value(v) == of_columns.value(v.T)
            assert self.penalty.value(u) == of_columns.value(u.T) == 0.0

    def test_infinite_outside(self):
        assert self.penalty.value(np.ones((1, 3))) == np.inf
        assert self.penalty.value(np.tile([[1.0], [0.0]], (4, 2))) == 0.0


class TestRowSparse(TransposedSparse, PenaltyContract):
    penalty = RowSparse(2)
    constraint = True

    def feasible(self, rng):
        x = rng.standard_normal(self.shape)
        x[np.arange(5), rng.integers(3, size=5)] = 0.0
        return x


class TestNonNegativeRowSparse(TestRowSparse):
    penalty = RowSparse(2, nonnegative=True)

    def feasible(self, rng):
        return np.abs(super().feasible(rng))


class TestMaxColumnL1(MoreauContract, ConvexPenaltyContract):
    penalty = MaxColumnL1(0.7)

    def in_cvxpy(self, u, cvxpy):
        return 0.7 * cvxpy.max(cvxpy.sum(cvxpy.abs(u), axis=0)), []

    def conjugate_prox(self, v, step):
        """Project on the ball of radius 0.7 of the dual norm, the sum of largest magnitudes.

        Each column is clipped at its own level; levels sum to 0.7, and what is cut off is the
        same in every column that keeps a level above 0 (bisection on that amount).
        """
        sizes = np.abs(v)
        if sizes.max(axis=0).sum() <= 0.7:
            return v.copy()
        low, high = 0.0, sizes.sum(axis=0).max()
        for _ in range(200):
            cut = 0.5 * (low + high)
            levels = np.array([self.level(column, cut) for column in sizes.T])
            low, high = (cut, high) if levels.sum() > 0.7 else (low, cut)
        return np.sign(v) * np.minimum(sizes, levels)

    def level(self, column, cut):
        """Return the level above which the column holds ``cut`` in all, 0 where it holds less."""
        low, high = 0.0, column.max()
        for _ in range(100):
            middle = 0.5 * (low + high)
            above = np.maximum(column - middle, 0.0).sum()
            low, high = (middle, high) if above > cut else (low, middle)
        return 0.5 * (low + high) if column.sum() > cut else 0.0

    def test_what_is_taken_off_is_in_the_dual_ball_and_aligned(self):
        """The residual v - u is s 0.7 times a subgradient: dual norm s 0.7, and <v - u, u>."""
        for _, v, step in self.cases():
            u = self.penalty.prox(v, step)
            taken, size = v - u, 0.7 * step
            dual = np.abs(taken).max(axis=0).sum()
            assert dual <= size * (1 + 1e-12)
            inner = step * self.penalty.value(u)
            np.testing.assert_allclose(np.vdot(taken, u), inner, rtol=1e-12, atol=1e-12)

    def test_prox_agrees_with_a_convex_solver(self):
        import cvxpy

        exact = dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), 1e-13)
        for _, v, step in self.cases(6):
            u = cvxpy.Variable(self.shape)
            cost = step * self.in_cvxpy(u, cvxpy)[0] + cvxpy.sum_squares(u - v) / 2
            cvxpy.Problem(cvxpy.Minimize(cost)).solve(solver=cvxpy.CLARABEL, **exact)
            np.testing.assert_allclose(self.penalty.prox(v, step), u.value, rtol=0, atol=1e-6)

    def test_columns_above_the_common_norm_come_down_to_it_and_others_stay(self):
        v = np.array([[3.0, 0.5, -2.0], [-1.0, 0.2, 2.0]])
        u = self.penalty.prox(v, 1.0)
        np.testing.assert_array_equal(u[:, 1], v[:, 1])
        np.testing.assert_allclose(np.abs(u).sum(axis=0)[[0, 2]], 4.0 - 0.7, rtol=1e-12)

    def test_everything_vanishes_exactly_where_the_dual_norm_allows_it(self):
        v = np.array([[3.0, -0.5], [1.0, 0.2]])
        assert not self.penalty.prox(v, 3.5 / 0.7 * (1 + 1e-12)).any()
        assert self.penalty.prox(v, 3.5 / 0.7 * (1 - 1e-6)).any()

    @pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (40, 30)])
    def test_shapes(self, shape):
        rng = np.random.default_rng(0)
        for step in (0.0, 1e-8, 1.0, 1e8):
            v = rng.integers(-3, 4, size=shape).astype(float)
            u = self.penalty.prox(v, step)
            rounding = 1e-15 * v.size
            assert np.abs(v - u).max(axis=0).sum() <= 0.7 * step * (1 + 1e-12) + rounding
            inner = step * self.penalty.value(u)
            np.testing.assert_allclose(np.vdot(v - u, u), inner, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: L1(-1.0), "weight must be a finite nonnegative number, got -1.0"),
        (lambda: L2(np.nan), "weight must be a finite nonnegative number, got nan"),
        (lambda: GroupL2("a"), "weight must be a finite nonnegative number, got 'a'"),
        (lambda: TraceNorm(np.inf), "weight must be a finite nonnegative number, got inf"),
        (lambda: NonNegative(l1=-1.0), "l1 must be a finite nonnegative number"),
        (lambda: NonNegative(l2=-1.0), "l2 must be a finite nonnegative number"),
        (lambda: MaxColumnL1(-1.0), "weight must be a finite nonnegative number, got -1.0"),
        (lambda: ColumnSparse(0), "k must be a"),
        (lambda: RowSparse(0), "k must be a"),
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
