"""Separable factorisation of Dask arrays selects what it selects in memory."""

import dask
import dask.array as da
import numpy as np
import pytest
import scipy.sparse as sp
from contracts.instances import separable_matrix

from multiconvex import separable_nmf

METHODS = pytest.mark.parametrize("method", ["snpa", "spa"])
ALONG_ROWS = (300, 25), (70, 25)
ALONG_COLUMNS = (12, 400), (12, 90)
CUTS = pytest.mark.parametrize(("shape", "chunks"), [ALONG_ROWS, ALONG_COLUMNS])


@pytest.fixture(autouse=True)
def in_this_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


def noisy(shape, rank=4, seed=1):
    X, pure = separable_matrix(*shape, rank, seed)
    return X + 1e-4 * np.random.default_rng(seed).random(shape), pure


@METHODS
@CUTS
def test_the_fit_is_that_in_memory(method, shape, chunks):
    X, pure = noisy(shape)
    local = separable_nmf(X, 4, method=method)
    chunked = separable_nmf(da.from_array(X, chunks=chunks), 4, method=method)
    assert chunked.indices.tolist() == local.indices.tolist()
    assert set(chunked.indices.tolist()) == pure
    np.testing.assert_allclose(np.asarray(chunked.W), local.W, rtol=1e-12)
    np.testing.assert_allclose(np.asarray(chunked.H), local.H, atol=1e-10)
    atol = 1e-14 * local.trace.objective[0]
    np.testing.assert_allclose(chunked.trace.objective, local.trace.objective, atol=atol)


@CUTS
def test_the_long_factor_stays_in_chunks(shape, chunks):
    X, _ = noisy(shape)
    result = separable_nmf(da.from_array(X, chunks=chunks), 3)
    is_lazy = [isinstance(factor, da.Array) for factor in result.factors]
    assert is_lazy == [n > 100 for n in shape]
    np.testing.assert_allclose(
        0.5 * np.sum((X - result.reconstruct().compute()) ** 2), result.objective, rtol=1e-9
    )


@CUTS
def test_rank_two_in_closed_form(shape, chunks):
    X, _ = noisy(shape, rank=2)
    X[:, -1] = 0.0
    local = separable_nmf(X, 2, method="rank2")
    chunked = separable_nmf(da.from_array(X, chunks=chunks), 2, method="rank2")
    assert chunked.indices.tolist() == local.indices.tolist()
    with pytest.raises(ValueError, match="'rank2' is for two components, got rank=3"):
        separable_nmf(da.from_array(X, chunks=chunks), 3, method="rank2")


def test_more_components_than_rows():
    """Six extreme rays of a cone in dimension three, far apart in different chunks."""
    angles = 2 * np.pi * np.arange(6) / 6
    pure = np.vstack([2 + np.cos(angles), 2 + np.sin(angles), np.full(6, 2.0)])
    weights = np.random.default_rng(0).dirichlet(np.ones(6), 120).T
    X = da.from_array(np.hstack([pure, pure @ weights]), chunks=(3, 30))
    assert set(separable_nmf(X, 6).indices.tolist()) == set(range(6))
    with pytest.raises(ValueError, match="method='spa' found only 3 independent columns"):
        separable_nmf(X, 6, method="spa")


@CUTS
def test_what_cannot_be_selected_from_is_refused(shape, chunks):
    X, _ = noisy(shape)
    with pytest.raises(ValueError, match="X must be nonnegative, got 1 negative"):
        separable_nmf(da.from_array(np.where(X.max() == X, -1.0, X), chunks=chunks), 2)
    X[:, 3:] = 0.0
    with pytest.raises(ValueError, match="rank must be at most the 3 nonzero columns of X, got 4"):
        separable_nmf(da.from_array(X, chunks=chunks), 4)
    X[:] = 1.0
    lazy = da.from_array(X, chunks=chunks)
    with pytest.raises(TypeError, match="X has sparse chunks, which are not handled"):
        separable_nmf(lazy.map_blocks(sp.csr_array, meta=sp.csr_array((0, 0))), 2)


def test_equal_columns_are_refused():
    X = da.from_array(np.ones((3, 90)), chunks=(3, 30))
    with pytest.raises(ValueError, match="only 1 columns that differ in direction"):
        separable_nmf(X, 2)
