"""Bregman proximal gradient for the Kullback-Leibler loss."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from multiconvex.penalties import NonNegative
from multiconvex.updates.base import Update


@dataclass(frozen=True)
class NoLips(Update):
    r"""Bregman gradient step with Burg's entropy, for the Kullback-Leibler loss [1]_.

    The loss of a row :math:`x` with data :math:`y` is smooth relative to
    :math:`h(x) = -\sum_q \log x_q` with constant :math:`\|y\|_1`. The step with
    :math:`s = \alpha / \|y\|_1` is

    .. math:: x \leftarrow \frac{x}{1 + s\, x * (\nabla f(x) + \lambda_1)} .

    Parameters
    ----------
    alpha : float, default 1
        Fraction of the longest safe step, in (0, 1].

    Notes
    -----
    Guarantee: never increases the objective for ``alpha <= 1``; its majorant is never below the
    one of multiplicative updates.

    Cost: one product with the ratio of data and model per block and per sweep.

    Chapter: :doc:`/chapters/foundations/nonnegative_regression`

    References
    ----------
    .. [1] H. H. Bauschke, J. Bolte and M. Teboulle, "A descent lemma beyond Lipschitz gradient
       continuity", Math. Oper. Res. 42, 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import nnkl
    >>> nnkl(np.eye(2), np.array([3.0, 1.0]), update=NoLips(), tol=1e-12).x.round(3)
    array([3., 1.])
    """

    alpha: float = 1.0
    requires: ClassVar[tuple[str, ...]] = ("burg_constants",)
    handles: ClassVar[tuple[type, ...]] = (NonNegative,)

    def __post_init__(self):
        if not 0.0 < self.alpha <= 1.0:
            raise ValueError(f"alpha must lie in (0, 1], got {self.alpha}.")

    def __call__(self, problem, x, k, memory):
        penalty = problem.blocks[k].penalty
        if penalty.l2:
            raise TypeError("NoLips honours NonNegative without l2: use MultiplicativeUpdate().")
        constants = problem.burg_constants(x, k)
        slope = problem.gradient(x, k) + penalty.l1
        shrink = constants + self.alpha * x[k] * slope
        ratio = np.divide(constants, shrink, out=np.zeros_like(shrink), where=shrink > 0)
        return x[k] * ratio, memory
