r"""Penalties: separable terms with a value and a proximity operator.

A constraint is a penalty too: its value is 0 on the set and infinite outside, and its proximity
operator is the projection onto the set. Every class below states the function it stands for;
``prox`` returns

.. math:: \operatorname{prox}_{s g}(v) = \arg\min_u \; s\, g(u) + \tfrac12 \|u - v\|_F^2 .

Blocks are matrices whose columns are components and whose rows are entries of the corresponding
mode, hence the words *row* and *column* in what follows.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from multiconvex.checks import check_count, check_option, check_positive


class Penalty(ABC):
    """What every penalty offers.

    Attributes
    ----------
    degree : float or None
        Degree of homogeneity ``p`` with ``value(t x) = t**p value(x)`` for ``t > 0``;
        None where the penalty is not homogeneous or is identically 0 on its domain.
    columnwise : bool
        Whether the penalty is a sum over columns.
    """

    degree: ClassVar[float | None] = None
    columnwise: ClassVar[bool] = True

    @abstractmethod
    def value(self, x):
        """Return the penalty at ``x``, infinite outside a constraint."""

    @abstractmethod
    def prox(self, x, step):
        """Return the proximity operator of ``step`` times the penalty at ``x``."""


@dataclass(frozen=True)
class NoPenalty(Penalty):
    """The zero function: the block is free."""

    def value(self, x):
        return 0.0

    def prox(self, x, step):
        return x.copy()


@dataclass(frozen=True)
class NonNegative(Penalty):
    r"""Nonnegativity, with optional sparsity and ridge weights.

    .. math:: g(x) = \lambda_1 \sum_i x_i + \tfrac{\lambda_2}{2} \sum_i x_i^2
              \quad\text{if } x \ge 0, \qquad +\infty \text{ otherwise.}

    Parameters
    ----------
    l1, l2 : float, default 0
        Weights :math:`\lambda_1` and :math:`\lambda_2`.

    Examples
    --------
    >>> import numpy as np
    >>> NonNegative(l1=1.0).prox(np.array([-1.0, 0.5, 3.0]), step=1.0)
    array([0., 0., 2.])
    """

    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self):
        check_positive("l1", self.l1, allow_zero=True)
        check_positive("l2", self.l2, allow_zero=True)

    @property
    def degree(self):
        weights = (self.l1 > 0, self.l2 > 0)
        return {(True, False): 1.0, (False, True): 2.0}.get(weights)

    def value(self, x):
        if x.min(initial=0.0) < 0:
            return np.inf
        value = 0.0
        if self.l1:
            value += self.l1 * float(x.sum())
        if self.l2:
            value += 0.5 * self.l2 * float(np.vdot(x, x))
        return value

    def prox(self, x, step):
        if step == 0.0 or (self.l1 == 0.0 and self.l2 == 0.0):
            return np.maximum(x, 0.0)
        return np.maximum((x - step * self.l1) / (1.0 + step * self.l2), 0.0)


@dataclass(frozen=True)
class Box(Penalty):
    """Entries between two bounds."""

    lower: float = 0.0
    upper: float = 1.0

    def __post_init__(self):
        if not self.lower < self.upper:
            raise ValueError(f"Box needs lower < upper, got {self.lower} and {self.upper}.")

    def value(self, x):
        inside = x.min(initial=self.lower) >= self.lower and x.max(initial=self.lower) <= self.upper
        return 0.0 if inside else np.inf

    def prox(self, x, step):
        return np.clip(x, self.lower, self.upper)


@dataclass(frozen=True)
class L1(Penalty):
    r"""Sum of absolute values, :math:`g(x) = \lambda \sum_i |x_i|`."""

    weight: float
    degree: ClassVar[float] = 1.0

    def __post_init__(self):
        check_positive("weight", self.weight, allow_zero=True)

    def value(self, x):
        return self.weight * float(np.abs(x).sum())

    def prox(self, x, step):
        return np.sign(x) * np.maximum(np.abs(x) - step * self.weight, 0.0)


@dataclass(frozen=True)
class L2(Penalty):
    r"""Ridge, :math:`g(x) = \tfrac{\lambda}{2} \|x\|_F^2`."""

    weight: float
    degree: ClassVar[float] = 2.0

    def __post_init__(self):
        check_positive("weight", self.weight, allow_zero=True)

    def value(self, x):
        return 0.5 * self.weight * float(np.vdot(x, x))

    def prox(self, x, step):
        return x / (1.0 + step * self.weight)


@dataclass(frozen=True)
class GroupL2(Penalty):
    r"""Sum of column norms, :math:`g(x) = \lambda \sum_q \|x_{:q}\|_2`.

    Whole components go to zero together.
    """

    weight: float
    degree: ClassVar[float] = 1.0

    def __post_init__(self):
        check_positive("weight", self.weight, allow_zero=True)

    def value(self, x):
        return self.weight * float(np.linalg.norm(x, axis=0).sum())

    def prox(self, x, step):
        norms = np.linalg.norm(x, axis=0)
        shrink = np.maximum(norms - step * self.weight, 0.0)
        return x * np.divide(shrink, norms, out=np.zeros_like(norms), where=norms > 0)


@dataclass(frozen=True)
class TraceNorm(Penalty):
    r"""Sum of singular values, :math:`g(x) = \lambda \|x\|_*`."""

    weight: float
    degree: ClassVar[float] = 1.0
    columnwise: ClassVar[bool] = False

    def __post_init__(self):
        check_positive("weight", self.weight, allow_zero=True)

    def value(self, x):
        return self.weight * float(np.linalg.svd(x, compute_uv=False).sum())

    def prox(self, x, step):
        left, singular, right = np.linalg.svd(x, full_matrices=False)
        return (left * np.maximum(singular - step * self.weight, 0.0)) @ right


@dataclass(frozen=True)
class Simplex(Penalty):
    """Nonnegative slices that sum to one: rows by default, columns with ``axis=0``."""

    axis: int = 1

    def __post_init__(self):
        check_option("axis", self.axis, (0, 1))

    @property
    def columnwise(self):
        return self.axis == 0

    def value(self, x):
        slack = _slack(x)
        excess = x.sum(axis=self.axis)
        excess -= 1.0
        on_simplex = np.abs(excess, out=excess).max(initial=0.0) <= slack
        return 0.0 if on_simplex and x.min(initial=0.0) >= -slack else np.inf

    def prox(self, x, step):
        rows = np.moveaxis(x, self.axis, -1)
        return np.moveaxis(_project_rows_on_simplex(rows), -1, self.axis)


@dataclass(frozen=True)
class SubSimplex(Penalty):
    """Nonnegative rows that sum to at most one."""

    columnwise: ClassVar[bool] = False

    def value(self, x):
        slack = _slack(x)
        inside = x.sum(axis=1).max(initial=0.0) <= 1.0 + slack
        return 0.0 if inside and x.min(initial=0.0) >= -slack else np.inf

    def prox(self, x, step):
        clipped = np.maximum(x, 0.0)
        outside = clipped.sum(axis=1) > 1.0
        if outside.any():
            clipped[outside] = _project_rows_on_simplex(x[outside])
        return clipped


@dataclass(frozen=True)
class UnitBall(Penalty):
    """Columns of Euclidean norm at most one."""

    def value(self, x):
        norms = np.linalg.norm(x, axis=0)
        return 0.0 if norms.max(initial=0.0) <= 1.0 + _slack(x) else np.inf

    def prox(self, x, step):
        return x / np.maximum(np.linalg.norm(x, axis=0), 1.0)


@dataclass(frozen=True)
class _Sparse(Penalty):
    k: int
    nonnegative: bool = False
    _axis: ClassVar[int]

    def __post_init__(self):
        check_count("k", self.k)

    def value(self, x):
        counts = np.count_nonzero(x, axis=self._axis)
        feasible = counts.max(initial=0) <= self.k
        if self.nonnegative:
            feasible = feasible and x.min(initial=0.0) >= 0
        return 0.0 if feasible else np.inf

    def prox(self, x, step):
        if self.nonnegative:
            x = np.maximum(x, 0.0)
        rows = x if self._axis == 1 else x.T
        largest = np.argsort(-np.abs(rows), axis=1, kind="stable")[:, : self.k]
        kept = np.arange(len(rows))[:, None], largest
        out = np.zeros_like(x)
        (out if self._axis == 1 else out.T)[kept] = rows[kept]
        return out


@dataclass(frozen=True)
class ColumnSparse(_Sparse):
    """At most ``k`` nonzero entries in each column, none negative where ``nonnegative`` says so.

    The set is not convex; ``prox`` is one of its projections and keeps the ``k`` entries of
    largest magnitude, the first ones where there are ties.
    """

    _axis: ClassVar[int] = 0


@dataclass(frozen=True)
class RowSparse(_Sparse):
    """At most ``k`` nonzero entries in each row; otherwise as :class:`ColumnSparse`."""

    columnwise: ClassVar[bool] = False
    _axis: ClassVar[int] = 1


@dataclass(frozen=True)
class MaxColumnL1(Penalty):
    r"""Largest l1 norm of a column, :math:`g(x) = \lambda \max_q \sum_i |x_{iq}|`.

    This is the operator norm of ``x`` from l1 to l1, the tightest convex relaxation of the largest
    number of nonzeros in a column. Its proximity operator projects all columns on the l1 ball of
    one radius, the root of a piecewise linear equation, found exactly by Newton's method.

    Notes
    -----
    Guarantee: the proximity operator is exact, to rounding.

    Cost: O(n r log n) to sort n rows in r columns, then a few passes.

    Chapter: :doc:`/chapters/theory/mixed_sparse_coding`

    References
    ----------
    B. Bejar, I. Dokmanic and R. Vidal, "The fastest l1,oo prox in the West", IEEE Transactions on
    Pattern Analysis and Machine Intelligence 44, 2022.

    Examples
    --------
    >>> import numpy as np
    >>> MaxColumnL1(1.0).prox(np.array([[3.0, 1.0], [0.0, -1.0]]), step=1.0)
    array([[ 2.,  1.],
           [ 0., -1.]])
    """

    weight: float
    degree: ClassVar[float] = 1.0
    columnwise: ClassVar[bool] = False

    def __post_init__(self):
        check_positive("weight", self.weight, allow_zero=True)

    def value(self, x):
        return self.weight * float(np.abs(x).sum(axis=0).max(initial=0.0))

    def prox(self, x, step):
        removed = step * self.weight
        sizes = np.abs(x)
        if sizes.max(axis=0, initial=0.0).sum() <= removed:
            return np.zeros_like(x)
        thresholds = _common_radius(sizes, removed).astype(x.dtype)
        return np.sign(x) * np.maximum(sizes - thresholds, 0.0)


def _common_radius(sizes, removed):
    """Return the threshold of each column that leaves all of them in one l1 ball.

    With ordered entries and their cumulative sums ``c_j``, the threshold that leaves the column
    with the norm ``t`` is the largest of ``(c_j - t) / j`` and 0: convex and piecewise linear
    in ``t``. Newton's steps from ``t = 0`` raise ``t`` until thresholds sum to ``removed``.
    """
    sums = np.cumsum(-np.sort(-sizes, axis=0), axis=0)
    counts = np.arange(1.0, len(sizes) + 1.0)[:, None]
    radius = 0.0
    while True:
        lines = (sums - radius) / counts
        active = lines.argmax(axis=0)
        thresholds = np.maximum(np.take_along_axis(lines, active[None], axis=0)[0], 0.0)
        slope = np.sum(1.0 / (active[thresholds > 0] + 1.0))
        excess = thresholds.sum() - removed
        if slope == 0.0 or excess <= 1e-14 * removed:
            return thresholds
        if radius + excess / slope == radius:
            return thresholds
        radius += excess / slope


def _slack(x):
    """Return how far from a set rounding may leave a projection on it."""
    return 64.0 * max(1e-11, float(np.finfo(x.dtype).eps))


def _project_rows_on_simplex(v):
    """Project each row on the probability simplex by sorting: O(r log r) a row."""
    ordered = -np.sort(-v, axis=-1)
    excess = np.cumsum(ordered, axis=-1) - 1.0
    counts = np.arange(1, v.shape[-1] + 1, dtype=v.dtype)
    support = np.sum(ordered * counts > excess, axis=-1, keepdims=True)
    threshold = np.take_along_axis(excess, support - 1, axis=-1) / support.astype(v.dtype)
    return np.maximum(v - threshold, 0.0)
