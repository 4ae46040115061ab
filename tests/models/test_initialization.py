"""Starting points: nonnegative where they must be, at the best scale, and close where possible."""

import numpy as np
import pytest
import scipy.sparse as sp
from contracts.instances import cp_to_array, planted_tensor

from multiconvex.models.factor_problem import as_operand
from multiconvex.models.initialization import (
    filled,
    hosvd,
    nndsvd,
    nonnegative_parts,
    random_factors,
    scaled_to_data,
    truncated_svd,
)
from multiconvex.operands import DenseTensor, TuckerTensor

X = np.random.default_rng(0).random((12, 9))


def generator():
    return np.random.default_rng(5)


@pytest.mark.parametrize("data", [X, sp.csr_array(X)])
@pytest.mark.parametrize("rank", [1, 3, 9, 11])
def test_nndsvd(data, rank):
    W, H = nndsvd(as_operand(data), rank, generator())
    assert (W.shape, H.shape) == ((12, rank), (9, rank))
    assert min(W.min(), H.min()) >= 0
    assert W.any(axis=0).all() and H.any(axis=0).all()
    assert np.sum((X - W @ H.T) ** 2) < np.sum(X**2)


def test_nndsvd_keeps_the_leading_pair():
    W, H = nndsvd(DenseTensor(X), 1, generator())
    left, s, right = np.linalg.svd(X)
    np.testing.assert_allclose(W @ H.T, s[0] * np.outer(left[:, 0], right[0]), rtol=1e-3)


@pytest.mark.parametrize("nonnegative", [True, False])
@pytest.mark.parametrize("shape", [(6, 5), (4, 5, 3)])
def test_random_factors(nonnegative, shape):
    data = DenseTensor(np.random.default_rng(1).random(shape))
    factors = random_factors(data, 2, generator(), nonnegative=nonnegative)
    assert (min(f.min() for f in factors) >= 0) == nonnegative
    assert [f.shape for f in factors] == [(n, 2) for n in shape]


def test_the_scale_is_the_best_one():
    T, _ = planted_tensor((4, 5, 3), 2)
    factors = [generator().random((n, 2)) for n in T.shape]
    scaled = scaled_to_data(DenseTensor(T), factors)
    best = np.sum((T - cp_to_array(scaled)) ** 2)
    for c in (0.8, 0.99, 1.01, 1.2):
        assert best < np.sum((T - c * cp_to_array(scaled)) ** 2)
    ratio = scaled[0] / factors[0]
    np.testing.assert_allclose(ratio, ratio[0, 0])


def test_hosvd_spans_the_dominant_subspaces():
    T, (A, _, _) = planted_tensor((8, 7, 6), 3)
    factors = hosvd(DenseTensor(T), 3, generator())
    projector = factors[0] @ np.linalg.pinv(factors[0])
    np.testing.assert_allclose(projector @ A, A, atol=1e-8)


def test_heavier_parts_are_nonnegative_and_off_zero():
    T, _ = planted_tensor((8, 7, 6), 3)
    factors = hosvd(DenseTensor(T), 3, generator())
    parts = nonnegative_parts(DenseTensor(T), factors)
    flipped = nonnegative_parts(DenseTensor(T), [-factor for factor in factors])
    for part, again in zip(parts, flipped):
        assert part.min() > 0
        np.testing.assert_allclose(part, again, rtol=1e-12)


def test_filled_has_no_zeros_and_changes_nothing_else():
    factor = np.array([[0.0, 2.0], [1.0, 0.0]])
    (out,) = filled((factor,))
    assert out.min() > 0
    np.testing.assert_array_equal(out[factor > 0], factor[factor > 0])
    assert filled((np.zeros((2, 2)),))[0].min() > 0


@pytest.mark.parametrize("data", [X, sp.csr_array(X)])
def test_truncated_svd(data):
    low = X[:, :3] @ X[:3]
    data = sp.csr_array(low) if sp.issparse(data) else low
    left, s, right = truncated_svd(as_operand(data), 3, generator())
    np.testing.assert_allclose((left * s) @ right, low, atol=1e-9)


def test_truncated_svd_of_a_compressed_matrix():
    bases = [np.linalg.qr(generator().random((n, 3)))[0] for n in (12, 9)]
    core = generator().random((3, 3))
    left, s, right = truncated_svd(TuckerTensor(core, bases), 3, generator())
    np.testing.assert_allclose((left * s) @ right, bases[0] @ core @ bases[1].T, atol=1e-10)
