"""Nonnegative matrix factorisation: the contract for every loss, and agreement with its peers."""

import warnings
from typing import ClassVar

import numpy as np
import pytest
import scipy.sparse as sp
from contracts.instances import planted_matrix
from contracts.model import ModelContract
from sklearn.exceptions import ConvergenceWarning as SklearnConvergenceWarning

from multiconvex import (
    HALS,
    L1,
    L2,
    ActiveSet,
    BetaDivergence,
    Box,
    ColumnSparse,
    Compression,
    DivergenceProblem,
    Extrapolation,
    FactorProblem,
    KullbackLeibler,
    LeastSquares,
    MultiplicativeUpdate,
    NoLips,
    NonNegative,
    NoPenalty,
    ProxGradient,
    ScalarNewton,
    Simplex,
    SubSimplex,
    UnitBall,
    nmf,
)

POSITIVE = (NonNegative(), NonNegative())


def mixed_columns(seed=0):
    """Return exact data whose factorisation is unique: both factors contain pure rows."""
    rng = np.random.default_rng(seed)
    W = np.vstack([3.0 * np.eye(3), rng.random((11, 3)) * (rng.random((11, 3)) > 0.3)])
    H = np.vstack([2.0 * np.eye(3), rng.random((9, 3)) * (rng.random((9, 3)) > 0.3)])
    return W @ H.T, (W, H)


class TestFrobenius(ModelContract):
    inits = ("random", "nndsvd")

    def fit(self, X, **options):
        return nmf(X, self.rank, **options)

    def exact(self):
        return mixed_columns()

    def problem(self, X):
        return FactorProblem(X, self.rank, POSITIVE)

    def documented_objective(self, X, factors):
        return 0.5 * np.sum((X - factors[0] @ factors[1].T) ** 2)


class TestActiveSet(TestFrobenius):
    def fit(self, X, **options):
        return nmf(X, self.rank, update=ActiveSet(), **options)


class TestPlain(TestFrobenius):
    def fit(self, X, **options):
        return nmf(X, self.rank, acceleration=None, **options)


class TestCompressed(TestFrobenius):
    def fit(self, X, **options):
        return nmf(X, self.rank, acceleration=Compression(oversampling=2), **options)


class TestWeighted(TestFrobenius):
    penalties = NonNegative(0.05, 0.1), NonNegative(0.02)
    objective_slack = np.inf
    match = 0.9

    def fit(self, X, **options):
        return nmf(X, self.rank, penalties=self.penalties, **options)

    def problem(self, X):
        return FactorProblem(X, self.rank, self.penalties)

    def documented_objective(self, X, factors):
        W, H = factors
        loss = 0.5 * np.sum((X - W @ H.T) ** 2)
        return loss + 0.05 * W.sum() + 0.05 * np.sum(W**2) + 0.02 * H.sum()

    def test_scale_of_the_data_does_not_matter(self):
        """Weights fix the scale, so that data and weights must change together."""
        X, c = self.noisy(), 100.0
        wide = NonNegative(0.05 * c**1.5, 0.1 * c), NonNegative(0.02 * c**1.5)
        one = nmf(X, 3, penalties=self.penalties, init=self.start(X), max_iter=20, tol=0)
        start = [np.sqrt(c) * block for block in self.start(X)]
        other = nmf(c * X, 3, penalties=wide, init=start, max_iter=20, tol=0)
        np.testing.assert_allclose(other.reconstruct(), c * one.reconstruct(), rtol=1e-7, atol=1e-7)


class TestKullbackLeibler(ModelContract):
    inits = ("random", "nndsvd")
    objective_slack = 1e-7
    match = 1 - 1e-3
    residual = 1e-3
    converge: ClassVar[dict] = {"tol": 1e-10, "max_iter": 20000}

    def fit(self, X, **options):
        return nmf(X, self.rank, loss="kullback-leibler", **options)

    def exact(self):
        return mixed_columns()

    def problem(self, X):
        return DivergenceProblem(X, self.rank, KullbackLeibler(), POSITIVE)

    def documented_objective(self, X, factors):
        model = factors[0] @ factors[1].T
        seen = X > 0
        with np.errstate(divide="ignore"):
            logs = np.sum(X[seen] * np.log(X[seen] / model[seen]))
        return logs - X.sum() + model.sum()


