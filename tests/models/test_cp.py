"""CP models of orders three to five: the contract, Tucker models, and agreement with peers."""

import numpy as np
import pytest
import scipy.sparse as sp
from contracts.instances import cp_to_array, planted_tensor, scipy_nnls
from contracts.model import ModelContract

from multiconvex import (
    HALS,
    L2,
    ActiveSet,
    Compression,
    Extrapolation,
    FactorProblem,
    LeastSquares,
    MultiplicativeUpdate,
    NonNegative,
    NoPenalty,
    cp,
    factor_match_score,
    nmf,
)


class TestNonnegative(ModelContract):
    shape = (8, 7, 6)
    inits = ("random", "hosvd", "jennrich")
    penalties = None
    match = 1 - 1e-5

    def fit(self, X, **options):
        return cp(X, self.rank, nonnegative=True, **options)

    def exact(self):
        return planted_tensor(self.shape, 3, seed=1)

    def problem(self, X):
        return FactorProblem(X, self.rank, (NonNegative(),) * X.ndim)

    def documented_objective(self, X, factors):
        return 0.5 * np.sum((X - cp_to_array(factors)) ** 2)


class TestFree(TestNonnegative):
    def fit(self, X, **options):
        return cp(X, self.rank, **options)

    def exact(self):
        return planted_tensor(self.shape, 3, seed=1, draw="standard_normal")

    def problem(self, X):
        return FactorProblem(X, self.rank, (NoPenalty(),) * X.ndim)

    def noisy(self):
        X, _ = self.exact()
        return X + 0.3 * np.random.default_rng(11).standard_normal(X.shape)


class TestCompressed(TestNonnegative):
    def fit(self, X, **options):
        acceleration = Compression(oversampling=1)
        return cp(X, self.rank, nonnegative=True, acceleration=acceleration, **options)


class TestFourthOrder(TestNonnegative):
    shape = (5, 4, 6, 3)
    inits = ("random", "hosvd")


class TestFifthOrder(TestNonnegative):
    shape = (4, 3, 4, 3, 5)
    inits = ("random", "hosvd")


class TestRidge(TestNonnegative):
    penalties = (NonNegative(l2=0.003), L2(0.002), NonNegative(0.001))
    inits = ("random", "hosvd")

    def fit(self, X, **options):
        rules = {"factors[0]": HALS(), "factors[1]": LeastSquares(), "factors[2]": HALS()}
        return cp(X, self.rank, penalties=self.penalties, update=rules, **options)

    def problem(self, X):
        return FactorProblem(X, self.rank, self.penalties)

    def documented_objective(self, X, factors):
        A, B, C = factors
        weights = 0.0015 * np.sum(A**2) + 0.001 * np.sum(B**2) + 0.001 * C.sum()
        return 0.5 * np.sum((X - cp_to_array(factors)) ** 2) + weights

    def test_recovers_planted_factors_up_to_order_and_scale(self):
        """From the factors themselves, light weights hardly move and never raise the objective."""
        X, factors = self.exact()
        result = self.fit(X, init=factors, max_iter=200, tol=0)
        assert result.objective <= self.documented_objective(X, factors)
        assert factor_match_score(result.factors, factors) > 0.99

    def test_scale_of_the_data_does_not_matter(self):
        """Weights fix the scale: with c**3 times the data, degree p takes c**(6 - p) its weight."""
        X, c = self.noisy(), 10.0
        wide = (NonNegative(l2=0.003 * c**4), L2(0.002 * c**4), NonNegative(0.001 * c**5))
        rules = {"factors[0]": HALS(), "factors[1]": LeastSquares(), "factors[2]": HALS()}
        options = {"update": rules, "max_iter": 20, "tol": 0}
        one = cp(X, 3, penalties=self.penalties, init=self.start(X), **options)
        start = [c * block for block in self.start(X)]
        other = cp(c**3 * X, 3, penalties=wide, init=start, **options)
        np.testing.assert_allclose(other.objective, c**6 * one.objective, rtol=1e-7)


