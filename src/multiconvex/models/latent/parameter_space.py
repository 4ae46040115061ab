"""What a factor's parameters may be, and what they cost."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from multiconvex.checks import check_array, check_positive
from multiconvex.quadratic import minimize_quadratic, satisfied

_SLACK = 1e-9


@dataclass(frozen=True)
class ParameterSpace:
    r"""Linear inequalities, a ridge and a norm on the parameters of one factor.

    .. math:: g(\theta) = \tfrac{\rho}{2} \|\theta\|_2^2 + \nu \|\theta\|_2
              \quad\text{if } A \theta \le b, \qquad +\infty \text{ otherwise.}

    The norm, unlike the ridge, sends whole factors to zero.

    Parameters
    ----------
    matrix, bound : ndarray, shapes (p, n) and (p,), optional
        ``A`` and ``b``.
    ridge, norm : float, default 0
        :math:`\rho` and :math:`\nu`.

    Examples
    --------
    >>> import numpy as np
    >>> space = ParameterSpace(np.array([[1.0, 0.0]]), np.array([2.0]), norm=0.5)
    >>> space.value(np.array([0.0, 4.0])), space.value(np.array([3.0, 0.0]))
    (2.0, inf)
    """

    matrix: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    bound: np.ndarray = field(default_factory=lambda: np.zeros(0))
    ridge: float = 0.0
    norm: float = 0.0

    def __post_init__(self):
        check_positive("ridge", self.ridge, allow_zero=True)
        check_positive("norm", self.norm, allow_zero=True)

    @classmethod
    def from_pair(cls, constraint, size, **weights):
        """Build the space of ``constraint``, a pair (A, b) or None, for ``size`` parameters."""
        if constraint is None:
            return cls(np.zeros((0, size)), np.zeros(0), **weights)
        try:
            matrix, bound = constraint
        except (TypeError, ValueError):
            raise ValueError(
                "constraint must be a pair (A, b) that means A @ theta <= b, "
                f"got {type(constraint).__name__}."
            ) from None
        matrix = check_array("A of constraint", matrix, ndim=2)
        bound = check_array("b of constraint", bound, ndim=1)
        if matrix.shape != (len(bound), size):
            raise ValueError(
                f"constraint (A, b) must have shapes (p, {size}) and (p,): one row of A for each "
                f"inequality, one column for each parameter; got {matrix.shape} and {bound.shape}."
            )
        return cls(matrix.astype(float), bound.astype(float), **weights)

    @property
    def free(self):
        """Whether there is no inequality."""
        return len(self.bound) == 0

    def value_of_rows(self, thetas):
        """Return the sum of the penalties of the rows of ``thetas``."""
        if not self.free and not satisfied(thetas, self.matrix, self._outer_bound):
            return np.inf
        if self.ridge == 0.0 and self.norm == 0.0:
            return 0.0
        return sum(self.cost(theta) for theta in thetas)

    @cached_property
    def _outer_bound(self):
        """Bounds that rounding does not cross."""
        return self.bound + _SLACK * (1.0 + np.abs(self.bound))

    def cost(self, theta):
        """Return the ridge and the norm at ``theta``, inequalities apart."""
        value = 0.0
        if self.ridge:
            value += 0.5 * self.ridge * float(theta @ theta)
        if self.norm:
            value += self.norm * float(np.linalg.norm(theta))
        return value

    def value(self, theta):
        """Return the penalty at ``theta``, infinite outside the inequalities."""
        return self.value_of_rows(theta[None])

    def minimize_quadratic(self, hessian, linear):
        """Minimise ``x' H x / 2 - g' x`` over the inequalities."""
        if self.free:
            return np.linalg.solve(hessian, linear)
        return minimize_quadratic(hessian, linear, self.matrix, self.bound)

    def project(self, theta):
        """Return the nearest point that satisfies the inequalities."""
        return theta if self.free else self.minimize_quadratic(np.eye(len(theta)), theta)

    def tangent_project(self, direction, theta):
        """Project a direction on those that stay feasible at first order from ``theta``."""
        tight = self.matrix @ theta >= self.bound - _SLACK * (1.0 + np.abs(self.bound))
        if not tight.any():
            return direction
        rows = self.matrix[tight]
        return minimize_quadratic(np.eye(len(theta)), direction, rows, np.zeros(len(rows)))


class Spaces(tuple):
    """The spaces of all factors, in order, and what their fits ask in every sweep."""

    @cached_property
    def ridges(self):
        """The ridge of each factor, shape (K,)."""
        return np.array([space.ridge for space in self])

    @cached_property
    def with_norm(self):
        """Whether any factor has a norm penalty."""
        return any(space.norm for space in self)

    @cached_property
    def common(self):
        """The space that all factors share, None where they differ."""
        return self[0] if all(space is self[0] for space in self) else None
