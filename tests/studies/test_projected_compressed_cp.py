"""What the chapter on projected and compressed CP claims."""

import numpy as np
import pytest
from contracts.instances import scipy_nnls

from multiconvex import NonNegativeImage, ProjectedLeastSquares, cp, factor_match_score, viz
from multiconvex.studies import projected_compressed_cp as study
from multiconvex.studies._cone_projections import alternate_projections


@pytest.fixture(scope="module")
def trials():
    return study.measure_projections()


@pytest.fixture(scope="module")
def fits():
    return study.fit_fluorescence()


@pytest.fixture(scope="module")
def silent():
    return study.silence_a_row()


@pytest.fixture(scope="module")
def rises():
    return study.count_rises()


@pytest.fixture(scope="module")
def race():
    return study.race_on_a_large_tensor()


class TestPlane:
    def test_the_example_of_the_source(self):
        case = study.regress_in_the_plane(15, 0.01)
        np.testing.assert_array_equal(case.projected, [0.0, 0.0])
        assert case.best == pytest.approx([0.0, 1.66], abs=0.01)
        assert case.ratio > 400

    @pytest.mark.parametrize("degrees", [2, 5, 15, 30, 45])
    @pytest.mark.parametrize("stretch", [1.0, 0.1, 0.01])
    def test_the_best_point_is_that_of_an_independent_solver(self, degrees, stretch):
        case = study.regress_in_the_plane(degrees, stretch)
        target = case.matrix @ case.free
        np.testing.assert_allclose(case.best, scipy_nnls(case.matrix, target), atol=1e-9)
        gap = np.linalg.norm(case.matrix @ case.best - target)
        assert case.cost(case.best) == pytest.approx(0.5 * gap**2)

    @pytest.mark.parametrize("degrees", [2, 5, 15, 30, 45])
    def test_the_solution_tends_to_the_limit_and_the_limit_to_infinity(self, degrees):
        case = study.regress_in_the_plane(degrees, 1e-5)
        assert case.limit == pytest.approx(0.5 / np.tan(np.radians(degrees)) - 0.2)
        assert case.best[1] == pytest.approx(case.limit, rel=1e-4)

    def test_on_a_round_bowl_the_projection_is_the_solution(self):
        for degrees in (5, 15, 45):
            case = study.regress_in_the_plane(degrees, 1.0)
            np.testing.assert_allclose(case.best, case.projected, atol=1e-12)
            assert case.ratio == pytest.approx(1.0)

    def test_costs_of_a_grid_are_those_of_its_points(self):
        case = study.regress_in_the_plane(30, 0.2)
        grid = np.random.default_rng(0).standard_normal((2, 3, 4))
        expected = 0.5 * np.sum((case.matrix @ (grid[:, 1, 2] - case.free)) ** 2)
        assert case.cost(grid)[1, 2] == pytest.approx(expected)


class TestCone:
    @pytest.mark.parametrize("degrees", [100, 120, 140, 270, 285])
    def test_alternating_projections_end_on_the_wall_and_elsewhere(self, degrees):
        case = study.project_in_the_plane(degrees, steps=3000)
        np.testing.assert_allclose(case.path[0], case.step, atol=1e-12)
        end, nearest = case.path[-1], case.nearest
        walls = [abs(edge[0] * end[1] - edge[1] * end[0]) for edge in case.edges.T]
        assert min(walls) < 1e-9
        gaps = [np.linalg.norm(point - case.point) for point in (nearest, end)]
        assert gaps[0] <= gaps[1] + 1e-12
        np.testing.assert_allclose(case.dykstra[-1], nearest, atol=1e-3)
        assert degrees == 100 or np.linalg.norm(end - nearest) > 0.02

    def test_the_projection_is_on_the_nearest_wall(self):
        case = study.project_in_the_plane(300)
        feet = [edge * max(edge @ case.point, 0.0) for edge in case.edges.T]
        nearest = min(feet, key=lambda foot: np.linalg.norm(foot - case.point))
        np.testing.assert_allclose(case.nearest, nearest, atol=1e-12)

    def test_the_multipliers_give_the_projection(self, trials):
        assert trials.dual_gap < 1e-12

    def test_one_step_often_ends_outside_and_never_expands(self, trials):
        assert 75 < trials.outside < 95
        assert trials.expansion <= 1.0

    def test_alternating_projections_are_feasible_and_mostly_wrong(self, trials):
        assert trials.feasible < 1e-9
        assert 65 < trials.elsewhere < 90
        assert 0.05 < trials.mean < 0.12 < 0.3 < trials.largest

    def test_dykstra_arrives(self, trials):
        assert trials.dykstra < 0.01 * trials.largest