TUCKER_CORE = np.random.default_rng(3).random((3, 2, 4))
TUCKER_BASES = [
    np.random.default_rng(4 + k).random((n, r)) for k, (n, r) in enumerate(((7, 3), (6, 2), (8, 4)))
]
TUCKER_ARRAY = np.einsum("abc,ia,jb,kc->ijk", TUCKER_CORE, *TUCKER_BASES)


@pytest.mark.parametrize("nonnegative", [True, False])
@pytest.mark.parametrize("kind", [tuple, list])
def test_a_tucker_pair_is_fitted_as_the_full_tensor(nonnegative, kind):
    start = [np.random.default_rng(k).random((n, 2)) for k, n in enumerate(TUCKER_ARRAY.shape)]
    options = {"nonnegative": nonnegative, "init": start, "max_iter": 25, "tol": 0}
    small = cp((TUCKER_CORE, kind(TUCKER_BASES)), 2, **options)
    full = cp(TUCKER_ARRAY, 2, **options)
    np.testing.assert_allclose(small.trace.objective, full.trace.objective, rtol=1e-8)
    for one, other in zip(small.factors, full.factors):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("init", ["hosvd", "random", "jennrich"])
@pytest.mark.parametrize("nonnegative", [True, False])
def test_a_tucker_pair_knows_every_start(init, nonnegative):
    result = cp(
        (TUCKER_CORE, TUCKER_BASES),
        2,
        nonnegative=nonnegative,
        init=init,
        random_state=0,
        max_iter=5,
        tol=0,
    )
    assert np.diff(result.trace.objective).max() <= 1e-12 * result.trace.objective[0]


def test_tensorly_tucker_models_are_accepted():
    from tensorly.decomposition import tucker

    X, factors = planted_tensor((8, 7, 6), 3, seed=1)
    compressed = tucker(X, rank=[3, 3, 3])
    result = cp(compressed, 3, nonnegative=True, tol=1e-14, max_iter=20000, random_state=0)
    assert factor_match_score(result.factors, factors) > 1 - 1e-4


def test_core_and_bases_must_agree():
    with pytest.raises(ValueError, match=r"core must have shape \(2, 2\) to match factors"):
        cp((np.ones((2, 3)), [np.ones((4, 2))] * 2), 1)


def test_no_worse_than_tensorly_from_the_same_start():
    from tensorly.cp_tensor import CPTensor
    from tensorly.decomposition import non_negative_parafac, parafac

    X = planted_tensor((7, 6, 5), 3, seed=2)[0] + 0.05 * np.random.default_rng(0).random((7, 6, 5))
    start = [np.random.default_rng(k).random((n, 3)) + 0.1 for k, n in enumerate(X.shape)]
    for peer, nonnegative in ((parafac, False), (non_negative_parafac, True)):
        copies = CPTensor((np.ones(3), [factor.copy() for factor in start]))
        weights, factors = peer(X, 3, init=copies, n_iter_max=3000, tol=1e-12)
        theirs = 0.5 * np.sum((X - cp_to_array([factors[0] * weights, *factors[1:]])) ** 2)
        options = {"init": start, "tol": 1e-13, "max_iter": 20000}
        assert cp(X, 3, nonnegative=nonnegative, **options).objective <= theirs * (1 + 1e-5)


def test_rank_one_agrees_with_the_matrix_model_on_a_tensor_of_one_slice():
    X = np.random.default_rng(0).random((6, 5))
    tensor = cp(X[:, :, None], 2, nonnegative=True, tol=1e-14, max_iter=20000, random_state=0)
    matrix = nmf(X, 2, tol=1e-14, max_iter=20000, random_state=0)
    np.testing.assert_allclose(tensor.objective, matrix.objective, rtol=1e-3)


