"""Sets that make implicit rules well posed: projections, gauges, and what members are good for."""

import numpy as np
import pytest
from contracts.instances import generators
from contracts.penalty import ConvexPenaltyContract

from multiconvex import (
    Intersection,
    MonotoneSet,
    RowL1Ball,
    SpectralBall,
    WellPosedWeights,
    certify,
)

LAM = np.array([0.3, 1.0, 2.5, 0.8])


class WellPosedSetContract(ConvexPenaltyContract):
    """Members are certified, the gauge tells them, and dividing by it makes one of anything."""

    constraint = True
    shape = (4, 4)
    lam = None

    def feasible(self, rng):
        matrix = rng.standard_normal(self.shape)
        return rng.random() * matrix / max(1.0, self.penalty.gauge(matrix))

    def test_acts_on_each_column_alone_where_it_says_so(self):
        """A column of the projection depends on the others."""
        assert not self.penalty.columnwise
        apart = []
        for rng, v, step in self.cases():
            other = v.copy()
            other[:, 1:] += rng.standard_normal((4, 3))
            apart.append(self.penalty.prox(v, step)[:, 0] - self.penalty.prox(other, step)[:, 0])
        assert np.abs(apart).max() > 1e-3

    def test_the_gauge_is_the_smallest_multiple_of_the_set(self):
        for rng, v, _ in self.cases():
            gauge, t = self.penalty.gauge(v), rng.uniform(0.1, 10)
            assert self.penalty.gauge(t * v) == pytest.approx(t * gauge, rel=1e-12)
            assert self.penalty.value(v / gauge) == 0.0
            assert self.penalty.value(1.001 * v / gauge) == np.inf

    def test_projections_are_members_to_the_last_digits(self):
        for _, v, step in self.cases(12):
            assert self.penalty.gauge(self.penalty.prox(5 * v, step)) <= 1 + 1e-13

    def test_members_are_certified(self):
        for _, v, step in self.cases(12):
            assert certify(self.penalty.prox(5 * v, step), self.lam).certified


class TestSpectralBall(WellPosedSetContract):
    penalty = SpectralBall(0.8)

    def in_cvxpy(self, u, cvxpy):
        return 0.0, [cvxpy.sigma_max(u) <= 0.8]

    def test_half_a_ball_is_monotone(self):
        for _, v, step in self.cases():
            assert certify(SpectralBall(0.5).prox(5 * v, step)).lmi_eigenvalue >= -1e-14

    def test_members_are_certified(self):
        for _, v, step in self.cases(12):
            assert "spectral" in certify(self.penalty.prox(5 * v, step)).proofs


class TestRowL1Ball(WellPosedSetContract):
    penalty = RowL1Ball(0.8)

    def in_cvxpy(self, u, cvxpy):
        return 0.0, [cvxpy.sum(cvxpy.abs(u), axis=1) <= 0.8]

    def test_acts_on_each_column_alone_where_it_says_so(self):
        """Rows are apart, columns are not."""
        super().test_acts_on_each_column_alone_where_it_says_so()
        for _, v, step in self.cases():
            rows = [self.penalty.prox(row[None], step) for row in v]
            np.testing.assert_allclose(self.penalty.prox(v, step), np.vstack(rows), rtol=1e-13)

    def test_members_are_certified(self):
        for _, v, step in self.cases(12):
            proofs = certify(self.penalty.prox(5 * v, step)).proofs
            assert {"inf_norm", "perron"} <= set(proofs)


class TestMonotoneSet(WellPosedSetContract):
    penalty = MonotoneSet()

    def in_cvxpy(self, u, cvxpy):
        return 0.0, [np.eye(4) - (u + u.T) >> 0]

    def test_clips_the_symmetric_part_and_keeps_the_other(self):
        for _, v, step in self.cases():
            values, vectors = np.linalg.eigh(0.5 * (v + v.T))
            clipped = (vectors * np.minimum(values, 0.5)) @ vectors.T
            expected = clipped + 0.5 * (v - v.T)
            rounding = 1e-13 * np.linalg.norm(v)
            np.testing.assert_allclose(self.penalty.prox(v, step), expected, rtol=0, atol=rounding)

    def test_members_have_the_modulus_whatever_their_norm(self):
        for modulus in (0.05, 0.5, 0.9):
            rng = np.random.default_rng(3)
            member = MonotoneSet(modulus=modulus).prox(10 * rng.standard_normal((4, 4)), 1.0)
            certificate = certify(member)
            assert certificate.monotonicity == pytest.approx(modulus, abs=1e-12)
            assert certificate.spectral_norm > 1


class TestWeightedMonotoneSet(WellPosedSetContract):
    penalty = MonotoneSet(LAM)
    lam = LAM

    def cases(self, count=6):
        return super().cases(min(count, 3))

    def in_cvxpy(self, u, cvxpy):
        lam = np.diag(LAM)
        return 0.0, [lam - (lam @ u + u.T @ lam) >> 0]

    def test_membership_is_the_matrix_inequality(self):
        for rng in generators(30):
            v = rng.standard_normal((4, 4)) * rng.uniform(0, 0.5)
            inside = np.linalg.eigvalsh(np.diag(LAM) - LAM[:, None] * v - (LAM[:, None] * v).T)[0]
            assert (self.penalty.gauge(v) <= 1) == (inside >= 0)
            assert certify(v, LAM).lmi_eigenvalue == pytest.approx(inside, abs=1e-13)


