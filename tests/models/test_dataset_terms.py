"""Incomplete data and counts of any order: the contract, majorants, and complete special cases."""

import numpy as np
import pytest
from contracts.instances import cp_to_array, generators, planted_tensor
from contracts.problem import ProblemContract

from multiconvex import (
    HALS,
    DivergenceProblem,
    FactorProblem,
    KullbackLeibler,
    LeastSquares,
    MultiplicativeUpdate,
    NonNegative,
    NoPenalty,
)
from multiconvex.losses import BetaDivergence
from multiconvex.models.dataset_terms import (
    DivergenceTensorProblem,
    IncompleteProblem,
    count_observed,
    dataset_term,
)

RNG = np.random.default_rng(6)
TENSOR, SEEN = RNG.random((4, 3, 5)), RNG.random((4, 3, 5)) < 0.7
COUNTS = RNG.poisson(2.0, (4, 3, 5)).astype(float)
POSITIVE = (NonNegative(),) * 3


class TestIncompleteProblem(ProblemContract):
    def problem(self):
        return IncompleteProblem(TENSOR, SEEN, 2, POSITIVE)

    def documented_loss(self, x):
        return 0.5 * np.sum((TENSOR - cp_to_array(x))[SEEN] ** 2)

    def minimiser(self):
        X, factors = planted_tensor((4, 3, 5), 2)
        return IncompleteProblem(np.where(SEEN, X, np.nan), SEEN, 2, POSITIVE), factors

    def test_normal_equations_majorise_the_loss_and_touch_it(self):
        for rng, problem, x, k in self.cases():
            gram, rhs = problem.normal_equations(x, k)

            def model(a, gram=gram, rhs=rhs):
                return 0.5 * np.vdot(a @ gram, a) - np.vdot(rhs, a)

            for step in (1e-3, 0.3, 3.0):
                other = self.moved(x, k, step * rng.standard_normal(x[k].shape))
                change = problem.loss(other) - problem.loss(x)
                assert change <= model(other[k]) - model(x[k]) + 1e-12
            np.testing.assert_allclose(x[k] @ gram - rhs, problem.gradient(x, k), rtol=1e-10)

    def test_what_is_missing_does_not_matter(self):
        filled = np.where(SEEN, TENSOR, 1e9)
        for _, problem, x, _ in self.cases(1):
            other = IncompleteProblem(filled, SEEN, 2, POSITIVE)
            assert other.loss(x) == problem.loss(x)

    @pytest.mark.parametrize("update", [HALS(), LeastSquares()])
    def test_updates_never_raise_the_loss(self, update):
        for rng in generators(3):
            problem = self.problem()
            x, losses = self.point(problem, rng), []
            for _ in range(30):
                for k in range(3):
                    x = (*x[:k], update(problem, x, k, None)[0], *x[k + 1 :])
                    losses.append(problem.loss(x))
            assert np.diff(losses).max() <= 1e-12


class TestDivergenceTensorProblem(ProblemContract):
    smooth_everywhere = False
    loss = KullbackLeibler()

    def problem(self):
        return DivergenceTensorProblem(COUNTS, SEEN, 2, self.loss, POSITIVE)

    def documented_loss(self, x):
        return self.loss.value(COUNTS[SEEN], cp_to_array(x)[SEEN])

    def minimiser(self):
        X, factors = planted_tensor((4, 3, 5), 2)
        return DivergenceTensorProblem(X, SEEN, 2, self.loss, POSITIVE), factors

    def test_multiplicative_updates_never_raise_the_loss(self):
        for rng in generators(3):
            problem = self.problem()
            x, losses = self.point(problem, rng), []
            for _ in range(20):
                for k in range(3):
                    x = (*x[:k], MultiplicativeUpdate()(problem, x, k, None)[0], *x[k + 1 :])
                    losses.append(problem.loss(x))
            assert np.diff(losses).max() <= 1e-12


class TestBetaTensorProblem(TestDivergenceTensorProblem):
    loss = BetaDivergence(1.4)


def test_complete_counts_agree_with_the_matrix_problem():
    X, whole = COUNTS[:, :, 0], np.ones((4, 3), bool)
    penalties = (NonNegative(), NonNegative())
    ours = DivergenceTensorProblem(X, whole, 2, KullbackLeibler(), penalties)
    theirs = DivergenceProblem(X, 2, KullbackLeibler(), penalties)
    x = tuple(0.1 + RNG.random((n, 2)) for n in X.shape)
    np.testing.assert_allclose(ours.loss(x), theirs.loss(x))
    for k in range(2):
        np.testing.assert_allclose(ours.gradient(x, k), theirs.gradient(x, k))
        np.testing.assert_allclose(ours.lipschitz(x, k), theirs.lipschitz(x, k))


def test_the_problem_suits_the_loss_and_what_is_missing():
    penalties, whole = (NoPenalty(),) * 3, np.ones(TENSOR.shape, bool)
    complete = dataset_term(TENSOR, whole, 2, FROBENIUS, penalties)
    partial = dataset_term(TENSOR, SEEN, 2, FROBENIUS, penalties)
    counts = dataset_term(COUNTS, whole, 2, KullbackLeibler(), penalties)
    assert [type(p) for p in (complete, partial, counts)] == [
        FactorProblem,
        IncompleteProblem,
        DivergenceTensorProblem,
    ]
    assert (count_observed(complete), count_observed(partial)) == (60, SEEN.sum())


FROBENIUS = FactorProblem.loss_function
