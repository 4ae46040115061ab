r"""Group lasso solved to its optimum, and the derivative of that optimum in the groups.

Norms are rounded off by a length :math:`\delta` that is far below the size of the weights,

.. math::
    F(w) = \tfrac12 w^\top G w - b^\top w + \lambda \sum_l n_l, \qquad
    n_l = \sqrt{\textstyle\sum_p Q_{lp} w_p^2 + \delta^2},

with :math:`G = X^\top X + \mu I`, :math:`b = X^\top y` and squared memberships :math:`Q` of shape
(L, P). A group that vanishes then needs no case of its own: its :math:`\lambda / \delta` in the
second derivative keeps its features where they are.
"""

import numpy as np
from numba import njit

_FIRST, _LAST, _FACTOR = 1e-3, 1e-8, 0.05
_MAX_STEPS = 60


@njit(cache=True, error_model="numpy")
def _objective(gram, rhs, square, lam, tiny, w):
    norms = np.sqrt(square @ (w * w) + tiny)
    return 0.5 * np.dot(w, gram @ w) - np.dot(rhs, w) + lam * norms.sum()


@njit(cache=True, error_model="numpy")
def _jacobian(gram, square, lam, tiny, w):
    r"""Return :math:`\lambda / n_l` and the second derivative of F.

    .. math:: G + \lambda \sum_l \bigl( \mathrm{diag}(Q_l) / n_l
              - (Q_l * w)(Q_l * w)^\top / n_l^3 \bigr)
    """
    norms = np.sqrt(square @ (w * w) + tiny)
    scale = lam / norms
    out = gram.copy()
    for l in range(len(square)):
        loaded = square[l] * w
        bend = scale[l] / (norms[l] * norms[l])
        for i in range(len(w)):
            out[i, i] += scale[l] * square[l, i]
            for j in range(len(w)):
                out[i, j] -= bend * loaded[i] * loaded[j]
    return scale, out


@njit(cache=True, error_model="numpy")
def _descend(gram, rhs, square, lam, tiny, w):
    """Return the minimiser of F by Newton steps from ``w``, halved until they descend."""
    noise = 4.0 * np.finfo(np.float64).eps
    value = _objective(gram, rhs, square, lam, tiny, w)
    for _ in range(_MAX_STEPS):
        scale, system = _jacobian(gram, square, lam, tiny, w)
        slope = gram @ w - rhs + (scale @ square) * w
        move = np.linalg.solve(system, slope)
        gain = np.dot(slope, move)
        if gain <= noise * noise * abs(value):
            break
        t = 1.0
        new = w - move
        found = _objective(gram, rhs, square, lam, tiny, new)
        while found > value - 1e-4 * t * gain + noise * abs(value) and t > noise:
            t *= 0.5
            new = w - t * move
            found = _objective(gram, rhs, square, lam, tiny, new)
        w, value = new, found
    return w


@njit(cache=True, error_model="numpy")
def _solve(gram, rhs, square, lam, w):
    r"""Return the minimiser of F for the last :math:`\delta`, and the square of that.

    Lengths shrink step by step while a norm is hardly longer, and at once where none is. They are
    in units of the start ``w``.
    """
    unit = np.sqrt(np.dot(w, w))
    if unit == 0.0:
        return w, 1.0
    length = _FIRST
    while True:
        tiny = (length * unit) ** 2
        w = _descend(gram, rhs, square, lam, tiny, w)
        if length <= _LAST:
            return w, tiny
        clear = np.min(square @ (w * w)) > 100.0 * tiny
        length = _LAST if clear else max(_FACTOR * length, _LAST)


@njit(cache=True, error_model="numpy")
def implicit_tasks(
    gram, inverse, rhs, X_val, Y_val, square, lam, tasks, values, gradients, coef
):  # fmt: skip
    r"""Write validation losses, their derivatives in ``square`` and the weights of several tasks.

    With the slope g of the loss and :math:`H x = g`, the derivative in :math:`Q_{lp}` is

    .. math:: -\lambda \Bigl( \frac{x_p w_p}{n_l}
              - \frac{w_p^2}{2 n_l^3} \sum_i Q_{li} x_i w_i \Bigr) .
    """
    for i in range(len(tasks)):
        t = tasks[i]
        w, tiny = _solve(gram[t], rhs[t], square, lam, inverse[t] @ rhs[t])
        scale, system = _jacobian(gram[t], square, lam, tiny, w)
        gap = X_val[t] @ w - Y_val[t]
        x = np.linalg.solve(system, gap @ X_val[t])
        turn = (square @ (x * w)) * scale**3 / (2.0 * lam * lam)
        for l in range(len(square)):
            for p in range(len(w)):
                gradients[i, l, p] = w[p] * (turn[l] * w[p] - scale[l] * x[p])
        values[i] = 0.5 * np.dot(gap, gap)
        coef[i] = w
