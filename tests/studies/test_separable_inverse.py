"""What the chapter on separable factorisation through an operator claims."""

import numpy as np
import pytest

from multiconvex import Simplex, inverse_separable_nmf, viz
from multiconvex.models.inverse_separable import MeasuredSimplexProblem, least_norm_image
from multiconvex.studies import separable_inverse as study


@pytest.fixture(scope="module")
def unmixed():
    return study.unmix_scene()


@pytest.fixture(scope="module")
def coarse():
    return study.trace_recovery("triangle", sizes=(4, 8, 16), n_seeds=2)


@pytest.fixture(scope="module")
def methods():
    return {row["method"]: row["angle"] for row in study.compare_methods(n_seeds=2)}


class TestScenes:
    def test_maps_are_shares_and_every_material_has_pixels_to_itself(self):
        for seed in range(5):
            maps = study.measure_scene(random_state=seed).maps
            np.testing.assert_allclose(maps.sum(axis=1), 1.0)
            assert maps.min() >= 0.0
            assert np.all((maps == 1.0).sum(axis=0) > 20)

    @pytest.mark.parametrize("kind", ["triangle", "square", "random"])
    def test_the_camera_is_an_operator_with_orthonormal_rows(self, kind):
        scene = study.measure_scene(kind, 6)
        camera, rng = scene.operator, np.random.default_rng(0)
        assert camera.shape == (36, 1024) and scene.shown.sum() == 36
        rows, images = rng.standard_normal((36, 2)), rng.standard_normal((1024, 2))
        np.testing.assert_allclose(camera.matmat(camera.rmatmat(rows)), rows, atol=1e-12)
        np.testing.assert_allclose(
            np.vdot(camera.matmat(images), rows), np.vdot(images, camera.rmatmat(rows))
        )
        np.testing.assert_allclose(camera.matvec(images[:, 0]), camera.matmat(images)[:, 0])
        np.testing.assert_allclose(camera.rmatvec(rows[:, 0]), camera.rmatmat(rows)[:, 0])

    def test_patterns_are_those_asked_for(self):
        """Rows of the camera are patterns of signs with so many changes along each side."""
        camera = study.measure_scene("square", 4).operator
        patterns = camera.rmatmat(np.eye(16)).T.reshape(4, 4, 32, 32) * 32.0
        np.testing.assert_allclose(np.abs(patterns), 1.0)
        for i in range(4):
            for j in range(4):
                assert np.count_nonzero(np.diff(patterns[i, j, :, 0])) == i
                assert np.count_nonzero(np.diff(patterns[i, j, 0])) == j

    def test_noise_is_what_it_is_said_to_be(self):
        clean, noisy = (study.measure_scene("square", 24, noise=n) for n in (0.0, 0.1))
        np.testing.assert_allclose(clean.measured, clean.operator.matmat(clean.image))
        assert (noisy.measured - clean.measured).std() == pytest.approx(0.1, rel=0.05)


class TestGeometry:
    def test_pixels_and_blocks_are_pure_and_exposures_are_not(self):
        geometry = study.follow_geometry()
        pixels, blocks, exposures = geometry.purest.values()
        assert pixels == blocks == 1.0
        assert exposures < 0.85
        for rows in geometry.shares.values():
            np.testing.assert_allclose(rows.sum(axis=1), 1.0)
            assert rows.min() > -1e-12
        spread = [rows.std(axis=0).max() for rows in geometry.shares.values()]
        assert spread[2] < 0.1 * spread[0]

    def test_squares_of_a_power_of_two_reconstruct_means_of_blocks(self):
        scene = study.measure_scene("square", 8, noise=0.0)
        image = least_norm_image(scene.measured, scene.operator, 3)
        cube = scene.image.reshape(8, 4, 8, 4, -1).mean(axis=(1, 3))
        means = np.repeat(np.repeat(cube, 4, axis=0), 4, axis=1)
        np.testing.assert_allclose(image, means.reshape(image.shape), atol=1e-7)

    def test_other_sets_overshoot(self):
        scene = study.measure_scene("triangle", 8, noise=0.0)
        weights = scene.operator.rmatmat(scene.operator.matmat(scene.maps))
        assert weights.min() < -0.1 and weights.max() > 1.1

    def test_bands_are_selected_from_measurements_as_from_the_image(self):
        for seed in range(4):
            one, other = study.select_bands(random_state=seed)
            assert set(one) == set(other) == {0, 1, 2}


