"""Discrete latent factor models: the problem, its two steps, starts, and empty factors."""

import pickle

import numpy as np
import pytest
from contracts.instances import generators
from contracts.latent import KINDS, best_of_all_labels, draw_loss, fit_problem, simulated
from contracts.update import UpdateContract
from joblib import parallel_config
from scipy.optimize import linprog

from multiconvex import (
    ConvergenceWarning,
    FactorUpdate,
    IndependentLabels,
    KLSmoothness,
    ParameterUpdate,
    TotalVariation,
)
from multiconvex.models.latent.links import Huber, Logistic, Power, Square
from multiconvex.models.latent.parameter_space import ParameterSpace
from multiconvex.models.latent.problem import LatentFactorProblem, SeparateFactors
from multiconvex.models.latent.sample_losses import AffineLoss, CentreLoss

PENALTIES = [None, KLSmoothness(0.5), TotalVariation(0.5)]
NAMES = ["independent", "divergence", "variation"]


def problem_for(kind, penalty=None, seed=0, **sizes):
    return LatentFactorProblem(simulated(kind, np.random.default_rng(seed), **sizes), penalty)


def feasible_point(problem, rng):
    """Return fitted parameters for random labels, and other random labels."""
    m, n_factors = problem.blocks[1].shape
    thetas = problem.emission.fit(
        rng.dirichlet(np.ones(n_factors), m), np.zeros(problem.emission.shape)
    )
    return thetas, rng.dirichlet(np.ones(n_factors), m)


def centres_problem(points, n_factors, space=None, penalty=None):
    loss = CentreLoss(np.asarray(points, float))
    space = space or ParameterSpace.from_pair(None, loss.n_parameters)
    return LatentFactorProblem(SeparateFactors([loss] * n_factors, [space] * n_factors), penalty)


class TestProblem:
    @pytest.mark.parametrize("penalty", PENALTIES, ids=NAMES)
    @pytest.mark.parametrize("kind", KINDS)
    def test_objective_is_the_documented_one(self, kind, penalty):
        problem = problem_for(kind, penalty)
        emission = problem.emission
        thetas, z = feasible_point(problem, np.random.default_rng(1))
        expected = 0.0 if penalty is None else penalty.value(z)
        for k, (loss, space) in enumerate(zip(emission.losses, emission.spaces)):
            expected += z[:, k] @ loss.values(thetas[k : k + 1])[:, 0] + space.value(thetas[k])
        assert problem.objective((thetas, z)) == pytest.approx(expected, rel=1e-10)

    @pytest.mark.parametrize("penalty", PENALTIES, ids=NAMES)
    @pytest.mark.parametrize("kind", KINDS)
    def test_convex_in_each_block(self, kind, penalty):
        problem = problem_for(kind, penalty)
        for rng in generators(5):
            one, other = feasible_point(problem, rng), feasible_point(problem, rng)
            t = rng.random()
            for k in range(2):
                a, b = one, (*one[:k], other[k], *one[k + 1 :])
                middle = (*one[:k], t * a[k] + (1.0 - t) * b[k], *one[k + 1 :])
                chord = t * problem.objective(a) + (1.0 - t) * problem.objective(b)
                assert problem.objective(middle) <= chord + 1e-10 * (1.0 + abs(chord))

    def test_factors_of_different_forms_and_sizes(self):
        rng = np.random.default_rng(2)
        wide, narrow = draw_loss(Square(), rng, n=4), draw_loss(Huber(0.5), rng, n=2, linear=False)
        spaces = [ParameterSpace.from_pair(None, n) for n in (4, 2)]
        emission = SeparateFactors([wide, narrow], spaces)
        problem = LatentFactorProblem(emission)
        assert emission.shape == (2, 4)
        assert emission.common_loss is None
        best, _ = fit_problem(problem)
        thetas, z = best.blocks["parameters"], best.blocks["z"]
        np.testing.assert_array_equal(thetas[1, 2:], 0.0)
        columns = wide.values(thetas[:1]), narrow.values(thetas[1:, :2])
        np.testing.assert_allclose(problem.label_losses((thetas, z)), np.hstack(columns))
        assert problem.residual((thetas, z)) < 1e-7
        part = emission.restrict([0, 3, 4])
        np.testing.assert_allclose(part.values(thetas), emission.values(thetas)[[0, 3, 4]])

    def test_residual_vanishes_at_a_blockwise_minimiser_and_nowhere_near(self):
        for kind in KINDS:
            for penalty in PENALTIES:
                problem = problem_for(kind, penalty)
                best, _ = fit_problem(problem)
                assert problem.residual(tuple(best.blocks.values())) < 1e-7
                thetas, z = feasible_point(problem, np.random.default_rng(3))
                steps = (
                    (problem.emission.fit(z, thetas), z),
                    (
                        thetas,
                        problem.blocks[1].penalty.minimize(problem.label_losses((thetas, z)), z),
                    ),
                )
                for half_way in steps:
                    assert problem.residual(half_way) > 1e-5

    def test_absolute_values_take_no_ridge(self):
        loss = draw_loss(Power(1.0), np.random.default_rng(0), linear=False)
        with pytest.raises(TypeError, match="drop the ridge and the norm, or choose a smooth loss"):
            SeparateFactors([loss], [ParameterSpace.from_pair(None, 3, ridge=1.0)])

    def test_centres_take_no_norm(self):
        with pytest.raises(TypeError, match="drop the ridge and the norm"):
            SeparateFactors([CentreLoss(np.ones((2, 1)))], [ParameterSpace(norm=1.0)])