class TestMultiplicative(TestKullbackLeibler):
    converge: ClassVar[dict] = {"tol": 1e-9, "max_iter": 20000}
    objective_slack = 1e-4
    match = 0.99

    def fit(self, X, **options):
        update = MultiplicativeUpdate()
        return nmf(X, self.rank, loss="kullback-leibler", update=update, **options)


class TestBetaDivergence(TestKullbackLeibler):
    converge: ClassVar[dict] = {"tol": 1e-9, "max_iter": 20000}
    objective_slack = 1e-4
    match = 0.99

    def fit(self, X, **options):
        return nmf(X, self.rank, loss=BetaDivergence(1.5), **options)

    def problem(self, X):
        return DivergenceProblem(X, self.rank, BetaDivergence(1.5), POSITIVE)

    def documented_objective(self, X, factors):
        return BetaDivergence(1.5).value(X, factors[0] @ factors[1].T)


@pytest.mark.parametrize("loss", ["frobenius", "kullback-leibler"])
@pytest.mark.parametrize("acceleration", [None, Extrapolation()])
def test_sparse_data_give_the_same_factors(loss, acceleration):
    rng = np.random.default_rng(0)
    X = rng.random((30, 20)) * (rng.random((30, 20)) > 0.7)
    start = 0.1 + rng.random((30, 3)), 0.1 + rng.random((20, 3))
    options = {"loss": loss, "init": start, "acceleration": acceleration, "max_iter": 25, "tol": 0}
    options["update"] = HALS() if loss == "frobenius" else ScalarNewton()
    dense = nmf(X, 3, **options)
    for matrix in (sp.csr_array(X), sp.csc_array(X), sp.coo_array(X), sp.csr_matrix(X)):
        sparse = nmf(matrix, 3, **options)
        np.testing.assert_allclose(sparse.W, dense.W, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(sparse.trace.objective, dense.trace.objective, rtol=1e-8)


def test_sparse_data_are_never_filled_in(monkeypatch):
    X = sp.random_array((200, 150), density=0.05, rng=np.random.default_rng(0), format="csr")

    def refuse(*args, **kwargs):
        raise AssertionError("the data were filled in")

    for kind in (sp.csr_array, sp.csc_array, sp.csr_matrix, sp.csc_matrix, sp.coo_array):
        monkeypatch.setattr(kind, "toarray", refuse)
        monkeypatch.setattr(kind, "todense", refuse)
    for loss in ("frobenius", "kullback-leibler"):
        assert np.isfinite(nmf(X, 3, loss=loss, max_iter=3, tol=0, random_state=0).objective)


def test_sparse_data_may_hold_duplicates_unsorted_indices_and_explicit_zeros():
    X = sp.coo_array(([1.0, 2.0, 0.0, 3.0, 1.0], ([0, 0, 1, 2, 2], [1, 1, 0, 2, 0])), shape=(3, 3))
    raw = sp.csr_array(([3.0, 1.0, 0.0], [2, 0, 1], [0, 2, 2, 3]), shape=(3, 3))
    for matrix in (X, raw):
        start = np.ones((3, 2)) + np.eye(3, 2), np.ones((3, 2)) + np.eye(3, 2)[::-1]
        for loss in ("frobenius", "kullback-leibler"):
            one, other = (
                nmf(data, 2, loss=loss, init=start, max_iter=9, tol=0).objective
                for data in (matrix, matrix.toarray())
            )
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-30)


