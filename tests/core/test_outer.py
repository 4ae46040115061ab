"""The outer loop: optima in closed form, what steps promise, and what the trace says."""

import numpy as np
import pytest

from multiconvex import (
    Block,
    OuterProblem,
    ProjectedAdam,
    ProjectedGradient,
    Saga,
    Simplex,
    bilevel,
)
from multiconvex.nested.outer import break_symmetry
from multiconvex.stopping import ConvergenceWarning, RelativeDecrease, Settled
from multiconvex.trace import Recorder

SHAPE, TERMS = (6, 3), 24
STEPS = [ProjectedGradient(), Saga(batch=5), ProjectedAdam(batch=5)]
FIXED = {"stop": Settled(0.0)}


class Distances(OuterProblem):
    r"""Half the squared distance to a point of each term, whose optimum is a projection."""

    def __init__(self, factor=1.0, seed=0):
        rng = np.random.default_rng(seed)
        self.block, self.n_terms = Block("theta", SHAPE, Simplex()), TERMS
        self.points = rng.dirichlet(np.ones(3), (TERMS, 6)) + 0.3 * rng.standard_normal(
            (TERMS, *SHAPE)
        )
        self.factor, self.seen = factor / SHAPE[0], []

    def values(self, theta, terms):
        gaps = theta - self.points[terms]
        return 0.5 * self.factor * (gaps**2).sum(axis=(1, 2))

    def values_and_gradients(self, theta, terms):
        self.seen.append(np.array(terms))
        return self.values(theta, terms), self.factor * (theta - self.points[terms])

    @property
    def optimum(self):
        return Simplex().prox(self.points.mean(axis=0), 1.0)


@pytest.fixture
def start():
    return np.full(SHAPE, 1.0 / 3.0)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
class TestEveryStep:
    def test_reaches_the_optimum(self, step, start):
        problem = Distances()
        result = bilevel(problem, start, step, max_iter=600, random_state=0, **FIXED)
        np.testing.assert_allclose(result.blocks["theta"], problem.optimum, atol=3e-3)
        assert result.objective == pytest.approx(problem.objective(problem.optimum), rel=1e-4)
        assert (result.n_iter, result.status) == (600, "max_iter")

    def test_iterates_stay_in_the_set_and_callbacks_see_them(self, step, start):
        seen = []
        result = bilevel(
            Distances(), start, step, max_iter=12, trace_every=1, callback=seen.append,
            random_state=0, **FIXED,
        )  # fmt: skip
        assert [sweep.iteration for sweep in seen] == list(range(1, 13))
        for sweep in seen:
            assert Simplex().value(sweep.blocks["theta"]) == 0.0
        np.testing.assert_array_equal(seen[-1].blocks["theta"], result.blocks["theta"])

    def test_first_and_last_entries_are_measured_on_all_terms(self, step, start):
        problem = Distances()
        result = bilevel(problem, start, step, max_iter=7, random_state=0, **FIXED)
        trace = result.trace
        assert trace.objective[0] == pytest.approx(problem.objective(start), rel=1e-14)
        assert trace.objective[-1] == problem.objective(result.blocks["theta"])
        assert result.objective == trace.objective[-1]
        assert trace.event[0] == "start" and np.all(np.diff(trace.iteration) >= 0)
        stochastic = not isinstance(step, ProjectedGradient)
        assert (trace.event[-1] == "measured") == stochastic

    def test_all_terms_at_once_are_measured_too(self, step, start):
        whole = step if isinstance(step, ProjectedGradient) else type(step)(batch=2 * TERMS)
        problem = Distances()
        result = bilevel(problem, start, whole, max_iter=3, random_state=0, **FIXED)
        assert result.objective == problem.objective(result.blocks["theta"])

    def test_scale_does_not_matter(self, step, start):
        one, other = (
            bilevel(Distances(c), start, step, max_iter=20, random_state=0, **FIXED)
            for c in (1.0, 2.0**20)
        )
        np.testing.assert_allclose(one.blocks["theta"], other.blocks["theta"], rtol=1e-12)

    def test_same_seed_same_bytes_and_inputs_stay(self, step, start):
        copy = start.copy()
        one, other = (
            bilevel(Distances(), start, step, max_iter=9, random_state=4, **FIXED) for _ in range(2)
        )
        assert one.blocks["theta"].tobytes() == other.blocks["theta"].tobytes()
        np.testing.assert_array_equal(start, copy)

    def test_no_steps_return_the_start(self, step, start):
        result = bilevel(Distances(), start, step, max_iter=0)
        np.testing.assert_array_equal(result.blocks["theta"], start)
        assert (result.n_iter, len(result.trace)) == (0, 1)

    def test_callback_stops(self, step, start):
        result = bilevel(
            Distances(), start, step, trace_every=1, callback=lambda sweep: sweep.iteration == 3
        )
        assert (result.n_iter, result.status) == (3, "stopped")

    def test_a_continued_fit_counts_on(self, step, start):
        recorder, problem = Recorder(), Distances()
        first = bilevel(problem, start, step, max_iter=5, recorder=recorder, **FIXED)
        recorder.clock.resume()
        theta = first.blocks["theta"]
        second = bilevel(problem, theta, step, max_iter=5, recorder=recorder, **FIXED)
        assert second.n_iter == 10
        assert list(second.trace.event).count("start") == 1
        assert np.all(np.diff(second.trace.seconds) >= 0)