class TestSteps:
    @pytest.mark.parametrize("kind", KINDS)
    def test_labels_solve_the_linear_program(self, kind):
        problem = problem_for(kind)
        x = feasible_point(problem, np.random.default_rng(4))
        losses = problem.label_losses(x)
        z, _ = FactorUpdate()(problem, x, 1, None)
        m, n_factors = losses.shape
        sums = np.kron(np.eye(m), np.ones(n_factors))
        program = linprog(losses.ravel(), A_eq=sums, b_eq=np.ones(m))
        assert np.vdot(losses, z) == pytest.approx(program.fun, rel=1e-9)
        np.testing.assert_array_equal(z, np.eye(n_factors)[losses.argmin(axis=1)])

    def test_ties_go_to_the_lowest_label(self):
        problem = centres_problem([[0.0], [1.0], [2.0]], 3)
        z, _ = FactorUpdate()(problem, (np.ones((3, 1)), np.full((3, 3), 1 / 3)), 1, None)
        np.testing.assert_array_equal(z.argmax(axis=1), [0, 0, 0])

    def test_the_relaxed_problem_has_the_integer_optimum(self):
        """No weights in the simplex, with the best parameters, go below the best labels."""
        for kind in ("centres", "squares", "logistic"):
            problem = problem_for(kind, m=6, n_factors=2)
            least = best_of_all_labels(problem.emission)
            for rng in generators(30, seed=5):
                z = rng.dirichlet(np.full(2, rng.choice([0.1, 1.0, 10.0])), 6)
                thetas = problem.emission.fit(z, np.zeros(problem.emission.shape))
                relaxed = problem.objective((thetas, z))
                rounded = np.eye(2)[problem.emission.values(thetas).argmin(axis=1)]
                assert problem.objective((thetas, rounded)) <= relaxed + 1e-12
                assert relaxed >= least - 1e-8 * (1.0 + abs(least))

    @pytest.mark.parametrize("penalty", PENALTIES, ids=NAMES)
    @pytest.mark.parametrize("kind", KINDS)
    def test_never_increases_the_objective(self, kind, penalty):
        for seed in range(2):
            problem = problem_for(kind, penalty, seed=seed, m=25)
            best, _ = fit_problem(problem, random_state=seed)
            objective = best.trace.objective[np.isfinite(best.trace.objective)]
            assert np.diff(objective).max() <= 1e-10 * (1.0 + abs(objective[0]))
            assert best.status == "converged"

    @pytest.mark.parametrize("bounded", [False, True])
    @pytest.mark.parametrize("n_factors", [2, 3])
    def test_best_start_equals_all_labels_tried(self, n_factors, bounded):
        space = ParameterSpace(np.array([[1.0, 1.0]]), np.array([0.2])) if bounded else None
        for rng in generators(8, seed=16):
            problem = centres_problem(rng.normal(size=(7 - bounded, 2)), n_factors, space)
            best, _ = fit_problem(problem, n_starts=30)
            assert best.objective == pytest.approx(best_of_all_labels(problem.emission), rel=1e-9)

    @pytest.mark.parametrize("kind", ["squares", "logistic", "absolute"])
    def test_best_start_equals_all_labels_tried_for_regressions(self, kind):
        problem = problem_for(kind, m=7, n_factors=2)
        best, _ = fit_problem(problem, n_starts=40)
        assert best.objective == pytest.approx(
            best_of_all_labels(problem.emission), rel=1e-6, abs=1e-8
        )

    def test_best_start_equals_all_labels_tried_under_total_variation(self):
        """The integer problem and its relaxation agree here too: minimisers are one-hot."""
        penalty = TotalVariation(0.6)
        for rng in generators(3, seed=7):
            problem = centres_problem(rng.normal(size=(8, 1)), 2, penalty=penalty)
            best, _ = fit_problem(problem, n_starts=40)
            least = best_of_all_labels(problem.emission, penalty)
            assert best.objective == pytest.approx(least, rel=1e-9)


