"""What the chapter on mixtures of regressions claims."""

from itertools import product

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit

from multiconvex import (
    MixtureOfLinearRegressions,
    MixtureOfLogisticRegressions,
    datasets,
    viz,
)
from multiconvex.studies import mixtures_of_regressions as study
from multiconvex.studies._soft_labels import folded_mean

FRACTIONS = (0, 0.02, 0.05, 0.1, 0.2, 0.3)


@pytest.fixture(scope="module")
def three():
    return study.find_planes(3)


@pytest.fixture(scope="module")
def recovered():
    return study.recover_planted()


@pytest.fixture(scope="module")
def spoilt():
    return {fraction: study.fit_contaminated(fraction) for fraction in FRACTIONS}


@pytest.fixture(scope="module")
def shift():
    return study.measure_shift()


class TestGarage:
    def test_the_scene_is_the_one_that_scikit_image_bundles(self):
        X, y, known = study.load_garage(15)
        assert X.shape == (len(y), 2) and len(y) == known.sum()
        assert known.shape == (34, 50) and X.max() < 7.41

    def test_the_motorcycle_stands_upright_on_the_floor_below_the_camera(self, three):
        assert three.angle(1, 2) == pytest.approx(90, abs=2)
        assert 0.8 < three.distances[1] < 1.4

    def test_a_law_is_a_plane_in_space(self, three):
        rng = np.random.default_rng(0)
        column, row = rng.uniform(0, 700, 5), rng.uniform(0, 500, 5)
        disparity = np.column_stack([column / 100, row / 100, np.ones(5)]) @ three.laws.T
        depth = study.FOCAL * study.BASELINE / (disparity + study.OFFSET)
        sides = (column - study.CENTRE[0]) / study.FOCAL, (row - study.CENTRE[1]) / study.FOCAL
        points = np.stack([*(side[:, None] * depth for side in sides), depth], axis=2)
        np.testing.assert_allclose(np.einsum("pkc,kc->pk", points, three.normals), 1)

    def test_labels_go_from_far_to_near_and_are_missing_where_nothing_is_known(self, three):
        means = [np.nanmean(three.disparity[three.labels == k]) for k in range(3)]
        assert np.all(np.diff(means) > 0)
        np.testing.assert_array_equal(three.labels < 0, np.isnan(three.disparity))

    def test_each_law_is_least_squares_on_its_own_pixels(self):
        X, y, _ = study.load_garage(15)
        model = MixtureOfLinearRegressions(3, random_state=0).fit(X, y)
        for k in range(3):
            own = model.labels_ == k
            design = np.column_stack([X, np.ones(len(X))])[own]
            law = np.linalg.lstsq(design, y[own], rcond=None)[0]
            np.testing.assert_allclose(law[:2], model.coef_[k], rtol=1e-3, atol=1e-3)

    def test_robust_planes_are_closer_to_more_pixels(self, three):
        assert study.find_planes(3, "huber").close > three.close + 0.1

    def test_more_planes_explain_more_and_the_criterion_wants_them(self, three):
        assert study.find_planes(2).close < three.close < study.find_planes(5).close
        X, y, _ = study.load_garage(15)
        model = MixtureOfLinearRegressions(n_starts=30, random_state=0)
        assert model.select((2, 3, 4, 5, 6), X, y, criterion="bic").best >= 5

    def test_the_middle_of_two_solutions_costs_more_than_both(self):
        X, y, _ = study.load_garage(15)
        pair = MixtureOfLinearRegressions(2, random_state=0).fit(X, y)
        middle = X @ pair.coef_.mean(axis=0) + pair.intercept_.mean()
        assert np.sum((middle - y) ** 2) > 5 * pair.result_.objective


