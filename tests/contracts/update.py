"""What every update must satisfy."""

import numpy as np
import pytest

from contracts.instances import generators
from multiconvex import Block, MultiblockProblem, NoPenalty, Simplex, alternate


class Bare(MultiblockProblem):
    """A problem that offers nothing beyond the obligatory."""

    def __init__(self, penalty):
        self.blocks = (Block("z", (2, 2), penalty),)

    def loss(self, x):
        return 0.5 * float(np.vdot(x[0], x[0]))


class Smooth(Bare):
    """A problem that offers the derivatives of its loss and their equations."""

    def gradient(self, x, k):
        return x[0]

    def lipschitz(self, x, k):
        return 1.0

    def normal_equations(self, x, k):
        return np.eye(2), np.zeros((2, 2))


class UpdateContract:
    """Subclasses set ``update`` and list problems on which it works, each at a scale of the data.

    ``problems(scale)`` returns functions of a generator that build a problem and a feasible point.
    """

    update = None
    slack = 1e-12
    fixed = 1e-6
    settle = 400

    def problems(self, scale=1.0):
        raise NotImplementedError

    def fixed_point(self):
        """Return a problem and a point that minimises it over each block."""
        build = self.problems()[0]
        problem, x = build(np.random.default_rng(7))
        return problem, self.run(problem, x, self.settle)[-1]

    def step(self, problem, x, k):
        return self.update(problem, x, k, self.update.start(problem, x, k))[0]

    def run(self, problem, x, sweeps):
        """Return the points visited, one after each block update."""
        points = [x]
        for _ in range(sweeps):
            for k in range(len(x)):
                x = (*x[:k], self.step(problem, x, k), *x[k + 1 :])
                points.append(x)
        return points

    def cases(self, count=4, scale=1.0):
        for build in self.problems(scale):
            for rng in generators(count, seed=5):
                yield build(rng)

    def test_never_increases_the_objective(self):
        for problem, x in self.cases():
            costs = np.array([problem.objective(point) for point in self.run(problem, x, 25)])
            assert np.isfinite(costs).all()
            assert np.diff(costs).max() <= self.slack * costs[0]
            assert costs[-1] < costs[0]

    def test_leaves_a_minimiser_where_it_is(self):
        problem, x = self.fixed_point()
        for k in range(len(x)):
            new = self.step(problem, x, k)
            assert np.linalg.norm(new - x[k]) <= self.fixed * np.linalg.norm(x[k])

    def test_inputs_are_never_written_to(self):
        for problem, x in self.cases(1):
            before = [block.copy() for block in x]
            for k in range(len(x)):
                assert not np.shares_memory(self.step(problem, x, k), x[k])
                for block, copy in zip(x, before):
                    np.testing.assert_array_equal(block, copy)

    def test_follows_the_scale_of_the_data(self):
        for scale in (1e-6, 1e5):
            for (problem, x), (scaled, _) in zip(self.cases(2), self.cases(2, scale)):
                for k in range(len(x)):
                    wide = (*x[:k], scale * x[k], *x[k + 1 :])
                    expected = scale * self.step(problem, x, k)
                    got = self.step(scaled, wide, k)
                    np.testing.assert_allclose(got, expected, rtol=1e-7, atol=1e-9 * scale)

    def test_single_precision_is_kept(self):
        for build in self.problems():
            problem, x = build(np.random.default_rng(8), np.float32)
            for k in range(len(x)):
                new = self.step(problem, x, k)
                assert new.dtype == np.float32
                assert np.isfinite(new).all()

    def test_same_bytes_twice(self):
        for problem, x in self.cases(1):
            assert self.step(problem, x, 0).tobytes() == self.step(problem, x, 0).tobytes()

    def test_says_what_the_problem_must_offer(self):
        name = type(self.update).__name__
        needs = ", ".join(self.update.requires)
        sentence = f"{name} needs a problem that offers {needs}; Bare does not"
        with pytest.raises(TypeError, match=sentence):
            alternate(Bare(NoPenalty()), (np.ones((2, 2)),), self.update)

    def test_says_which_penalties_it_honours(self):
        name = type(self.update).__name__
        if self.update.handles is None:
            result = alternate(Smooth(Simplex()), (np.full((2, 2), 0.5),), self.update)
            assert np.isfinite(result.objective)
            return
        offering = type("Offering", (Bare,), {need: None for need in self.update.requires})
        sentence = f"{name} honours .* but block 'z' has Simplex: choose another penalty"
        with pytest.raises(TypeError, match=sentence):
            alternate(offering(Simplex()), (np.full((2, 2), 0.5),), self.update)
