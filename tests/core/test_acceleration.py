"""Extrapolation with restart: safe, identical to plain sweeps at zero weight, and worth it."""

import itertools

import numpy as np
import pytest
from contracts.instances import planted_matrix, planted_tensor

from multiconvex import (
    HALS,
    ActiveSet,
    Block,
    Extrapolation,
    FactorProblem,
    KeepBest,
    LeastSquares,
    NonNegative,
    NoPenalty,
    RelativeDecrease,
    alternate,
)
from multiconvex.acceleration import plain_sweep
from multiconvex.models.initialization import random_factors
from multiconvex.operands import DenseTensor

ROUNDING = 1e-13


def instance(seed, order):
    rng = np.random.default_rng(seed)
    shape = {2: (24, 20), 3: (12, 10, 8)}[order]
    X = (planted_matrix(shape, 4, seed) if order == 2 else planted_tensor(shape, 4, seed))[0]
    X = np.maximum(X + 0.02 * X.mean() * rng.standard_normal(shape), 0.0)
    start = random_factors(DenseTensor(X), 4, rng, nonnegative=True)
    return FactorProblem(X, 4, (NonNegative(),) * order), start


def run(problem, start, acceleration, rule=ActiveSet(), sweeps=60):  # noqa: B008
    return alternate(
        problem, start, rule, acceleration=acceleration, stop=RelativeDecrease(0.0), max_iter=sweeps
    )


CASES = [(seed, order) for seed in range(6) for order in (2, 3)]


@pytest.mark.parametrize("rule", [ActiveSet(), HALS(sweeps=1)])
@pytest.mark.parametrize(("seed", "order"), CASES)
def test_safe_and_no_worse_than_plain_after_as_many_sweeps(seed, order, rule):
    problem, start = instance(seed, order)
    fast = run(problem, start, Extrapolation(), rule)
    plain = run(problem, start, None, rule)
    assert np.diff(fast.trace.objective).max() <= ROUNDING * fast.trace.objective[0]
    assert fast.objective <= plain.objective * 1.02


def test_restart_path_is_exercised():
    events = [run(*instance(*case), Extrapolation()).trace.event for case in CASES]
    counts = [np.count_nonzero(event == "restart") for event in events]
    assert sum(counts) > 10
    assert max(counts) < 30


def test_faster_on_the_whole():
    problem, start = instance(0, 2)
    plain = run(problem, start, None, sweeps=200)
    fast = run(problem, start, Extrapolation(), sweeps=200)
    reached = np.argmax(fast.trace.objective <= plain.trace.objective[100])
    assert 0 < reached < 70


@pytest.mark.parametrize(("seed", "order"), CASES[:4])
def test_zero_weight_is_the_plain_method(seed, order):
    problem, start = instance(seed, order)
    fast, plain = run(problem, start, Extrapolation(beta=0.0)), run(problem, start, None)
    np.testing.assert_array_equal(fast.trace.objective, plain.trace.objective)
    for name, block in plain.blocks.items():
        np.testing.assert_array_equal(fast.blocks[name], block)


def states(acceleration, problem, start, rule, sweeps):
    """Return the states and events of a fit, start included."""
    updates = (rule,) * len(start)
    memory = (None,) * len(start)
    visited = [(acceleration.start(problem, start, memory), "start")]
    for _ in range(sweeps):
        visited.append(acceleration.sweep(problem, updates, visited[-1][0]))
    return visited


@pytest.mark.parametrize(("seed", "order"), CASES[:4])
def test_weights_follow_the_rules_of_growth_and_restart(seed, order):
    rule = Extrapolation(beta=0.6, gamma=1.2, gamma_bar=1.1, eta=2.0)
    visited = states(rule, *instance(seed, order), ActiveSet(), 60)
    for (old, _), (new, event) in itertools.pairwise(visited):
        beta, previous, ceiling = old.momentum.weights
        if event == "sweep":
            expected = (min(ceiling, 1.2 * beta), beta, min(1.0, 1.1 * ceiling))
        else:
            expected = (beta / 2.0, previous, previous)
        np.testing.assert_allclose(new.momentum.weights, expected, rtol=1e-14)
        assert new.momentum.weights.beta <= 1.0


