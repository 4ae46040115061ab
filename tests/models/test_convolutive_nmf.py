"""Convolutive NMF: its special cases, its borders, its starts, and the contract of models."""

from typing import ClassVar

import numpy as np
import pytest
import scipy.sparse as sp
from contracts.instances import convex_optimum, generators
from contracts.model import ModelContract

from multiconvex import (
    ConvolutiveProblem,
    Extrapolation,
    KullbackLeibler,
    MultiplicativeUpdate,
    NonNegative,
    convolutive_nmf,
    nmf,
    template_activations,
)
from multiconvex.operators.lags import lagged

WIDTH = 3
POSITIVE = (NonNegative(), NonNegative())


def model(W, H):
    return W.reshape(len(W), -1) @ lagged(H, W.shape[1]).T


class TestModel(ModelContract):
    rank = 2
    converge: ClassVar[dict] = {"tol": 1e-9, "max_iter": 20000}

    def fit(self, X, **options):
        return convolutive_nmf(X, self.rank, WIDTH, **options)

    def exact(self):
        """Two templates, heaviest in the middle, each with rows of its own: they are unique."""
        rng = np.random.default_rng(0)
        W, H = rng.random((8, WIDTH, 2)), np.zeros((40, 2))
        W[:, 1] += 0.5
        W[:2, :, 0] = W[-2:, :, 1] = 0.0
        H[[2, 12, 22, 32], 0] = 2.0, 0.5, 1.0, 0.7
        H[[7, 17, 27, 37], 1] = 0.6, 0.8, 2.0, 0.5
        return model(W, H), (W, H)

    def problem(self, X):
        return ConvolutiveProblem(X, self.rank, WIDTH, KullbackLeibler(), POSITIVE)

    def documented_objective(self, X, factors):
        W, H = factors
        return KullbackLeibler().value(X, np.maximum(model(W, H), 1e-300))

    def start(self, X):
        rng = np.random.default_rng(12)
        m, n = X.shape
        return 0.1 + rng.random((m, WIDTH, self.rank)), 0.1 + rng.random((n, self.rank))

    def noisy(self):
        X, _ = self.exact()
        return 0.01 + X * (1.0 + 0.1 * np.random.default_rng(11).random(X.shape))

    def test_recovers_planted_factors_up_to_order_and_scale(self):
        X, (W, H) = self.exact()
        fit = self.fit(X, tol=0, max_iter=2000)
        assert fit.objective < 1e-8 * X.sum()
        parts = fit.components()
        truth = [model(W[:, :, q : q + 1], H[:, q : q + 1]) for q in range(2)]
        order = [int(np.argmin([np.linalg.norm(part - t) for part in parts])) for t in truth]
        assert sorted(order) == [0, 1]
        for place, t in zip(order, truth):
            assert np.linalg.norm(parts[place] - t) < 1e-3 * np.linalg.norm(t)

    def test_shapes_and_reconstruction(self):
        X = self.noisy()
        result = self.fit(X, random_state=0, max_iter=3, tol=0)
        assert result.W.shape == (8, WIDTH, 2) and result.H.shape == (40, 2)
        np.testing.assert_allclose(result.reconstruct(), model(result.W, result.H), rtol=1e-12)
        np.testing.assert_allclose(result.components().sum(axis=0), result.reconstruct())


def test_a_width_of_one_is_nmf():
    rng = np.random.default_rng(1)
    X, W, H = rng.random((12, 20)), rng.random((12, 1, 3)), rng.random((20, 3))
    ours = convolutive_nmf(X, 3, 1, init=(W, H), max_iter=25, tol=0)
    theirs = nmf(
        X, 3, loss="kullback-leibler", init=(W[:, 0], H), update=MultiplicativeUpdate(),
        acceleration=None, balancing=None, max_iter=25, tol=0,
    )  # fmt: skip
    np.testing.assert_allclose(ours.W[:, 0], theirs.W, rtol=1e-10)
    np.testing.assert_allclose(ours.trace.objective, theirs.trace.objective, rtol=1e-10)


@pytest.mark.parametrize("place", [0, 4, 8, 9])
def test_an_impulse_reproduces_the_template_also_at_the_last_frame(place):
    W = np.random.default_rng(2).random((5, 3, 1))
    H = np.zeros((10, 1))
    H[place] = 2.0
    fit = convolutive_nmf(np.ones((5, 10)), 1, 3, init=(W, H), max_iter=0)
    expected = np.zeros((5, 10))
    kept = min(3, 10 - place)
    expected[:, place : place + kept] = 2.0 * W[:, :kept, 0]
    np.testing.assert_allclose(fit.reconstruct(), expected)