class TestLosses:
    def test_the_huber_loss_is_convex_and_smooth_and_the_printed_one_jumps(self):
        profile = study.profile_losses()
        assert profile.jump == 1
        huber, printed = profile.values["Huber"], profile.values["printed"]
        assert np.diff(huber, 2).min() > -1e-12 and np.abs(np.diff(huber)).max() < 0.021
        assert np.diff(printed).max() == pytest.approx(profile.jump, abs=0.05)
        inner = profile.residual <= profile.delta
        np.testing.assert_allclose(huber[inner], profile.values["square"][inner])

    def test_the_printed_loss_is_continuous_for_one_threshold_and_not_convex_there(self):
        special = study.profile_losses(delta=1 / np.sqrt(2))
        assert special.jump == pytest.approx(0, abs=1e-12)
        assert np.diff(special.values["printed"], 2).min() < -1e-3


class TestPlanted:
    def test_labels_are_as_right_as_those_of_the_true_laws(self, recovered):
        accuracy = np.array([fit.accuracy for fit in recovered])
        oracle = np.array([fit.oracle for fit in recovered])
        assert np.median(accuracy) > 0.92 and accuracy.min() > 0.9
        assert np.abs(accuracy - oracle).max() < 0.02
        assert oracle.min() < 0.92 < np.median(oracle)

    def test_knowing_the_labels_hardly_improves_the_laws(self, recovered):
        rows = [fit.row for fit in recovered]
        errors, informed = ([row[name] for row in rows] for name in ("error", "known labels"))
        assert 0.04 < np.median(informed) < 0.12
        assert np.median(errors) < 1.2 * np.median(informed) and max(errors) < 0.13

    def test_true_laws_cost_at_least_as_much_as_fitted_ones(self, recovered):
        for seed, fit in enumerate(recovered):
            data = datasets.make_regression_mixture(random_state=seed)
            losses = np.square(data.X @ fit.truth.T - data.y[:, None])
            assert fit.starts.min() < losses.min(axis=1).sum()
            nearest = losses.argmin(axis=1)
            assert fit.oracle == pytest.approx((nearest == data.labels).mean())

    def test_starts_end_near_the_best_or_very_far_from_it(self, recovered):
        gaps = np.concatenate([fit.gaps for fit in recovered])
        near = np.array([fit.near_best for fit in recovered])
        assert 0.7 < near.mean() < 0.95 and near.min() > 0.6
        assert np.mean([fit.at_best for fit in recovered]) < 0.5
        assert not np.any((gaps > 1.05) & (gaps < 10))

    def test_the_seed_of_the_starts_hardly_matters(self):
        again = study.restart_planted()
        assert len(again) == 10
        assert np.ptp([fit.accuracy for fit in again]) <= 0.01
        costs = np.array([fit.starts.min() for fit in again])
        assert costs.max() < 1.001 * costs.min()

    def test_the_summary_ends_with_median_and_worst(self, recovered):
        rows = study.summarise(recovered)
        assert [row["data set"] for row in rows[-3:]] == ["9", "median", "worst"]
        accuracy = [row["accuracy"] for row in rows[:-2]]
        assert rows[-2]["accuracy"] == np.median(accuracy)
        assert rows[-1]["accuracy"] == min(accuracy)
        assert rows[-1]["error"] == max(row["error"] for row in rows[:-2])

    @pytest.mark.parametrize("criterion", ["heldout", "bic"])
    def test_both_criteria_find_three_laws(self, criterion):
        data = datasets.make_regression_mixture(random_state=0)
        model = MixtureOfLinearRegressions(fit_intercept=False, random_state=0)
        assert model.select((1, 2, 3, 4), data.X, data.y, criterion=criterion).best == 3

    def test_few_samples_are_cheap_to_explain_and_say_little(self):
        rows = {row["samples"]: row for row in study.count_samples()}
        assert rows[40]["cost per sample"] < 0.5 * rows[500]["cost per sample"]
        assert rows[40]["accuracy"] < 0.6 and rows[40]["error"] > 20 * rows[500]["error"]
        assert rows[80]["cost per sample"] > 2 * rows[500]["cost per sample"]
        assert rows[40]["true laws"] > 0.85


