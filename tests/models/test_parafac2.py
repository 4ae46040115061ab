"""PARAFAC2: the problems, their updates, and whole fits by copies and by a core."""

import numpy as np
import pytest
from contracts.instances import generators, read_only
from contracts.problem import ProblemContract
from matcouply.decomposition import parafac2_aoadmm
from scipy.optimize import nnls as scipy_nnls
from tensorly.decomposition import parafac2 as tensorly_parafac2

from multiconvex import (
    L1,
    L2,
    ConvergenceWarning,
    NonNegative,
    NoPenalty,
    ProxGradient,
    RelativeDecrease,
    Simplex,
    UnitBall,
    alternate,
    cp,
    factor_match_score,
    parafac2,
)
from multiconvex.datasets import make_chromatograms
from multiconvex.models.parafac2_problem import (
    Parafac2Problem,
    ReparametrizedProblem,
    SliceData,
    SliceWise,
)
from multiconvex.models.parafac2_updates import BestBases, Parafac2ADMM, RowsOfSlices

SIGNS = (NonNegative(),) * 3
FREE = (NonNegative(), NoPenalty(), NonNegative())
LONG = {"tol": 0, "max_iter": 800}


def random_slices(rng, widths=(6, 5, 7), rows=8):
    return [rng.random((rows, width)) for width in widths]


def planted(rng, widths=(9, 11, 8, 10), rows=12, rank=2):
    """Return slices of an exact nonnegative model, with the same peaks at other places."""
    A, C = rng.random((rows, rank)), 0.3 + rng.random((len(widths), rank))
    shape = np.array([[1.0, 0.0], [3.0, 0.5], [1.0, 2.0], [0.0, 1.5], [0.2, 0.0]])
    B = []
    for width in widths:
        profiles, first = np.zeros((width, rank)), rng.integers(width - 4)
        profiles[first : first + 5] = shape
        B.append(profiles)
    return [(A * row) @ profiles.T for row, profiles in zip(C, B)], (A, B, C)


def spread(B):
    """Largest relative difference of cross products."""
    products = np.array([profiles.T @ profiles for profiles in B])
    return np.abs(products - products[0]).max() / np.abs(products).max()


def documented_loss(slices, A, B, C):
    pairs = zip(slices, C, B)
    return 0.5 * sum(np.sum((X - A @ np.diag(row) @ profiles.T) ** 2) for X, row, profiles in pairs)


def relative_error(slices, A, B, C):
    size = sum(np.sum(piece**2) for piece in slices)
    return np.sqrt(2 * documented_loss(slices, A, B, C) / size)


class TestProfilesProblem(ProblemContract):
    test_multiplicative_terms_split_the_gradient = None

    def problem(self):
        self.slices = random_slices(np.random.default_rng(0))
        return Parafac2Problem(SliceData(self.slices), 2, SIGNS)

    def documented_loss(self, x):
        A, B, C = x
        return documented_loss(self.slices, A, np.split(B, [6, 11]), C)

    def minimiser(self):
        problem = self.problem()
        rng = np.random.default_rng(1)
        start = tuple(rng.random(block.shape) for block in problem.blocks)
        stop = RelativeDecrease(1e-16)
        result = alternate(problem, start, ProxGradient(20), stop=stop, max_iter=5000)
        return problem, tuple(result.blocks.values())

    def test_only_block_a_has_common_equations(self):
        problem = self.problem()
        x = self.point(problem, np.random.default_rng(0))
        with pytest.raises(TypeError, match="Block 'B' has one Gram matrix for each slice"):
            problem.normal_equations(x, 1)

    def test_exact_models_have_an_accurate_loss(self):
        slices, (A, B, C) = planted(np.random.default_rng(0))
        problem = Parafac2Problem(SliceData(slices), 2, SIGNS)
        assert problem.loss((A, np.vstack(B), C)) < 1e-28


