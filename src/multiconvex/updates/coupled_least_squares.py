"""The exact step on a factor that several data sets see through linear maps."""

from dataclasses import dataclass
from typing import ClassVar

from multiconvex.penalties import NoPenalty
from multiconvex.updates.base import Update


@dataclass(frozen=True)
class CoupledLeastSquares(Update):
    r"""The exact minimiser of a shared factor whose images no penalty constrains.

    .. math:: \min_A \; \sum_i \tfrac12 \langle A_i G_i, A_i\rangle - \langle B_i, A_i\rangle,
              \qquad A_i = L_i A \quad\text{or}\quad
              \operatorname{vec}(A_i) = H_i \operatorname{vec}(A),

    where ``[(G_i, B_i), ...] = problem.member_equations(x, k)`` and ``problem.link(k)`` has the
    maps. The normal equations :math:`\sum_i L_i^T L_i A G_i = \sum_i L_i^T B_i` are solved as one
    symmetric system for all entries.

    Notes
    -----
    Guarantee: exact, so never increases the objective.

    Cost: one product with each data set, then O((n r)^3) for a shared factor of n rows and r
    columns per sweep.

    Chapter: :doc:`/chapters/algorithms/coupled_factorizations`

    References
    ----------
    R. Cabral Farias, J. E. Cohen and P. Comon, "Exploring multimodal data fusion through joint
    decompositions with flexible couplings", IEEE Transactions on Signal Processing 64, 2016.

    Examples
    --------
    Two samplings of one curve, neither of which determines it:

    >>> import numpy as np
    >>> from multiconvex import Coupling, coupled_factorization
    >>> curve, half = np.array([[1.0], [2.0], [4.0], [3.0]]), [np.eye(4)[:2], np.eye(4)[2:]]
    >>> coupling = Coupling([(0, 0), (1, 0)], left=half)
    >>> data = [L @ curve @ np.ones((1, 3)) for L in half]
    >>> fit = coupled_factorization(data, 1, couplings=[coupling], weights=(1, 1), random_state=0)
    >>> [factor.shape for factor in fit.shared], bool(fit.objective < 1e-12)
    ([(4, 1)], True)
    """

    exact: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("member_equations", "link")
    handles: ClassVar[tuple[type, ...]] = (NoPenalty,)

    def __call__(self, problem, x, k, memory):
        grams, rhs = zip(*problem.member_equations(x, k))
        return problem.link(k).minimize(grams, rhs), memory
