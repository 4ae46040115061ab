r"""Alternating direction method of multipliers on one least-squares block."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from multiconvex.checks import check_count, check_positive
from multiconvex.updates.base import Update

_FLATTEST = 1e-30


class Split(NamedTuple):
    """What ADMM carries over: the copy that satisfies the penalty, and the multiplier rho U."""

    feasible: np.ndarray
    multiplier: np.ndarray


@dataclass(frozen=True)
class ADMM(Update):
    r"""Alternating direction method of multipliers, for any penalty with a prox.

    Improves one block :math:`X` of

    .. math:: \min_X \; \tfrac12 \langle X G, X\rangle - \langle B, X\rangle + g(X)

    by a few steps on two copies, one for each term, and a scaled dual :math:`U` [1]_,

    .. math:: Z \leftarrow (B + \rho (X + U)) (G + \rho I)^{-1}, \qquad
              X \leftarrow \operatorname{prox}_{g/\rho}(Z - U), \qquad
              U \leftarrow U + X - Z,

    where ``G, B = problem.normal_equations(x, k)`` and :math:`\rho = c \operatorname{tr}(G) / r`.
    The copy :math:`X` and the multiplier :math:`\rho U` are remembered from sweep to sweep. The
    first multiplier is the gradient :math:`X G - B`, with which a minimiser stays where it is.

    Parameters
    ----------
    steps : int, default 5
        Steps on the block before moving to the next one.
    strength : float, default 1
        The factor :math:`c`: large ones keep the two copies close, small ones let them move.

    Notes
    -----
    Guarantee: never increases the objective, because the best of the old block and of the copies
    that satisfy the penalty is returned; exact in the limit of many steps for a convex penalty, a
    heuristic for one that is not.

    Cost: one product with the data and one Cholesky factorisation per block, then O(n r^2) and one
    prox per step.

    Chapter: :doc:`/chapters/theory/complete_dictionary_learning`

    References
    ----------
    .. [1] K. Huang, N. D. Sidiropoulos and A. P. Liavas, "A flexible and efficient algorithmic
       framework for constrained matrix and tensor factorization", IEEE Transactions on Signal
       Processing 64, 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import nnls
    >>> W = np.array([[1.0, 0.0], [0.0, 2.0]])
    >>> nnls(W, np.array([3.0, -1.0]), update=ADMM(), tol=1e-12).x.round(4)
    array([3., 0.])
    """

    steps: int = 5
    strength: float = 1.0
    requires: ClassVar[tuple[str, ...]] = ("normal_equations",)

    def __post_init__(self):
        check_count("steps", self.steps)
        check_positive("strength", self.strength)

    def start(self, problem, x, k):
        gram, rhs = problem.normal_equations(x, k)
        return Split(x[k], x[k] @ gram - rhs)

    def __call__(self, problem, x, k, memory):
        gram, rhs = problem.normal_equations(x, k)
        penalty = problem.blocks[k].penalty
        rho = max(self.strength * float(np.trace(gram)) / len(gram), _FLATTEST)
        factor = cho_factor(gram + rho * np.eye(len(gram), dtype=gram.dtype))
        feasible, dual = memory.feasible, memory.multiplier / rho
        kept = _Best(gram, rhs, penalty, x[k])
        for _ in range(self.steps):
            free = cho_solve(factor, (rhs + rho * (feasible + dual)).T).T
            feasible = penalty.prox(free - dual, 1.0 / rho)
            dual = dual + feasible - free
            kept.compare(feasible)
        return kept.block.copy(), Split(feasible, rho * dual)


class _Best:
    """The best block seen; values are measured from the first one, to spare cancellation."""

    def __init__(self, gram, rhs, penalty, block):
        self.gram, self.penalty, self.first, self.block = gram, penalty, block, block
        self.slope, self.value, self.change = block @ gram - rhs, penalty.value(block), 0.0

    def compare(self, block):
        move = block - self.first
        change = float(np.vdot(self.slope + 0.5 * (move @ self.gram), move))
        change += self.penalty.value(block) - self.value
        if change < self.change:
            self.block, self.change = block, change
