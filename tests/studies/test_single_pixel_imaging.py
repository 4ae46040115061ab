"""What the chapter on single-pixel imaging claims."""

import numpy as np
import pytest

from multiconvex import SplitHadamard2D, viz
from multiconvex.datasets import load_cat
from multiconvex.studies import single_pixel_imaging as study


@pytest.fixture(scope="module")
def cats():
    return {photons: study.reconstruct_cat(photons, side=32) for photons in (2, 10, 50)}


@pytest.fixture(scope="module")
def scene():
    return study.unmix_scene(10.0, side=32, bands=32)


@pytest.fixture(scope="module")
def target():
    return study.reconstruct_target(max_iter=10)


@pytest.fixture(scope="module")
def race():
    return study.race_updates(side=32, n_sweeps=100)


class TestGains:
    @pytest.mark.parametrize("n", [8, 16, 32, 64])
    def test_formulas_agree_with_simulated_noise(self, n):
        for row in study.measure_gains(n, n_draws=4000):
            assert row.detector_measured == pytest.approx(row.detector, rel=0.03)
            if row.photons is not None:
                assert row.photons_measured == pytest.approx(row.photons, rel=0.03)

    def test_fellgett_and_his_halves(self):
        rows = {row.patterns: row for row in study.measure_gains(64, n_draws=2)}
        assert rows["Hadamard, with negative light"].detector == pytest.approx(8.0)
        assert rows["S-matrix"].detector == pytest.approx(64 / (2 * np.sqrt(63)))
        assert rows["split Hadamard"].detector == pytest.approx(np.sqrt(65 / 2))
        assert rows["split Hadamard"].exposures == 128

    def test_photon_noise_takes_the_advantage_away(self):
        rows = {row.patterns: row for row in study.measure_gains(64, n_draws=2)}
        assert rows["split Hadamard"].photons == pytest.approx(1.0, abs=0.02)
        assert rows["S-matrix"].photons < 0.75

    def test_darkness_decides(self):
        dark = study.follow_darkness()
        for name in ("S-matrix", "split Hadamard"):
            gain = dark.gains[name]
            assert gain[0] < 0.75 and np.all(np.diff(gain) > 0)
            assert gain[-1] == pytest.approx(dark.limits[name], rel=0.01)
        np.testing.assert_allclose(dark.gains["raster scan"], 1.0)
        assert dark.limits["split Hadamard"] == pytest.approx(np.sqrt(65) / 2)


class TestRace:
    def test_multiplicative_updates_stall_and_the_metric_does_not(self, race):
        assert race.gaps["multiplicative"][100] > 0.5
        assert race.gaps["metric"][12] < 1e-4

    def test_the_best_image_is_not_the_last(self, race):
        errors = race.errors["metric"]
        assert errors.min() < 0.95 * errors[-1]


class TestCat:
    def test_only_the_prior_makes_a_difference(self, cats):
        for record in cats.values():
            row = record.row
            assert row.likelihood == pytest.approx(row.least_squares, rel=0.02)
            assert row.least_squares <= 1.001 * row.pseudo_inverse
            assert row.total_variation < 0.75 * row.likelihood

    def test_nonnegativity_helps_where_photons_are_few(self, cats):
        assert cats[2].row.least_squares < 0.95 * cats[2].row.pseudo_inverse
        assert cats[2].negative > 10 * cats[50].negative

    def test_errors_follow_the_square_root_law(self, cats):
        ratio = cats[2].row.pseudo_inverse / cats[50].row.pseudo_inverse
        assert ratio == pytest.approx(5.0, rel=0.15)

    def test_fewer_patterns_can_be_better(self):
        errors = [study.reconstruct_cat(50, rate, side=32).row for rate in (0.02, 0.25, 1.0)]
        linear = [row.pseudo_inverse for row in errors]
        assert linear[1] < min(linear[0], linear[2])
        assert errors[1].total_variation < errors[1].pseudo_inverse

    def test_the_weight_is_chosen_without_the_truth(self):
        camera, photons = SplitHadamard2D(16), 20.0
        truth = load_cat(16).image
        counts = camera.acquire(truth, gain=photons, random_state=0)
        scale = np.sqrt(photons / (camera.pinv(counts).mean() / photons))
        weight = study.choose_weight(counts, camera, photons, candidates=(1e-3, 0.5, 1e3))
        assert weight == pytest.approx(0.5 * scale)


class TestFilters:
    def test_the_joint_fit_finds_the_spectra_and_multiplicative_updates_do_not_move(self, scene):
        rows = {row.method: row for row in scene.rows}
        start = rows["two steps"].angle
        assert rows["joint, multiplicative"].angle > 0.85 * start
        assert rows["joint, metric"].angle < 0.5 * start
        assert rows["joint, metric"].objective < rows["joint, multiplicative"].objective

    def test_it_is_nearly_as_good_as_knowing_the_spectra(self, scene):
        rows = {row.method: row for row in scene.rows}
        assert rows["joint, metric"].abundances < 1.1 * rows["known spectra"].abundances
        assert rows["two steps"].abundances > 1.3 * rows["known spectra"].abundances
        assert rows["known spectra"].angle is None

    def test_maps_are_those_of_the_filters(self, scene):
        truth, found = scene.maps["truth"], scene.maps["joint, metric"]
        for q in range(2):
            assert np.corrcoef(truth[..., q].ravel(), found[..., q].ravel())[0, 1] > 0.9

    def test_a_third_component_fits_better_and_answers_worse(self):
        overlap = study.unmix_overlap(side=32, columns=6)
        assert overlap.errors[1] < overlap.errors[0]
        assert overlap.angles[1] > 2 * overlap.angles[0]
        assert overlap.third.shape == (32, 32) and overlap.inside < 0.5


class TestTarget:
    def test_the_stand_in_says_so_and_is_reconstructed(self, target):
        assert bool(target.note) == (target.origin == "simulated")
        assert target.share == 0.25
        assert min(target.correlations.values()) > 0.9

    def test_total_variation_is_no_worse(self, target):
        assert target.correlations["total variation"] > target.correlations["inverse transform"]


class TestFigures:
    def test_every_figure_says_what_it_shows(self, cats, scene, target, race):
        figures = viz.single_pixel_imaging
        alts = [
            figures.patterns(SplitHadamard2D(8)).alt,
            figures.gains(study.follow_darkness()).alt,
            figures.race(race).alt,
            figures.reconstructions(cats[10]).alt,
            figures.unmixing(scene).alt,
            figures.target(target).alt,
        ]
        assert "16 coarsest of 64 patterns" in alts[0]
        assert "split Hadamard from 0.72 to 4.0" in alts[1]
        assert f"{cats[10].row.total_variation:.3f}" in alts[3]
        assert "10 photons" in alts[4] and "25%" in alts[5]
        assert len(set(alts)) == 6
