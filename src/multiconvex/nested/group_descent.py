r"""Compiled loops of the group lasso, task by task, each ended by its duality gap.

With :math:`G = X^\top X + \mu I` and :math:`c = X^\top y` a task is

.. math:: \min_w \; \tfrac12 w^\top G w - c^\top w + \tfrac12 \|y\|^2
          + \lambda \sum_l \|\theta_l * w\|.

The features of group l are ``features[starts[l]:starts[l + 1]]``.
"""

import math

import numpy as np
from numba import njit

from multiconvex.nested.group_kernels import INNER, apply_symmetric, assign

_NEWTON_STEPS = 50
_STEPS_PER_GAP = 10
_INSIDE = 1.0 - 1e-9
_TINY = 1e-300


@njit(cache=True, error_model="numpy")
def descend_blocks(
    gram, rhs, energy, lam, features, starts, vectors, values, tol, max_iter, coef, gaps
):
    """Solve tasks whose groups are disjoint; write their weights and relative gaps.

    ``values[t]`` and ``vectors[t]`` hold the eigenvalues of the diagonal blocks of the Gram matrix
    and their eigenvectors, blocks one after the other. Returns the most sweeps that a task took.
    """
    most = 0
    slope = np.empty(rhs.shape[1])
    for t in range(len(rhs)):
        assign(rhs[t], slope)
        gap = _disjoint_gap(rhs[t], energy[t], lam, features, starts, coef[t], slope)
        sweep = 0
        while gap > tol and sweep < max_iter:
            sweep += 1
            for l in range(len(starts) - 1):
                _move_block(
                    gram[t], lam, features, starts[l], starts[l + 1], vectors[t], values[t],
                    coef[t], slope,
                )  # fmt: skip
            gap = _disjoint_gap(rhs[t], energy[t], lam, features, starts, coef[t], slope)
        gaps[t] = gap
        most = max(most, sweep)
    return most


@njit(**INNER)
def _move_block(gram, lam, features, first, last, vectors, values, w, slope):
    r"""Minimise over one group, and keep ``slope = rhs - gram @ w``.

    With :math:`r` the slope without the group, it is zero where :math:`\|r\| \le \lambda`, and
    :math:`(G_{ll} + \lambda / \rho)^{-1} r` otherwise, with :math:`\rho` the norm of that vector.
    """
    size = last - first
    turned = np.zeros(size)
    for i in range(first, last):
        pull = slope[features[i]]
        for j in range(first, last):
            pull += gram[features[i], features[j]] * w[features[j]]
        for j in range(size):
            turned[j] += vectors[i, j] * pull
    rho = _norm_of_block(turned, values[first:last], lam)
    for j in range(size):
        turned[j] *= rho / (values[first + j] * rho + lam)
    for i in range(first, last):
        new = 0.0
        for j in range(size):
            new += vectors[i, j] * turned[j]
        change = new - w[features[i]]
        w[features[i]] = new
        if change != 0.0:
            for p in range(len(w)):
                slope[p] -= gram[features[i], p] * change


@njit(**INNER)
def _norm_of_block(turned, values, lam):
    r"""Return the root of :math:`\sum_i r_i^2 / (s_i \rho + \lambda)^2 = 1`, 0 where there is none.

    Newton's method on the inverse square root of the left side, which is concave and increasing:
    from zero the iterates rise to the root or pass it once.
    """
    rho = 0.0
    for _ in range(_NEWTON_STEPS):
        total, bend = 0.0, 0.0
        for i in range(len(turned)):
            down = values[i] * rho + lam
            part = (turned[i] / down) ** 2
            total += part
            bend += part * values[i] / down
        if bend <= 0.0 or (rho == 0.0 and total <= 1.0):
            break
        move = total * (math.sqrt(total) - 1.0) / bend
        rho = max(rho + move, 0.0)
        if abs(move) <= 1e-15 * rho:
            break
    return rho


@njit(**INNER)
def _disjoint_gap(rhs, energy, lam, features, starts, w, slope):
    """Return the gap over half the energy: the scaled residual is a feasible dual point."""
    norms, largest, along, residual = 0.0, 0.0, energy, energy
    for l in range(len(starts) - 1):
        weight, pull = 0.0, 0.0
        for i in range(starts[l], starts[l + 1]):
            p = features[i]
            weight += w[p] * w[p]
            pull += slope[p] * slope[p]
            along -= rhs[p] * w[p]
            residual -= (rhs[p] + slope[p]) * w[p]
        norms += math.sqrt(weight)
        largest = max(largest, math.sqrt(pull))
    residual = max(residual, 0.0)
    scale = min(1.0, lam / largest) if largest > 0.0 else 1.0
    dual = scale * along - 0.5 * scale * scale * residual
    return (0.5 * residual + lam * norms - dual) / max(0.5 * energy, _TINY)


