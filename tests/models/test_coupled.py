"""Coupled factorisations: special cases, exact and split couplings, missing data, weights."""

from itertools import chain

import numpy as np
import pytest
import scipy.sparse as sp
from contracts.coupled import KINDS, PAIR, random_coupling
from contracts.instances import cp_to_array, planted_tensor
from tensorly.decomposition import coupled_matrix_tensor_3d_factorization

from multiconvex import (
    L1,
    L2,
    Box,
    ConvergenceWarning,
    CoupledADMM,
    Coupling,
    Extrapolation,
    MultiplicativeUpdate,
    NonNegative,
    NoPenalty,
    ProxGradient,
    Simplex,
    coupled_factorization,
    cp,
    factor_match_score,
    nmf,
)
from multiconvex.models.coupled_inputs import check_datasets, check_penalties
from multiconvex.models.coupled_problem import CoupledProblem, wire_factors

SAME = Coupling(PAIR)
POSITIVE = NonNegative()


def planted(kind, seed=0, noise=0.0, draw="random", missing=0.0):
    """Return a tensor and a matrix with coupled factors, the coupling and the factors."""
    rng = np.random.default_rng(seed)
    coupling, rows, ranks = random_coupling(kind, rng, n=6)
    link = coupling.link(list(zip(rows, ranks)))
    shared = _drawn(rng, draw, link.shape)
    sizes = ((7, 8), (9,))
    others = [[_drawn(rng, draw, (n, r)) for n in shape] for shape, r in zip(sizes, ranks)]
    factors = [[link.image(shared, j), *others[j]] for j in range(2)]
    data = [cp_to_array(each) for each in factors]
    for X in data:
        X += noise * X.std() * rng.standard_normal(X.shape)
        X[rng.random(X.shape) < missing] = np.nan
    return data, coupling, factors, ranks


def _drawn(rng, draw, shape):
    """Return Gaussian entries, or uniform ones of which a third is zero."""
    array = getattr(rng, draw)(shape)
    return array if draw != "random" else array * (rng.random(shape) > 0.33)


def problem_of(data, ranks, coupling, penalty, weights):
    terms = check_datasets(data, ranks, "frobenius")
    wires = wire_factors(terms, [coupling], check_penalties(penalty, terms))
    return CoupledProblem(terms, weights, wires)


def documented_loss(data, result):
    return sum(
        w / 2 * np.nansum((X - cp_to_array(factors)) ** 2)
        for w, X, factors in zip(result.weights, data, result.factors)
    )


