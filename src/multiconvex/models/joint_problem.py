r"""Two factors as one block, for methods that move both at once."""

import numpy as np

from multiconvex.divergence import ratio_products
from multiconvex.losses import KullbackLeibler
from multiconvex.memo import IdentityMemo
from multiconvex.penalties import NonNegative
from multiconvex.problem import Block, MultiblockProblem


class JointProblem(MultiblockProblem):
    r"""A matrix factorisation whose factors are stacked into one block.

    .. math:: \min_{Z \ge 0} \; D(X, W H^T) + \lambda_1 \sum Z + \tfrac{\lambda_2}{2} \|Z\|_F^2,
              \qquad Z = \begin{pmatrix} W \\ H \end{pmatrix}

    The block is not convex: what alternating gives up when nothing is held fixed. Updates that need
    no convexity (:class:`JointMajorant`, :class:`QuasiNewton`) work on it all the same.

    Parameters
    ----------
    problem : FactorProblem or DivergenceProblem
        Of a matrix, with the same :class:`NonNegative` on both factors.

    Raises
    ------
    ValueError
        For a tensor, or penalties that are not the same nonnegativity.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import JointMajorant, KullbackLeibler, NonNegative, alternate
    >>> from multiconvex import DivergenceProblem, JointProblem
    >>> X = np.outer([1.0, 2.0, 3.0], [4.0, 5.0])
    >>> alone = DivergenceProblem(X, 1, KullbackLeibler(), (NonNegative(), NonNegative()))
    >>> problem = JointProblem(alone)
    >>> start = problem.stack((np.ones((3, 1)), np.ones((2, 1))))
    >>> result = alternate(problem, start, JointMajorant())
    >>> W, H = problem.split(tuple(result.blocks.values()))
    >>> bool(np.allclose(W @ H.T, X))
    True
    """

    def __init__(self, problem):
        penalties = [block.penalty for block in problem.blocks]
        if len(penalties) != 2:
            raise ValueError(f"problem must have two factors, got {len(penalties)}.")
        if penalties[0] != penalties[1] or not isinstance(penalties[0], NonNegative):
            raise ValueError(
                "Stacked factors share one penalty: give both the same NonNegative(l1, l2), got "
                f"{penalties[0]} and {penalties[1]}."
            )
        self.alternating = problem
        self._rows, rank = problem.blocks[0].shape
        size = self._rows + problem.blocks[1].shape[0]
        self.blocks = (Block("factors", (size, rank), penalties[0]),)
        self.loss_function = problem.loss_function
        self._parts = IdentityMemo()

    def stack(self, factors):
        """Return the pair ``(W, H)`` as the blocks of this problem."""
        return (np.vstack(factors),)

    def split(self, x):
        """Return the pair ``(W, H)`` of the blocks of this problem."""
        return self._parts("split", x, lambda: (x[0][: self._rows], x[0][self._rows :]))

    def loss(self, x):
        return self.alternating.loss(self.split(x))

    def gradient(self, x, k):
        factors = self.split(x)
        if isinstance(self.loss_function, KullbackLeibler):
            ratios = ratio_products(self.alternating.data, *factors)
            return np.vstack([factors[1 - side].sum(axis=0) - ratios[side] for side in range(2)])
        return np.vstack([self.alternating.gradient(factors, side) for side in range(2)])

    def residual(self, x):
        """Return that of the alternating problem: its stationary points are the same."""
        return self.alternating.residual(self.split(x))

    def joint_ratios(self, x):
        """Return ``W`` and ``H`` times what the ratio of data and model sends to each."""
        if not isinstance(self.loss_function, KullbackLeibler):
            raise TypeError(
                "The joint majorant is that of the Kullback-Leibler divergence, got "
                f"{type(self.loss_function).__name__}: use QuasiNewton()."
            )
        factors = self.split(x)
        products = ratio_products(self.alternating.data, *factors)
        return tuple(factor * product for factor, product in zip(factors, products))