@njit(cache=True, error_model="numpy")
def descend_dual(
    gram, inverse, rhs, energy, lam, features, masks, starts, steps, tol, max_iter, coef, gaps
):
    r"""Solve tasks with any memberships; write their weights and relative gaps.

    Accelerated projected gradients on the dual,

    .. math:: \min_u \; \tfrac12 (c - \textstyle\sum_l \theta_l * u_l)^\top G^{-1}
              (c - \sum_l \theta_l * u_l), \qquad \|u_l\| \le \lambda,

    restarted where they go uphill. ``masks`` holds the memberships of ``features``. Returns the
    most steps that a task took.
    """
    most = 0
    u, ahead = np.empty(len(masks)), np.empty(len(masks))
    for t in range(len(rhs)):
        u[:], ahead[:] = 0.0, 0.0
        momentum, count, gap = 1.0, 0, np.inf
        while gap > tol and count < max_iter:
            for _ in range(min(_STEPS_PER_GAP, max_iter - count)):
                count += 1
                momentum = _dual_step(
                    inverse[t], rhs[t], lam, features, masks, starts, steps[t], ahead, u, momentum
                )
            gap = _dual_gap(
                gram[t], inverse[t], rhs[t], energy[t], lam, features, masks, starts, u, coef[t]
            )
        gaps[t] = gap
        most = max(most, count)
    return most


@njit(**INNER)
def _apply(matrix, x):
    out = np.empty(len(x))
    apply_symmetric(matrix, x, out)
    return out


@njit(**INNER)
def _left(rhs, features, masks, u):
    left = np.empty(len(rhs))
    assign(rhs, left)
    for i in range(len(u)):
        left[features[i]] -= masks[i] * u[i]
    return left


@njit(**INNER)
def _dual_step(inverse, rhs, lam, features, masks, starts, step, ahead, u, momentum):
    """Move the extrapolated point and the point, and return the next momentum."""
    weights = _apply(inverse, _left(rhs, features, masks, ahead))
    new, uphill = np.empty(len(u)), 0.0
    for l in range(len(starts) - 1):
        square = 0.0
        for i in range(starts[l], starts[l + 1]):
            new[i] = ahead[i] + step * masks[i] * weights[features[i]]
            square += new[i] * new[i]
        scale = lam / math.sqrt(square) if square > lam * lam else 1.0
        for i in range(starts[l], starts[l + 1]):
            new[i] *= scale
            uphill += (ahead[i] - new[i]) * (new[i] - u[i])
    following = 0.5 * (1.0 + math.sqrt(1.0 + 4.0 * momentum * momentum))
    weight = (momentum - 1.0) / following
    if uphill > 0.0:
        following, weight = 1.0, 0.0
    for i in range(len(u)):
        ahead[i] = new[i] + weight * (new[i] - u[i])
        u[i] = new[i]
    return following


@njit(**INNER)
def _dual_gap(gram, inverse, rhs, energy, lam, features, masks, starts, u, w):
    """Write the weights of a dual point and return its gap over half the energy.

    A group whose dual vector is inside its ball is zero at the solution: its weights are set to
    zero as soon as that lowers the primal objective.
    """
    left = _left(rhs, features, masks, u)
    weights = _apply(inverse, left)
    dual = 0.5 * energy
    for p in range(len(left)):
        dual -= 0.5 * left[p] * weights[p]
        w[p] = weights[p]
    for l in range(len(starts) - 1):
        square = 0.0
        for i in range(starts[l], starts[l + 1]):
            square += u[i] * u[i]
        if square < lam * lam * _INSIDE:
            for i in range(starts[l], starts[l + 1]):
                w[features[i]] = 0.0
    primal = _primal(gram, rhs, energy, lam, features, masks, starts, weights)
    rounded = _primal(gram, rhs, energy, lam, features, masks, starts, w)
    if rounded > primal:
        assign(weights, w)
    return (min(primal, rounded) - dual) / max(0.5 * energy, _TINY)


@njit(**INNER)
def _primal(gram, rhs, energy, lam, features, masks, starts, w):
    value, pulls = 0.5 * energy, _apply(gram, w)
    for p in range(len(w)):
        value += w[p] * (0.5 * pulls[p] - rhs[p])
    for l in range(len(starts) - 1):
        square = 0.0
        for i in range(starts[l], starts[l + 1]):
            square += (masks[i] * w[features[i]]) ** 2
        value += lam * math.sqrt(square)
    return value
