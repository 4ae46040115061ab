"""What the chapter on constrained k-means claims."""

import cvxpy as cp
import numpy as np
import pytest
from scipy.cluster.vq import kmeans2
from sklearn.datasets import load_wine

from multiconvex import ConstrainedKMeans, LatentFactorModel, datasets, viz
from multiconvex.quadratic import project_rows
from multiconvex.studies import constrained_kmeans as study

CORNERS = np.array([(-0.752, 0.304), (-0.1667, -0.8667), (0.0, 0.8889), (1.0143, 0.3143)])
STARTS = (1, 2, 5, 10, 20, 50, 100)


@pytest.fixture(scope="module")
def data():
    return datasets.make_diamond(500, random_state=0)


@pytest.fixture(scope="module")
def inside(data):
    return ConstrainedKMeans(4, constraint=(data.A, data.b), random_state=0).fit(data.X)


@pytest.fixture(scope="module")
def free(data):
    return ConstrainedKMeans(4, random_state=0).fit(data.X)


@pytest.fixture(scope="module")
def sweeps(data):
    return study.follow_sweeps(data)


@pytest.fixture(scope="module", params=(500, 400))
def run(request):
    return study.reproduce_corners(request.param)


@pytest.fixture(scope="module")
def curve(data):
    return study.fit_counts(data, range(1, 9))


@pytest.fixture(scope="module")
def tried(data):
    return study.run_starts(data, STARTS)


@pytest.fixture(scope="module")
def case(data):
    return study.misread_bound(data)


@pytest.fixture(scope="module")
def road():
    return study.build_on_the_road()


@pytest.fixture(scope="module")
def palettes():
    return study.fit_palettes()[1]


def solve_centres(data, labels, rule):
    """The step on the centres by a conic solver, under constraints written with CVXPY."""
    thetas = [cp.Variable((1, 2)) for _ in range(labels.max() + 1)]
    cost = sum(cp.sum_squares(data.X[labels == k] - theta) for k, theta in enumerate(thetas))
    problem = cp.Problem(cp.Minimize(cost), [rule(theta) for theta in thetas])
    problem.solve(solver=cp.CLARABEL)
    return problem.value, np.vstack([theta.value for theta in thetas])


class TestQuestion:
    def test_the_constraint_doubles_the_cost_and_moves_labels(self, inside, free):
        assert 1.9 < inside.inertia_ / free.inertia_ < 2.2
        nearest = free.predict(inside.cluster_centers_)
        assert set(nearest) == set(range(4))
        assert (nearest[inside.labels_] != free.labels_).mean() > 0.05

    def test_without_a_constraint_it_is_plain_k_means(self, data, free):
        fits = [kmeans2(data.X, 4, iter=200, minit="++", rng=seed) for seed in range(20)]
        costs = [np.square(data.X - centres[labels]).sum() for centres, labels in fits]
        assert free.inertia_ == pytest.approx(min(costs), rel=1e-9)


class TestProblem:
    def test_the_objective_at_best_centres_is_concave_in_the_labels(self, data):
        excess = study.measure_concavity(data)
        assert len(excess) == 500 and excess.min() > 0

    def test_starts_never_end_below_every_labelling_and_fifty_reach_it(self, data):
        search = study.search_every_labelling(data)
        assert search.labellings == 3**8
        assert search.one_start < search.ten_starts <= search.fifty_starts == search.trials
        assert 0.5 < search.one_start / search.trials < 0.8


class TestUpdate:
    def test_the_centre_is_the_projected_mean(self):
        assert study.compare_with_solver() < 1e-5

    def test_each_sweep_projects_the_means_and_takes_the_nearest_centre(self, data, sweeps):
        for sweep in sweeps:
            np.testing.assert_allclose(
                sweep.centres, project_rows(sweep.means, data.A, data.b), atol=1e-12
            )
            squares = np.sum((data.X[:, None] - sweep.centres) ** 2, axis=2)
            assert squares.min(axis=1).sum() == pytest.approx(sweep.objective)
            np.testing.assert_array_equal(squares.argmin(axis=1), sweep.labels)

    def test_the_decrease_shrinks_and_grows_again(self, inside, sweeps):
        objectives = np.array([sweep.objective for sweep in sweeps])
        fall = -np.diff(np.log(objectives))
        assert fall.min() >= 0 and fall[0] > 0.5
        slowest = fall[:-2].argmin()
        assert 0.01 < fall[slowest] < 0.04 < fall[slowest + 1 : -1].max()
        assert objectives[-1] == pytest.approx(inside.inertia_, rel=1e-12)