class TestSpecialCases:
    @pytest.mark.parametrize("penalty", [NoPenalty(), POSITIVE])
    def test_without_couplings_each_data_set_is_fitted_for_itself(self, penalty):
        rng = np.random.default_rng(0)
        T, X = rng.random((5, 4, 6)), rng.random((7, 5))
        starts = [[rng.random((n, r)) for n in Y.shape] for Y, r in ((T, 3), (X, 2))]
        plain = {"acceleration": None, "max_iter": 30, "tol": 0}
        both = coupled_factorization(
            [T, X], (3, 2), penalties=penalty, weights=(1, 1), init=starts, **plain
        )
        one = cp(T, 3, penalties=(penalty,) * 3, init=starts[0], balancing=None, **plain)
        other = nmf(X, 2, penalties=(penalty,) * 2, init=starts[1], balancing=None, **plain)
        np.testing.assert_allclose(
            both.trace.objective, one.trace.objective + other.trace.objective, rtol=1e-9
        )
        for ours, theirs in zip(chain(*both.factors), (*one.factors, *other.factors)):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)
        assert both.shared == () and both.coupling_gap == 0.0

    @pytest.mark.parametrize("penalty", [NoPenalty(), POSITIVE])
    def test_a_common_factor_is_that_of_the_stacked_data(self, penalty):
        rng = np.random.default_rng(1)
        X, Y, weights = rng.random((6, 5)), rng.random((6, 8)), (4.0, 0.25)
        A, B, C = (rng.random((n, 2)) for n in (6, 5, 8))
        plain = {"acceleration": None, "max_iter": 40, "tol": 0}
        ours = coupled_factorization(
            [X, Y], 2, couplings=[SAME], penalties=penalty, weights=weights,
            init=[(A, B), (A, C)], **plain,
        )  # fmt: skip
        stacked = nmf(
            np.hstack([2.0 * X, 0.5 * Y]), 2, penalties=(penalty,) * 2,
            init=(A, np.vstack([2.0 * B, 0.5 * C])), balancing=None, **plain,
        )  # fmt: skip
        np.testing.assert_allclose(ours.trace.objective, stacked.trace.objective, rtol=1e-9)
        np.testing.assert_allclose(ours.factors[1][0], stacked.W, rtol=1e-6, atol=1e-8)

    def test_tensors_that_share_all_modes_but_one_are_one_tensor(self):
        T, _ = planted_tensor((5, 4, 6), 2, seed=3)
        halves = [T[:, :, :2], T[:, :, 2:]]
        couplings = [Coupling([(0, mode), (1, mode)]) for mode in range(2)]
        start = [np.random.default_rng(k).random((n, 2)) for k, n in enumerate(T.shape)]
        plain = {"acceleration": None, "max_iter": 20, "tol": 0}
        ours = coupled_factorization(
            halves, 2, couplings=couplings, weights=(1, 1),
            init=[(*start[:2], start[2][:2]), (*start[:2], start[2][2:])], **plain,
        )  # fmt: skip
        whole = cp(T, 2, init=start, balancing=None, **plain)
        np.testing.assert_allclose(ours.trace.objective, whole.trace.objective, rtol=1e-7)

    def test_tensorly_reaches_no_better_fit(self):
        (T, X), coupling, _, _ = planted("same", noise=0.1, draw="standard_normal")
        tensor, matrix, errors = coupled_matrix_tensor_3d_factorization(
            T, X, 2, init="svd", n_iter_max=2000, tol=1e-12
        )
        start = [list(tensor.factors), list(matrix.factors)]
        ours = coupled_factorization(
            [T, X], 2, couplings=[coupling], weights=(1, 1), init=start, tol=1e-12
        )
        assert 2.0 * ours.objective == pytest.approx(errors[-1], rel=1e-6)
        alone = coupled_factorization(
            [T, X], 2, couplings=[coupling], weights=(1, 1), n_starts=5, random_state=0, tol=1e-10
        )
        assert 2.0 * alone.objective <= errors[-1] * (1 + 1e-6)

    def test_counts_with_a_common_factor_are_the_stacked_counts(self):
        rng = np.random.default_rng(2)
        X, Y = (rng.poisson(3.0, (6, n)).astype(float) for n in (5, 8))
        A, B, C = (0.1 + rng.random((n, 2)) for n in (6, 5, 8))
        plain = {"acceleration": None, "max_iter": 30, "tol": 0}
        ours = coupled_factorization(
            [X, Y], 2, couplings=[SAME], losses="kullback-leibler", penalties=POSITIVE,
            init=[(A, B), (A, C)], **plain,
        )  # fmt: skip
        stacked = nmf(
            np.hstack([X, Y]), 2, loss="kullback-leibler", update=MultiplicativeUpdate(),
            init=(A, np.vstack([B, C])), balancing=None, **plain,
        )  # fmt: skip
        np.testing.assert_allclose(ours.trace.objective, stacked.trace.objective, rtol=1e-8)
        np.testing.assert_array_equal(ours.weights, 1.0)


