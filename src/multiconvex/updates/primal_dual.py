r"""Primal-dual steps for the Kullback-Leibler divergence."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import njit

from multiconvex.checks import check_count, check_positive
from multiconvex.penalties import NonNegative
from multiconvex.row_kernels import (
    gather_row,
    longest_row,
    multiplicative_row,
    row_value,
    stored_rows,
)
from multiconvex.updates.base import Update


@dataclass(frozen=True)
class PrimalDual(Update):
    r"""Steps on one block and on the multipliers of its model, for the Kullback-Leibler loss.

    The rows of a block are problems of their own. For a row :math:`t \ge 0` with data :math:`y`,
    design :math:`A` and :math:`c = A^T 1`,

    .. math:: \min_{t \ge 0} \; (c + \lambda_1)^T t + \tfrac{\lambda_2}{2} \|t\|^2
              - \sum_{y_j > 0} y_j \log (A t)_j
              \;=\; \min_{t \ge 0} \max_{p < 0} \; (c + \lambda_1 + A^T p)^T t
              + \tfrac{\lambda_2}{2} \|t\|^2 + \sum_{y_j > 0} y_j \log (-p_j) + \text{const}.

    Each step moves both along their slopes, with step sizes of their own [1]_:

    .. math::
        t^+ &= \Bigl[\frac{t - \tau * (c + \lambda_1 + A^T p)}{1 + \lambda_2 \tau}\Bigr]_+, \\
        u &= p + \sigma * A (2 t^+ - t), \qquad
        p^+ = \tfrac12 \bigl(u - \sqrt{u^2 + 4 \sigma * y}\bigr).

    Here :math:`\tau_q = \gamma / \sum_j A_{jq}` and :math:`\sigma_j = 1 / (\gamma \sum_q A_{jq})`
    [2]_, with :math:`\gamma` a multiple of :math:`\sum y / \sum A`. Multipliers start at
    :math:`-y / (A t)`, which is what they are at a solution. Zeros of the data have none, because
    the linear term stays with :math:`t`: sparse data have sparse multipliers.

    Parameters
    ----------
    steps : int, default 15
        Steps on each row before moving to the next one.
    strength : float, default 3
        The multiple: large ones favour the step on the block, small ones that on its multipliers.

    Notes
    -----
    Guarantee: never increases the objective, because a row that the steps did not improve takes a
    multiplicative update instead; exact in the limit of many steps.

    Cost: two products with the stored entries of each row per step, and no logarithm but two at
    the ends.

    Chapter: :doc:`/chapters/open_problems/nmf_solvers`

    References
    ----------
    .. [1] F. Yanez and F. Bach, "Primal-dual algorithms for non-negative matrix factorization with
       the Kullback-Leibler divergence", ICASSP 2017.
    .. [2] T. Pock and A. Chambolle, "Diagonal preconditioning for first order primal-dual
       algorithms in convex optimization", ICCV 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import nnkl
    >>> nnkl(np.eye(2), np.array([3.0, 1.0]), update=PrimalDual(), tol=1e-14).x.round(4)
    array([3., 1.])
    """

    steps: int = 15
    strength: float = 3.0
    requires: ClassVar[tuple[str, ...]] = ("kullback_leibler_rows",)
    handles: ClassVar[tuple[type, ...]] = (NonNegative,)

    def __post_init__(self):
        check_count("steps", self.steps)
        check_positive("strength", self.strength)

    def __call__(self, problem, x, k, memory):
        rows, design = problem.kullback_leibler_rows(x, k)
        penalty = problem.blocks[k].penalty
        block = x[k].copy()
        weights = design.sum(axis=0) + design.dtype.type(penalty.l1)
        primal_dual_rows(
            *stored_rows(rows), design, weights, float(penalty.l2), self.steps, self.strength, block
        )
        return block, memory


@njit(cache=True, error_model="numpy")
def primal_dual_rows(data, indices, indptr, design, weights, l2, steps, strength, block):
    """Take steps on every row of ``block``, in place; ``weights`` are c plus l1."""
    rank = design.shape[1]
    longest = longest_row(indptr)
    gathered = np.empty((rank, longest), design.dtype)
    model, dual, sigma = np.empty((3, longest), design.dtype)
    tau, new = np.empty(rank, design.dtype), np.empty(rank, design.dtype)
    tiny = np.finfo(design.dtype).tiny ** 0.25
    for i in range(len(indptr) - 1):
        first, size = indptr[i], indptr[i + 1] - indptr[i]
        t, y = block[i], data[first : first + size]
        h, z, p, s = gathered[:, :size], model[:size], dual[:size], sigma[:size]
        gather_row(indices[first : first + size], design, h)
        before = row_value(y, h, weights, l2, tiny, t, z)
        for j in range(size):
            p[j] = -y[j] / z[j]
        _set_steps(y, h, strength, tau, s)
        for q in range(rank):
            new[q] = t[q] if tau[q] > 0.0 or weights[q] == 0.0 else 0.0
        for _ in range(steps):
            _step(y, h, weights, l2, tau, s, new, p, z)
        if row_value(y, h, weights, l2, tiny, new, z) < before:
            t[:] = new
        else:
            multiplicative_row(y, h, weights, l2, tiny, t, z)


@njit(cache=True, error_model="numpy")
def _set_steps(y, h, strength, tau, sigma):
    """Set the step sizes of both variables from row and column sums."""
    sigma[:] = 0.0
    total = 0.0
    for q in range(len(h)):
        column = 0.0
        for j in range(len(y)):
            column += h[q, j]
            sigma[j] += h[q, j]
        tau[q] = column
        total += column
    gamma = strength * y.sum() / max(total, 1e-300)
    for q in range(len(h)):
        tau[q] = gamma / tau[q] if tau[q] > 0.0 else 0.0
    for j in range(len(y)):
        sigma[j] = 1.0 / (gamma * sigma[j]) if gamma * sigma[j] > 0.0 else 0.0


@njit(cache=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _step(y, h, weights, l2, tau, sigma, t, p, z):
    """Move ``t`` and then the multipliers ``p``, both in place."""
    z[:] = 0.0
    for q in range(len(t)):
        total = weights[q]
        for j in range(len(y)):
            total += h[q, j] * p[j]
        moved = max((t[q] - tau[q] * total) / (1.0 + l2 * tau[q]), 0.0)
        ahead = 2.0 * moved - t[q]
        t[q] = moved
        for j in range(len(y)):
            z[j] += h[q, j] * ahead
    for j in range(len(y)):
        u = p[j] + sigma[j] * z[j]
        p[j] = 0.5 * (u - np.sqrt(u * u + 4.0 * sigma[j] * y[j]))
