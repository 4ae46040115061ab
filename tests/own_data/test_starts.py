"""Several starts: order, repetition, gaps in closed form, interrupts and warnings."""

import signal
import warnings

import numpy as np
import pytest

from multiconvex import ConvergenceWarning, Progress, Result, Starts, Trace, fit_starts, nmf

X = np.random.default_rng(3).random((10, 8))


def fit(random_state, callback):
    return nmf(X, 4, init="random", random_state=random_state, callback=callback)


def ended(first, last, status="converged"):
    """A result that fell from one objective to another."""
    objective = np.array([first, last])
    trace = Trace(np.arange(2), np.zeros(2), objective, np.array(["start", "sweep"]))
    return Result({}, last, 1, status, trace)


def test_results_are_sorted_and_seeds_repeat_them():
    starts = fit_starts(fit, 5, random_state=1)
    assert np.all(np.diff(starts.objectives) >= 0)
    assert starts.best is starts.results[0]
    assert len(set(starts.seeds)) == 5
    for seed, result in zip(starts.seeds, starts.results):
        assert fit(seed, None).objective == result.objective


def test_the_same_random_state_gives_the_same_starts():
    first, second = (fit_starts(fit, 3, random_state=7) for _ in range(2))
    assert first.seeds == second.seeds
    assert np.array_equal(first.best.W, second.best.W)
    assert fit_starts(fit, 3, random_state=8).seeds != first.seeds


def test_gaps_in_closed_form():
    starts = Starts((ended(11.0, 1.0), ended(9.0, 2.0), ended(21.0, 6.0)), (0, 1, 2), False)
    np.testing.assert_allclose(starts.gaps, [0.0, 0.1, 0.5])
    assert starts.spread == 0.5
    assert [starts.agreeing(tol) for tol in (0.05, 0.1, 0.5)] == [1, 2, 3]


def test_gaps_do_not_depend_on_unit_or_zero():
    pairs = np.array([[11.0, 1.0], [9.0, 2.0], [21.0, 6.0]])
    moved = [ended(*pair) for pair in -7.0 + 3.0 * pairs]
    gaps = Starts(tuple(moved), (0, 1, 2), False).gaps
    np.testing.assert_allclose(gaps, [0.0, 0.1, 0.5])


def test_starts_that_do_not_move_miss_nothing():
    starts = Starts((ended(0.0, 0.0), ended(0.0, 0.0)), (0, 1), False)
    assert starts.spread == 0.0


@pytest.mark.parametrize("make", [lambda: None, Progress])
def test_an_interrupt_keeps_what_is_done_and_makes_no_more_starts(make):
    made = []

    def interrupted(random_state, callback):
        made.append(random_state)

        def press(sweep):
            if len(made) == 3 and sweep.iteration == 2:
                signal.raise_signal(signal.SIGINT)
            return callback(sweep)

        return fit(random_state, press)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        starts = fit_starts(interrupted, 10, random_state=0, progress=make())
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert starts.interrupted
    assert len(made) == len(starts.results) == 3
    statuses = dict(zip(starts.seeds, (result.status for result in starts.results)))
    assert [statuses[seed] for seed in made] == ["converged", "converged", "stopped"]


def test_only_the_best_start_is_warned_of():
    def short(random_state, callback):
        return nmf(X, 4, init="random", max_iter=3, random_state=random_state, callback=callback)

    with pytest.warns(ConvergenceWarning) as caught:
        fit_starts(short, 4, random_state=0)
    assert len(caught) == 1
    best = fit_starts(fit, 4, random_state=0).seeds[0]

    def long_where_best(random_state, callback):
        return (fit if random_state == best else short)(random_state, callback)

    fit_starts(long_where_best, 4, random_state=0)


def test_other_warnings_are_passed_on():
    def warning(random_state, callback):
        warnings.warn("look here", UserWarning, stacklevel=1)
        return fit(random_state, callback)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit_starts(warning, 2, random_state=0)
    assert [str(one.message) for one in caught] == ["look here"] * 2


def test_what_is_no_result_is_refused():
    with pytest.raises(TypeError, match="fit must return the Result of a model"):
        fit_starts(lambda random_state, callback: 3.0, 2)
    with pytest.raises(ValueError, match="n_starts must be an integer of at least 1"):
        fit_starts(fit, 0)


def test_the_summary_names_the_objective():
    starts = fit_starts(fit, 2, random_state=0)
    assert f"{starts.best.objective:.6g}" in repr(starts)


def test_a_second_interrupt_keeps_the_starts_that_are_done():
    def pressed_twice_in(number):
        made = []

        def fitted(random_state, callback):
            made.append(random_state)

            def press(sweep):
                if len(made) == number and sweep.iteration == 2:
                    signal.raise_signal(signal.SIGINT)
                    signal.raise_signal(signal.SIGINT)
                return callback(sweep)

            return fit(random_state, press)

        return fitted

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        starts = fit_starts(pressed_twice_in(3), 10, random_state=0)
        with pytest.raises(KeyboardInterrupt):
            fit_starts(pressed_twice_in(1), 10, random_state=0)
    finally:
        signal.signal(signal.SIGINT, before)
    assert starts.interrupted
    assert [result.status for result in starts.results] == ["converged", "converged"]
