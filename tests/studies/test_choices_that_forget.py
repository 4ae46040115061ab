"""What the chapter on choices that follow recent rewards claims."""

import os

import numpy as np
import pytest

from multiconvex import (
    ForgettingQLearning,
    KLSmoothness,
    TotalVariation,
    datasets,
    match_labels,
    viz,
)
from multiconvex.models.latent.designs import lagged_design
from multiconvex.studies import choices_that_forget as study

FULL = "rewards, choices, side"


@pytest.fixture(scope="module")
def agent():
    return datasets.make_bandit_agent(random_state=0)


@pytest.fixture(scope="module")
def mouse():
    if not os.environ.get("MULTICONVEX_DATA"):
        pytest.skip("the real sessions are looked for in the folder that MULTICONVEX_DATA names")
    return datasets.load_foraging()


@pytest.fixture(scope="module")
def predicted(mouse):
    return study.predict_choices(mouse)


@pytest.fixture(scope="module")
def simulated():
    """Sessions of a switching agent that follows rewards only."""
    return datasets.make_foraging(12, 200, random_state=0)


@pytest.fixture(scope="module")
def simulated_models(simulated):
    return study.predict_choices(simulated, counts=(1, 2))


class TestPenalties:
    def test_sure_labels_may_not_change_under_kullback_leibler(self):
        assert KLSmoothness(1.0).value(np.eye(2)) == np.inf
        assert TotalVariation(1.0).value(np.eye(2)) == 1.0

    def test_rows_are_equal_under_total_variation_only(self):
        smoothed = study.smooth_labels(10.0, random_state=2)
        assert smoothed.equal_smooth == 0 and smoothed.equal_jumping == 57

    @pytest.mark.parametrize("weight", [0.1, 1.0, 10.0])
    def test_total_variation_gives_sure_labels_and_kullback_leibler_does_not(self, weight):
        smoothed = study.smooth_labels(weight, random_state=2)
        assert set(np.unique(smoothed.jumping)) <= {0.0, 1.0}
        assert smoothed.smooth.min() > 0 and smoothed.smooth.max() < 1

    def test_three_equal_rows_surround_a_trial_that_says_nothing(self):
        """Stationarity of the label step, and a silent trial at which rows do agree."""
        weight, losses = 2.0, np.zeros((9, 2))
        losses[:4, 0] = 0.9, -1.1, 0.7, -0.6
        z = KLSmoothness(weight).minimize(losses, np.full((9, 2), 0.5))
        slopes = losses[1:-1] + weight * (np.log(z[1:-1] / z[2:]) + 1 - z[:-2] / z[1:-1])
        np.testing.assert_allclose(np.diff(slopes, axis=1), 0, atol=1e-4)
        np.testing.assert_allclose(np.diff(z[3:], axis=0), 0, atol=1e-7)
        assert np.abs(np.diff(z[:4, 0])).min() > 1e-3

    def test_the_path_solves_the_linear_program(self):
        assert study.compare_with_program() < 1e-10

    def test_a_slow_change_is_cheap_under_kullback_leibler_only(self):
        path = np.linspace(0.9, 0.1, 6)
        z = np.column_stack([path, 1 - path])
        assert KLSmoothness(3.0).value(z) == pytest.approx(3 * 0.8 * np.log(9) / 5)
        assert TotalVariation(3.0).value(z) == pytest.approx(3 * 0.8)


class TestAgent:
    def test_the_design_of_the_source_is_that_of_the_estimator(self, agent):
        design = lagged_design(agent.choice, agent.reward, 3, 5, ("reward",), ())
        np.testing.assert_array_equal(design, agent.design)

    def test_losses_are_minus_log_probabilities(self, agent):
        values = np.exp(agent.design @ agent.parameters.T)
        chosen = np.take_along_axis(values, agent.choice[:, None, None], axis=1)[:, 0]
        np.testing.assert_allclose(study.label_losses(agent), np.log(values.sum(axis=1) / chosen))

    def test_a_share_of_trials_says_nothing(self, agent):
        assert 0.1 < (np.ptp(study.label_losses(agent), axis=1) == 0).mean() < 0.3

    def test_ten_agents_reach_the_published_shares(self):
        none, smooth, light, firm = study.score_agents()
        assert 0.68 < none.median < 0.75 and none.worst < 0.65
        assert 0.92 < smooth.median < 0.94 and smooth.worst > 0.86
        assert light.median > 0.89 and firm.worst > 0.84
        for score in (none, smooth, light, firm):
            assert abs(score.median - score.oracle_median) < 0.03

    def test_labels_flicker_then_agree_then_are_one(self, agent):
        zero, one, heavy = study.sweep_weights(agent, [0.0, 1.0, 30.0])
        changes = [np.count_nonzero(np.diff(fit.labels["smooth"])) for fit in (zero, one, heavy)]
        assert changes[0] > 60 and changes[1] < 15 and changes[2] == 0
        assert zero.accuracy["smooth"] < 0.7 < 0.9 < one.accuracy["smooth"]
        assert heavy.accuracy["smooth"] == heavy.accuracy["jumping"] == 0.5
        np.testing.assert_allclose(
            zero.parameters["smooth"], zero.parameters["jumping"], rtol=1e-6, atol=1e-6
        )

    def test_the_parameter_of_separable_data_grows_as_the_ridge_vanishes(self, agent):
        fits = study.relax_ridge(agent)
        for name in ("independent", "known"):
            assert np.all(np.diff([getattr(fit, name) for fit in fits]) > 1)
        assert fits[-1].independent > 30 and fits[-1].known > 14
        assert abs(fits[-1].smooth - fits[-2].smooth) < 0.01

    def test_vague_starts_end_with_one_label_and_others_cost_less(self):
        vague, ten, after = study.compare_starts()
        assert vague.single >= 7 and ten.single == after.single == 0
        assert max(ten.objective, after.objective) < vague.objective - 10
        assert min(ten.accuracy, after.accuracy) > 0.9


