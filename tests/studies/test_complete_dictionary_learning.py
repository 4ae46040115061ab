"""What the chapter on complete dictionary learning claims."""

from fractions import Fraction
from itertools import combinations
from math import ceil, floor

import numpy as np
import pytest

from multiconvex import (
    ADMM,
    SupportEnumeration,
    complete_dictionary,
    identifiability_bound,
    match_components,
    viz,
)
from multiconvex.studies import complete_dictionary_learning as study

SOLVERS = {"enumeration": "enumeration", "ADMM": "admm", "IHT": "iht"}
TURNS = range(4, 29, 4)


@pytest.fixture(scope="module")
def samples():
    return study.make_samples()


@pytest.fixture(scope="module")
def fit(samples):
    return complete_dictionary(samples.X, 3, 2, random_state=0)


@pytest.fixture(scope="module")
def few():
    return {name: study.repeat_experiment(name, update, 0.8) for name, update in SOLVERS.items()}


@pytest.fixture(scope="module")
def many():
    return {name: study.repeat_experiment(name, update, 2.0) for name, update in SOLVERS.items()}


@pytest.fixture(scope="module")
def diagram():
    return study.map_recovery()


@pytest.fixture(scope="module")
def page():
    return study.learn_page()


class TestQuestion:
    def test_each_sample_mixes_two_atoms_and_each_facet_has_four(self, samples):
        assert samples.X.shape == (3, 12)
        assert np.all(np.count_nonzero(samples.codes, axis=0) == 2)
        assert samples.facets.sum(axis=1).tolist() == [4, 4, 4]
        assert samples.codes.min() < 0 < samples.codes.max()

    def test_the_atoms_come_back(self, samples, fit):
        assert match_components(fit.dictionary, samples.dictionary)[1].min() > 1 - 1e-12

    def test_some_starts_are_stuck_with_either_update(self, samples, fit):
        other = complete_dictionary(samples.X, 3, 2, update=ADMM(steps=10), random_state=0)
        same = complete_dictionary(samples.X, 3, 2, update=SupportEnumeration(), random_state=0)
        np.testing.assert_array_equal(same.starts, fit.starts)
        for run in (fit, other):
            assert 0 < (run.starts < 1e-18).sum() < 5 and len(run.starts) == 10


class TestFacets:
    def test_a_sample_is_on_as_many_facets_as_its_code_has_zeros(self):
        for row in study.count_facets():
            assert row.facets == 8 and row.of_a_sample == str(8 - row.k)

    def test_facets_are_found_from_the_samples(self):
        model = study.draw_model(6, 2, 50, random_state=3)
        np.testing.assert_array_equal(model.facets, model.codes == 0.0)

    def test_an_atom_is_the_intersection_of_the_other_facets_not_of_the_first_ones(self):
        dictionary = study.draw_model(5, 2, 10, random_state=0).dictionary
        normals = np.linalg.inv(dictionary)
        for i, atom in enumerate(dictionary.T):
            others = np.delete(normals, i, axis=0)
            np.testing.assert_allclose(others @ atom, 0.0, atol=1e-12)
            assert np.linalg.matrix_rank(others) == 4
            assert np.abs(normals[: i + 1] @ atom).max() > 0.5

    def test_counts(self):
        for row in study.count_facets():
            per_facet = floor(Fraction(48, 8 - row.k)) + 1
            assert row.per_facet == per_facet
            assert row.sufficient == ceil(Fraction(8 * per_facet, 8 - row.k))
            assert row.necessary == ceil(Fraction(56, 8 - row.k)) <= row.sufficient
        assert study.count_facets()[-1].sufficient == 8 * 49

    def test_sixteen_even_samples_put_exactly_ten_on_every_facet(self):
        bound = identifiability_bound(8, 3)
        assert bound == (10, 16)
        model = study.draw_model(8, 3, bound.samples, even=True, random_state=0)
        assert set(model.facets.sum(axis=1)) == {bound.per_facet}


