"""Penalties of labels against linear programs, brute force, a conic solver and weak duality."""

from itertools import pairwise, product

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiconvex.chains import IndependentLabels, KLSmoothness, TotalVariation

ALL = (IndependentLabels(), KLSmoothness(0.7), TotalVariation(0.7))


def draw_losses(rng, m, n_labels, kind="uniform", scale=1.0):
    """Return losses of one of the kinds that models produce."""
    if kind == "uniform":
        return scale * rng.random((m, n_labels))
    if kind == "spread":
        return 10.0 ** rng.uniform(-3, 4, (m, n_labels))
    if kind == "signed":
        return scale * (rng.standard_normal((m, n_labels)) - 5.0)
    if kind == "ties":
        return scale * rng.integers(0, 2, (m, n_labels))
    losses = scale * rng.exponential(size=(m, n_labels))
    losses[np.arange(m), np.repeat(rng.integers(0, n_labels, m), 5)[:m]] *= 0.1
    return losses


KINDS = ("uniform", "spread", "signed", "ties", "sticky")


def uniform(losses):
    return np.full(losses.shape, 1.0 / losses.shape[1])


def objective(penalty, losses, z):
    return float(np.vdot(losses, z)) + penalty.value(z)


def one_hot(labels, n_labels):
    return np.eye(n_labels)[list(labels)]


class TestEveryPenalty:
    @pytest.mark.parametrize("penalty", ALL)
    def test_infinite_off_the_simplex_and_finite_on_it(self, penalty):
        z = np.random.default_rng(0).dirichlet(np.ones(3), 5)
        assert np.isfinite(penalty.value(z))
        assert penalty.value(z + np.array([1e-3, -1e-3, 1e-6])) == np.inf
        assert penalty.value(z - 1.5 * z[:, :1] * [1, -1, 0]) == np.inf
        assert np.isfinite(penalty.value(z + 1e-13))

    @pytest.mark.parametrize("penalty", ALL)
    def test_convex_along_segments(self, penalty):
        rng = np.random.default_rng(1)
        for _ in range(50):
            a, b = rng.dirichlet(np.ones(3), 6), rng.dirichlet(0.1 * np.ones(3), 6)
            s = rng.random()
            chord = (1 - s) * penalty.value(a) + s * penalty.value(b)
            assert penalty.value((1 - s) * a + s * b) <= chord + 1e-12

    @pytest.mark.parametrize("penalty", ALL)
    def test_inputs_are_not_written_to(self, penalty):
        losses = np.random.default_rng(2).random((6, 3))
        z = uniform(losses)
        losses.flags.writeable = z.flags.writeable = False
        assert penalty.minimize(losses, z) is not z

    @pytest.mark.parametrize("penalty", ALL)
    def test_one_label_leaves_no_choice(self, penalty):
        losses = np.array([[2.0], [-1.0]])
        np.testing.assert_array_equal(penalty.minimize(losses, np.ones((2, 1))), np.ones((2, 1)))

    @pytest.mark.parametrize("penalty", ALL)
    def test_losses_that_are_not_finite_are_refused(self, penalty):
        with pytest.raises(ValueError, match="losses has 1 NaN"):
            penalty.minimize(np.array([[np.nan, 1.0]]), np.full((1, 2), 0.5))

    @pytest.mark.parametrize("kind", [KLSmoothness, TotalVariation])
    def test_breaks_are_separate_problems(self, kind):
        rng = np.random.default_rng(3)
        losses, bounds = draw_losses(rng, 30, 3, "sticky"), (0, 1, 8, 20, 30)
        penalty = kind(0.4, breaks=bounds[1:-1])
        z = penalty.minimize(losses, uniform(losses))
        value = 0.0
        for first, stop in pairwise(bounds):
            part = losses[first:stop]
            alone = kind(0.4).minimize(part, uniform(part))
            np.testing.assert_allclose(z[first:stop], alone, atol=1e-12)
            value += kind(0.4).value(alone)
        assert penalty.value(z) == pytest.approx(value, rel=1e-12)

    @pytest.mark.parametrize("kind", [KLSmoothness, TotalVariation])
    def test_options_are_checked(self, kind):
        with pytest.raises(ValueError, match="weight must be a finite nonnegative number"):
            kind(-1.0)
        with pytest.raises(ValueError, match="breaks must be increasing"):
            kind(1.0, breaks=(4, 4))
        with pytest.raises(ValueError, match="each of breaks must be an integer of at least 1"):
            kind(1.0, breaks=(0,))
        with pytest.raises(ValueError, match="row numbers from 1 to 3 for 4 rows"):
            kind(1.0, breaks=(2, 4)).minimize(np.ones((4, 2)), np.full((4, 2), 0.5))

    @pytest.mark.parametrize("kind", [KLSmoothness, TotalVariation])
    def test_without_weight_samples_are_independent(self, kind):
        losses = draw_losses(np.random.default_rng(4), 40, 4)
        expected = IndependentLabels().minimize(losses, uniform(losses))
        np.testing.assert_array_equal(kind(0.0).minimize(losses, uniform(losses)), expected)
        assert kind(0.0).value(expected) == 0.0


