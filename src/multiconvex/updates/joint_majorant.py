r"""All factors at once by one majorant, for the Kullback-Leibler divergence."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from multiconvex.checks import check_count, check_positive
from multiconvex.penalties import NonNegative
from multiconvex.updates.base import Update


@dataclass(frozen=True)
class JointMajorant(Update):
    r"""Multiplicative update of both factors from one ratio of data and model [1]_.

    With :math:`R = X / (W H^T)` at the current point, :math:`P = W * (R H)` and
    :math:`Q = H * (R^T W)`, the Kullback-Leibler divergence lies below

    .. math:: - \sum_{iq} P_{iq} \log W_{iq} - \sum_{jq} Q_{jq} \log H_{jq}
              + \sum_q \Bigl(\sum_i W_{iq}\Bigr) \Bigl(\sum_j H_{jq}\Bigr) + \text{const},

    which no longer involves the data and touches the divergence at the current point. It is
    minimised over :math:`W` and :math:`H` in turn, weights included,

    .. math:: W_{iq} \leftarrow \frac{2 P_{iq}}{b_q + \sqrt{b_q^2 + 4 \lambda_2 P_{iq}}}, \qquad
              b_q = \sum_j H_{jq} + \lambda_1,

    and likewise for :math:`H`. Without weights one round is exact, :math:`W_{iq} H_{jq} =
    P_{iq} Q_{jq} / \sum_i P_{iq}`, and the update is the EM algorithm of probabilistic latent
    semantic analysis [2]_. Multiplicative updates read the data twice per sweep, this one once.

    Parameters
    ----------
    rounds : int, default 3
        Times the majorant is minimised over each factor.
    floor : float, default 1e-12
        Smallest entry, relative to the largest of the block.

    Notes
    -----
    Guarantee: never increases the objective over blocks whose entries are above the floor.

    Cost: one ratio of data and model, and one product of it with each factor.

    Chapter: :doc:`/chapters/open_problems/nmf_solvers`

    References
    ----------
    .. [1] A. Marmin, J. H. de Morais Goulart and C. Févotte, "Joint majorization-minimization for
       nonnegative matrix factorization with the beta-divergence", Signal Processing 209, 2023.
    .. [2] T. Hofmann, "Probabilistic latent semantic indexing", SIGIR 1999.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import DivergenceProblem, JointProblem, KullbackLeibler, NonNegative
    >>> X = np.outer([1.0, 2.0], [3.0, 5.0])
    >>> problem = JointProblem(
    ...     DivergenceProblem(X, 1, KullbackLeibler(), (NonNegative(), NonNegative()))
    ... )
    >>> x = problem.stack((np.ones((2, 1)), np.ones((2, 1))))
    >>> W, H = problem.split(JointMajorant()(problem, x, 0, None)[:1])
    >>> np.round(W @ H.T, 6)
    array([[ 3.,  5.],
           [ 6., 10.]])
    """

    rounds: int = 3
    floor: float = 1e-12
    requires: ClassVar[tuple[str, ...]] = ("joint_ratios", "split", "stack")
    handles: ClassVar[tuple[type, ...]] = (NonNegative,)

    def __post_init__(self):
        check_count("rounds", self.rounds)
        check_positive("floor", self.floor, allow_zero=True)

    def __call__(self, problem, x, k, memory):
        penalty = problem.blocks[k].penalty
        shares = problem.joint_ratios(x)
        factors = list(problem.split(x))
        for _ in range(self.rounds):
            for side in range(2):
                weights = factors[1 - side].sum(axis=0) + penalty.l1
                root = weights + np.sqrt(weights * weights + 4.0 * penalty.l2 * shares[side])
                factors[side] = np.divide(
                    2.0 * shares[side], root, out=np.zeros_like(factors[side]), where=root > 0
                )
        floors = (self.floor * float(factor.max()) for factor in problem.split(x))
        floored = [np.maximum(factor, floor) for factor, floor in zip(factors, floors)]
        return problem.stack(floored)[0].astype(x[k].dtype, copy=False), memory
