"""The convolutive problem is the documented one, and its multiplicative updates never raise it."""

import numpy as np
import pytest
import scipy.sparse as sp
from contracts.problem import ProblemContract
from contracts.update import UpdateContract

from multiconvex import (
    ActivationProblem,
    BetaDivergence,
    ConvolutiveProblem,
    Frobenius,
    KullbackLeibler,
    MultiplicativeUpdate,
    NonNegative,
    RelativeDecrease,
    alternate,
)

M, N, WIDTH, RANK = 5, 9, 3, 2
PLAIN = NonNegative()


def convolve(W, H):
    """The model, entry by entry from its definition."""
    m, width, rank = W.shape
    n = len(H)
    model = np.zeros((m, n))
    for f in range(m):
        for t in range(n):
            for q in range(rank):
                for lag in range(min(width, t + 1)):
                    model[f, t] += W[f, lag, q] * H[t - lag, q]
    return model


def data(scale=1.0, dtype=np.float64):
    return (scale * np.random.default_rng(0).poisson(3.0, (M, N))).astype(dtype)


def templates(dtype=np.float64):
    return (0.1 + np.random.default_rng(1).random((M, WIDTH, RANK))).astype(dtype)


def settled(problem, start):
    """Where multiplicative updates end."""
    rule = RelativeDecrease(1e-15)
    result = alternate(problem, start, MultiplicativeUpdate(), stop=rule, max_iter=50_000)
    return tuple(result.blocks.values())


class TestConvolutive(ProblemContract):
    smooth_everywhere = False
    loss = KullbackLeibler()

    def problem(self):
        return ConvolutiveProblem(data(), RANK, WIDTH, self.loss, (PLAIN, PLAIN))

    def documented_loss(self, x):
        return self.loss.value(data(), convolve(*x))

    def minimiser(self):
        problem = self.problem()
        return problem, settled(problem, self.point(problem, np.random.default_rng(2)))


class TestConvolutiveFrobenius(TestConvolutive):
    loss = Frobenius()


class TestActivations(ProblemContract):
    smooth_everywhere = False

    def problem(self):
        return ActivationProblem(data(), templates(), KullbackLeibler(), PLAIN)

    def documented_loss(self, x):
        return KullbackLeibler().value(data(), convolve(templates(), x[0]))

    def minimiser(self):
        problem = self.problem()
        return problem, settled(problem, self.point(problem, np.random.default_rng(2)))


def activations(scale, penalty, loss=None):
    def build(rng, dtype=np.float64):
        X = (scale * rng.poisson(3.0, (M, N))).astype(dtype)
        W = (0.1 + rng.random((M, WIDTH, RANK))).astype(dtype)
        H = (0.1 + rng.random((N, RANK))).astype(dtype)
        return ActivationProblem(X, W, loss or KullbackLeibler(), penalty), (H,)

    return build


def both_blocks(scale, penalty, loss=None):
    def build(rng, dtype=np.float64):
        X = (scale * rng.poisson(3.0, (M, N))).astype(dtype)
        problem = ConvolutiveProblem(X, RANK, WIDTH, loss or KullbackLeibler(), (penalty,) * 2)
        return problem, tuple((0.1 + rng.random(b.shape)).astype(dtype) for b in problem.blocks)

    return build


class TestUpdates(UpdateContract):
    update = MultiplicativeUpdate()
    settle = 20_000

    def problems(self, scale=1.0):
        return [activations(scale, PLAIN), both_blocks(scale, PLAIN)]


class TestUpdatesOfOtherLosses(UpdateContract):
    update = MultiplicativeUpdate()
    settle = 20_000

    def problems(self, scale=1.0):
        return [
            build(scale, PLAIN, loss)
            for loss in (Frobenius(), BetaDivergence(1.5))
            for build in (activations, both_blocks)
        ]


def test_the_updates_are_those_of_the_specification():
    """One step of each block against the formulas, summed by loops that stop at the border."""
    rng = np.random.default_rng(4)
    X, W, H = rng.random((M, N)), rng.random((M, WIDTH, RANK)), rng.random((N, RANK))
    problem = ConvolutiveProblem(X, RANK, WIDTH, KullbackLeibler(), (PLAIN, PLAIN))
    ratio = X / convolve(W, H)
    new_W, new_H = W.copy(), H.copy()
    for q in range(RANK):
        for s in range(N):
            lags = [lag for lag in range(WIDTH) if s + lag < N]
            top = sum(W[f, lag, q] * ratio[f, s + lag] for lag in lags for f in range(M))
            new_H[s, q] *= top / sum(W[f, lag, q] for lag in lags for f in range(M))
        for lag in range(WIDTH):
            later = range(lag, N)
            bottom = sum(H[t - lag, q] for t in later)
            for f in range(M):
                new_W[f, lag, q] *= sum(ratio[f, t] * H[t - lag, q] for t in later) / bottom
    update = MultiplicativeUpdate()
    np.testing.assert_allclose(update(problem, (W, H), 0, None)[0], new_W, rtol=1e-12)
    np.testing.assert_allclose(update(problem, (W, H), 1, None)[0], new_H, rtol=1e-12)


def test_exact_data_are_a_fixed_point():
    rng = np.random.default_rng(5)
    W, H = rng.random((M, WIDTH, RANK)), rng.random((N, RANK))
    problem = ConvolutiveProblem(convolve(W, H), RANK, WIDTH, KullbackLeibler(), (PLAIN, PLAIN))
    for k, block in enumerate((W, H)):
        new, _ = MultiplicativeUpdate()(problem, (W, H), k, None)
        np.testing.assert_allclose(new, block, rtol=1e-12)


def test_sparse_data_give_the_same():
    rng = np.random.default_rng(6)
    X = rng.poisson(0.7, (M, N)).astype(float)
    x = rng.random((M, WIDTH, RANK)), rng.random((N, RANK))
    dense, sparse = (
        ConvolutiveProblem(A, RANK, WIDTH, KullbackLeibler(), (PLAIN, PLAIN))
        for A in (X, sp.csr_array(X))
    )
    assert sparse.loss(x) == pytest.approx(dense.loss(x), rel=1e-12)
    for k in range(2):
        np.testing.assert_allclose(sparse.gradient(x, k), dense.gradient(x, k), rtol=1e-10)