class TestReparametrizedProblem:
    def build(self, rng):
        slices = random_slices(rng)
        problem = ReparametrizedProblem(SliceData(slices), 2, FREE)
        A, D, C = (rng.random(block.shape) for block in problem.blocks[1:])
        return slices, problem, (problem.bases((None, A, D, C)), A, D, C)

    def test_loss_is_the_documented_one(self):
        for rng in generators(4):
            slices, problem, (P, A, D, C) = self.build(rng)
            B = [basis @ D for basis in np.split(P, [6, 11])]
            expected = documented_loss(slices, A, B, C)
            np.testing.assert_allclose(problem.loss((P, A, D, C)), expected, rtol=1e-12)

    def test_gradient_agrees_with_central_differences(self):
        for rng in generators(4):
            _, problem, x = self.build(rng)
            for k in (1, 2, 3):
                d = rng.standard_normal(x[k].shape)
                ahead, behind = (
                    problem.loss((*x[:k], x[k] + sign * 1e-6 * d, *x[k + 1 :])) for sign in (1, -1)
                )
                slope = np.vdot(problem.gradient(x, k), d)
                np.testing.assert_allclose((ahead - behind) / 2e-6, slope, rtol=1e-6, atol=1e-7)

    def test_no_other_bases_are_better(self):
        for rng in generators(4):
            _, problem, x = self.build(rng)
            best = BestBases()(problem, x, 0, None)[0]
            for size in (1e-3, 0.1, 10.0):
                pieces = np.split(best + size * rng.standard_normal(best.shape), [6, 11])
                others = np.vstack([np.linalg.qr(piece)[0] for piece in pieces])
                assert problem.loss((best, *x[1:])) <= problem.loss((others, *x[1:]))


class TestUpdates:
    def test_rows_of_slices_are_the_regressions_of_each_slice(self):
        for rng in generators(4):
            slices = random_slices(rng)
            A, B, C = rng.random((8, 2)), rng.random((18, 2)), rng.random((3, 2))
            for penalty in (NonNegative(), NoPenalty(), L2(0.7), NonNegative(l1=0.2, l2=0.3)):
                problem = Parafac2Problem(SliceData(slices), 2, (*SIGNS[:2], penalty))
                rows = RowsOfSlices()(problem, (A, B, C), 2, None)[0]
                for X, profiles, row in zip(slices, np.split(B, [6, 11]), rows):
                    design = np.einsum("ir,jr->ijr", A, profiles).reshape(-1, 2)
                    np.testing.assert_allclose(row, regress(design, X.ravel(), penalty), atol=1e-9)

    def test_many_steps_on_one_slice_are_nonnegative_least_squares(self):
        for rng in generators(4):
            X, A, c = rng.random((8, 6)), rng.random((8, 2)), 0.2 + rng.random((1, 2))
            problem = Parafac2Problem(SliceData([X]), 2, SIGNS)
            x = (A, rng.random((6, 2)), c)
            update = Parafac2ADMM(steps=3000)
            block, _ = update(problem, x, 1, update.start(problem, x, 1))
            expected = np.stack([scipy_nnls(A * c, column)[0] for column in X.T])
            np.testing.assert_allclose(block, expected, atol=1e-7)

    def test_copies_come_together_and_multipliers_balance_the_gradient(self):
        rng = np.random.default_rng(0)
        slices, (A, B, C) = planted(rng)
        slices = [piece + 0.02 * rng.random(piece.shape) for piece in slices]
        problem = Parafac2Problem(SliceData(slices), 2, SIGNS)
        x = (A, np.vstack(B) + 0.1 * rng.random((38, 2)), C)
        update = Parafac2ADMM(steps=4000)
        block, memory = update(problem, x, 1, update.start(problem, x, 1))
        assert np.abs(memory.feasible - memory.member).max() < 1e-9
        pull = 0.5 * (memory.penalty_multiplier + memory.set_multiplier)
        x = (x[0], block, x[2])
        np.testing.assert_allclose(problem.gradient(x, 1), -pull, atol=1e-7)
        assert memory.penalty_multiplier.max() <= 1e-7

    def test_penalties_on_profiles_are_those_of_each_slice(self):
        x = np.random.default_rng(0).standard_normal((7, 2))
        each = SliceWise(UnitBall(), (0, 3, 7))
        np.testing.assert_array_equal(each.prox(x, 1.0)[3:], UnitBall().prox(x[3:], 1.0))
        each = SliceWise(L1(2.0), (0, 3, 7))
        assert each.value(x) == pytest.approx(2.0 * np.abs(x).sum())
        moved = each.prox_each(x, np.array([0.1, 0.3]))
        np.testing.assert_array_equal(moved[:3], L1(2.0).prox(x[:3], 0.1))
        np.testing.assert_array_equal(moved[3:], L1(2.0).prox(x[3:], 0.3))


