"""Fast Hadamard transforms equal the matrices they stand for."""

import numpy as np
import pytest
import scipy.linalg

from multiconvex import hadamard_transform

SIZES = [1, 2, 4, 8, 16, 32, 64, 128]


@pytest.mark.parametrize("n", SIZES)
def test_natural_order_is_the_matrix_of_sylvester(n):
    x = np.random.default_rng(n).standard_normal((3, 2, n))
    np.testing.assert_allclose(hadamard_transform(x), x @ scipy.linalg.hadamard(n), atol=1e-12)


@pytest.mark.parametrize("n", SIZES)
def test_sequency_order_counts_sign_changes_and_is_symmetric(n):
    H = hadamard_transform(np.eye(n), order="sequency")
    np.testing.assert_array_equal(np.count_nonzero(np.diff(H, axis=1), axis=1), np.arange(n))
    np.testing.assert_array_equal(H, H.T)


@pytest.mark.parametrize("order", ["natural", "sequency"])
@pytest.mark.parametrize("n", SIZES)
def test_twice_is_n_times_the_identity(n, order):
    x = np.random.default_rng(0).standard_normal(n)
    twice = hadamard_transform(hadamard_transform(x, order=order), order=order)
    np.testing.assert_allclose(twice, n * x, rtol=1e-12, atol=1e-12)


def test_an_image_is_transformed_along_both_axes_as_one_vector():
    image = np.random.default_rng(1).standard_normal((8, 8))
    by_rows = hadamard_transform(image)
    both = hadamard_transform(by_rows.T).T
    np.testing.assert_allclose(hadamard_transform(image.ravel()), both.ravel(), atol=1e-12)


def test_integers_single_precision_and_strides():
    n, rng = 32, np.random.default_rng(2)
    counts = rng.integers(0, 100, (n, n))
    expected = counts.T @ scipy.linalg.hadamard(n)
    np.testing.assert_array_equal(hadamard_transform(counts.T), expected)
    single = hadamard_transform(counts.T.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, expected)


def test_inputs_are_never_written_to():
    for n in (1, 2, 16):
        x = np.random.default_rng(3).random(n)
        x.flags.writeable = False
        assert not np.shares_memory(hadamard_transform(x), x)


def test_refusals():
    with pytest.raises(ValueError, match="last axis of x must be a power of two, got 12"):
        hadamard_transform(np.ones(12))
    with pytest.raises(ValueError, match="order must be one of 'natural', 'sequency'"):
        hadamard_transform(np.ones(4), order="walsh")
    with pytest.raises(ValueError, match="NaN or infinite"):
        hadamard_transform(np.array([1.0, np.nan]))
