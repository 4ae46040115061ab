r"""Sets of matrices D for which :math:`x = (D x + b)_+` has one solution for every b.

All of them are convex and contain a ball around zero. Their gauge :math:`\gamma(D)` is the smallest
:math:`t` such that D is in t times the set: it tells members (:math:`\gamma \le 1`), and dividing
by it moves any matrix onto the boundary.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from multiconvex.checks import check_positive
from multiconvex.implicit_rules.certificates import unit_weights
from multiconvex.penalties import Penalty, SubSimplex

_TOLERANCE = 1e-13
_MOST_STEPS = 20_000


class WellPosedSet(Penalty):
    """A closed convex set with a gauge, as a penalty on square matrices."""

    columnwise: ClassVar[bool] = False

    @abstractmethod
    def gauge(self, x):
        """Return the smallest t such that x is in t times the set."""

    @abstractmethod
    def _project(self, x):
        """Return the point of the set nearest to a float64 matrix outside."""

    def value(self, x):
        return 0.0 if self.gauge(x) <= 1.0 + _slack(x) else np.inf

    def prox(self, x, step):
        if self.gauge(x) <= 1.0:
            return x.copy()
        projected = self._project(x.astype(float))
        return (projected / max(1.0, self.gauge(projected))).astype(x.dtype)


@dataclass(frozen=True)
class SpectralBall(WellPosedSet):
    r"""Matrices of spectral norm at most r, :math:`\|D\|_2 \le r`.

    For r < 1, steps of the rule contract by r. For :math:`r \le 1/2` the ball is in
    :class:`MonotoneSet` with equal weights.

    Parameters
    ----------
    radius : float

    Notes
    -----
    Guarantee: ``prox`` is the exact projection, which clips singular values.

    Cost: one singular value decomposition.

    Chapter: :doc:`/chapters/learning/implicit_prediction_rules`

    Examples
    --------
    >>> import numpy as np
    >>> SpectralBall(0.5).prox(np.diag([2.0, 0.25]), step=1.0)
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """

    radius: float

    def __post_init__(self):
        check_positive("radius", self.radius)

    def gauge(self, x):
        return float(np.linalg.norm(x, 2)) / self.radius

    def _project(self, x):
        left, singular, right = np.linalg.svd(x, full_matrices=False)
        return (left * np.minimum(singular, self.radius)) @ right


@dataclass(frozen=True)
class RowL1Ball(WellPosedSet):
    r"""Matrices whose rows have l1 norm at most r, :math:`\|D\|_\infty \le r`.

    For r < 1, steps of the rule contract the largest difference by r.

    Parameters
    ----------
    radius : float

    Notes
    -----
    Guarantee: ``prox`` is the exact projection, row by row.

    Cost: O(h^2 log h), to sort each row.

    Chapter: :doc:`/chapters/learning/implicit_prediction_rules`

    Examples
    --------
    >>> import numpy as np
    >>> RowL1Ball(1.0).prox(np.array([[2.0, -1.5], [0.0, 0.5]]), step=1.0)
    array([[ 0.75, -0.25],
           [ 0.  ,  0.5 ]])
    """

    radius: float

    def __post_init__(self):
        check_positive("radius", self.radius)

    def gauge(self, x):
        return float(np.abs(x).sum(axis=1).max()) / self.radius

    def _project(self, x):
        return np.sign(x) * self.radius * SubSimplex().prox(np.abs(x) / self.radius, 0.0)


@dataclass(frozen=True, eq=False)
class MonotoneSet(WellPosedSet):
    r"""Matrices D for which I - D is strongly monotone in a metric.

    .. math:: (1 - \mu) \, 2 \Lambda - (\Lambda D + D^T \Lambda) \succeq 0,
              \qquad \Lambda = \operatorname{diag}(\lambda) .

    Any modulus :math:`\mu > 0` gives one state for every input, whatever the norm of D. With
    :math:`\mu = 1/2`, the default, the Fenchel divergence with weights :math:`\lambda` is convex in
    the states as well.

    Parameters
    ----------
    lam : float or array_like of shape (h,), default 1.0
        Weights :math:`\lambda`.
    modulus : float, default 0.5
        The modulus :math:`\mu`, between 0 and 1.

    Raises
    ------
    ValueError
        When a weight is not positive or the modulus is not between 0 and 1.

    Notes
    -----
    Guarantee: ``prox`` is the projection in the Frobenius norm, exact to rounding where all weights
    are equal. Otherwise its dual is solved until steps are of relative size 1e-13, and what is
    returned is in the set.

    Cost: one symmetric eigenvalue decomposition where all weights are equal; otherwise one for each
    step, a number that grows with the logarithm of the accuracy and the square root of the ratio of
    the weights.

    Chapter: :doc:`/chapters/learning/implicit_prediction_rules`

    References
    ----------
    E. Winston and J. Z. Kolter, "Monotone operator equilibrium networks", NeurIPS 2020.

    Examples
    --------
    >>> import numpy as np
    >>> MonotoneSet().prox(np.array([[2.0, 3.0], [-3.0, 0.0]]), step=1.0)
    array([[ 0.5,  3. ],
           [-3. ,  0. ]])
    """

    lam: float | np.ndarray = 1.0
    modulus: float = 0.5

    def __post_init__(self):
        if np.ndim(self.lam) == 0:
            check_positive("lam", self.lam)
        check_positive("modulus", self.modulus)
        if self.modulus >= 1:
            raise ValueError(f"modulus must be below 1, got {self.modulus!r}.")

    def gauge(self, x):
        _, symmetric = self._scaled(x)
        return max(0.0, float(np.linalg.eigvalsh(symmetric)[-1]) / (1.0 - self.modulus))

    def _scaled(self, x):
        """Return the roots of the weights and the symmetric part of D in scaled units."""
        roots = np.sqrt(unit_weights(self.lam, len(x)))
        scaled = roots[:, None] * x / roots
        return roots, 0.5 * (scaled + scaled.T)

    def _project(self, x):
        r"""Solve the dual, :math:`D = D_0 - 2 \Lambda^{1/2} V \Lambda^{-1/2}` with V psd.

        .. math:: \min_{V \succeq 0} \; 2 \sum_{ij} w_{ij} V_{ij}^2 - 2 \langle V, S \rangle, \quad
                  w_{ij} = \tfrac12 (\lambda_i / \lambda_j + \lambda_j / \lambda_i),

        where S is the symmetric part of the scaled matrix minus :math:`(1 - \mu) I`. With equal
        weights the first step is exact.
        """
        roots, symmetric = self._scaled(x)
        excess = symmetric - (1.0 - self.modulus) * np.eye(len(x))
        ratios = np.square(roots[:, None] / roots)
        weights = 0.5 * (ratios + ratios.T)
        steepest = weights.max()
        root = np.sqrt(steepest)
        momentum = (root - 1.0) / (root + 1.0)
        V = ahead = np.zeros_like(excess)
        for _ in range(_MOST_STEPS):
            new = _psd(ahead - (weights * ahead - 0.5 * excess) / steepest)
            moved = np.linalg.norm(new - ahead)
            ahead = new + momentum * (new - V)
            V = new
            if momentum == 0.0 or moved <= _TOLERANCE * np.linalg.norm(new):
                break
        return x - 2.0 * (roots[:, None] * V / roots)


@dataclass(frozen=True)
class Intersection(WellPosedSet):
    r"""Matrices in two sets, such as a spectral ball and a monotone set.

    Projections on the sets one after the other do not find the nearest point of the intersection,
    nor even a point of it. Dykstra's algorithm does: each set gets back what its own projection
    took away the time before,

    .. math:: P^+ = Q' - \Pi_1 Q', \quad Q' = P + \Pi_2(D_0 - P) .

    This is a proximal gradient step on the dual, so that Nesterov's extrapolation of P with
    restarts makes it faster. What is left outside when it stops is removed by the gauge.

    Parameters
    ----------
    first, second : WellPosedSet
        For more than two, one of them may be an intersection.

    Raises
    ------
    TypeError
        When one of them has no gauge.

    Notes
    -----
    Guarantee: what ``prox`` returns is in both sets; it converges to the projection on their
    intersection.

    Cost: one projection on each set for each of the steps, which stop when they move the matrix by
    a relative 1e-13.

    Chapter: :doc:`/chapters/learning/implicit_prediction_rules`

    References
    ----------
    J. P. Boyle and R. L. Dykstra, "A method for finding projections onto the intersection of convex
    sets in Hilbert spaces", Advances in Order Restricted Statistical Inference, 1986; A. Chambolle,
    P. Tan and S. Vaiter, "Accelerated alternating descent methods for Dykstra-like problems",
    Journal of Mathematical Imaging and Vision 59, 2017.

    Examples
    --------
    >>> import numpy as np
    >>> both = Intersection(SpectralBall(1.0), MonotoneSet())
    >>> both.prox(np.array([[2.0, 3.0], [-3.0, 0.0]]), step=1.0).round(4)
    array([[ 0.3162,  0.9487],
           [-0.9487,  0.3162]])
    """

    first: WellPosedSet
    second: WellPosedSet

    def __post_init__(self):
        for one in (self.first, self.second):
            if not isinstance(one, WellPosedSet):
                raise TypeError(
                    f"Intersection is of sets with a gauge, got {type(one).__name__}: use "
                    "SpectralBall, RowL1Ball or MonotoneSet."
                )

    def gauge(self, x):
        return max(self.first.gauge(x), self.second.gauge(x))

    def _project(self, x):
        taken = ahead = np.zeros_like(x)
        momentum = 1.0
        for _ in range(_MOST_STEPS):
            back = ahead + self.second.prox(x - ahead, 0.0)
            new = back - self.first.prox(back, 0.0)
            if np.linalg.norm(new - ahead) <= _TOLERANCE * np.linalg.norm(x):
                break
            if np.vdot(ahead - new, new - taken) > 0:
                momentum = 1.0
            longer = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum * momentum))
            ahead = new + (momentum - 1.0) / longer * (new - taken)
            taken, momentum = new, longer
        return self.second.prox(x - new, 0.0)


@dataclass(frozen=True, eq=False)
class WellPosedWeights(Penalty):
    r"""Penalty on the weights :math:`[D \; E \; f]` of an implicit rule in one block.

    .. math:: g([D \; E \; f]) = \tfrac{\rho}{2} \left( \|D\|_F^2 + \|E\|_F^2 \right)
              \quad \text{if } D \in \mathcal{D}, \qquad +\infty \text{ otherwise.}

    Parameters
    ----------
    allowed : WellPosedSet
        The set :math:`\mathcal{D}`.
    ridge : float, default 0.0
        The weight :math:`\rho`; the last column is free.

    Notes
    -----
    Guarantee: ``prox`` is exact where the projection on the set is.

    Cost: that of the projection.

    Chapter: :doc:`/chapters/learning/implicit_prediction_rules`

    Examples
    --------
    >>> import numpy as np
    >>> penalty = WellPosedWeights(SpectralBall(0.5), ridge=1.0)
    >>> penalty.prox(np.array([[4.0, 2.0, 3.0]]), step=1.0)
    array([[0.5, 1. , 3. ]])
    """

    allowed: WellPosedSet
    ridge: float = 0.0
    columnwise: ClassVar[bool] = False

    def __post_init__(self):
        check_positive("ridge", self.ridge, allow_zero=True)

    def value(self, x):
        penalised = x[:, :-1]
        size = 0.5 * self.ridge * float(np.vdot(penalised, penalised))
        return self.allowed.value(x[:, : len(x)]) + size

    def prox(self, x, step):
        out = x.copy()
        out[:, :-1] /= 1.0 + step * self.ridge
        out[:, : len(x)] = self.allowed.prox(out[:, : len(x)], step)
        return out


def _psd(matrix):
    """Return the nearest positive semidefinite matrix."""
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
    kept = values > 0
    return (vectors[:, kept] * values[kept]) @ vectors[:, kept].T


def _slack(x):
    """Return how far beyond one rounding may leave a gauge."""
    return 64.0 * len(x) * float(np.finfo(x.dtype).eps)