class TestFits:
    def test_recovers_a_planted_model_with_slices_of_many_widths(self):
        for rng in generators(3, seed=4):
            slices, (A, B, C) = planted(rng)
            fit = parafac2(slices, 2, n_starts=2, random_state=0, **LONG)
            assert relative_error(slices, *fit.factors) < 1e-3
            assert factor_match_score(fit.A, A) > 0.999
            assert factor_match_score(fit.C, C) > 0.999
            assert min(map(factor_match_score, fit.B, B)) > 0.999

    @pytest.mark.parametrize("update", ["admm", "reparametrized"])
    def test_profiles_satisfy_what_they_must(self, update):
        slices = random_slices(np.random.default_rng(0))
        fit = parafac2(slices, 2, update=update, random_state=0)
        assert spread(fit.B) < 1e-12
        assert max(fit.feasibility) < 1e-12
        assert fit.A.min() >= 0 and fit.C.min() >= 0
        assert (np.vstack(fit.B).min() >= 0) == (update == "admm")
        np.testing.assert_allclose(fit.B[0].T @ fit.B[0], fit.core.T @ fit.core, atol=1e-12)

    @pytest.mark.parametrize("update", ["admm", "reparametrized"])
    def test_objective_and_reconstruction_are_the_documented_ones(self, update):
        slices = random_slices(np.random.default_rng(0))
        fit = parafac2(slices, 2, update=update, random_state=0, max_iter=30, tol=0)
        np.testing.assert_allclose(fit.objective, documented_loss(slices, *fit.factors), rtol=1e-9)
        assert [piece.shape for piece in fit.reconstruct()] == [piece.shape for piece in slices]
        gaps = [np.sum((X - model) ** 2) for X, model in zip(slices, fit.reconstruct())]
        np.testing.assert_allclose(fit.objective, 0.5 * sum(gaps), rtol=1e-9)
        assert fit.n_iter == 30 == fit.trace.iteration[-1] and len(fit.starts) == 1

    def test_free_profiles_never_raise_the_objective(self):
        for rng in generators(4):
            slices = random_slices(rng)
            fit = parafac2(slices, 2, update="reparametrized", random_state=0)
            assert np.diff(fit.trace.objective).max() <= 1e-13

    def test_what_the_restoration_costs_is_in_the_trace(self):
        runs = make_chromatograms(random_state=0)
        fit = parafac2(runs.slices, 3, random_state=0)
        (place,) = np.flatnonzero(fit.trace.event == "restored")
        before, after = fit.trace.objective[place - 1 : place + 1]
        assert abs(after / before - 1) < 0.01
        assert np.diff(fit.trace.objective[place:]).max() <= 1e-12 * before

    def test_constant_profiles_are_a_cp_model(self):
        rng = np.random.default_rng(0)
        A, B, C = rng.random((8, 2)), rng.random((7, 2)), 0.3 + rng.random((5, 2))
        slices = np.einsum("ir,jr,kr->kij", A, B, C)
        tensor = cp(slices, 2, nonnegative=True, random_state=0, **LONG)
        fit = parafac2(slices, 2, random_state=0, **LONG)
        assert relative_error(slices, *fit.factors) < 1e-3
        found = (fit.C, fit.A, fit.B[0])
        assert factor_match_score(list(found), list(tensor.factors)) > 0.99
        assert min(factor_match_score(profiles, B) for profiles in fit.B) > 0.99

    def test_wide_slices_are_compressed_without_a_trace(self):
        rng = np.random.default_rng(0)
        narrow = random_slices(rng, (3, 3, 3), rows=4)
        turns = [np.linalg.qr(rng.standard_normal((20, 3)))[0] for _ in narrow]
        wide = [piece @ turn.T for piece, turn in zip(narrow, turns)]
        options = {"update": "reparametrized", "max_iter": 40, "tol": 0, "random_state": 0}
        start = rng.random((4, 2)), [np.eye(3, 2)] * 3, rng.random((3, 2))
        wider = (start[0], [turn @ np.eye(3, 2) for turn in turns], start[2])
        small = parafac2(narrow, 2, init=start, **options)
        large = parafac2(wide, 2, init=wider, **options)
        np.testing.assert_allclose(large.trace.objective, small.trace.objective, rtol=1e-7)
        assert large.B[0].shape == (20, 2) and spread(large.B) < 1e-12

    def test_agrees_with_matcouply(self):
        runs = make_chromatograms(6, 40, wavelengths=20, rank=2, snr=15, random_state=0)
        fit = parafac2(runs.slices, 2, n_starts=3, random_state=0, **LONG)
        transposed = [piece.T for piece in runs.slices]
        errors = []
        for seed in range(3):
            _, (C, B, A) = parafac2_aoadmm(
                transposed, 2, non_negative=True, random_state=seed, n_iter_max=800, tol=1e-10
            )
            errors.append(relative_error(runs.slices, A, B, C))
        assert relative_error(runs.slices, *fit.factors) == pytest.approx(min(errors), rel=2e-3)

    def test_agrees_with_tensorly(self):
        runs = make_chromatograms(6, 40, wavelengths=20, rank=2, snr=15, random_state=0)
        fit = parafac2(
            runs.slices, 2, nonnegative=False, update="reparametrized", n_starts=3,
            random_state=0, **LONG,
        )  # fmt: skip
        _, (C, core, A), bases = tensorly_parafac2(
            [piece.T for piece in runs.slices], 2, random_state=0, n_iter_max=1000, tol=1e-12
        )
        B = [basis @ core for basis in bases]
        peer = relative_error(runs.slices, A, B, C)
        assert relative_error(runs.slices, *fit.factors) == pytest.approx(peer, rel=1e-4)

    def test_other_penalties_are_honoured(self):
        slices, _ = planted(np.random.default_rng(0))
        penalties = (UnitBall(), NonNegative(l1=0.05), Simplex())
        fit = parafac2(slices, 2, penalties=penalties, random_state=0, max_iter=3000)
        for penalty, block in zip(penalties, (fit.A, np.vstack(fit.B), fit.C)):
            assert np.isfinite(penalty.value(block))
        assert spread(fit.B) < 1e-10
        documented = documented_loss(slices, *fit.factors) + 0.05 * np.vstack(fit.B).sum()
        np.testing.assert_allclose(fit.objective, documented, rtol=1e-9)


