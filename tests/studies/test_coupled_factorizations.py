"""What the chapter on coupled factorisations claims."""

import numpy as np
import pytest

from multiconvex import Coupling, NonNegative, coupled_factorization, viz
from multiconvex.studies import coupled_factorizations as study


@pytest.fixture(scope="module")
def reaction():
    return study.observe_reaction()


@pytest.fixture(scope="module")
def comparison(reaction):
    return study.compare_fits(reaction)


@pytest.fixture(scope="module")
def fan():
    return study.fan_spectra()


@pytest.fixture(scope="module")
def split():
    return study.follow_splitting()


@pytest.fixture(scope="module")
def lag():
    return study.follow_lag()


class TestQuestion:
    def test_both_instruments_see_one_reaction(self, reaction):
        slow, fast = reaction.minutes
        np.testing.assert_array_equal(reaction.factors[0][0], study.courses(slow))
        np.testing.assert_array_equal(reaction.factors[1][0], study.courses(fast))
        assert not set(slow) & set(fast) and np.sum(fast < 1.0) > 1 and slow[1] == 3.0
        assert 0.15 < reaction.missing < 0.25

    def test_courses_follow_two_steps_of_first_order(self):
        minutes = np.linspace(0.0, 30.0, 3001)
        reactant, between, product = study.courses(minutes).T
        np.testing.assert_allclose(reactant + between + product, 1.0)
        slope = np.gradient(between, minutes)
        np.testing.assert_allclose(slope[1:-1], (0.5 * reactant - 0.12 * between)[1:-1], atol=1e-5)

    def test_noise_has_the_size_it_says(self, reaction):
        for X, clean, sigma in zip(reaction.data, reaction.clean, reaction.noise):
            assert np.nanstd(X - clean) == pytest.approx(sigma, rel=0.05)

    def test_error_of_courses_forgets_order_and_scale(self):
        minutes = np.linspace(0.0, 30.0, 301)
        found = 7.0 * study.courses(minutes)[:, [2, 0, 1]]
        assert study.course_error(minutes, found) < 1e-12


class TestUniqueness:
    def test_coupling_rescues_a_matrix_and_its_company_does_not(self):
        alone, beside, coupled = study.measure_rescue()
        assert max(row.misfit for row in (alone, beside, coupled)) < 1e-8
        assert alone.mean < 0.9 and beside.mean < 0.9
        assert coupled.least > 1 - 1e-6

    def test_starts_disagree_alone_and_agree_together(self, fan):
        assert fan.spread["alone"] > 0.1 > 1e-3 > fan.spread["together"]
        assert np.abs(fan.fits["together"] - fan.truth).max() < 0.05
        assert np.abs(fan.fits["alone"] - fan.truth).max() > 0.1

    def test_data_of_the_same_minutes(self):
        data, sigma, factors = study.observe_together(noise=(0.1, 0.2), random_state=0)
        assert factors[0][0] is factors[1][0]
        for X, s, level in zip(data, sigma, (0.1, 0.2)):
            assert s == pytest.approx(level * X.std(), rel=0.1)


class TestSplitting:
    def test_steps_reach_the_optimum_of_a_convex_solver(self, split):
        assert split.strengths[1] == 1.0
        assert abs(split.errors[1, -1]) < 1e-9 and split.gaps[1, -1] < 1e-8

    def test_a_strong_pull_closes_the_gap_before_the_factors_are_right(self, split):
        strong = split.gaps[2] < 1e-3
        assert split.errors[2][strong].max() > 0.5

    def test_while_the_gap_is_open_the_objective_may_be_below_the_optimum(self, split):
        assert split.errors[1].min() < -1e-3
        assert np.all(split.gaps[1][split.errors[1] < -1e-3] > 1e-3)

    def test_two_samplings_determine_more_nodes_than_either_and_not_as_many_as_points(self):
        rows = {row.nodes: row for row in study.count_nodes()}
        assert rows[14].stacked_rank == 14 > max(rows[14].slow_rank, rows[14].fast_rank)
        assert rows[18].stacked_rank < 18


