"""What the chapter on spectral unmixing claims."""

import numpy as np
import pytest

from multiconvex import datasets, match_components, spectral_angle, viz
from multiconvex.datasets import DataUnavailable
from multiconvex.studies import spectral_unmixing as study

FAST = ["separable", "NMF", "minimum volume, sum to one"]


@pytest.fixture(scope="module")
def paints():
    return study.mix_paints()


@pytest.fixture(scope="module")
def simulated():
    return study.make_limited_scene(0.8)


@pytest.fixture(scope="module")
def tissue():
    return study.unmix_tissue(every=8)


@pytest.fixture(scope="module")
def farm():
    return study.unmix_farm(step=5)


@pytest.fixture(scope="module")
def purities():
    return study.compare_purities(limits=(1.0, 0.75, 0.5), n_seeds=3, side=16)


@pytest.fixture(scope="module")
def shore():
    return _real("moffett")


@pytest.fixture(scope="module")
def lake():
    return _real("samson")


def _real(name):
    try:
        return getattr(datasets, f"load_{name}")()
    except DataUnavailable as reason:
        pytest.skip(f"the scene is not here: {reason}")


@pytest.fixture(scope="module")
def path(simulated):
    return study.follow_weights(simulated, weights=(1e-5, 1e-3, 1e-2))


class TestPaints:
    def test_each_kind_of_mixture_is_of_rank_two_in_its_own_domain(self, paints):
        beside, stirred = paints.rows
        assert max(beside["reflectance (%)"], stirred["absorbance (%)"]) < 1e-10
        assert min(stirred["reflectance (%)"], beside["absorbance (%)"]) > 3.0

    def test_pure_paints_are_where_both_kinds_agree(self, paints):
        for spectra in paints.kinds.values():
            np.testing.assert_allclose(spectra[:, [0, -1]], paints.paints, rtol=1e-12)

    def test_stirred_paint_is_darker_at_every_wavelength(self, paints):
        assert np.all(paints.stirred <= paints.side_by_side + 1e-15)

    def test_side_by_side_is_grey_and_stirred_is_green(self, paints):
        middle = [
            study.colours_of(spectra[:, [10]], paints.wavelengths)[0]
            for spectra in (paints.side_by_side, paints.stirred)
        ]
        assert np.ptp(middle[0]) < 0.2
        assert middle[1][1] > 1.2 * max(middle[1][0], middle[1][2])
        blue, yellow = study.colours_of(paints.paints, paints.wavelengths)
        assert blue.argmax() == 2 and yellow.argmin() == 2

    def test_white_is_white_and_brightness_is_that_of_the_eye(self):
        wavelengths = np.arange(380.0, 781.0, 1.0)
        white = study.colours_of(np.ones((len(wavelengths), 1)), wavelengths)
        np.testing.assert_allclose(white, 1.0, atol=1e-4)
        half = study.colours_of(np.full((len(wavelengths), 1), 0.5), wavelengths)
        np.testing.assert_allclose(half, 1.055 * 0.5 ** (1 / 2.4) - 0.055, atol=1e-3)

    def test_a_linear_model_reads_shares_off_the_first_kind_only(self, paints):
        beside, stirred = (paints.estimated_shares(kind) for kind in paints.kinds)
        np.testing.assert_allclose(beside, paints.shares, atol=1e-9)
        assert np.abs(stirred - paints.shares).max() > 0.05


