"""What the chapter on one-sparse dictionaries claims."""

from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from tensorly.solvers.nnls import hals_nnls

from multiconvex import AtomAssignment, datasets, dictionary_lra, nnls, viz
from multiconvex.datasets import DataUnavailable
from multiconvex.studies import one_sparse_dictionaries as study


@pytest.fixture(scope="module")
def mixtures():
    return study.mix_pixels(2000)


@pytest.fixture(scope="module")
def quarter():
    return study.mix_pixels(1000, step=2)


@pytest.fixture(scope="module")
def choices(mixtures):
    return study.follow_choices(mixtures)


@pytest.fixture(scope="module")
def order():
    return study.measure_order()


@pytest.fixture(scope="module")
def curves():
    return study.compare_methods()


@pytest.fixture(scope="module", params=("samson", "moffett"))
def unmixed(request):
    try:
        getattr(datasets, f"load_{request.param}")()
    except DataUnavailable as reason:
        pytest.skip(f"the scene is not here: {reason}")
    return study.unmix_scene(request.param)


class TestQuestion:
    def test_the_pixels_are_those_of_the_source(self, mixtures):
        assert mixtures.indices.tolist() == [9060, 14540, 14510]
        np.testing.assert_array_equal(mixtures.places[mixtures.indices], study.PLACES)
        np.testing.assert_array_equal(
            mixtures.atoms[:, mixtures.indices] @ mixtures.H.T, mixtures.X
        )
        assert np.mean(mixtures.H == 0) == pytest.approx(0.5, abs=1e-3)

    def test_the_pixels_have_hundreds_of_likenesses(self, mixtures):
        likeness = study.measure_lookalikes(mixtures)
        assert likeness.fewest > 300 and 4 < likeness.pair < 5
        assert likeness.neighbour < 0.5 and 1e-3 < likeness.error < 1e-2

    def test_without_pure_pixels_a_small_residual_hides_a_large_angle(self, quarter):
        impure = study.fit_impure(quarter)
        assert impure.error < 0.01 and impure.angle > 3


class TestIdentifiability:
    def test_a_spark_of_rank_plus_one_identifies_nothing(self):
        for row in study.count_supports():
            assert row.spark == row.rows + 1
            if row.spark > row.rank + 1:
                assert (row.unique, row.most) == (row.problems, 1)
            else:
                assert row.unique == 0
                assert row.most == len(list(combinations(range(row.atoms), row.rank)))

    def test_one_degree_off_the_plane_is_enough_but_barely(self):
        flat, lifted = (list(study.lift_atom(angle).errors.values()) for angle in (0, 1))
        assert max(flat) < 1e-12
        assert lifted[0] < 1e-12 and 0.005 < min(lifted[1:]) < 0.02

    def test_relative_residual_is_the_sine_for_one_column(self):
        turn = np.array([[np.cos(0.3)], [np.sin(0.3)]])
        error = study.relative_residual(np.eye(2)[:, :1], turn)
        assert error == pytest.approx(np.sin(0.3))


class TestUpdate:
    def test_known_abundances_give_the_pixels_in_order(self, mixtures):
        nothing = np.zeros((mixtures.atoms.shape[1], 3))
        codes, _ = AtomAssignment()(mixtures.problem(), (nothing, mixtures.H), 0, None)
        np.testing.assert_array_equal(codes.argmax(axis=0), mixtures.indices)

    def test_sorted_atoms_are_as_wrong_as_a_random_order(self, order):
        spread = 3 * np.sqrt(order.trials * (1 / 24) * (23 / 24))
        assert abs(order.wrong_sorted - order.trials * 23 / 24) < spread
        assert order.wrong_paired == 0 and order.error_paired < 1e-12 < 0.1 < order.error_sorted

    def test_the_order_does_not_matter_to_a_loop_with_exact_abundances(self, order):
        assert order.same_ends == order.trials

    def test_the_free_factor_fits_whatever_the_atoms(self):
        blind = study.measure_blindness()
        assert blind.atoms_error > 0.5
        assert blind.free_error < 1e-9 and blind.shadow_gap < 1e-9


class TestSearch:
    def test_the_search_rises_once_and_stays_with_two_wrong_pixels(self, mixtures, choices):
        objectives = np.array([choice.objective for choice in choices])
        assert np.sum(np.diff(objectives) > 1e-6) == 1
        assert mixtures.count_found(choices[-1].indices) == 1
        same = [set(c.indices) == set(choices[-1].indices) for c in choices]
        assert same.index(True) == 5 and all(same[5:])

    def test_exact_and_signed_abundances_are_what_helps(self, quarter):
        exact, passes, free = study.compare_rules(quarter)
        assert exact.three >= 1 and exact.three + exact.two > exact.fewer
        assert passes.three == free.three == 0 and free.fewer == 8
        assert passes.fewer >= 6

    def test_the_listing_of_the_source_fails_alike_and_only_for_want_of_exact_steps(self):
        mixtures = study.mix_pixels(145 * 145)
        atoms = mixtures.atoms / np.linalg.norm(mixtures.atoms, axis=0)
        listed, exact = (
            [run_listing(mixtures.X, atoms, seed, exact=way) for seed in (1, 2, 3)]
            for way in (False, True)
        )
        assert all(end == {9060, 14510, 14540} for end in exact)
        assert sum(end == {4116, 14510, 14540} for end in listed) == 2
        assert all(9060 not in end for end in listed)

    def test_twenty_starts_find_all_three(self, quarter):
        fit = dictionary_lra(quarter.X, 3, quarter.atoms, n_starts=20, random_state=0)
        assert sorted(fit.indices) == sorted(quarter.indices)
        assert 1 <= (fit.starts < 1e-12).sum() < 20