def test_whole_gradients_never_increase_the_objective_and_converge(start):
    problem = Distances()
    result = bilevel(problem, start, ProjectedGradient(rate=50.0), stop=RelativeDecrease(1e-12))
    assert np.diff(result.trace.objective).max() <= 0
    assert result.status == "converged"
    np.testing.assert_allclose(result.blocks["theta"], problem.optimum, atol=1e-5)


def test_saga_stays_at_the_optimum():
    problem = Distances()
    best = problem.optimum
    result = bilevel(problem, best, Saga(batch=3), max_iter=40, random_state=0, **FIXED)
    np.testing.assert_allclose(result.blocks["theta"], best, atol=1e-12)


def test_saga_corrects_a_batch_by_the_latest_gradients_of_the_others(start):
    problem, step = Distances(), Saga(rate=0.05, batch=1)
    rng = np.random.default_rng(3)
    state = step.start(problem, start, rng)
    size = 0.05 / np.sqrt(np.mean((problem.factor * (start - problem.points)) ** 2))
    table = np.array([start] * TERMS)
    theta = start
    for remaining in np.linspace(1.0, 0.1, 40):
        state = step(problem, state, rng, remaining)
        (term,) = problem.seen[-1]
        old = problem.factor * (table - problem.points)
        new = problem.factor * (theta - problem.points[term])
        direction = new - old[term] + old.mean(axis=0)
        table[term] = theta
        theta = Simplex().prox(theta - remaining * size * direction, 1.0)
        np.testing.assert_allclose(state.theta, theta, atol=1e-12)


def test_a_pass_visits_every_term_once_in_an_order_of_its_own(start):
    problem = Distances()
    bilevel(problem, start, Saga(batch=5), max_iter=10, random_state=0, **FIXED)
    batches = problem.seen[1:]
    assert [len(batch) for batch in batches] == [5, 5, 5, 5, 4] * 2
    first, second = np.concatenate(batches[:5]), np.concatenate(batches[5:])
    assert sorted(first) == sorted(second) == list(range(TERMS))
    assert list(first) != list(second)


def test_by_default_a_trace_has_one_entry_for_each_pass(start):
    result = bilevel(Distances(), start, Saga(batch=5), max_iter=20, random_state=0, **FIXED)
    assert list(result.trace.iteration) == [0, 5, 10, 15, 20, 20]


def test_rates_that_fall_to_zero_end_a_fit_and_others_warn(start):
    with pytest.warns(ConvergenceWarning, match="used all 3 sweeps before Settled"):
        bilevel(Distances(), start, ProjectedGradient(rate=1e-3), max_iter=3)
    assert bilevel(Distances(), start, Saga(batch=2), max_iter=3).status == "max_iter"


class TestRefusals:
    def test_of_starts(self, start):
        with pytest.raises(ValueError, match=r"init of theta must have shape \(6, 3\)"):
            bilevel(Distances(), start[1:], Saga())
        with pytest.raises(ValueError, match=r"init of theta lies outside Simplex\(axis=1\)"):
            bilevel(Distances(), 2.0 * start, Saga())

    @pytest.mark.parametrize("kind", [ProjectedGradient, Saga, ProjectedAdam])
    def test_of_rates(self, kind):
        with pytest.raises(ValueError, match="rate must be a finite positive number, got 0"):
            kind(rate=0.0)

    def test_of_batches_and_counts(self, start):
        with pytest.raises(ValueError, match="batch must be an integer of at least 1"):
            Saga(batch=0)
        with pytest.raises(ValueError, match="max_iter must be an integer of at least 0"):
            bilevel(Distances(), start, Saga(), max_iter=-1)


class TestSymmetry:
    def test_only_columns_with_a_twin_are_moved(self):
        theta = np.random.default_rng(0).dirichlet(np.ones(4), 7)
        theta[:, 3] = theta[:, 1]
        moved, broken = break_symmetry(theta, 1)
        assert broken
        np.testing.assert_array_equal(moved[:, [0, 2]], theta[:, [0, 2]])
        assert np.abs(moved[:, [1, 3]] - theta[:, [1, 3]]).min() > 0

    def test_distinct_columns_are_left_alone(self):
        theta = np.random.default_rng(0).dirichlet(np.ones(3), 7)
        moved, broken = break_symmetry(theta, 1)
        assert not broken
        np.testing.assert_array_equal(moved, theta)
