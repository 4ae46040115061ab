"""What the chapter on sets of nonnegative factorisations claims."""

import numpy as np
import pytest

from multiconvex import feasible_set, uniqueness_report, viz
from multiconvex.models.nmf import nmf
from multiconvex.studies import unique_factors as study


@pytest.fixture(scope="module")
def reaction():
    return study.make_reaction()


@pytest.fixture(scope="module")
def starts(reaction):
    return study.collect_starts(reaction.X, starts=60)


@pytest.fixture(scope="module")
def recordings():
    return study.watch_from([0, 0.2, 0.4, 0.8, 1.2])


@pytest.fixture(scope="module")
def seen():
    return study.look_at_mixtures()


class TestReaction:
    def test_concentrations_solve_the_rate_equations(self):
        dense = study.make_reaction(instants=4001)
        slopes = np.gradient(dense.H, dense.times, axis=0)[1:-1]
        a, b, _ = dense.H[1:-1].T
        np.testing.assert_allclose(slopes[:, 0], -a, atol=1e-5)
        np.testing.assert_allclose(slopes[:, 1], a - 0.45 * b, atol=1e-5)
        np.testing.assert_allclose(dense.H.sum(axis=1), 1.0)

    def test_spectra_are_nonnegative_and_the_data_exact(self, reaction):
        assert reaction.W.min() == 0.0
        np.testing.assert_allclose(reaction.X, reaction.W @ reaction.H.T)
        noisy = study.make_reaction(noise=0.01, random_state=1)
        assert (noisy.X - reaction.X).std() == pytest.approx(0.01 * reaction.X.max(), rel=0.05)


class TestStarts:
    def test_exact_fits_disagree_and_are_all_inside(self, starts, reaction):
        assert len(starts.found) > 10
        assert starts.inside == len(starts.found)
        for W in starts.found:
            weights = np.linalg.lstsq(W, reaction.X, rcond=None)[0]
            assert np.abs(W @ weights - reaction.X).max() < 1e-10
        assert np.ptp(starts.found.max(axis=(1, 2))) > 1e-3


class TestRecordings:
    def test_the_set_grows_and_its_parts_join(self, recordings):
        areas = [record.solutions.area for record in recordings.values()]
        assert areas == sorted(areas) and areas[-1] > 20 * areas[0]
        counts = [len(record.solutions.parts) for record in recordings.values()]
        assert counts == [3, 3, 3, 3, 1]
        assert recordings[1.2].solutions.parts[0].encloses

    def test_true_spectra_are_in_their_bands(self, recordings):
        for record in recordings.values():
            W = record.reaction.W
            assert record.solutions.contains(W)
            assert (record.lower <= W + 1e-6).all() and (record.upper + 1e-6 >= W).all()


class TestKnownCases:
    def test_every_case_is_as_theory_says(self):
        found = {row.data: (row.parts, row.fixed_components) for row in study.list_known_cases()}
        assert found == {
            "pure": (3, 3),
            "touching": (3, 3),
            "blocks": (3, 1),
            "two answers": (6, 0),
            "wide": (1, 0),
            "none": (0, 0),
        }

    def test_cases_have_rank_three_and_one_is_reducible(self):
        for name in ("pure", "touching", "blocks", "two answers", "wide", "none"):
            X = study.make_case(name)
            assert np.linalg.matrix_rank(X) == 3 and X.min() >= 0
        blocks = study.make_case("blocks")
        assert not blocks[:3, 4:].any() and not blocks[3:, :4].any()
        with pytest.raises(ValueError, match="name must be one of"):
            study.make_case("other")

    def test_the_classical_coordinate_vanishes_on_reducible_data(self):
        left = np.linalg.svd(study.make_case("blocks"))[0]
        assert np.abs(left[3:, 0]).max() < 1e-12

    def test_brute_force_agrees(self):
        wide = feasible_set(study.make_case("wide"), 3)
        brute = study.compare_with_triangles(wide, drawn=20_000)
        assert brute.between > 500 and brute.outside == 0
        assert brute.sampled_area == pytest.approx(brute.area, rel=0.02)

    def test_the_ring_is_not_convex(self):
        wide = feasible_set(study.make_case("wide"), 3)
        ring = wide.parts[0].near
        assert wide.slack([0.5 * (ring[0] + ring[len(ring) // 2])])[0] < 0


class TestRankFour:
    def test_the_true_factors_are_inside_and_the_fit_is_not_unique(self):
        X, W, H = study.make_four_species()
        solutions = feasible_set(X, 4)
        assert solutions.contains(W)
        assert (solutions.spread > 0).all()
        np.testing.assert_allclose(W @ H.T, X)

    def test_pure_rows_and_columns_make_the_fit_isolated(self):
        _, W, H = study.make_four_species()
        pure = np.vstack([np.eye(4), W]) @ np.vstack([np.eye(4), H]).T
        fit = nmf(pure, 4, max_iter=3000, tol=1e-12, random_state=0)
        assert set(uniqueness_report(fit).verdicts) == {"isolated"}


class TestNoise:
    def test_the_truth_is_inside_unless_noise_is_clipped(self):
        rows = study.measure_noise(seeds=4)
        for row in rows:
            assert row.truth_inside == "4 of 4"
            assert row.area > row.area_without_noise
        assert [row.after_clipping for row in rows if row.data == "many zeros"] == ["0 of 4"] * 2

    def test_sparse_mixtures_have_many_zeros(self):
        X, W = study.make_sparse_mixture()
        assert (W == 0).mean() > 0.3 and X.min() >= 0


class TestMixtures:
    def test_two_mixtures_allow_the_reference_spectra(self, seen):
        assert seen.contains_reference
        assert len(seen.names) == 3
        assert 1 < seen.angles.max() < 90


class TestPictures:
    def test_every_colour_follows_the_theme_and_every_frame_is_light(
        self, starts, reaction, recordings, seen
    ):
        draw = viz.unique_factors
        two = feasible_set(study.make_case("two answers"), 3)
        pair = feasible_set(reaction.W[:, :2] @ reaction.H[:, :2].T, 2)
        pictures = [
            draw.fits(starts, reaction),
            draw.recording(recordings, 0.4),
            draw.recording(recordings, 1.2),
            draw.mixtures(seen),
            draw.feasible(two, two.complete([two.parts[0].near[0]])),
            pair.plot(),
            feasible_set(study.make_four_species()[0], 4).plot(),
            feasible_set(study.make_case("none"), 3).plot(),
        ]
        for picture in pictures:
            assert picture.strays() == ()
            assert len(picture.svg()) < 150_000

    def test_descriptions_state_the_numbers(self, recordings):
        alt = viz.unique_factors.recording(recordings, 1.2).alt
        assert f"a ring of area {recordings[1.2].solutions.area:.3g}" in alt