class TestReproduction:
    def test_every_data_set_has_its_centres_on_the_published_corners(self, run):
        np.testing.assert_allclose(run.corners, CORNERS, atol=5e-5)
        assert run.occupied.all() and len(run.occupied) == 10
        assert run.to_corner.max() < 1e-9 and run.violation.max() <= 1e-9

    def test_every_mean_is_inside_the_normal_cone(self, run):
        assert run.multipliers.shape == (10, 4) and run.multipliers.min() > 0.02

    def test_a_single_start_fails_rarely_and_then_by_a_quarter(self, run):
        too_high = run.single_excess[run.single_excess > 1e-6]
        assert len(too_high) == (1 if run.n_samples == 500 else 0)
        assert np.all((too_high > 0.2) & (too_high < 0.35))
        *_, missed, excess = study.tabulate_runs([run])
        assert missed[f"{run.n_samples} points"] == len(too_high)
        assert excess[f"{run.n_samples} points"] == pytest.approx(
            100 * run.single_excess.max(), abs=1e-6
        )

    def test_fewer_centres_do_not_all_stand_on_corners(self, data, curve):
        on_corner = {
            count: [np.linalg.norm(data.vertices - c, axis=1).min() < 1e-9 for c in centres]
            for count, model in curve.models.items()
            for centres in [model.cluster_centers_]
        }
        assert not any(on_corner[1]) and all(on_corner[3]) and all(on_corner[4])
        assert not all(on_corner[2])
        assert all(not all(on_corner[count]) for count in range(5, 9))


class TestCounts:
    def test_the_floor_is_below_every_number_of_centres(self, data, curve):
        costs = [model.inertia_ for model in curve.models.values()]
        assert np.all(np.diff(costs) < 0) and costs[-1] > curve.floor
        problem = cp.Variable((len(data.X), 2))
        rule = [problem @ data.A.T <= np.tile(data.b, (len(data.X), 1))]
        least = cp.Problem(cp.Minimize(cp.sum_squares(problem - data.X)), rule).solve(
            solver=cp.CLARABEL
        )
        assert curve.floor == pytest.approx(least, rel=1e-6)
        assert costs[3] / curve.floor < 1.12 and curve.free[8] < 0.2 * curve.floor

    def test_a_fifth_centre_is_hardly_worth_its_rent(self, curve):
        assert curve.models[5].inertia_ > 0.96 * curve.models[4].inertia_


class TestStarts:
    def test_more_starts_are_never_worse(self, tried):
        best = np.minimum.accumulate(tried.objectives)
        for count, model in tried.models.items():
            assert model.inertia_ == pytest.approx(best[count - 1], rel=1e-12)
        assert len(tried.objectives) == max(STARTS)

    def test_six_centres_rarely_reach_the_least_and_end_on_few_levels(self, tried):
        assert 0.02 < tried.success < 0.2
        assert len(np.unique(tried.objectives.round(1))) < 20


class TestFormula:
    def test_the_same_model_in_cvxpy(self, data, inside):
        thetas = [cp.Variable((1, 2)) for _ in range(4)]
        losses = [cp.sum(cp.square(data.X - theta), axis=1) for theta in thetas]
        rules = [data.A @ theta[0] <= data.b for theta in thetas]
        model = LatentFactorModel(thetas, losses, parameter_constraints=rules)
        assert model.fit(random_state=0).objective == pytest.approx(inside.inertia_, rel=1e-12)


class TestTissue:
    def test_every_constrained_colour_is_a_mixture(self, palettes):
        vectors = datasets.load_stains().vectors
        A, b = study.mixtures_of(vectors)
        for name in ("mixtures", "mixtures with roles"):
            amounts = palettes[name].amounts
            assert amounts.min() > -1e-9
            assert np.all(amounts @ vectors.T @ A.T <= b + 1e-9)

    def test_roles_are_kept_and_bring_back_the_nuclei(self, palettes):
        paper, blue, brown, _ = palettes["mixtures with roles"].amounts
        assert paper.max() <= 0.1 and abs(blue[1]) < 1e-9 and blue[0] > 0.2
        assert abs(brown[0]) < 1e-9 and brown[1] > 0.5
        assert palettes["mixtures with roles"].shares[1] > 0.05

    def test_other_palettes_have_no_colour_that_is_mostly_haematoxylin(self, palettes):
        for name in ("any colours", "mixtures"):
            amounts = palettes[name].amounts
            assert amounts[:, 0].max() < 0.12
            assert amounts[amounts[:, 0] > amounts[:, 1]].sum(axis=1).max(initial=0.0) < 0.2

    def test_the_palettes_with_more_constraints_cost_more(self, palettes):
        costs = [palette.objective for palette in palettes.values()]
        assert costs == sorted(costs)


