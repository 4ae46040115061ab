r"""Compiled interior-point method for labels that change smoothly in the Kullback-Leibler sense.

In one sequence of m rows and K labels, the kernels minimise

.. math:: f(z) = \sum_{t, k} r_{tk} z_{tk} + \lambda \sum_{t > 0} \sum_k d(z_{t-1,k}, z_{tk}),
          \qquad d(u, v) = u \log(u / v) - u + v,

over rows of the simplex. With :math:`a = \dot u / u` and :math:`b = \dot v / v`, the derivatives of
:math:`d` along :math:`(\dot u, \dot v)` are :math:`\ddot d = u (a - b)^2` and
:math:`\dddot d = -\ddot d\, (a + 2 b)`: the third is bounded by the second times the local norm of
the barrier :math:`-\log u - \log v`. Hence :math:`f / \mu - \sum \log z` is self-concordant up to a
constant [1]_, Newton's method follows its minimisers as :math:`\mu` falls to 0, and a minimiser for
:math:`\mu` is within :math:`\mu m K` of the optimum.

Each row moves by :math:`\dot z_t = N_t x_t`, where the columns of :math:`N_t` are
:math:`e_k - e_b` with :math:`b` the largest entry of the row, so that its sum never changes. The
Hessian in :math:`x` is block tridiagonal with blocks of size K - 1.

References
----------
.. [1] Y. Nesterov and A. Nemirovskii, "Interior-point polynomial algorithms in convex programming",
   SIAM, 1994, chapter 3.
"""

import numpy as np
from numba import njit

_ACCURACY = 1e-11
_NEGLIGIBLE = 1e-6
_NEAR = 1e-6
_FURTHER = 1e-2
_SERIES = 1e-2
_CUTS = 30
_STEPS = 300


@njit(cache=True, error_model="numpy")
def divergence(u, v):
    """Return ``u log(u / v) - u + v``, to full relative precision also where u is close to v."""
    if u == 0.0:
        return v
    if v == 0.0:
        return np.inf
    x = (u - v) / v
    if abs(x) > _SERIES:
        return u * np.log(u / v) - u + v
    tail = 1 / 12 + x * (-1 / 20 + x * (1 / 30 + x * (-1 / 42 + x / 56)))
    return v * x * x * (1 / 2 + x * (-1 / 6 + x * tail))


@njit(cache=True, error_model="numpy")
def log_ratio(u, v):
    """Return ``log(u / v)``, to full relative precision also where u is close to v."""
    x = (u - v) / v
    if abs(x) > _SERIES:
        return np.log(u / v)
    tail = -1 / 4 + x * (1 / 5 + x * (-1 / 6 + x * (1 / 7 - x / 8)))
    return x * (1.0 + x * (-1 / 2 + x * (1 / 3 + x * tail)))


@njit(cache=True, error_model="numpy")
def total_divergence(z, bounds):
    """Return the sum of divergences between consecutive rows of each sequence."""
    total = 0.0
    for s in range(len(bounds) - 1):
        for t in range(bounds[s] + 1, bounds[s + 1]):
            for k in range(z.shape[1]):
                total += divergence(z[t - 1, k], z[t, k])
    return total


@njit(cache=True, error_model="numpy")
def solve_sequences(losses, weight, start, bounds):
    """Return the minimiser of every sequence, of the shape of ``losses``."""
    z = np.empty_like(losses)
    for s in range(len(bounds) - 1):
        first, stop = bounds[s], bounds[s + 1]
        z[first:stop] = _solve(losses[first:stop], weight, start[first:stop])
    return z


@njit(cache=True, error_model="numpy")
def _solve(losses, weight, start):
    """Solve one sequence with losses shifted to 0 at the best label and scaled to 1 on average.

    A start near the minimiser bears a small move to the interior better than a larger one, and is
    followed from a small ``mu``; any other start is replaced by equal probabilities.
    """
    m, n_labels = losses.shape
    r = np.empty_like(losses)
    for t in range(m):
        r[t] = losses[t] - losses[t].min()
    unit = r.mean()
    z = np.full((m, n_labels), 1.0 / n_labels)
    if unit == 0.0:
        return z
    r /= unit
    weight /= unit
    near, further = (1.0 - _NEAR) * start + _NEAR * z, (1.0 - _FURTHER) * start + _FURTHER * z
    gap = _linear_gap(r, weight, near)
    if gap < _linear_gap(r, weight, further):
        return _follow_path(r, weight, near, max(1e-3 * gap, _NEGLIGIBLE * m) / (m * n_labels))
    return _follow_path(r, weight, z, 1.0)


@njit(cache=True, error_model="numpy")
def _linear_gap(r, weight, z):
    """Return how far a linear lower bound at ``z`` lets the objective fall."""
    slopes = np.empty_like(z)
    _gradient(r, weight, z, slopes)
    gap = 0.0
    for t in range(len(z)):
        gap += np.dot(z[t], slopes[t]) - slopes[t].min()
    return gap