class TestExactCouplings:
    @pytest.mark.parametrize("kind", KINDS)
    def test_without_penalties_the_objective_never_rises_and_the_gap_is_zero(self, kind):
        data, coupling, _, ranks = planted(kind, noise=0.2)
        result = coupled_factorization(
            data, ranks, couplings=[coupling], weights=(1, 2), random_state=0, max_iter=60, tol=0
        )
        trace = result.trace.objective
        assert np.diff(trace).max() <= 1e-12 * trace[0]
        assert result.coupling_gap == 0.0
        np.testing.assert_allclose(result.objective, documented_loss(data, result), rtol=1e-9)
        for j, (i, mode) in enumerate(coupling.members):
            image = coupling.link([f[0].shape for f in result.factors]).image(result.shared[0], j)
            np.testing.assert_array_equal(result.factors[i][mode], image)

    @pytest.mark.parametrize(
        ("kind", "penalty"), [("same", POSITIVE), ("columns", POSITIVE), ("same", L1(0.01))]
    )
    def test_penalties_that_members_share_keep_the_objective_from_rising(self, kind, penalty):
        data, coupling, _, ranks = planted(kind, noise=0.2, missing=0.2)
        result = coupled_factorization(
            data, ranks, couplings=[coupling], penalties=penalty, weights=(1, 2),
            random_state=0, max_iter=60, tol=0,
        )  # fmt: skip
        trace = result.trace.objective
        assert np.diff(trace).max() <= 1e-12 * trace[0] and result.coupling_gap == 0.0
        distinct = [*result.shared, *result.factors[0][1:], *result.factors[1][1:]]
        paid = sum(penalty.value(factor) for factor in distinct)
        np.testing.assert_allclose(result.objective, documented_loss(data, result) + paid)

    @pytest.mark.parametrize("kind", KINDS)
    def test_first_order_conditions_hold(self, kind):
        data, coupling, _, ranks = planted(kind, noise=0.1)
        result = coupled_factorization(
            data, ranks, couplings=[coupling], penalties=L2(1e-2) if kind == "same" else None,
            weights=(1, 2), random_state=0, max_iter=20000, tol=1e-13,
        )  # fmt: skip
        penalty = L2(1e-2) if kind == "same" else NoPenalty()
        problem = problem_of(data, ranks, coupling, penalty, (1, 2))
        assert problem.residual(tuple(result.blocks.values())) < 1e-4

    @pytest.mark.parametrize("kind", ["same", "columns", "left"])
    def test_planted_factors_come_back_although_much_is_missing(self, kind):
        data, coupling, factors, ranks = planted(kind, draw="standard_normal", missing=0.3)
        result = coupled_factorization(
            data, ranks, couplings=[coupling], weights=(1, 1), n_starts=3, random_state=0,
            max_iter=3000, tol=1e-13,
        )  # fmt: skip
        assert factor_match_score(result.factors[0], factors[0]) > 1 - 1e-4
        for X, model, planted_factors in zip(data, result.reconstruct(), factors):
            assert np.nanmax(np.abs(X - model)) < 1e-3
            if kind != "columns":
                whole = cp_to_array(planted_factors)
                np.testing.assert_allclose(model, whole, atol=0.05 * whole.std())

    def test_first_rows_of_counts_and_squares_may_be_mixed(self):
        data, coupling, _, ranks = planted("same")
        counts = np.random.default_rng(0).poisson(5.0 * data[1]).astype(float)
        result = coupled_factorization(
            [data[0], counts], ranks, couplings=[coupling], penalties=POSITIVE,
            losses=("frobenius", "kullback-leibler"), weights=(1, 1), random_state=0,
            max_iter=100, tol=0,
        )  # fmt: skip
        trace = result.trace.objective
        assert np.diff(trace).max() <= 1e-12 * trace[0]
        assert trace[-1] < 0.2 * trace[0]