@pytest.mark.parametrize("seed", range(6))
def test_noise_may_be_negative_and_factors_stay_nonnegative_and_optimal(seed):
    rng = np.random.default_rng(seed)
    planted = [rng.random((n, 3)) * (rng.random((n, 3)) > 0.4) for n in (12, 11, 10)]
    truth = cp_to_array(planted)
    X = truth + 0.1 * truth.std() * rng.standard_normal(truth.shape)
    assert np.mean(X < 0) > 0.1
    options = {"init": "random", "random_state": 0, "tol": 1e-13, "max_iter": 20000}
    result = cp(X, 3, nonnegative=True, **options)
    assert np.diff(result.trace.objective).max() <= 1e-12 * result.trace.objective[0]
    assert result.objective < 0.5 * np.sum((X - truth) ** 2)
    assert factor_match_score(result.factors, planted) > 0.98
    for mode, factor in enumerate(result.factors):
        left, right = (other for k, other in enumerate(result.factors) if k != mode)
        design = np.einsum("iq,jq->ijq", left, right).reshape(-1, 3)
        unfolded = np.moveaxis(X, mode, 0).reshape(len(factor), -1)
        np.testing.assert_allclose(factor, scipy_nnls(design, unfolded.T).T, atol=1e-5)


@pytest.mark.parametrize("update", [HALS(), ActiveSet(), MultiplicativeUpdate()])
@pytest.mark.parametrize("acceleration", ["auto", None, Extrapolation(beta=0.8)])
@pytest.mark.parametrize("shape", [(5, 4, 6), (4, 3, 5, 2)])
def test_every_update_descends(update, acceleration, shape):
    X = np.random.default_rng(0).random(shape)
    options = {"update": update, "acceleration": acceleration, "random_state": 0}
    trace = cp(X, 3, nonnegative=True, max_iter=40, tol=0, **options).trace
    assert np.diff(trace.objective).max() <= 1e-10 * trace.objective[0]
    assert trace.objective[-1] < trace.objective[0]


@pytest.mark.parametrize(
    "options",
    [
        {"nonnegative": True},
        {"penalties": (NoPenalty(), NoPenalty(), L2(0.5))},
        {"init": "random"},
        {"acceleration": None},
        {"max_iter": 2, "tol": 0},
        {"tol": 1e-2},
        {"callback": lambda sweep: True},
    ],
)
def test_each_option_changes_something(options):
    X = np.random.default_rng(0).random((5, 4, 6))
    one, other = (cp(X, 2, random_state=0, **o).trace.objective for o in ({}, options))
    assert not np.array_equal(one, other)


def test_rank_may_exceed_every_dimension():
    X = np.random.default_rng(0).random((3, 2, 4))
    for init in ("hosvd", "random"):
        result = cp(X, 5, init=init, random_state=0, max_iter=50, tol=0)
        assert [factor.shape for factor in result.factors] == [(3, 5), (2, 5), (4, 5)]
        assert np.isfinite(result.objective)


@pytest.mark.parametrize(
    ("X", "options", "kind", "sentence"),
    [
        (np.ones((3, 4)), {}, ValueError, "X must have at least 3 dimensions"),
        (np.full((2, 2, 2), np.nan), {}, ValueError, "X has 8 NaN or infinite entries"),
        (np.ones((2, 0, 2)), {}, ValueError, "X is empty"),
        (sp.eye_array(3).tocsr(), {}, TypeError, "X is sparse"),
        (3, {}, (TypeError, ValueError), "X"),
        (None, {}, (TypeError, ValueError), "X"),
        ("abc", {}, (TypeError, ValueError), "X"),
        (np.ones((2, 2, 2), complex), {}, TypeError, "X must be an array of real numbers"),
        (
            np.ones((3, 4, 2)),
            {"penalties": (L2(1.0),) * 2},
            ValueError,
            "one penalty for each of the 3",
        ),
        (np.ones((3, 4, 2)), {"penalties": L2(1.0)}, TypeError, "penalties must be a tuple"),
        (
            np.ones((3, 4, 2)),
            {"nonnegative": True, "penalties": (NonNegative(),) * 3},
            ValueError,
            "Give either nonnegative=True or penalties, not both",
        ),
        (np.ones((3, 4, 2, 2)), {"init": "jennrich"}, ValueError, "X must have 3 dimensions"),
    ],
)
def test_impossible_requests_are_refused(X, options, kind, sentence):
    with pytest.raises(kind, match=sentence):
        cp(X, 1, **options)


def test_nested_lists_are_arrays():
    X = np.random.default_rng(0).random((2, 3, 4))
    one, other = (cp(data, 1, random_state=0).objective for data in (X, X.tolist()))
    assert one == other
