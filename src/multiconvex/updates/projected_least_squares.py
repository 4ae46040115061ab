r"""Least squares first, the constraint afterwards: cheap, and without a promise."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from multiconvex.checks import check_option
from multiconvex.image_penalties import NonNegativeImage
from multiconvex.penalties import NonNegative
from multiconvex.updates.base import Update
from multiconvex.updates.least_squares import solve_symmetric

_NOTHING = 1e-9


@dataclass(frozen=True)
class ProjectedLeastSquares(Update):
    r"""The projection of the unconstrained minimiser of a least-squares block.

    For one block :math:`X` of

    .. math:: \min_{X \in C} \; \tfrac12 \langle X G, X\rangle - \langle B, X\rangle
              + \lambda_1 \sum X + \tfrac{\lambda_2}{2} \|X\|_F^2,

    where ``G, B = problem.normal_equations(x, k)`` and :math:`C` is the nonnegative orthant or the
    cone of a :class:`NonNegativeImage`, this returns

    .. math:: \operatorname{proj}_C\bigl((B - \lambda_1) (G + \lambda_2 I)^{-1}\bigr),

    except for columns whose projection is zero, which would remain so. Those whose image has no
    positive entry are turned round first [1]_; the others, which lie in the polar of the cone,
    are projected from :meth:`NonNegativeImage.one_step`, which is not in it.

    Parameters
    ----------
    projection : {"exact", "one_step"}
        On the cone of a :class:`NonNegativeImage`: its projection, or the cheaper
        :meth:`NonNegativeImage.one_step`, which may return a point outside. On the orthant both
        are the projection.

    Notes
    -----
    Guarantee: none, the objective may increase, by any factor where :math:`G` is badly
    conditioned; the minimiser where that is inside :math:`C` or :math:`G` is a multiple of the
    identity. Run it under :class:`multiconvex.KeepBest`.

    Cost: one product with the data per block, then O(n r^2 + r^3) and one projection per sweep.

    Chapter: :doc:`/chapters/algorithms/projected_compressed_cp`

    References
    ----------
    .. [1] J. E. Cohen, R. Cabral Farias and P. Comon, "Fast decomposition of large nonnegative
       tensors", IEEE Signal Processing Letters 22, 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import cp
    >>> X = np.einsum("i,j,k->ijk", [1.0, 2.0], [3.0, 1.0], [1.0, 1.0])
    >>> result = cp(X, 1, nonnegative=True, update=ProjectedLeastSquares(), random_state=0)
    >>> bool(result.objective < 1e-20)
    True
    """

    projection: str = "exact"
    requires: ClassVar[tuple[str, ...]] = ("normal_equations",)
    handles: ClassVar[tuple[type, ...]] = (NonNegative, NonNegativeImage)

    def __post_init__(self):
        check_option("projection", self.projection, ("exact", "one_step"))

    def __call__(self, problem, x, k, memory):
        gram, rhs = problem.normal_equations(x, k)
        penalty = problem.blocks[k].penalty
        if isinstance(penalty, NonNegative):
            gram = gram + penalty.l2 * np.eye(len(gram), dtype=gram.dtype)
            rhs = rhs - penalty.l1
        free = solve_symmetric(gram, rhs.T).T.copy()
        if isinstance(penalty, NonNegative):
            return _turned(free, partial(penalty.prox, step=0.0)), memory
        if self.projection == "one_step":
            return _turned(free, penalty.one_step), memory
        block = penalty.prox(free, 0.0)
        gone = _vanished(block, free)
        if gone.any():
            step = _turned(free[:, gone], penalty.one_step)
            block[:, gone] = penalty.prox(step, 0.0)
        return block, memory


def _turned(free, project):
    """Project columns, turned round first where nothing would be left of them."""
    block = project(free)
    gone = _vanished(block, free)
    if gone.any():
        block[:, gone] = project(-free[:, gone])
    return block


def _vanished(block, free):
    return np.linalg.norm(block, axis=0) <= _NOTHING * np.linalg.norm(free, axis=0)