@pytest.mark.parametrize(
    ("loss", "solver"), [("frobenius", "cd"), ("frobenius", "mu"), ("kullback-leibler", "mu")]
)
def test_no_worse_than_scikit_learn_from_the_same_start(loss, solver):
    from sklearn.decomposition import non_negative_factorization

    X = planted_matrix((20, 15), 3, zeros=0.2)[0] + 0.1 * np.random.default_rng(1).random((20, 15))
    rng = np.random.default_rng(2)
    W, H = 0.1 + rng.random((20, 3)), 0.1 + rng.random((15, 3))
    options = {"solver": solver, "beta_loss": loss, "max_iter": 5000, "tol": 1e-10}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SklearnConvergenceWarning)
        theirs = non_negative_factorization(
            X, W=W.copy(), H=H.T.copy(), init="custom", n_components=3, **options
        )
    ours = nmf(X, 3, loss=loss, init=(W, H), tol=1e-12, max_iter=20000)
    problem = TestFrobenius() if loss == "frobenius" else TestKullbackLeibler()
    reached = problem.documented_objective(X, [theirs[0], theirs[1].T])
    assert ours.objective <= reached * (1 + 1e-4)


def test_rank_one_is_the_leading_singular_pair():
    X = np.random.default_rng(0).random((9, 7))
    tail = np.linalg.svd(X, compute_uv=False)[1:]
    result = nmf(X, 1, tol=1e-15, max_iter=1000)
    np.testing.assert_allclose(result.objective, 0.5 * np.sum(tail**2), rtol=1e-9)


def test_without_constraints_the_optimum_is_that_of_eckart_and_young():
    X = np.random.default_rng(0).standard_normal((9, 7))
    tail = np.linalg.svd(X, compute_uv=False)[3:]
    free = (NoPenalty(), NoPenalty())
    result = nmf(X, 3, penalties=free, init="random", random_state=0, tol=1e-15, max_iter=5000)
    np.testing.assert_allclose(result.objective, 0.5 * np.sum(tail**2), rtol=1e-6)


def test_ridge_on_both_factors_is_a_trace_norm():
    """The optimum shrinks singular values: 1/2 (s - t)^2 + l t summed, at t = [s - l]_+."""
    X = np.random.default_rng(0).standard_normal((9, 7))
    weight, s = 0.8, np.linalg.svd(X, compute_uv=False)
    kept = np.maximum(s - weight, 0.0)
    ridge = (L2(weight), L2(weight))
    options = {"init": "random", "random_state": 0, "tol": 1e-15, "max_iter": 20000}
    result = nmf(X, 7, penalties=ridge, **options)
    np.testing.assert_allclose(
        result.objective, np.sum((s - kept) ** 2 / 2 + weight * kept), rtol=1e-6
    )


PENALTIES = [
    (Simplex(), NonNegative()),
    (NonNegative(), Simplex()),
    (Simplex(axis=0), NonNegative()),
    (SubSimplex(), NonNegative()),
    (UnitBall(), L1(0.1)),
    (ColumnSparse(4), NonNegative()),
    (Box(0.0, 1.0), NonNegative(0.1)),
    (L2(0.1), NoPenalty()),
]


@pytest.mark.parametrize("penalties", PENALTIES, ids=repr)
@pytest.mark.parametrize("init", ["nndsvd", "random"])
def test_every_penalty_is_fitted_and_obeyed(penalties, init):
    X = np.random.default_rng(0).random((12, 10))
    result = nmf(X, 3, penalties=penalties, init=init, random_state=0, max_iter=3000, tol=1e-8)
    assert np.isfinite(result.objective)
    for penalty, block in zip(penalties, (result.W, result.H)):
        assert np.isfinite(penalty.value(block))
    assert FactorProblem(X, 3, penalties).residual((result.W, result.H)) < 0.02


@pytest.mark.parametrize(
    ("loss", "update"),
    [
        ("frobenius", HALS()),
        ("frobenius", ActiveSet("single")),
        ("frobenius", MultiplicativeUpdate()),
        ("frobenius", ProxGradient()),
        ("kullback-leibler", ScalarNewton(2)),
        ("kullback-leibler", MultiplicativeUpdate()),
        ("kullback-leibler", NoLips()),
        ("kullback-leibler", ProxGradient()),
        (BetaDivergence(1.5), MultiplicativeUpdate()),
        (BetaDivergence(1.5), ProxGradient()),
    ],
)
@pytest.mark.parametrize("init", ["nndsvd", "random"])
@pytest.mark.parametrize("acceleration", ["auto", Extrapolation()])
def test_every_update_descends_from_every_start(loss, update, init, acceleration):
    X = np.random.default_rng(0).random((12, 10)) * (
        np.random.default_rng(1).random((12, 10)) > 0.2
    )
    options = {"update": update, "init": init, "acceleration": acceleration, "random_state": 0}
    trace = nmf(X, 3, loss=loss, max_iter=60, tol=0, **options).trace
    assert np.isfinite(trace.objective).all()
    assert np.diff(trace.objective).max() <= 1e-9 * trace.objective[0]
    assert trace.objective[-1] < 0.9 * trace.objective[0] or trace.objective[0] < 3.5


