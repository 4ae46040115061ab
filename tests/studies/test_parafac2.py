"""What the chapter on PARAFAC2 claims."""

import numpy as np
import pytest

from multiconvex import datasets, project_parafac2, viz
from multiconvex.datasets import DataUnavailable
from multiconvex.studies import parafac2 as study


@pytest.fixture(scope="module")
def runs():
    try:
        datasets.load_goldenrod()
    except DataUnavailable as reason:
        pytest.skip(f"the runs are not here: {reason}")
    return study.load_runs()


@pytest.fixture(scope="module")
def fits(runs):
    return study.fit_runs(runs)


@pytest.fixture(scope="module")
def course():
    return study.follow_fit()


class TestGoldenrod:
    def test_runs_drift_by_more_than_a_peak(self, runs):
        places = [
            clock[piece.sum(axis=0).argmax()] for clock, piece in zip(runs.times, runs.slices)
        ]
        assert np.ptp(places[:3]) > 0.2 and runs.note == ""
        assert [piece.shape for piece in runs.slices] == [(60, 81)] * 4

    def test_signs_cost_little_and_free_profiles_cancel(self, fits):
        assert fits.errors["free"] < fits.errors["nonnegative"] < 1.25 * fits.errors["free"]
        assert fits.lowest["nonnegative"] >= 0 and fits.lowest["free"] < -0.5
        assert max(fits.spread.values()) < 1e-10

    def test_profiles_of_both_kinds_add_up_to_the_data(self, fits):
        for kind in fits.profiles:
            for profiles, piece in zip(fits.profiles[kind], fits.runs.slices):
                total = piece.sum(axis=0)
                assert np.linalg.norm(profiles.sum(axis=1) - total) < 0.03 * np.linalg.norm(total)

    def test_the_page_stays_true_without_the_file(self, monkeypatch, tmp_path):
        from multiconvex.datasets import _files

        def offline(name, file, target):
            raise DataUnavailable(name)

        monkeypatch.delenv("MULTICONVEX_DATA", raising=False)
        monkeypatch.setattr(_files, "cache_folder", lambda: tmp_path)
        monkeypatch.setattr(_files, "_download", offline)
        simulated = study.load_runs()
        assert "simulated data of the same shape" in simulated.note
        assert [piece.shape for piece in simulated.slices] == [(60, 81)] * 4
        fits = study.fit_runs(simulated)
        assert max(fits.spread.values()) < 1e-10 and fits.lowest["nonnegative"] >= 0


class TestProjection:
    def test_rounds_gain_three_digits_and_all_cores_end_alike(self):
        course = study.follow_projection()
        assert course.factor > 1000 and course.same == course.instances == 40
        assert course.excess[0] < 0.1 and course.excess[2] < 1e-7


class TestFit:
    def test_extrapolation_needs_fewer_sweeps(self, course):
        assert 0 < course.sweeps["extrapolated"] < 0.6 * course.sweeps["plain"]

    def test_restoration_is_exact_and_costs_nothing(self, course):
        assert course.after < 1e-12 < course.before
        assert abs(course.change) < 1e-3


class TestScores:
    def test_cp_wins_without_drift_only(self):
        still, *drifting = study.compare_models()
        assert still.cp > max(still.free, still.nonnegative)
        for row in drifting:
            assert row.cp < 0.9 < 0.95 < min(row.free, row.nonnegative)
        assert drifting[-1].nonnegative > still.nonnegative - 0.02

    def test_signs_replace_runs(self):
        two, eight = study.compare_signs(2), study.compare_signs(8)
        assert two.nonnegative - two.free > 0.02
        assert abs(eight.nonnegative - eight.free) < 0.02 and eight.free > two.free + 0.05

    def test_agreement_does_not_see_order_or_scale(self):
        runs = datasets.make_chromatograms(3, 60, drift=0.0, snr=np.inf, random_state=0)
        factors = runs.spectra, list(runs.profiles), runs.amounts
        assert study.relative_error(runs.slices, *factors) < 1e-14
        half = [0.5 * profiles for profiles in runs.profiles]
        assert study.relative_error(runs.slices, runs.spectra, half, runs.amounts) == 0.5


class TestScatter:
    def test_own_drift_breaks_the_model_gently(self):
        together, apart = study.scatter_peaks(0.0), study.scatter_peaks(0.08)
        assert together.true_spread < 1e-8 and together.error < 1e-6
        assert apart.true_spread > 0.2 and apart.error > 0.02
        assert apart.match < together.match - 0.01

    def test_spread_is_relative_to_the_mean(self):
        blocks = [np.eye(2), np.sqrt(3.0) * np.eye(2)]
        assert study.cross_product_spread(blocks) == pytest.approx(0.5)
        projected = project_parafac2(blocks).blocks
        assert study.cross_product_spread(projected) < 1e-14


class TestPictures:
    def test_every_colour_follows_the_theme_and_every_frame_is_light(self, fits):
        draw = viz.parafac2
        pictures = [
            draw.runs(fits.runs),
            draw.profiles(fits, 2),
            draw.projection(study.follow_projection(instances=3, starts=2)),
            draw.scattered(study.scatter_peaks(0.02)),
        ]
        for picture in pictures:
            assert picture.strays() == ()
            assert len(picture.svg()) < 60_000

    def test_descriptions_state_the_numbers(self, fits):
        alt = viz.parafac2.profiles(fits, 1).alt
        lowest = fits.profiles["free"][0].min(axis=0)
        assert ", ".join(f"{value:.0f}" for value in lowest) in alt