class TestSplitCouplings:
    @pytest.mark.parametrize("penalty", [POSITIVE, Box(0.0, 0.6), NonNegative(l2=0.1)])
    @pytest.mark.parametrize("kind", ["left", "both", "matrices", "right"])
    def test_penalties_hold_exactly_and_copies_agree(self, kind, penalty):
        data, coupling, _, ranks = planted(kind, noise=0.1)
        result = coupled_factorization(
            data, ranks, couplings=[coupling], penalties=penalty, weights=(1, 2),
            random_state=0, tol=1e-4,
        )  # fmt: skip
        factors = [factor for each in result.factors for factor in each]
        paid = sum(penalty.value(factor) for factor in factors)
        assert result.status == "converged" and result.coupling_gap < 1e-9
        np.testing.assert_allclose(result.objective, documented_loss(data, result) + paid)
        link = coupling.link([each[0].shape for each in result.factors])
        for j in range(2):
            image = link.image(result.shared[0], j)
            np.testing.assert_allclose(result.factors[j][0], image, rtol=1e-6, atol=1e-8)

    def test_members_may_have_different_penalties(self):
        data, coupling, _, ranks = planted("same", noise=0.1)
        data[1] = data[1] - data[1].mean()
        penalties = [(POSITIVE, L2(0.1), L2(0.1)), (L1(0.1), L2(0.1))]
        result = coupled_factorization(
            data, ranks, couplings=[coupling], penalties=penalties, weights=(1, 1),
            random_state=0, max_iter=5000,
        )  # fmt: skip
        assert "coupled[0]" in result.blocks and result.factors[0][0].min() >= 0
        assert result.coupling_gap < 1e-9

    def test_a_split_coupling_reaches_the_fit_that_holds_exactly(self):
        """Nonnegative curves on grids: where no constraint is active both are one problem."""
        data, coupling, factors, ranks = planted("left", noise=0.01)
        options = {
            "couplings": [coupling], "weights": (1, 1), "init": factors, "max_iter": 5000,
            "tol": 1e-12,
        }  # fmt: skip
        free = [(NoPenalty(), POSITIVE, POSITIVE), (NoPenalty(), POSITIVE)]
        exact = coupled_factorization(data, ranks, penalties=free, **options)
        split = coupled_factorization(data, ranks, penalties=POSITIVE, **options)
        assert exact.coupling_gap == 0.0 and "coupled[0]" in split.blocks
        assert split.objective == pytest.approx(exact.objective, rel=1e-5)

    def test_the_last_sweeps_never_raise_the_objective(self):
        data, coupling, _, ranks = planted("left", noise=0.3, seed=4)
        result = coupled_factorization(
            [X - 0.3 * X.mean() for X in data], ranks, couplings=[coupling], penalties=POSITIVE,
            weights=(1, 1), random_state=0, max_iter=5000,
        )  # fmt: skip
        assert np.diff(result.trace.objective[-3:]).max() <= 1e-8 * result.objective

    def test_even_few_sweeps_close_the_gap(self):
        data, coupling, _, ranks = planted("left", noise=0.3)
        options = {"couplings": [coupling], "penalties": POSITIVE, "weights": (1, 1)}
        for sweeps in (2, 6):
            with pytest.warns(ConvergenceWarning, match=f"used all {sweeps} sweeps"):
                result = coupled_factorization(
                    data, ranks, random_state=0, max_iter=sweeps, **options
                )
            assert (result.n_iter, result.status) == (sweeps, "max_iter")
            assert result.coupling_gap < 1e-9

    def test_the_gap_is_the_distance_from_the_nearest_images(self):
        data, coupling, _, ranks = planted("left")
        problem = problem_of(data, ranks, coupling, POSITIVE, (1, 1))
        x = tuple(np.random.default_rng(0).random(block.shape) for block in problem.blocks)
        factors = [each[0] for each in problem.factors(x)]
        link = coupling.link([factor.shape for factor in factors])
        shared = link.closest(factors, [1.0, 1.0])
        away = sum(np.sum((f - link.image(shared, j)) ** 2) for j, f in enumerate(factors))
        expected = np.sqrt(away / sum(np.sum(f**2) for f in factors))
        assert problem.coupling_gap(x) == pytest.approx(expected) and expected > 1e-2

    def test_what_would_ignore_the_coupling_is_refused(self):
        data, coupling, _, ranks = planted("left")
        problem = problem_of(data, ranks, coupling, POSITIVE, (1, 1))
        x = tuple(np.ones(block.shape) for block in problem.blocks)
        for capability in (problem.gradient, problem.normal_equations):
            with pytest.raises(TypeError, match=r"coupled\[0\].*only CoupledADMM\(\) brings"):
                capability(x, 0)
        with pytest.raises(TypeError, match="read coupling_gap"):
            problem.residual(x)
        options = {"couplings": [coupling], "penalties": POSITIVE, "weights": (1, 1)}
        with pytest.raises(TypeError, match=r"only CoupledADMM.. brings together, got Pr"):
            coupled_factorization(data, ranks, update={"coupled[0]": ProxGradient()}, **options)

    def test_one_rule_is_for_the_blocks_that_are_whole(self):
        data, coupling, _, ranks = planted("left", noise=0.1)
        result = coupled_factorization(
            data, ranks, couplings=[coupling], penalties=POSITIVE, weights=(1, 1),
            update=ProxGradient(), random_state=0, max_iter=50, tol=0,
        )  # fmt: skip
        assert result.coupling_gap < 1e-9

    def test_maps_of_rows_have_no_normal_equations_of_the_block(self):
        data, coupling, _, ranks = planted("left")
        problem = problem_of(data, ranks, coupling, NoPenalty(), (1, 1))
        x = tuple(np.ones(block.shape) for block in problem.blocks)
        with pytest.raises(TypeError, match="mixes rows: use CoupledLeastSquares"):
            problem.normal_equations(x, 0)