class TestStopping:
    def test_the_gap_of_a_program_freezes_above_an_absolute_tolerance(self):
        frozen = study.follow_gap(8, factor_step="program")
        assert len(frozen.gaps) == 25 and frozen.cost > 20_000
        assert 1e-6 < abs(frozen.gaps[-1]) < 1e-4
        np.testing.assert_allclose(frozen.gaps[-4:], frozen.gaps[-1], rtol=0.01)

    def test_the_argmin_takes_the_same_path_and_stops_at_zero(self):
        frozen = study.follow_gap(8, factor_step="program")
        exact = study.follow_gap(8, factor_step="argmin")
        assert len(exact.gaps) < 25 and exact.gaps[-1] == 0
        assert exact.cost == pytest.approx(frozen.cost, rel=1e-6)
        np.testing.assert_allclose(exact.gaps[:-1], frozen.gaps[: len(exact.gaps) - 1], rtol=1e-3)

    def test_most_starts_stop_at_a_fraction_of_that_cost(self):
        good = study.follow_gap(0, factor_step="program")
        assert len(good.gaps) < 25 and good.cost < 1000


class TestOutliers:
    def test_squares_lose_a_law_to_two_percent(self, spoilt):
        assert spoilt[0].errors["square"] < 0.3
        assert all(spoilt[fraction].errors["square"] > 1 for fraction in FRACTIONS[1:])

    @pytest.mark.parametrize("loss", ["huber", "absolute"])
    def test_the_other_losses_hold_until_outliers_buy_a_law(self, spoilt, loss):
        errors = [spoilt[fraction].errors[loss] for fraction in FRACTIONS]
        assert max(errors[:4]) < 0.6 and errors[5] > 2

    def test_a_third_law_takes_the_outliers(self):
        assert study.fit_contaminated(0.3, n_components=3).errors["huber"] < 0.6

    def test_one_law_through_absolute_values_finds_a_formula_and_four_slips(self):
        lipids, ldl = study.load_cholesterol()
        model = MixtureOfLinearRegressions(1, loss="absolute", fit_intercept=False, n_starts=1)
        rule = model.fit(lipids, ldl).coef_[0]
        np.testing.assert_allclose(rule, [1, -1, -0.2], atol=1e-4)
        residual = np.abs(lipids @ rule - ldl)
        assert np.sum(residual > 0.1) == 4 and np.sort(residual)[-5] < 0.02


class TestClasses:
    def test_populations_are_recovered_as_well_as_by_their_true_parameters(self):
        choices = study.recover_rankings()
        assert choices.accuracy > 0.87 and abs(choices.accuracy - choices.oracle) < 0.03
        model = MixtureOfLogisticRegressions(fit_intercept=False, ridge=1.0, random_state=0)
        assert model.select((1, 2, 3), choices.X, choices.choice).best == 2

    def test_two_laws_explain_coins_and_predict_none(self):
        one, two = study.explain_coins()
        assert one.loss > 0.65 and two.loss < 0.01
        assert two.heldout == pytest.approx(-np.log(2), abs=0.01)

    @pytest.mark.parametrize("count", [2, 3])
    def test_the_loss_of_free_classes_vanishes(self, count):
        far = [np.log1p((count - 1) * np.exp(-t)) for t in (1.0, 10.0, 30.0)]
        u = np.zeros(count)
        u[0] = 30.0
        assert np.log(np.exp(u).sum()) - u[0] == pytest.approx(far[2], abs=1e-12)
        assert np.all(np.diff(far) < 0) and far[2] < 1e-12

    def test_answers_add_up(self):
        asked = study.ask_repeatedly()
        assert asked.accuracy[0] < 0.75 and asked.accuracy[-1] > 0.97
        assert np.all(np.diff(asked.oracle) > 0)
        assert np.abs(asked.accuracy - asked.oracle).max() < 0.03
        assert asked.answers[3] == 8 and asked.accuracy[3] > 0.9


