"""What the chapter on median majorants claims."""

import numpy as np
import pytest

from multiconvex import MSOM, FactorProblem, NonNegative, alternate, datasets, viz
from multiconvex.datasets import DataUnavailable
from multiconvex.stopping import RelativeDecrease
from multiconvex.studies import median_majorants as study
from multiconvex.updates.msom import separable_curvature


@pytest.fixture(scope="module")
def lake():
    return study.load_lake()


@pytest.fixture(scope="module")
def runs(lake):
    return study.watch_lake(lake)


@pytest.fixture(scope="module")
def races():
    return [study.race_factors(random_state=seed) for seed in range(3)]


@pytest.fixture(scope="module")
def counts():
    return study.race_counts()


def random_hessians(count=50, r=4):
    for seed in range(count):
        rng = np.random.default_rng([5, seed])
        W = rng.random((9, r)) * 10.0 ** rng.uniform(-1, 1, r)
        yield rng, W.T @ W


class TestLake:
    def test_water_is_dark(self, lake):
        assert lake.norms[0] < lake.norms[1:].min() / 10
        assert lake.X.shape == (len(lake.W), np.prod(lake.shape))

    def test_one_step_for_each_material_is_what_helps(self, lake, runs):
        gradient, ones = (runs.errors(rule) for rule in ("gradient", "ones"))
        assert ones[200] < 0.3 < 0.5 < gradient[200]
        assert ones[1000] < 1e-2 < 0.2 < gradient[1000]
        modes = [lake.contraction(rule) for rule in ("gradient", "ones", "unit-free")]
        assert modes[1] > 10 * modes[0] and modes[2] > 2 * modes[1]
        assert runs.steps_to("gradient", 1e-2) is None
        fast = study.watch_lake(lake, rules=("ones", "unit-free"), steps=700)
        assert fast.steps_to("unit-free", 1e-2) < fast.steps_to("ones", 1e-2)

    def test_the_scene_is_the_real_one_where_it_can_be_had(self, lake):
        try:
            image = datasets.load_moffett()
        except DataUnavailable:
            assert "simulated" in lake.note and "darkened" in lake.note
            return
        assert lake.note == "" and lake.names[0] == "water"
        np.testing.assert_array_equal(lake.X, image.matrix)


class TestTestVectors:
    def test_ones_are_the_update_of_the_package(self):
        rng = np.random.default_rng(0)
        X = rng.random((12, 9))
        problem = FactorProblem(X, 3, (NonNegative(), NonNegative()))
        start = rng.random((12, 3)), rng.random((9, 3))
        ours, theirs = (
            alternate(problem, start, rule, stop=RelativeDecrease(0), max_iter=5).objective
            for rule in (study.DiagonalSteps("ones", 1.9, 4), MSOM(steps=4, inner_tol=0.0))
        )
        assert ours == theirs

    def test_all_majorants_are_above_and_touch(self):
        for _, hessian in random_hessians():
            for curvature in study.CURVATURES.values():
                diagonal = curvature(hessian)
                root = 1.0 / np.sqrt(diagonal)
                eigenvalues = np.linalg.eigvalsh(root[:, None] * hessian * root)
                assert abs(eigenvalues[-1] - 1.0) < 1e-12
                assert np.isclose(study.slowest_mode(hessian, diagonal), eigenvalues[0])

    def test_the_leading_eigenvector_is_gradient_descent(self):
        for _, hessian in random_hessians():
            leading = study.leading_eigenvector(hessian)
            np.testing.assert_allclose(
                separable_curvature(hessian, leading),
                study.CURVATURES["gradient"](hessian),
                rtol=1e-6,
            )

    def test_only_the_unit_free_vector_is_free_of_units(self):
        for rng, hessian in random_hessians():
            scale = 10.0 ** rng.uniform(-1, 1, len(hessian))
            scaled = scale[:, None] * hessian * scale
            modes = {
                name: [study.slowest_mode(h, curvature(h)) for h in (hessian, scaled)]
                for name, curvature in study.CURVATURES.items()
            }
            np.testing.assert_allclose(*modes["unit-free"], rtol=1e-6)
            assert not np.isclose(*modes["ones"], rtol=1e-3)
            assert not np.isclose(*modes["gradient"], rtol=1e-3)

    def test_for_two_unknowns_the_unit_free_vector_is_the_best(self):
        for rng, hessian in random_hessians(r=2):
            best = study.slowest_mode(hessian, study.CURVATURES["unit-free"](hessian))
            for _ in range(50):
                u = 10.0 ** rng.uniform(-2, 2, 2)
                assert study.slowest_mode(hessian, separable_curvature(hessian, u)) <= best + 1e-12

    def test_the_median_is_not_what_ones_minimise(self):
        means = study.compare_means()
        assert means.smaller_sum == 0
        assert means.smaller_median > 0.2 * means.trials

    def test_rates_order_as_the_table_says(self):
        *uneven, signed = study.measure_rates()
        equal = uneven[0]
        assert abs(equal["ones"] - equal["gradient"]) < 0.05 * equal["gradient"]
        for row in uneven[1:]:
            assert row["gradient"] < row["ones"] < row["unit-free"]
        assert all(row["current point"] < row["ones"] for row in uneven)
        assert signed["ones"] < signed["gradient"]
        assert signed["ones beat gradient"] == "0 of 100"


