"""What every loss must satisfy, its majorant included."""

import numpy as np

from contracts.instances import generators, read_only


class LossContract:
    """Subclasses set ``loss``, its degree of homogeneity and its documented formula."""

    loss = None
    degree = 1.0
    penalties = ((0.0, 0.0), (0.3, 0.0), (0.0, 0.5), (0.3, 0.5))

    def documented(self, y, z):
        """Return the loss of each entry."""
        raise NotImplementedError

    def cases(self, count=8):
        """Yield positive data, with one zero, and a positive model."""
        for rng in generators(count, seed=1):
            y, z = rng.exponential(size=(2, 9, 1))
            y[rng.integers(9)] = 0.0
            yield rng, y, z

    def regressions(self, count=40):
        """Yield nonnegative ``W``, ``y`` and positive ``x`` of random sizes and scales."""
        for rng in generators(count, seed=2):
            m, r = rng.integers(2, 8, 2)
            W = rng.random((m, r)) * rng.choice([0.1, 1.0, 10.0])
            y = rng.random((m, 1)) * (rng.random((m, 1)) > 0.2)
            yield rng, W, y, rng.random((r, 1)) * 10.0 ** rng.uniform(-2, 1)

    def majorant(self, W, y, current, x):
        """Return Jensen's bound ``sum_ij L_ij f(y_i, x_j yh_i / current_j)``."""
        model = W @ current
        shares = W * current.T / model
        return float(np.sum(shares * self.documented(y, model @ (x / current).T)))

    def step(self, W, y, x, l1=0.0, l2=0.0):
        up, down = self.loss.halves(y, W @ x)
        return self.loss.majorant_minimizer(x, W.T @ up, W.T @ down, l1, l2)

    def test_value_is_the_documented_one(self):
        for _, y, z in self.cases():
            np.testing.assert_allclose(
                self.loss.value(y, z), self.documented(y, z).sum(), rtol=1e-12
            )

    def test_zero_exactly_where_data_and_model_agree(self):
        for _, y, z in self.cases():
            assert abs(self.loss.value(y, y)) <= 1e-14
            assert self.loss.value(y, z) > 0

    def test_nothing_warns_where_data_and_model_are_zero(self):
        zero = np.zeros((3, 2))
        assert self.loss.value(zero, zero) == 0.0
        for half in self.loss.halves(zero, zero + 1e-70):
            assert np.isfinite(half).all()

    def test_homogeneous(self):
        for rng, y, z in self.cases():
            c = rng.uniform(0.1, 9.0)
            scaled = c**self.degree * self.loss.value(y, z)
            np.testing.assert_allclose(self.loss.value(c * y, c * z), scaled, rtol=1e-11)

    def test_halves_are_nonnegative_and_differ_by_the_derivative(self):
        for rng, y, z in self.cases():
            up, down = self.loss.halves(y, z)
            assert up.min() >= 0 and down.min() >= 0
            d, h = rng.standard_normal(z.shape), 1e-6
            slope = (self.loss.value(y, z + h * z * d) - self.loss.value(y, z - h * z * d)) / (
                2 * h
            )
            np.testing.assert_allclose(np.vdot(down - up, z * d), slope, rtol=1e-6, atol=1e-8)

    def test_curvature_is_the_derivative_of_the_derivative(self):
        def derivative(y, z):
            up, down = self.loss.halves(y, z)
            return down - up

        for _, y, z in self.cases():
            h = 1e-6 * z
            difference = (derivative(y, z + h) - derivative(y, z - h)) / (2 * h)
            bend = self.loss.curvature(y, z)
            assert bend.min() >= 0
            np.testing.assert_allclose(bend, difference, rtol=1e-5, atol=1e-7)

    def test_convex_in_the_model(self):
        for rng, y, z in self.cases():
            other, t = rng.exponential(size=z.shape), rng.random()
            chord = t * self.loss.value(y, z) + (1 - t) * self.loss.value(y, other)
            assert self.loss.value(y, t * z + (1 - t) * other) <= chord + 1e-12

    def test_majorant_lies_above_the_loss_and_touches_it(self):
        for rng, W, y, current in self.regressions():
            x = rng.random(current.shape) * 10.0 ** rng.uniform(-2, 1)
            here, there = self.loss.value(y, W @ current), self.loss.value(y, W @ x)
            slack = 1e-12 * (1.0 + here + there)
            assert self.majorant(W, y, current, x) >= there - slack
            assert abs(self.majorant(W, y, current, current) - here) <= slack

    def test_step_minimises_the_majorant_with_its_penalties(self):
        for l1, l2 in self.penalties:
            for rng, W, y, current in self.regressions(10):
                if not y.any():
                    continue

                def cost(x, W=W, y=y, current=current, l1=l1, l2=l2):
                    return self.majorant(W, y, current, x) + np.sum(l1 * x + l2 / 2 * x**2)

                new = self.step(W, y, current, l1, l2)
                best = cost(new)
                for size in (1e-4, 1e-2, 1.0):
                    for _ in range(5):
                        other = new * np.exp(size * rng.standard_normal(new.shape))
                        assert best <= cost(other) + 1e-10 * (1.0 + abs(best))
                        above = np.maximum(new, size * rng.random(new.shape))
                        assert best <= cost(above) + 1e-10 * (1.0 + abs(best))

    def test_step_never_increases_the_penalised_loss(self):
        for l1, l2 in self.penalties:
            for _, W, y, x in self.regressions(25):
                for _ in range(10):
                    before = self.loss.value(y, W @ x) + np.sum(l1 * x + l2 / 2 * x**2)
                    x = np.maximum(self.step(W, y, x, l1, l2), 1e-10)
                    after = self.loss.value(y, W @ x) + np.sum(l1 * x + l2 / 2 * x**2)
                    assert after <= before + 1e-9 * (1.0 + before)

    def test_inputs_are_never_written_to(self):
        for _, y, z in self.cases(2):
            y, z = read_only(y, z)
            self.loss.value(y, z), self.loss.halves(y, z), self.loss.curvature(y, z)
            self.loss.majorant_minimizer(z, y, z, 0.0, 0.0)

    def test_single_precision_is_kept(self):
        for _, y, z in self.cases(2):
            y, z = y.astype(np.float32), z.astype(np.float32)
            arrays = (*self.loss.halves(y, z), self.loss.curvature(y, z))
            assert {array.dtype for array in arrays} == {np.dtype(np.float32)}
            assert self.loss.majorant_minimizer(z, y, z, 0.0, 0.0).dtype == np.float32