class TestWeights:
    def test_are_the_inverse_variances_of_the_noise(self):
        rng = np.random.default_rng(0)
        A, B, C, D = (rng.standard_normal((n, 2)) for n in (30, 12, 10, 40))
        sigma = (0.3, 2.0)
        clean = [np.einsum("iq,jq,kq->ijk", A, B, C), A @ D.T]
        noisy = [X + s * rng.standard_normal(X.shape) for X, s in zip(clean, sigma)]
        noisy[1][rng.random(noisy[1].shape) < 0.3] = np.nan
        found = coupled_factorization(noisy, 2, couplings=[SAME], random_state=0).weights
        np.testing.assert_allclose(found, 1.0 / np.square(sigma), rtol=0.1)

    def test_follow_the_units_of_the_data(self):
        data, coupling, _, ranks = planted("same", noise=0.1)
        one, other = (
            coupled_factorization(
                [data[0], c * data[1]], ranks, couplings=[coupling], random_state=0,
                max_iter=30, tol=0,
            )
            for c in (1.0, 1e4)
        )  # fmt: skip
        np.testing.assert_allclose(other.weights * [1.0, 1e8], one.weights, rtol=1e-6)
        np.testing.assert_allclose(other.objective, one.objective, rtol=1e-5)

    def test_nothing_is_left_of_a_model_as_large_as_its_data(self):
        X = np.random.default_rng(0).random((4, 3))
        with pytest.raises(ValueError, match=r"tells nothing of its noise .* give weights"):
            coupled_factorization([X, X], 3, couplings=[SAME], random_state=0)