class TestLabels:
    def test_the_folded_mean_is_an_integral(self):
        for mean in (0.0, 0.3, 1.7):
            exact = quad(
                lambda e, m=mean: abs(m + e) * np.exp(-(e**2) / 2) / np.sqrt(2 * np.pi),
                -10, 10, points=[-mean],
            )[0]  # fmt: skip
            assert folded_mean(mean) == pytest.approx(exact, abs=1e-8) and exact > mean

    def test_the_formula_minimises_over_opposite_slopes_and_labels(self):
        rng = np.random.default_rng(0)
        x, y = rng.standard_normal((2, 7))
        best = np.abs(x * y).sum() / np.sum(x**2)
        signs = np.array(list(product((-1.0, 1.0), repeat=7)))
        slopes = (signs * (x * y)).sum(axis=1) / np.sum(x**2)
        costs = np.square(y - signs * slopes[:, None] * x).sum(axis=1)
        assert abs(slopes[costs.argmin()]) == pytest.approx(best)

    def test_hard_labels_follow_the_theorem_and_soft_ones_the_truth(self, shift):
        np.testing.assert_allclose(shift.hard, shift.predicted, atol=0.03)
        np.testing.assert_allclose(shift.soft[2:], shift.slopes[2:], atol=0.03)
        assert shift.hard[0] > 0.3 and shift.soft[0] < 0.1
        assert np.all(shift.predicted > shift.slopes)

    def test_soft_labels_minimise_their_penalised_losses(self):
        rng = np.random.default_rng(0)
        losses, penalty = rng.random((5, 3)), study.SoftLabels(0.5)
        z = penalty.minimize(losses, losses)
        least = np.vdot(losses, z) + penalty.value(z)
        assert least == pytest.approx(-0.5 * np.log(np.exp(-losses / 0.5).sum(axis=1)).sum())
        for other in rng.dirichlet(np.ones(3), (50, 5)):
            assert np.vdot(losses, other) + penalty.value(other) > least
        assert penalty.value(z - 1) == np.inf

    def test_soft_labels_are_posterior_probabilities(self):
        rng = np.random.default_rng(0)
        y, sigma, laws = rng.standard_normal(6), 0.7, np.array([-1.0, 1.0])
        losses = np.square(y[:, None] - laws)
        z = study.SoftLabels(2 * sigma**2).minimize(losses, losses)
        np.testing.assert_allclose(z[:, 1], expit(2 * y / sigma**2))


class TestPictures:
    def test_every_colour_follows_the_theme_and_every_frame_is_light(
        self, three, recovered, spoilt, shift
    ):
        draw = viz.mixtures_of_regressions
        runs = {"poor start": study.follow_gap(8, factor_step="argmin")}
        pictures = [
            draw.garage(three),
            draw.planes(three),
            draw.planes(three, three, titles=("square", "Huber")),
            draw.losses(study.profile_losses()),
            draw.planted_laws(recovered[0]),
            draw.start_costs(recovered),
            draw.stopping_gaps(runs),
            draw.outliers(spoilt[0.1]),
            draw.label_shift(shift),
            draw.rankings(study.recover_rankings()),
            draw.questionnaire(study.ask_repeatedly()),
        ]
        for picture in pictures:
            assert picture.strays() == ()
            assert len(picture.svg()) < 120_000

    def test_descriptions_state_the_numbers(self, three, recovered, spoilt):
        draw = viz.mixtures_of_regressions
        assert "3 planes with 38%, 33%, 29% of the pixels" in draw.garage(three).alt.lower()
        assert "500 starts" in draw.start_costs(recovered).alt
        assert "10% outliers among 150 samples" in draw.outliers(spoilt[0.1]).alt
