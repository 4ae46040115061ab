"""Haar wavelets are an orthonormal basis; a part of them measures the image of least norm."""

import numpy as np
import pytest

from multiconvex import HaarWavelets2D


def matrix(wavelets):
    units = np.eye(wavelets.n**2).reshape(-1, wavelets.n, wavelets.n)
    return wavelets.forward(units).reshape(wavelets.n**2, -1).T


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_all_coefficients_are_an_orthonormal_basis(levels):
    A = matrix(HaarWavelets2D(8, levels))
    np.testing.assert_allclose(A.T @ A, np.eye(64), atol=1e-13)


def test_one_level_by_hand():
    a, b, c, d = 1.0, 2.0, 4.0, 8.0
    got = HaarWavelets2D(2, 1).forward(np.array([[a, b], [c, d]]))
    expected = [
        [(a + b + c + d) / 2, (b - a + d - c) / 2],
        [(c + d - a - b) / 2, (a - b - c + d) / 2],
    ]
    np.testing.assert_allclose(got, expected)


def test_the_coarsest_quarter_is_means_of_four_pixels_exactly():
    shown = np.zeros((8, 8), bool)
    shown[:4, :4] = True
    image = np.random.default_rng(0).random((8, 8))
    wavelets = HaarWavelets2D(8, 3, shown=shown)
    back = wavelets.adjoint(wavelets.forward(image))
    means = image.reshape(4, 2, 4, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(back, np.kron(means, np.ones((2, 2))), atol=1e-13)


def test_adjoint_and_linear_operator():
    rng = np.random.default_rng(1)
    wavelets = HaarWavelets2D(8, 2, shown=rng.random((8, 8)) < 0.4)
    A, operator = matrix(wavelets), wavelets.as_linear_operator()
    y = rng.standard_normal((3, 8, 8))
    np.testing.assert_allclose(wavelets.adjoint(y).reshape(3, -1), y.reshape(3, -1) @ A, atol=1e-13)
    X = rng.standard_normal((64, 2))
    np.testing.assert_allclose(operator @ X, A @ X, atol=1e-13)
    np.testing.assert_allclose(operator.T @ X, A.T @ X, atol=1e-13)
    assert operator.gram_bound == (1.0, 0.0)
    assert np.linalg.eigvalsh(A.T @ A)[-1] <= 1.0 + 1e-12


def test_inputs_are_kept_and_precision_too():
    image = np.random.default_rng(2).random((8, 8)).astype(np.float32)
    image.flags.writeable = False
    coefficients = HaarWavelets2D(8, 3).forward(image)
    assert coefficients.dtype == np.float32
    np.testing.assert_allclose(HaarWavelets2D(8, 3).adjoint(coefficients), image, atol=1e-5)


def test_refusals():
    with pytest.raises(ValueError, match="n must be a power of two, got 6"):
        HaarWavelets2D(6, 1)
    with pytest.raises(ValueError, match="levels must be at most 3 for n=8"):
        HaarWavelets2D(8, 4)
    with pytest.raises(ValueError, match=r"shown must have shape \(8, 8\)"):
        HaarWavelets2D(8, 1, shown=np.ones((4, 4)))
    with pytest.raises(ValueError, match=r"images must have shape \(..., 8, 8\)"):
        HaarWavelets2D(8, 1).forward(np.ones((4, 4)))
