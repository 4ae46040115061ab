"""What results of factor models share: sizes of terms, and those that a penalty pruned."""

import numpy as np
import pytest
from contracts.instances import cp_to_array, generators

from multiconvex import NonNegative, cp, nmf
from multiconvex.models.cp import TensorFactorization
from multiconvex.models.nmf import MatrixFactorization


def result(*factors):
    """Return a result that holds these factors."""
    kind = MatrixFactorization if len(factors) == 2 else TensorFactorization
    names = ("W", "H") if len(factors) == 2 else [f"factors[{k}]" for k in range(len(factors))]
    return kind(dict(zip(names, factors)), 0.0, 0, "converged", None)


def random_result(order, zero=(), rank=4):
    factors = [rng.standard_normal((5 + k, rank)) for k, rng in enumerate(generators(order))]
    for k, q in zero:
        factors[k][:, q] = 0.0
    return result(*factors)


@pytest.mark.parametrize("order", [2, 3, 4])
def test_sizes_are_frobenius_norms_of_rank_one_terms(order):
    one = random_result(order)
    terms = [cp_to_array([factor[:, [q]] for factor in one.factors]) for q in range(4)]
    np.testing.assert_allclose(one.component_sizes, [np.linalg.norm(term) for term in terms])


@pytest.mark.parametrize("order", [2, 3])
def test_terms_that_are_zero_in_any_factor_are_pruned(order):
    one = random_result(order, zero=[(0, 1), (1, 3)])
    assert one.n_active == 2
    pruned = one.pruned()
    for before, after in zip(one.factors, pruned):
        np.testing.assert_array_equal(after, before[:, [0, 2]])
    np.testing.assert_allclose(cp_to_array(pruned), one.reconstruct(), rtol=1e-12, atol=1e-14)
    assert result(*pruned).n_active == 2


def test_nothing_is_pruned_where_all_terms_count():
    one = random_result(3)
    assert one.n_active == 4
    for before, after in zip(one.factors, one.pruned()):
        np.testing.assert_array_equal(after, before)


def test_everything_is_pruned_from_a_zero_model():
    one = random_result(2, zero=[(0, q) for q in range(4)])
    assert one.n_active == 0
    assert [factor.shape for factor in one.pruned()] == [(5, 0), (6, 0)]


@pytest.mark.parametrize("scale", [1e-100, 1.0, 1e100])
def test_what_counts_does_not_depend_on_the_scale_of_the_model(scale):
    W, H = random_result(2).factors
    W = scale * W * [1.0, 1e-3, 1e-12, 1.0]
    assert result(W, H).n_active == 3


def test_fits_prune_what_the_penalty_does_not_pay_for():
    """Disjoint rank-one terms of sizes 4, 3, 2, 1 under ridge of weight w keep those above w."""
    basis, sizes = np.kron(np.eye(4), np.ones((3, 1)) / np.sqrt(3.0)), np.array([4.0, 3.0, 2.0, 1])
    for weight, kept in [(0.5, 4), (1.5, 3), (2.4, 2), (3.5, 1)]:
        ridge = (NonNegative(l2=weight),) * 2
        start = (basis, basis)
        one = nmf((basis * sizes) @ basis.T, 4, penalties=ridge, init=start, tol=1e-14)
        assert one.n_active == kept
        expected = np.maximum(sizes - weight, 0.0)
        np.testing.assert_allclose(one.component_sizes, expected, atol=1e-6)
        assert [factor.shape for factor in one.pruned()] == [(12, kept)] * 2


def test_fits_of_tensors_prune_terms_too_many():
    factors = [np.abs(rng.standard_normal((6, 2))) for rng in generators(3)]
    X = cp_to_array(factors)
    sparse = (NonNegative(l1=0.05),) * 3
    one = cp(X, 5, penalties=sparse, init="random", random_state=0, tol=1e-10, max_iter=5000)
    assert one.n_active == 2
    assert np.linalg.norm(cp_to_array(one.pruned()) - X) < 0.1 * np.linalg.norm(X)
