"""Sinkhorn's scaling gives the model the marginals of the data and never raises the objective."""

import numpy as np
import pytest
import scipy.sparse as sp
from contracts.engine import EngineContract
from contracts.instances import generators
from contracts.problems import PLAIN, divergence_factors, factors

from multiconvex import (
    ADMM,
    HALS,
    KullbackLeibler,
    MultiplicativeUpdate,
    NonNegative,
    ScalarNewton,
    SinkhornScaling,
    alternate,
    nmf,
)
from multiconvex.marginals import row_scales

KL = KullbackLeibler()


class TestEngine(EngineContract):
    acceleration = SinkhornScaling(rounds=2)
    update = MultiplicativeUpdate()

    def problem(self):
        return divergence_factors(1.0, PLAIN)(np.random.default_rng(0))[0]

    def init(self):
        return divergence_factors(1.0, PLAIN)(np.random.default_rng(0))[1]


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.3, 0.0), (0.0, 0.5), (0.3, 0.5)])
def test_a_scale_is_the_best_one_of_its_row(l1, l2):
    for rng in generators(5):
        Y, block, design = rng.poisson(3.0, (4, 6)), rng.random((4, 2)), rng.random((6, 2))
        penalty = NonNegative(l1, l2)
        scales = row_scales(block, design.sum(axis=0), Y.sum(axis=1), penalty)

        def cost(d, Y=Y, block=block, design=design, penalty=penalty):
            scaled = d[:, None] * block
            return KL.value(Y, scaled @ design.T) + penalty.value(scaled)

        for move in (0.9, 0.999, 1.001, 1.1):
            for i in range(4):
                other = scales.copy()
                other[i] *= move
                assert cost(other) > cost(scales)


@pytest.mark.parametrize("sparse", [False, True])
def test_the_model_gets_the_marginals_of_the_data(sparse):
    rng = np.random.default_rng(0)
    X = rng.poisson(2.0, (12, 9)) + np.eye(12, 9)
    fit = nmf(
        sp.csr_array(X) if sparse else X, 3, loss="kullback-leibler", update=ScalarNewton(),
        acceleration=SinkhornScaling(rounds=300), max_iter=2, tol=0, random_state=0,
    )  # fmt: skip
    model = fit.reconstruct()
    for axis in range(2):
        np.testing.assert_allclose(model.sum(axis=axis), X.sum(axis=axis), rtol=1e-8)


def test_without_it_they_differ_and_at_a_minimiser_they_agree():
    X = np.random.default_rng(0).poisson(5.0, (12, 9)) + 1.0
    options = {"loss": "kullback-leibler", "acceleration": None, "tol": 0, "random_state": 0}
    errors = [
        np.abs(nmf(X, 2, max_iter=sweeps, **options).reconstruct().sum(axis=1) / X.sum(axis=1) - 1)
        for sweeps in (2, 3000)
    ]
    assert errors[0].max() > 1e-3
    assert errors[1].max() < 1e-8


def test_it_is_sinkhorns_algorithm_on_the_model():
    rng = np.random.default_rng(1)
    X = rng.poisson(4.0, (5, 4)) + 1.0
    problem, _ = divergence_factors(1.0, PLAIN)(rng)
    problem = type(problem)(X, 2, KL, (PLAIN, PLAIN))
    x = (rng.random((5, 2)) + 0.1, rng.random((4, 2)) + 0.1)
    acceleration = SinkhornScaling(rounds=3)
    state = acceleration.start(problem, x, (None, None))
    (W, H), _ = acceleration.sweep(problem, (_Same(), _Same()), state)[0].point, None
    model = x[0] @ x[1].T
    for _ in range(3):
        model = model * (X.sum(axis=1) / model.sum(axis=1))[:, None]
        model = model * (X.sum(axis=0) / model.sum(axis=0))
    np.testing.assert_allclose(W @ H.T, model, rtol=1e-12)


class _Same:
    """An update that does nothing."""

    def __call__(self, problem, x, k, memory):
        return x[k], memory


def test_it_lowers_the_objective_where_updates_leave_it():
    for rng in generators(5):
        problem, x = divergence_factors(1.0, PLAIN)(rng)
        acceleration = SinkhornScaling()
        state = acceleration.start(problem, x, (None, None))
        state, _ = acceleration.sweep(problem, (_Same(), _Same()), state)
        assert problem.objective(state.point) < problem.objective(x)


def test_rows_without_data_vanish():
    scales = row_scales(np.ones((2, 1)), np.ones(1), np.array([3.0, 0.0]), PLAIN)
    np.testing.assert_array_equal(scales, [3.0, 0.0])
    assert row_scales(np.zeros((1, 1)), np.ones(1), np.array([3.0]), PLAIN) == 1.0


def test_other_losses_penalties_and_updates_are_refused():
    problem, x = factors(1.0, PLAIN)(np.random.default_rng(0))
    with pytest.raises(TypeError, match="two factors under the Kullback-Leibler loss"):
        alternate(problem, x, HALS(), acceleration=SinkhornScaling())
    problem, x = divergence_factors(1.0, PLAIN)(np.random.default_rng(0))
    with pytest.raises(TypeError, match="updates without memory"):
        SinkhornScaling().start(problem, x, (None, ADMM()))
    with pytest.raises(ValueError, match="rounds must be an integer"):
        SinkhornScaling(rounds=0)
