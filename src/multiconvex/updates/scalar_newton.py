"""Second-order coordinate descent for the Kullback-Leibler divergence."""

from dataclasses import dataclass
from typing import ClassVar

from multiconvex.checks import check_count
from multiconvex.kernels import newton_rows, newton_sparse_rows
from multiconvex.penalties import NonNegative
from multiconvex.updates.base import Update


@dataclass(frozen=True)
class ScalarNewton(Update):
    r"""Cyclic coordinate descent with safe second-order steps, for the Kullback-Leibler loss.

    Minimises over one entry :math:`t \ge 0` of a block at a time. With model
    :math:`z_j = c_j + t h_j`, put

    .. math:: P = \sum_j \frac{y_j h_j}{z_j}, \qquad Q = \sum_j \frac{y_j h_j^2}{z_j^2}, \qquad
              A = \lambda_1 + \sum_j h_j, \qquad g = A + \lambda_2 t - P ,

    so that :math:`g` is the derivative at :math:`t`. Newton's step :math:`-g/Q` may overshoot.
    Two bounds on the derivative, from the convexity of :math:`y \mapsto 1/(1 + u y)`, cannot:
    Jensen's inequality to the right (:math:`g < 0`) and the chord to the left, which give for
    :math:`\lambda_2 = 0`

    .. math:: t \leftarrow t - \frac{g P}{Q A} \;\; (g < 0), \qquad
              t \leftarrow \frac{t^2 Q}{t Q + g} \;\; (g > 0),

    and the root of a quadratic otherwise. Both agree with Newton's step to second order near the
    solution, stay on the same side of it, and keep :math:`t` nonnegative. Newton coordinate
    descent for this loss is due to [1]_; damped variants that are monotone are studied in [2]_.

    Parameters
    ----------
    sweeps : int, default 2
        Passes over each row of the block while it is in cache, before moving to the next row.

    Notes
    -----
    Guarantee: never increases the objective; entries at zero can grow again.

    Cost: one division and a few multiplications per entry of the data and per component per
    pass: about twice a multiplicative update, for many fewer sweeps.

    Chapter: :doc:`/chapters/foundations/nonnegative_regression`

    References
    ----------
    .. [1] C.-J. Hsieh and I. S. Dhillon, "Fast coordinate descent methods with variable
       selection for non-negative matrix factorization", KDD 2011.
    .. [2] L. T. K. Hien and N. Gillis, "Algorithms for nonnegative matrix factorization with the
       Kullback-Leibler divergence", J. Sci. Comput. 87, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import nnkl
    >>> nnkl(np.eye(2), np.array([3.0, 1.0]), update=ScalarNewton()).x.round(6)
    array([3., 1.])
    """

    sweeps: int = 2
    requires: ClassVar[tuple[str, ...]] = ("kullback_leibler_rows",)
    handles: ClassVar[tuple[type, ...]] = (NonNegative,)

    def __post_init__(self):
        check_count("sweeps", self.sweeps)

    def __call__(self, problem, x, k, memory):
        rows, design = problem.kullback_leibler_rows(x, k)
        penalty = problem.blocks[k].penalty
        block, sums = x[k].copy(), design.sum(axis=0)
        options = (penalty.l1, penalty.l2, self.sweeps, block)
        if isinstance(rows, tuple):
            newton_sparse_rows(*rows, design, sums, *options)
        else:
            newton_rows(rows, design, sums, *options)
        return block, memory
