"""Products with the data, by every kind of operand, for every mode and order."""

import numpy as np
import pytest
import scipy.sparse as sp
from contracts.instances import cp_to_array

from multiconvex.operands import (
    DenseTensor,
    SparseMatrix,
    TuckerTensor,
    factors_to_array,
    khatri_rao,
    model_norm2,
)

SHAPES = [(6, 5), (4, 5, 3), (3, 4, 2, 5), (3, 2, 4, 2, 3)]


def mttkrp_by_definition(X, factors, k):
    letters = "abcdefgh"[: X.ndim]
    others = [f for mode, f in enumerate(factors) if mode != k]
    terms = [letters, *(f"{i}q" for mode, i in enumerate(letters) if mode != k)]
    return np.einsum(",".join(terms) + f"->{letters[k]}q", X, *others)


def operands(shape, rng):
    """Yield every operand that stands for an array of this shape, with the array."""
    X = rng.standard_normal(shape)
    yield DenseTensor(X), X
    core = rng.standard_normal([max(1, n - 1) for n in shape])
    bases = [rng.standard_normal((n, r)) for n, r in zip(shape, core.shape)]
    full = core
    for mode, basis in enumerate(bases):
        full = np.moveaxis(np.tensordot(basis, full, axes=(1, mode)), 0, mode)
    yield TuckerTensor(core, bases), full
    if len(shape) == 2:
        yield SparseMatrix(sp.csr_array(X * (X > 0))), X * (X > 0)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rank", [1, 3])
def test_products_norms_and_distances_agree_with_their_definitions(shape, rank):
    rng = np.random.default_rng(0)
    for operand, X in operands(shape, rng):
        assert operand.shape == X.shape
        np.testing.assert_allclose(operand.norm2, np.sum(X**2), rtol=1e-12)
        for _ in range(2):
            factors = tuple(rng.standard_normal((n, rank)) for n in shape)
            for k in [*range(len(shape)), 0]:
                expected = mttkrp_by_definition(X, factors, k)
                np.testing.assert_allclose(
                    operand.mttkrp(factors, k), expected, rtol=1e-9, atol=1e-11
                )
            distance = np.sum((X - cp_to_array(factors)) ** 2)
            np.testing.assert_allclose(operand.distance2(factors), distance, rtol=1e-11)


@pytest.mark.parametrize("shape", SHAPES)
def test_remembered_products_follow_the_factors(shape):
    """Replacing factors one at a time, as a sweep does, never meets a stale product."""
    rng = np.random.default_rng(1)
    for operand, X in operands(shape, rng):
        factors = [rng.standard_normal((n, 2)) for n in shape]
        for step in range(3 * len(shape)):
            k = step % len(shape)
            expected = mttkrp_by_definition(X, factors, k)
            np.testing.assert_allclose(
                operand.mttkrp(tuple(factors), k), expected, rtol=1e-9, atol=1e-11
            )
            factors[k] = rng.standard_normal(factors[k].shape)


def test_long_arrays_are_measured_in_slabs():
    rng = np.random.default_rng(2)
    X, factors = rng.random((700, 60, 9)), tuple(rng.random((n, 2)) for n in (700, 60, 9))
    expected = np.sum((X - cp_to_array(factors)) ** 2)
    np.testing.assert_allclose(DenseTensor(X).distance2(factors), expected, rtol=1e-11)


@pytest.mark.parametrize("shape", SHAPES)
def test_models(shape):
    rng = np.random.default_rng(3)
    factors = tuple(rng.standard_normal((n, 3)) for n in shape)
    np.testing.assert_allclose(factors_to_array(factors), cp_to_array(factors), atol=1e-12)
    np.testing.assert_allclose(model_norm2(factors), np.sum(cp_to_array(factors) ** 2), rtol=1e-10)


def test_khatri_rao_runs_fastest_over_its_last_factor():
    rng = np.random.default_rng(4)
    A, B, C = (rng.random((n, 2)) for n in (3, 4, 5))
    product = khatri_rao((A, B, C))
    for q in range(2):
        np.testing.assert_allclose(product[:, q], np.kron(A[:, q], np.kron(B[:, q], C[:, q])))
    T = rng.random((6, 4, 5))
    np.testing.assert_allclose(
        T.reshape(6, -1) @ khatri_rao((B, C)), np.einsum("ijk,jq,kq->iq", T, B, C)
    )
