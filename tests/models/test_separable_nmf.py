"""Separable factorisation finds the pure columns."""

import numpy as np
import pytest
import scipy.sparse as sp
from contracts.instances import generators, scipy_nnls, separable_matrix

from multiconvex import separable_nmf

EXACT = pytest.mark.parametrize("method", ["snpa", "spa"])


@EXACT
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("rank", [2, 3, 4])
def test_exact_set_on_separable_data(method, seed, rank):
    X, pure = separable_matrix(8, 25, rank, seed)
    result = separable_nmf(X, rank, method=method)
    assert set(result.indices.tolist()) == pure
    assert result.objective < 1e-14
    np.testing.assert_allclose(result.reconstruct(), X, atol=1e-10)


@pytest.mark.parametrize("seed", range(60))
def test_rank_two_in_closed_form(seed):
    X, pure = separable_matrix(6, 20, 2, seed)
    X = X * np.random.default_rng(seed).uniform(0.1, 5.0, 20)
    assert set(separable_nmf(X, 2, method="rank2").indices.tolist()) == pure


@EXACT
def test_scale_of_the_columns_does_not_matter(method):
    X, pure = separable_matrix(8, 25, 4, seed=3)
    wide = X * 10.0 ** np.random.default_rng(0).uniform(-6, 6, 25)
    assert set(separable_nmf(wide, 4, method=method).indices.tolist()) == pure


@EXACT
def test_small_noise_does_no_harm(method):
    X, pure = separable_matrix(10, 30, 4, seed=1)
    noisy = X + 1e-4 * np.random.default_rng(0).random(X.shape)
    assert set(separable_nmf(noisy, 4, method=method).indices.tolist()) == pure


def test_more_components_than_rows():
    """Six extreme rays of a cone in dimension three: only the projection on the hull finds them."""
    angles = 2 * np.pi * np.arange(6) / 6
    pure = np.vstack([2 + np.cos(angles), 2 + np.sin(angles), np.full(6, 2.0)])
    weights = np.random.default_rng(0).dirichlet(np.ones(6), 20).T
    X = np.hstack([pure, pure @ weights])
    result = separable_nmf(X, 6)
    assert set(result.indices.tolist()) == set(range(6))
    with pytest.raises(ValueError, match="method='spa' found only 3 independent columns"):
        separable_nmf(X, 6, method="spa")


@pytest.mark.parametrize("method", ["snpa", "spa", "rank2"])
def test_weights_are_the_exact_regression_and_factors_those_promised(method):
    X = np.random.default_rng(0).random((7, 12))
    copy = X.copy()
    result = separable_nmf(X, 2, method=method)
    np.testing.assert_array_equal(result.W, X[:, result.indices])
    np.testing.assert_allclose(result.H.T, scipy_nnls(result.W, X), atol=1e-10)
    np.testing.assert_allclose(result.objective, 0.5 * np.sum((X - result.reconstruct()) ** 2))
    assert result.trace.objective[0] == pytest.approx(0.5 * np.sum(X**2))
    assert (result.n_iter, result.status) == (2, "converged")
    np.testing.assert_array_equal(X, copy)
    again = separable_nmf(X, 2, method=method)
    assert again.H.tobytes() == result.H.tobytes()


@EXACT
def test_zero_columns_are_never_chosen(method):
    X, pure = separable_matrix(8, 20, 3, seed=2)
    X = np.hstack([np.zeros((8, 2)), X])
    assert {int(j) - 2 for j in separable_nmf(X, 3, method=method).indices} == pure


def test_single_precision_is_kept():
    X, pure = separable_matrix(8, 25, 3)
    result = separable_nmf(X.astype(np.float32), 3)
    assert set(result.indices.tolist()) == pure
    assert result.W.dtype == result.H.dtype == np.float32


def test_methods_differ_where_columns_are_dependent():
    differ = 0
    for rng in generators(10):
        X = rng.random((8, 40))
        one, other = (separable_nmf(X, 6, method=m).indices for m in ("snpa", "spa"))
        differ += not np.array_equal(one, other)
    assert differ > 0


@pytest.mark.parametrize(
    ("X", "rank", "method", "kind", "sentence"),
    [
        (
            np.eye(3),
            4,
            "snpa",
            ValueError,
            "rank must be at most the 3 nonzero columns of X, got 4",
        ),
        (np.eye(3), 3, "rank2", ValueError, "method='rank2' is for two components, got rank=3"),
        (np.eye(3), 2, "vca", ValueError, "method must be one of 'snpa', 'spa', 'rank2'"),
        (-np.eye(3), 2, "spa", ValueError, "X must be nonnegative"),
        (np.ones((3, 4)), 2, "spa", ValueError, "found only 1 independent columns"),
        (sp.eye_array(3).tocsr(), 2, "spa", TypeError, "X is sparse"),
        (np.eye(3), 0, "spa", ValueError, "rank must be an integer of at least 1"),
    ],
)
def test_impossible_requests_are_refused(X, rank, method, kind, sentence):
    with pytest.raises(kind, match=sentence):
        separable_nmf(X, rank, method=method)
