"""Every problem against its contract."""

import numpy as np
import pytest
import scipy.sparse as sp
from contracts.instances import cp_to_array, planted_matrix, planted_tensor, scipy_nnls
from contracts.problem import ProblemContract, QuadraticContract

from multiconvex import (
    L2,
    BetaDivergence,
    DivergenceProblem,
    FactorProblem,
    Frobenius,
    KullbackLeibler,
    NonNegative,
    NoPenalty,
)
from multiconvex.operands import TuckerTensor
from multiconvex.regression import DivergenceRegression, LeastSquaresRegression

RNG = np.random.default_rng(4)
W, Y = RNG.random((7, 3)), RNG.random((7, 4))
COUNTS = RNG.poisson(2.0, (7, 5)).astype(float)
POSITIVE = (NonNegative(), NonNegative())


class TestLeastSquaresRegression(QuadraticContract):
    def problem(self):
        return LeastSquaresRegression(W, Y, NonNegative(0.1, 0.2))

    def documented_loss(self, x):
        return 0.5 * np.sum((Y - W @ x[0].T) ** 2)

    def minimiser(self):
        return LeastSquaresRegression(W, Y, NonNegative()), (scipy_nnls(W, Y).T,)


class TestSparseLeastSquaresRegression(TestLeastSquaresRegression):
    def problem(self):
        return LeastSquaresRegression(W, sp.csr_array(Y), NonNegative(0.1, 0.2))


class TestFactorProblem(QuadraticContract):
    def problem(self):
        return FactorProblem(COUNTS, 3, (NonNegative(0.3, 0.1), L2(0.2)))

    def documented_loss(self, x):
        return 0.5 * np.sum((COUNTS - x[0] @ x[1].T) ** 2)

    def minimiser(self):
        X, factors = planted_matrix((7, 5), 3, zeros=0.0)
        return FactorProblem(X, 3, POSITIVE), factors


class TestSparseFactorProblem(TestFactorProblem):
    def problem(self):
        return FactorProblem(sp.csr_array(COUNTS), 3, (NonNegative(0.3, 0.1), L2(0.2)))


class TestTensorProblem(QuadraticContract):
    tensor = RNG.random((4, 3, 5))

    def problem(self):
        return FactorProblem(self.tensor, 2, (NonNegative(0.3), NoPenalty(), L2(0.2)))

    def documented_loss(self, x):
        return 0.5 * np.sum((self.tensor - cp_to_array(x)) ** 2)

    def minimiser(self):
        X, factors = planted_tensor((4, 3, 5), 2)
        return FactorProblem(X, 2, (NonNegative(),) * 3), factors


class TestFourthOrderProblem(TestTensorProblem):
    tensor = RNG.random((4, 3, 5, 2))

    def problem(self):
        return FactorProblem(self.tensor, 2, (NonNegative(0.3),) * 4)


class TestTuckerProblem(TestTensorProblem):
    core, bases = RNG.random((2, 2, 3)), [RNG.random((n, r)) for n, r in ((4, 2), (3, 2), (5, 3))]
    tensor = np.einsum("abc,ia,jb,kc->ijk", core, *bases)

    def problem(self):
        return FactorProblem(TuckerTensor(self.core, self.bases), 2, (NonNegative(0.3),) * 3)


class TestKullbackLeiblerProblem(ProblemContract):
    smooth_everywhere = False
    loss = KullbackLeibler()

    def problem(self):
        return DivergenceProblem(COUNTS, 3, self.loss, (NonNegative(0.3, 0.1), NonNegative()))

    def documented_loss(self, x):
        return self.loss.value(COUNTS, x[0] @ x[1].T)

    def minimiser(self):
        X, factors = planted_matrix((7, 5), 3, zeros=0.0)
        return DivergenceProblem(X, 3, self.loss, POSITIVE), factors


class TestSparseKullbackLeiblerProblem(TestKullbackLeiblerProblem):
    def problem(self):
        return DivergenceProblem(sp.csr_array(COUNTS), 3, self.loss, POSITIVE)


class TestBetaProblem(TestKullbackLeiblerProblem):
    loss = BetaDivergence(1.4)


class TestFrobeniusAsDivergence(TestKullbackLeiblerProblem):
    loss = Frobenius()


class TestDivergenceRegression(ProblemContract):
    smooth_everywhere = False

    def problem(self):
        return DivergenceRegression(W, COUNTS, KullbackLeibler(), NonNegative(0.1, 0.2))

    def documented_loss(self, x):
        return KullbackLeibler().value(COUNTS, W @ x[0].T)

    def minimiser(self):
        x = 0.5 + RNG.random((4, 3))
        return DivergenceRegression(W, W @ x.T, KullbackLeibler(), NonNegative()), (x,)


class TestSparseDivergenceRegression(TestDivergenceRegression):
    def problem(self):
        return DivergenceRegression(W, sp.csr_array(COUNTS), KullbackLeibler(), NonNegative())


def test_small_objectives_are_measured_entry_by_entry():
    X, (A, B) = planted_matrix((30, 20), 3)
    X = X + 1e-9 * np.random.default_rng(0).standard_normal(X.shape)
    exact = 0.5 * np.sum((X - A @ B.T) ** 2)
    np.testing.assert_allclose(FactorProblem(X, 3, POSITIVE).loss((A, B)), exact, rtol=1e-6)


def test_one_penalty_for_each_factor():
    with pytest.raises(ValueError, match="penalties must hold one penalty for each of the 2 fact"):
        FactorProblem(COUNTS, 2, (NonNegative(),))


def test_beta_divergence_refuses_to_fill_sparse_data_in():
    with pytest.raises(TypeError, match=r"BetaDivergence on sparse data would fill it in"):
        DivergenceProblem(sp.csr_array(COUNTS), 2, BetaDivergence(1.5), POSITIVE)


@pytest.mark.parametrize("loss", [KullbackLeibler(), BetaDivergence(1.4)])
def test_several_slabs_of_rows_add_up(loss, monkeypatch):
    monkeypatch.setattr("multiconvex.divergence._SLAB", 11)
    problem = DivergenceProblem(COUNTS, 3, loss, POSITIVE)
    x = tuple(0.2 + np.random.default_rng(1).random(b.shape) for b in problem.blocks)
    model = x[0] @ x[1].T
    np.testing.assert_allclose(problem.loss(x), loss.value(COUNTS, model), rtol=1e-12)
    up, down = loss.halves(COUNTS, model)
    np.testing.assert_allclose(problem.gradient(x, 0), (down - up) @ x[1], rtol=1e-12)
    np.testing.assert_allclose(problem.gradient(x, 1), (down - up).T @ x[0], rtol=1e-12)
