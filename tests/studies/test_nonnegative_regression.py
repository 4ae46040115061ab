"""What the chapter on nonnegative regression claims."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from multiconvex import (
    ActiveSet,
    MultiplicativeUpdate,
    NoLips,
    RefinedActiveSet,
    kkt_residual,
    nmf,
    nnkl,
    nnls,
    rank_one,
    viz,
)
from multiconvex.losses import KullbackLeibler
from multiconvex.studies import nonnegative_regression as study

FRACTIONS = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8)
POINTS = (0.1, 0.2, 0.35, 0.5, 0.8, 1.2, 1.8, 3.0, 4.5)


@pytest.fixture(scope="module")
def crops():
    return study.unmix_crops()


@pytest.fixture(scope="module")
def sky():
    return study.make_sky()


@pytest.fixture(scope="module")
def seen(sky):
    return study.reconstruct_sky(sky)


@pytest.fixture(scope="module")
def nnkl_runs(sky):
    return study.compare_nnkl_updates(sky)


@pytest.fixture(scope="module")
def nnls_runs(crops):
    return study.compare_nnls_updates(crops)


@pytest.fixture(scope="module")
def shrunk(sky):
    return study.shrink_sky(sky, FRACTIONS)


class TestCrops:
    def test_the_library_holds_the_mean_spectra_of_sixteen_classes(self, crops):
        members = crops.member.reshape(-1, 16)
        assert crops.library.shape == (200, 16) and crops.pixels.shape == (200, 21025)
        for k in range(16):
            expected = crops.pixels[:, members[:, k]].mean(axis=1)
            np.testing.assert_allclose(crops.library[:, k], expected)

    def test_least_squares_cancels_amounts_of_opposite_signs(self, crops):
        assert crops.condition > 1000
        assert 0.4 < crops.negative_fraction < 0.6
        assert crops.unconstrained.max() > 5 and crops.unconstrained.min() < -5

    def test_cutting_negative_amounts_is_no_remedy(self, crops):
        errors = crops.errors
        assert errors["unconstrained"] < errors["nonnegative"] < 0.05
        assert errors["clipped"] > 100 * errors["nonnegative"]
        np.testing.assert_array_equal(crops.clipped, np.maximum(crops.unconstrained, 0))

    def test_the_constraint_alone_gives_a_sparse_answer(self, crops):
        assert 2 < crops.mean_support < 5

    def test_both_active_sets_agree_on_every_pixel(self, crops):
        one, all_ = (nnls(crops.library, crops.pixels, update=ActiveSet(p)).x
                     for p in ("single", "block"))  # fmt: skip
        assert np.abs(one - all_).max() < 1e-8

    def test_refinement_from_single_precision_gives_the_same_pixel(self, crops):
        pixel = crops.pixels[:, 5000]
        exact = nnls(crops.library, pixel, update=ActiveSet())
        refined = nnls(crops.library, pixel, update=RefinedActiveSet())
        np.testing.assert_allclose(refined.x, exact.x, atol=1e-8)
        assert kkt_residual(crops.library, pixel, refined.x) < 1e-10

    def test_hals_leads_but_no_iterative_rule_is_close(self, nnls_runs):
        runs, best = nnls_runs
        gaps = {name: run.trace.objective[-1] / best - 1 for name, run in runs.items()}
        assert 0.05 < gaps["HALS"] < 0.5 * min(gaps["multiplicative"], gaps["projected gradient"])
        for run in runs.values():
            assert np.all(np.diff(run.trace.objective) <= 1e-9 * run.trace.objective[:-1])


class TestCones:
    @pytest.mark.parametrize(
        ("degrees", "support"),
        [(-130, ()), (-80, ()), (-40, (0,)), (-10, (0,)), (20, (0, 1)), (50, (0, 1)), (80, (1,)),
         (120, (1,)), (160, ())],
    )  # fmt: skip
    def test_the_plane_has_one_region_for_each_support(self, degrees, support):
        planar = study.project_in_plane(degrees)
        assert tuple(np.flatnonzero(planar.x > 0)) == support
        assert planar.multipliers.min() > -1e-12
        assert np.abs(planar.x * planar.multipliers).max() < 1e-12

    def test_stains_are_projected_on_the_cone(self):
        stains = study.project_stains()
        best = np.full(stains.pixels.shape[1], np.inf)
        for size in (0, 1, 2):
            for columns in combinations(range(2), size):
                W = stains.vectors[:, list(columns)]
                x = np.linalg.lstsq(W, stains.pixels, rcond=None)[0]
                distance = np.linalg.norm(stains.pixels - W @ x, axis=0)
                feasible = (x >= 0).all(axis=0)
                best = np.where(feasible, np.minimum(best, distance), best)
        np.testing.assert_allclose(
            np.linalg.norm(stains.pixels - stains.projections, axis=0), best, atol=1e-10
        )
        assert stains.support_sizes.sum() == pytest.approx(1)
        assert 0.05 < stains.support_sizes[1] < 0.3

    def test_pixels_beyond_dab_hold_no_haematoxylin(self):
        stains = study.project_stains()
        amounts = np.linalg.lstsq(stains.vectors, stains.projections, rcond=None)[0]
        single = (np.abs(amounts) < 1e-9).sum(axis=0) == 1
        lacking = np.abs(amounts[:, single]).argmin(axis=0)
        assert stains.names[0] == "haematoxylin" and (lacking == 0).mean() > 0.9


class TestNightSky:
    def test_a_solution_uses_fewer_columns_than_there_are_equations(self):
        sizes = study.measure_night_sky()
        assert len(sizes) == 300 and sizes.max() == 7

    def test_the_columns_orthogonal_to_the_residual_hold_every_support(self, sky, seen):
        residual = sky.counts - sky.blur @ seen.least_squares
        slopes = np.abs(sky.blur.T @ residual)
        assert slopes[seen.least_squares > 0].max() < 1e-9 * np.abs(sky.blur.T @ sky.counts).max()
        assert (seen.least_squares > 0).sum() < len(sky.counts) < len(sky.positions)

    def test_spikes_stand_close_to_stars(self, sky, seen):
        stars = sky.positions[sky.truth > 0]
        for x in (seen.least_squares, seen.kullback_leibler):
            bright = sky.positions[x > 0.05 * x.max()]
            assert np.abs(bright[:, None] - stars).min(axis=1).max() <= 1.5
            near = np.abs(sky.positions[:, None] - stars).min(axis=1) <= 1.5
            assert x[near].sum() > 0.95 * x.sum()

    def test_the_fits_are_hardly_distinguishable(self, sky, seen):
        fits = sky.blur @ seen.least_squares, sky.blur @ seen.kullback_leibler
        assert np.linalg.norm(fits[0] - fits[1]) < 0.03 * np.linalg.norm(sky.counts)

    def test_the_columns_of_the_blur_sum_to_one(self, sky):
        np.testing.assert_allclose(sky.blur.sum(axis=0), 1)


class TestActiveSet:
    steps = study.active_set_steps(study.SMALL_W, study.SMALL_Y, np.zeros(4))

    def test_columns_enter_and_one_leaves(self):
        moves = [step.action for step in self.steps if step.action not in ("start", "solve")]
        assert moves == ["1 enters", "2 enters", "4 enters", "1 leaves"]

    def test_the_cost_falls_at_every_change_of_x(self):
        for before, after in zip(self.steps, self.steps[1:]):
            if np.array_equal(before.x, after.x):
                assert before.objective == after.objective
            else:
                assert after.objective < before.objective

    def test_the_last_step_is_optimal(self):
        best = nnls(study.SMALL_W, study.SMALL_Y)
        np.testing.assert_allclose(self.steps[-1].x, best.x, atol=1e-12)
        assert kkt_residual(study.SMALL_W, study.SMALL_Y, self.steps[-1].x) < 1e-12

    def test_column_one_is_steepest_column_four_explains_most_and_turns_it_negative(self):
        slopes = study.SMALL_W.T @ study.SMALL_Y
        assert slopes.argmax() == 0
        assert (slopes / np.linalg.norm(study.SMALL_W, axis=0)).argmax() == 3
        fourth = next(step for step in self.steps if step.action == "4 enters")
        assert fourth.candidate[0] < 0 < fourth.x[0]

    def test_the_careless_warm_start_is_trapped(self):
        W, y, start = study.TRAP_W, study.TRAP_Y, study.TRAP_START
        stuck = study.careless_active_set(W, y, start)
        assert np.sum((y - W @ stuck) ** 2) == pytest.approx(0.766, abs=5e-4)
        assert kkt_residual(W, y, stuck) > 0.1
        for x in (nnls(W, y, init=start).x, study.active_set_steps(W, y, start)[-1].x):
            assert np.sum((y - W @ x) ** 2) == pytest.approx(0.461, abs=5e-4)
            assert kkt_residual(W, y, x) < 1e-12

    def test_only_the_careless_method_fails_from_random_starts(self):
        careless, careful = study.count_warm_start_failures()
        assert careless > 0 and careful == 0


class TestDivergence:
    def test_curvature_is_unbounded_below_and_above(self):
        profiles = study.profile_divergence()
        step = 1e-4
        for y, curvature in profiles.curvatures.items():
            z = profiles.model[50:]
            values = [
                np.array([KullbackLeibler().value(y, t) for t in z + move])
                for move in (-step, 0, step)
            ]
            bend = (values[0] - 2 * values[1] + values[2]) / step**2
            np.testing.assert_allclose(bend, curvature[50:], rtol=1e-3, atol=1e-5)
        assert profiles.curvatures[3.0].max() / profiles.curvatures[3.0].min() > 1e5
        np.testing.assert_allclose(profiles.values[0.0], profiles.model)

    def test_every_solution_matches_the_total_of_the_counts(self, sky, seen):
        assert (sky.blur @ seen.kullback_leibler).sum() == pytest.approx(sky.counts.sum(), rel=1e-6)

    def test_the_fit_is_not_unique_where_counts_are_zero(self):
        W, y = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]), np.array([1.0, 0.0, 0.0])
        costs = [KullbackLeibler().value(y, W @ (t / 2, (1 - t) / 2)) for t in (0.1, 0.5, 0.9)]
        assert np.ptp(costs) < 1e-14
        lopsided, balanced = (nnkl(W, y, init=np.array(x)) for x in ([0.9, 0.1], [0.5, 0.5]))
        assert lopsided.objective == pytest.approx(balanced.objective, abs=1e-9)
        assert np.abs(W @ lopsided.x - W @ balanced.x).max() > 0.1
        assert (W @ lopsided.x)[0] == pytest.approx((W @ balanced.x)[0])


class TestMajorants:
    @pytest.mark.parametrize("point", POINTS)
    def test_burg_lies_above_multiplicative_lies_above_the_cost(self, point):
        sliced = study.slice_majorants(point)
        assert np.all(sliced.multiplicative >= sliced.cost - 1e-12)
        assert np.all(sliced.burg >= sliced.multiplicative - 1e-12)
        touching = study.slice_majorants(sliced.grid[90])
        for values in (touching.cost, touching.multiplicative, touching.burg):
            assert values[90] == pytest.approx(touching.value, abs=1e-12)

    @pytest.mark.parametrize("point", POINTS)
    def test_no_rule_passes_the_minimum_and_the_second_order_step_goes_farthest(self, point):
        sliced = study.slice_majorants(point)
        after = sliced.next_points
        left = np.array([abs(after[k] - sliced.minimum)
                         for k in ("second order", "multiplicative", "NoLips")])  # fmt: skip
        assert np.all(np.diff(left) > -0.05) and left[-1] <= abs(point - sliced.minimum) + 0.05
        assert (point - sliced.minimum) * (after["second order"] - sliced.minimum) > -1e-2
        if abs(point - sliced.minimum) > 0.1:
            assert np.all(np.diff(left) > 0)

    @pytest.mark.parametrize("point", POINTS)
    def test_each_majorant_is_least_where_its_rule_goes(self, point):
        sliced = study.slice_majorants(point)
        for name, values in (("multiplicative", sliced.multiplicative), ("NoLips", sliced.burg)):
            lowest = sliced.grid[values.argmin()]
            assert sliced.next_points[name] == pytest.approx(lowest, rel=0.03)

    def test_the_safe_step_is_longer_than_newton_to_the_right_and_shorter_to_the_left(self):
        W, y = np.array([1.0, 0.7, 0.2]), np.array([2.0, 2.0, 1.0])
        for point in (0.1, 0.5, 2.5, 4.8):
            model = W * point + np.array([0.3, 0.6, 1.0])
            slope = W.sum() - W @ (y / model)
            newton = point - slope / (W**2 @ (y / model**2))
            assert study.slice_majorants(point).next_points["second order"] > newton

    def test_burg_with_the_inverse_constant_is_far_below_the_cost(self):
        W = np.array([[1.0, 0.3], [0.7, 0.6], [0.2, 1.0]])
        y, x, u = np.array([2.0, 2.0, 1.0]), np.array([0.2, 1.0]), np.array([2.0, 1.0])
        kl = KullbackLeibler()
        slope = W.T @ (1 - y / (W @ x))
        bend = np.sum(u / x - np.log(u / x) - 1)
        linear = kl.value(y, W @ x) + slope @ (u - x)
        cost = kl.value(y, W @ u)
        assert linear + bend / (2 * y.sum()) < cost < linear + y.sum() * bend

    def test_the_second_order_rule_leads_and_half_a_burg_step_trails(self, nnkl_runs):
        runs, best = nnkl_runs
        gap = {name: run.trace.objective[-1] / best - 1 for name, run in runs.items()}
        assert 0 < 1000 * gap["second order"] < gap["multiplicative"] < 0.1
        assert 100 * gap["multiplicative"] < gap["NoLips"] < gap["NoLips, half step"]
        for run in runs.values():
            assert np.all(np.diff(run.trace.objective) <= 1e-9)


class TestWeights:
    rules = study.compare_ridge_rules()

    def test_the_printed_rule_increases_the_cost_and_ends_elsewhere(self):
        gap = self.rules.gaps["printed"]
        assert np.diff(gap).max() > 0 and gap[-1] > 0.1 and gap.argmin() == 1

    @pytest.mark.parametrize("name", ["gradient ratio", "majorisation"])
    def test_the_other_rules_are_monotone_and_reach_the_solution(self, name):
        gap = self.rules.gaps[name]
        assert np.diff(gap).max() <= 1e-12 and gap[-1] < 1e-6

    def test_the_two_right_rules_differ(self):
        ratio, derived = (self.rules.gaps[name] for name in ("gradient ratio", "majorisation"))
        assert np.abs(ratio - derived)[1:20].min() > 1e-6

    def test_the_package_iterates_the_derived_rule(self):
        rng = np.random.default_rng(1)
        W = rng.random((30, 8))
        y = W @ (rng.random(8) * (rng.random(8) < 0.6)) + 0.05 * rng.random(30)
        start = nnls(W, y, l1=0.5, l2=2.0).x + 0.05
        run = nnls(
            W, y, l1=0.5, l2=2.0, init=start, max_iter=200, tol=0, update=MultiplicativeUpdate()
        )
        np.testing.assert_allclose(
            run.trace.objective / self.rules.best - 1,
            self.rules.gaps["majorisation"],
            atol=1e-9,
        )

    def test_the_kullback_leibler_rule_is_the_positive_root(self):
        x, num, den = np.array([0.5, 2.0]), np.array([1.0, 3.0]), np.array([2.0, 1.0])
        u = KullbackLeibler().majorant_minimizer(x, num, den, 0.5, 2.0)
        np.testing.assert_allclose(2.0 * u**2 + (den + 0.5) * u - x * num, 0, atol=1e-14)
        assert np.all(u > 0)

    def test_least_squares_loses_stars_and_kullback_leibler_only_dims_them(self, shrunk):
        plain = shrunk[0].reconstruction
        supports = [int((s.reconstruction.least_squares > 0).sum()) for s in shrunk]
        assert np.all(np.diff(supports) <= 0) and supports[-1] < supports[0] / 2
        for s in shrunk:
            np.testing.assert_allclose(
                s.reconstruction.kullback_leibler,
                plain.kullback_leibler / (1 + s.fraction),
                atol=1e-3 * plain.kullback_leibler.max(),
            )
        for losses in zip(*(s.losses for s in shrunk)):
            assert losses[0] == 1 and np.all(np.diff(losses) > 0)

    def test_the_smallest_weight_that_empties_the_sky(self, sky):
        weight = (sky.blur.T @ sky.counts).max()
        assert nnls(sky.blur, sky.counts, l1=weight).x.max() < 1e-9
        assert nnls(sky.blur, sky.counts, l1=0.99 * weight).x.max() > 0

    def test_zero_locks_multiplicative_updates_without_a_floor_only(self):
        locked, floored, newton = study.start_from_zero()
        assert locked.entry == 0 and locked.residual > 0.5
        for row in (floored, newton):
            assert row.entry == pytest.approx(2) and row.residual < 1e-9


class TestViews:
    def test_expectation_and_maximisation_make_one_multiplicative_update(self, sky):
        x = np.linspace(1, 2, 81)
        shared = (sky.counts / (sky.blur @ x))[:, None] * (sky.blur * x)
        new = shared.sum(axis=0) / sky.blur.sum(axis=0)
        once = nnkl(sky.blur, sky.counts, init=x, max_iter=1, tol=0).x
        np.testing.assert_allclose(once, new, rtol=1e-12, atol=1e-10)
        assert (sky.blur @ once).sum() == pytest.approx(sky.counts.sum())

    def test_a_scaled_gradient_step_is_the_same_update(self, sky):
        x = np.linspace(1, 2, 81)
        slope = sky.blur.T @ (1 - sky.counts / (sky.blur @ x))
        once = nnkl(sky.blur, sky.counts, init=x, max_iter=1, tol=0).x
        np.testing.assert_allclose(x - x / sky.blur.sum(axis=0) * slope, once, atol=1e-9)

    def test_the_scaling_lies_above_the_hessian_for_least_squares_but_not_for_counts(self):
        W, y, x = np.array([[1.0, 0.3], [0.7, 0.6]]), np.array([20.0, 20.0]), np.ones(2)
        gram = W.T @ W
        assert np.linalg.eigvalsh(np.diag(gram @ x / x) - gram).min() > -1e-12
        hessian = W.T @ ((y / (W @ x) ** 2)[:, None] * W)
        assert np.linalg.eigvalsh(np.diag(W.sum(axis=0) / x) - hessian).min() < -1

    def test_the_long_burg_step_leaves_the_orthant(self):
        W, y, x = np.array([[1.0], [2.0]]), np.array([3.0, 5.0]), np.array([0.1])
        slope = W.T @ (1 - y / (W @ x))
        assert 1 + x * slope / y.sum() > 0 > 1 + 4 * x * slope / y.sum()
        assert nnkl(W, y, init=x, update=NoLips(), max_iter=1, tol=0).x > 0


class TestRankOne:
    def test_marginals_solve_the_kullback_leibler_problem(self):
        w, h = rank_one(study.HAIR_EYE, loss="kullback-leibler")
        iterated = nmf(study.HAIR_EYE, 1, loss="kullback-leibler", tol=1e-12)
        np.testing.assert_allclose(w @ h.T, iterated.reconstruct(), atol=1e-6)

    def test_twice_the_divergence_is_the_statistic_of_independence(self):
        w, h = rank_one(study.HAIR_EYE, loss="kullback-leibler")
        statistic, _, freedom, expected = chi2_contingency(
            study.HAIR_EYE, correction=False, lambda_="log-likelihood"
        )
        assert 2 * KullbackLeibler().value(study.HAIR_EYE, w @ h.T) == pytest.approx(statistic)
        np.testing.assert_allclose(w @ h.T, expected)
        assert study.HAIR_EYE.sum() == 592 and freedom == 9


class TestPictures:
    def test_every_colour_follows_the_theme_and_every_frame_is_light(
        self, crops, seen, shrunk, nnls_runs, nnkl_runs
    ):
        draw = viz.nonnegative_regression
        steps = study.active_set_steps(study.SMALL_W, study.SMALL_Y, np.zeros(4))
        pictures = [
            draw.crop_maps(crops, "woods"),
            draw.stain_cone(study.project_stains()),
            draw.projection(study.project_in_plane(-20)),
            draw.sky(seen),
            draw.active_set_step(steps, 5),
            draw.divergences(study.profile_divergence()),
            draw.majorants(study.slice_majorants(0.5)),
            draw.ridge_rules(study.compare_ridge_rules()),
            draw.shrinkage(shrunk[3]),
        ]
        for picture in pictures:
            assert picture.strays() == ()
            assert len(picture.svg()) < 100_000

    def test_descriptions_state_the_numbers(self, crops, seen):
        draw = viz.nonnegative_regression
        assert "negative in 49% of the pixels" in draw.crop_maps(crops, "woods").alt
        assert "Of 81 candidate stars 5 are real" in draw.sky(seen).alt
        assert "support is {1}" in draw.projection(study.project_in_plane(-20)).alt