def test_independent_labels_are_the_linear_program_with_ties_to_the_lowest():
    losses = np.array([[1.0, 0.0, 0.0], [2.0, 3.0, 2.0], [0.5, 0.4, 0.3]])
    z = IndependentLabels().minimize(losses, uniform(losses))
    np.testing.assert_array_equal(z, np.eye(3)[[1, 0, 2]])
    assert np.vdot(losses, z) == pytest.approx(linear_program(losses, 0.0), abs=1e-8)


def linear_program(losses, weight, breaks=()):
    """Return the optimal value with total variation, from the relaxed problem."""
    z = cp.Variable(losses.shape, nonneg=True)
    cost = cp.vdot(losses, z)
    for t in set(range(1, len(losses))) - set(breaks):
        cost += 0.5 * weight * cp.norm1(z[t] - z[t - 1])
    return cp.Problem(cp.Minimize(cost), [cp.sum(z, axis=1) == 1]).solve(solver=cp.CLARABEL)


class TestTotalVariation:
    @pytest.mark.parametrize("breaks", [(), (3,)])
    @pytest.mark.parametrize(("m", "n_labels"), [(8, 2), (7, 3), (1, 3)])
    def test_equals_brute_force_and_the_linear_program(self, m, n_labels, breaks):
        rng = np.random.default_rng(m)
        breaks = breaks if m > 3 else ()
        for weight in (0.05, 0.3, 2.0):
            losses = rng.random((m, n_labels))
            penalty = TotalVariation(weight, breaks)
            z = penalty.minimize(losses, uniform(losses))
            best = min(
                objective(penalty, losses, one_hot(labels, n_labels))
                for labels in product(range(n_labels), repeat=m)
            )
            assert objective(penalty, losses, z) == pytest.approx(best, abs=1e-12)
            assert best == pytest.approx(linear_program(losses, weight, breaks), abs=1e-6)
            assert set(np.unique(z)) <= {0.0, 1.0}

    def test_a_change_costs_the_weight(self):
        assert TotalVariation(3.0).value(one_hot([0, 1, 1, 2], 3)) == 6.0

    def test_ties_stay_and_go_to_the_lowest_label(self):
        losses = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
        z = TotalVariation(0.5).minimize(losses, uniform(losses))
        np.testing.assert_array_equal(z.argmax(axis=1), [0, 0, 0])
        equal = np.zeros((4, 3))
        np.testing.assert_array_equal(
            TotalVariation(1.0).minimize(equal, uniform(equal)), one_hot([0] * 4, 3)
        )


def conic_optimum(losses, weight):
    """Return the optimal value with ``t >= u log(u / v)``, as rows sum to one."""
    z = cp.Variable(losses.shape)
    t = cp.Variable((len(losses) - 1, losses.shape[1]))
    constraints = [cp.sum(z, axis=1) == 1, cp.constraints.ExpCone(-t, z[:-1], z[1:])]
    problem = cp.Problem(cp.Minimize(cp.vdot(losses, z) + weight * cp.sum(t)), constraints)
    return problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)


