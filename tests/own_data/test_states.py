"""Numbers of hidden states: planted rules, what the folds are, and the error in closed form."""

import signal

import numpy as np
import pytest

from multiconvex import InputOutputHMM, Progress, held_out_states
from multiconvex.datasets import make_decisions
from multiconvex.own_data.states import _deal, _surprise

RULES = ((10.0, 0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 3.0), (1.0, 0.0, 0.0, -3.0))
DATA = make_decisions(sessions=16, trials=50, parameters=RULES, random_state=0)
X = DATA.design[:, :1]
FAST = {"n_folds": 2, "n_starts": 2, "tol": 1e-4, "random_state": 0}


def test_the_planted_number_of_states_is_found():
    held = held_out_states(X, DATA.choice, range(1, 5), breaks=DATA.breaks, **FAST)
    assert held.chosen == 3
    assert held.mean[2] < 0.9 * held.mean[0]


def test_coins_have_one_state_and_cannot_be_predicted():
    rng = np.random.default_rng(1)
    coins, noise = rng.integers(2, size=400), rng.standard_normal((400, 2))
    held = held_out_states(noise, coins, (1, 2), breaks=range(20, 400, 20), **FAST)
    assert held.chosen == 1
    assert held.mean.min() > 0.98


def test_errors_are_surprises_over_that_of_the_share():
    """One state is a logistic regression: its score on a fold, by hand."""
    breaks, folds = _deal(DATA.breaks, len(X), 2, np.random.default_rng(0))
    held = held_out_states(X, DATA.choice, [1], breaks=DATA.breaks, **FAST)
    for number, out in enumerate(folds):
        kept = np.setdiff1d(np.arange(len(X)), out)
        model = InputOutputHMM(1, inference="em", n_starts=1, tol=1e-4, random_state=0)
        model.fit(X[kept], DATA.choice[kept])
        margin = X[out, 0] * model.coef_[0, 0] + model.intercept_[0]
        chance = 1 / (1 + np.exp(-np.where(DATA.choice[out] == 1, margin, -margin)))
        share = np.where(DATA.choice[out] == 1, *(lambda p: (p, 1 - p))(DATA.choice[kept].mean()))
        expected = np.log(chance).mean() / np.log(share).mean()
        assert held.errors[0, number] == pytest.approx(expected, rel=1e-3)
    assert breaks == DATA.breaks


def test_sequences_stay_apart_in_fits_and_in_predictions():
    """Two states, by hand: a new session begins where its number changes among the rows."""
    rng = np.random.default_rng(0)
    _, folds = _deal(DATA.breaks, len(X), 2, rng)
    held = held_out_states(X, DATA.choice, [2], breaks=DATA.breaks, **FAST)
    for number, out in enumerate(folds):
        kept = np.setdiff1d(np.arange(len(X)), out)
        new = [np.flatnonzero(np.diff(DATA.session[rows])) + 1 for rows in (kept, out)]
        seed = int(rng.integers(2**31))
        model = InputOutputHMM(2, inference="em", n_starts=2, tol=1e-4, random_state=seed)
        model.fit(X[kept], DATA.choice[kept], breaks=new[0])
        score = -model.score(X[out], DATA.choice[out], breaks=new[1])
        useless = _surprise(DATA.choice[out], DATA.choice[kept].mean())
        assert held.errors[0, number] == pytest.approx(score / useless, rel=1e-12)


def test_whole_sequences_are_dealt_and_each_row_once():
    breaks, folds = _deal((10, 30, 35, 50, 61, 80), 100, 3, np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(np.concatenate(folds)), np.arange(100))
    starts = np.array([0, *breaks])
    for fold in folds:
        runs = np.unique(np.searchsorted(starts, fold, side="right"))
        ends = np.append(starts, 100)
        assert len(fold) == sum(ends[run] - ends[run - 1] for run in runs)


def test_one_long_sequence_is_cut_into_runs():
    breaks, folds = _deal((), 120, 3, np.random.default_rng(0))
    assert breaks == tuple(range(10, 120, 10))
    assert [len(fold) for fold in folds] == [40, 40, 40]


def test_the_surprise_of_a_fair_coin_is_one_bit():
    assert _surprise(np.array([0, 1, 1, 0]), 0.5) == pytest.approx(np.log(2))


def test_same_seed_same_errors():
    options = {**FAST, "breaks": DATA.breaks}
    first, second = (held_out_states(X, DATA.choice, [2], **options) for _ in range(2))
    assert np.array_equal(first.errors, second.errors)


class Pressed(Progress):
    """Interrupts before some fit."""

    def __init__(self, at):
        super().__init__()
        self.left = at

    def describe(self, text):
        self.left -= 1
        if not self.left:
            signal.raise_signal(signal.SIGINT)


def test_an_interrupt_keeps_complete_folds_and_the_counts_of_the_first():
    options = {**FAST, "breaks": DATA.breaks}
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        held = held_out_states(X, DATA.choice, [1, 2], progress=Pressed(4), **options)
        first = held_out_states(X, DATA.choice, [1, 2], progress=Pressed(2), **options)
        with pytest.raises(KeyboardInterrupt, match="No fit is complete"):
            held_out_states(X, DATA.choice, [1, 2], progress=Pressed(1), **options)
    finally:
        signal.signal(signal.SIGINT, before)
    assert held.errors.shape == (2, 1)
    assert first.ranks == (1,)
    assert np.array_equal(first.errors, held.errors[:1])


@pytest.mark.parametrize(
    ("y", "counts", "options", "message"),
    [
        (DATA.choice[:-1], [1], {}, "one answer, 0 or 1, for each of the 800 rows"),
        (DATA.choice + 1, [1], {}, "one answer, 0 or 1"),
        (np.zeros(800, int), [1], {}, "both must occur"),
        (DATA.choice, [], {}, "counts is empty"),
        (DATA.choice, [0], {}, "each of counts must be an integer"),
        (DATA.choice, [1], {"n_folds": 1}, "n_folds must be an integer of at least 2"),
        (np.arange(800) == 5, [1], {}, "a single answer in all folds but one"),
    ],
)
def test_impossible_requests_are_refused(y, counts, options, message):
    with pytest.raises(ValueError, match=message):
        held_out_states(X, y, counts, breaks=DATA.breaks, **{**FAST, **options})
