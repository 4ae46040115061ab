r"""Alternating direction method of multipliers on factors that are coupled and constrained."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from multiconvex.checks import check_count, check_positive
from multiconvex.updates.base import Update

_FLATTEST = 1e-30


class CoupledSplit(NamedTuple):
    """What coupled ADMM carries over: the shared factor, and the multipliers of both splits."""

    shared: np.ndarray
    of_penalties: list
    of_coupling: list


@dataclass(frozen=True)
class CoupledADMM(Update):
    r"""Alternating direction method of multipliers on all factors of one coupling [1]_.

    Improves the factors :math:`A_i` of

    .. math:: \min_{A_i, A} \; \sum_i \tfrac12 \langle A_i G_i, A_i\rangle - \langle B_i, A_i\rangle
              + g_i(A_i) \quad\text{subject to}\quad A_i = \mathcal H_i(A)

    by steps on three copies: one that fits the data, one, :math:`Z_i`, that satisfies the penalty,
    and the image of the shared factor :math:`A`, with scaled duals :math:`U_i` and :math:`V_i`,

    .. math::
        A_i &\leftarrow \bigl( B_i + \rho_i (Z_i - U_i + \mathcal H_i(A) - V_i) \bigr)
        (G_i + 2 \rho_i I)^{-1}, \\
        A &\leftarrow \arg\min_A \sum_i \rho_i \|A_i + V_i - \mathcal H_i(A)\|^2, \\
        Z_i &\leftarrow \operatorname{prox}_{g_i / \rho_i}(A_i + U_i), \\
        U_i &\leftarrow U_i + A_i - Z_i, \qquad V_i \leftarrow V_i + A_i - \mathcal H_i(A),

    where ``[(G_i, B_i), ...] = problem.member_equations(x, k)`` and :math:`\rho_i = c
    \operatorname{tr}(G_i) / r_i`. The block holds the copies :math:`Z_i` one after the other;
    ``problem.link(k)`` has the maps and ``problem.split(k)`` takes the block apart. The shared
    factor and the multipliers :math:`\rho_i U_i`, :math:`\rho_i V_i` are remembered.

    Parameters
    ----------
    steps : int, default 10
        Largest number of steps before moving to the next block.
    strength : float, default 1
        The factor :math:`c`: large ones keep the copies close, small ones let them move.
    inner_tol : float, default 1e-3
        Steps end once the copies agree, and move, by less than this fraction.

    Notes
    -----
    Guarantee: every penalty is satisfied at any time, the coupling in the limit; converges to the
    minimiser over all coupled factors for convex penalties and many steps. The objective may rise
    while the copies come together.

    Cost: one product with each data set, one Cholesky factorisation for each factor and one of the
    coupling per block; then O(n r^2) and one prox for each factor per step.

    Chapter: :doc:`/chapters/algorithms/coupled_factorizations`

    References
    ----------
    .. [1] C. Schenker, J. E. Cohen and E. Acar, "A flexible optimization framework for regularized
       matrix-tensor factorizations with linear couplings", IEEE Journal of Selected Topics in
       Signal Processing 15, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import Coupling, NonNegative, coupled_factorization
    >>> rng = np.random.default_rng(0)
    >>> curves = rng.random((6, 2))
    >>> coupling = Coupling.on_grids([(0, 0), (1, 0)], range(6), [range(6), [0.5, 2.5, 4.5]])
    >>> data = [L @ curves @ rng.random((2, 9)) for L in coupling.left]
    >>> fit = coupled_factorization(
    ...     data, 2, couplings=[coupling], penalties=NonNegative(), weights=(1, 1), random_state=0,
    ...     max_iter=100, tol=0,
    ... )
    >>> bool(fit.coupling_gap < 1e-8), bool(fit.factors[1][0].min() >= 0)
    (True, True)
    """

    steps: int = 10
    strength: float = 1.0
    inner_tol: float = 1e-3
    requires: ClassVar[tuple[str, ...]] = ("member_equations", "link", "split")

    def __post_init__(self):
        check_count("steps", self.steps)
        check_positive("strength", self.strength)
        check_positive("inner_tol", self.inner_tol, allow_zero=True)

    def start(self, problem, x, k):
        """Return multipliers that balance the gradients, and with them an unconstrained optimum."""
        link, split = problem.link(k), problem.split(k)
        factors = split.parts(x[k])
        ones = [1.0] * len(factors)
        slopes = [
            rhs - factor @ gram
            for factor, (gram, rhs) in zip(factors, problem.member_equations(x, k))
        ]
        common = _images(link, link.closest(slopes, ones))
        across = [slope - image for slope, image in zip(slopes, common)]
        return CoupledSplit(link.closest(factors, ones), common, across)

    def __call__(self, problem, x, k, memory):
        link, split = problem.link(k), problem.split(k)
        quadratics = [
            _Quadratic(gram, rhs, self.strength) for gram, rhs in problem.member_equations(x, k)
        ]
        rho = [quadratic.rho for quadratic in quadratics]
        solve = link.normal_solver(rho)
        feasible, images = split.parts(x[k]), _images(link, memory.shared)
        duals = [u / r for u, r in zip(memory.of_penalties, rho)]
        pulls = [v / r for v, r in zip(memory.of_coupling, rho)]
        for _ in range(self.steps):
            before = feasible, images
            free = [
                quadratic.minimize(z - u + image - v)
                for quadratic, z, u, image, v in zip(quadratics, feasible, duals, images, pulls)
            ]
            shared = solve(link.pull_back([r * (a + v) for r, a, v in zip(rho, free, pulls)]))
            images = _images(link, shared)
            feasible = [
                penalty.prox(a + u, 1.0 / r)
                for penalty, a, u, r in zip(split.penalties, free, duals, rho)
            ]
            duals = [u + a - z for u, a, z in zip(duals, free, feasible)]
            pulls = [v + a - image for v, a, image in zip(pulls, free, images)]
            if _settled(self.inner_tol, free, (feasible, images), before):
                break
        of_penalties = [r * u for r, u in zip(rho, duals)]
        of_coupling = [r * v for r, v in zip(rho, pulls)]
        return split.join(feasible), CoupledSplit(shared, of_penalties, of_coupling)


class _Quadratic:
    """The data term of one factor, with the two pulls of the copies added to it.

    They make its matrix so well conditioned that an inverse loses nothing.
    """

    def __init__(self, gram, rhs, strength):
        self.rhs = rhs
        self.rho = max(strength * float(np.trace(gram)) / len(gram), _FLATTEST)
        self._inverse = np.linalg.inv(gram + 2.0 * self.rho * np.eye(len(gram), dtype=gram.dtype))

    def minimize(self, target):
        return (self.rhs + self.rho * target) @ self._inverse


def _images(link, shared):
    return [link.image(shared, j) for j in range(link.count)]


def _settled(tol, free, copies, before):
    """Return whether all copies agree, and none moves, by more than ``tol`` of their size."""
    for j, factor in enumerate(free):
        size = tol * np.linalg.norm(factor)
        for now, then in zip(copies, before):
            if max(np.linalg.norm(factor - now[j]), np.linalg.norm(now[j] - then[j])) > size:
                return False
    return True