class TestFits:
    def test_together_beats_each_alone(self, comparison):
        tensor, matrix, together = comparison.scores
        assert together.course_error < 0.25 * min(tensor.course_error, matrix.course_error)
        assert together.absorbance > 0.9998 > 0.999 > matrix.absorbance
        assert together.hidden_error < 1.1 * tensor.hidden_error < 0.01

    def test_copies_agree_and_weights_are_those_of_the_noise(self, comparison):
        fit = comparison.results["together"]
        assert fit.coupling_gap < 1e-9 and fit.status == "converged"
        variances = np.square(comparison.reaction.noise)
        np.testing.assert_allclose(fit.weights, 1.0 / variances, rtol=0.1)

    @pytest.mark.parametrize("noise", [0.02, 0.1, 0.5])
    def test_estimated_weights_stay_at_the_bottom(self, noise):
        curve = study.vary_weights((0.1, noise))
        assert curve.estimated == pytest.approx(curve.best, rel=0.15)
        assert curve.weights[curve.errors.argmin()] == pytest.approx(curve.best)
        near = np.abs(np.log10(curve.weights / curve.best)) < 1.5
        assert curve.errors[near].max() < 1.5 * curve.errors.min()
        if noise == 0.5:
            equal = np.abs(np.log(curve.weights)).argmin()
            assert curve.errors[equal] > 3 * curve.errors.min()

    def test_only_what_is_common_should_be_shared(self):
        nothing, everything, right = study.share_partly()
        assert everything.misfit > 10 > 1.05 > max(nothing.misfit, right.misfit)
        assert right.courses > max(nothing.courses, 0.999) > everything.courses

    def test_slopes_are_right_where_levels_are_not(self):
        nothing, levels, slopes = study.share_slopes()
        assert levels.misfit > 3 > 1.05 > slopes.misfit
        assert slopes.courses > 0.999 > levels.courses > nothing.courses
        assert slopes.spectra > 0.999 > max(levels.spectra, nothing.spectra)

    def test_zeros_in_the_holes_are_predicted(self, reaction):
        fits = [
            coupled_factorization(
                [tensor, reaction.matrix], 3, couplings=[reaction.coupling],
                penalties=NonNegative(), tol=1e-5, random_state=0,
            )
            for tensor in (np.nan_to_num(reaction.tensor), reaction.tensor)
        ]  # fmt: skip
        holes = np.isnan(reaction.tensor)
        wrong, right = (
            np.linalg.norm((fit.reconstruct()[0] - reaction.clean[0])[holes]) for fit in fits
        )
        assert wrong > 20 * right


class TestFailure:
    def test_a_late_clock_harms_before_the_misfit_notices(self, lag):
        at = lag.lags.index(1.0)
        assert lag.together[0] < 0.25 * lag.alone[0]
        assert lag.together[at - 1] < lag.alone[at - 1] and lag.lags[at - 1] == 0.5
        assert lag.together[at] > 1.3 * lag.alone[at]
        assert lag.misfit[at] < 1.1 < 1.4 < lag.misfit[-2]
        assert np.all(np.diff(lag.together) > 0)


class TestPictures:
    def test_every_colour_follows_the_theme_and_every_frame_is_light(
        self, reaction, comparison, fan, split, lag
    ):
        draw = viz.coupled_factorizations
        pictures = [
            draw.instruments(reaction),
            draw.fan(fan),
            draw.splitting(split),
            draw.course_panels(comparison),
            draw.weights(study.vary_weights((0.1, 0.1), draws=1)),
            draw.lag(lag),
        ]
        for picture in pictures:
            assert picture.strays() == ()
            assert len(picture.svg()) < 120_000

    def test_descriptions_state_the_numbers(self, comparison, lag):
        draw = viz.coupled_factorizations
        together = comparison.scores[-1].course_error
        assert f"together {together:.3f}" in draw.course_panels(comparison).alt
        assert f"misfit {lag.misfit[-1]:.2f}" in draw.lag(lag).alt


def test_offsets_stand_below_the_slopes():
    first, second = Coupling.of_slopes([(0, 0), (1, 0)], size=3).left
    np.testing.assert_array_equal(second, [[0, 0, 0, 1], [1, 0, 0, 1], [1, 1, 0, 1]])
    np.testing.assert_array_equal(first[:, 2:], [[1, 0]] * 3)