class TestReport:
    def test_exact_data_with_pure_pixels_are_unmixed_exactly(self):
        scene = datasets.make_mixture((15, 14), bands=30, snr=np.inf, random_state=2)
        made = study.report(scene, 3, methods=["separable", "pixels"])
        for result in made.results.values():
            assert result.angles.max() < 1e-3 and result.rmse < 1e-4 and result.error < 1e-6
            np.testing.assert_allclose(result.spectra, scene.spectra, rtol=1e-4)

    def test_order_and_scale_are_those_of_the_references(self, simulated):
        made = study.report(simulated, 3, methods=FAST)
        for result in made.results.values():
            order, _ = match_components(result.spectra, simulated.spectra)
            np.testing.assert_array_equal(order, np.arange(3))
            projected = np.sum(result.spectra * simulated.spectra, axis=0)
            np.testing.assert_allclose(projected, np.sum(simulated.spectra**2, axis=0))
            np.testing.assert_allclose(result.abundances.sum(axis=2), 1.0)
            documented = spectral_angle(result.spectra, simulated.spectra)
            np.testing.assert_allclose(result.angles, documented)
            gap = result.abundances - simulated.abundances
            assert result.rmse == pytest.approx(np.sqrt(np.mean(gap**2)))

    def test_abundances_are_in_the_units_of_the_references(self):
        scene = datasets.make_mixture((9, 9), bands=20, snr=np.inf, random_state=4)
        units = np.array([2.0, 1.0, 0.25])
        result = study.report(scene.cube, 3, spectra=scene.spectra * units, methods=["separable"])[
            "separable"
        ]
        expected = scene.abundances / units
        expected /= expected.sum(axis=2, keepdims=True)
        np.testing.assert_allclose(result.abundances, expected, atol=1e-5)

    def test_residual_map_and_relative_error_agree(self, simulated):
        result = study.report(simulated, 3, methods=["separable"])["separable"]
        norms = np.linalg.norm(simulated.cube, axis=2)
        total = np.sqrt(np.sum((result.residual * norms) ** 2)) / np.linalg.norm(norms)
        assert result.error == pytest.approx(total, rel=1e-6)
        assert result.residual.shape == simulated.cube.shape[:2]

    def test_a_cube_of_ones_own_without_references(self, simulated):
        made = study.report(simulated.cube.astype(np.float32), 3, methods=FAST)
        first, second = (made[name] for name in FAST[:2])
        assert first.angles is None and first.rmse is None and made.spectra is None
        assert set(made.rows[0]) == {"method", "residual (%)"}
        assert made.names == ("material 1", "material 2", "material 3")
        order, _ = match_components(second.spectra, first.spectra)
        np.testing.assert_array_equal(order, np.arange(3))
        assert study.report((1000 * simulated.cube).astype(np.uint16), 2, methods=["NMF"])

    def test_every_method_runs_on_a_small_image_of_another_shape(self):
        scene = datasets.make_mixture((9, 14), bands=20, rank=4, random_state=0)
        regions = np.zeros((9, 14), int)
        regions.flat[[3, 40, 41, 90, 120, 121]] = [1, 2, 2, 3, 4, 4]
        made = study.report(scene, 4, regions=regions)
        assert list(made.results)[-1] == "regions"
        assert len(made.results) == len(made.rows) == 7
        picked = {tuple(spectrum) for spectrum in np.round(made["regions"].spectra.T, 6)}
        assert len(picked) == 4
        again = study.report(scene, 4, regions=regions)
        for name, result in made.results.items():
            assert result.spectra.tobytes() == again[name].spectra.tobytes()

    def test_two_a_pixel_are_two_a_pixel_and_a_black_pixel_does_no_harm(self, simulated):
        cube = simulated.cube.copy()
        cube[2, 3] = 0.0
        made = study.report(cube, 3, methods=["two a pixel", "pixels"])
        assert np.count_nonzero(made["two a pixel"].abundances, axis=2).max() == 2
        for result in made.results.values():
            assert not result.abundances[2, 3].any() and result.residual[2, 3] == 0.0

    def test_inputs_are_never_modified(self, simulated):
        before = simulated.cube.copy()
        simulated.cube.flags.writeable = False
        study.report(simulated, 3, methods=FAST)
        simulated.cube.flags.writeable = True
        np.testing.assert_array_equal(simulated.cube, before)


class TestRefusals:
    def test_what_the_page_provokes_is_refused_in_sentences(self, simulated):
        scene = datasets.make_mixture((20, 20), smooth=2.0, random_state=0)
        rows = {
            row["spoiled by"]: row["what the report says"] for row in study.provoke_errors(scene)
        }
        assert len(rows) == 4
        assert "in 2 of its 100 bands (5, 20): leave these bands out" in rows["two bands of NaN"]
        assert "400 negative readings" in rows["an offset"]
        assert "must have shape (rows, cols, bands), got (400, 100)" in rows["a matrix"]
        assert 'order="F"' in rows["another order of pixels"]

    @pytest.mark.parametrize("shape", [(20, 20), (12, 25)])
    def test_every_wrong_order_is_named(self, shape):
        scene = datasets.make_mixture(shape, bands=30, smooth=2.0, random_state=3)
        cube, flat = scene.cube, scene.cube.reshape(-1, 30)
        by_columns = scene.cube.transpose(1, 0, 2).reshape(-1, 30)
        wrong = {
            'order="F"': by_columns.reshape(cube.shape),
            'order="C"': flat.reshape(shape[1], shape[0], 30).transpose(1, 0, 2),
            "upside down": cube[::-1],
            "mirrored": cube[:, ::-1],
            "180 degrees": cube[::-1, ::-1],
        }
        for remedy, spoiled in wrong.items():
            with pytest.raises(ValueError, match="are in different orders") as refusal:
                study.report(spoiled, 3, abundances=scene.abundances)
            square = shape[0] == shape[1] and "order" in remedy
            assert ("order=" if square else remedy) in str(refusal.value)

    def test_noise_and_unknown_orders_are_no_reason_to_refuse(self):
        scene = datasets.make_mixture((15, 15), bands=20, snr=0.0, random_state=1)
        assert study.report(scene, 3, methods=["separable"])["separable"].rmse < 1.0

    def test_other_mistakes(self, simulated):
        cube = simulated.cube
        with pytest.raises(ValueError, match=r"spectra must have shape \(60, 4\)"):
            study.report(simulated, 4)
        with pytest.raises(ValueError, match=r"abundances must have shape \(16, 16, 2\)"):
            study.report(cube, 2, abundances=simulated.abundances)
        with pytest.raises(ValueError, match="regions must be integers with 3 different positive"):
            study.report(cube, 3, regions=np.ones((16, 16), int))
        with pytest.raises(ValueError, match="each of methods must be one of"):
            study.report(cube, 3, methods=["regions"])
        with pytest.raises(TypeError, match="methods must be a sequence of names"):
            study.report(cube, 3, methods="NMF")
        with pytest.raises(ValueError, match="names must be 3, one for each material, got 2"):
            study.report(cube, 3, names=("a", "b"))
        with pytest.raises(ValueError, match="cube is empty"):
            study.report(cube[:0], 3)
        with pytest.raises(ValueError, match="cube is zero everywhere"):
            study.report(0 * cube, 3)
        scattered = cube.copy()
        scattered[4, 5] = np.inf
        with pytest.raises(ValueError, match="in every band, in 1 pixels"):
            study.report(scattered, 3)