class TestSlices:
    @pytest.mark.parametrize("name", study.POINTS)
    def test_majorants_touch_and_stay_above(self, name):
        sliced = study.slice_majorants(name)
        for curve in sliced.majorants.values():
            assert (curve >= sliced.loss - 1e-15).all()
            assert (curve[:, 40] == 0).all() and (sliced.loss[:, 40] == 0).all()

    def test_multiplicative_majorants_wander_from_ones_to_gradient_descent(self):
        curvatures = [study.slice_majorants(name).curvatures for name in study.POINTS]
        names = list(curvatures[0])
        np.testing.assert_allclose(curvatures[0][names[0]], curvatures[0][names[2]])
        np.testing.assert_allclose(curvatures[2][names[0]], curvatures[2][names[1]])
        lopsided = curvatures[-1]
        assert lopsided[names[2]][0] > lopsided[names[1]][0]
        assert lopsided[names[2]][2] > lopsided[names[0]][2]


class TestGamma:
    @pytest.mark.parametrize("gamma", [0.5, 1.0, 1.4, 1.9, 2.0, 2.1])
    def test_the_rate_is_the_predicted_one(self, gamma):
        path = study.follow_gamma(gamma)
        assert path.measured == pytest.approx(float(path.predicted(gamma)), abs=1e-6)

    def test_at_two_the_path_cycles_along_ones(self):
        path = study.follow_gamma(2.0)
        jump = path.points[-1] - path.points[-2]
        np.testing.assert_allclose(jump[0], jump[1], rtol=1e-3)
        np.testing.assert_allclose(path.points[-1], path.points[-3], rtol=1e-3)
        assert np.linalg.norm(jump) > 1.0

    def test_the_best_length_depends_on_the_slowest_mode(self):
        path = study.follow_gamma(1.0)
        gammas = np.linspace(0.1, 2, 2000)
        best = gammas[np.argmin(path.predicted(gammas))]
        assert best == pytest.approx(2 / (1 + path.mode), abs=2e-3)


class TestFactorRace:
    def test_the_length_helps_and_the_vector_does_not(self, races):
        rows = {row.rule: row for row in study.summarise_races(races)}
        for gamma in ("1", "1.9"):
            pair = [rows[f"{rule}, γ = {gamma}"].sweeps for rule in ("ones", "gradient")]
            assert max(pair) < 1.3 * min(pair)
        assert rows["ones, γ = 1.9"].sweeps < 0.75 * rows["ones, γ = 1"].sweeps
        assert rows["ones, γ = 1.9"].fewer_than_multiplicative > 2
        assert rows["HALS"].sweeps < 0.5 * rows["ones, γ = 1.9"].sweeps
        assert rows["ones, extrapolated"].fewer_than_multiplicative > 5

    def test_every_rule_arrives_and_descends(self, races):
        for race in races:
            for rule, errors in race.errors.items():
                assert np.isfinite(race.sweeps(rule)), rule
                if rule != "accelerated gradient":
                    assert np.diff(errors).max() <= 0


class TestDivergence:
    def test_steps_to_the_right_are_safe_and_to_the_left_not(self):
        for point in (0.1, 0.3, 0.6, 0.9):
            sliced = study.slice_divergence(point)
            assert sliced.loss_at(sliced.landing) < sliced.loss_at(point)
            right = sliced.grid > point
            assert (sliced.model[right] >= sliced.loss[right]).all()
            assert (sliced.model[~right] <= sliced.loss[~right] + 1e-12).all()
        overshot = study.slice_divergence(1.8)
        assert overshot.loss_at(overshot.landing) > overshot.loss_at(1.8)
        assert study.slice_divergence(2.5).loss_at(0.0) == np.inf

    def test_nothing_rises_near_and_most_rise_from_afar(self):
        near, middle, uniform, far = study.count_increases()
        assert near["rise, γ = 1"] == near["rise, γ = 1.9"] == 0
        assert near["arrive, γ = 1.9"] == 200
        assert middle["rise, γ = 1"] == 0 < middle["rise, γ = 1.9"]
        assert uniform["rise, γ = 1"] > 0
        assert min(far["rise, γ = 1"], far["rise, γ = 1.9"]) > 100
        assert far["arrive, γ = 1.9"] < 200

    def test_the_guard_lets_nothing_rise(self):
        rises, arrivals = study.guard_far_starts(problems=20)
        assert rises == 0 and arrivals >= 15

    def test_multiplicative_updates_need_the_fisher_matrix(self):
        ratio = study.compare_test_points()
        assert ratio.with_fisher < 1e-14 < 0.1 < ratio.with_hessian
        assert ratio.orders[0] / ratio.orders[1] == pytest.approx(100, rel=0.2)

    def test_the_guard_saves_the_start_of_a_factorisation(self, counts):
        bare, guarded = (
            counts[f"{name} second order"].trace.objective for name in ("bare", "guarded")
        )
        assert bare[1] > 10 * bare[0]
        for name in ("guarded second order", "multiplicative", "coordinate Newton"):
            assert np.diff(counts[name].trace.objective).max() <= 0
        assert guarded[10] < min(counts["multiplicative"].trace.objective[10], bare[10])
        assert guarded[-1] == min(run.objective for run in counts.values())


class TestPictures:
    def test_every_colour_follows_the_theme_and_every_frame_is_light(self, lake, runs, races):
        draw = viz.median_majorants
        pictures = [
            draw.water(lake, runs, 200),
            draw.slices(study.slice_majorants("lopsided")),
            draw.gamma_path(study.follow_gamma(2.1)),
            draw.race(races),
            draw.divergence(study.slice_divergence(3.5)),
        ]
        for picture in pictures:
            assert picture.strays() == ()
            assert len(picture.svg()) < 80_000

    def test_descriptions_state_the_numbers(self, lake, runs):
        assert f"{runs.errors('ones')[50]:.2f}" in viz.median_majorants.water(lake, runs, 50).alt
        falls, rises = (
            viz.median_majorants.divergence(study.slice_divergence(point)).alt
            for point in (0.4, 2.5)
        )
        assert falls.endswith("lower.") and "infinity: higher." in rises
