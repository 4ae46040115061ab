r"""What a sample costs under a factor, :math:`f(x_i, y_i; \theta)`, and its weighted fit.

A loss knows its values for several parameter vectors at once and the exact parameter step

.. math:: \theta \leftarrow \arg\min_\theta \; \sum_i w_i f_i(\theta) + g(\theta).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit

from multiconvex.models.latent.links import Link, Power, Square
from multiconvex.models.latent.parameter_space import Spaces
from multiconvex.models.latent.weighted_fit import fit_absolute, fit_newton
from multiconvex.quadratic import minimize_quadratics, project_rows

_PROXIMAL = 1e-9


class SampleLoss(ABC):
    """What every loss offers.

    Attributes
    ----------
    n_samples, n_parameters : int
    """

    n_samples: int
    n_parameters: int

    @abstractmethod
    def values(self, thetas):
        """Return the losses (m, K) of all samples under each row of ``thetas`` (K, n)."""

    @abstractmethod
    def restrict(self, rows):
        """Return the loss of some samples only."""

    @abstractmethod
    def fit(self, weights, space, theta):
        """Return the parameters (n,) that minimise the weighted loss plus penalty.

        ``theta`` is where an iteration starts and what is kept where no weight is positive.
        """

    def accepts(self, space):
        """Whether the fit honours every term of the space."""
        return True

    def fit_all(self, weights, spaces, thetas):
        """Fit each row of ``thetas`` to the matching column of ``weights``.

        ``spaces`` is a :class:`Spaces`.
        """
        rows = zip(weights.T, spaces, thetas)
        return np.stack([self.fit(column, space, theta) for column, space, theta in rows])


@dataclass(frozen=True, eq=False)
class CentreLoss(SampleLoss):
    r"""Squared distance to a centre, :math:`\|\theta - x_i\|_2^2`.

    Parameters
    ----------
    points : ndarray, shape (m, n)
    """

    points: np.ndarray

    @property
    def n_samples(self):
        return len(self.points)

    @property
    def n_parameters(self):
        return self.points.shape[1]

    def values(self, thetas):
        return _squared_distances(self.points, thetas)

    def restrict(self, rows):
        return CentreLoss(self.points[rows])

    def fit(self, weights, space, theta):
        return self.fit_all(weights[:, None], Spaces((space,)), theta[None])[0]

    def accepts(self, space):
        return not space.norm

    def fit_all(self, weights, spaces, thetas):
        means = _shrunk_means(self.points, weights, spaces.ridges, thetas)
        common = spaces.common
        if common is not None:
            return means if common.free else project_rows(means, common.matrix, common.bound)
        return np.stack([space.project(mean) for space, mean in zip(spaces, means)])


@dataclass(frozen=True, eq=False)
class AffineLoss(SampleLoss):
    r"""A convex function of linear predictors plus a linear term.

    .. math:: f_i(\theta) = \varphi(A_i \theta + b_i) + c_i^T \theta + d_i

    Parameters
    ----------
    link : Link
        :math:`\varphi`.
    design : ndarray, shape (m, q, n)
        :math:`A_i`.
    offset : ndarray, shape (m, q)
        :math:`b_i`.
    linear : ndarray, shape (m, n), optional
        :math:`c_i`; 0 where absent.
    constant : ndarray, shape (m,), optional
        :math:`d_i`; 0 where absent.
    """

    link: Link
    design: np.ndarray
    offset: np.ndarray
    linear: np.ndarray | None = None
    constant: np.ndarray | None = None

    @property
    def _absolute(self):
        return isinstance(self.link, Power) and self.link.p == 1

    @property
    def n_samples(self):
        return len(self.design)

    @property
    def n_parameters(self):
        return self.design.shape[2]

    @cached_property
    def squared_norms(self):
        """Squared length of the predictors of each sample, (m,): the scale of curvatures."""
        return np.square(self.design).sum(axis=(1, 2))

    def predictors(self, thetas):
        """Return ``A_i theta + b_i`` for each row of ``thetas``, shape (m, q, K)."""
        m, q, n = self.design.shape
        product = self.design.reshape(m * q, n) @ thetas.T
        return product.reshape(m, q, -1) + self.offset[:, :, None]

    def values(self, thetas):
        losses = self.link.value(self.predictors(thetas))
        if self.linear is not None:
            losses += self.linear @ thetas.T
        if self.constant is not None:
            losses += self.constant[:, None]
        return losses

    def total(self, weights, theta):
        """Return the weighted sum of losses at ``theta``."""
        return float(weights @ self.values(theta[None])[:, 0])

    def derivatives(self, weights, theta):
        """Return gradient (n,) and Hessian (n, n) of the weighted sum at ``theta``."""
        u = self.predictors(theta[None])
        slope = weights[:, None] * self.link.slope(u)[:, :, 0]
        gradient = slope.ravel() @ self.design.reshape(-1, self.n_parameters)
        if self.linear is not None:
            gradient += weights @ self.linear
        return gradient, self.link.hessian(self.design, u, weights)

    def accepts(self, space):
        return not self._absolute or (space.ridge == space.norm == 0.0 and self.linear is None)

    def restrict(self, rows):
        pieces = (self.linear, self.constant)
        linear, constant = (None if piece is None else piece[rows] for piece in pieces)
        return AffineLoss(self.link, self.design[rows], self.offset[rows], linear, constant)

    def fit(self, weights, space, theta):
        weighted = weights > 0
        if not weighted.any():
            return theta
        if not weighted.all():
            return self.restrict(weighted).fit(weights[weighted], space, theta)
        if self._absolute:
            return fit_absolute(self, weights, space, theta)
        return fit_newton(self, weights, space, theta)


@njit(cache=True, error_model="numpy", nogil=True)
def _shrunk_means(points, weights, ridges, thetas):
    """Return weighted means drawn to 0 by half the ridge; ``thetas`` where nothing weighs."""
    m, n = points.shape
    K = weights.shape[1]
    means, totals = np.zeros((K, n)), np.zeros(K)
    for i in range(m):
        for k in range(K):
            weight = weights[i, k]
            if weight > 0.0:
                totals[k] += weight
                for q in range(n):
                    means[k, q] += weight * points[i, q]
    for k in range(K):
        if totals[k] > 0.0:
            means[k] /= totals[k] + 0.5 * ridges[k]
        else:
            means[k] = thetas[k]
    return means


class SquaredLoss(AffineLoss):
    r"""Squared residuals, :math:`\|A_i \theta + b_i\|_2^2`.

    Parameters
    ----------
    design : ndarray, shape (m, q, n)
        :math:`A_i`.
    offset : ndarray, shape (m, q)
        :math:`b_i`.
    """

    def __init__(self, design, offset):
        super().__init__(Square(), design, offset)

    def values(self, thetas):
        residuals = self.predictors(thetas)
        np.square(residuals, out=residuals)
        return residuals[:, 0] if residuals.shape[1] == 1 else residuals.sum(axis=1)

    def restrict(self, rows):
        return SquaredLoss(self.design[rows], self.offset[rows])

    def fit_all(self, weights, spaces, thetas):
        if spaces.with_norm:
            return super().fit_all(weights, spaces, thetas)
        hessians, linear = _weighted_squares(
            self.design, self.offset, weights, spaces.ridges, thetas
        )
        common = spaces.common
        if common is not None:
            return minimize_quadratics(hessians, linear, common.matrix, common.bound)
        problems = zip(spaces, hessians, linear)
        return np.stack([space.minimize_quadratic(H, g) for space, H, g in problems])

    def fit(self, weights, space, theta):
        if space.norm:
            return super().fit(weights, space, theta)
        return self.fit_all(weights[:, None], Spaces((space,)), theta[None])[0]


@njit(cache=True, error_model="numpy", nogil=True)
def _weighted_squares(design, offset, weights, ridges, thetas):
    """Return ``2 sum_i w_ik A_i' A_i`` and ``-2 sum_i w_ik A_i' b_i``, with the ridges.

    A small step from the present parameters is added: where the samples do not decide, they stay.
    """
    m, q, n = design.shape
    K = weights.shape[1]
    hessians = np.zeros((K, n, n))
    linear = np.zeros((K, n))
    for i in range(m):
        for k in range(K):
            weight = 2.0 * weights[i, k]
            if weight == 0.0:
                continue
            for j in range(q):
                for a in range(n):
                    slope = weight * design[i, j, a]
                    linear[k, a] -= slope * offset[i, j]
                    for b in range(a + 1):
                        hessians[k, a, b] += slope * design[i, j, b]
    for k in range(K):
        step = _PROXIMAL * max(np.trace(hessians[k]) / n, 1e-12)
        for a in range(n):
            for b in range(a):
                hessians[k, b, a] = hessians[k, a, b]
            hessians[k, a, a] += step + ridges[k]
            linear[k, a] += step * thetas[k, a]
    return hessians, linear


@njit(cache=True, error_model="numpy", nogil=True)
def _squared_distances(points, centres):
    m, n = points.shape
    out = np.empty((m, len(centres)))
    for i in range(m):
        for k in range(len(centres)):
            total = 0.0
            for q in range(n):
                gap = points[i, q] - centres[k, q]
                total += gap * gap
            out[i, k] = total
    return out