class TestTriangles:
    def test_how_many_triangles_carry_the_points(self):
        counted = {row.points: (row.fewest, row.most) for row in study.count_explanations()}
        assert list(counted.values()) == [(15, 15), (1, 1), (2, 2), (1, 1), (1, 1)]

    def test_the_fifteen_triangles_are_the_pairings_of_six_points(self):
        points = study.place_points((2, 2, 2), random_state=1)
        found = study.find_triangles(points)
        pairings = {
            frozenset(frozenset(np.flatnonzero(line @ points.T == 0)) for line in sides)
            for sides in found
        }
        assert len(pairings) == len(found) == 15
        assert all(len(pair) == 2 for pairing in pairings for pair in pairing)

    @pytest.mark.parametrize("turn", TURNS)
    def test_two_triangles_share_nine_points_exactly(self, turn):
        crossing = study.cross_triangles(turn)
        assert crossing.turn == pytest.approx(turn, abs=0.2)
        assert all(isinstance(entry, int) for entry in crossing.points.ravel())
        flat = [(one[:, :2] / one[:, 2:]).astype(float) for one in crossing.corners]
        sides = [np.linalg.norm(one - np.roll(one, 1, axis=0), axis=1) for one in flat]
        np.testing.assert_allclose(*sides)
        assert crossing.on_sides.tolist() == [[3, 3, 3], [3, 3, 3]]
        for one, two in combinations(crossing.points, 2):
            assert any(one[i] * two[j] != one[j] * two[i] for i, j in ((0, 1), (0, 2), (1, 2)))
        assert len(study.find_triangles(crossing.points)) == 2
        assert crossing.between_corners <= 6

    def test_both_are_exact_dictionaries_with_two_atoms_in_each_sample(self):
        crossing = study.cross_triangles(16)
        X = (crossing.points / crossing.points[:, 2:]).astype(float).T
        dictionaries = [corners.T.astype(float) for corners in crossing.corners]
        for dictionary in dictionaries:
            codes = np.linalg.solve(dictionary, X)
            codes[np.abs(codes) < 1e-12 * np.abs(codes).max(axis=0)] = 0.0
            assert np.all(np.count_nonzero(codes, axis=0) == 2)
            np.testing.assert_allclose(dictionary @ codes, X, atol=1e-10)
        assert match_components(*dictionaries)[1].min() < 0.99

    def test_between_corners_of_both_needs_nonnegative_weights(self):
        crossing = study.cross_triangles(16)
        weights = [
            np.linalg.solve(corners.T.astype(float), crossing.points.T.astype(float))
            for corners in crossing.corners
        ]
        signs = np.sign(crossing.points[:, 2].astype(float))
        positive = np.all([w * signs > -1e-6 for w in weights], axis=(0, 1))
        assert crossing.between_corners == positive.sum() == 6

    def test_the_solver_ends_at_both(self):
        ends = study.fit_crossing(study.cross_triangles(24))
        assert ends.first > 0 < ends.second
        assert ends.first + ends.second + ends.elsewhere == ends.starts


class TestNecessary:
    def test_a_facet_with_too_few_samples_tilts(self):
        tilt = study.tilt_facet()
        assert tilt.on_facet == 6 and tilt.same_supports
        assert tilt.residual < 1e-14 and tilt.angle > 10

    def test_no_draw_of_twelve_samples_spans_every_facet_but_even_ones_do(self, few):
        assert not few["enumeration"].pinned.any()
        even = [study.draw_model(8, 3, 12, True, random_state=s).pinned for s in range(20)]
        assert np.mean(even) > 0.5
        assert not any(study.draw_model(8, 3, 11, True, random_state=s).pinned for s in range(20))


class TestExperiment:
    def test_no_update_recovers_from_twelve_random_samples(self, few):
        for run in few.values():
            assert len(run.angles) == 20 and not run.recovered.any()

    def test_the_exact_update_recovers_at_twice_the_bound_and_leads(self, many):
        recovered = {name: int(run.recovered.sum()) for name, run in many.items()}
        assert recovered["enumeration"] >= 18
        assert 0 < recovered["IHT"] < recovered["enumeration"] - 8
        assert 0 < recovered["ADMM"] < recovered["enumeration"] - 8
        assert all(run.pinned.all() for run in many.values())

    def test_right_supports_do_not_make_a_right_dictionary(self, few):
        run = few["enumeration"]
        assert run.row["only supports"] >= 5
        assert run.angles[run.f_measures == 1.0].min() > 1.0

    def test_below_the_bound_is_not_never(self):
        even = study.repeat_experiment("enumeration", "enumeration", 0.8, even=True, max_iter=1000)
        assert even.recovered.sum() >= 3
        assert even.pinned[even.recovered].all()

    def test_the_printed_error_is_a_root_mean_square(self, many):
        for run in many.values():
            np.testing.assert_allclose(run.relative / run.rmse, np.sqrt(8), rtol=1e-9)

    def test_at_twice_the_bound_over_twenty_seeds_the_start_decides_nothing_else(self, many):
        right = many["enumeration"].recovered
        assert np.all(many["enumeration"].f_measures[right] == 1.0)


