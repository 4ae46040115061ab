"""What the chapter on Poisson and Gaussian noise claims."""

import numpy as np
import pytest

from multiconvex import viz
from multiconvex.studies import poisson_and_gaussian as study

LEVELS = (0.1, 3.0, 100.0)


@pytest.fixture(scope="module")
def clean():
    return study.compare_losses(levels=LEVELS, n_seeds=4)


@pytest.fixture(scope="module")
def noisy():
    return study.compare_losses(3.0, levels=LEVELS, n_seeds=4)


def ratios(record):
    best = record.median("KL, shifted")
    return {name: record.median(name) / best for name in record.angles}


class TestVariance:
    def test_the_constant_makes_the_variance_one_from_three_photons_on(self):
        curves = study.follow_variance()
        stable = curves.spread["Anscombe"]
        assert np.abs(stable[curves.means > 3.0] - 1.0).max() < 0.03
        assert stable[curves.means < 0.1].max() < 0.12
        assert curves.spread["square root"].max() > 1.6
        np.testing.assert_allclose(curves.spread["counts"], curves.means, rtol=1e-9)

    def test_read_noise_stabilises_at_any_level(self):
        curves = study.follow_variance(3.0)
        assert np.abs(curves.spread["Anscombe"] - 1.0).max() < 0.12
        np.testing.assert_allclose(curves.spread["counts"], curves.means + 9.0, rtol=1e-6)

    def test_algebra_is_a_quarter_wrong_and_the_unbiased_inverse_is_not(self):
        for deviation in (0.0, 3.0):
            curves = study.follow_variance(deviation)
            errors = {name: values - curves.means for name, values in curves.answers.items()}
            assert errors["algebraic"].min() == pytest.approx(-0.25, abs=0.03)
            assert np.abs(errors["unbiased"]).max() < 2e-3


class TestCounts:
    def test_the_draws_are_what_they_are_said_to_be(self):
        counts = study.make_counts(10.0, 3.0, random_state=1)
        Z = counts.W @ counts.H.T
        assert Z.mean() == pytest.approx(10.0)
        spread = (counts.X - Z) / np.sqrt(Z + 9.0)
        assert spread.std() == pytest.approx(1.0, abs=0.05)
        light = counts.W.sum(axis=1)
        assert 30.0 < light.max() / light.min() < 101.0
        assert np.sum(np.count_nonzero(counts.W, axis=1) == 1) >= 20

    def test_random_spectra_are_as_far_as_all_methods_in_the_dark(self, noisy):
        rng = np.random.default_rng(0)
        H = study.make_counts(1.0).H
        drawn = [study.spectral_error(rng.exponential(size=H.shape), H) for _ in range(200)]
        low, high = np.quantile(drawn, [0.0, 1.0])
        assert low - 5.0 < noisy.median("KL, shifted")[0] < high + 5.0

    def test_a_missing_spectrum_is_at_a_right_angle(self):
        H = study.make_counts(1.0).H
        assert study.spectral_error(H * [1.0, 1.0, 0.0], H) == pytest.approx(30.0, abs=1e-3)


class TestLosses:
    def test_without_read_noise_nothing_beats_the_divergence(self, clean):
        for name, values in ratios(clean).items():
            assert values.min() > 0.98, name
        np.testing.assert_allclose(ratios(clean)["KL, clipped"], 1.0, rtol=1e-12)

    def test_without_read_noise_squares_lose_at_every_level(self, clean):
        assert ratios(clean)["squares"].min() > 1.15

    def test_the_stabilised_loss_suffers_from_low_counts_only(self, clean):
        low, _, high = ratios(clean)["stabilised"]
        assert low > 1.1 and high == pytest.approx(1.0, abs=0.03)

    def test_with_read_noise_clipping_is_worse_than_squares_near_the_noise(self, noisy):
        found = {name: values[1] for name, values in ratios(noisy).items()}
        assert found["KL, clipped"] > found["squares"] > 1.1
        assert found["stabilised"] == pytest.approx(1.0, abs=0.06)

    def test_far_above_the_noise_it_is_forgotten(self, noisy):
        found = {name: values[2] for name, values in ratios(noisy).items()}
        assert found["KL, clipped"] == pytest.approx(1.0, abs=0.08)
        assert found["squares"] > 1.2

    def test_transforming_first_is_relatively_worse_with_more_light(self, clean):
        values = ratios(clean)["transform first"]
        assert values[2] > 1.5 > values[1]

    def test_rows_of_the_table(self, clean):
        assert [row["photons"] for row in clean.rows] == ["0.1", "3", "100"]
        assert clean.rows[1]["squares"] == clean.median("squares")[1]


class TestRemedies:
    def test_squares_are_a_matter_of_range(self):
        flat, wide = study.compare_ranges((0.0, 2.0), n_seeds=4)
        assert flat["ratio"] < 1.25 < wide["ratio"]

    def test_too_little_read_noise_costs_the_divergence_more(self):
        none, _, right, much = study.misstate_noise(n_seeds=4)
        assert none["KL, shifted"] > 1.25 * right["KL, shifted"]
        assert none["KL, shifted"] > 1.1 * none["stabilised"]
        for name in ("KL, shifted", "stabilised"):
            assert much[name] < 1.3 * right[name]

    def test_factors_of_the_transform_stay_wrong_in_any_light(self):
        record = study.compare_losses(
            levels=(1000.0,), n_seeds=1, methods=("KL, shifted", "factors of the transform")
        )
        assert record.median("factors of the transform")[0] > 20 * record.median("KL, shifted")[0]

    def test_the_dial_ends_in_squares(self):
        rows = study.measure_offsets()
        assert rows[-1]["KL, shifted"] == pytest.approx(1.0, abs=0.01)
        assert rows[-1]["stabilised"] == pytest.approx(1.0, abs=0.01)

    def test_all_methods_get_the_same_positive_start(self):
        counts = study.make_counts(1.0)
        assert min(factor.min() for factor in counts.near) > 0.0
        exact = study.make_counts(1e7)
        for method in ("squares", "KL, shifted", "stabilised"):
            assert study.spectral_error(study.fit_by(method, exact).H, exact.H) < 0.2


class TestPictures:
    def test_every_colour_follows_the_theme_and_every_frame_is_light(self, clean, noisy):
        draw = viz.poisson_and_gaussian
        pictures = [
            draw.variance(study.follow_variance()),
            draw.losses([clean, noisy]),
            draw.fits(study.show_fits(3.0)),
        ]
        for picture in pictures:
            assert picture.strays() == ()
            assert len(picture.svg()) < 120_000

    def test_descriptions_state_the_numbers(self, clean):
        draw = viz.poisson_and_gaussian
        shown = study.show_fits(3.0)
        assert f"squares {shown.angles['squares']:.1f}" in draw.fits(shown).alt
        squares = ratios(clean)["squares"]
        assert f"squares {squares[0]:.2f} at 0.1 photons" in draw.losses([clean]).alt
