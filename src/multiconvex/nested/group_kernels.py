r"""Group lasso by Bregman steps on its dual, task by task, forward and in reverse.

The steps of one task start from :math:`v_l = 0` and add :math:`\beta \, \theta_l * w` to each
mirror variable, so that all of them are one vector in disguise: :math:`v_l = \theta_l * z` with
:math:`z = \beta \sum_k w_k`. Memberships enter by their squares :math:`Q = \theta^2` only:

.. math::
    \rho_l = \sqrt{1 + \textstyle\sum_p Q_{lp} z_p^2}, \quad
    s(z) = \lambda \, z * \sum_l Q_l / \rho_l, \quad
    w = M (b - s(z)), \quad
    z \leftarrow z + \beta w,

with :math:`M = (X^\top X + \mu I)^{-1}` and :math:`b = X^\top y`. Here ``square`` is :math:`Q`, of
shape (L, P), so that features are contiguous.
"""

import numpy as np
from numba import njit

_FASTMATH = {"contract", "reassoc", "nsz", "arcp"}

# Options of functions that other kernels call and Python never does: they compile in less time.
INNER = {
    "cache": True,
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}


@njit(**INNER)
def assign(x, out):
    """Write ``x`` to ``out``. (Assigning slices compiles a message about shapes, for seconds.)"""
    for p in range(len(x)):
        out[p] = x[p]


@njit(**INNER, fastmath=_FASTMATH)
def apply_symmetric(matrix, x, out):
    """Write the product of a symmetric matrix and a vector, eight columns at a time."""
    n = len(x)
    whole = n - n % 8
    for j in range(n):
        out[j] = 0.0
    for i in range(0, whole, 8):
        a, b, c, d = x[i], x[i + 1], x[i + 2], x[i + 3]
        e, f, g, h = x[i + 4], x[i + 5], x[i + 6], x[i + 7]
        for j in range(n):
            out[j] += (
                a * matrix[i, j] + b * matrix[i + 1, j] + c * matrix[i + 2, j]
                + d * matrix[i + 3, j] + e * matrix[i + 4, j] + f * matrix[i + 5, j]
                + g * matrix[i + 6, j] + h * matrix[i + 7, j]
            )  # fmt: skip
    for i in range(whole, n):
        a = x[i]
        for j in range(n):
            out[j] += a * matrix[i, j]


@njit(**INNER, fastmath=_FASTMATH)
def _weights(inverse, rhs, square, lam, z, left, w):
    r"""Write :math:`w = M (b - s(z))`, with ``left`` to work in."""
    for p in range(len(z)):
        left[p] = 0.0
    for l in range(len(square)):
        total = 1.0
        for p in range(len(z)):
            total += square[l, p] * z[p] * z[p]
        scale = lam / np.sqrt(total)
        for p in range(len(z)):
            left[p] += scale * square[l, p]
    for p in range(len(z)):
        left[p] = rhs[p] - left[p] * z[p]
    apply_symmetric(inverse, left, w)


@njit(**INNER, fastmath=_FASTMATH)
def _advance(inverse, rhs, square, lam, step, z, left, w):
    """Move ``z`` by one step."""
    _weights(inverse, rhs, square, lam, z, left, w)
    for p in range(len(z)):
        z[p] += step * w[p]


@njit(**INNER, fastmath=_FASTMATH)
def _pull_back(square, lam, z, q, room, adjoint, gradient):
    r"""Add to ``adjoint`` and ``gradient`` what ``q``, the adjoint of :math:`s(z)`, means for them.

    With :math:`d_l = \sum_p Q_{lp} z_p q_p`,

    .. math::
        \bar z = \lambda \sum_l
            \Bigl( \frac{Q_l * q}{\rho_l} - \frac{d_l \, Q_l * z}{\rho_l^3} \Bigr), \qquad
        \bar Q_l = \lambda \Bigl( \frac{q * z}{\rho_l} - \frac{d_l \, z * z}{2 \rho_l^3} \Bigr).

    Two vectors of ``room`` are there to work in.
    """
    direct, curved = room
    for p in range(len(z)):
        direct[p] = 0.0
        curved[p] = 0.0
    for l in range(len(square)):
        total, d = 1.0, 0.0
        for p in range(len(z)):
            loaded = square[l, p] * z[p]
            total += loaded * z[p]
            d += loaded * q[p]
        scale = lam / np.sqrt(total)
        bend = scale * d / total
        for p in range(len(z)):
            direct[p] += scale * square[l, p]
            curved[p] += bend * square[l, p]
            gradient[l, p] += z[p] * (scale * q[p] - 0.5 * bend * z[p])
    for p in range(len(z)):
        adjoint[p] += direct[p] * q[p] - curved[p] * z[p]


