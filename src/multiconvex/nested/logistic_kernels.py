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

from multiconvex.triangular import back_substitution, forward_substitution

_STEPS = 1000
_SLOW = 0.01
_QUADRATIC = 1e-9


@njit(cache=True)
def hessian_factors(X, first, last, weights, ridge):
    """Return the Cholesky factors (T, P, P) of the Hessians at ``weights``."""
    factors = np.empty((len(first), len(ridge), len(ridge)))
    for t in range(len(first)):
        rows = X[first[t] : last[t]]
        factors[t] = np.linalg.cholesky(_hessian(rows, rows @ weights[t], ridge))
    return factors


@njit(cache=True)
def tilted_minimisers(X, labels, first, last, tilts, start, factors, ridge, tol):
    """Return the minimisers of all tasks, (T, P), by Newton's method from ``start``.

    ``factors`` are those of the Hessians there, to begin with.
    """
    out = np.empty_like(start)
    seen = 0
    for t in range(len(first)):
        rows = X[first[t] : last[t]]
        y = labels[seen : seen + len(rows)]
        out[t] = _minimise(rows, y, tilts[t], start[t], factors[t], ridge, tol)
        seen += len(rows)
    return out


@njit(cache=True)
def solve_factored(factors, rhs):
    """Return the inverse of each Hessian applied to the row of its task."""
    out = np.empty_like(rhs)
    for t in range(len(rhs)):
        out[t] = _solve(factors[t], rhs[t])
    return out


@njit(cache=True)
def _minimise(X, y, tilt, start, factor, ridge, tol):
    """Newton's method; a factorisation serves as long as it shrinks the decrement a hundredfold.

    No step moves a log-odds by more than one: along it second derivatives change by at most a
    factor e, and a step of Newton's method lowers the objective by 0.28 of its decrement or more.
    """
    w = start.copy()
    z = X @ w
    fresh, before = True, np.inf
    gradient, dz = np.empty_like(w), np.empty_like(z)
    for _ in range(_STEPS):
        gradient[:] = ridge * w - tilt
        for i in range(len(y)):
            gap = 1.0 / (1.0 + math.exp(-z[i])) - y[i]
            for p in range(len(w)):
                gradient[p] += gap * X[i, p]
        step = _solve(factor, gradient)
        decrement = np.dot(step, gradient)
        if decrement > _SLOW * before:
            factor, fresh = np.linalg.cholesky(_hessian(X, z, ridge)), True
            step = _solve(factor, gradient)
            decrement = np.dot(step, gradient)
        largest = 1.0
        for i in range(len(y)):
            dz[i] = 0.0
            for p in range(len(w)):
                dz[i] += X[i, p] * step[p]
            largest = max(largest, abs(dz[i]))
        w -= step / largest
        z -= dz / largest
        if decrement <= (_QUADRATIC if fresh else tol):
            break
        before = decrement if largest == 1.0 else 0.0
        fresh = False
    return w


@njit(cache=True)
def _hessian(X, z, ridge):
    weighted = np.empty_like(X)
    for i in range(len(z)):
        likelihood = 1.0 / (1.0 + math.exp(-abs(z[i])))
        for p in range(X.shape[1]):
            weighted[i, p] = likelihood * (1.0 - likelihood) * X[i, p]
    hessian = X.T @ weighted
    for p in range(len(ridge)):
        hessian[p, p] += ridge[p]
    return hessian


@njit(cache=True)
def _solve(factor, rhs):
    x = rhs.copy()
    forward_substitution(factor, len(x), x)
    back_substitution(factor, len(x), x)
    return x