class TestFits:
    def fit(self, **options):
        data, coupling, _, ranks = planted("left", noise=0.1)
        defaults = {"couplings": [coupling], "weights": (1, 1), "random_state": 0}
        return coupled_factorization(data, ranks, **{**defaults, **options})

    def test_same_seed_same_bytes_and_another_seed_another_start(self):
        first, second, third = (self.fit(random_state=s, max_iter=5, tol=0) for s in (0, 0, 1))
        assert first.trace.objective.tobytes() == second.trace.objective.tobytes()
        assert first.trace.objective[0] != third.trace.objective[0]

    def test_the_best_of_several_starts_is_kept(self):
        result = self.fit(n_starts=3, max_iter=20, tol=0)
        assert len(result.starts) == 3 and result.objective == result.starts.min()

    def test_data_and_starts_are_never_modified(self):
        data, coupling, factors, ranks = planted("left", noise=0.1, missing=0.1)
        copies = [X.copy() for X in data]
        starts = [[f.copy() for f in each] for each in factors]
        coupled_factorization(
            data, ranks, couplings=[coupling], penalties=POSITIVE, init=starts, max_iter=3, tol=0
        )
        for X, copy in zip(data, copies):
            np.testing.assert_array_equal(X, copy)
        for given, copy in zip(chain(*starts), chain(*factors)):
            np.testing.assert_array_equal(given, copy)

    def test_integers_lists_and_fortran_order_are_data_too(self):
        data = [np.arange(12).reshape(3, 4), np.arange(15).reshape(3, 5)]
        options = {
            "couplings": [SAME],
            "weights": (1, 1),
            "random_state": 0,
            "max_iter": 5,
            "tol": 0,
        }
        plain = coupled_factorization([X.astype(float) for X in data], 1, **options)
        for other in ([X.tolist() for X in data], [np.asfortranarray(X) for X in data]):
            fit = coupled_factorization(other, 1, **options)
            np.testing.assert_array_equal(fit.trace.objective, plain.trace.objective)

    def test_a_start_of_planted_factors_is_used(self):
        data, coupling, factors, ranks = planted("left")
        result = coupled_factorization(
            data, ranks, couplings=[coupling], weights=(1, 1), init=factors, max_iter=0
        )
        assert result.objective < 1e-20

    def test_callback_sees_the_objective_and_stops(self):
        seen = []
        result = self.fit(
            penalties=POSITIVE, callback=lambda sweep: seen.append(sweep) or len(seen) == 3
        )
        assert (result.n_iter, result.status) == (3, "stopped")
        assert [sweep.objective for sweep in seen] == result.trace.objective[1:].tolist()

    def test_scale_of_the_data_does_not_matter(self):
        data, coupling, _, ranks = planted("left", noise=0.1)
        models = [
            coupled_factorization(
                [c * X for X in data], ranks, couplings=[coupling], weights=(1, 1),
                penalties=POSITIVE, random_state=0, max_iter=20, tol=0,
            ).reconstruct()
            for c in (1.0, 1e6)
        ]  # fmt: skip
        for one, other in zip(*models):
            np.testing.assert_allclose(other / 1e6, one, rtol=1e-5, atol=1e-8)

    @pytest.mark.parametrize("penalty", [None, POSITIVE])
    def test_single_precision_is_kept(self, penalty):
        data, coupling, _, ranks = planted("left", noise=0.1)
        result = coupled_factorization(
            [X.astype(np.float32) for X in data], ranks, couplings=[coupling], weights=(1, 1),
            penalties=penalty, random_state=0, max_iter=10, tol=0,
        )  # fmt: skip
        assert {block.dtype for block in result.blocks.values()} == {np.dtype(np.float32)}

    def test_a_rule_for_one_block_replaces_the_default_one(self):
        one, other = (
            self.fit(penalties=POSITIVE, update=rules, max_iter=5, tol=0)
            for rules in (None, {"coupled[0]": CoupledADMM(steps=1)})
        )
        assert one.objective != other.objective

    def test_extrapolation_is_the_default_and_can_be_left_out(self):
        auto, plain, given = (
            self.fit(acceleration=a, max_iter=20, tol=0) for a in ("auto", None, Extrapolation())
        )
        assert auto.objective == given.objective != plain.objective

    def test_any_penalty_with_a_prox(self):
        data, coupling, _, ranks = planted("left", noise=0.1)
        penalties = [(POSITIVE, Simplex(axis=0), POSITIVE), (POSITIVE, Simplex(axis=0))]
        result = coupled_factorization(
            data, ranks, couplings=[coupling], penalties=penalties, weights=(1, 1),
            random_state=0, max_iter=200, tol=0,
        )  # fmt: skip
        np.testing.assert_allclose(result.factors[0][1].sum(axis=0), 1.0)
        np.testing.assert_allclose(result.factors[1][1].sum(axis=0), 1.0)


