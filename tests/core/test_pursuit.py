"""Orthogonal matching pursuit against independent solvers, and what it promises."""

import numpy as np
import pytest
from contracts.instances import generators, scipy_nnls
from sklearn.linear_model import orthogonal_mp

from multiconvex.pursuit import pursue


def signals(rng, m=12, d=30, n=4, *, positive=False):
    """Return unit atoms and signals."""
    draw = rng.random if positive else rng.standard_normal
    D = draw((m, d))
    return D / np.linalg.norm(D, axis=0), draw((m, n))


def losses(D, V, k, **options):
    codes = pursue(D.T @ D, D.T @ V, k, **options)
    return np.sum((V - D @ codes) ** 2, axis=0)


@pytest.mark.parametrize("k", [1, 2, 5, 12])
def test_equals_the_pursuit_of_scikit_learn(k):
    for rng in generators(5):
        D, V = signals(rng)
        expected = orthogonal_mp(D, V, n_nonzero_coefs=k)
        np.testing.assert_allclose(pursue(D.T @ D, D.T @ V, k), expected, atol=1e-9)


@pytest.mark.parametrize("nonnegative", [False, True])
def test_more_atoms_never_fit_worse(nonnegative):
    for rng in generators(10, seed=1):
        D, V = signals(rng)
        path = np.array([losses(D, V, k, nonnegative=nonnegative) for k in range(1, 13)])
        assert np.diff(path, axis=0).max() <= 1e-12


@pytest.mark.parametrize("nonnegative", [False, True])
def test_sparsity_and_sign_are_kept(nonnegative):
    for rng in generators(10, seed=2):
        D, V = signals(rng, n=20)
        codes = pursue(D.T @ D, D.T @ V, 4, nonnegative=nonnegative)
        assert np.count_nonzero(codes, axis=0).max() <= 4
        assert not nonnegative or codes.min() >= 0.0
        if not nonnegative:
            assert np.count_nonzero(codes, axis=0).min() == 4


@pytest.mark.parametrize("positive", [False, True])
def test_as_many_atoms_as_there_are_is_nonnegative_least_squares(positive):
    for rng in generators(10, seed=3):
        D, V = signals(rng, d=10, n=100, positive=positive)
        codes = pursue(D.T @ D, D.T @ V, 10, nonnegative=True)
        np.testing.assert_allclose(codes, scipy_nnls(D, V), atol=1e-9)


def test_coefficients_are_nonnegative_least_squares_on_their_support():
    for rng in generators(20, seed=4):
        D, V = signals(rng, positive=True)
        codes = pursue(D.T @ D, D.T @ V, 4, nonnegative=True)
        for code, v in zip(codes.T, V.T):
            support = np.flatnonzero(code)
            np.testing.assert_allclose(code[support], scipy_nnls(D[:, support], v), atol=1e-9)


def test_incoherent_atoms_are_recovered_exactly():
    """Two unions of orthonormal bases of coherence 1/8: pursuit finds up to four atoms."""
    H = np.array([[1.0]])
    for _ in range(6):
        H = np.block([[H, H], [H, -H]])
    D = np.hstack([np.eye(64), H / 8.0])
    for rng in generators(20, seed=5):
        codes = np.zeros((128, 3))
        for column in codes.T:
            column[rng.permutation(128)[:4]] = rng.standard_normal(4) + 2.0
        np.testing.assert_allclose(pursue(D.T @ D, D.T @ D @ codes, 4), codes, atol=1e-12)


@pytest.mark.parametrize("nonnegative", [False, True])
def test_exact_data_take_no_more_atoms_than_they_need(nonnegative):
    for rng in generators(10, seed=6):
        D, _ = signals(rng)
        codes = pursue(D.T @ D, D.T @ D[:, [3]] * 2.0, 6, nonnegative=nonnegative)
        np.testing.assert_allclose(codes[3], 2.0)
        assert np.count_nonzero(codes) == 1


@pytest.mark.parametrize("nonnegative", [False, True])
def test_copies_of_an_atom_and_dependent_atoms_do_no_harm(nonnegative):
    for rng in generators(10, seed=7):
        D, V = signals(rng, m=5, d=5, positive=True)
        D = np.hstack([D, D, D])
        codes = pursue(D.T @ D, D.T @ V, 9, nonnegative=nonnegative)
        alone = D[:, :5]
        exact = scipy_nnls(alone, V) if nonnegative else np.linalg.solve(alone, V)
        np.testing.assert_allclose(D @ codes, alone @ exact, atol=1e-7)
        assert np.count_nonzero(codes, axis=0).max() <= 5


@pytest.mark.parametrize("nonnegative", [False, True])
def test_atoms_that_differ_by_rounding_count_as_one(nonnegative):
    for rng in generators(10, seed=10):
        D, V = signals(rng, d=8, positive=True)
        twins = D + 1e-9 * rng.standard_normal(D.shape)
        both = np.hstack([D, twins / np.linalg.norm(twins, axis=0)])
        codes = pursue(both.T @ both, both.T @ V, 12, nonnegative=nonnegative)
        exact = scipy_nnls(D, V) if nonnegative else np.linalg.lstsq(D, V, rcond=None)[0]
        assert np.count_nonzero(codes, axis=0).max() <= 8
        np.testing.assert_allclose(both @ codes, D @ exact, atol=1e-6)


def test_signals_that_no_atom_helps_get_no_atoms():
    D = np.eye(3)
    assert not pursue(D, np.zeros((3, 2)), 2).any()
    assert not pursue(D, -np.ones((3, 2)), 2, nonnegative=True).any()


def test_columns_are_coded_alone_and_their_scale_does_not_matter():
    rng = np.random.default_rng(8)
    D, V = signals(rng, n=6)
    scales = 10.0 ** rng.uniform(-8, 8, 6)
    together = pursue(D.T @ D, D.T @ V * scales, 3)
    for q in range(6):
        alone = pursue(D.T @ D, D.T @ V[:, [q]], 3)
        np.testing.assert_allclose(together[:, [q]] / scales[q], alone, rtol=1e-9)


def test_inputs_are_never_written_to_and_single_precision_is_kept():
    D, V = signals(np.random.default_rng(9))
    given = (D.T @ D).astype(np.float32), (D.T @ V).astype(np.float32)
    copies = [array.copy() for array in given]
    for nonnegative in (False, True):
        codes = pursue(*given, 3, nonnegative=nonnegative)
        np.testing.assert_array_equal(given[0], copies[0])
        np.testing.assert_array_equal(given[1], copies[1])
        assert codes.dtype == np.float32
        double = pursue(D.T @ D, D.T @ V, 3, nonnegative=nonnegative)
        np.testing.assert_allclose(codes, double, atol=1e-3)