@njit(cache=True, error_model="numpy")
def _follow_path(r, weight, z, mu):
    """Minimise from the interior point ``z`` by primal-dual steps towards the central path.

    ``dual`` holds multipliers of ``z >= 0``. A step is shortened until the barrier function no
    longer rises along it, which is read off its slope: no difference of nearly equal values.
    """
    m, n_labels = z.shape
    pivot = np.empty(m, np.int64)
    work = (
        np.empty((m, n_labels - 1, n_labels - 1)),
        np.empty((m, n_labels - 1, n_labels - 1)),
        np.empty((m, n_labels - 1)),
    )
    slopes, barrier, move = np.empty_like(z), np.empty_like(z), np.empty_like(z)
    dual = mu / z
    _gradient(r, weight, z, slopes)
    for _ in range(_STEPS):
        for t in range(m):
            pivot[t] = np.argmax(z[t])
        barrier[:] = slopes - mu / z
        _newton_move(z, dual, weight, barrier, pivot, work, move)
        slope = np.sum(barrier * move)
        dual_move = mu / z - dual - dual / z * move
        step = _longest_step(z, move)
        dual += _longest_step(dual, dual_move) * dual_move
        cuts = 0
        while True:
            trial = z + step * move
            _gradient(r, weight, trial, slopes)
            new = np.sum((slopes - mu / trial) * move)
            if new <= -0.1 * slope or cuts == _CUTS:
                break
            step *= min(max(slope / (slope - new), 0.2), 0.7)
            cuts += 1
        z = trial
        _restore_sums(z, pivot)
        dual = np.minimum(np.maximum(dual, 1e-6 * mu / z), 1e6 * mu / z)
        gap = mu * m * n_labels
        if -slope <= gap or cuts == _CUTS:
            value = np.sum(r * z) + weight * total_divergence(z, np.array([0, m]))
            wanted = _ACCURACY * max(value, _NEGLIGIBLE * m)
            if gap <= wanted:
                break
            mu = max((0.02 if step > 0.9 else 0.1) * mu, 0.5 * wanted / (m * n_labels))
    return z


@njit(cache=True, error_model="numpy")
def _gradient(r, weight, z, out):
    """Write the gradient of the objective at ``z`` to ``out``."""
    out[:] = r
    for t in range(1, len(z)):
        for k in range(z.shape[1]):
            out[t - 1, k] += weight * log_ratio(z[t - 1, k], z[t, k])
            out[t, k] += weight * (z[t, k] - z[t - 1, k]) / z[t, k]


@njit(cache=True, error_model="numpy")
def _longest_step(x, move):
    """Return the longest step, at most 1, that keeps a hundredth of every positive entry."""
    step = 1.0
    for t in range(x.shape[0]):
        for k in range(x.shape[1]):
            if move[t, k] < 0.0:
                step = min(step, -0.99 * x[t, k] / move[t, k])
    return step


@njit(cache=True, error_model="numpy")
def _restore_sums(z, pivot):
    """Let the largest entry of each row absorb the rounding of its sum."""
    for t in range(len(z)):
        rest = 0.0
        for k in range(z.shape[1]):
            if k != pivot[t]:
                rest += z[t, k]
        z[t, pivot[t]] = 1.0 - rest


@njit(cache=True, error_model="numpy")
def _newton_move(z, dual, weight, slopes, pivot, work, move):
    """Write to ``move`` the Newton step for the barrier function, whose rows sum to 0.

    Block Cholesky forwards, substitution backwards: ``root`` holds the lower triangles, ``link``
    the blocks beside them. A pivot lost to rounding is kept at its rounding level.
    """
    root, link, y = work
    m, n_labels = z.shape
    n = n_labels - 1
    curvature = np.empty(n_labels)
    for t in range(m):
        b = pivot[t]
        for k in range(n_labels):
            curvature[k] = dual[t, k] / z[t, k]
            if t > 0:
                curvature[k] += weight * z[t - 1, k] / z[t, k] / z[t, k]
            if t < m - 1:
                curvature[k] += weight / z[t, k]
        for i in range(n):
            k = i + (i >= b)
            right = slopes[t, b] - slopes[t, k]
            if t > 0:
                for p in range(n):
                    right -= link[t - 1, p, i] * y[t - 1, p]
            for j in range(i + 1):
                entry = curvature[b]
                if i == j:
                    entry += curvature[k]
                floor = 1e-15 * entry
                if t > 0:
                    for p in range(n):
                        entry -= link[t - 1, p, i] * link[t - 1, p, j]
                for p in range(j):
                    entry -= root[t, i, p] * root[t, j, p]
                root[t, i, j] = np.sqrt(max(entry, floor)) if i == j else entry / root[t, j, j]
            for p in range(i):
                right -= root[t, i, p] * y[t, p]
            y[t, i] = right / root[t, i, i]
        if t < m - 1:
            _link_rows(weight, z[t + 1], b, pivot[t + 1], root[t], link[t])
    for t in range(m - 1, -1, -1):
        b, total = pivot[t], 0.0
        for i in range(n - 1, -1, -1):
            entry = y[t, i]
            if t < m - 1:
                for j in range(n):
                    entry -= link[t, i, j] * move[t + 1, j + (j >= pivot[t + 1])]
            for p in range(i + 1, n):
                entry -= root[t, p, i] * move[t, p + (p >= b)]
            entry /= root[t, i, i]
            move[t, i + (i >= b)] = entry
            total += entry
        move[t, b] = -total


@njit(cache=True, error_model="numpy")
def _link_rows(weight, z_next, b, c, root, link):
    r"""Write :math:`L^{-1} N_t^T E N_{t+1}` to ``link``, with pivots ``b`` and ``c``.

    The mixed derivatives are :math:`E = \operatorname{diag}(-\lambda / z_{t+1})`.
    """
    n = len(root)
    for j in range(n):
        column = j + (j >= c)
        for i in range(n):
            k = i + (i >= b)
            entry = 0.0
            if k == column:
                entry -= weight / z_next[k]
            if k == c:
                entry += weight / z_next[k]
            if b == column:
                entry += weight / z_next[b]
            if b == c:
                entry -= weight / z_next[b]
            for p in range(i):
                entry -= root[i, p] * link[p, j]
            link[i, j] = entry / root[i, i]