class TestMethods:
    def test_random_atoms_start_in_more_ways(self, curves):
        assert curves.ends["atoms"] > 2 * curves.ends["abundances"]

    def test_snpa_needs_pure_pixels_and_little_noise(self, curves):
        pure, mixed = curves.panels.values()
        assert pure[1][0].found == pure[2][0].found == 1.0
        assert all(finders[0].found == 0.0 for finders in mixed)

    def test_assignment_from_atoms_comes_closest_without_pure_pixels(self, curves):
        _, mixed = curves.panels.values()
        for snpa, abundances, atoms, greedy in mixed:
            assert atoms.angle <= min(snpa.angle, abundances.angle, greedy.angle)
        assert mixed[2][2].found > mixed[2][1].found


class TestScenes:
    def test_assignment_improves_snpa(self, unmixed):
        scores = {score.method: score for score in unmixed.scores}
        snpa, after = scores["SNPA"], scores["assignment after SNPA"]
        assert after.objective < snpa.objective
        assert after.angle < snpa.angle and after.rmse < snpa.rmse
        several = scores["assignment, 10 starts"]
        assert several.objective < snpa.objective and several.angle < snpa.angle

    def test_the_least_objective_is_not_the_truth(self, unmixed):
        *chosen, nearest = unmixed.scores
        assert nearest.angle == min(score.angle for score in unmixed.scores)
        assert nearest.objective > min(score.objective for score in chosen)

    def test_shares_sum_to_one(self, unmixed):
        for shares in unmixed.maps.values():
            np.testing.assert_allclose(shares.sum(axis=2), 1.0, atol=1e-9)


class TestTensors:
    def test_free_terms_grow_and_terms_of_atoms_do_not(self):
        rows = study.follow_terms()
        free, atoms = rows[:3], rows[3:]
        assert np.all(np.diff([row.term for row in free]) > 2) and free[-1].objective < 1e-4
        assert np.ptp([row.term for row in atoms[1:]]) < 1e-3
        assert atoms[-1].objective > 10 * free[-1].objective

    def test_the_analytes_of_two_mixtures_get_their_names(self):
        try:
            datasets.load_amino_acids()
        except DataUnavailable as reason:
            pytest.skip(f"the samples are not here: {reason}")
        named = study.name_analytes()
        assert {name for name, _ in named.labels} == set(named.true_ratios)
        assert all(shift == 0 for _, shift in named.labels)
        for name, ratio in named.ratios.items():
            assert ratio == pytest.approx(named.true_ratios[name], rel=0.05)
        assert 1 <= named.successes < 40 and named.note == ""


class TestPictures:
    def test_every_colour_follows_the_theme_and_every_frame_is_light(
        self, mixtures, choices, curves, unmixed
    ):
        draw = viz.one_sparse_dictionaries
        pictures = [
            draw.picks(mixtures),
            draw.choice(mixtures, choices, 2),
            draw.lifted(study.lift_atom(15)),
            draw.methods(curves),
            draw.scene_maps(unmixed, {"SNPA": "SNPA"}),
        ]
        for picture in pictures:
            assert picture.strays() == ()
            assert len(picture.svg()) < 120_000

    def test_descriptions_state_the_numbers(self, mixtures, choices):
        best = min(choice.objective for choice in choices)
        last = viz.one_sparse_dictionaries.choice(mixtures, choices, len(choices))
        assert f"best so far {best:.3g}" in last.alt and "of which 1 of the three" in last.alt


def run_listing(X, atoms, seed, *, exact, max_iter=30):
    """Follow the loop of the source, with its solver or with exact regressions."""
    H = np.random.default_rng(seed).random((X.shape[1], 3))
    picked = None
    for _ in range(max_iter):
        before = picked
        free = nnls(H, X.T).x.T if exact else hals_nnls(H.T @ X.T, H.T @ H, n_iter_max=20).T
        picked, _ = linear_sum_assignment(np.abs(atoms.T @ free), maximize=True)
        A = atoms[:, picked]
        H = nnls(A, X).x.T if exact else hals_nnls(A.T @ X, A.T @ A, n_iter_max=20).T
        if before is not None and np.array_equal(before, picked):
            break
    return set(picked.tolist())
