"""Updates of the blocks of a PARAFAC2 model whose equations differ from slice to slice."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from multiconvex.checks import check_count, check_positive
from multiconvex.models.parafac2_problem import SliceWise
from multiconvex.parafac2_set import default_core, nearest_member, orthonormalise, rotate
from multiconvex.penalties import L2, NonNegative, NoPenalty
from multiconvex.updates.active_set import enter_rows
from multiconvex.updates.base import Update

_EPS = 16.0 * np.finfo(float).eps
_FLATTEST = 1e-30
_FIRST_ROUNDS = 50


class Copies(NamedTuple):
    """What the update of the profiles carries over.

    The copy that satisfies the penalty, the one in the PARAFAC2 set, their multipliers, and the
    core of the second.
    """

    feasible: np.ndarray
    member: np.ndarray
    penalty_multiplier: np.ndarray
    set_multiplier: np.ndarray
    core: np.ndarray


@dataclass(frozen=True)
class Parafac2ADMM(Update):
    r"""Alternating direction method of multipliers on the profiles of a PARAFAC2 model.

    .. math:: \min_{B} \; \sum_k \tfrac12 \langle B_k G_k, B_k \rangle - \langle F_k, B_k \rangle
              + g(B_k) \quad\text{subject to}\quad B_k^T B_k = B_l^T B_l

    where ``G, F = problem.slice_equations(x, k)``. Each slice has a free copy :math:`B_k`, a copy
    :math:`Z_k` for the penalty and a copy :math:`Y_k` in the PARAFAC2 set [1]_; with
    :math:`\rho_k = c \operatorname{tr}(G_k) / r`,

    .. math:: B_k &\leftarrow \bigl(F_k + \tfrac{\rho_k}{2} (Z_k - U_k + Y_k - V_k)\bigr)
              (G_k + \rho_k I)^{-1}, \\
              Z_k &\leftarrow \operatorname{prox}_{2 g / \rho_k}(B_k + U_k), \qquad
              Y \leftarrow \text{the nearest member to } B + V, \\
              U_k &\leftarrow U_k + B_k - Z_k, \qquad V_k \leftarrow V_k + B_k - Y_k .

    The new block is :math:`Z`, which satisfies the penalty and approaches the set. Multipliers are
    kept as :math:`\rho_k U_k` and :math:`\rho_k V_k`, since :math:`\rho_k` changes from sweep to
    sweep.

    Parameters
    ----------
    steps : int, default 10
        Steps before moving to the next block; each does one round of the projection.
    strength : float, default 1
        The factor :math:`c`.

    References
    ----------
    .. [1] M. Roald, C. Schenker, V. D. Calhoun, T. Adali, R. Bro, J. E. Cohen and E. Acar, "An
       AO-ADMM approach to constraining PARAFAC2 on all modes", SIAM Journal on Mathematics of
       Data Science 4, 2022.
    """

    steps: int = 10
    strength: float = 1.0
    requires: ClassVar[tuple[str, ...]] = ("slice_equations",)
    handles: ClassVar[tuple[type, ...]] = (SliceWise,)

    def __post_init__(self):
        check_count("steps", self.steps)
        check_positive("strength", self.strength)

    def start(self, problem, x, k):
        bounds, weights = problem.data.bounds, self._strengths(problem, x, k)
        core = default_core(x[k], bounds, orthonormalise(x[k], bounds)[1])
        member, core = nearest_member(x[k], bounds, weights, core, _FIRST_ROUNDS, 1e-12)
        return Copies(x[k], member, np.zeros_like(x[k]), np.zeros_like(x[k]), core)

    def __call__(self, problem, x, k, memory):
        bounds, penalty = problem.data.bounds, problem.blocks[k].penalty
        grams, rhs = problem.slice_equations(x, k)
        rho = self._strengths(problem, x, k)
        rows = rho[problem.data.owner][:, None]
        inverses = np.linalg.inv(grams + rho[:, None, None] * np.eye(grams.shape[1]))
        feasible, member, core = memory.feasible, memory.member, memory.core
        dual_z, dual_y = memory.penalty_multiplier / rows, memory.set_multiplier / rows
        for _ in range(self.steps):
            copies = feasible - dual_z + member - dual_y
            free = rotate(rhs + 0.5 * rows * copies, inverses, bounds)
            feasible = penalty.prox_each(free + dual_z, 2.0 / rho)
            member, core = nearest_member(free + dual_y, bounds, rho, core)
            dual_z = dual_z + free - feasible
            dual_y = dual_y + free - member
        return feasible.copy(), Copies(feasible, member, rows * dual_z, rows * dual_y, core)

    def _strengths(self, problem, x, k):
        grams, _ = problem.slice_equations(x, k)
        traces = np.trace(grams, axis1=1, axis2=2)
        return np.maximum(self.strength * traces / grams.shape[1], _FLATTEST)


@dataclass(frozen=True)
class RowsOfSlices(Update):
    """The exact minimiser of a block with one row a slice, free or nonnegative.

    Each row solves the equations of its slice, ``problem.slice_equations(x, k)``.
    """

    exact: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("slice_equations",)
    handles: ClassVar[tuple[type, ...]] = (NonNegative, NoPenalty, L2)

    def __call__(self, problem, x, k, memory):
        grams, rhs = problem.slice_equations(x, k)
        penalty = problem.blocks[k].penalty
        if not isinstance(penalty, NonNegative):
            ridge = getattr(penalty, "weight", 0.0) * np.eye(grams.shape[1])
            inverses = np.linalg.pinv(grams + ridge, hermitian=True)
            return np.einsum("kpq,kq->kp", inverses, rhs), memory
        block, linear = np.empty_like(x[k]), rhs - penalty.l1
        for i, gram in enumerate(grams + penalty.l2 * np.eye(grams.shape[1])):
            row = slice(i, i + 1)
            enter_rows(gram, linear[row], x[k][row], _EPS, block[row])
        return block, memory


@dataclass(frozen=True)
class BestBases(Update):
    """The exact bases of the reparametrised model: a polar factor for each slice."""

    exact: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("bases",)

    def __call__(self, problem, x, k, memory):
        return problem.bases(x), memory


@dataclass(frozen=True)
class Held(Update):
    """A block that stays as it is."""

    def __call__(self, problem, x, k, memory):
        return x[k].copy(), memory