class TestRecovery:
    def test_the_joint_fit_knows_the_spectra_and_the_baseline_does_not(self, unmixed):
        assert unmixed.angles["joint"] < 0.5
        assert unmixed.angles["reconstruct, then select"] > 5.0

    def test_maps_of_few_patterns_are_poor_by_either(self, unmixed):
        assert min(unmixed.errors.values()) > 0.1

    def test_coarse_patterns(self, coarse):
        assert coarse.median("baseline").min() > 5.0
        assert coarse.median("joint")[1:].max() < 0.6
        np.testing.assert_allclose(coarse.fractions, [16 / 1024, 64 / 1024, 256 / 1024])

    def test_squares_work_for_the_baseline_where_they_span_blocks(self):
        curve = study.trace_recovery("square", sizes=(8, 12, 16), n_seeds=2)
        first, second, third = curve.median("baseline")
        assert max(first, third) < 1.5 and second > 8.0
        assert curve.median("joint").max() < 1.0

    def test_random_patterns_need_many(self):
        curve = study.trace_recovery("random", sizes=(16, 30), n_seeds=2)
        assert curve.median("joint")[0] > 8.0
        assert curve.median("joint")[1] < 1.0 < 8.0 < curve.median("baseline")[1]

    def test_nothing_works_alone(self, methods):
        *others, joint = methods.values()
        assert len(others) == 4
        assert min(others) > 5.0 > 0.5 > joint

    def test_the_final_weight_matters_little(self):
        rows = study.follow_volume(n_seeds=1)
        angles = [row["angle"] for row in rows]
        assert len(rows) == 3 and max(angles[:2]) < 0.5 and angles[2] < 3.0

    def test_noise_costs_the_joint_fit_its_lead_slowly(self):
        rows = study.compare_noise(n_seeds=1)
        joint = [row["joint"] for row in rows]
        assert joint == sorted(joint)
        assert all(row["joint"] < 0.7 * row["baseline"] for row in rows)

    def test_a_lost_fit_has_the_lower_objective_and_rough_maps(self):
        scene = study.measure_scene("random", 16)
        lost = inverse_separable_nmf(scene.measured, scene.operator, 3)
        size = np.vdot(scene.measured, scene.measured)
        delta = 1e-3 * np.vdot(lost.H, lost.H) / 3
        problem = MeasuredSimplexProblem(
            scene.measured, scene.operator, 3, Simplex(), 1e-5 * size, delta
        )
        truth = scene.maps, scene.spectra
        assert problem.objective((lost.W, lost.H)) < problem.objective(truth)
        rough = [np.abs(np.diff(W.reshape(32, 32, 3), axis=1)).mean() for W in (lost.W, scene.maps)]
        assert rough[0] > 2.0 * rough[1]


class TestPictures:
    def test_every_colour_follows_the_theme_and_every_frame_is_light(self, unmixed, coarse):
        draw = viz.separable_inverse
        pictures = [
            draw.geometry(study.follow_geometry()),
            draw.unmixing(unmixed),
            draw.spectra(unmixed),
            draw.recovery({"triangle": coarse, "square": coarse}),
        ]
        for picture in pictures:
            assert picture.strays() == ()
            assert len(picture.svg()) < 120_000

    def test_descriptions_state_the_numbers(self, unmixed, coarse):
        draw = viz.separable_inverse
        assert f"joint {unmixed.angles['joint']:.1f}" in draw.spectra(unmixed).alt
        assert "from 64 of 1024 patterns" in draw.unmixing(unmixed).alt
        assert f"{coarse.median('joint')[-1]:.2g}" in draw.recovery({"triangle": coarse}).alt
