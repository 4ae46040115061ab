r"""Ridge logistic regressions of several tasks, tilted by a linear term.

For task t with samples :math:`x_i`, labels :math:`y_i \in \{0, 1\}` and a tilt :math:`s`,

.. math:: \min_w \; \sum_i \bigl[ \log(1 + e^{z_i}) - y_i z_i \bigr]
          + \tfrac12 \sum_p \mu_p w_p^2 - \langle s, w \rangle, \qquad z_i = \langle x_i, w \rangle.

The minimiser is the gradient of the convex conjugate of the loss at :math:`s`; its derivative in
:math:`s` is the inverse of the Hessian :math:`\sum_i p_i (1 - p_i) x_i x_i^\top + \mu`. Task t
owns the rows ``first[t]`` to ``last[t]`` of ``X``, which tasks may share; labels are stacked task
by task.
"""

import math

import numpy as np
from numba import njit

from multiconvex.nested.group_kernels import INNER, assign
from multiconvex.triangular import back_substitution, cholesky, forward_substitution

_STEPS = 1000
_SLOW = 0.01
_QUADRATIC = 1e-9
_FASTMATH = {"contract", "reassoc", "nsz"}


@njit(cache=True, error_model="numpy")
def hessian_factors(X, first, last, weights, ridge):
    """Return the Cholesky factors (T, P, P) of the Hessians at ``weights``, in lower triangles."""
    factors = np.empty((len(first), len(ridge), len(ridge)))
    for t in range(len(first)):
        rows = X[first[t] : last[t]]
        _factorise(rows, _log_odds(rows, weights[t]), ridge, factors[t])
    return factors


@njit(cache=True, error_model="numpy")
def tilted_minimisers(X, labels, first, last, tilts, start, factors, ridge, tol):
    """Return the minimisers of all tasks, (T, P), by Newton's method from ``start``.

    ``factors`` are those of the Hessians there, to begin with.
    """
    out = np.empty_like(start)
    seen = 0
    for t in range(len(first)):
        rows = X[first[t] : last[t]]
        y = labels[seen : seen + len(rows)]
        assign(start[t], out[t])
        _minimise(rows, y, tilts[t], factors[t], ridge, tol, out[t])
        seen += len(rows)
    return out


@njit(cache=True, error_model="numpy")
def solve_factored(factors, rhs):
    """Return the inverse of each Hessian applied to the row of its task."""
    out = np.empty_like(rhs)
    for t in range(len(rhs)):
        _solve(factors[t], rhs[t], out[t])
    return out


@njit(**INNER, fastmath=_FASTMATH)
def _minimise(X, y, tilt, factor, ridge, tol, w):
    """Newton's method; a factorisation serves as long as it shrinks the decrement a hundredfold.

    No step moves a log-odds by more than one: along it second derivatives change by at most a
    factor e, and a step of Newton's method lowers the objective by 0.28 of its decrement or more.
    """
    z, dz = _log_odds(X, w), np.empty(len(y))
    gradient, step, own = np.empty(len(w)), np.empty(len(w)), np.empty((len(w), len(w)))
    fresh, before = True, np.inf
    for _ in range(_STEPS):
        _slope(X, y, z, tilt, ridge, w, gradient)
        decrement = _solve(factor, gradient, step)
        if decrement > _SLOW * before:
            _factorise(X, z, ridge, own)
            factor, fresh = own, True
            decrement = _solve(factor, gradient, step)
        largest = 1.0
        for i in range(len(y)):
            dz[i] = 0.0
            for p in range(len(w)):
                dz[i] += X[i, p] * step[p]
            largest = max(largest, abs(dz[i]))
        for p in range(len(w)):
            w[p] -= step[p] / largest
        for i in range(len(y)):
            z[i] -= dz[i] / largest
        if decrement <= (_QUADRATIC if fresh else tol):
            break
        before = decrement if largest == 1.0 else 0.0
        fresh = False


@njit(**INNER, fastmath=_FASTMATH)
def _log_odds(X, w):
    z = np.zeros(len(X))
    for i in range(len(X)):
        for p in range(len(w)):
            z[i] += X[i, p] * w[p]
    return z


@njit(**INNER, fastmath=_FASTMATH)
def _slope(X, y, z, tilt, ridge, w, out):
    for p in range(len(w)):
        out[p] = ridge[p] * w[p] - tilt[p]
    for i in range(len(y)):
        gap = 1.0 / (1.0 + math.exp(-z[i])) - y[i]
        for p in range(len(w)):
            out[p] += gap * X[i, p]


@njit(**INNER, fastmath=_FASTMATH)
def _factorise(X, z, ridge, out):
    """Write the Cholesky factor of the Hessian where the log-odds are ``z``."""
    for p in range(len(ridge)):
        for q in range(p):
            out[p, q] = 0.0
        out[p, p] = ridge[p]
    for i in range(len(z)):
        likelihood = 1.0 / (1.0 + math.exp(-abs(z[i])))
        for p in range(len(ridge)):
            weighted = likelihood * (1.0 - likelihood) * X[i, p]
            for q in range(p + 1):
                out[p, q] += weighted * X[i, q]
    if not cholesky(out, len(ridge)):
        raise ValueError("ridge is too small: the Hessian of a task is singular to rounding.")


@njit(**INNER, fastmath=_FASTMATH)
def _solve(factor, rhs, x):
    """Write the solution of a factored system, and return its product with the right side."""
    assign(rhs, x)
    forward_substitution(factor, len(x), x)
    back_substitution(factor, len(x), x)
    product = 0.0
    for p in range(len(x)):
        product += x[p] * rhs[p]
    return product