class TestOptions:
    def test_best_of_several_starts_is_returned(self):
        slices = random_slices(np.random.default_rng(0), (9,) * 5)
        fit = parafac2(slices, 3, n_starts=4, random_state=0)
        assert fit.starts.shape == (4,) and fit.objective == fit.starts.min() < fit.starts.max()

    def test_same_seed_same_bytes(self):
        slices = random_slices(np.random.default_rng(0))
        first, second = (parafac2(slices, 2, random_state=3, max_iter=20, tol=0) for _ in "ab")
        for a, b in zip(first.blocks.values(), second.blocks.values()):
            assert a.tobytes() == b.tobytes()

    @pytest.mark.parametrize("update", ["admm", "reparametrized"])
    @pytest.mark.parametrize("init", ["random", "svd"])
    def test_no_sweeps_return_the_start(self, update, init):
        slices = random_slices(np.random.default_rng(0))
        fit = parafac2(slices, 2, update=update, init=init, max_iter=0, random_state=0)
        assert fit.n_iter == 0 and fit.trace.event.tolist() == ["start"]
        assert fit.A.min() >= 0 and fit.C.min() >= 0

    def test_given_start_is_used_and_left_alone(self):
        slices, (A, B, C) = planted(np.random.default_rng(0))
        start = (*read_only(A), list(read_only(*B)), *read_only(C))
        fit = parafac2(read_only(*slices), 2, init=start, max_iter=0)
        np.testing.assert_array_equal(fit.A, A)
        assert relative_error(slices, *fit.factors) < 1e-14

    def test_callback_sees_sweeps_and_stops(self):
        slices, seen = random_slices(np.random.default_rng(0)), []

        def watch(sweep):
            seen.append(sweep.objective)
            return sweep.iteration == 5

        fit = parafac2(slices, 2, callback=watch, random_state=0)
        assert fit.status == "stopped" and fit.n_iter == 5 and len(seen) == 5
        assert fit.trace.event[-1] == "restored" and spread(fit.B) < 1e-12

    def test_exact_data_end_the_fit(self):
        peak = np.array([[0, 1, 3, 1, 0, 0.0]])
        slices = [np.outer([1.0, 2.0, 0.5], peak), 2 * np.outer([1.0, 2.0, 0.5], np.roll(peak, 2))]
        for seed in range(6):
            fit = parafac2(slices, 1, random_state=seed)
            assert fit.status == "converged" and fit.objective < 1e-22
            assert parafac2(slices, 1, random_state=seed, max_iter=80, tol=0).n_iter == 80

    def test_warns_when_sweeps_run_out(self):
        slices = random_slices(np.random.default_rng(0))
        with pytest.warns(ConvergenceWarning, match="used all 4 sweeps"):
            fit = parafac2(slices, 2, max_iter=4, random_state=0)
        assert fit.status == "max_iter" and fit.n_iter == 4

    def test_an_array_is_a_list_of_slices_and_scales_do_not_matter(self):
        array = np.random.default_rng(0).random((3, 5, 6))
        fit = parafac2(array, 2, random_state=0, max_iter=50, tol=0)
        small = parafac2(1e-6 * array, 2, random_state=0, max_iter=50, tol=0)
        np.testing.assert_allclose(small.objective, 1e-12 * fit.objective, rtol=1e-4)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"slices": []}, "slices is empty"),
            ({"slices": [np.ones((3, 4)), np.ones((2, 4))]}, r"same number of rows, got \[2, 3\]"),
            ({"slices": [np.ones((5, 2))], "rank": 3}, r"slices\[0\] has 2 columns"),
            ({"slices": [np.full((3, 3), np.nan)]}, r"slices\[0\] has 9 NaN"),
            ({"slices": [np.ones(3)]}, r"slices\[0\] must have 2 dimensions"),
            ({"update": "als"}, "update must be one of 'admm', 'reparametrized'"),
            ({"init": "zeros"}, "init must be one of 'svd', 'random'"),
            ({"penalties": SIGNS[:2]}, "penalties must hold one for A, B and C, got 2"),
            ({"n_starts": 0}, "n_starts must be an integer of at least 1"),
            ({"rank": 0}, "rank must be an integer of at least 1"),
            ({"init": (np.ones((8, 2)), [np.ones((6, 2))] * 2, np.ones((3, 2)))},
             r"init of B must have shape \(18, 2\)"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_fitted_is_refused(self, change, message):
        options = {"slices": random_slices(np.random.default_rng(0)), "rank": 2} | change
        with pytest.raises(ValueError, match=message):
            parafac2(options.pop("slices"), options.pop("rank"), **options)

    def test_free_profiles_take_no_penalty(self):
        slices = random_slices(np.random.default_rng(0))
        with pytest.raises(TypeError, match="leaves the profiles free"):
            parafac2(slices, 2, penalties=SIGNS, update="reparametrized")
        with pytest.raises(TypeError, match="penalties must be a tuple"):
            parafac2(slices, 2, penalties=("positive",) * 3)


def regress(design, data, penalty):
    """Return the regression with a penalty of one row by scipy and NumPy."""
    if isinstance(penalty, NonNegative):
        gram = design.T @ design + penalty.l2 * np.eye(2)
        root = np.linalg.cholesky(gram).T
        return scipy_nnls(root, np.linalg.solve(root.T, design.T @ data - penalty.l1))[0]
    ridge = getattr(penalty, "weight", 0.0) * np.eye(2)
    return np.linalg.solve(design.T @ design + ridge, design.T @ data)
