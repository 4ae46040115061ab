"""Compression: what it keeps, and fits that start on it but are measured on the data."""

import numpy as np
import pytest
import scipy.sparse as sp
from contracts.instances import planted_matrix, planted_tensor

from multiconvex import Compression, Extrapolation, NonNegative, cp, nmf
from multiconvex.models import FactorProblem
from multiconvex.models.compression import compress, worth_compressing
from multiconvex.operands import DenseTensor


def data(order, seed=0):
    shape = (60, 50, 40)[:order]
    X = (planted_matrix(shape, 4, seed) if order == 2 else planted_tensor(shape, 4, seed))[0]
    return X + 0.05 * X.mean() * np.random.default_rng(seed).random(shape)


def fit(X, **options):
    options = {"random_state": 0, "acceleration": Compression()} | options
    return nmf(X, 4, **options) if X.ndim == 2 else cp(X, 4, nonnegative=True, **options)


ORDERS = pytest.mark.parametrize("order", [2, 3])


@ORDERS
def test_bases_are_orthonormal_and_exact_on_data_of_low_rank(order):
    X = (planted_matrix((30, 20), 4) if order == 2 else planted_tensor((15, 12, 9), 4))[0]
    small = compress(DenseTensor(X), 6, np.random.default_rng(0))
    full = small.core.array
    for mode, basis in enumerate(small.bases):
        np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-12)
        full = np.moveaxis(np.tensordot(basis, full, axes=(1, mode)), 0, mode)
    np.testing.assert_allclose(full, X, atol=1e-10 * X.max())
    assert max(small.core.shape) <= 6


@ORDERS
def test_objective_is_monotone_and_measured_on_the_data(order):
    X = data(order)
    seen = []

    def watch(sweep):
        problem = FactorProblem(X, 4, (NonNegative(),) * order)
        true = problem.objective(tuple(sweep.blocks.values()))
        np.testing.assert_allclose(sweep.objective, true, rtol=1e-10)
        seen.append(sweep.event)

    for callback in (watch, None):
        trace = fit(X, callback=callback, tol=1e-8, max_iter=2000).trace
        assert np.all(np.diff(trace.objective) <= 1e-13 * trace.objective[0])
        assert np.all(np.diff(trace.iteration) > 0)
        assert np.all(np.diff(trace.seconds) > 0)
        assert trace.event[0] == "start"
        assert {"compressed", "sweep"} <= set(trace.event)
    assert "compressed" in seen and "sweep" in seen


@ORDERS
def test_ends_as_low_as_without(order):
    X = data(order)
    options = {"tol": 1e-12, "max_iter": 5000}
    with_, without = fit(X, **options), fit(X, acceleration=Extrapolation(), **options)
    np.testing.assert_allclose(with_.objective, without.objective, rtol=2e-2)


def test_what_the_compression_lost_is_found_on_the_data():
    X = np.random.default_rng(0).random((40, 30))
    rough = fit(X, acceleration=Compression(oversampling=1), tol=1e-12, max_iter=5000)
    exact = fit(X, acceleration=Extrapolation(), tol=1e-12, max_iter=5000)
    np.testing.assert_allclose(rough.objective, exact.objective, rtol=5e-3)


@ORDERS
@pytest.mark.parametrize("max_iter", [0, 1, 2, 5, 30])
def test_sweeps_of_both_phases_are_counted(order, max_iter):
    result = fit(data(order), max_iter=max_iter, tol=0)
    assert result.n_iter == result.trace.iteration[-1] == max_iter


@pytest.mark.parametrize("stop_at", [1, 3, 60])
def test_callback_stops_either_phase(stop_at):
    result = fit(data(2), callback=lambda sweep: sweep.iteration == stop_at, max_iter=80, tol=0)
    assert (result.n_iter, result.status) == (stop_at, "stopped")
    assert result.objective == result.trace.objective[-1]


def test_without_acceleration_within():
    trace = fit(data(2), acceleration=Compression(then=None), max_iter=40, tol=0).trace
    assert "restart" not in trace.event


def test_large_data_are_compressed_by_default():
    X = planted_matrix((900, 700), 4)[0]
    assert worth_compressing(DenseTensor(X), 4)
    assert "compressed" in nmf(X, 4, random_state=0, max_iter=10, tol=0).trace.event
    assert not worth_compressing(DenseTensor(X[:100, :100]), 4)


@pytest.mark.parametrize("oversampling", [0, -1, 1.5])
def test_impossible_options_are_refused(oversampling):
    with pytest.raises((TypeError, ValueError), match="oversampling must be a"):
        Compression(oversampling)


def test_what_cannot_be_compressed_is_refused():
    X = data(2)
    with pytest.raises((TypeError, ValueError), match="Compression"):
        nmf(sp.csr_array(X), 3, acceleration=Compression())
    with pytest.raises((TypeError, ValueError), match="Compression"):
        nmf(X, 3, loss="kullback-leibler", acceleration=Compression())
    core, bases = np.ones((2, 2, 2)), [np.ones((n, 2)) for n in (3, 4, 5)]
    with pytest.raises((TypeError, ValueError), match="Compression"):
        cp((core, bases), 1, acceleration=Compression())