class TestPurity:
    def test_shares_stay_below_the_limit(self):
        scene = study.make_limited_scene(0.6)
        assert scene.abundances.max() <= 0.6
        np.testing.assert_allclose(scene.abundances.sum(axis=2), 1.0)
        assert scene.cube.shape == (16, 16, 60) and scene.cube.min() >= 0

    def test_minimum_volume_holds_out_until_two_thirds(self, purities):
        pure, mixed, hopeless = purities.angles["minimum volume, sum to one"].mean(axis=1)
        assert max(pure, mixed) < 3.0 and hopeless > 8.0
        for method in ("separable", "pixels"):
            angles = purities.angles[method].mean(axis=1)
            assert angles[1] > 2 * mixed and np.all(np.diff(angles) > 0)

    def test_the_largest_share_on_the_inscribed_disc_is_two_thirds(self):
        turns = np.linspace(0.0, 2 * np.pi, 721)
        plane = np.linalg.qr(np.array([[1.0, 1, 1], [0, 1, 0], [0, 0, 1]]).T)[0][:, 1:]
        rim = 1 / 3 + plane @ np.stack([np.cos(turns), np.sin(turns)]) / np.sqrt(6)
        assert abs(rim.min()) < 1e-4 and rim.max() == pytest.approx(2 / 3, abs=1e-4)

    def test_below_it_the_triangle_on_its_head_is_smaller_and_found(self):
        scene = study.make_limited_scene(0.5, snr=np.inf)
        fit = study.report(scene, 3, methods=["minimum volume, sum to one"])
        upturned = scene.spectra @ (0.5 * (1.0 - np.eye(3)))
        found = fit["minimum volume, sum to one"].spectra
        near = spectral_angle(found[:, match_components(found, upturned)[0]], upturned)
        assert near.mean() < 3.0 < fit["minimum volume, sum to one"].angles.mean()

    def test_rows_are_means_over_seeds(self, purities):
        rows = {row["method"]: row for row in purities.rows(0.75)}
        assert rows["NMF"]["angle"] == pytest.approx(purities.angles["NMF"][1].mean())
        assert rows["NMF"]["± angle"] > 0 < rows["NMF"]["± RMSE"]


class TestShade:
    def test_a_lamp_that_varies_is_no_matter_of_sums_to_at_most_one(self, simulated):
        lamp = np.random.default_rng(1).uniform(0.3, 1.0, simulated.cube.shape[:2])
        made = study.report(
            simulated.cube * lamp[..., None], 3, spectra=simulated.spectra,
            abundances=simulated.abundances,
            methods=["minimum volume", "minimum volume, sum to one"],
        )  # fmt: skip
        assert made["minimum volume"].rmse < 0.5 * made["minimum volume, sum to one"].rmse


