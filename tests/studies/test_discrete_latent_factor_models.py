"""What the chapter on discrete latent factor models claims."""

from itertools import product

import cvxpy as cp
import numpy as np
import pytest
from scipy.special import softmax

from multiconvex import (
    FactorUpdate,
    IndependentLabels,
    KLSmoothness,
    LatentFactorModel,
    ParameterUpdate,
    RelativeDecrease,
    TotalVariation,
    alternate,
    match_labels,
    viz,
)
from multiconvex.models.latent.links import Square
from multiconvex.models.latent.parameter_space import ParameterSpace
from multiconvex.models.latent.problem import LatentFactorProblem, SeparateFactors
from multiconvex.models.latent.sample_losses import AffineLoss
from multiconvex.studies import discrete_latent_factor_models as study
from multiconvex.studies._labellings import clustering_costs

WEIGHTS = (0, 0.1, 0.3, 1, 2)


@pytest.fixture(scope="module")
def flowers():
    return study.load_flowers()


@pytest.fixture(scope="module")
def laws():
    return [cp.Variable(2) for _ in range(2)]


@pytest.fixture(scope="module")
def losses(flowers, laws):
    return [cp.square(flowers.design @ law - flowers.petal) for law in laws]


@pytest.fixture(scope="module")
def two_laws(laws, losses):
    return LatentFactorModel(laws, losses).fit(random_state=0)


@pytest.fixture(scope="module")
def series():
    return study.make_series()


@pytest.fixture(scope="module")
def false_stop(series):
    return study.trace_stopping(series, study.find_false_stop(series))


@pytest.fixture(scope="module")
def weighted(series):
    return {fitted.weight: fitted for fitted in study.fit_weights(series, WEIGHTS)}


@pytest.fixture(scope="module")
def spread(flowers):
    return study.spread_of_starts(flowers, n_starts=120)


class TestFlowers:
    def test_the_trend_falls_and_both_laws_rise(self, flowers, two_laws):
        assert flowers.trend[0] < -0.5
        assert (two_laws.parameters[:, 0] > 0).all()

    def test_the_laws_are_least_squares_lines_through_their_flowers(self, flowers, two_laws):
        for k, law in enumerate(two_laws.parameters):
            own = two_laws.labels == k
            residual = flowers.petal[own] - flowers.design[own] @ law
            np.testing.assert_allclose(flowers.design[own].T @ residual, 0, atol=1e-8)

    def test_the_labels_separate_a_species_that_no_fit_saw(self, flowers, two_laws):
        match = match_labels(two_laws.labels, (~flowers.setosa).astype(int), 2)
        assert match.accuracy == 1.0

    def test_the_species_of_new_flowers_is_predicted(self, flowers, laws):
        third = np.arange(150) % 3 == 2
        seen, new = flowers.take(~third), flowers.take(third)
        model = LatentFactorModel(laws, [cp.square(seen.design @ law - seen.petal) for law in laws])
        fit = model.fit(random_state=0)
        new_losses = [cp.square(new.design @ law - new.petal) for law in laws]
        labels = model.predict(new_losses)
        assert match_labels(labels, (~new.setosa).astype(int), 2).accuracy > 0.95
        squares = (new.design @ fit.parameters.T - new.petal[:, None]) ** 2
        assert model.score(new_losses) == pytest.approx(-squares.min(axis=1).mean())

    def test_an_empty_law_is_brought_back(self, laws, losses, two_laws):
        crowded = LatentFactorModel(laws, losses).fit(n_starts=1, init=np.zeros(150, int))
        assert crowded.objective == pytest.approx(two_laws.objective)


class TestHardness:
    def test_more_starts_solve_more_of_the_tiny_instances(self):
        search = study.search_every_labelling()
        assert search.labellings == 3**8
        assert search.one_start < 0.6 * search.trials
        assert search.one_start < search.ten_starts <= search.fifty_starts
        assert search.fifty_starts > 0.9 * search.trials

    def test_the_clustering_cost_of_a_labelling_is_that_of_its_means(self):
        points = np.random.default_rng(3).standard_normal((5, 2))
        labellings = np.array(list(product(range(2), repeat=5)))
        for labels, cost in zip(labellings, clustering_costs(points, labellings, 2)):
            direct = sum(
                ((points[labels == k] - points[labels == k].mean(axis=0)) ** 2).sum()
                for k in np.unique(labels)
            )
            assert cost == pytest.approx(direct)