def test_shifted_data_give_shifted_activations_away_from_the_borders():
    rng = np.random.default_rng(3)
    W = rng.random((6, 3, 2))
    H = np.zeros((40, 2))
    H[10:25] = rng.random((15, 2)) * (rng.random((15, 2)) > 0.5)
    one = template_activations(model(W, H), W, max_iter=50, tol=0)
    other = template_activations(model(W, np.roll(H, 5, axis=0)), W, max_iter=50, tol=0)
    np.testing.assert_allclose(np.roll(one.H, 5, axis=0)[8:32], other.H[8:32], atol=1e-8)


def test_activations_reach_the_convex_optimum():
    for rng in generators(2):
        W, X = rng.random((4, 2, 2)), rng.random((4, 6)) + 0.1
        fit = template_activations(X, W, max_iter=3000, tol=0)
        columns = []
        for s in range(6):
            for q in range(2):
                H = np.zeros((6, 2))
                H[s, q] = 1.0
                columns.append(model(W, H).ravel())
        best = convex_optimum(np.array(columns).T, X.ravel(), loss="kullback-leibler")
        np.testing.assert_allclose(fit.objective, best, rtol=1e-5)


def test_weights_shrink_activations_as_documented():
    rng = np.random.default_rng(4)
    W, X = rng.random((4, 2, 2)), rng.random((4, 6))
    plain, l1, l2 = (
        template_activations(X, W, max_iter=2000, tol=0, **weights)
        for weights in ({}, {"l1": 1.0}, {"l2": 1.0})
    )
    assert l1.H.sum() < plain.H.sum() and np.sum(l2.H**2) < np.sum(plain.H**2)
    loss = KullbackLeibler().value(X, l1.reconstruct())
    np.testing.assert_allclose(l1.objective, loss + l1.H.sum(), rtol=1e-10)
    loss = KullbackLeibler().value(X, l2.reconstruct())
    np.testing.assert_allclose(l2.objective, loss + 0.5 * np.sum(l2.H**2), rtol=1e-10)


def test_extrapolation_arrives_earlier_and_stays_monotone():
    rng = np.random.default_rng(5)
    W, H = rng.random((20, 4, 3)), rng.random((60, 3)) * (rng.random((60, 3)) > 0.7)
    plain, fast = (
        template_activations(model(W, H), W, acceleration=way, max_iter=60, tol=0)
        for way in (None, Extrapolation())
    )
    assert fast.objective < 0.5 * plain.objective
    assert np.diff(fast.trace.objective).max() <= 0.0


def test_the_loudest_start_copies_windows_of_the_data():
    rng = np.random.default_rng(6)
    X = 0.01 * rng.random((7, 60)) + 0.01
    X[:, 20:30] += rng.random((7, 10)) + 1.0
    X[:, 44:54] += 2.0 * rng.random((7, 10)) + 3.0
    fit = convolutive_nmf(X, 2, 9, max_iter=0)
    for q in range(2):
        first = int(fit.H[:, q].argmax())
        np.testing.assert_array_equal(fit.W[:, :, q], X[:, first : first + 9])
    starts = sorted(fit.H.argmax(axis=0))
    assert 15 <= starts[0] <= 27 and 39 <= starts[1] <= 51
    late = np.zeros((3, 12)) + 0.1
    late[:, -1] = 1.0
    assert convolutive_nmf(late, 1, 6, max_iter=0).H.argmax() == 6


def test_sparse_and_dense_data_give_the_same():
    X = np.random.default_rng(7).poisson(0.8, (6, 30)).astype(float)
    for init in ("loudest", "random"):
        dense, sparse = (
            convolutive_nmf(A, 2, 4, init=init, max_iter=20, tol=0, random_state=0)
            for A in (X, sp.csr_array(X))
        )
        np.testing.assert_allclose(sparse.H, dense.H, rtol=1e-6, atol=1e-12)


def test_errors_say_what_to_do():
    X = np.ones((4, 6))
    with pytest.raises(ValueError, match="width must be at most the 6 columns of X, got 7"):
        convolutive_nmf(X, 1, 7)
    with pytest.raises(ValueError, match="width must be an integer of at least 1"):
        convolutive_nmf(X, 1, 0)
    with pytest.raises(ValueError, match="X must be nonnegative"):
        convolutive_nmf(-X, 1, 2)
    with pytest.raises(ValueError, match="X has 1 NaN"):
        convolutive_nmf(np.where(np.arange(6) == 2, np.nan, 1.0)[None], 1, 2)
    with pytest.raises(ValueError, match="W and X must have as many rows"):
        template_activations(X, np.ones((3, 2, 1)))
    with pytest.raises(ValueError, match="W must have 3 dimensions"):
        template_activations(X, np.ones((4, 2)))
    with pytest.raises(ValueError, match="init of H must have shape"):
        template_activations(X, np.ones((4, 2, 1)), init=np.ones((5, 1)))