@njit(**INNER, fastmath=_FASTMATH)
def solve_task(inverse, rhs, square, lam, step, n_inner, every, kept, w):
    """Take all steps of one task and return the last iterate, with its weights in ``w``.

    ``kept`` receives the iterates 0, ``every``, 2 ``every`` and so on.
    """
    z, left = np.zeros_like(rhs), np.empty_like(rhs)
    for number in range(len(kept)):
        assign(z, kept[number])
        for _ in range(min(every, n_inner - number * every)):
            _advance(inverse, rhs, square, lam, step, z, left, w)
    _weights(inverse, rhs, square, lam, z, left, w)
    return z


@njit(**INNER, fastmath=_FASTMATH)
def reverse_task(inverse, rhs, square, lam, step, n_inner, kept, segment, z, slope, gradient):
    """Add to ``gradient`` the derivative in ``square`` of a loss of the weights.

    ``slope`` is the derivative of the loss in the weights after the last step, which left ``z``.
    ``kept`` are the iterates at the beginning of segments as long as ``segment``, where they are
    repeated.
    """
    every = len(segment)
    q, adjoint = np.empty_like(rhs), np.zeros_like(rhs)
    left, w, room = np.empty_like(rhs), np.empty_like(rhs), (np.empty_like(rhs), np.empty_like(rhs))
    apply_symmetric(inverse, slope, q)
    for p in range(len(q)):
        q[p] = -q[p]
    _pull_back(square, lam, z, q, room, adjoint, gradient)
    for number in range(len(kept) - 1, -1, -1):
        size = min(every, n_inner - number * every)
        assign(kept[number], z)
        assign(z, segment[0])
        for i in range(1, size):
            _advance(inverse, rhs, square, lam, step, z, left, w)
            assign(z, segment[i])
        for i in range(size - 1, -1, -1):
            apply_symmetric(inverse, adjoint, q)
            for p in range(len(q)):
                q[p] *= -step
            _pull_back(square, lam, segment[i], q, room, adjoint, gradient)


@njit(cache=True, error_model="numpy")
def solve_tasks(inverse, rhs, square, lam, steps, n_inner, tasks, coef):
    """Write the weights of several tasks after the last step."""
    start = np.empty((1, rhs.shape[1]))
    for i in range(len(tasks)):
        t = tasks[i]
        solve_task(inverse[t], rhs[t], square, lam, steps[t], n_inner, n_inner, start, coef[i])


@njit(cache=True, error_model="numpy")
def reverse_tasks(
    inverse, rhs, X_val, Y_val, square, lam, steps, n_inner, every, tasks, values, gradients, coef
):
    """Write validation losses, their derivatives in ``square`` and the weights of several tasks."""
    kept = np.empty(((n_inner + every - 1) // every, rhs.shape[1]))
    segment = np.empty((every, rhs.shape[1]))
    for i in range(len(tasks)):
        t = tasks[i]
        z = solve_task(inverse[t], rhs[t], square, lam, steps[t], n_inner, every, kept, coef[i])
        slope = np.zeros_like(z)
        values[i] = validate(X_val[t], Y_val[t], coef[i], slope)
        reverse_task(
            inverse[t], rhs[t], square, lam, steps[t], n_inner, kept, segment, z, slope,
            gradients[i],
        )  # fmt: skip


@njit(**INNER, fastmath=_FASTMATH)
def validate(X, y, w, slope):
    """Return half the squared residual and add its derivative in ``w`` to ``slope``."""
    value = 0.0
    for n in range(len(y)):
        gap = -y[n]
        for p in range(len(w)):
            gap += X[n, p] * w[p]
        value += 0.5 * gap * gap
        for p in range(len(w)):
            slope[p] += gap * X[n, p]
    return value
