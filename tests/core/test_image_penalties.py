"""The cone of vectors with a nonnegative image: its projection, and the step that replaces it."""

import numpy as np
import pytest
from contracts.instances import generators
from contracts.penalty import ConvexPenaltyContract
from scipy.optimize import nnls

from multiconvex import NonNegative, NonNegativeImage


def positive_basis(rng, m, n):
    """Return orthonormal columns whose span meets the interior of the orthant, and R of A = Q R."""
    return np.linalg.qr(rng.random((m, n)))


BASIS, MIXING = positive_basis(np.random.default_rng(0), 12, 5)


class TestNonNegativeImage(ConvexPenaltyContract):
    penalty = NonNegativeImage(BASIS)
    constraint = True

    def feasible(self, rng):
        """The image of R y is A y, nonnegative wherever y is."""
        return MIXING @ rng.exponential(size=self.shape)

    def in_cvxpy(self, u, cvxpy):
        return 0.0, [BASIS @ u >= 0]

    def test_infinite_outside(self):
        for rng, _, _ in self.cases():
            inside = self.feasible(rng)
            assert self.penalty.value(inside) == 0.0
            assert self.penalty.value(-inside) == np.inf


class TestSkewedImage(TestNonNegativeImage):
    """Columns of the matrix need not be orthonormal, nor fewer than its rows."""

    wide = np.hstack([np.eye(3), -np.ones((3, 2))])
    penalty = NonNegativeImage(wide)

    def feasible(self, rng):
        y = rng.exponential(size=(3, 3))
        last = rng.standard_normal((2, 3))
        return np.vstack([y + last.sum(axis=0), last])

    def in_cvxpy(self, u, cvxpy):
        return 0.0, [self.wide @ u >= 0]


def by_the_dual(basis, x):
    """Project one vector through the nonnegative regression of its multipliers."""
    return x + basis.T @ nnls(basis.T, -x)[0]


@pytest.mark.parametrize("orthonormal", [True, False])
def test_the_multipliers_solve_a_nonnegative_regression(orthonormal):
    moved = 0
    for rng in generators(100, seed=1):
        n = int(rng.integers(1, 7))
        basis = rng.standard_normal((n + int(rng.integers(0, 9)), n)) + 0.5
        basis = np.linalg.qr(basis)[0] if orthonormal else basis
        x = rng.standard_normal((n, 2))
        projected = NonNegativeImage(basis).prox(x, 1.0)
        expected = np.stack([by_the_dual(basis, column) for column in x.T], axis=1)
        np.testing.assert_allclose(projected, expected, atol=1e-10)
        moved += not np.allclose(projected, x)
    assert moved > 50


def test_the_identity_gives_the_orthant():
    x = np.random.default_rng(0).standard_normal((6, 4))
    cone = NonNegativeImage(np.eye(6))
    for projected in (cone.prox(x, 1.0), cone.one_step(x)):
        np.testing.assert_allclose(projected, NonNegative().prox(x, 1.0), atol=1e-15)


def test_a_cone_of_one_point_sends_everything_there():
    cone = NonNegativeImage(np.vstack([np.eye(3), -np.eye(3)]))
    projected = cone.prox(np.random.default_rng(0).standard_normal((3, 20)), 1.0)
    assert np.abs(projected).max() < 1e-15
    assert cone.value(projected) == 0.0


def test_rows_that_are_zero_to_rounding_are_no_constraints():
    """A row has a direction however short it is, and rounding would give it a random one."""
    rng = np.random.default_rng(6)
    x = rng.standard_normal((5, 20))
    noise = 1e-17 * rng.standard_normal((4, 5))
    projected = NonNegativeImage(np.vstack([BASIS, noise])).prox(x, 1.0)
    np.testing.assert_array_equal(projected, NonNegativeImage(BASIS).prox(x, 1.0))
    assert NonNegativeImage(np.vstack([BASIS, noise])).value(projected) == 0.0