class LatentUpdateContract(UpdateContract):
    """Labels have no scale, and both blocks need their own rule and double precision."""

    test_follows_the_scale_of_the_data = None
    test_single_precision_is_kept = None
    test_says_which_penalties_it_honours = None

    def problems(self, scale=1.0):
        def build(kind, penalty):
            def case(rng, dtype=np.float64):
                problem = LatentFactorProblem(simulated(kind, rng), penalty)
                return problem, feasible_point(problem, rng)

            return case

        return [build(kind, penalty) for kind in KINDS for penalty in PENALTIES]

    def step(self, problem, x, k):
        return (ParameterUpdate(), FactorUpdate())[k](problem, x, k, None)[0]

    def cases(self, count=4, scale=1.0):
        return super().cases(1, scale)


class TestFactorUpdate(LatentUpdateContract):
    update = FactorUpdate()


class TestParameterUpdate(LatentUpdateContract):
    update = ParameterUpdate()


class TestEmptyFactors:
    @pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "bounded centres"])
    def test_a_factor_without_samples_starts_again_from_the_worst_fitted(self, kind):
        problem = problem_for(kind)
        for rng in generators(4, seed=8):
            labels = rng.integers(2, size=30)
            x = feasible_point(problem, rng)[0], np.eye(3)[labels]
            before = problem.objective(x)
            after = (ParameterUpdate()(problem, x, 0, None)[0], x[1])
            assert problem.objective(after) <= before + 1e-9 * (1.0 + abs(before))
            joined = problem.label_losses(after).argmin(axis=1)
            assert 2 in joined
            np.testing.assert_allclose(
                after[0][:2], problem.emission.fit(x[1], x[0])[:2], atol=1e-8
            )

    def test_several_factors_start_from_different_samples(self):
        points = np.arange(12.0)[:, None]
        problem = centres_problem(points, 4)
        x = np.zeros((4, 1)), np.eye(4)[np.zeros(12, int)]
        centres = ParameterUpdate()(problem, x, 0, None)[0].ravel()
        assert centres[0] == pytest.approx(5.5)
        assert len(set(centres.round(9))) == 4
        assert set(centres[1:]) <= set(points.ravel())
        assert 11.0 in centres

    @pytest.mark.parametrize("penalty", PENALTIES, ids=NAMES)
    def test_all_samples_in_one_factor_end_as_well_as_other_starts(self, penalty):
        rng = np.random.default_rng(9)
        points = np.concatenate([rng.normal(10.0 * k, 0.5, 20) for k in range(3)])
        problem = centres_problem(points[:, None], 3, penalty=penalty)
        best, _ = fit_problem(problem, n_starts=1, init=np.zeros(60, int))
        others, _ = fit_problem(problem, n_starts=10)
        assert best.objective == pytest.approx(others.objective, rel=1e-6)
        assert np.all(best.blocks["z"].sum(axis=0) > 5)

    def test_one_sample_for_each_factor_costs_nothing(self):
        points = np.random.default_rng(10).normal(size=(5, 2))
        best, _ = fit_problem(centres_problem(points, 5), n_starts=1, init=np.zeros(5, int))
        assert best.objective == pytest.approx(0.0, abs=1e-12)

    def test_a_factor_is_left_out_where_it_costs_more_than_it_gives(self):
        """A heavy norm keeps a factor at 0: nothing is gained by seeding it."""
        rng = np.random.default_rng(11)
        loss = draw_loss(Logistic(), rng)
        space = ParameterSpace.from_pair(None, 3, norm=1e3)
        problem = LatentFactorProblem(SeparateFactors([loss] * 2, [space] * 2))
        best, _ = fit_problem(problem)
        np.testing.assert_array_equal(best.blocks["parameters"], 0.0)
        assert best.objective == pytest.approx(loss.total(np.ones(40), np.zeros(3)))


