r"""Convex functions of the linear predictors :math:`u_i` of a sample, with two derivatives.

Every method takes ``u`` of shape (m, q, K): q predictors for each of m samples under K parameters.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from multiconvex.checks import check_positive

_STEEPEST = 1e8


class Link:
    """A separable function of the predictors."""

    def value(self, u):
        """Return the loss of each sample, shape (m, K)."""
        raise NotImplementedError

    def slope(self, u):
        """Return the derivative in each predictor, shape (m, q, K)."""
        raise NotImplementedError

    def curvature(self, u):
        """Return the second derivative in each predictor, shape (m, q, K)."""
        raise NotImplementedError

    def hessian(self, design, u, weights):
        """Return the weighted sum of second derivatives in the parameters, shape (n, n)."""
        rows = design.reshape(-1, design.shape[-1])
        scale = (weights[:, None] * self.curvature(u)[:, :, 0]).reshape(-1, 1)
        return (rows * scale).T @ rows


@dataclass(frozen=True)
class Square(Link):
    r"""Sum of squares, :math:`\sum_q u_q^2`."""

    def value(self, u):
        return np.square(u).sum(axis=1)

    def slope(self, u):
        return 2.0 * u

    def curvature(self, u):
        return np.full_like(u, 2.0)


@dataclass(frozen=True)
class Power(Link):
    r"""Sum of powers, :math:`\sum_q |u_q|^p` with :math:`p \ge 1`.

    For :math:`1 < p < 2` the curvature is infinite at 0; it is cut there, which only shortens the
    steps. For :math:`p = 1` the parameter step is a linear program.
    """

    p: float

    def __post_init__(self):
        check_positive("p", self.p)
        if self.p < 1:
            raise ValueError(f"p must be at least 1 for a convex loss, got {self.p}.")

    def value(self, u):
        return (np.abs(u) ** self.p).sum(axis=1)

    def slope(self, u):
        return self.p * np.sign(u) * np.abs(u) ** (self.p - 1.0)

    def curvature(self, u):
        with np.errstate(divide="ignore"):
            bend = self.p * (self.p - 1.0) * np.abs(u) ** (self.p - 2.0)
        return np.minimum(bend, _STEEPEST)


@dataclass(frozen=True)
class Huber(Link):
    r""":math:`u^2` up to :math:`|u| = \delta`, then :math:`2 \delta |u| - \delta^2`, summed."""

    delta: float = 1.0

    def __post_init__(self):
        check_positive("delta", self.delta)

    def value(self, u):
        size = np.abs(u)
        inner = np.minimum(size, self.delta)
        return (inner * (2.0 * size - inner)).sum(axis=1)

    def slope(self, u):
        return 2.0 * np.clip(u, -self.delta, self.delta)

    def curvature(self, u):
        return 2.0 * (np.abs(u) < self.delta)


@dataclass(frozen=True)
class Logistic(Link):
    r"""Logistic loss, :math:`\sum_q \log(1 + e^{u_q})`."""

    def value(self, u):
        return np.logaddexp(0.0, u).sum(axis=1)

    def slope(self, u):
        return expit(u)

    def curvature(self, u):
        chance = expit(u)
        return chance * (1.0 - chance)


@dataclass(frozen=True)
class LogSumExp(Link):
    r"""Soft maximum of the predictors, :math:`\log \sum_q e^{u_q}`."""

    def value(self, u):
        top = u.max(axis=1)
        return top + np.log(np.exp(u - top[:, None]).sum(axis=1))

    def slope(self, u):
        return softmax(u)

    def hessian(self, design, u, weights):
        chance = softmax(u)[:, :, 0]
        rows = design.reshape(-1, design.shape[-1])
        scaled = chance[:, :, None] * design
        spread = (scaled * weights[:, None, None]).reshape(rows.shape).T @ rows
        mean = scaled.sum(axis=1)
        return spread - (mean * weights[:, None]).T @ mean


def softmax(u):
    """Return the exponentials of the predictors of each sample, scaled to sum to one."""
    out = u - u.max(axis=1, keepdims=True)
    np.exp(out, out=out)
    out /= out.sum(axis=1, keepdims=True)
    return out
