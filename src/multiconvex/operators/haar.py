r"""Orthonormal Haar wavelets of images, of which a camera may measure a part."""

import numpy as np
from scipy.sparse.linalg import LinearOperator

from multiconvex.checks import check_array, check_count
from multiconvex.operators.hadamard import check_power_of_two


class HaarWavelets2D:
    r"""Some coefficients of images in an orthonormal basis of Haar wavelets.

    One level replaces four neighbours, :math:`a\ b` above :math:`c\ d`, by

    .. math:: \tfrac12 (a + b + c + d), \quad \tfrac12 (b - a + d - c), \quad
              \tfrac12 (c + d - a - b), \quad \tfrac12 (a - b - c + d),

    which go to the top left, top right, bottom left and bottom right quarters; the next level
    takes the top left quarter for its image.

    Parameters
    ----------
    n : int
        Side of the images, a power of two.
    levels : int
        At most :math:`\log_2 n`.
    shown : ndarray of bool, shape (n, n), optional
        Which coefficients are measured; all by default. The others are returned as zeros.

    Notes
    -----
    Guarantee: ``adjoint`` is the inverse where all coefficients are measured, and the image of
    least norm elsewhere.

    Cost: O(n^2) per image.

    Chapter: :doc:`/chapters/applications/single_pixel_imaging`

    Examples
    --------
    >>> import numpy as np
    >>> wavelets = HaarWavelets2D(4, levels=2)
    >>> wavelets.forward(np.ones((4, 4)))[0]
    array([4., 0., 0., 0.])
    """

    def __init__(self, n, levels, *, shown=None):
        self.n = check_count("n", n)
        check_power_of_two("n", self.n)
        self.levels = check_count("levels", levels)
        if 2**self.levels > n:
            raise ValueError(f"levels must be at most {n.bit_length() - 1} for n={n}.")
        self.shown = np.ones((n, n), bool) if shown is None else np.array(shown, bool)
        if self.shown.shape != (n, n):
            raise ValueError(f"shown must have shape {(n, n)}, got {self.shown.shape}.")

    @property
    def shape(self):
        """The pair (coefficients, pixels)."""
        return self.n**2, self.n**2

    def forward(self, images):
        """Return the coefficients, of shape (..., n, n)."""
        out = self._copy("images", images)
        for level in range(self.levels):
            side = self.n >> level
            quarter = out[..., :side, :side]
            a, b = quarter[..., ::2, ::2].copy(), quarter[..., ::2, 1::2].copy()
            c, d = quarter[..., 1::2, ::2].copy(), quarter[..., 1::2, 1::2].copy()
            half = side // 2
            quarter[..., :half, :half] = 0.5 * (a + b + c + d)
            quarter[..., :half, half:] = 0.5 * (b - a + d - c)
            quarter[..., half:, :half] = 0.5 * (c + d - a - b)
            quarter[..., half:, half:] = 0.5 * (a - b - c + d)
        return out * self.shown

    def adjoint(self, coefficients):
        """Return images of shape (..., n, n), with zeros for what was not measured."""
        out = self._copy("coefficients", coefficients) * self.shown
        for level in reversed(range(self.levels)):
            side = self.n >> level
            half = side // 2
            quarter = out[..., :side, :side]
            mean, across = quarter[..., :half, :half].copy(), quarter[..., :half, half:].copy()
            down, both = quarter[..., half:, :half].copy(), quarter[..., half:, half:].copy()
            quarter[..., ::2, ::2] = 0.5 * (mean - across - down + both)
            quarter[..., ::2, 1::2] = 0.5 * (mean + across - down - both)
            quarter[..., 1::2, ::2] = 0.5 * (mean - across + down - both)
            quarter[..., 1::2, 1::2] = 0.5 * (mean + across + down + both)
        return out

    def as_linear_operator(self, dtype=np.float64):
        """Return the same as a scipy ``LinearOperator`` of shape (n², n²) on flat arrays."""
        return _WaveletMatrix(self, dtype)

    def _copy(self, name, array):
        array = check_array(name, array).copy()
        if array.shape[-2:] != (self.n, self.n):
            raise ValueError(
                f"{name} must have shape (..., {self.n}, {self.n}), got {array.shape}."
            )
        return array


class _WaveletMatrix(LinearOperator):
    """Measured wavelet coefficients as a matrix, part of an orthonormal one."""

    gram_bound = (1.0, 0.0)

    def __init__(self, wavelets, dtype):
        super().__init__(dtype, wavelets.shape)
        self.wavelets = wavelets

    def _matmat(self, X):
        return self._columns(self.wavelets.forward, X)

    def _rmatmat(self, Y):
        return self._columns(self.wavelets.adjoint, Y)

    def _columns(self, transform, columns):
        n = self.wavelets.n
        images = transform(np.ascontiguousarray(columns.T).reshape(-1, n, n))
        return images.reshape(len(images), -1).T