class TestSpectralAndMonotone(WellPosedSetContract):
    penalty = Intersection(SpectralBall(0.8), MonotoneSet())

    def in_cvxpy(self, u, cvxpy):
        return 0.0, [cvxpy.sigma_max(u) <= 0.8, np.eye(4) - (u + u.T) >> 0]

    def test_projections_one_after_the_other_are_not_enough(self):
        """Clipping eigenvalues first may undo the ball; the ball first may undo the inequality."""
        ball, monotone = SpectralBall(0.8), MonotoneSet(LAM)
        outside = {"ball": 0, "monotone": 0}
        for rng in generators(200):
            v = rng.standard_normal((4, 4))
            outside["ball"] += np.isinf(ball.value(monotone.prox(ball.prox(v, 1.0), 1.0)))
            outside["monotone"] += np.isinf(monotone.value(ball.prox(monotone.prox(v, 1.0), 1.0)))
        assert min(outside.values()) > 2

    def test_an_intersection_may_be_one_of_the_sets(self):
        import cvxpy

        three = Intersection(Intersection(RowL1Ball(1.0), SpectralBall(0.8)), MonotoneSet())
        v = np.random.default_rng(0).standard_normal((4, 4))
        u = cvxpy.Variable((4, 4))
        constraints = [*self.in_cvxpy(u, cvxpy)[1], cvxpy.sum(cvxpy.abs(u), axis=1) <= 1]
        problem = cvxpy.Problem(cvxpy.Minimize(cvxpy.sum_squares(u - v)), constraints)
        problem.solve(solver=cvxpy.CLARABEL)
        np.testing.assert_allclose(three.prox(v, 1.0), u.value, atol=1e-4)


class TestRowsAndMonotone(WellPosedSetContract):
    penalty = Intersection(RowL1Ball(0.9), MonotoneSet())

    def in_cvxpy(self, u, cvxpy):
        return 0.0, [cvxpy.sum(cvxpy.abs(u), axis=1) <= 0.9, np.eye(4) - (u + u.T) >> 0]


class TestWellPosedWeights(ConvexPenaltyContract):
    penalty = WellPosedWeights(SpectralBall(0.8), ridge=0.7)
    shape = (4, 7)

    def feasible(self, rng):
        weights = rng.standard_normal(self.shape)
        weights[:, :4] *= 0.8 * rng.random() / np.linalg.norm(weights[:, :4], 2)
        return weights

    def in_cvxpy(self, u, cvxpy):
        return 0.35 * cvxpy.sum_squares(u[:, :-1]), [cvxpy.sigma_max(u[:, :4]) <= 0.8]

    def test_degree_of_homogeneity(self):
        """Quadratic towards zero, but not beyond the boundary of the set."""
        weights = self.feasible(np.random.default_rng(0))
        value = self.penalty.value(weights)
        assert self.penalty.degree is None
        assert self.penalty.value(0.5 * weights) == pytest.approx(0.25 * value)
        assert self.penalty.value(100 * weights) == np.inf

    def test_acts_on_each_column_alone_where_it_says_so(self):
        """The last column is free, those of D are projected together, those of E shrink."""
        assert not self.penalty.columnwise
        for _, v, step in self.cases():
            u = self.penalty.prox(v, step)
            np.testing.assert_array_equal(u[:, -1], v[:, -1])
            np.testing.assert_allclose(u[:, 4:-1], v[:, 4:-1] / (1 + 0.7 * step))
            shrunk = SpectralBall(0.8).prox(v[:, :4] / (1 + 0.7 * step), step)
            np.testing.assert_allclose(u[:, :4], shrunk)


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: SpectralBall(0.0), r"radius must be a finite positive number, got 0\.0"),
        (lambda: RowL1Ball(np.nan), "radius must be a finite positive number, got nan"),
        (lambda: MonotoneSet(-1.0), r"lam must be a finite positive number, got -1\.0"),
        (lambda: MonotoneSet(modulus=1.0), r"modulus must be below 1, got 1\.0"),
        (
            lambda: MonotoneSet(np.ones(3)).gauge(np.eye(2)),
            r"lam must be a number or have .*\(2,\)",
        ),
        (lambda: MonotoneSet(np.array([1.0, 0.0])).gauge(np.eye(2)), "lam must be positive, got 0"),
        (lambda: WellPosedWeights(SpectralBall(1.0), -1.0), "ridge must be a finite nonnegative"),
    ],
)
def test_impossible_options_are_refused(build, sentence):
    with pytest.raises(ValueError, match=sentence):
        build()


def test_an_intersection_is_of_sets_with_a_gauge():
    from multiconvex import UnitBall

    with pytest.raises(TypeError, match="Intersection is of sets with a gauge, got UnitBall"):
        Intersection(SpectralBall(1.0), UnitBall())
