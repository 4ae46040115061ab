r"""Newton steps for the Kullback-Leibler divergence on the model's total mass."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import njit

from multiconvex.checks import check_count
from multiconvex.penalties import NonNegative
from multiconvex.row_kernels import gather_row, longest_row, model_row, stored_rows
from multiconvex.updates.base import Update

_HALVINGS = 30
_EMPTY = 1e-6


@dataclass(frozen=True)
class ConstrainedNewton(Update):
    r"""Second-order steps on the form of the Kullback-Leibler problem with a linear constraint.

    At a minimiser the model has the mass of the data, so the linear term of the loss is known and
    becomes a constraint [1]_. For a row :math:`t` with data :math:`y`, design :math:`A` and
    :math:`c = A^T 1 + \lambda_1`,

    .. math:: \min_{t \ge 0} \; - \sum_{y_j > 0} y_j \log (A t)_j \quad\text{subject to}\quad
              c^T t = \sum_j y_j .

    A step scales the row to the constraint, minimises the second-order model there exactly,

    .. math:: \min_{v \ge 0} \; \tfrac12 v^T G v - 2 b^T v \quad\text{subject to}\quad
              c^T v = \sum_j y_j, \qquad
              G = \sum_j \frac{y_j}{z_j^2} a_j a_j^T, \quad b = \sum_j \frac{y_j}{z_j} a_j ,

    where :math:`z = A t` and :math:`a_j` are the rows of :math:`A`, by an active set, and goes from
    :math:`t` towards :math:`v`, halving the way until the objective falls enough and no entry of
    the model is divided by more than a million. (The gradient is :math:`-b = -G t`, hence the
    factor 2.) The same idea estimates the proportions of mixtures
    [2]_.

    Parameters
    ----------
    steps : int, default 2
        Newton steps on each row before moving to the next one.

    Notes
    -----
    Guarantee: never increases the objective; entries at zero can grow again.

    Cost: O(rank^2) for each stored entry per step, and the active set, O(rank^3) per change of
    support.

    Chapter: :doc:`/chapters/open_problems/nmf_solvers`

    References
    ----------
    .. [1] J. E. Cohen, "Regularized low-rank approximations", habilitation, 2026, section 23.2.2.
    .. [2] Y. Kim, P. Carbonetto, M. Stephens and M. Anitescu, "A fast algorithm for maximum
       likelihood estimation of mixture proportions using sequential quadratic programming",
       Journal of Computational and Graphical Statistics 29, 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import nnkl
    >>> nnkl(np.eye(2), np.array([3.0, 1.0]), update=ConstrainedNewton()).x.round(6)
    array([3., 1.])
    """

    steps: int = 2
    requires: ClassVar[tuple[str, ...]] = ("kullback_leibler_rows",)
    handles: ClassVar[tuple[type, ...]] = (NonNegative,)

    def __post_init__(self):
        check_count("steps", self.steps)

    def __call__(self, problem, x, k, memory):
        penalty = problem.blocks[k].penalty
        if penalty.l2:
            raise TypeError(
                "ConstrainedNewton honours NonNegative without l2, whose solutions do not have the "
                "mass of the data: use ScalarNewton()."
            )
        rows, design = problem.kullback_leibler_rows(x, k)
        block = x[k].copy()
        weights = design.sum(axis=0, dtype=np.float64) + penalty.l1
        constrained_newton_rows(*stored_rows(rows), design, weights, self.steps, block)
        return block, memory


@njit(cache=True, error_model="numpy")
def constrained_newton_rows(data, indices, indptr, design, weights, steps, block):
    """Take Newton steps on every row of ``block``, in place; ``weights`` are c."""
    rank = design.shape[1]
    longest = longest_row(indptr)
    gathered = np.empty((rank, longest), design.dtype)
    model, along = np.empty((2, longest), design.dtype)
    tiny = np.finfo(design.dtype).tiny ** 0.25
    for i in range(len(indptr) - 1):
        first, size = indptr[i], indptr[i + 1] - indptr[i]
        y, h, t = data[first : first + size], gathered[:, :size], block[i]
        gather_row(indices[first : first + size], design, h)
        mass = 0.0
        for j in range(size):
            mass += y[j]
        _scale(t, weights, mass)
        if mass <= 0.0:
            continue
        for _ in range(steps):
            model_row(h, tiny, t, model[:size])
            curvature, pull = _second_order(y, h, model[:size])
            target = t.astype(np.float64)
            minimise_on_simplex(curvature, 2.0 * pull, weights, target)
            if not _search(y, h, pull, target, t, model[:size], along[:size]):
                break


@njit(cache=True, error_model="numpy")
def _scale(t, weights, mass):
    """Give a row the mass of the data; entries without weight stay as they are."""
    total, share = 0.0, 0.0
    for q in range(len(t)):
        total += weights[q] * t[q]
        share += weights[q]
    for q in range(len(t)):
        if weights[q] > 0.0:
            t[q] = t[q] * (mass / total) if total > 0.0 else mass / share


@njit(cache=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _second_order(y, h, z):
    """Return the second derivatives of the logarithmic term, and minus its gradient."""
    rank = len(h)
    curvature, pull = np.zeros((rank, rank)), np.zeros(rank)
    scaled = np.empty(len(y), h.dtype)
    for p in range(rank):
        for j in range(len(y)):
            scaled[j] = y[j] * h[p, j] / z[j]
        total = 0.0
        for j in range(len(y)):
            total += scaled[j]
            scaled[j] /= z[j]
        pull[p] = total
        for q in range(p + 1):
            total = 0.0
            for j in range(len(y)):
                total += scaled[j] * h[q, j]
            curvature[p, q] = curvature[q, p] = total
    return curvature, pull


@njit(cache=True, error_model="numpy")
def _search(y, h, pull, target, t, z, along):
    """Move ``t`` towards the target as far as the objective falls; return whether it moved."""
    slope = 0.0
    for q in range(len(t)):
        slope -= pull[q] * (target[q] - t[q])
    if slope >= 0.0:
        return False
    along[:] = 0.0
    for q in range(len(t)):
        for j in range(len(y)):
            along[j] += h[q, j] * (target[q] - t[q])
    step = 1.0
    for _ in range(_HALVINGS):
        change = 0.0
        for j in range(len(y)):
            ratio = 1.0 + step * along[j] / z[j]
            change -= y[j] * np.log(ratio) if ratio > _EMPTY else -np.inf
        if change <= 1e-4 * step * slope:
            for q in range(len(t)):
                t[q] = max(t[q] + step * (target[q] - t[q]), 0.0)
            return True
        step *= 0.5
    return False


@njit(cache=True, error_model="numpy")
def minimise_on_simplex(matrix, linear, weights, v):
    r"""Minimise :math:`\tfrac12 v^T G v - l^T v` over ``v >= 0`` with ``weights @ v`` kept.

    Active-set method: from the feasible ``v``, which it overwrites, it goes to the minimiser on
    the free entries, stops at the first that vanishes and fixes it; at the minimiser it frees the
    fixed entry whose multiplier is the most negative.
    """
    rank = len(v)
    free = np.empty(rank, np.bool_)
    for q in range(rank):
        free[q] = v[q] > 0.0
    size = max(np.abs(linear).max(), 1e-300)
    for _ in range(10 * rank):
        move, price = _equality_step(matrix, linear, weights, v, free)
        step, blocking = 1.0, -1
        for q in range(rank):
            if free[q] and v[q] + move[q] <= 0.0 and v[q] < -step * move[q]:
                step, blocking = -v[q] / move[q], q
        for q in range(rank):
            v[q] = max(v[q] + step * move[q], 0.0)
        if blocking >= 0:
            v[blocking], free[blocking] = 0.0, False
            continue
        worst, entering = -1e-10 * size, -1
        for q in range(rank):
            if not free[q] and weights[q] > 0.0:
                multiplier = price * weights[q] - linear[q]
                for p in range(rank):
                    multiplier += matrix[q, p] * v[p]
                if multiplier < worst:
                    worst, entering = multiplier, q
        if entering < 0:
            return
        free[entering] = True


@njit(cache=True, error_model="numpy")
def _equality_step(matrix, linear, weights, v, free):
    """Return the step to the minimiser on the free entries, and the price of the constraint."""
    rank = len(v)
    chosen = np.flatnonzero(free)
    n = len(chosen)
    system = np.zeros((n + 1, n + 2))
    for a in range(n):
        p = chosen[a]
        slope = linear[p]
        for q in range(rank):
            slope -= matrix[p, q] * v[q]
        for b in range(n):
            system[a, b] = matrix[p, chosen[b]]
        system[a, a] *= 1.0 + 1e-11
        system[a, n] = system[n, a] = weights[p]
        system[a, n + 1] = slope
    solution = _eliminate(system)
    move = np.zeros(rank)
    for a in range(n):
        move[chosen[a]] = solution[a]
    return move, solution[n]


@njit(cache=True, error_model="numpy")
def _eliminate(system):
    """Solve a square system with its right-hand side in the last column, which it overwrites."""
    n = len(system)
    for k in range(n):
        best = k
        for i in range(k + 1, n):
            if abs(system[i, k]) > abs(system[best, k]):
                best = i
        if best != k:
            for j in range(k, n + 1):
                system[k, j], system[best, j] = system[best, j], system[k, j]
        if system[k, k] == 0.0:
            continue
        for i in range(k + 1, n):
            factor = system[i, k] / system[k, k]
            for j in range(k, n + 1):
                system[i, j] -= factor * system[k, j]
    solution = np.zeros(n)
    for k in range(n - 1, -1, -1):
        total = system[k, n]
        for j in range(k + 1, n):
            total -= system[k, j] * solution[j]
        solution[k] = total / system[k, k] if system[k, k] != 0.0 else 0.0
    return solution
