"""Closed forms of rank one are global minimisers."""

import numpy as np
import pytest
from contracts.instances import cp_to_array, generators

from multiconvex import BetaDivergence, KullbackLeibler, cp, nmf, rank_one


@pytest.mark.parametrize("shape", [(5, 4), (4, 3, 5), (3, 2, 4, 3)])
def test_marginals_minimise_the_divergence(shape):
    for rng in generators(5):
        X = rng.random(shape) * (rng.random(shape) > 0.2)
        factors = rank_one(X, loss="kullback-leibler")
        assert [f.shape for f in factors] == [(n, 1) for n in shape]
        model = cp_to_array(factors)
        best = KullbackLeibler().value(X, model)
        for axis in range(X.ndim):
            others = tuple(a for a in range(X.ndim) if a != axis)
            np.testing.assert_allclose(model.sum(axis=others), X.sum(axis=others), rtol=1e-12)
        for _ in range(20):
            moved = [f * np.exp(0.3 * rng.standard_normal(f.shape)) for f in factors]
            assert KullbackLeibler().value(X, cp_to_array(moved)) >= best - 1e-12


def test_formula_of_matrices():
    X = np.random.default_rng(0).random((5, 4))
    w, h = rank_one(X, loss="kullback-leibler")
    np.testing.assert_allclose(w.ravel(), X.sum(axis=1) / np.sqrt(X.sum()))
    np.testing.assert_allclose(h.ravel(), X.sum(axis=0) / np.sqrt(X.sum()))


def test_converged_updates_agree():
    X = np.random.default_rng(0).random((6, 5)) + 0.1
    for loss in ("kullback-leibler", "frobenius"):
        fit = nmf(X, 1, loss=loss, init="random", random_state=0, tol=1e-14, max_iter=3000)
        w, h = rank_one(X, loss=loss)
        np.testing.assert_allclose(fit.reconstruct(), w @ h.T, rtol=1e-5)


def test_leading_singular_pair_is_nonnegative_and_leaves_the_tail():
    for rng in generators(200):
        X = rng.random((6, 5)) * (rng.random((6, 5)) > 0.4)
        w, h = rank_one(X)
        assert min(w.min(), h.min()) >= 0
        tail = np.linalg.svd(X, compute_uv=False)[1:]
        np.testing.assert_allclose(
            np.sum((X - w @ h.T) ** 2), np.sum(tail**2), rtol=1e-9, atol=1e-12
        )


def test_tensor_models_start_from_nothing_better():
    X = np.random.default_rng(0).random((4, 5, 3))
    best = cp(X, 1, nonnegative=True, tol=1e-13, max_iter=3000).objective
    marginals = cp_to_array(rank_one(X, loss="kullback-leibler"))
    assert best <= 0.5 * np.sum((X - marginals) ** 2)


@pytest.mark.parametrize("loss", ["frobenius", "kullback-leibler"])
def test_zero_data_give_zero(loss):
    assert all(not factor.any() for factor in rank_one(np.zeros((3, 2)), loss=loss))


@pytest.mark.parametrize(
    ("X", "loss", "sentence"),
    [
        (np.ones((2, 2, 2)), "frobenius", "no closed form for Frobenius at order 3"),
        (np.ones((2, 2)), BetaDivergence(1.5), "no closed form for BetaDivergence at order 2"),
        (np.ones(3), "frobenius", "X must have at least 2 dimensions"),
        (-np.ones((2, 2)), "frobenius", "X must be nonnegative"),
        (np.ones((2, 2)), "l3", "loss must be one of"),
    ],
)
def test_impossible_requests_are_refused(X, loss, sentence):
    with pytest.raises(ValueError, match=sentence):
        rank_one(X, loss=loss)