def weak_duality_bound(losses, weight, z):
    r"""Return a lower bound of the optimum, from multipliers of the row sums.

    For multipliers ``nu``, the Lagrangian is minimised one column after the other and, in a column,
    from the first row to the last: with ``z_t = z_{t+1} exp(-a_t / weight)``. It is bounded below,
    by ``sum(nu)``, when the last ``a`` of no column is negative. Multipliers come from ``z``, less
    the least constant that makes them feasible.
    """
    slopes = losses.copy()
    slopes[:-1] += weight * np.log(z[:-1] / z[1:])
    slopes[1:] += weight * (1.0 - z[:-1] / z[1:])
    nu = (z * slopes).sum(axis=1)

    def feasible(shift):
        for column in (losses - nu[:, None] + shift).T:
            a = column[0]
            for entry in column[1:]:
                if -a > 700.0 * weight:
                    return False
                a = entry - weight * np.expm1(-a / weight)
            if a < 0.0:
                return False
        return True

    low, high = -1e-30, 1e-30
    while not feasible(high):
        low, high = high, 2.0 * high
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if feasible(middle) else (middle, high)
    return nu.sum() - len(losses) * high


class TestKLSmoothness:
    @pytest.mark.parametrize("weight", [0.1, 0.3, 3.0, 30.0])
    @pytest.mark.parametrize("n_labels", [2, 3, 4])
    def test_agrees_with_a_conic_solver(self, n_labels, weight):
        losses = draw_losses(np.random.default_rng(n_labels), 20, n_labels, "sticky")
        z = KLSmoothness(weight).minimize(losses, uniform(losses))
        assert objective(KLSmoothness(weight), losses, z) == pytest.approx(
            conic_optimum(losses, weight), rel=1e-7
        )

    @pytest.mark.parametrize("kind", KINDS)
    def test_optimal_by_weak_duality_at_any_scale(self, kind):
        rng = np.random.default_rng(KINDS.index(kind))
        for _ in range(60):
            m, n_labels = rng.integers(1, 60), rng.integers(2, 7)
            weight, scale = 10.0 ** rng.uniform(-4, 4), 10.0 ** rng.uniform(-3, 4)
            losses = draw_losses(rng, m, n_labels, kind, scale)
            losses -= losses.min(axis=1, keepdims=True)
            penalty = KLSmoothness(weight)
            z = penalty.minimize(losses, uniform(losses))
            value = objective(penalty, losses, z)
            assert z.min() > 0.0
            np.testing.assert_allclose(z.sum(axis=1), 1.0, rtol=0, atol=4e-16 * n_labels)
            gap = value - weak_duality_bound(losses, weight, z)
            assert gap <= 1e-9 * value + 1e-15 * losses.sum()

    def test_interior_solutions_have_equal_slopes_in_every_row(self):
        losses = draw_losses(np.random.default_rng(5), 40, 3, "uniform")
        z = KLSmoothness(2.0).minimize(losses, uniform(losses))
        slopes = losses.copy()
        slopes[:-1] += 2.0 * np.log(z[:-1] / z[1:])
        slopes[1:] += 2.0 * (1.0 - z[:-1] / z[1:])
        np.testing.assert_allclose(z * (slopes - slopes.min(axis=1, keepdims=True)), 0, atol=1e-9)

    def test_two_rows_by_hand(self):
        """Given the second row (p, 1 - p), the first is proportional to (p, (1 - p) / e).

        There remains -log(p + (1 - p) / e) + p, which is least at p = (e - 2) / (e - 1).
        """
        losses = np.array([[0.0, 1.0], [1.0, 0.0]])
        z = KLSmoothness(1.0).minimize(losses, uniform(losses))
        p = (np.e - 2.0) / (np.e - 1.0)
        np.testing.assert_allclose(z[:, 0], [p / (p + (1.0 - p) / np.e), p], atol=1e-5)

    def test_a_large_weight_chooses_one_label_and_a_small_one_lets_samples_choose(self):
        losses = draw_losses(np.random.default_rng(6), 200, 3)
        start = uniform(losses)
        together = KLSmoothness(1e8).minimize(losses, start)
        np.testing.assert_allclose(together, one_hot([losses.sum(0).argmin()] * 200, 3), atol=1e-5)
        apart = KLSmoothness(1e-10).minimize(losses, start)
        np.testing.assert_array_equal(apart.argmax(axis=1), losses.argmin(axis=1))

    def test_a_dying_label_vanishes_from_all_rows(self):
        losses = draw_losses(np.random.default_rng(7), 50, 3)
        losses[:, 2] += 10.0
        z = KLSmoothness(0.5).minimize(losses, uniform(losses))
        assert z[:, 2].max() < 1e-11
        two = KLSmoothness(0.5).minimize(losses[:, :2].copy(), uniform(losses[:, :2]))
        np.testing.assert_allclose(z[:, :2], two, atol=1e-4)
        assert objective(KLSmoothness(0.5), losses, z) == pytest.approx(
            objective(KLSmoothness(0.5), losses[:, :2], two), rel=1e-9
        )

    @pytest.mark.parametrize("change", [0.0, 1e-4, 0.1, 3.0])
    @pytest.mark.parametrize("weight", [1e-3, 1.0, 1e3])
    def test_where_it_starts_does_not_matter(self, weight, change):
        rng = np.random.default_rng(8)
        losses = draw_losses(rng, 300, 3, "sticky")
        penalty = KLSmoothness(weight)
        z = penalty.minimize(losses, uniform(losses))
        moved = losses * np.exp(change * rng.standard_normal(losses.shape))
        from_afar = objective(penalty, moved, penalty.minimize(moved, uniform(losses)))
        assert objective(penalty, moved, penalty.minimize(moved, z)) == pytest.approx(
            from_afar, rel=1e-10
        )

    @given(st.integers(0, 10_000))
    def test_never_above_the_start(self, seed):
        rng = np.random.default_rng(seed)
        losses = draw_losses(rng, rng.integers(1, 30), rng.integers(1, 5), KINDS[seed % 5])
        penalty = KLSmoothness(10.0 ** rng.uniform(-6, 6))
        z = rng.dirichlet(np.ones(losses.shape[1]), len(losses))
        for _ in range(3):
            before = objective(penalty, losses, z)
            z = penalty.minimize(losses, z)
            assert objective(penalty, losses, z) <= before

    def test_starts_from_sure_labels_and_from_anything_else(self):
        losses = draw_losses(np.random.default_rng(9), 30, 3)
        penalty = KLSmoothness(1.0)
        best = objective(penalty, losses, penalty.minimize(losses, uniform(losses)))
        for start in (one_hot(losses.argmin(axis=1), 3), np.zeros((30, 3)), -losses):
            found = objective(penalty, losses, penalty.minimize(losses, start))
            assert found == pytest.approx(best, rel=1e-10)

    def test_starts_with_rounding_are_put_right(self):
        losses = draw_losses(np.random.default_rng(11), 30, 3)
        penalty = KLSmoothness(1.0)
        z = penalty.minimize(losses, uniform(losses))
        again = penalty.minimize(losses, z * (1.0 + 3e-10))
        np.testing.assert_allclose(again.sum(axis=1), 1.0, rtol=0, atol=1e-15)
        single = one_hot(losses.argmin(axis=1), 3).astype(np.float32)
        single[single == 0.0] = -2e-6
        found = objective(penalty, losses, penalty.minimize(losses, single))
        assert found == pytest.approx(objective(penalty, losses, z), rel=1e-10)

    def test_value_is_exact_where_rows_are_nearly_equal(self):
        """d(u, v) is (u - v)^2 / 2v to third order, far below the rounding of its terms."""
        step = 1e-9
        z = np.array([[0.5, 0.5], [0.5 + step, 0.5 - step]])
        assert KLSmoothness(1.0).value(z) == pytest.approx(2.0 * step**2, rel=1e-6)

    def test_value_at_zeros(self):
        assert KLSmoothness(1.0).value(one_hot([0, 0, 0], 2)) == 0.0
        assert KLSmoothness(1.0).value(one_hot([0, 1], 2)) == np.inf
        half = np.array([[1.0, 0.0], [0.5, 0.5]])
        assert KLSmoothness(3.0).value(half) == pytest.approx(3.0 * np.log(2.0))

    def test_rows_come_close_but_are_seldom_equal_unlike_those_of_total_variation(self):
        losses = draw_losses(np.random.default_rng(10), 60, 2, "sticky")
        smooth = KLSmoothness(10.0).minimize(losses, uniform(losses))
        jumps = TotalVariation(1.0).minimize(losses, uniform(losses))
        assert np.sum(np.abs(np.diff(smooth, axis=0)).max(axis=1) == 0.0) <= 2
        assert np.sum(np.abs(np.diff(jumps, axis=0)).max(axis=1) == 0.0) >= 40

    def test_a_wrong_shape_is_refused(self):
        with pytest.raises(ValueError, match=r"z must have the shape of the losses, \(2, 2\)"):
            KLSmoothness(1.0).minimize(np.ones((2, 2)), np.ones((2, 3)))