class TestRelaxation:
    @pytest.mark.parametrize("seed", range(5))
    def test_sure_labels_are_optimal_without_a_penalty_and_with_total_variation(self, seed):
        for row in study.compare_relaxations(random_state=seed)[:2]:
            assert row.one_hot == pytest.approx(row.relaxed, abs=1e-6)
            assert row.one_hot == pytest.approx(row.label_step, abs=1e-10)

    @pytest.mark.parametrize("seed", range(5))
    def test_sure_labels_are_not_optimal_with_a_divergence(self, seed):
        row = study.compare_relaxations(random_state=seed)[2]
        assert row.label_step <= row.relaxed == pytest.approx(row.label_step, abs=1e-6)
        assert row.one_hot > row.relaxed + 0.01

    def test_a_change_of_sure_labels_costs_infinitely_much(self):
        assert KLSmoothness(1.0).value(np.eye(2)) == np.inf
        assert TotalVariation(1.0).value(np.eye(2)) == 1.0
        assert IndependentLabels().value(np.eye(2)) == 0.0

    def test_an_entropy_makes_the_step_a_softmax(self, flowers, laws, losses):
        soft = LatentFactorModel(
            laws, losses, factor_penalty=lambda z: -0.1 * cp.sum(cp.entr(z))
        ).fit(n_starts=1, random_state=0)
        residuals = (flowers.design @ soft.parameters.T - flowers.petal[:, None]) ** 2
        np.testing.assert_allclose(soft.z, softmax(-residuals / 0.1, axis=1), atol=1e-3)


class TestListing:
    def test_the_model_is_alternation_of_the_two_updates(self, flowers, laws, losses):
        start = np.random.default_rng(0).dirichlet(np.ones(2), size=150)
        fit = LatentFactorModel(laws, losses).fit(n_starts=1, init=start, tol=1e-12)
        loss = AffineLoss(Square(), flowers.design[:, None, :], -flowers.petal[:, None])
        space = ParameterSpace(np.zeros((0, 2)), np.zeros(0))
        problem = LatentFactorProblem(SeparateFactors([loss, loss], [space, space]))
        run = alternate(
            problem,
            (np.zeros((2, 2)), start),
            {"parameters": ParameterUpdate(), "z": FactorUpdate()},
            stop=RelativeDecrease(1e-12),
        )
        assert run.objective == pytest.approx(fit.objective, rel=1e-10)

    def test_the_loop_of_the_page_ends_where_the_model_does(self, flowers, laws, losses):
        start = np.random.default_rng(0).dirichlet(np.ones(2), size=150)
        z, total = start, np.inf
        for _ in range(200):
            roots = np.sqrt(z)
            lines = [
                np.linalg.lstsq(root[:, None] * flowers.design, root * flowers.petal)[0]
                for root in roots.T
            ]
            squares = (flowers.design @ np.array(lines).T - flowers.petal[:, None]) ** 2
            z, before, total = np.eye(2)[squares.argmin(axis=1)], total, squares.min(axis=1).sum()
            if before - total <= 1e-12 * total:
                break
        fit = LatentFactorModel(laws, losses).fit(n_starts=1, init=start)
        assert fit.objective == pytest.approx(total, rel=1e-8)

    def test_compile_times_are_measured_for_every_size(self):
        times = study.time_compilation([40, 80], repeats=1)
        assert times.sizes == (40, 80)
        assert (times.listing > 0).all() and (times.model > 0).all()


class TestStopping:
    def test_the_objective_never_increases(self, false_stop):
        assert (np.diff(false_stop.objective) <= 1e-9).all()
        assert (false_stop.label_drop >= -1e-9).all()

    def test_the_data_term_can_stand_still_while_the_objective_falls(self, false_stop):
        assert abs(false_stop.gap[0]) < 1e-10
        assert false_stop.label_drop[0] > 50
        assert false_stop.excess[0] > 0.5

    def test_the_gap_can_be_negative(self, series):
        almost_sure = 0.98 * np.eye(2)[series.labels] + 0.01
        run = study.trace_stopping(series, almost_sure)
        assert run.gap.min() < -1e-3
        assert run.label_drop[run.gap.argmin()] > 0