def test_a_failed_sweep_is_redone_from_the_accepted_point():
    problem, start = instance(1, 2)
    visited = states(Extrapolation(beta=0.9), problem, start, ActiveSet(), 60)
    restarts = 0
    for (old, _), (new, event) in itertools.pairwise(visited):
        np.testing.assert_allclose(new.momentum.objective, problem.objective(new.point), rtol=1e-12)
        if event == "restart":
            restarts += 1
            redone, _ = plain_sweep(problem, (ActiveSet(),) * 2, old.point, old.memory)
            for block, again in zip(new.point, redone):
                np.testing.assert_array_equal(block, again)
            assert new.momentum.working is new.point
    assert restarts > 0


def test_extrapolated_blocks_lie_beyond_the_update_and_in_the_constraint():
    problem, start = instance(0, 2)
    visited = states(Extrapolation(beta=0.5), problem, start, ActiveSet(), 2)
    first, second = (state.momentum for state, _ in visited[1:])
    beta = first.weights.beta
    for old, new, moved in zip(first.updated, second.updated, second.working):
        np.testing.assert_allclose(moved, np.maximum(new + beta * (new - old), 0.0))


def test_the_first_sweep_is_plain():
    problem, start = instance(0, 2)
    first = states(Extrapolation(), problem, start, ActiveSet(), 1)[1][0]
    plain, _ = plain_sweep(problem, (ActiveSet(),) * 2, start, (None, None))
    for block, again in zip(first.point, plain):
        np.testing.assert_array_equal(block, again)


def test_blocks_that_forbid_it_are_not_extrapolated():
    problem, start = instance(0, 2)
    block = problem.blocks[0]
    problem.blocks = (Block("W", block.shape, block.penalty, extrapolate=False), problem.blocks[1])
    second = states(Extrapolation(), problem, start, ActiveSet(), 2)[2][0].momentum
    assert second.working[0] is second.updated[0]
    assert second.working[1] is not second.updated[1]


def test_unconstrained_blocks():
    problem = FactorProblem(
        planted_tensor((6, 5, 4), 3, draw="standard_normal")[0], 3, (NoPenalty(),) * 3
    )
    start = tuple(np.random.default_rng(1).standard_normal((n, 3)) for n in (6, 5, 4))
    fast = run(problem, start, Extrapolation(), LeastSquares(), 300)
    assert np.diff(fast.trace.objective).max() <= ROUNDING * fast.trace.objective[0]
    assert fast.objective < 1e-10 * fast.trace.objective[0]


class Remembering(HALS):
    """HALS that counts its calls in its memory."""

    def start(self, problem, x, k):
        return 0

    def __call__(self, problem, x, k, memory):
        return super().__call__(problem, x, k, None)[0], memory + 1


def test_a_restart_rolls_back_what_updates_remember():
    """A sweep that is undone and redone leaves one call in the memory, not two."""
    problem, start = instance(1, 2)
    rule = Extrapolation(beta=0.9)
    state, events = rule.start(problem, start, (0, 0)), []
    for sweep in range(1, 61):
        state, event = rule.sweep(problem, (Remembering(), Remembering()), state)
        events.append(event)
        assert state.memory == (sweep, sweep)
    assert "restart" in events


class Undefined(FactorProblem):
    """The third objective that is asked for is not a number."""

    def __init__(self, X, rank, penalties):
        super().__init__(X, rank, penalties)
        self.calls = itertools.count(1)

    def objective(self, x):
        return np.nan if next(self.calls) == 3 else super().objective(x)


def test_an_objective_that_is_not_a_number_is_a_failure():
    """As where extrapolation has made zeros of what counts need."""
    problem, start = instance(0, 2)
    odd = Undefined(problem.data.array, 4, (NonNegative(),) * 2)
    visited = states(Extrapolation(), odd, start, ActiveSet(), 4)
    assert [event for _, event in visited] == ["start", "sweep", "restart", "sweep", "sweep"]
    assert all(np.isfinite(state.momentum.objective) for state, _ in visited)


def held(beta):
    """Extrapolation whose weight stays put, up to rounding."""
    still = 1.0 + 1e-12
    return Extrapolation(beta=beta, gamma=still, gamma_bar=still, eta=still)


