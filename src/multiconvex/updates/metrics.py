r"""Metrics that know how a problem bends, and what a proximal step costs in them."""

from dataclasses import dataclass

import numpy as np

from multiconvex.updates.active_set import enter_rows

_ROOT = 1e-10
_STEPS = 50


@dataclass(frozen=True)
class FlatMetric:
    r"""Columns measured by :math:`c (\|d\|^2 + \omega (\sum_i d_i)^2)`.

    Sums of pixels are stiff in multiplexed measurements: every pattern sees half of the image.
    """

    scale: float
    omega: float

    def norm2(self, move):
        """Return the squared length of a move."""
        sums = move.sum(axis=0, dtype=float)
        return self.scale * (float(np.vdot(move, move)) + self.omega * float(sums @ sums))

    def minimize(self, x, gradient, penalty, shrink):
        r"""Minimise the linear model plus ``shrink / 2`` times the squared length of the move.

        With ``v`` the minimiser without the penalty, the solution is the ordinary proximity
        operator at :math:`v - \omega \mu`, where :math:`\mu` is what the penalty changes in each
        column sum: the root of a decreasing function.
        """
        scale = shrink * self.scale
        flat = self.omega / (1.0 + self.omega * len(x))
        v = x - (gradient - flat * gradient.sum(axis=0)) / scale
        sums = v.sum(axis=0, dtype=float)

        def solve(mu):
            shift = (self.omega * mu).astype(v.dtype)
            return penalty.prox(v - shift, 1.0 / scale)

        def excess(mu):
            u = solve(mu)
            return u, u.sum(axis=0, dtype=float) - sums - mu

        u, first = excess(np.zeros(x.shape[1]))
        slack = _ROOT * (np.abs(v).sum(axis=0, dtype=float) + np.abs(first))
        return u if np.all(np.abs(first) <= slack) else _root(excess, first, slack)


@dataclass(frozen=True)
class GramMetric:
    r"""Rows measured by :math:`w_i\, d_i^T G d_i`, for nonnegative blocks.

    Entries keep a part ``kept`` of what they are: the curvature of a divergence, unlike that of a
    square, is not what it was where a model vanishes.
    """

    gram: np.ndarray
    weights: np.ndarray
    kept: float = 0.0

    def norm2(self, move):
        """Return the squared length of a move."""
        return float(np.vdot(self.weights[:, None] * move, move @ self.gram))

    def minimize(self, x, gradient, penalty, shrink):
        """Minimise the linear model plus ``shrink / 2`` times the squared length of the move."""
        weights = shrink * self.weights[:, None]
        rest = (1.0 - self.kept) * x
        rhs = rest @ self.gram - (gradient + penalty.l1) / weights
        block = np.empty_like(x)
        enter_rows(self.gram, rhs, rest, 16.0 * np.finfo(x.dtype).eps, block)
        return block + self.kept * x


def _root(excess, first, slack):
    """Return the image at the root between 0 and ``first``, by false position (Illinois)."""
    near, far = np.zeros_like(first), first.copy()
    at_near = first.copy()
    u, at_far = excess(far)
    for _ in range(_STEPS):
        if np.all(np.abs(at_far) <= slack):
            break
        slope = at_far - at_near
        step = np.divide(at_far * (far - near), slope, out=np.zeros_like(far), where=slope != 0)
        mu = far - step
        u, value = excess(mu)
        crossed = value * at_far < 0
        near = np.where(crossed, far, near)
        at_near = np.where(crossed, at_far, 0.5 * at_near)
        far, at_far = mu, value
    return u
