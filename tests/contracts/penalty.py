"""What every penalty must satisfy."""

import numpy as np

from contracts.instances import generators, read_only

STEPS = (0.1, 1.0, 3.0)


class PenaltyContract:
    """Subclasses set ``penalty`` and say how to draw feasible points."""

    penalty = None
    constraint = False
    shape = (5, 3)

    def feasible(self, rng):
        """Return a random point where the penalty is finite, found without its prox."""
        return rng.standard_normal(self.shape)

    def cases(self, count=6):
        """Yield a generator, a point of one of several sizes, and a step."""
        for case, rng in enumerate(generators(count)):
            point = rng.standard_normal(self.shape) * (0.2, 1.0, 5.0)[case % 3]
            yield rng, point, STEPS[case % len(STEPS)]

    def prox_cost(self, u, v, step):
        return step * self.penalty.value(u) + 0.5 * np.sum((u - v) ** 2)

    def test_prox_minimises(self):
        for rng, v, step in self.cases():
            u = self.penalty.prox(v, step)
            best = self.prox_cost(u, v, step)
            for size in (1e-4, 1e-2, 1.0):
                for _ in range(10):
                    raw = u + size * rng.standard_normal(self.shape)
                    for other in (raw, self.penalty.prox(raw, 0.0), self.feasible(rng)):
                        assert best <= self.prox_cost(other, v, step) + 1e-10

    def test_prox_is_in_the_domain(self):
        for _, v, step in self.cases():
            assert np.isfinite(self.penalty.value(self.penalty.prox(v, step)))
            assert np.isfinite(self.penalty.value(self.penalty.prox(v, 0.0)))

    def test_projection_leaves_feasible_points(self):
        for rng, _, step in self.cases():
            point = self.feasible(rng)
            assert np.isfinite(self.penalty.value(point))
            step = step if self.constraint else 0.0
            np.testing.assert_allclose(self.penalty.prox(point, step), point, rtol=0, atol=1e-14)

    def test_degree_of_homogeneity(self):
        ratios = []
        for rng, _, _ in self.cases():
            point, t = self.feasible(rng), rng.uniform(0.2, 0.9)
            value = self.penalty.value(point)
            if self.penalty.degree is not None:
                scaled = self.penalty.value(t * point)
                np.testing.assert_allclose(scaled, t**self.penalty.degree * value, rtol=1e-12)
            elif value > 0:
                ratios.append(np.log(self.penalty.value(t * point) / value) / np.log(t))
        assert self.penalty.degree is None or value > 0
        assert not ratios or np.ptp(ratios) > 1e-3

    def test_acts_on_each_column_alone_where_it_says_so(self):
        apart = [
            np.hstack([self.penalty.prox(column, step) for column in np.split(v, v.shape[1], 1)])
            - self.penalty.prox(v, step)
            for _, v, step in self.cases()
        ]
        assert self.penalty.columnwise == bool(np.abs(apart).max() < 1e-12)

    def test_inputs_are_never_written_to(self):
        for _, v, step in self.cases(2):
            (frozen,) = read_only(v)
            assert not np.shares_memory(self.penalty.prox(frozen, step), frozen)
            self.penalty.value(frozen)

    def test_single_precision_is_kept(self):
        for _, v, step in self.cases(30):
            single = self.penalty.prox(v.astype(np.float32), step)
            assert single.dtype == np.float32
            np.testing.assert_allclose(single, self.penalty.prox(v, step), rtol=1e-4, atol=1e-5)
            assert np.isfinite(self.penalty.value(single))


class ConvexPenaltyContract(PenaltyContract):
    """Subclasses also state the penalty to a general convex solver."""

    def in_cvxpy(self, u, cvxpy):
        """Return the penalty as an expression of the variable ``u`` and a list of constraints."""
        raise NotImplementedError

    def test_prox_satisfies_the_variational_inequality(self):
        for rng, v, step in self.cases():
            u = self.penalty.prox(v, step)
            for _ in range(20):
                w = self.feasible(rng)
                gain = step * (self.penalty.value(w) - self.penalty.value(u))
                assert np.vdot(v - u, w - u) <= gain + 1e-10

    def test_prox_is_firmly_nonexpansive(self):
        for rng, v, step in self.cases():
            other = v + rng.standard_normal(self.shape)
            gap = self.penalty.prox(v, step) - self.penalty.prox(other, step)
            assert np.vdot(gap, gap) <= np.vdot(gap, v - other) + 1e-12

    def test_value_is_convex(self):
        for rng, _, _ in self.cases():
            a, b, t = self.feasible(rng), self.feasible(rng), rng.random()
            chord = t * self.penalty.value(a) + (1 - t) * self.penalty.value(b)
            assert self.penalty.value(t * a + (1 - t) * b) <= chord + 1e-12

    def test_prox_agrees_with_a_convex_solver(self):
        import cvxpy

        for _, v, step in self.cases(3):
            u = cvxpy.Variable(self.shape)
            value, constraints = self.in_cvxpy(u, cvxpy)
            cost = step * value + cvxpy.sum_squares(u - v) / 2
            cvxpy.Problem(cvxpy.Minimize(cost), constraints).solve(solver=cvxpy.CLARABEL)
            np.testing.assert_allclose(self.penalty.prox(v, step), u.value, atol=1e-4)


class MoreauContract:
    """For penalties with a known conjugate: ``v = prox_{s g} v + s prox_{g*/s} (v/s)``."""

    def conjugate_prox(self, v, step):
        raise NotImplementedError

    def test_moreau_identity(self):
        for _, v, step in self.cases():
            dual = step * self.conjugate_prox(v / step, 1.0 / step)
            np.testing.assert_allclose(self.penalty.prox(v, step) + dual, v, rtol=0, atol=1e-12)
