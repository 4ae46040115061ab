"""The joint majorant lies above the divergence, touches it, and its minimiser is EM."""

import numpy as np
import pytest
import scipy.sparse as sp
from contracts.instances import generators
from contracts.problems import PLAIN, divergence_factors
from contracts.update import UpdateContract

from multiconvex import (
    DivergenceProblem,
    JointMajorant,
    JointProblem,
    KullbackLeibler,
    NonNegative,
    alternate,
    rank_one,
)

KL = KullbackLeibler()


def stacked(scale, penalty, *, sparse=False):
    build = divergence_factors(scale, penalty, sparse=sparse)

    def joint(rng, dtype=np.float64):
        problem, x = build(rng, dtype)
        problem = JointProblem(problem)
        return problem, problem.stack(x)

    return joint


class TestJointMajorant(UpdateContract):
    update = JointMajorant()
    settle = 4000

    def problems(self, scale=1.0):
        return [stacked(scale, PLAIN), stacked(scale, PLAIN, sparse=True)]

    def test_follows_the_scale_of_the_data(self):
        """The factors share the scale: the model of scaled data is the scaled model."""
        for scale in (1e-6, 1e5):
            for (problem, x), (scaled, _) in zip(self.cases(2), self.cases(2, scale)):
                W, H = problem.split((self.step(problem, x, 0),))
                A, B = scaled.split((self.step(scaled, (np.sqrt(scale) * x[0],), 0),))
                np.testing.assert_allclose(A @ B.T, scale * (W @ H.T), rtol=1e-9)


class TestWeighted(TestJointMajorant):
    def problems(self, scale=1.0):
        penalty = NonNegative(0.3 * np.sqrt(scale), 0.4)
        return [stacked(scale, penalty), stacked(scale, penalty, sparse=True)]


def instance(rng, l1=0.0, l2=0.0, sparse=False):
    X = rng.poisson(2.0, (7, 6)).astype(float)
    penalty = NonNegative(l1, l2)
    data = sp.csr_array(X) if sparse else X
    problem = JointProblem(DivergenceProblem(data, 3, KL, (penalty, penalty)))
    return X, problem, (rng.random((7, 3)) + 0.1, rng.random((6, 3)) + 0.1)


def majorant(X, current, factors):
    """Jensen's bound on the logarithm of the model, written out over all triples."""
    (W, H), (A, B) = current, factors
    model = W @ H.T
    total = float((A @ B.T).sum())
    for i, j in np.ndindex(X.shape):
        if X[i, j] > 0:
            shares = W[i] * H[j] / model[i, j]
            total += X[i, j] * (np.log(X[i, j]) - 1.0)
            total -= X[i, j] * np.sum(shares * np.log(A[i] * B[j] / shares))
    return total


def test_the_majorant_is_above_the_divergence_and_touches_it():
    for rng in generators(30):
        X, _, current = instance(rng)
        other = tuple(factor * rng.uniform(0.2, 3.0, factor.shape) for factor in current)
        np.testing.assert_allclose(
            majorant(X, current, current), KL.value(X, current[0] @ current[1].T)
        )
        assert majorant(X, current, other) >= KL.value(X, other[0] @ other[1].T) - 1e-9


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.3, 0.0), (0.2, 0.4)])
def test_the_update_minimises_the_majorant_over_both_factors(l1, l2):
    for rng in generators(5):
        X, problem, current = instance(rng, l1, l2)
        block, _ = JointMajorant(rounds=300)(problem, problem.stack(current), 0, None)
        best = problem.split((block,))
        penalty = problem.blocks[0].penalty

        def cost(factors, X=X, current=current, penalty=penalty):
            return majorant(X, current, factors) + sum(map(penalty.value, factors))

        for side in range(2):
            for size in (1e-3, 0.1):
                moved = list(best)
                moved[side] = moved[side] * np.exp(size * rng.standard_normal(moved[side].shape))
                assert cost(moved) >= cost(best) - 1e-9


def test_without_weights_the_model_is_that_of_em():
    for rng in generators(5):
        X, problem, (W, H) = instance(rng)
        ratio = X / (W @ H.T)
        P, Q = W * (ratio @ H), H * (ratio.T @ W)
        block, _ = JointMajorant(rounds=1)(problem, problem.stack((W, H)), 0, None)
        A, B = problem.split((block,))
        np.testing.assert_allclose(A @ B.T, P / P.sum(axis=0) @ Q.T, rtol=1e-12)


def test_dense_and_sparse_data_give_the_same_step():
    _, dense, x = instance(np.random.default_rng(1))
    _, stored, _ = instance(np.random.default_rng(1), sparse=True)
    blocks = [JointMajorant()(problem, problem.stack(x), 0, None)[0] for problem in (dense, stored)]
    np.testing.assert_allclose(*blocks, rtol=1e-12)


def test_one_component_is_solved_at_once():
    X = np.random.default_rng(0).random((6, 5))
    problem = JointProblem(DivergenceProblem(X, 1, KL, (PLAIN, PLAIN)))
    result = alternate(problem, problem.stack((np.ones((6, 1)), np.ones((5, 1)))), JointMajorant())
    W, H = problem.split(tuple(result.blocks.values()))
    w, h = rank_one(X, loss="kullback-leibler")
    np.testing.assert_allclose(W @ H.T, w @ h.T, rtol=1e-12)


@pytest.mark.parametrize("options", [{"rounds": 0}, {"floor": -1.0}])
def test_impossible_options_are_refused(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} must be a"):
        JointMajorant(**options)
