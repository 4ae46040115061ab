r"""What a camera with one pixel measures: an image under black and white Hadamard patterns."""

import numpy as np
from numba import njit
from scipy.sparse.linalg import LinearOperator

from multiconvex.checks import check_array, check_count, check_option, check_positive
from multiconvex.operators.hadamard import (
    ORDERS,
    check_power_of_two,
    sequency_places,
    transform_sides,
)


class SplitHadamard2D:
    r"""Image under the positive and the negative parts of all Hadamard patterns.

    With :math:`N = n^2` pixels, :math:`H` the Hadamard matrix of order N (patterns of images are
    Kronecker products of patterns of rows and of columns), and S the set of patterns shown,

    .. math:: A = \begin{pmatrix} [H_S]_+ \\ [H_S]_- \end{pmatrix}, \qquad
              [H]_\pm = \tfrac12 (\mathbf{1} \mathbf{1}^T \pm H) .

    A micromirror shows each part as one image of zeros and ones. Rows of patterns that are not
    shown are zero, and so is the negative part of the first pattern, which is all ones: what is
    measured there is the dark current.

    Parameters
    ----------
    n : int
        Side of the images, a power of two.
    order : {"sequency", "natural"}
        Order of the patterns along both sides of ``(n, n)``: by the number of sign changes, so
        that coarse patterns come first, or as Sylvester's construction has them.
    shown : ndarray of bool, shape (n, n), optional
        Which patterns are shown, in that order; all by default. See :func:`coarse_patterns`.

    Attributes
    ----------
    n_shown : int
        Number of patterns shown, each in two parts.

    Notes
    -----
    Everything goes through one fast transform per image and stores nothing of the size of
    :math:`A`. For all patterns :math:`A^T A = \tfrac N2 (I + \mathbf 1 \mathbf 1^T)`.

    Guarantee: exact to rounding; ``pinv`` in single precision too, since the total of all
    measurements is summed in double precision.

    Cost: O(n^2 log n) per image.

    Chapter: :doc:`/chapters/applications/single_pixel_imaging`

    References
    ----------
    M. Harwit and N. J. A. Sloane, "Hadamard Transform Optics", Academic Press, 1979.

    Examples
    --------
    >>> import numpy as np
    >>> camera = SplitHadamard2D(4)
    >>> image = np.arange(16.0).reshape(4, 4)
    >>> measured = camera.forward(image)
    >>> measured.shape, measured[0, 0, 0], measured[1, 0, 0]
    ((2, 4, 4), np.float64(120.0), np.float64(0.0))
    >>> bool(np.allclose(camera.pinv(measured), image))
    True
    """

    def __init__(self, n, *, order="sequency", shown=None):
        self.n = check_count("n", n)
        check_power_of_two("n", self.n)
        check_option("order", order, ORDERS)
        self.order = order
        places = np.arange(n) if order == "natural" else sequency_places(n)
        self._numbers = np.argsort(places)
        self.shown = _check_shown(shown, n)
        self.n_shown = int(np.count_nonzero(self.shown))
        self._shares = self.n_shown + int(self.shown[0, 0])

    def __repr__(self):
        return f"SplitHadamard2D({self.n}, order={self.order!r}, {self.n_shown} patterns shown)"

    @property
    def shape(self):
        """The pair (measurements, pixels)."""
        return 2 * self.n**2, self.n**2

    def patterns(self):
        """Return the patterns of plus and minus ones, of shape (n, n, n, n): pattern, pixel."""
        return self._transform(np.eye(self.n**2)).reshape((self.n,) * 4)

    def forward(self, images):
        r"""Return :math:`A x`: measurements of shape (..., 2, n, n) of images (..., n, n)."""
        images = self._check("images", images, (self.n, self.n))
        measured = _split(self._transform(images), self.shown)
        return measured.reshape(*images.shape[:-2], 2, self.n, self.n)

    def adjoint(self, measurements):
        r"""Return :math:`A^T y`: images of shape (..., n, n)."""
        return self._weighted(measurements, 0.5, 1.0)

    def gram(self, images):
        r"""Return :math:`A^T A x`; where all patterns are shown no transform is needed."""
        images = self._check("images", images, (self.n, self.n))
        totals = images.sum(axis=(-2, -1), keepdims=True, dtype=float)
        half = images.dtype.type(0.5)
        if self.n_shown == self.n**2:
            return half * self.n**2 * (images + totals.astype(images.dtype))
        coefficients = self._transform(images)
        coefficients[:, ~self.shown] = 0.0
        projected = self._transform(coefficients).reshape(images.shape)
        return half * (projected + (self.n_shown * totals).astype(images.dtype))

    def pinv(self, measurements):
        r"""Return the least-squares image :math:`A^\dagger y`, of least norm where patterns lack.

        The pattern of ones is an eigenvector of :math:`A^T A`, and so are all others: its
        coefficient is the total of all measurements, properly weighted, and theirs are the
        differences of their two parts.
        """
        return self._weighted(measurements, 1.0 / self.n**2, 1.0 / self._shares)

    def acquire(self, images, *, gain=1.0, dark=0.0, random_state=None):
        r"""Draw photon counts :math:`y \sim \mathcal P(\alpha A x + d)` where patterns are shown.

        Parameters
        ----------
        images : ndarray, shape (..., n, n)
            Nonnegative.
        gain : float
            Photons :math:`\alpha` that a pixel of intensity one sends during one exposure.
        dark : float
            Counts :math:`d` that an exposure has without light. The negative part of the first
            pattern measures nothing else.
        random_state : int, numpy.random.Generator or None

        Returns
        -------
        ndarray, shape (..., 2, n, n)
        """
        images = check_array("images", images, nonnegative=True)
        check_positive("gain", gain)
        check_positive("dark", dark, allow_zero=True)
        means = gain * self.forward(images) + dark * self.shown
        counts = np.random.default_rng(random_state).poisson(np.maximum(means, 0.0))
        return counts.astype(float)

    def as_linear_operator(self, dtype=np.float64):
        """Return the same as a scipy ``LinearOperator`` of shape (2 n², n²) on flat arrays."""
        return _PatternMatrix(self, dtype)

    def _check(self, name, array, trailing):
        array = check_array(name, array)
        if array.shape[-len(trailing) :] != trailing:
            expected = ", ".join(map(str, trailing))
            raise ValueError(f"{name} must have shape (..., {expected}), got {array.shape}.")
        return array

    def _weighted(self, measurements, weight, first):
        r"""Return the images whose coefficients are weighted differences of the two parts.

        That of the pattern of ones is the difference and the total of all, times both weights.
        """
        measurements = self._check("measurements", measurements, (2, self.n, self.n))
        parts = measurements.reshape(-1, 2, self.n, self.n)
        images = self._transform(_subtract(parts, self.shown, weight, first))
        return images.reshape(*measurements.shape[:-3], self.n, self.n)

    def _transform(self, images):
        r"""Return coefficients in this order: :math:`P H x = H P^T x`, a symmetric matrix."""
        stack = images.reshape(-1, self.n, self.n)
        return transform_sides(stack, self._numbers, self._numbers)


