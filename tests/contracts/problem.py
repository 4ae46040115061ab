"""What every multi-block problem must satisfy."""

import numpy as np

from contracts.instances import generators

STEP = 1e-6


class ProblemContract:
    """Subclasses build a problem with an interior point, and know its loss and a minimiser."""

    smooth_everywhere = True

    def problem(self):
        raise NotImplementedError

    def point(self, problem, rng):
        """Return a random point in the interior of the domain."""
        return tuple(0.2 + rng.random(block.shape) for block in problem.blocks)

    def documented_loss(self, x):
        raise NotImplementedError

    def minimiser(self):
        """Return a problem and a point that minimises it over each block."""
        raise NotImplementedError

    def cases(self, count=4):
        """Yield a generator, the problem, a point and the index of a block."""
        problem = self.problem()
        for rng in generators(count, seed=3):
            x = self.point(problem, rng)
            for k in range(len(problem.blocks)):
                yield rng, problem, x, k

    @staticmethod
    def moved(x, k, direction):
        return (*x[:k], x[k] + direction, *x[k + 1 :])

    def test_loss_is_the_documented_one(self):
        for _, problem, x, _ in self.cases():
            np.testing.assert_allclose(problem.loss(x), self.documented_loss(x), rtol=1e-11)

    def test_objective_is_the_loss_plus_all_penalties(self):
        for _, problem, x, _ in self.cases():
            penalties = sum(b.penalty.value(a) for b, a in zip(problem.blocks, x))
            np.testing.assert_allclose(problem.objective(x), problem.loss(x) + penalties)

    def test_gradient_agrees_with_central_differences(self):
        for rng, problem, x, k in self.cases():
            d = rng.standard_normal(x[k].shape)
            ahead = problem.loss(self.moved(x, k, STEP * d))
            behind = problem.loss(self.moved(x, k, -STEP * d))
            slope = np.vdot(problem.gradient(x, k), d)
            size = np.linalg.norm(problem.gradient(x, k)) * np.linalg.norm(d)
            assert abs((ahead - behind) / (2 * STEP) - slope) <= 1e-6 * (size + problem.loss(x))

    def test_convex_in_each_block(self):
        for rng, problem, x, k in self.cases():
            ends = [self.moved(x, k, self.point(problem, rng)[k] - x[k]) for _ in range(2)]
            t = rng.random()
            middle = self.moved(x, k, t * ends[0][k] + (1 - t) * ends[1][k] - x[k])
            chord = t * problem.loss(ends[0]) + (1 - t) * problem.loss(ends[1])
            assert problem.loss(middle) <= chord * (1 + 1e-12)

    def test_lipschitz_bounds_the_change_of_the_gradient(self):
        for rng, problem, x, k in self.cases():
            bound = problem.lipschitz(x, k)
            for _ in range(10):
                d = rng.standard_normal(x[k].shape)
                if not self.smooth_everywhere:
                    d *= 1e-5 / np.linalg.norm(d)
                moved = problem.gradient(self.moved(x, k, d), k) - problem.gradient(x, k)
                slack = 1.0 + (1e-9 if self.smooth_everywhere else 1e-3)
                assert np.linalg.norm(moved) <= slack * bound * np.linalg.norm(d)

    def test_residual_vanishes_at_a_minimiser_and_nowhere_near(self):
        problem, x = self.minimiser()
        assert problem.residual(x) < 1e-6
        assert problem.residual(tuple(block + 0.1 * block.max() for block in x)) > 1e-3

    def test_multiplicative_terms_split_the_gradient(self):
        for _, problem, x, k in self.cases():
            num, den = problem.multiplicative_terms(x, k)
            assert num.min() >= 0 and den.min() >= 0
            np.testing.assert_allclose(den - num, problem.gradient(x, k), rtol=1e-9, atol=1e-11)


class QuadraticContract(ProblemContract):
    """For problems that offer normal equations."""

    def test_normal_equations_reproduce_loss_and_gradient(self):
        for rng, problem, x, k in self.cases():
            gram, rhs = problem.normal_equations(x, k)
            np.testing.assert_allclose(x[k] @ gram - rhs, problem.gradient(x, k), rtol=1e-12)
            other = self.moved(x, k, rng.standard_normal(x[k].shape))

            def model(a, gram=gram, rhs=rhs):
                return 0.5 * np.vdot(a @ gram, a) - np.vdot(rhs, a)

            change = model(other[k]) - model(x[k])
            np.testing.assert_allclose(
                problem.loss(other) - problem.loss(x), change, rtol=1e-9, atol=1e-9
            )

    def test_lipschitz_is_the_largest_eigenvalue(self):
        for _, problem, x, k in self.cases():
            gram, _ = problem.normal_equations(x, k)
            np.testing.assert_allclose(problem.lipschitz(x, k), np.linalg.norm(gram, 2))
