r"""What is minimised: a smooth coupling term plus one penalty for each block.

.. math:: \min_{x_1, \dots, x_K} \; f(x_1, \dots, x_K) + \sum_k g_k(x_k),

where :math:`f` is convex in each block when the others are fixed.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from multiconvex.penalties import Penalty

_FLATTEST = 1e-30


@dataclass(frozen=True)
class Block:
    """One named array of unknowns with its penalty.

    Parameters
    ----------
    name : str
    shape : tuple of int
    penalty : Penalty
    extrapolate : bool, default True
        Whether moving past an update makes sense; False for discrete blocks.
    """

    name: str
    shape: tuple[int, ...]
    penalty: Penalty
    extrapolate: bool = True


class MultiblockProblem(ABC):
    """A problem over several blocks, each convex when the others are fixed.

    Subclasses set ``blocks`` and give the loss. Whatever else they can do is a capability that
    updates ask for by name: ``gradient(x, k)`` of the loss and ``lipschitz(x, k)``, a bound on its
    curvature, where it is smooth; ``normal_equations(x, k)`` where it is quadratic; and so on. The
    point ``x`` is always the tuple of all blocks.

    ``lipschitz`` is a Lipschitz constant of the gradient where there is one; otherwise
    (Kullback-Leibler) a bound on the second derivatives at ``x``, which holds locally.
    """

    blocks: tuple[Block, ...]

    @abstractmethod
    def loss(self, x):
        """Return the coupling term at ``x``."""

    def objective(self, x):
        """Return the loss plus all penalties."""
        value = self.loss(x)
        for block, array in zip(self.blocks, x):
            value += block.penalty.value(array)
        return value

    def residual(self, x):
        r"""Return the first-order optimality number of ``x``, 0 at a blockwise minimiser.

        The largest relative change that one proximal gradient step makes to a block,

        .. math:: \max_k \|x_k - \operatorname{prox}_{g_k/L_k}(x_k - \nabla_k f / L_k)\|
                  \,/\, \max(\|x_k\|, \epsilon).

        Problems whose loss is not smooth define it by what an exact step can still gain.
        """
        worst = 0.0
        for k, block in enumerate(self.blocks):
            step = 1.0 / max(self.lipschitz(x, k), _FLATTEST)
            moved = block.penalty.prox(x[k] - step * self.gradient(x, k), step)
            scale = max(np.linalg.norm(x[k]), np.finfo(float).eps)
            worst = max(worst, float(np.linalg.norm(moved - x[k])) / scale)
        return worst