@pytest.mark.parametrize("seed", range(4))
def test_unchecked_a_weight_above_one_half_does_not_converge(seed):
    """The scales of two factors are free, so one half is the limit; the optimum is Eckart-Young."""
    rng = np.random.default_rng(seed)
    X, start = rng.standard_normal((9, 7)), [rng.standard_normal((n, 2)) for n in (9, 7)]
    problem = FactorProblem(X, 2, (NoPenalty(), NoPenalty()))
    best = 0.5 * np.sum(np.linalg.svd(X, compute_uv=False)[2:] ** 2)
    gaps = np.empty((2, 300))
    for row, beta in zip(gaps, (0.45, 0.55)):
        state = held(beta).start(problem, tuple(start), (None, None))
        for sweep in range(300):
            state = held(beta)._extrapolated_sweep(problem, (LeastSquares(),) * 2, state)
            row[sweep] = problem.objective(state.momentum.working) / best - 1.0
    below, above = gaps[:, 200:].max(axis=1)
    assert below < 1e-6
    assert above > 1e-1
    checked = run(problem, start, held(0.55), LeastSquares(), 300)
    assert checked.objective < best * (1.0 + 1e-6)


@pytest.mark.parametrize(
    "options",
    [{"beta": 0.2}, {"gamma": 1.3}, {"gamma_bar": 1.05}, {"eta": 3.0}],
)
def test_each_option_changes_something(options):
    problem, start = instance(3, 2)
    base, other = (
        run(problem, start, Extrapolation(**o), sweeps=200).trace.objective for o in ({}, options)
    )
    assert not np.array_equal(base, other)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"beta": -0.1}, "beta must be a finite nonnegative number"),
        ({"beta": 1.0}, "beta must be below 1, got 1.0"),
        ({"gamma": 1.6}, "1 < gamma_bar <= gamma <= eta, got 1.01, 1.6, 1.5"),
        ({"gamma_bar": 1.0}, "1 < gamma_bar <= gamma <= eta"),
        ({"gamma_bar": 1.06}, "1 < gamma_bar <= gamma <= eta"),
    ],
)
def test_unsafe_options_are_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        Extrapolation(**options)


class Leaping(HALS):
    """Sometimes worsens the block, and remembers every point it was called at."""

    def start(self, problem, x, k):
        return (x,)

    def __call__(self, problem, x, k, memory):
        block, _ = super().__call__(problem, x, k, None)
        moved = block * (1.0 + 0.2 * np.sin(1e4 * block.sum()))
        return moved, (*memory, (*x[:k], moved, *x[k + 1 :]))


class TestKeepBest:
    @pytest.mark.parametrize(("seed", "order"), CASES)
    def test_keeps_the_best_point_of_all_sweeps(self, seed, order):
        problem, start = instance(seed, order)
        rule, last = Leaping(), order - 1
        memory = tuple(rule.start(problem, start, k) for k in range(order))
        state = KeepBest().start(problem, start, memory)
        kept = [(problem.objective(state.point), "start")]
        for _ in range(40):
            state, event = KeepBest().sweep(problem, (rule,) * order, state)
            kept.append((problem.objective(state.point), event))
        seen = [problem.objective(point) for point in state.memory[last]]
        objectives = np.array([objective for objective, _ in kept])
        np.testing.assert_allclose(objectives, np.minimum.accumulate(seen), rtol=1e-12)
        assert np.max(np.diff(seen)) > 0
        better = [
            "sweep" if now < before else "no better"
            for before, now in itertools.pairwise(objectives)
        ]
        assert [event for _, event in kept[1:]] == better

    @pytest.mark.parametrize(("seed", "order"), CASES[:6])
    def test_goes_on_from_where_the_updates_lead(self, seed, order):
        """Some sweeps worsen the point, yet later ones find better: the best is not a trap."""
        fit = run(*instance(seed, order), KeepBest(), Leaping())
        assert set(fit.trace.event[1:]) == {"sweep", "no better"}
        assert np.diff(fit.trace.objective).max() <= 0.0
        worse = np.flatnonzero(fit.trace.event == "no better")
        assert np.any(fit.trace.event[worse[0] :] == "sweep")

    def test_is_the_plain_method_where_updates_descend(self):
        problem, start = instance(0, 2)
        one, other = (run(problem, start, rule) for rule in (KeepBest(), None))
        np.testing.assert_array_equal(one.trace.objective, other.trace.objective)
        for name, block in other.blocks.items():
            np.testing.assert_array_equal(one.blocks[name], block)