class TestPhases:
    def test_nothing_comes_back_where_a_facet_is_not_spanned(self, diagram):
        assert diagram.share([0] * 4, diagram.necessary) == 0.0

    def test_nearly_all_come_back_above_the_bound(self, diagram):
        assert diagram.share(diagram.sufficient, [np.inf] * 4) > 0.95
        assert 0.2 < diagram.share(diagram.necessary, diagram.sufficient) < 0.8

    def test_the_counts_are_those_of_the_theorem(self, diagram):
        assert diagram.sufficient == (5, 10, 20, 80)
        assert diagram.necessary == (5, 7, 10, 20)


class TestBlind:
    def test_whitening_and_samples_help(self):
        rows = study.search_blindly()
        assert [row.samples for row in rows] == [32, 64, 128]
        assert [row.random for row in rows] == [0, 0, 0]
        assert rows[0].whitened == 0 < rows[1].whitened < rows[2].whitened
        assert rows[2].whitened >= 80


class TestPage:
    def test_learned_atoms_lead_on_the_unseen_half_for_every_number_of_atoms(self, page):
        for k, error in page.errors["learned"].items():
            assert error < page.errors["cosines"][k]
            assert error < page.errors["principal axes"][k]
        assert page.gain > 2

    def test_errors_are_those_of_the_best_support(self, page):
        rng = np.random.default_rng(0)
        patch = rng.standard_normal(16)
        patch -= patch.mean()
        cosines = page.dictionaries["cosines"]
        np.testing.assert_allclose(cosines.T @ cosines, np.eye(15), atol=1e-12)
        np.testing.assert_allclose(cosines @ (cosines.T @ patch), patch, atol=1e-12)

    def test_the_atoms_are_not_reproduced_by_the_other_half(self, page):
        assert 0.6 < page.agreement < 0.9
        assert page.n_samples > 50 * identifiability_bound(15, 3).samples

    def test_images_are_those_of_the_page(self, page):
        original, cosines, learned = page.images.values()
        rms = [np.sqrt(np.mean((image - original) ** 2)) for image in (cosines, learned)]
        assert 0 < rms[1] < rms[0]


class TestExercises:
    def test_ten_points_are_enough(self):
        for seed in range(10):
            assert len(study.find_triangles(study.place_points((4, 4, 2), seed))) == 1

    def test_eight_are_enough_as_a_rule_and_seven_are_not(self):
        eight = [study.find_triangles(study.place_points((3, 3, 2), s)) for s in range(10)]
        seven = [study.find_triangles(study.place_points((3, 2, 2), s)) for s in range(10)]
        assert {len(found) for found in eight} == {1} and {len(found) for found in seven} == {3}

    def test_the_angle_is_proportional_to_small_noise(self):
        model = study.draw_model(5, 2, 200, random_state=1)
        noise = np.random.default_rng(0).standard_normal(model.X.shape)
        worst = []
        for sigma in (1e-4, 1e-3, 1e-2):
            noisy = complete_dictionary(model.X + sigma * noise, 5, 2, random_state=0)
            cosine = match_components(noisy.dictionary, model.dictionary)[1].min()
            worst.append(np.sqrt(1 - cosine**2) / sigma)
        assert max(worst) < 1.5 * min(worst)

    def test_the_l1_norm_bends_a_facet(self, samples):
        facet = samples.X[:, samples.facets[0]]
        flat, bent = (
            np.linalg.matrix_rank(np.vstack([facet / scale, np.ones(4)]))
            for scale in (facet[2], np.abs(facet).sum(axis=0))
        )
        assert (flat, bent) == (2, 3)


class TestPictures:
    def test_every_colour_follows_the_theme_and_every_frame_is_light(
        self, samples, fit, few, many, diagram
    ):
        draw = viz.complete_dictionary_learning
        pictures = [
            draw.question(samples.X, fit.dictionary),
            draw.crossing(study.cross_triangles(16)),
            draw.repeats({"12 samples": few.values(), "32 samples": many.values()}),
            draw.phases(diagram),
        ]
        for picture in pictures:
            assert picture.strays() == ()
            assert len(picture.svg()) < 80_000

    def test_atoms_are_tiles_with_gaps_and_a_wider_one_between_dictionaries(self, page):
        picture = viz.complete_dictionary_learning.atoms(page)
        assert "14 by 26 pixels" in picture.alt

    def test_descriptions_state_the_numbers(self, diagram):
        draw = viz.complete_dictionary_learning
        assert "6 of them are between corners" in draw.crossing(study.cross_triangles(16)).alt
        assert "counts 20 and 80" in draw.phases(diagram).alt
