"""Simulated samples follow the model they name, with the truth that they give."""

import numpy as np
import pytest

from multiconvex import datasets
from multiconvex.diagnostics import transition_matrix

MAKERS = {
    "diamond": (datasets.make_diamond, "X"),
    "regressions": (datasets.make_regression_mixture, "y"),
    "bandit": (datasets.make_bandit_agent, "choice"),
    "io_hmm": (datasets.make_io_hmm, "y"),
    "foraging": (datasets.make_foraging, "choice"),
    "decisions": (datasets.make_decisions, "choice"),
}


@pytest.mark.parametrize("name", MAKERS)
def test_same_seed_same_numbers(name):
    make, field = MAKERS[name]
    first = getattr(make(random_state=0), field)
    np.testing.assert_array_equal(first, getattr(make(random_state=0), field))
    generator = np.random.default_rng(0)
    np.testing.assert_array_equal(first, getattr(make(random_state=generator), field))
    assert not np.array_equal(first, getattr(make(random_state=generator), field))


def close_to(frequency, probability, n):
    """Within four standard errors."""
    return abs(frequency - probability) < 4 * np.sqrt(probability * (1 - probability) / n)


class TestDiamond:
    def test_points_fill_the_four_edges(self):
        points = datasets.make_diamond(4000, random_state=0)
        np.testing.assert_allclose(np.abs(points.clean).sum(axis=1), 2)
        quadrant = 2 * (points.clean[:, 0] > 0) + (points.clean[:, 1] > 0)
        assert all(close_to(np.mean(quadrant == q), 0.25, 4000) for q in range(4))
        along = np.sort(np.abs(points.clean[:, 0])) / 2
        assert np.abs(along - np.linspace(0, 1, 4000)).max() < 0.04, "uniform along an edge"

    def test_noise(self):
        points = datasets.make_diamond(4000, random_state=0)
        v = points.X - points.clean
        np.testing.assert_allclose(np.cov(v.T), 0.05**2 * np.eye(2), atol=2e-4)
        np.testing.assert_array_equal(*(
            getattr(datasets.make_diamond(noise=0, random_state=0), field)
            for field in ("X", "clean")
        ))  # fmt: skip

    def test_vertices_are_where_two_constraints_meet(self):
        points = datasets.make_diamond()
        slack = points.b - points.vertices @ points.A.T
        assert slack.min() > -1e-12
        np.testing.assert_array_equal(np.sum(np.abs(slack) < 1e-12, axis=1), 2)
        x, y = np.vstack([points.vertices, points.vertices[:1]]).T
        assert np.all(np.diff(np.arctan2(y - y[:-1].mean(), x - x[:-1].mean()))[:-1] > 0)
        for corner in [(-0.752, 0.304), (-0.1667, -0.8667), (1.0143, 0.3143), (0, 0.8889)]:
            assert np.abs(points.vertices - corner).max(axis=1).min() < 5e-5


class TestRegressions:
    def test_regression_on_each_label_finds_its_parameters(self):
        data = datasets.make_regression_mixture(20_000, random_state=0)
        for k in range(3):
            X, y = data.X[data.labels == k], data.y[data.labels == k]
            found = np.linalg.lstsq(X, y)[0]
            np.testing.assert_allclose(found, data.parameters[k], atol=0.015)
            assert np.std(y - X @ found) == pytest.approx(1.5, rel=0.04)
            assert close_to(len(y) / 20_000, data.mixing[k], 20_000)
        assert -10 <= data.X.min() < -9.99 and 9.99 < data.X.max() <= 10

    def test_noiseless(self):
        data = datasets.make_regression_mixture(
            50, parameters=[[1.0, 2.0], [0.0, -1.0]], mixing=[0.5, 0.5], noise=0, random_state=0
        )
        np.testing.assert_allclose(data.y, np.sum(data.X * data.parameters[data.labels], axis=1))


class TestBandit:
    def test_labels_switch_every_period(self):
        agent = datasets.make_bandit_agent()
        np.testing.assert_array_equal(agent.labels, np.tile(np.repeat([0, 1], 20), 5))
        three = datasets.make_bandit_agent(10, parameters=np.eye(3), period=4)
        assert three.labels.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]

    def test_design_is_the_lagged_rewards(self):
        agent = datasets.make_bandit_agent(random_state=0)
        m, arms, n = agent.design.shape
        for t in range(m):
            for j in range(n):
                expected = np.zeros(arms)
                if t - 1 - j >= 0:
                    expected[agent.choice[t - 1 - j]] = agent.reward[t - 1 - j]
                np.testing.assert_array_equal(agent.design[t, :, j], expected)

    def test_choices_follow_the_softmax(self):
        agent = datasets.make_bandit_agent(
            40_000, parameters=[[1.5, 0.0], [-1.0, 0.5]], random_state=0
        )
        values = np.einsum("tin,tn->ti", agent.design, agent.parameters[agent.labels])
        chance = np.exp(values) / np.exp(values).sum(axis=1, keepdims=True)
        for scene in np.unique(chance.round(9), axis=0):
            here = np.all(np.abs(chance - scene) < 1e-8, axis=1)
            for i in range(3):
                assert close_to(np.mean(agent.choice[here] == i), scene[i], here.sum())

    def test_arms_pay_by_their_probability(self):
        agent = datasets.make_bandit_agent(20_000, random_state=0)
        for i, p in enumerate((0.1, 0.2, 0.7)):
            paid = agent.reward[agent.choice == i]
            assert close_to(paid.mean(), p, len(paid))