def test_the_cone_does_not_depend_on_the_lengths_of_rows_and_the_step_does():
    rng = np.random.default_rng(7)
    x, lengths = rng.standard_normal((5, 20)), 10.0 ** rng.uniform(-3, 1, (12, 1))
    one, other = NonNegativeImage(BASIS), NonNegativeImage(lengths * BASIS)
    np.testing.assert_allclose(one.prox(x, 1.0), other.prox(x, 1.0), atol=1e-10)
    assert np.abs(one.one_step(x) - other.one_step(x)).max() > 0.1


def test_projections_of_distant_points_are_feasible_relative_to_themselves():
    for rng in generators(50, seed=2):
        basis, mixing = positive_basis(rng, 30, 4)
        cone = NonNegativeImage(basis)
        ray = mixing @ np.eye(4)[:, :1]
        away = -1e6 * basis.T @ rng.random((30, 1))
        assert cone.value(cone.prox(ray + away, 1.0)) == 0.0


def test_projections_from_far_away_are_as_accurate_as_from_near():
    """Along the normal of a wall, at a billion times the size of what remains."""
    for rng in generators(20, seed=8):
        wall, across = np.linalg.qr(rng.standard_normal((2, 2)))[0]
        cone = NonNegativeImage(np.stack([wall, wall + across, 2.0 * across - wall]))
        remains = (1.0 + rng.random()) * across
        projected = cone.prox((remains - 1e9 * wall)[:, None], 1.0)
        assert cone.value(projected) == 0.0
        np.testing.assert_allclose(projected[:, 0], remains, atol=1e-5)


def test_one_step_does_not_expand_distances_and_fixes_the_cone():
    for rng in generators(50, seed=3):
        basis, mixing = positive_basis(rng, 20, 4)
        cone = NonNegativeImage(basis)
        x, y = rng.standard_normal((2, 4, 3))
        gap = cone.one_step(x) - cone.one_step(y)
        assert np.vdot(gap, gap) <= np.vdot(gap, x - y) + 1e-12
        inside = mixing @ rng.random((4, 3))
        np.testing.assert_allclose(cone.one_step(inside), inside, atol=1e-13)


def test_one_step_is_the_prox_of_the_distance_across_the_subspace():
    """Half of the least |v|^2 with v at right angles to the subspace and U x + v >= 0."""
    import cvxpy

    for rng in generators(6, seed=4):
        basis, _ = positive_basis(rng, 9, 3)
        point = rng.standard_normal((3, 1))
        x, v = cvxpy.Variable((3, 1)), cvxpy.Variable((9, 1))
        cost = cvxpy.sum_squares(x - point) / 2 + cvxpy.sum_squares(v) / 2
        cvxpy.Problem(cvxpy.Minimize(cost), [basis.T @ v == 0, basis @ x + v >= 0]).solve(
            solver=cvxpy.CLARABEL, tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12
        )
        np.testing.assert_allclose(NonNegativeImage(basis).one_step(point), x.value, atol=1e-6)


def test_one_step_is_least_squares_back_from_the_orthant():
    rng = np.random.default_rng(5)
    basis, x = rng.standard_normal((8, 3)), rng.standard_normal((3, 4))
    back = np.linalg.lstsq(basis, np.maximum(basis @ x, 0.0), rcond=None)[0]
    np.testing.assert_allclose(NonNegativeImage(basis).one_step(x), back, atol=1e-13)


@pytest.mark.parametrize("basis", [np.ones(3), np.ones((0, 2)), np.array([[np.nan, 1.0]])])
def test_impossible_matrices_are_refused(basis):
    with pytest.raises(ValueError, match="basis"):
        NonNegativeImage(basis)


def test_says_its_shape_rather_than_its_entries():
    assert repr(NonNegativeImage(BASIS)) == "NonNegativeImage(basis of shape (12, 5))"
