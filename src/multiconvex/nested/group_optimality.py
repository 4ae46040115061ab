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

from multiconvex.nested.group_kernels import INNER, apply_symmetric, validate
from multiconvex.triangular import back_substitution, cholesky, forward_substitution

_FIRST, _LAST, _FACTOR = 1e-3, 1e-8, 0.05
_MAX_STEPS = 60
_FASTMATH = {"contract", "reassoc", "nsz"}


@njit(**INNER, fastmath=_FASTMATH)
def _objective(gram, rhs, square, lam, tiny, w):
    value = 0.0
    for i in range(len(w)):
        pull = 0.0
        for j in range(len(w)):
            pull += gram[i, j] * w[j]
        value += w[i] * (0.5 * pull - rhs[i])
    for l in range(len(square)):
        value += lam * _norm(square[l], tiny, w)
    return value


@njit(**INNER, fastmath=_FASTMATH)
def _norm(weights, tiny, w):
    total = tiny
    for p in range(len(w)):
        total += weights[p] * w[p] * w[p]
    return np.sqrt(total)


@njit(**INNER, fastmath=_FASTMATH)
def _jacobian(gram, square, lam, tiny, w, scale, system):
    r"""Write :math:`\lambda / n_l` and the lower triangle of the second derivative of F.

    .. math:: G + \lambda \sum_l \bigl( \mathrm{diag}(Q_l) / n_l
              - (Q_l * w)(Q_l * w)^\top / n_l^3 \bigr)
    """
    for i in range(len(w)):
        for j in range(i + 1):
            system[i, j] = gram[i, j]
    loaded = np.empty(len(w))
    for l in range(len(square)):
        norm = _norm(square[l], tiny, w)
        scale[l] = lam / norm
        for i in range(len(w)):
            loaded[i] = square[l, i] * w[i]
            bend = scale[l] * loaded[i] / (norm * norm)
            for j in range(i + 1):
                system[i, j] -= bend * loaded[j]
            system[i, i] += scale[l] * square[l, i]


@njit(**INNER)
def _solve(system, x):
    """Replace ``x`` by the solution of a system, given by its lower triangle, which is lost."""
    if not cholesky(system, len(x)):
        raise ValueError("ridge is too small to differentiate the solution: raise it.")
    forward_substitution(system, len(x), x)
    back_substitution(system, len(x), x)


@njit(**INNER, fastmath=_FASTMATH)
def _newton_step(gram, rhs, square, lam, tiny, w, scale, system, move):
    """Write Newton's step from ``w`` and return the decrease that its model promises, twice."""
    _jacobian(gram, square, lam, tiny, w, scale, system)
    slope = np.empty(len(w))
    for i in range(len(w)):
        slope[i] = -rhs[i]
        for j in range(len(w)):
            slope[i] += gram[i, j] * w[j]
        for l in range(len(square)):
            slope[i] += scale[l] * square[l, i] * w[i]
        move[i] = slope[i]
    _solve(system, move)
    gain = 0.0
    for i in range(len(w)):
        gain += slope[i] * move[i]
    return gain


@njit(**INNER)
def _descend(gram, rhs, square, lam, tiny, w, scale, system):
    """Move ``w`` to the minimiser of F by Newton steps, halved until they descend."""
    noise = 4.0 * np.finfo(np.float64).eps
    value = _objective(gram, rhs, square, lam, tiny, w)
    move, new = np.empty_like(w), np.empty_like(w)
    for _ in range(_MAX_STEPS):
        gain = _newton_step(gram, rhs, square, lam, tiny, w, scale, system, move)
        if gain <= noise * noise * abs(value):
            break
        t, found = 2.0, np.inf
        while found > value - 1e-4 * t * gain + noise * abs(value) and t > noise:
            t *= 0.5
            for i in range(len(w)):
                new[i] = w[i] - t * move[i]
            found = _objective(gram, rhs, square, lam, tiny, new)
        value = found
        for i in range(len(w)):
            w[i] = new[i]


@njit(**INNER)
def _minimise(gram, rhs, square, lam, w, scale, system):
    r"""Move ``w`` to the minimiser of F for the last :math:`\delta`, and return the square of that.

    Lengths shrink step by step while a norm is hardly longer, and at once where none is. They are
    in units of the start.
    """
    square_length = 0.0
    for p in range(len(w)):
        square_length += w[p] * w[p]
    unit = np.sqrt(square_length)
    if unit == 0.0:
        return 1.0
    length = _FIRST
    while True:
        tiny = (length * unit) ** 2
        _descend(gram, rhs, square, lam, tiny, w, scale, system)
        if length <= _LAST:
            return tiny
        clear = True
        for l in range(len(square)):
            clear &= _norm(square[l], 0.0, w) > 10.0 * length * unit
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
    n_features = rhs.shape[1]
    scale, system = np.empty(len(square)), np.empty((n_features, n_features))
    x = np.empty(n_features)
    for i in range(len(tasks)):
        t, w = tasks[i], coef[i]
        apply_symmetric(inverse[t], rhs[t], w)
        for p in range(n_features):
            x[p] = 0.0
        tiny = _minimise(gram[t], rhs[t], square, lam, w, scale, system)
        values[i] = validate(X_val[t], Y_val[t], w, x)
        _jacobian(gram[t], square, lam, tiny, w, scale, system)
        _solve(system, x)
        for l in range(len(square)):
            turn = 0.0
            for p in range(n_features):
                turn += square[l, p] * x[p] * w[p]
            turn *= scale[l] ** 3 / (2.0 * lam * lam)
            for p in range(n_features):
                gradients[i, l, p] = w[p] * (turn * w[p] - scale[l] * x[p])