class TestBroadcasting:
    def test_the_flat_bound_means_the_smallest_entry(self, data, case):
        def literal(theta):
            return cp.multiply(1.0, data.A @ theta.T) <= data.b[None, :]

        cost, centres = solve_centres(data, case.read.labels_, literal)
        assert case.read.inertia_ == pytest.approx(cost, rel=1e-6)
        np.testing.assert_allclose(case.read.cluster_centers_, centres, atol=1e-5)
        np.testing.assert_array_less(centres @ data.A.T, data.b.min() + 1e-6)

    def test_it_costs_a_quarter_more_and_violates_nothing(self, data, case, inside):
        assert case.meant.inertia_ == inside.inertia_
        assert 1.2 < case.read.inertia_ / case.meant.inertia_ < 1.3
        assert np.all(case.read.cluster_centers_ @ data.A.T <= data.b + 1e-9)
        gaps = case.read.cluster_centers_[:, None] - case.meant.cluster_centers_
        assert np.linalg.norm(gaps, axis=2).min() > 0.05

    def test_the_model_refuses_it_in_a_sentence(self, case):
        assert "(5, 1) and (5,), which are broadcast to (5, 5)" in case.sentence
        assert "b[:, None]" in case.sentence


class TestFailures:
    def test_projecting_at_the_end_wastes_a_depot(self, road):
        assert np.linalg.norm(np.diff(road.projected, axis=0)) < 0.15
        assert np.abs(np.diff(road.constrained.cluster_centers_[:, 0])) > 1.5
        assert road.constrained.inertia_ < 0.9 * road.projected_objective

    def test_centres_of_one_cone_meet_at_its_corner(self, data):
        rows = study.share_a_corner(data)
        assert [row.places for row in rows] == [1, 1, 1]
        assert np.ptp([row.objective for row in rows]) < 1e-9 * rows[0].objective

    def test_reseeding_repairs_what_keeping_wastes(self, data, curve):
        four, four_again, *others = study.compare_reseeding(data)
        assert four_again.least == pytest.approx(four.least, rel=1e-12)
        assert four_again.worst <= four.worst * (1 + 1e-12)
        three = curve.models[3].inertia_
        assert others[0].clusters == 6 and others[0].worst == pytest.approx(three, rel=1e-9)
        for kept, reseeded in zip(others[::2], others[1::2]):
            assert (kept.policy, reseeded.policy) == ("keep", "re-seed")
            assert reseeded.median < kept.median and reseeded.worst < 0.99 * kept.worst
            assert reseeded.least <= kept.least * (1 + 1e-9)

    def test_units_and_shapes_decide(self):
        raw, scaled, moons = (row.agreement for row in study.score_known_groups())
        assert raw < 0.75 < 0.95 < scaled and 0.5 < moons < 0.8
        wine = load_wine().data
        assert wine.max() == 1680 and wine.shape[1] == 13


class TestPictures:
    def test_every_colour_follows_the_theme_and_every_frame_is_light(
        self, data, inside, free, sweeps, curve, tried, case, road
    ):
        draw = viz.constrained_kmeans
        pictures = [
            draw.question(data, free, inside),
            draw.sweep(data, sweeps, 3),
            draw.corner_cones(data, inside),
            draw.counts(data, curve, 6),
            draw.starts(data, tried, 10),
            draw.misreading(data, case),
            draw.road(road),
        ]
        for picture in pictures:
            assert picture.strays() == ()
            assert len(picture.svg()) < 120_000

    def test_descriptions_state_the_numbers(self, data, curve, case):
        draw = viz.constrained_kmeans
        assert "377.5" in draw.counts(data, curve, 4).alt
        assert "sum of squares 520.9" in draw.misreading(data, case).alt
