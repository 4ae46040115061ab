"""The engine against its contract, for each kind of update, with and without acceleration."""

import warnings

import numpy as np
import pytest
from contracts.engine import EngineContract

from multiconvex import (
    HALS,
    ActiveSet,
    ColumnSparse,
    ConvergenceWarning,
    Extrapolation,
    FactorProblem,
    KullbackLeibler,
    LeastSquares,
    MultiplicativeUpdate,
    NonNegative,
    NoPenalty,
    ProxGradient,
    RelativeDecrease,
    ScalarNewton,
    Simplex,
    alternate,
)
from multiconvex.models import DivergenceProblem

X = np.random.default_rng(0).random((14, 11))
T = np.random.default_rng(1).random((6, 5, 7))


class MatrixFit(EngineContract):
    penalty = NonNegative()

    def problem(self):
        return FactorProblem(X, 3, (self.penalty, self.penalty))

    def init(self):
        rng = np.random.default_rng(2)
        return rng.random((14, 3)), rng.random((11, 3))


class TestHALS(MatrixFit):
    update = HALS(sweeps=2)


class TestWeightedHALS(MatrixFit):
    update = HALS(sweeps=2)
    penalty = NonNegative(0.01, 0.02)


class TestActiveSet(MatrixFit):
    update = ActiveSet()


class TestMultiplicative(MatrixFit):
    update = MultiplicativeUpdate()


class TestProxGradient(MatrixFit):
    update = ProxGradient()
    penalty = NonNegative(0.01)


class TestExtrapolatedHALS(MatrixFit):
    update = HALS(sweeps=2)
    acceleration = Extrapolation()
    events = ("sweep", "restart")


class TestExtrapolatedProxGradient(MatrixFit):
    update = ProxGradient()
    acceleration = Extrapolation(beta=0.9)
    events = ("sweep", "restart")


class TestScalarNewton(MatrixFit):
    update = ScalarNewton()

    def problem(self):
        return DivergenceProblem(X, 3, KullbackLeibler(), (self.penalty, self.penalty))


class TestExtrapolatedTensor(EngineContract):
    update = LeastSquares()
    acceleration = Extrapolation()
    events = ("sweep", "restart")

    def problem(self):
        return FactorProblem(T, 3, (NoPenalty(),) * 3)

    def init(self):
        rng = np.random.default_rng(5)
        return tuple(rng.random((n, 3)) for n in T.shape)


def test_the_loop_in_eight_lines_gives_the_same_trace():
    problem, x = TestHALS().problem(), list(TestHALS().init())
    objective = [problem.objective(x)]
    for _ in range(20):
        for k in range(2):
            x[k], _ = HALS()(problem, tuple(x), k, None)
        objective.append(problem.objective(x))
    fit = alternate(
        TestHALS().problem(), TestHALS().init(), HALS(), stop=RelativeDecrease(0), max_iter=20
    )
    np.testing.assert_array_equal(fit.trace.objective, objective)


def test_different_rules_for_different_blocks():
    rules = {"W": HALS(), "H": MultiplicativeUpdate()}
    mixed = TestHALS().fit(update=rules)
    assert np.diff(mixed.trace.objective).max() <= 1e-12
    assert not np.array_equal(mixed.trace.objective, TestHALS().fit().trace.objective)


def test_no_warning_for_a_fixed_number_of_sweeps():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert TestHALS().fit(stop=RelativeDecrease(0.0), max_iter=3).n_iter == 3


def test_the_warning_points_at_the_caller():
    with pytest.warns(ConvergenceWarning) as caught:
        alternate(
            TestHALS().problem(),
            TestHALS().init(),
            HALS(),
            stop=RelativeDecrease(1e-14),
            max_iter=2,
        )
    assert caught[0].filename == __file__


@pytest.mark.parametrize("penalty", [Simplex(), ColumnSparse(2)])
@pytest.mark.parametrize("acceleration", [None, Extrapolation()])
def test_an_infeasible_start_is_not_mistaken_for_convergence(penalty, acceleration):
    problem = FactorProblem(X, 3, (penalty, NonNegative()))
    start = (np.ones((14, 3)), np.ones((11, 3)) + np.eye(11, 3))
    fit = alternate(problem, start, ProxGradient(), acceleration=acceleration, max_iter=5000)
    assert problem.objective(start) == np.inf
    assert fit.n_iter > 10
    assert np.isfinite(fit.trace.objective[1:]).all()
    assert fit.objective < 0.7 * fit.trace.objective[2]


def test_stop_is_any_callable():
    seen = []
    with pytest.warns(ConvergenceWarning):
        fit = TestHALS().fit(stop=lambda *objectives: seen.append(objectives), max_iter=4)
    assert seen == list(zip(fit.trace.objective[:-1].tolist(), fit.trace.objective[1:].tolist()))


@pytest.mark.parametrize("options", [{"max_iter": -1}, {"max_iter": 2.5}, {"trace_every": 0}])
def test_impossible_counts_are_refused(options):
    name = next(iter(options))
    with pytest.raises((TypeError, ValueError), match=f"{name} must be"):
        TestHALS().fit(**options)


def test_memory_of_an_update_is_rolled_back_with_the_blocks():
    class Counting(HALS):
        def start(self, problem, x, k):
            return ()

        def __call__(self, problem, x, k, memory):
            block, _ = super().__call__(problem, x, k, None)
            return block, (*memory, len(memory))

    lengths = []

    class Spy(Extrapolation):
        def sweep(self, problem, updates, state):
            new, event = super().sweep(problem, updates, state)
            lengths.append(({len(memory) for memory in new.memory}, event))
            return new, event

    TestHALS().fit(update=Counting(sweeps=2), acceleration=Spy())
    assert [length for length, _ in lengths] == [{n} for n in range(1, 41)]
    assert "restart" in {event for _, event in lengths}
