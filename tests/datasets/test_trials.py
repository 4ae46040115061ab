"""What the loaders of behaviour say of their files is true of them."""

from itertools import pairwise

import numpy as np
import pytest

from multiconvex import datasets


def first_trials(data):
    return np.array([0, *data.breaks])


def waited(data, side):
    """Trials since `side` was last taken, for each trial that takes it again at the same odds."""
    found = []
    for name in data.sessions:
        one = data.take_session(name)
        (taken,) = np.nonzero(one.choice == side)
        for last, now in pairwise(taken):
            odds = one.probabilities[last : now + 1, side]
            if np.ptp(odds) == 0:
                found.append((odds[0], now - last, one.reward[now]))
    return np.array(found)


class TestForaging:
    def test_coding(self, shared):
        data = datasets.load_foraging()
        assert data.origin == "fetched" and data.labels is None and data.parameters is None
        counts = [np.sum(data.choice == code) for code in (-1, 0, 1)]
        assert counts == [4701, 9272, 11_986] and sum(counts) == len(data.choice)
        assert set(data.reward) == {0, 1} and data.reward.sum() == 3627 + 4226
        assert not data.reward[data.missed].any() and data.missed.sum() == 4701
        np.testing.assert_allclose(data.probabilities.sum(axis=1), 0.45, atol=2e-3)

    def test_sessions(self, shared):
        data = datasets.load_foraging()
        assert data.sessions == tuple(range(4, 54))
        lengths = np.diff([*first_trials(data), len(data.choice)])
        assert (lengths.min(), lengths.max()) == (112, 1098)
        changes = np.any(np.diff(data.probabilities, axis=0) != 0, axis=1)
        changes[np.array(data.breaks) - 1] = True
        starts = [0, *np.flatnonzero(changes) + 1, len(data.choice)]
        assert np.median(np.diff(starts)) == 76

    def test_sides_pay_by_their_probability(self, shared):
        """Columns of `probabilities` go with the codes of `choice`, or these would decrease."""
        data = datasets.load_foraging()
        for side in (0, 1):
            took = data.choice == side
            odds = np.unique(data.probabilities[:, side])
            paid = [data.reward[took & (data.probabilities[:, side] == p)].mean() for p in odds]
            assert np.corrcoef(odds, paid)[0, 1] > 0.98

    def test_a_reward_waits(self, shared):
        data = datasets.load_foraging()
        p, t, paid = np.concatenate([waited(data, side) for side in (0, 1)]).T
        for gap in (1, 2, 3):
            here = (p == 0.4) & (t == gap)
            expected = 1 - 0.6**gap
            error = np.sqrt(expected * (1 - expected) / here.sum())
            assert abs(paid[here].mean() - expected) < 3 * error

    def test_misses_gather_at_the_end(self, shared):
        data = datasets.load_foraging()
        sessions = [data.take_session(name).missed for name in data.sessions]
        late = sum(missed[9 * len(missed) // 10 :].sum() for missed in sessions)
        assert 0.2 < late / data.missed.sum() < 0.3

    def test_one_session(self, shared):
        data = datasets.load_foraging()
        one = data.take_session(9)
        assert type(one) is datasets.ForagingSessions and one.breaks == () and one.sessions == (9,)
        np.testing.assert_array_equal(one.choice, data.choice[data.session == 9])
        assert (len(one.choice), len(one.without_misses().choice)) == (890, 476)
        with pytest.raises(ValueError, match=r"no session 3: choose .*, from 4 to 53"):
            data.take_session(3)

    def test_without_misses_only_they_are_gone(self, shared):
        data = datasets.load_foraging()
        answered = data.without_misses()
        assert not answered.missed.any() and answered.reward.sum() == data.reward.sum()
        assert answered.sessions == data.sessions
        assert len(answered.session) == len(answered.probabilities) == 25_959 - 4701


class TestMouse:
    def test_coding(self, shared):
        data = datasets.load_ibl_mouse()
        assert data.origin == "fetched" and len(data.sessions) == 56
        np.testing.assert_array_equal(data.breaks, np.arange(90, 5040, 90))
        assert set(data.choice) == {0, 1}
        assert sorted(set(data.contrast)) == [-1, -0.25, -0.125, -0.0625, 0, 0.0625, 0.125, 0.25, 1]
        assert data.sessions == tuple(sorted(data.sessions)), "in order of their dates"
        assert data.sessions[0].startswith("CSHL_008-2019-03-25")

    def test_right_is_where_contrast_is_positive(self, shared):
        data = datasets.load_ibl_mouse()
        levels = np.unique(data.contrast)
        rightward = [data.choice[data.contrast == level].mean() for level in levels]
        assert np.all(np.diff(rightward) > 0) and rightward[0] < 0.06 and rightward[-1] > 0.92

    def test_the_answer_is_not_among_the_inputs(self, shared):
        """The file repeats it in first trials, where the loader has none."""
        data = datasets.load_ibl_mouse()
        assert not data.design[first_trials(data), 1:3].any()
        with np.load(datasets._files.fetch("ibl_mouse"), allow_pickle=False) as file:
            repeated = file["arr_0"][first_trials(data), 1]
        np.testing.assert_array_equal(repeated, 2 * data.choice[first_trials(data)] - 1)

    def test_accuracy_as_told(self, shared):
        data = datasets.load_ibl_mouse()
        right = (2 * data.choice - 1) == np.sign(data.contrast)
        seen = data.contrast != 0
        assert right[seen].mean() == pytest.approx(0.80, abs=0.005)
        by_session = np.array([right[seen & (data.session == s)].mean() for s in data.sessions])
        assert by_session.min() == pytest.approx(0.55, abs=0.005)
        assert by_session.max() == pytest.approx(0.94, abs=0.005)
        assert by_session[-5:].max() < np.quantile(by_session, 0.2)

    def test_design(self, shared):
        data = datasets.load_ibl_mouse().take_session("CSHL_008-2019-04-01-001")
        assert data.design.shape == (90, len(data.columns))
        np.testing.assert_array_equal(data.design[:, 0], data.contrast)
        np.testing.assert_array_equal(data.design[:, 3], 1)


@pytest.mark.parametrize(
    "make", [datasets.load_ibl_mouse, lambda: datasets.make_decisions(20, random_state=0)]
)
def test_history_is_the_trial_before(shared, make):
    data = make()
    first = first_trials(data)
    assert not data.design[first, 1:3].any()
    later = np.setdiff1d(np.arange(len(data.choice)), first)
    np.testing.assert_array_equal(data.previous_choice[later], 2 * data.choice[later - 1] - 1)
    seen = later[data.contrast[later - 1] != 0]
    np.testing.assert_array_equal(data.win_stay_lose_switch[seen], np.sign(data.contrast[seen - 1]))


@pytest.mark.parametrize("name", ["foraging", "ibl_mouse"])
def test_the_stand_in_has_the_shape_of_the_real_set(shared, name, monkeypatch):
    real = datasets.load_or_simulate(name)

    def unavailable(key):
        raise datasets.DataUnavailable(key)

    monkeypatch.setattr(datasets.fetched, "fetch", unavailable)
    simulated = datasets.load_or_simulate(name, random_state=1)
    assert (real.origin, simulated.origin) == ("fetched", "simulated")
    assert type(simulated) is type(real) and "simulated data" in simulated.note
    assert len(simulated.sessions) == len(real.sessions)
    for field in real.by_trial:
        if field != "labels":
            assert getattr(simulated, field).shape == getattr(real, field).shape
