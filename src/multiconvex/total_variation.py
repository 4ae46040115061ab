r"""Total variation of images, as a penalty on blocks whose columns are images."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import njit

from multiconvex.checks import check_count, check_positive
from multiconvex.penalties import Penalty

_PASSES = 20_000
_GAP_EVERY = 5


@dataclass(frozen=True)
class ImageTotalVariation(Penalty):
    r"""Isotropic total variation of images with bounded entries.

    With :math:`\nabla u` the differences to the next pixel below and to the right (zero at the
    border), for each column of the block, read row by row as an image :math:`u`,

    .. math:: g(u) = \lambda \sum_{i} \|(\nabla u)_i\|_2 \quad\text{if } u \ge \ell,
              \qquad +\infty \text{ otherwise.}

    ``prox`` climbs the dual problem with momentum, the bound included [1]_,

    .. math:: \max_{\|p_i\|_2 \le 1} \; \min_{u \ge \ell} \;
              \tfrac12 \|u - v\|^2 + s \lambda \langle \nabla u, p \rangle ,

    until the duality gap proves the wanted accuracy.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the images.
    weight : float
        The weight :math:`\lambda`.
    lower : float, default 0
        The bound :math:`\ell`; ``-inf`` for none.
    tol : float, default 1e-5
        Largest duality gap of ``prox``, relative to its objective.

    Notes
    -----
    Guarantee: the objective of ``prox`` is within ``tol`` of its minimum, relative to its size.

    Cost: O(n) per pass over n pixels; the passes grow with the weight.

    Chapter: :doc:`/chapters/applications/single_pixel_imaging`

    References
    ----------
    .. [1] A. Beck and M. Teboulle, "Fast gradient-based algorithms for constrained total variation
       image denoising and deblurring problems", IEEE Transactions on Image Processing 18, 2009.

    Examples
    --------
    >>> import numpy as np
    >>> edge = np.array([[0.0, 0.0, 4.0, 4.0]]).reshape(4, 1)
    >>> ImageTotalVariation((1, 4), weight=1.0).prox(edge, step=1.0).ravel().round(3)
    array([0.5, 0.5, 3.5, 3.5])
    """

    shape: tuple[int, int]
    weight: float
    lower: float = 0.0
    tol: float = 1e-5
    columnwise: ClassVar[bool] = True

    def __post_init__(self):
        for side in self.shape:
            check_count("shape", side)
        check_positive("weight", self.weight, allow_zero=True)
        check_positive("tol", self.tol)

    @property
    def degree(self):
        return 1.0 if self.weight and self.lower in (0.0, -np.inf) else None

    def value(self, x):
        if x.min(initial=np.inf) < self.lower:
            return np.inf
        return self.weight * float(sum(_variation(image) for image in self._images(x)))

    def prox(self, x, step):
        amount = step * self.weight
        if amount == 0.0:
            return np.maximum(x, x.dtype.type(self.lower))
        out = np.empty_like(x)
        for column, image in zip(out.T, self._images(x)):
            column[:] = denoise(image, amount, self.lower, self.tol).ravel()
        return out

    def _images(self, x):
        if x.shape[0] != self.shape[0] * self.shape[1]:
            raise ValueError(
                f"ImageTotalVariation of images of shape {self.shape} needs blocks with "
                f"{self.shape[0] * self.shape[1]} rows, got {x.shape[0]}."
            )
        return [np.ascontiguousarray(column).reshape(self.shape) for column in x.T]


@njit(cache=True)
def _variation(u):
    """Return the sum of the lengths of the differences to the next pixels."""
    rows, cols = u.shape
    total = 0.0
    for i in range(rows):
        for j in range(cols):
            down = u[i + 1, j] - u[i, j] if i + 1 < rows else 0.0
            right = u[i, j + 1] - u[i, j] if j + 1 < cols else 0.0
            total += np.sqrt(down * down + right * right)
    return total


@njit(cache=True)
def denoise(v, amount, lower, tol):
    """Minimise ``|u - v|^2 / 2 + amount * variation(u)`` over ``u >= lower``.

    Projected gradient steps of length ``1 / (8 amount)`` on the dual, with momentum that starts
    again where it points downhill.
    """
    rows, cols = v.shape
    down, right = np.zeros((rows, cols)), np.zeros((rows, cols))
    down_ahead, right_ahead = np.zeros((rows, cols)), np.zeros((rows, cols))
    u = _primal(v, down, right, amount, lower)
    momentum = 1.0
    for count in range(_PASSES):
        if count % _GAP_EVERY == 0:
            u = _primal(v, down, right, amount, lower)
            gap, value = _gap(u, v, down, right, amount)
            if gap <= tol * value:
                break
        u = _primal(v, down_ahead, right_ahead, amount, lower)
        grown = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum * momentum))
        uphill = _climb(u, down, right, down_ahead, right_ahead, amount, (momentum - 1.0) / grown)
        momentum = grown if uphill else 1.0
    return u.astype(v.dtype)


@njit(cache=True)
def _primal(v, down, right, amount, lower):
    """Return the best image for a dual point: ``v`` plus its divergence, cut at the bound."""
    rows, cols = v.shape
    u = np.empty((rows, cols))
    for i in range(rows):
        for j in range(cols):
            flow = down[i, j] + right[i, j]
            if i > 0:
                flow -= down[i - 1, j]
            if j > 0:
                flow -= right[i, j - 1]
            u[i, j] = max(v[i, j] + amount * flow, lower)
    return u


@njit(cache=True)
def _climb(u, down, right, down_ahead, right_ahead, amount, beta):
    """Step from the point ahead, project on discs, look ahead; return whether that is uphill."""
    rows, cols = u.shape
    step = 1.0 / (8.0 * amount)
    along = 0.0
    for i in range(rows):
        for j in range(cols):
            p = down_ahead[i, j]
            q = right_ahead[i, j]
            if i + 1 < rows:
                p += step * (u[i + 1, j] - u[i, j])
            if j + 1 < cols:
                q += step * (u[i, j + 1] - u[i, j])
            length = max(1.0, np.sqrt(p * p + q * q))
            p /= length
            q /= length
            move_p, move_q = p - down[i, j], q - right[i, j]
            along += (p - down_ahead[i, j]) * move_p + (q - right_ahead[i, j]) * move_q
            down[i, j], right[i, j] = p, q
            down_ahead[i, j] = p + beta * move_p
            right_ahead[i, j] = q + beta * move_q
    return along >= 0.0


@njit(cache=True)
def _gap(u, v, down, right, amount):
    """Return the duality gap and the objective of an image and the dual point it is best for."""
    rows, cols = u.shape
    gap, value = 0.0, 0.0
    for i in range(rows):
        for j in range(cols):
            p = u[i + 1, j] - u[i, j] if i + 1 < rows else 0.0
            q = u[i, j + 1] - u[i, j] if j + 1 < cols else 0.0
            length = np.sqrt(p * p + q * q)
            gap += amount * (length - p * down[i, j] - q * right[i, j])
            value += amount * length + 0.5 * (u[i, j] - v[i, j]) ** 2
    return gap, value