X34 = np.arange(12.0).reshape(3, 4)


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "error", "sentence"),
        [
            ({"datasets": X34}, ValueError, "datasets must be a list"),
            ({"datasets": []}, ValueError, "datasets must be a list"),
            ({"datasets": [X34, X34[0]]}, ValueError, r"datasets\[1\] must have at least 2"),
            ({"datasets": [X34, X34 + np.inf]}, ValueError, r"datasets\[1\] has 12 NaN or inf"),
            ({"datasets": [X34, X34 + np.nan]}, ValueError, r"datasets\[1\] has no observed"),
            ({"datasets": [X34, X34.astype("f")]}, ValueError, "must have one precision"),
            ({"datasets": [X34, sp.csr_array(X34)]}, TypeError, r"datasets\[1\] is sparse"),
            ({"datasets": [X34, X34 * 1j]}, TypeError, "must be an array of real numbers"),
            ({"couplings": SAME}, TypeError, "couplings must be a list of Coupling objects"),
            ({"couplings": [PAIR]}, TypeError, "couplings must be a list of Coupling objects"),
            ({"rank": (1, 2, 3)}, ValueError, "rank must be one value or one for each of the 2"),
            ({"rank": 0}, ValueError, "rank must be an integer of at least 1, got 0"),
            ({"couplings": [SAME, SAME]}, ValueError, "mode 0 of data set 0, which does not"),
            ({"couplings": [Coupling([(0, 0), (2, 0)])]}, ValueError, "mode 0 of data set 2"),
            ({"couplings": [Coupling([(0, 0), (1, 1)])]}, ValueError, "cannot make the factor"),
            ({"weights": (1,)}, ValueError, "weights must hold one number for each of 2"),
            ({"weights": (1, 0)}, ValueError, r"weights\[1\] must be a finite positive number"),
            ({"weights": "equal"}, ValueError, "weights must be one of 'auto'"),
            ({"init": "svd"}, ValueError, "init must be one of 'random'"),
            ({"init": [[np.ones((3, 1))] * 2]}, ValueError, "init must hold the factors of each"),
            ({"init": [[X34, X34]] * 2}, ValueError, r"init of factors\[0\]\[0\] must have shape"),
            ({"penalties": [[POSITIVE]] * 2}, ValueError, "one penalty for each factor, .2, 2."),
            ({"penalties": [[None] * 2] * 2}, TypeError, "penalties such as NonNegative"),
            ({"losses": "kullback-leibler"}, TypeError, "counts of data set 0 need factors that"),
            ({"losses": "hinge"}, ValueError, "loss must be one of"),
            ({"update": {"W": CoupledADMM()}}, ValueError, "update has rules for W, which are no"),
            ({"acceleration": "fast"}, ValueError, "acceleration must be one of 'auto'"),
        ],
    )
    def test_what_is_wrong_is_said(self, arguments, error, sentence):
        defaults = {"datasets": [X34, X34], "rank": 1, "couplings": [SAME], "weights": (1, 1)}
        with pytest.raises(error, match=sentence):
            coupled_factorization(**{**defaults, **arguments})

    def test_counts_behind_a_split_coupling(self):
        coupling = Coupling(PAIR, left=[np.eye(3), np.eye(3)])
        with pytest.raises(TypeError, match="that of data set 0 has to be split"):
            coupled_factorization(
                [X34, X34], 1, couplings=[coupling], losses="kullback-leibler", penalties=POSITIVE
            )

    def test_extrapolation_of_a_split_coupling(self):
        coupling = Coupling(PAIR, left=[np.eye(3), np.eye(3)])
        with pytest.raises(TypeError, match="Extrapolation needs an objective that never rises"):
            coupled_factorization(
                [X34, X34], 1, couplings=[coupling], penalties=POSITIVE, weights=(1, 1),
                acceleration=Extrapolation(),
            )  # fmt: skip