class TestStarts:
    def test_restarts_are_never_worse(self):
        for kind in ("centres", "squares", "logistic"):
            problem = problem_for(kind)
            few, many = (fit_problem(problem, n_starts=count) for count in (3, 8))
            np.testing.assert_array_equal(few[1], many[1][:3])
            assert many[0].objective == many[1].min() <= few[0].objective == few[1].min()
            assert len(set(many[1].round(6))) > 1

    def test_same_bytes_with_a_seed_in_parallel_and_elsewhere(self):
        problem = problem_for("logistic", KLSmoothness(0.2))
        alone = fit_problem(problem, n_starts=4, random_state=5)
        with parallel_config(backend="threading"):
            together = fit_problem(problem, n_starts=4, random_state=5, n_jobs=2)
        sent = pickle.loads(pickle.dumps(problem))
        elsewhere = fit_problem(sent, n_starts=4, random_state=np.random.default_rng(5))
        for best, starts in (together, elsewhere):
            assert starts.tobytes() == alone[1].tobytes()
            assert best.trace.objective.tobytes() == alone[0].trace.objective.tobytes()
            for name, block in best.blocks.items():
                assert block.tobytes() == alone[0].blocks[name].tobytes()
        other = fit_problem(problem, n_starts=4, random_state=6)
        assert other[1].tobytes() != alone[1].tobytes()

    def test_what_is_given_comes_first(self):
        problem = problem_for("squares")
        labels = np.random.default_rng(12).integers(3, size=30)
        alone = fit_problem(problem, n_starts=1, init=labels)[1]
        weights = fit_problem(problem, n_starts=1, init=np.eye(3)[labels])[1]
        among = fit_problem(problem, n_starts=4, init=labels)[1]
        assert alone[0] == weights[0] == among[0]
        np.testing.assert_array_equal(among[1:], fit_problem(problem, n_starts=3)[1])

    def test_a_fixed_point_is_where_a_fit_from_it_ends(self):
        problem = problem_for("squares")
        best, _ = fit_problem(problem)
        again, _ = fit_problem(problem, n_starts=1, init=best.blocks["z"])
        assert again.objective == pytest.approx(best.objective, rel=1e-10)
        np.testing.assert_array_equal(again.blocks["z"], best.blocks["z"])

    def test_no_sweeps_return_the_start(self):
        problem = problem_for("centres")
        z = np.random.default_rng(13).dirichlet(np.ones(3), 30)
        best, _ = fit_problem(problem, n_starts=1, init=z, max_iter=0)
        np.testing.assert_array_equal(best.blocks["z"], z)
        assert (best.n_iter, best.status, len(best.trace)) == (0, "max_iter", 1)
        mean = problem.emission.losses[0].points.mean(axis=0)
        np.testing.assert_allclose(best.blocks["parameters"], np.tile(mean, (3, 1)))

    def test_callback_sees_the_true_objective_and_stops_all_starts(self):
        problem, seen = problem_for("squares", TotalVariation(0.3)), []

        def watch(sweep):
            true = problem.objective((sweep.blocks["parameters"], sweep.blocks["z"]))
            assert sweep.objective == pytest.approx(true, rel=1e-12)
            seen.append(sweep.iteration)
            return len(seen) == 2

        best, starts = fit_problem(problem, n_starts=6, callback=watch, tol=0.0)
        assert seen == [1, 2]
        assert (best.status, best.n_iter, len(starts)) == ("stopped", 2, 1)

    def test_warns_when_the_best_start_ran_out_of_sweeps(self):
        problem = problem_for("squares")
        with pytest.warns(ConvergenceWarning, match="used all 1 sweeps"):
            fit_problem(problem, max_iter=1)
        assert fit_problem(problem, max_iter=2, tol=0.0)[0].status == "max_iter"

    def test_more_factors_than_samples_are_refused(self):
        with pytest.raises(ValueError, match="3 factors need at least as many samples, got 2"):
            fit_problem(centres_problem(np.eye(2), 3))

    def test_starts_that_are_no_labels_are_refused(self):
        problem = problem_for("centres")
        sentence = "init must hold 30 labels from 0 to 2"
        for labels in (np.zeros(29, int), np.full(30, 3), np.full(30, -1)):
            with pytest.raises(ValueError, match=sentence):
                fit_problem(problem, init=labels)
        sentence = r"shape \(30, 3\) and nonnegative rows that sum to one"
        weights = np.full((30, 3), 1 / 3)
        for z in (np.full((30, 3), 0.5), np.full((30, 2), 0.5), weights - [1.0, -0.5, -0.5]):
            with pytest.raises(ValueError, match=sentence):
                fit_problem(problem, init=z)
        with pytest.raises(ValueError, match="init has 90 NaN"):
            fit_problem(problem, init=np.nan * weights)
        with pytest.raises(ValueError, match="n_starts must be an integer of at least 1"):
            fit_problem(problem, n_starts=0)

    def test_labels_are_the_heaviest_factors(self):
        best, _ = fit_problem(problem_for("centres", IndependentLabels()))
        assert set(np.unique(best.blocks["z"])) == {0.0, 1.0}

    def test_one_factor_is_a_single_fit(self):
        loss = draw_loss(Huber(0.3), np.random.default_rng(14), linear=False)
        space = ParameterSpace.from_pair(None, 3)
        best, _ = fit_problem(LatentFactorProblem(SeparateFactors([loss], [space])))
        alone = loss.fit(np.ones(40), space, np.zeros(3))
        np.testing.assert_allclose(best.blocks["parameters"][0], alone, atol=1e-6)

    def test_data_are_never_written_to(self):
        loss = draw_loss(Logistic(), np.random.default_rng(15))
        arrays = [loss.design, loss.offset, loss.linear, loss.constant]
        before = [array.copy() for array in arrays]
        spaces = [ParameterSpace.from_pair(None, 3, ridge=0.1)] * 2
        fit_problem(LatentFactorProblem(SeparateFactors([loss] * 2, spaces)))
        for array, copy in zip(arrays, before):
            np.testing.assert_array_equal(array, copy)
        assert isinstance(loss, AffineLoss)