class _PatternMatrix(LinearOperator):
    """A split-Hadamard camera as a matrix, with a bound on its Gram matrix."""

    def __init__(self, camera, dtype):
        super().__init__(dtype, camera.shape)
        self.camera = camera

    @property
    def gram_bound(self):
        r"""The pair ``(c, omega)`` of the least :math:`c (I + \omega 1 1^T) \succeq A^T A`."""
        return 0.5 * self.shape[1], self.camera.n_shown / self.shape[1]

    def _matmat(self, X):
        n = self.camera.n
        measured = self.camera.forward(np.ascontiguousarray(X.T).reshape(-1, n, n))
        return measured.reshape(len(measured), -1).T

    def _rmatmat(self, Y):
        n = self.camera.n
        images = self.camera.adjoint(np.ascontiguousarray(Y.T).reshape(-1, 2, n, n))
        return images.reshape(len(images), -1).T


def coarse_patterns(n, rate, *, order="sequency"):
    """Return which patterns to show when time allows only a fraction: the coarsest ones.

    Parameters
    ----------
    n : int
        Side of the images, a power of two.
    rate : float
        Fraction of the patterns, in (0, 1].
    order : {"sequency", "natural"}
        Order of the result.

    Returns
    -------
    ndarray of bool, shape (n, n)
        True for the patterns with the fewest sign changes along both sides together.

    Examples
    --------
    >>> coarse_patterns(4, 0.4).astype(int)
    array([[1, 1, 1, 0],
           [1, 1, 0, 0],
           [1, 0, 0, 0],
           [0, 0, 0, 0]])
    """
    n = check_count("n", n)
    check_power_of_two("n", n)
    check_option("order", order, ORDERS)
    if not 0.0 < rate <= 1.0:
        raise ValueError(f"rate must lie in (0, 1], got {rate!r}.")
    changes = np.add.outer(np.arange(n), np.arange(n)).ravel()
    shown = np.zeros(n * n, dtype=bool)
    shown[np.argsort(changes, kind="stable")[: max(1, round(rate * n * n))]] = True
    shown = shown.reshape(n, n)
    if order == "sequency":
        return shown
    natural = np.zeros_like(shown)
    natural[np.ix_(sequency_places(n), sequency_places(n))] = shown
    return natural


def _check_shown(shown, n):
    if shown is None:
        return np.ones((n, n), dtype=bool)
    shown = np.array(shown, copy=True)
    if shown.shape != (n, n) or shown.dtype != bool or not shown.any():
        raise ValueError(
            f"shown must be a boolean array of shape {(n, n)} with at least one True, got "
            f"{shown.dtype} of shape {shown.shape}."
        )
    return shown


@njit(cache=True)
def _split(coefficients, shown):
    """Return ``(total + c) / 2`` and ``(total - c) / 2`` for the coefficients of shown patterns."""
    count, n, _ = coefficients.shape
    out = np.empty((count, 2, n, n), coefficients.dtype)
    half, zero = coefficients.dtype.type(0.5), coefficients.dtype.type(0.0)
    for i in range(count):
        total = coefficients[i, 0, 0]
        for r in range(n):
            for c in range(n):
                coefficient = coefficients[i, r, c]
                out[i, 0, r, c] = half * (total + coefficient) if shown[r, c] else zero
                out[i, 1, r, c] = half * (total - coefficient) if shown[r, c] else zero
    return out


@njit(cache=True)
def _subtract(parts, shown, weight, first):
    """Return weighted differences of the two parts, that of the first pattern with their total."""
    count, _, n, _ = parts.shape
    out = np.empty((count, n, n), parts.dtype)
    totals = np.empty(n)
    zero, scale = parts.dtype.type(0.0), parts.dtype.type(weight)
    for i in range(count):
        totals[:] = 0.0
        for r in range(n):
            for c in range(n):
                plus = parts[i, 0, r, c] if shown[r, c] else zero
                minus = parts[i, 1, r, c] if shown[r, c] else zero
                out[i, r, c] = scale * (plus - minus)
                totals[c] += float(plus) + float(minus)
        out[i, 0, 0] = first * (weight * totals.sum() + float(out[i, 0, 0]))
    return out