class TestWeights:
    def test_a_larger_weight_fits_worse_and_shrinks_the_triangle(self, path):
        errors = [result.error for result in path.results.values()]
        areas = [_area(path.corners[weight]) for weight in path.weights]
        assert errors[0] < errors[1] < errors[2] and areas[0] > areas[1] > areas[2]
        assert [row["weight"] for row in path.rows] == list(path.weights)

    def test_the_plane_holds_the_pixels_and_the_references(self, path, simulated):
        spread = simulated.cube.reshape(-1, 60)
        variance = np.var(path.pixels, axis=0).sum() / np.var(spread, axis=0).sum()
        assert variance > 0.95
        assert _area(path.reference) > _area(path.corners[1e-2])

    def test_starts_are_repeated_and_summarised(self, simulated):
        rows = study.repeat_starts(simulated, n_starts=2, step=2)
        assert [row.method for row in rows] == ["NMF", "minimum volume, sum to one", "pixels"]
        for row in rows:
            assert 0 < row.least_angle <= row.largest_angle
            assert 0 < row.least_RMSE <= row.largest_RMSE
        assert rows[1].largest_angle < 6.0


def _area(corners):
    (a, b), (c, d) = corners[1] - corners[0], corners[2] - corners[0]
    return 0.5 * abs(a * d - b * c)


class TestTissue:
    def test_absorbance_is_the_domain_and_volume_the_principle(self, tissue):
        angles = {(row["unmixed in"], row["method"]): row["mean angle"] for row in tissue.rows}
        assert angles["absorbance", "minimum volume"] < 9.0
        assert angles["absorbance", "minimum volume"] < 0.7 * angles["absorbance", "NMF"]
        assert angles["light", "NMF"] > 1.3 * angles["absorbance", "NMF"]
        assert angles["absorbance", "separable"] > 2 * angles["absorbance", "minimum volume"]


class TestFarm:
    def test_more_than_the_largest_crop_and_far_from_all(self, farm):
        for row in farm.rows:
            assert row["pixels named rightly (%)"] > 100 * farm.largest_class
            assert row["pixels named rightly (%)"] < 75
        assert farm.names[0] == "soybean, min till"

    def test_the_guesses_are_judged_where_nothing_was_told(self, farm):
        told = np.where(farm.surveyed, farm.labels, 0)
        assert farm.accuracy(told) == 0.0 and farm.accuracy(farm.labels) == 1.0
        assert 0.3 < farm.surveyed[farm.labels > 0].mean() < 0.7


class TestLakeAndShore:
    def test_the_shore(self, shore):
        made = study.report(shore, 3, regions=study.outline_materials(shore))
        shares = {name: result.rmse for name, result in made.results.items()}
        assert min(shares, key=shares.get) == "minimum volume, sum to one"
        assert shares["minimum volume, sum to one"] < 0.5 * shares["separable"]
        assert shares["minimum volume, sum to one"] < 0.6 * shares["minimum volume"]
        assert min(made.results.values(), key=lambda r: r.error).method == "NMF"
        assert made["minimum volume, sum to one"].angles[1:].max() < 8.0

    def test_the_lake(self, lake):
        methods = ["NMF", "minimum volume", "minimum volume, sum to one", "regions"]
        made = study.report(lake, 3, regions=study.outline_materials(lake), methods=methods)
        shares = {name: result.rmse for name, result in made.results.items()}
        assert min(shares, key=shares.get) == "regions" and shares["regions"] < 0.03
        assert shares["minimum volume"] < 0.7 * shares["minimum volume, sum to one"]
        assert made["minimum volume, sum to one"].error > 1.1 * made["minimum volume"].error
        assert min(made.results.values(), key=lambda r: r.error).method == "NMF"

    def test_pixels_read_row_by_row_are_refused(self, lake):
        with pytest.raises(ValueError, match="if the cube is read column by column"):
            study.report(lake.cube.transpose(1, 0, 2), 3, abundances=lake.abundances)


class TestPictures:
    def test_every_colour_follows_the_theme_and_every_frame_is_light(
        self, paints, simulated, path, purities, tissue, farm
    ):
        draw = viz.spectral_unmixing
        pictures = [
            draw.paints(paints, 0.5),
            draw.maps(study.report(simulated, 3, methods=FAST), FAST),
            draw.maps(study.report(simulated.cube, 3, methods=FAST[:1]), FAST[:1]),
            draw.cloud(path, 1e-3),
            draw.purities(purities),
            draw.tissue(tissue, "NMF"),
            draw.farm(farm, "regions"),
        ]
        for picture in pictures:
            assert picture.strays() == ()
            assert len(picture.svg()) < 150_000

    def test_descriptions_state_the_numbers(self, path, farm, paints):
        draw = viz.spectral_unmixing
        assert f"{path.results[1e-2].rmse:.3f}" in draw.cloud(path, 1e-2).alt
        assert f"{farm.accuracy(farm.guesses['NMF']):.0%} are right" in draw.farm(farm, "NMF").alt
        assert "75% of the second" in draw.paints(paints, 0.75).alt