@pytest.mark.parametrize(
    "options",
    [
        {"loss": "kullback-leibler"},
        {"penalties": (NonNegative(0.1), NonNegative())},
        {"update": ActiveSet()},
        {"init": "random"},
        {"acceleration": None},
        {"acceleration": Extrapolation(beta=0.9)},
        {"max_iter": 3},
        {"tol": 1e-2},
        {"callback": lambda sweep: True},
    ],
)
def test_each_option_changes_something(options):
    X = np.random.default_rng(0).random((12, 10))
    base = nmf(X, 3, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = nmf(X, 3, random_state=0, **options)
    assert not np.array_equal(base.trace.objective, other.trace.objective)


@pytest.mark.parametrize(
    ("options", "kind", "sentence"),
    [
        ({"loss": "l3"}, ValueError, "loss must be one of 'frobenius', 'kullback-leibler'"),
        ({"acceleration": "fast"}, ValueError, "acceleration must be one of 'auto'"),
        ({"penalties": (NonNegative(),)}, ValueError, "penalties must hold one penalty for each"),
        ({"penalties": NonNegative()}, (TypeError, ValueError), "penalties"),
        ({"init": None}, (TypeError, ValueError), "init"),
        ({"update": "hals"}, (TypeError, ValueError), "update"),
        ({"update": LeastSquares()}, TypeError, "LeastSquares honours NoPenalty, L2 but block 'W'"),
        ({"update": ScalarNewton()}, TypeError, "ScalarNewton needs a problem that offers kullba"),
        ({"tol": -1.0}, ValueError, "tol must be a finite nonnegative number"),
        ({"max_iter": -1}, (TypeError, ValueError), "max_iter must be"),
        ({"max_iter": 2.5}, (TypeError, ValueError), "max_iter must be"),
    ],
)
def test_impossible_options_are_refused(options, kind, sentence):
    with pytest.raises(kind, match=sentence):
        nmf(np.ones((4, 5)), 2, **options)


@pytest.mark.parametrize("X", [np.zeros((4, 5)), np.ones((1, 1)), np.ones((6, 1)), np.eye(5)])
@pytest.mark.parametrize("loss", ["frobenius", "kullback-leibler", BetaDivergence(1.5)])
def test_degenerate_data(X, loss):
    result = nmf(X, 1, loss=loss, random_state=0)
    assert np.isfinite(result.objective)
    assert np.isfinite(result.reconstruct()).all()


def test_an_infeasible_start_is_projected():
    X = np.random.default_rng(0).random((6, 5))
    rng = np.random.default_rng(1)
    start = rng.standard_normal((6, 2)), rng.standard_normal((5, 2))
    inside = tuple(np.maximum(block, 0.0) for block in start)
    one, other = (nmf(X, 2, init=init, tol=1e-10, max_iter=5000) for init in (start, inside))
    assert np.isfinite(one.trace.objective).all()
    np.testing.assert_array_equal(one.trace.objective, other.trace.objective)


def test_rank_above_both_sides_is_refused():
    with pytest.raises(
        ValueError, match=r"rank must be at most max\(shape\) = 5 for data of shape"
    ):
        nmf(np.ones((4, 5)), 6)


def test_signed_data_without_nonnegativity():
    X = np.random.default_rng(0).standard_normal((6, 5))
    assert nmf(X, 2, penalties=(NoPenalty(), L1(0.01)), random_state=0, max_iter=3000).objective > 0
    with pytest.raises(ValueError, match=r"X must be nonnegative, got 1[0-9] negative entries"):
        nmf(X, 2)
