"""What the chapter on several dictionaries claims."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from multiconvex import (
    PickedAtoms,
    datasets,
    multiple_dictionaries,
    nnls,
    spectral_angle,
    viz,
)
from multiconvex.studies import several_dictionaries as study

ROOT = Path(__file__).resolve().parents[2]
BOUNDS = (1.0, 0.9, 0.8, 0.7, 0.6)


@pytest.fixture(scope="module")
def fields():
    return datasets.load_indian_pines()


@pytest.fixture(scope="module")
def fit(fields):
    return multiple_dictionaries(
        fields.matrix,
        [region.pixels(fields) for region in study.SOURCE],
        [region.count for region in study.SOURCE],
        n_starts=5,
        random_state=0,
    )


@pytest.fixture(scope="module")
def found(fields, fit):
    return study.locate(fields, study.SOURCE, fit)


@pytest.fixture(scope="module")
def separable(fields):
    return study.unmix_separable(fields, 5)


@pytest.fixture(scope="module")
def presets(fields, found):
    drawn = study.draw_presets(fields)
    others = {name: study.unmix(fields, regions, n_starts=2) for name, regions in drawn.items()}
    return {"as the source cuts them": found} | others


@pytest.fixture(scope="module")
def own(fields):
    return study.unmix(fields, study.FIELDS)


@pytest.fixture(scope="module")
def case(fields):
    return study.read_printed_positions(fields)


def real(name):
    data = datasets.load_or_simulate(name)
    if data.origin != "fetched":
        pytest.skip(f"the scene {name} is not on this machine: set MULTICONVEX_DATA")
    return data


@pytest.fixture(scope="module")
def lake():
    return real("samson")


@pytest.fixture(scope="module")
def shore():
    return real("moffett")


@pytest.fixture(scope="module")
def compared(lake, shore):
    return {
        "Samson": study.compare_starts(lake, 6),
        "Moffett Field": study.compare_starts(shore, 16),
    }


@pytest.fixture(scope="module")
def extremes(lake, shore):
    return {data.name: study.score(data, study.unmix_separable(data, 3)) for data in (lake, shore)}


@pytest.fixture(scope="module")
def cases(lake):
    drawn = study.DRAWN["Samson"]
    return {bound: study.spoil_region(lake, drawn, 1, bound) for bound in BOUNDS}


@pytest.fixture(scope="module")
def small():
    """A scene that needs no file, with one pure pixel of each material."""
    return datasets.make_mixture((12, 15), bands=40, snr=np.inf, random_state=0)


def around(place, shape):
    """A region of a few pixels that contains a place."""
    (row, col), (rows, cols) = place, shape
    return study.Region(
        (max(row - 1, 0), min(row + 2, rows)), (max(col - 2, 0), min(col + 1, cols))
    )


@pytest.fixture(scope="module")
def pure(small):
    """Row and column of the pure pixels of the small scene."""
    return np.stack(
        [np.unravel_index(m.argmax(), m.shape) for m in np.moveaxis(small.abundances, 2, 0)]
    )


class TestRegions:
    def test_pixels_and_places_agree(self, fields):
        region = study.SOURCE[3]
        pixels = region.pixels(fields)
        assert pixels.shape == (200, 10320) and region.count == 2
        numbers = np.array([0, 85, 86, 2150, 10319])
        rows, cols = region.places(numbers).T
        np.testing.assert_array_equal(pixels[:, numbers], fields.cube[rows, cols].T)
        assert (rows[-1], cols[-1]) == (129, 89)

    def test_swapping_twice_changes_nothing(self):
        for region in study.SOURCE:
            assert region.swapped().swapped() == region
            assert region.swapped().rows == region.cols

    def test_two_regions_of_the_source_lie_in_a_third(self):
        big = study.SOURCE[3]
        for region in study.SOURCE[1:3]:
            for side, outer in ((region.rows, big.rows), (region.cols, big.cols)):
                assert outer[0] <= side[0] and side[1] <= outer[1]

    def test_every_preset_holds_five_pixels(self, fields):
        for regions in (*study.draw_presets(fields).values(), study.SOURCE, study.FIELDS):
            assert sum(region.count for region in regions) == 5
            for region in regions:
                assert region.pixels(fields).shape[1] > 0

    def test_quarters_cover_the_image_once(self, fields):
        covered = np.zeros(fields.cube.shape[:2], int)
        for region in study.draw_presets(fields)["four quarters"]:
            region.crop(covered)[...] += 1
        assert (covered == 1).all()

    def test_pure_pixels_of_regions_are_located_and_explain_exact_data(self, small, pure):
        regions = [around(place, small.cube.shape[:2]) for place in pure]
        purest = [
            region.crop(small.abundances)[..., k].argmax() for k, region in enumerate(regions)
        ]
        fit = multiple_dictionaries(
            small.matrix,
            [region.pixels(small) for region in regions],
            (1, 1, 1),
            init=np.column_stack([np.arange(3), purest]),
            n_starts=1,
        )
        unmixing = study.locate(small, regions, fit)
        np.testing.assert_array_equal(unmixing.places, pure)
        np.testing.assert_allclose(unmixing.maps, small.abundances, atol=1e-6)
        assert unmixing.relative_error < 1e-6
        scored = study.score(small, unmixing)
        assert scored.angles.max() < 1e-6 and scored.rmse < 1e-6

    def test_successive_projections_find_the_same_pixels(self, small, pure):
        unmixing = study.unmix_separable(small, 3).in_order_of(small.spectra)
        np.testing.assert_array_equal(unmixing.places, pure)
        np.testing.assert_allclose(unmixing.maps, small.abundances, atol=1e-6)

    def test_scores_ignore_order_and_scale(self, small):
        unmixing = study.unmix(small, [study.whole_image(small, 3)], n_starts=1)
        scales, order = np.array([2.0, 0.5, 7.0]), [2, 0, 1]
        other = replace(
            unmixing,
            spectra=(unmixing.spectra * scales)[:, order],
            maps=(unmixing.maps / scales)[..., order],
        )
        one, two = study.score(small, unmixing), study.score(small, other)
        np.testing.assert_allclose(one.angles, two.angles)
        assert one.rmse == pytest.approx(two.rmse)


class TestPairing:
    def test_only_the_transportation_problem_is_always_right(self):
        in_order, assigned, transported = study.compare_pairings()
        total = transported.best
        assert (total, transported.repeated, transported.worse) == (200, 0, 0)
        for rule in (in_order, assigned):
            assert rule.best + rule.repeated + rule.worse == total
        assert in_order.best < 0.1 * total and in_order.loss > 0.1
        assert assigned.repeated > 0.2 * total and assigned.worse == 0

    def test_two_dictionaries_may_give_one_pixel_twice_and_one_may_not(self):
        columns = np.array([[1.0, 0.9], [0.0, 0.1], [0.0, 0.1]])
        columns /= np.linalg.norm(columns, axis=0)
        shared, both = np.eye(3), PickedAtoms((np.eye(3), np.eye(3)), counts=(1, 1))
        assert both.picks(columns)[:, 1].tolist() == [0, 0]
        assert len(set(PickedAtoms((shared,), counts=(2,)).picks(columns)[:, 1])) == 2

    def test_sweeps_do_no_better_than_dice_in_small_scenes(self):
        search = study.search_every_choice()
        assert search.choices == 216
        medians = {way: np.median(excess) for way, excess in search.excess.items()}
        assert all(excess.min() > -1e-9 for excess in search.excess.values())
        assert medians["random choices"] <= medians["ten starts"] < medians["one start"]
        np.testing.assert_array_equal(
            search.regressions["ten starts"], search.regressions["random choices"]
        )
        assert [row["search"] for row in search.rows] == list(search.excess)


class TestFields:
    def test_every_start_beats_every_random_choice(self, fields, fit):
        dice = study.try_random_pixels(fields, study.SOURCE)
        ends = [study.relative_error(fields, end) for end in fit.starts]
        assert len(dice) == 40 and (np.diff(dice) >= 0).all()
        assert max(ends) < dice[0]

    def test_regions_and_the_whole_image_leave_less_than_snpa(self, presets, found, separable, own):
        errors = {name: unmixing.relative_error for name, unmixing in presets.items()}
        assert max(errors.values()) < own.relative_error < 0.75 * separable.relative_error
        assert errors["the whole image"] < found.relative_error + 1e-3

    def test_places_lie_in_their_regions_within_the_counts(self, presets, own):
        for unmixing in (*presets.values(), own):
            for owner, (row, col) in zip(unmixing.owners, unmixing.places):
                region = unmixing.regions[owner]
                assert region.rows[0] <= row < region.rows[1]
                assert region.cols[0] <= col < region.cols[1]
            used = np.bincount(unmixing.owners, minlength=len(unmixing.regions))
            assert (used == [region.count for region in unmixing.regions]).all()

    def test_the_residual_is_that_of_the_located_pixels(self, fields, found):
        W = found.spectra
        direct = fields.matrix - W @ found.maps.reshape(-1, 5).T
        assert np.linalg.norm(direct) / np.linalg.norm(fields.matrix) == pytest.approx(
            found.relative_error
        )
        refit = nnls(W, fields.matrix)
        assert study.relative_error(fields, refit.objective) == pytest.approx(found.relative_error)

    def test_snpa_goes_for_extremes(self, fields, separable):
        norms = np.linalg.norm(fields.cube.astype(float), axis=2)
        rows, cols = separable.places.T
        assert norms[rows, cols].min() == norms.min()
        ground = [fields.names[label] for label in fields.labels[rows, cols]]
        assert ground.count("stone, steel, towers") == 2
        steps = np.abs(np.diff(separable.spectra, 2, axis=0)).max(axis=0)
        usual = np.abs(np.diff(fields.cube.astype(float), 2, axis=2)).max(axis=2)
        assert (steps > np.quantile(usual, 0.999)).any()

    def test_two_maps_of_snpa_are_almost_empty(self, found, separable):
        means = np.sort(separable.maps.mean(axis=(0, 1)))
        assert means[1] < 0.05 < found.maps.mean(axis=(0, 1)).min()

    def test_the_regions_that_the_reader_edits_are_those_tested_here(self):
        page = (ROOT / "chapters/theory/several_dictionaries.md").read_text(encoding="utf-8")
        for region in study.FIELDS:
            assert f"study.Region(rows={region.rows}, cols={region.cols})," in page

    def test_regions_1_and_3_both_mean_woods(self, fields, found):
        strongest = [
            row["survey where the map is strongest"] for row in study.describe_picks(fields, found)
        ]
        assert strongest[0] == strongest[2] == "woods"
        spectra = [region.pixels(fields).mean(axis=1) for region in study.SOURCE]
        assert spectral_angle(spectra[0], spectra[2]) < 3 < spectral_angle(spectra[0], spectra[1])

    def test_only_one_field_each_can_be_read(self, fields, own, presets, separable):
        def agreeing(unmixing):
            rows = study.describe_picks(fields, unmixing)
            return sum(
                row["survey there"] == row["survey where the map is strongest"] for row in rows
            )

        assert agreeing(own) == 5
        assert max(map(agreeing, (*presets.values(), separable))) < 5


class TestTruth:
    def test_regions_beat_snpa_by_a_factor_of_two(self, compared, extremes):
        for name, kinds in compared.items():
            angles = [scored.angles.mean() for scored in kinds["regions"]]
            assert 2 * max(angles[0], np.median(angles)) < extremes[name].angles.mean()
            assert kinds["regions"][0].rmse < extremes[name].rmse

    def test_the_whole_image_misleads_most_starts_at_the_lake(self, compared):
        angles = {
            kind: np.array([scored.angles.mean() for scored in scores])
            for kind, scores in compared["Samson"].items()
        }
        assert np.median(angles["whole image"]) > 5 > 2 * max(angles["regions"])
        assert angles["whole image"][0] == pytest.approx(angles["regions"][0], abs=0.2)

    def test_the_least_residual_is_not_the_truest(self, compared):
        kinds = compared["Moffett Field"]
        best, whole = kinds["regions"][0], kinds["whole image"][0]
        assert whole.unmixing.relative_error < best.unmixing.relative_error
        assert whole.angles.mean() > 1.5 * best.angles.mean()

    def test_a_stand_in_is_scored_with_the_smaller_rectangles(self):
        scene = datasets.make_mixture((50, 50), bands=20, random_state=0)
        kinds = study.compare_starts(scene, 2)
        assert kinds["regions"][0].unmixing.regions == study.DRAWN["Moffett Field"]
        assert [len(scores) for scores in kinds.values()] == [2, 2]

    def test_starts_are_ordered_and_summarised(self, compared, extremes):
        for kinds in compared.values():
            for scores in kinds.values():
                errors = [scored.unmixing.relative_error for scored in scores]
                assert errors == sorted(errors)
        rows = study.summarise_scores(compared, extremes)
        assert len(rows) == 6 and {row["dictionary"] for row in rows} == {
            "regions",
            "whole image",
            "SNPA",
        }

    def test_means_of_regions_are_good_where_a_region_is_pure(self, lake, shore):
        for data, bad in ((lake, ()), (shore, (2,))):
            regions = study.DRAWN[data.name]
            means = np.column_stack([region.pixels(data).mean(axis=1) for region in regions])
            angles = spectral_angle(means, data.spectra)
            for k, region in enumerate(regions):
                purity = region.crop(data.abundances)[..., k].mean()
                assert (angles[k] > 10) == (purity < 0.6) == (k in bad)


class TestWrongPlace:
    def test_the_printed_pixels_swap_rows_and_columns_twice(self, case):
        """The printed numbers count pixels along zx first, and put them at (zx, zy) of a plot."""
        atoms = (119, 13, 64, 2150, 2289)
        owners = [study.SOURCE[i] for i in (0, 1, 2, 3, 3)]
        for region, atom, (row, col) in zip(owners, atoms, case.printed):
            across, down = atom % np.ptp(region.rows), atom // np.ptp(region.rows)
            assert (row, col) == (region.cols[0] + down, region.rows[0] + across)
        for region, swapped in zip(case.cut, case.drawn):
            assert swapped == region.swapped() != region

    def test_the_computed_pixels_explain_what_the_source_reports(self, case):
        assert 2.0e-4 < case.mse < 2.2048e-4
        assert case.printed_error > 1.5 * case.error
        assert case.angles.min() > 3 and case.angles.max() > 19

    def test_region_3_is_bright_where_drawn_and_dark_where_cut(self, fields, case):
        preview = fields.preview()
        cut, drawn = (regions[2].crop(preview).mean() for regions in (case.cut, case.drawn))
        assert drawn > 2 * cut


class TestSpoiled:
    def test_the_angle_and_the_residual_grow_as_pure_pixels_go(self, cases):
        angles = [case.angle for case in cases.values()]
        errors = [case.relative_error for case in cases.values()]
        assert (np.diff(angles) > 0).all() and (np.diff(errors) > 0).all()
        assert angles[0] < 2 and angles[-1] > 10 and errors[-1] > 3.5 * errors[0]
        for bound, case in cases.items():
            assert case.purest <= bound and case.owner == 1

    def test_the_residual_is_large_where_the_trees_are_pure(self, lake, cases):
        trees = lake.abundances[..., 1] > 0.9
        residual = cases[0.6].residual
        assert residual[trees].mean() > 5 * residual[lake.abundances[..., 1] < 0.1].mean()

    def test_a_spare_dictionary_replaces_the_spoiled_region(self, lake, cases):
        rescued = study.spoil_region(lake, study.DRAWN["Samson"], 1, 0.6, spare=1)
        assert rescued.owner == 3 and rescued.pixels == cases[0.6].pixels
        assert rescued.angle < 2 and rescued.relative_error < 1.1 * cases[1.0].relative_error


class TestPictures:
    def test_every_picture_follows_the_theme(self, fields, found, separable, case):
        figures = viz.several_dictionaries
        drawn = (
            figures.question(fields, study.SOURCE),
            figures.picks(fields, found, separable),
            figures.maps(found, separable),
            figures.misplaced(fields, case),
        )
        for picture in drawn:
            assert picture.strays() == ()
        assert "4.26%" in drawn[1].alt and "(100, 111)" in drawn[1].alt

    def test_starts_and_spoiled_regions_are_drawn_without_files(self, small, pure):
        regions = tuple(around(place, small.cube.shape[:2]) for place in pure)
        scored = study.score(small, study.unmix(small, regions, n_starts=1))
        picture = viz.several_dictionaries.starts({"A": {"regions": (scored,)}}, {"A": scored})
        assert "A, regions: 1 fits" in picture.alt
        cases = {0.9: study.spoil_region(small, regions, 0, 0.9, n_starts=2)}
        picture = viz.several_dictionaries.spoiled(small, regions[0], cases, 0.9)
        assert f"{cases[0.9].angle:.2f} degrees" in picture.alt
        assert cases[0.9].purest <= 0.9
