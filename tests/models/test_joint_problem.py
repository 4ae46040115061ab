"""Two stacked factors have the loss and the derivatives of the two alone, and are not convex."""

import numpy as np
import pytest
import scipy.sparse as sp
from contracts.instances import generators, planted_matrix

from multiconvex import (
    DivergenceProblem,
    FactorProblem,
    JointMajorant,
    JointProblem,
    KullbackLeibler,
    NonNegative,
    QuasiNewton,
    alternate,
    nmf,
)

PLAIN = NonNegative(0.2, 0.3)


def problems():
    X = np.random.default_rng(0).poisson(2.0, (7, 5)).astype(float)
    pair = (PLAIN, PLAIN)
    return [
        FactorProblem(X, 2, pair),
        DivergenceProblem(X, 2, KullbackLeibler(), pair),
        DivergenceProblem(sp.csr_array(X), 2, KullbackLeibler(), pair),
    ]


@pytest.mark.parametrize("alone", problems(), ids=["frobenius", "dense", "sparse"])
class TestStacked:
    def test_objective_and_residual_are_those_of_the_factors(self, alone):
        joint = JointProblem(alone)
        for rng in generators(3):
            x = rng.random((7, 2)) + 0.1, rng.random((5, 2)) + 0.1
            stacked = joint.stack(x)
            for factor, part in zip(x, joint.split(stacked)):
                np.testing.assert_array_equal(factor, part)
            np.testing.assert_allclose(joint.objective(stacked), alone.objective(x), rtol=1e-12)
            assert joint.residual(stacked) == alone.residual(joint.split(stacked))

    def test_gradient_agrees_with_central_differences(self, alone):
        joint, step = JointProblem(alone), 1e-6
        for rng in generators(3):
            z, d = rng.random((12, 2)) + 0.1, rng.standard_normal((12, 2))
            slope = (joint.loss((z + step * d,)) - joint.loss((z - step * d,))) / (2 * step)
            np.testing.assert_allclose(np.vdot(joint.gradient((z,), 0), d), slope, rtol=1e-5)

    def test_the_block_is_not_convex(self, alone):
        joint = JointProblem(alone)
        left = joint.stack((np.tile([1.0, 0.0], (7, 1)), np.tile([2.0, 0.0], (5, 1))))[0] + 1e-3
        right = left[:, ::-1].copy()
        ends = joint.loss((left,)), joint.loss((right,))
        assert ends[0] == pytest.approx(ends[1])
        assert joint.loss((0.5 * (left + right),)) > ends[0]


def test_both_ways_recover_planted_factors():
    X, _ = planted_matrix((12, 10), 2, zeros=0.0)
    pair = (NonNegative(), NonNegative())
    rng = np.random.default_rng(0)
    start = rng.random((12, 2)), rng.random((10, 2))
    for problem, rule in (
        (FactorProblem(X, 2, pair), QuasiNewton(50)),
        (DivergenceProblem(X, 2, KullbackLeibler(), pair), QuasiNewton(50)),
    ):
        joint = JointProblem(problem)
        result = alternate(joint, joint.stack(start), rule, max_iter=20)
        assert result.objective < 1e-5 * np.sum(X)


def test_stationary_points_are_those_of_alternating():
    X = np.random.default_rng(3).poisson(5.0, (9, 8)).astype(float)
    fit = nmf(X, 2, loss="kullback-leibler", tol=1e-14, max_iter=5000, random_state=0)
    problem = DivergenceProblem(X, 2, KullbackLeibler(), (NonNegative(), NonNegative()))
    joint = JointProblem(problem)
    block, _ = JointMajorant()(joint, joint.stack((fit.W, fit.H)), 0, None)
    W, H = joint.split((block,))
    np.testing.assert_allclose(W @ H.T, fit.reconstruct(), rtol=1e-4, atol=1e-5)


def test_what_cannot_be_stacked_is_refused():
    X = np.ones((4, 3))
    with pytest.raises(ValueError, match="share one penalty: give both the same NonNegative"):
        JointProblem(FactorProblem(X, 1, (NonNegative(0.1), NonNegative())))
    with pytest.raises(ValueError, match="two factors, got 3"):
        JointProblem(FactorProblem(np.ones((2, 2, 2)), 1, (NonNegative(),) * 3))
    joint = JointProblem(FactorProblem(X, 1, (NonNegative(), NonNegative())))
    with pytest.raises(TypeError, match="that of the Kullback-Leibler divergence, got Frobenius"):
        JointMajorant()(joint, joint.stack((np.ones((4, 1)), np.ones((3, 1)))), 0, None)
