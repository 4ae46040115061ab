r"""Majorants of the second-order model with one curvature for each coordinate."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import njit

from multiconvex.checks import check_count, check_positive
from multiconvex.penalties import NonNegative
from multiconvex.updates.base import Update
from multiconvex.updates.multiplicative import MultiplicativeUpdate

_TILE = 64
_FALLBACK = MultiplicativeUpdate(floor=0.0)


@dataclass(frozen=True)
class MSOM(Update):
    r"""Steps on a diagonal majorant of the second-order model, with unit test vector [1]_.

    Improves one block :math:`X` under nonnegativity with weights
    :math:`\lambda_1 \sum X + \tfrac{\lambda_2}{2} \|X\|_F^2` by

    .. math:: X \leftarrow \Bigl[ X - \gamma \, \frac{\nabla f(X) + \lambda_1 + \lambda_2 X}
              {|\nabla^2 f(X)| \mathbf 1 + \lambda_2} \Bigr]_+ ,

    entry by entry, where :math:`|\nabla^2 f| \mathbf 1` are the row sums of the magnitudes of the
    second derivatives, which ``problem.curvature_sums(x, k)`` returns. They form a diagonal matrix
    above the Hessian (:func:`multiconvex.separable_curvature` with ``u = 1``).

    For a quadratic loss all steps work on ``G, B = problem.normal_equations(x, k)``. For other
    losses the Hessian changes with the point, and a step can go too far; one that increases the
    objective is replaced by a multiplicative update.

    Parameters
    ----------
    gamma : float, default 1.9
        Length of a step in units of the one that minimises the majorant, strictly between 0 and
        2. At 2 the iterates of a quadratic may cycle.
    steps : int, default 10
        Largest number of steps on the block.
    inner_tol : float, default 0.01
        Rows stop early once a step changes them by less than this fraction of what the first step
        changed (root mean square over a tile of rows for a quadratic loss, over the block
        otherwise); 0 makes all steps.

    Notes
    -----
    Guarantee: never increases the objective; for a quadratic loss, repeated steps converge to a
    minimiser over the block.

    Cost: quadratic: one product with the data per block, then O(n r^2) per step. Otherwise each
    step takes a gradient, the curvatures and one loss: about three multiplicative updates.

    Chapter: :doc:`/chapters/algorithms/median_majorants`

    References
    ----------
    .. [1] M.-Q. Pham, J. E. Cohen and T. Chonavel, "A fast multiplicative updates algorithm for
       nonnegative matrix factorization", TMLR, 2026.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import nnls
    >>> W = np.array([[1.0, 0.0], [1.0, 2.0]])
    >>> nnls(W, np.array([3.0, 1.0]), update=MSOM()).x.round(6)
    array([2., 0.])
    """

    gamma: float = 1.9
    steps: int = 10
    inner_tol: float = 0.01
    requires: ClassVar[tuple[str, ...]] = ("curvature_sums",)
    handles: ClassVar[tuple[type, ...]] = (NonNegative,)

    def __post_init__(self):
        check_positive("gamma", self.gamma)
        if self.gamma >= 2.0:
            raise ValueError(
                f"gamma must lie strictly between 0 and 2, got {self.gamma}: at 2 the iterates "
                "may cycle, and beyond they diverge."
            )
        check_count("steps", self.steps)
        check_positive("inner_tol", self.inner_tol, allow_zero=True)

    def __call__(self, problem, x, k, memory):
        move = self._on_model if hasattr(problem, "normal_equations") else self._on_data
        return move(problem, x, k), memory

    def _on_model(self, problem, x, k):
        """Take all steps on the normal equations, which are the loss."""
        gram, rhs = problem.normal_equations(x, k)
        penalty = problem.blocks[k].penalty
        curvature = problem.curvature_sums(x, k)[0] + penalty.l2
        block = np.empty_like(x[k])
        descend(
            x[k],
            gram,
            rhs,
            curvature,
            float(penalty.l1),
            float(penalty.l2),
            float(self.gamma),
            self.steps,
            self.inner_tol**2,
            block,
        )
        return block

    def _on_data(self, problem, x, k):
        """Take each step from new derivatives, and undo it where the objective rises."""
        objective = problem.objective(x)
        for step in range(self.steps):
            trial = (*x[:k], second_order_step(problem, x, k, self.gamma), *x[k + 1 :])
            value = problem.objective(trial)
            if not value <= objective:
                trial = (*x[:k], _FALLBACK(problem, x, k, None)[0], *x[k + 1 :])
                value = problem.objective(trial)
            moved = np.linalg.norm(trial[k] - x[k])
            x, objective = trial, value
            if step == 0:
                first = moved
            if moved <= self.inner_tol * first:
                break
        return x[k]


def separable_curvature(hessian, u):
    r"""Return the diagonal of a matrix above a symmetric one, for any positive test vector.

    .. math:: A_u = \operatorname{diag}\Bigl(\frac{|H| u}{u}\Bigr), \qquad A_u - H \succeq 0,

    because :math:`2 |d_i d_j| \le \frac{u_j}{u_i} d_i^2 + \frac{u_i}{u_j} d_j^2`; where
    :math:`H \ge 0` entry by entry, :math:`(A_u - H) u = 0` and nothing can be taken off.

    Parameters
    ----------
    hessian : ndarray, shape (r, r)
        Symmetric.
    u : ndarray, shape (r,)
        Positive. Ones give :class:`MSOM`, the current point multiplicative updates for least
        squares, the leading eigenvector gradient descent.

    Returns
    -------
    ndarray, shape (r,)

    Examples
    --------
    >>> import numpy as np
    >>> separable_curvature(np.array([[4.0, 1.0], [1.0, 1.0]]), np.array([1.0, 2.0]))
    array([6. , 1.5])
    """
    return np.abs(hessian) @ u / u


def second_order_step(problem, x, k, gamma):
    """Return block k after one step, which for losses that are not quadratic may go too far."""
    penalty = problem.blocks[k].penalty
    slope = problem.gradient(x, k) + penalty.l1 + penalty.l2 * x[k]
    curvature = problem.curvature_sums(x, k) + penalty.l2
    move = np.where(
        curvature > 0, gamma * slope * _inverse(curvature), np.where(slope > 0, x[k], 0)
    )
    return np.maximum(x[k] - move, 0.0).astype(x[k].dtype, copy=False)


def _inverse(curvature):
    """Return the reciprocals, 0 where there is no curvature."""
    return np.divide(1.0, curvature, out=np.zeros_like(curvature), where=curvature > 0)


@njit(cache=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def descend(start, gram, rhs, curvature, l1, l2, gamma, steps, tol, out):
    """Repeat X <- [X M + C]_+ from ``start``, and write to ``out``.

    With D the diagonal matrix of the curvatures over gamma, M = I - (gram + l2 I) D^-1 and
    C = (rhs - l1) D^-1. All columns move together. A tile of rows, stored by column, makes its
    steps in first-level cache, and stops once a step changes it by ``tol`` of what the first
    changed, both squared.
    """
    n, rank = start.shape
    lengths = np.zeros(rank, start.dtype)
    matrix = np.eye(rank).astype(start.dtype)
    for q in range(rank):
        if curvature[q] > 0.0:
            lengths[q] = gamma / curvature[q]
        matrix[:, q] -= lengths[q] * gram[:, q]
        matrix[q, q] -= lengths[q] * l2
    x = np.empty((rank, _TILE), start.dtype)
    shift = np.empty((rank, _TILE), start.dtype)
    new = np.empty((rank, _TILE), start.dtype)
    for first in range(0, n, _TILE):
        size = min(_TILE, n - first)
        for i in range(size):
            for q in range(rank):
                x[q, i] = start[first + i, q]
                shift[q, i] = (rhs[first + i, q] - l1) * lengths[q]
        first_change = 0.0
        for step in range(steps):
            for q in range(rank):
                for i in range(size):
                    new[q, i] = shift[q, i]
                for p in range(rank):
                    weight = matrix[p, q]
                    for i in range(size):
                        new[q, i] += weight * x[p, i]
            change = 0.0
            for q in range(rank):
                for i in range(size):
                    value = max(new[q, i], 0.0)
                    change += (value - x[q, i]) ** 2
                    x[q, i] = value
            if step == 0:
                first_change = change
            if change <= tol * first_change:
                break
        out[first : first + size] = x[:, :size].T