class TestSweeps:
    def test_the_shown_tensor_is_left_for_good(self):
        near, far = (study.follow_sweeps(width) for width in (0.05, 0.2))
        assert abs(near.excess) < 1e-3 and far.excess > 1.0
        trace = far.results["projected"].trace.objective
        assert np.argmin(trace) < 60 and np.all(np.diff(trace[60:]) > 0)
        assert near.likeness < far.likeness
        assert near.results["HALS"].trace.objective[0] == pytest.approx(
            near.results["projected"].trace.objective[0]
        )

    def test_likeness_makes_objectives_rise_and_ends_differ(self, rises):
        cosines, shares = (
            [row[name] for row in rises] for name in rises[0] if "s (" in name or "cos" in name
        )
        assert cosines == sorted(cosines) and shares == sorted(shares)
        assert rises[0]["alike"] >= 10
        for row in rises[1:]:
            assert row["ends lower"] >= 2 and row["ends higher"] >= 4
            assert row["ends lower"] + row["alike"] + row["ends higher"] == 12


class TestFluorescence:
    def test_all_methods_find_the_same_components(self, fits):
        assert all(row.similarity > 0.999 for row in fits.rows)
        np.testing.assert_allclose(fits.raw, fits.spectra, atol=0.02)

    def test_coordinate_descent_on_the_data_is_closest_and_all_are_near(self, fits):
        errors = [row.error for row in fits.rows]
        assert errors[0] == min(errors) and max(errors) < 1.04 * errors[0]

    def test_the_core_underestimates_the_error(self, fits):
        for row in fits.rows[2:]:
            assert row.core_error < row.error
        for row in fits.rows[3:]:
            assert row.error**2 == pytest.approx(row.core_error**2 + fits.lost**2, rel=1e-6)
        assert fits.rows[0].core_error is None
        assert [row["error (%)"] for row in fits.table()] == [row.error for row in fits.rows]

    def test_projected_least_squares_keeps_rising(self, fits):
        assert fits.rises > 50

    def test_the_core_has_both_signs_and_is_small(self, fits):
        assert fits.core.min() < 0 < fits.core.max()
        assert fits.kept < fits.entries / 100


class TestLargeTensor:
    def test_what_is_planted_without_noise_is_found(self):
        X, planted = study.plant((80, 80, 80))
        fit = cp(X, 5, nonnegative=True, compress="tucker", tol=1e-10, random_state=0)
        assert factor_match_score(fit.factors, planted) > 1 - 1e-8

    def test_compressed_fits_end_where_the_subspaces_end(self, race):
        rows = {row["method"]: row for row in race.rows()}
        assert rows["HALS, core first"]["excess (%)"] < 1e-6
        for name in ("core, one step", "core, exact projection"):
            assert 0.005 < rows[name]["excess (%)"] < 0.1
            assert rows[name]["ms to 0.1%"] is not None
        assert race.noise == 1.0

    def test_centred_data_leave_a_cone_of_one_point(self):
        X, _ = study.plant((20, 20, 20))
        X = X - X.mean(axis=0)
        update = ProjectedLeastSquares("exact")
        fit = cp(X, 2, nonnegative=True, compress=(2, 2, 2), update=update, random_state=0)
        assert fit.objective > 0.45 * np.sum(X**2)


class TestSilentRow:
    def test_one_row_of_noise_doubles_the_error_of_exact_constraints(self, silent):
        before, after = silent[0], silent[4]
        assert (before["silent rows"], after["silent rows"]) == (0, 1)
        assert before["room"] == after["room"] == 0
        for method in ("exact projection", "ADMM"):
            assert before[method] < 2 < 80 < after[method]
        assert before["HALS"] == pytest.approx(after["HALS"], rel=1e-3)

    def test_the_planted_columns_are_cut_off(self, silent):
        assert silent[4]["excluded"] > 5 * silent[0]["excluded"]

    def test_room_repairs_it(self, silent):
        for row in silent[5:]:
            assert row["exact projection"] < 2 and row["excluded"] < 1

    def test_one_step_is_always_closest(self, silent):
        for row in silent:
            assert 0 < row["one step"] < 0.1
            assert row["one step"] < min(row["exact projection"], row["ADMM"])

    def test_planted_rows_are_silent(self):
        X, factors = study.plant((6, 5, 4), 2, silent=2)
        assert not factors[0][:2].any() and not X[:2].any() and X[2:].any()


def test_alternate_projections_take_the_step_of_the_penalty():
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.random((8, 3)))[0]
    x = rng.standard_normal(3)
    path = alternate_projections(basis[None], x[None], 2)[:, 0]
    cone = NonNegativeImage(basis)
    once = cone.one_step(x[:, None])
    np.testing.assert_allclose(path, [once[:, 0], cone.one_step(once)[:, 0]], atol=1e-14)


def test_figures_say_their_numbers(fits):
    figures = viz.projected_compressed_cp
    case = study.regress_in_the_plane(15, 0.01)
    assert "1.66" in figures.plane(case).alt
    assert "7 numbers" in figures.core_and_spectra(fits).alt
    assert "one step ends" in figures.cone(study.project_in_the_plane(300)).alt
    for picture in (figures.plane(case), figures.core_and_spectra(fits)):
        assert not picture.strays()