class TestHiddenDecisions:
    def test_labels_are_the_chain(self):
        data = datasets.make_io_hmm(40_000, random_state=0)
        np.testing.assert_allclose(transition_matrix(data.labels, 3), data.transition, atol=0.015)
        assert data.labels[0] == 0 and data.initial.tolist() == [1, 0, 0]
        first = [
            datasets.make_io_hmm(1, initial=[0, 0.5, 0.5], random_state=seed).labels[0]
            for seed in range(40)
        ]
        assert set(first) == {1, 2}

    def test_outputs_are_logistic(self):
        data = datasets.make_io_hmm(40_000, random_state=0)
        np.testing.assert_array_equal(data.X[:, -1], 1)
        assert -5 <= data.X[:, 0].min() < -4.99 and 4.99 < data.X[:, 0].max() <= 5
        chance = 1 / (1 + np.exp(-np.sum(data.X * data.parameters[data.labels], axis=1)))
        for k in range(3):
            for low in np.arange(0, 1, 0.25):
                here = (data.labels == k) & (chance >= low) & (chance < low + 0.25)
                assert close_to(data.y[here].mean(), chance[here].mean(), here.sum())


class TestAnimals:
    def test_a_side_pays_more_the_longer_it_was_left(self):
        data = datasets.make_foraging(1, 60_000, random_state=0, missed=0.2)
        assert close_to(data.missed.mean(), 0.2, 60_000) and not data.reward[data.missed].any()
        (right,) = np.nonzero(data.choice == 1)
        odds = data.probabilities[:, 1]
        gaps = np.diff(right)
        for gap in (1, 2, 3):
            now = right[1:][gaps == gap]
            same = now[[np.ptp(odds[t - gap : t + 1]) == 0 for t in now]]
            expected = np.mean(1 - (1 - odds[same]) ** gap)
            assert close_to(data.reward[same].mean(), expected, len(same))

    def test_blocks_and_strategies(self):
        data = datasets.make_foraging(2, 5000, stay=0.9, random_state=0)
        one = data.take_session(1)
        changes = np.flatnonzero(np.any(np.diff(one.probabilities, axis=0) != 0, axis=1))
        assert np.diff(changes).min() >= 40
        P = transition_matrix(data.labels, 2, data.breaks)
        np.testing.assert_allclose(P, [[0.9, 0.1], [0.1, 0.9]], atol=0.015)

    def test_the_memory_holds_answered_trials_only(self):
        """An agent bound to its last reward stays where it was paid, whatever it missed."""
        data = datasets.make_foraging(
            5, 400, parameters=[[200.0], [200.0]], missed=0.5, random_state=0
        )
        for name in data.sessions:
            one = data.take_session(name).without_misses()
            paid = np.flatnonzero(one.reward[:-1])
            np.testing.assert_array_equal(one.choice[paid + 1], one.choice[paid])

    def test_decisions_are_logistic_in_the_design(self):
        data = datasets.make_decisions(400, 90, random_state=0)
        chance = 1 / (1 + np.exp(-np.sum(data.design * data.parameters[data.labels], axis=1)))
        for low in np.arange(0, 1, 0.1):
            here = (chance >= low) & (chance < low + 0.1)
            assert close_to(data.choice[here].mean(), chance[here].mean(), here.sum())
        P = transition_matrix(data.labels, 3, data.breaks)
        np.testing.assert_allclose(P, data.transition, atol=0.01)

    def test_they_say_so(self):
        for make in (datasets.make_foraging, datasets.make_decisions):
            data = make(2, 10, random_state=5)
            assert data.origin == "simulated" and "random_state=5" in data.source


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: datasets.make_diamond(0), "n_samples must be an integer of at least 1, got 0"),
        (lambda: datasets.make_diamond(noise=-1), "noise must be a finite nonnegative number"),
        (
            lambda: datasets.make_regression_mixture(mixing=[0.5, 0.5]),
            r"mixing must have shape \(3,\), got \(2,\)",
        ),
        (lambda: datasets.make_io_hmm(initial=[1, 1, 1]), "initial must sum to one"),
        (lambda: datasets.make_io_hmm(parameters=[1.0, 2.0]), "parameters must have 2 dimensions"),
        (lambda: datasets.make_bandit_agent(probabilities=[2.0, 0]), "between 0 and 1, got 2"),
        (lambda: datasets.make_foraging(2, (3, 4, 5)), "one number or 2 of them, .* got 3"),
        (lambda: datasets.make_foraging(parameters=[[1.0]]), "strategies must be .* at least 2"),
        (lambda: datasets.make_foraging(missed=1.5), "must lie between 0 and 1, got 1.5"),
        (lambda: datasets.make_decisions(parameters=np.eye(3)), "4 columns, .* got 3"),
    ],
)
def test_impossible_settings_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
