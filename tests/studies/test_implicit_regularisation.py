"""What the chapter on implicit regularisation claims."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from multiconvex import L1, L2, FactorProblem, NonNegative, balance, datasets, nmf, viz
from multiconvex.penalties import TraceNorm
from multiconvex.studies import implicit_regularisation as study

DRAW = viz.implicit_regularisation
WEIGHTS = (1e-5, 5e-4, 0.001, 0.01, 0.07, 0.2)


@pytest.fixture(scope="module")
def bumps():
    return study.make_bumps()


@pytest.fixture(scope="module")
def traded(bumps):
    return study.trade_weights(bumps)


@pytest.fixture(scope="module")
def path(bumps):
    return study.follow_path(bumps, np.arange(1, 251) / 50)


@pytest.fixture(scope="module")
def best(bumps, path):
    return study.find_best(bumps, path)


@pytest.fixture(scope="module")
def softened(bumps):
    return study.soften_singular_values(bumps.image, np.linspace(0.5, 15, 30))


@pytest.fixture(scope="module")
def curves():
    return study.trace_scales()


@pytest.fixture(scope="module")
def race():
    return {(row.ridge, row.balanced): row for row in study.race_scales()}


@pytest.fixture(scope="module")
def simulated():
    return datasets.make_fluorescence(5, 60, 30, rank=3, random_state=0)


@pytest.fixture(scope="module")
def amino_acids():
    data = datasets.load_or_simulate("amino_acids")
    if data.origin != "fetched":
        pytest.skip("the amino acids are not on this machine: set MULTICONVEX_DATA")
    return data


def spread_of_balance(factors, penalties):
    """Largest relative difference between factors of degree times penalty, column by column."""
    levels = np.array(
        [
            [penalty.degree * penalty.value(factor[:, [q]]) for q in range(factor.shape[1])]
            for factor, penalty in zip(factors, penalties)
        ]
    )
    return np.max(np.ptp(levels, axis=0) / levels.mean(axis=0))


class TestQuestion:
    def test_the_image_is_three_bumps_under_uniform_noise(self, bumps):
        singular = np.linalg.svd(bumps.image, compute_uv=False)
        assert bumps.image.shape == (30, 40) and bumps.image.min() >= 0
        assert singular[2] > 5 * singular[3]

    def test_opposite_weights_give_the_same_model(self, traded):
        even, heavier, lighter, raised = traded.values()
        ratios = [pair[0] / pair[1] for pair in traded]
        assert ratios == pytest.approx([1, 1e4, 1e-4, 1])
        for other in (heavier, lighter):
            np.testing.assert_allclose(other.reconstruct(), even.reconstruct(), atol=1e-5)
            assert other.objective == pytest.approx(even.objective, rel=1e-11)
        assert (even.n_active, raised.n_active) == (3, 2)


class TestTheorem:
    def test_the_witness(self):
        witness = study.witness_theorem()
        assert witness.trials == 100 and witness.margin > 0
        for rounding in (witness.identity, witness.implicit, witness.model, witness.fitted):
            assert rounding < 1e-12

    def test_fits_that_are_never_balanced_end_balanced(self, bumps):
        for rule in study.RULES:
            penalties = study.penalties_of(rule, 0.5)
            fit = nmf(
                bumps.image, 3, penalties=penalties, init=bumps.start, balancing=None,
                tol=0.0, max_iter=3000,
            )  # fmt: skip
            assert spread_of_balance(fit.pruned(), penalties) < 1e-8

    def test_only_the_product_with_inverse_degrees_matters(self, bumps):
        first, second, third, fourth = study.trade_unequal_degrees(bumps)
        assert first.product == second.product
        assert abs(first.objective - second.objective) > 5
        assert first.weighted_product == third.weighted_product == fourth.weighted_product
        assert third.objective == pytest.approx(first.objective, rel=1e-10)
        assert fourth.objective == pytest.approx(first.objective, rel=1e-10)

    def test_printed_formulas_are_off(self):
        price, balanced = study.recompute_printed()
        assert price.computed == pytest.approx(2 * np.sqrt(3 * 0.5), rel=1e-12)
        assert price.computed / price.printed == pytest.approx(4)
        assert balanced.computed == pytest.approx(1, rel=1e-12) and balanced.printed > 1.5


class TestTraceNorm:
    def test_singular_values_are_softened_and_vanish_where_they_should(self, softened):
        assert softened.error < 1e-4
        alive = softened.models > 1e-3
        np.testing.assert_array_equal(alive, softened.data > softened.weights[:, None])

    def test_the_rank_falls_while_every_column_stays(self, softened):
        place = np.abs(softened.weights - 8).argmin()
        assert (softened.models[place] > 1e-3).sum() == 1
        assert softened.columns[place] == 6

    def test_the_objective_is_that_of_the_convex_problem(self, bumps):
        weight = 2.0
        soft = TraceNorm(weight).prox(bumps.image, 1.0)
        convex = 0.5 * np.sum((bumps.image - soft) ** 2) + TraceNorm(weight).value(soft)
        fit = nmf(
            bumps.image, 5, penalties=(L2(weight), L2(weight)), init="random", tol=1e-13,
            max_iter=5000, random_state=1,
        )  # fmt: skip
        assert fit.objective == pytest.approx(convex, rel=1e-9)


class TestJumps:
    @pytest.mark.parametrize("exponent", [2 / 3, 1 / 2])
    def test_a_brute_force_search_finds_the_same_sizes(self, exponent):
        curve, grid = study.shrink(exponent), np.linspace(0, 1, 200_001)
        for size, price in zip(curve.sizes[5:-5:10], curve.prices[5:-5:10]):
            cost = 0.5 * (1 - grid) ** 2 + price * grid**exponent
            near = minimize_scalar(
                lambda s, c=price: 0.5 * (1 - s) ** 2 + c * s**exponent,
                bounds=(curve.sizes.min(), 1), method="bounded", options={"xatol": 1e-10},
            )  # fmt: skip
            assert near.x == pytest.approx(size, abs=1e-6)
            found = grid[cost.argmin()]
            assert found == pytest.approx(size if size > curve.switch else 0.0, abs=1e-5)
        assert np.all(np.diff(curve.prices) > 0)
        assert curve.switch == pytest.approx(2 * curve.sizes.min())

    def test_exponent_one_is_soft_thresholding(self):
        curve = study.shrink(1.0)
        np.testing.assert_allclose(curve.sizes, 1 - curve.prices, atol=1e-12)
        assert curve.switch == 0 == curve.sizes.min()

    def test_components_vanish_at_the_predicted_weight_and_size(self):
        rows = study.measure_vanishing()
        assert [row.exponent for row in rows] == pytest.approx([2 / 3, 2 / 3, 1 / 2])
        assert [row.predicted_size for row in rows] == pytest.approx([1 / 4, 1 / 4, 1 / 3])
        for row in rows:
            assert 0 <= row.weight / row.predicted_weight - 1 < 0.004
            assert row.size == pytest.approx(row.predicted_size, rel=0.01)


class TestPath:
    def test_components_vanish_at_once_at_three_weights(self, path):
        assert [lost.weight for lost in path.vanishings] == pytest.approx([0.74, 1.68, 4.22])
        assert [lost.left for lost in path.vanishings] == [2, 1, 0]
        assert min(lost.size for lost in path.vanishings) > 2

    def test_the_first_is_where_the_source_says_and_none_is_at_its_second(self, path):
        ours = np.array([lost.weight for lost in path.vanishings])
        assert 0.7 < ours[0] <= 0.75 and not np.any((ours > 5) & (ours <= 5.2))
        doubled = 2 * ours
        assert not np.any((doubled > 0.7) & (doubled <= 0.75))
        assert not np.any((doubled > 5) & (doubled <= 5.2))

    def test_a_neighbour_takes_over(self, path):
        before, after = path.at(0.72).component_sizes, path.at(0.74).component_sizes
        lost = int(np.flatnonzero((before > 0) & (after == 0))[0])
        assert (after - before).max() > 0.3 * before[lost]

    def test_one_rule_is_sparse_on_both_sides_and_loses_a_component(self, bumps):
        both, mixed, ridge = study.compare_rules(bumps)
        assert (both.components, mixed.components, ridge.components) == (2, 3, 3)
        assert mixed.zeros_W > both.zeros_W > 30 and both.zeros_H > 30
        assert mixed.zeros_H == ridge.zeros_W == ridge.zeros_H == 0

    def test_the_path_pays_too_much_before_each_loss(self, path, best):
        followed = path.objectives[4::5]
        excess = followed / best.objectives - 1
        assert excess.min() > -100 * 1e-10, "fits stop at a decrease of 1e-10"
        assert 0.15 < excess.max() < 0.2
        for lost in path.vanishings:
            assert excess[np.flatnonzero(best.weights < lost.weight)[-1]] > 0.01
        worst = excess.argmax()
        assert best.counts[worst] == 0 and path.counts[4::5][worst] == 1

    @pytest.mark.parametrize("weight", [0.4, 0.9, 2.0])
    def test_random_starts_find_nothing_better(self, bumps, best, weight):
        place = np.abs(best.weights - weight).argmin()
        objectives = [
            nmf(
                bumps.image, 3, penalties=study.penalties_of("l1 and l1", best.weights[place]),
                init="random", tol=1e-9, max_iter=3000, random_state=seed,
            ).objective
            for seed in range(10)
        ]  # fmt: skip
        assert min(objectives) > best.objectives[place] * (1 - 1e-6)

    def test_what_is_gone_does_not_come_back(self, bumps, path):
        back = study.follow_path(bumps, (0.1,), start=path.fits[-1].factors)
        assert back.counts[0] == 0 and path.at(0.1).n_active == 3


class TestSwamps:
    def test_the_printed_run_is_reproduced(self):
        run = study.run_swamp(0.001)
        assert run.points[-1] == pytest.approx([0.642558430874947, 1.5525184957484308], rel=1e-12)
        assert run.gap[-1] > 0.4 and np.all(np.diff(run.objective) <= 0)

    def test_rates_are_linear_and_as_predicted(self):
        rows = study.measure_rates()
        for row in rows:
            assert row.plain == pytest.approx(row.plain_predicted, rel=1e-6)
            assert row.balanced == pytest.approx(row.balanced_predicted, rel=1e-3)
        assert rows[0].plain_sweeps > 1000 * rows[0].balanced_sweeps
        assert np.all(np.diff([row.plain_sweeps for row in rows]) < 0)
        assert np.all(np.diff([row.balanced_sweeps for row in rows]) >= 0)

    @pytest.mark.parametrize("weight", [0.001, 0.03, 0.3])
    def test_balanced_runs_reach_the_closed_form(self, weight):
        runs = study.compare_swamps(weight)
        expected = np.full(2, np.sqrt(1 - weight))
        np.testing.assert_allclose(runs["balanced"].points[-1], expected, rtol=1e-7)
        assert runs["balanced"].sweeps_to(1e-9) < (runs["plain"].sweeps_to(1e-9) or 201)

    def test_one_rescaling_ends_the_printed_run(self):
        run, ridge = study.run_swamp(0.001), (L2(0.001), L2(0.001))
        numbers = balance([np.array([[x]]) for x in run.points[-1]], ridge)
        objective = FactorProblem(np.ones((1, 1)), 1, ridge).objective(numbers)
        assert objective / (run.objective[-1] / (1 + run.gap[-1])) - 1 < 2e-3

    def test_balancing_every_sweep_is_quicker_and_extrapolation_needs_it(self, race):
        for ridge in (0.05, 0.6):
            never, start, every = (
                race[ridge, at] for at in ("never", "at the start", "every sweep")
            )
            assert every.sweeps < start.sweeps < never.sweeps
            assert every.sweeps_extrapolated < every.sweeps
            assert never.sweeps_extrapolated > never.sweeps

    def test_without_balancing_a_large_ridge_extinguishes_true_components(self, race):
        assert race[0.6, "never"].components < 3
        assert race[0.6, "every sweep"].components == race[0.6, "at the start"].components == 3
        assert race[0.6, "never"].objective > 1.2 * race[0.6, "every sweep"].objective

    def test_under_a_small_ridge_balancing_buys_speed_only(self, race):
        objectives = [race[0.05, at].objective for at in ("never", "at the start", "every sweep")]
        assert np.ptp(objectives) < 0.01 * min(objectives)
        assert objectives[0] < max(objectives)


class TestScales:
    def test_zero_is_a_candidate_beside_the_roots(self, curves):
        small, middle, large = curves
        assert [len(curve.roots) for curve in curves] == [2, 2, 0]
        assert small.best == pytest.approx(small.roots.max(), rel=1e-6)
        assert middle.best == large.best == 0

    def test_no_scale_on_the_grid_is_better(self, curves):
        for curve in curves:
            at_best = np.interp(curve.best, curve.scales, curve.objective)
            assert at_best <= curve.objective.min() + 1e-3
            assert curve.objective[0] == 1


class TestRankSelection:
    def test_simulated_analytes_are_counted(self, simulated):
        selection = study.select_rank(simulated, WEIGHTS)
        assert np.all(np.diff(selection.counts) <= 0) and selection.at(0.01).n_active == 3
        order, similarity = study.identify(selection.at(0.01), study.known_spectra(simulated))
        assert sorted(order) == [0, 1, 2] and similarity.min() > 0.999
        assert np.all(selection.sizes[:, :-1] >= selection.sizes[:, 1:])
        assert np.all(np.diff(selection.errors) > -1e-3)

    def test_three_amino_acids_are_left_over_a_wide_range(self, amino_acids):
        weights = (1e-4, 0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.07, 0.1)
        selection = study.select_rank(amino_acids, weights)
        low, high = selection.plateau(3)
        assert low <= 0.001 and high >= 0.07
        assert selection.counts[0] > 3 > selection.counts[-1]
        known = study.known_spectra(amino_acids)
        assert study.identify(selection.at(0.01), known)[1].min() > 0.999

    def test_ridge_gives_every_start_the_same_three_and_their_concentrations(self, amino_acids):
        plain, ridge, large = study.repeat_selection(amino_acids, (0, 0.003, 0.1))
        assert ridge.components == "3 (6×)" and ridge.similarity > 0.999
        assert ridge.concentrations < 6 and plain.concentrations > 40
        assert plain.similarity < 0.95 and large.similarity < 0.8

    def test_known_spectra_are_those_of_pure_samples(self, amino_acids):
        for spectra in study.known_spectra(amino_acids):
            assert spectra.max() == 1 and spectra.min() >= 0
        emission = amino_acids.axes[1].values[study.known_spectra(amino_acids)[0].argmax(axis=0)]
        assert emission[0] > emission[1] > emission[2]


class TestFailures:
    def test_a_penalty_on_one_factor_regularises_nothing(self, bumps):
        rows = study.penalise_one_factor(bumps)
        assert np.all(np.diff([row.penalty for row in rows]) < 0)
        assert np.all(np.diff([row.ratio for row in rows]) > 0)
        assert rows[-1].penalty < 1e-3 and 0 < rows[-1].excess < 1e-3
        with pytest.raises(ValueError, match="homogeneous with a positive weight"):
            balance(bumps.start, (NonNegative(l1=1.0), NonNegative()))

    def test_a_vanished_component_stays_finite(self):
        faded = balance((np.zeros((2, 1)), np.ones((3, 1))), (L1(1.0), L2(1.0)))
        assert all((factor == 0).all() for factor in faded)


class TestPictures:
    def test_every_colour_follows_the_theme_and_every_frame_is_light(
        self, path, best, softened, curves, simulated
    ):
        selection = study.select_rank(simulated, WEIGHTS)
        known = study.known_spectra(simulated)
        pictures = [
            DRAW.softening(softened),
            DRAW.thresholds([study.shrink(a) for a in (1.0, 2 / 3, 1 / 2)]),
            DRAW.path(path, 0.72),
            DRAW.stability(path, best),
            DRAW.swamp(study.compare_swamps(0.01)),
            DRAW.scales(curves),
            DRAW.analytes(selection, known, simulated, 0.01),
        ]
        for picture in pictures:
            assert picture.strays() == ()
            assert len(picture.svg()) < 60_000

    def test_descriptions_state_the_numbers(self, path, curves):
        assert "vanish at 0.74, 1.68, 4.22" in DRAW.path(path, 0.3).alt
        assert "0 positive stationary scales and is best at 0.00" in DRAW.scales(curves).alt
        assert "after 200 sweeps" in DRAW.swamp(study.compare_swamps(0.01)).alt