class TestNames:
    def test_without_directions_labels_may_be_exchanged_and_are_matched(self, agent):
        free = ForgettingQLearning(2, n_starts=1, random_state=1).fit(agent.choice, agent.reward)
        match = match_labels(free.labels_, agent.labels)
        assert np.mean(free.labels_ == agent.labels) == pytest.approx(1 - match.accuracy)
        assert match.accuracy > 0.85 and match.permutation.tolist() == [1, 0]

    def test_directions_keep_names_and_shapes(self, agent):
        model = ForgettingQLearning(2, directions=(1, -1), random_state=0, n_starts=2)
        first, second = model.fit(agent.choice, agent.reward).coef_
        assert first.min() > -1e-9 and np.diff(first).max() < 1e-9
        assert second.max() < 1e-9 and np.diff(second).min() > -1e-9


class TestBait:
    def test_rewards_wait_where_they_are_simulated_to(self):
        data = datasets.make_foraging(20, 400, random_state=1)
        for wait in study.measure_bait(data, longest=3):
            spread = np.sqrt(wait.baited * (1 - wait.baited) / wait.choices)
            assert abs(wait.paid - wait.baited) < 3 * spread

    def test_rewards_wait_for_the_mouse(self, mouse):
        for wait in study.measure_bait(mouse):
            assert abs(wait.paid - wait.baited) < 0.05
        assert study.measure_bait(mouse)[2].paid > 0.75


class TestPrediction:
    def test_switching_is_found_where_it_is_and_other_inputs_are_of_no_use(self):
        forager = datasets.make_foraging(20, random_state=0)
        control = study.predict_choices(forager, counts=(1, 2))
        one, two = control["rewards", 1], control["rewards", 2]
        assert np.all(one.coef[0, :3] > 0.5) and one.trained + one.trials.sum() < 20 * 520
        gain, error, won = two.gain(one)
        assert gain > 3 * error and won >= 8
        inputs, error, _ = control[FULL, 1].gain(one)
        assert abs(inputs) < 2 * error < gain

    def test_numbers_are_consistent(self, simulated_models, simulated):
        for model in simulated_models.values():
            assert len(model.nats) == 6 and model.row()["worst session"] == model.nats.min()
            assert model.nats.min() <= model.mean <= model.nats.max() < 0
        left_out = simulated.without_misses()
        right = left_out.choice[np.isin(left_out.session, simulated.sessions[::2])].mean()
        first = left_out.take_session(simulated.sessions[1]).choice
        logs = np.where(first == 1, np.log(right), np.log(1 - right))
        assert simulated_models["side", 1].nats[0] == pytest.approx(logs.mean())

    def test_one_session_is_scored_on_later_trials(self, simulated):
        nats = study.foresee_session(simulated.take_session(3), trained=100)
        assert set(nats) == {1, 2} and all(-0.8 < value < 0 for value in nats.values())

    def test_inputs_matter_more_than_switching(self, predicted):
        rewards, plain = predicted["rewards", 1], predicted[FULL, 1]
        assert predicted["side", 1].mean > np.log(0.5)
        gain, error, won = predicted["rewards", 2].gain(rewards)
        assert gain > 3 * error and won >= 19
        assert plain.gain(rewards)[0] > 1.8 * gain
        assert plain.gain(predicted["rewards", 3])[0] > 0.01

    def test_switching_adds_a_little_to_the_full_model(self, predicted):
        plain = predicted[FULL, 1]
        for count, wins in ((2, 13), (3, 15)):
            gain, error, won = predicted[FULL, count].gain(plain)
            assert 1.5 * error < gain < 0.012 and won >= wins

    def test_strategies_of_the_full_model_learn_alike(self, predicted):
        naive, full = (predicted[name, 2].coef[:, 0] for name in ("rewards", FULL))
        assert naive.max() > 2 * naive.min() and full.max() < 1.3 * full.min()
        model = predicted[FULL, 3]
        assert model.changes[1] > model.borders / 2
        assert model.changes[0] < model.trained / 200


class TestPictures:
    def test_every_colour_follows_the_theme_and_every_frame_is_light(
        self, agent, simulated, simulated_models
    ):
        draw, plain = viz.choices_that_forget, simulated_models[FULL, 1]
        pictures = [
            draw.session(simulated.take_session(2).without_misses()),
            draw.label_penalties(study.smooth_labels(3.0)),
            draw.agent_fit(study.sweep_weights(agent, [1.0])[0]),
            draw.strategies(simulated_models[FULL, 2]),
            draw.session_gains({"two": simulated_models[FULL, 2]}, plain),
        ]
        for picture in pictures:
            assert picture.strays() == ()
            assert len(picture.svg()) < 100_000

    def test_descriptions_state_the_numbers(self, agent, simulated_models):
        draw, fit = viz.choices_that_forget, study.sweep_weights(agent, [1.0])[0]
        assert "truth 9.9 and -4.0" in draw.agent_fit(fit).alt
        smoothed = study.smooth_labels(10.0, random_state=2)
        assert "57 rows equal the next" in draw.label_penalties(smoothed).alt
        gains = draw.session_gains({"two": simulated_models[FULL, 2]}, simulated_models[FULL, 1])
        assert "of 6" in gains.alt