class TestVariants:
    def test_different_losses_share_the_flowers_as_the_species_do(self, flowers):
        level, law = cp.Variable(), cp.Variable(2)
        fit = LatentFactorModel(
            [level, law],
            [
                cp.square(level - flowers.petal),
                cp.huber(flowers.design @ law - flowers.petal, 0.3),
            ],
            parameter_penalty=0.1 * cp.norm1(law),
            parameter_constraints=[law[0] >= 0],
        ).fit(random_state=0)
        assert fit.parameters[0] == pytest.approx(flowers.petal[flowers.setosa].mean(), abs=1e-3)
        assert fit.parameters[1][0] > 0
        np.testing.assert_array_equal(fit.labels == 0, flowers.setosa)

    def test_slopes_can_be_tied(self, flowers, laws, losses, two_laws):
        tied = [laws[0][0] == laws[1][0]]
        model = LatentFactorModel(laws, losses, parameter_constraints=tied)
        fit = model.fit(n_starts=40, random_state=0)
        assert match_labels(fit.labels, (~flowers.setosa).astype(int), 2).accuracy == 1.0
        assert fit.parameters[0, 0] == pytest.approx(fit.parameters[1, 0], abs=1e-5)
        assert fit.objective > two_laws.objective

    def test_a_whole_quota_leaves_the_labels_whole(self, flowers, laws, losses):
        fit = LatentFactorModel(
            laws, losses, factor_constraints=lambda z: [cp.sum(z[:, 1]) <= 45, z[0] == z[60]]
        ).fit(random_state=0)
        assert np.abs(fit.z - fit.z.round()).max() < 1e-4
        assert fit.z[:, 1].sum() <= 45 + 1e-4
        np.testing.assert_allclose(fit.z[0], fit.z[60], atol=1e-5)
        assert (fit.labels[flowers.setosa] == 0).sum() == 5

    def test_a_broken_quota_cuts_one_flower(self, laws, losses):
        fit = LatentFactorModel(
            laws, losses, factor_constraints=lambda z: [cp.sum(z[:, 1]) <= 45.5]
        ).fit(random_state=0)
        assert (np.abs(fit.z[:, 1] - 0.5) < 1e-3).sum() == 1

    def test_a_penalty_on_labels_finds_the_runs(self, weighted, series):
        assert weighted[0].accuracy["Kullback-Leibler"] < 0.7
        for penalty, accuracy in weighted[2].accuracy.items():
            assert accuracy > 0.95, penalty
            changes = np.abs(np.diff(weighted[2].second[penalty] > 0.5)).sum()
            assert changes == np.abs(np.diff(series.labels)).sum() == 3

    def test_total_variation_is_sharp_and_the_divergence_soft(self, weighted):
        for weight in WEIGHTS[1:]:
            sharp, soft = (
                weighted[weight].second[penalty]
                for penalty in ("total variation", "Kullback-Leibler")
            )
            assert set(np.unique(sharp)) <= {0.0, 1.0}
            assert ((soft > 0.02) & (soft < 0.98)).sum() > 10


class TestStarts:
    def test_the_best_of_more_starts_is_lower(self, spread):
        medians = [spread.best_of(count, 0.5) for count in (1, 2, 5, 10, 50)]
        assert (np.diff(medians) <= 0).all() and medians[-1] < medians[0]
        assert spread.best_of(1, 0.5) == pytest.approx(
            np.quantile(spread.objectives, 0.5, method="inverted_cdf")
        )
        assert spread.distinct > 50

    def test_the_best_of_a_few_draws_is_below_its_quantile_as_often_as_promised(self, spread):
        rng = np.random.default_rng(0)
        best = rng.choice(spread.objectives, size=(4000, 5)).min(axis=1)
        assert np.mean(best <= spread.best_of(5, 0.5)) == pytest.approx(0.5, abs=0.1)

    def test_vague_starts_agree_on_a_bad_fit_when_losses_differ(self, flowers):
        level, law = cp.Variable(), cp.Variable(2)
        y = flowers.petal
        model = LatentFactorModel(
            [level, law], [cp.square(level - y), cp.huber(flowers.design @ law - y, 0.3)]
        )
        guess = model.fit(n_starts=1, init=(y > np.median(y)).astype(int)).objective
        assert study.fit_from_vague_starts(model, n_samples=150).min() > 1.2 * guess
        starts = model.fit(n_starts=60, random_state=0).starts
        assert starts.min() == pytest.approx(guess, rel=1e-6)

    def test_the_score_of_left_out_flowers_rises_beyond_the_number_of_species(self, flowers):
        scores = study.score_left_out(flowers, [1, 2, 3, 4])
        assert (np.diff(scores) > 0).all()

    def test_the_likelihood_of_left_out_flowers_prefers_three_lines(self, laws, losses):
        model = LatentFactorModel(laws, losses)
        chosen = [
            model.select([1, 2, 3, 4, 5], n_starts=20, random_state=seed) for seed in range(5)
        ]
        best = [selection.best for selection in chosen]
        assert best.count(3) >= 3 and set(best) <= {3, 4}
        for selection in chosen:
            assert selection.values[4] < selection.values[2]


class TestRefusals:
    def test_every_mistake_is_answered(self):
        answers = {refusal.mistake: refusal.sentence for refusal in study.collect_refusals()}
        expected = {
            "log(1 + exp(u)) spelled out": "not convex",
            "a sum instead of a loss per sample": "must have shape (m,)",
            "A @ theta.T <= b, with b flat": "broadcast to (3, 3)",
            "a slope above 1 and below 0": "constraints",
            "nine factors for six samples": "9 factors need at least as many samples",
            "a missing observation": "NaN",
            "KLSmoothness and constraints on z": "factor_constraints",
        }
        assert set(answers) == set(expected)
        for mistake, words in expected.items():
            assert words in answers[mistake]


class TestPictures:
    def test_every_figure_states_its_numbers_and_follows_the_theme(
        self, flowers, two_laws, false_stop, weighted, series, spread
    ):
        figures = viz.discrete_latent_factor_models
        pictures = (
            figures.question(flowers, two_laws),
            figures.clocks(study.time_compilation([40, 80], repeats=1)),
            figures.stopping(false_stop),
            figures.variants(flowers, {"one": two_laws, "two": two_laws}),
            figures.starts(spread, 5),
            figures.labels_in_time(series, weighted[1]),
        )
        for picture in pictures:
            assert any(character.isdigit() for character in picture.alt)
            assert picture.strays() == ()
