r"""Small quadratic programs with linear inequalities, by the dual method of Goldfarb and Idnani.

The method starts from the unconstrained minimiser and lets in one violated constraint at a time,
dropping those whose multiplier would turn negative, so it needs no feasible start and a problem
whose constraints do not bind costs one Cholesky factorisation.

D. Goldfarb and A. Idnani, "A numerically stable dual method for solving strictly convex quadratic
programs", Mathematical Programming 27, 1983.
"""

import numpy as np
from numba import njit

from multiconvex.triangular import back_substitution, forward_substitution

SOLVED, INFEASIBLE, INDEFINITE = 0, 1, 2
_FEASIBLE = 1e-12
_DEPENDENT = 1e-12


class InfeasibleConstraints(ValueError):
    """No point satisfies the constraints."""


def minimize_quadratic(hessian, linear, matrix, bound):
    r"""Minimise a strictly convex quadratic under linear inequalities.

    .. math:: \min_x \; \tfrac12 x^T H x - g^T x \quad\text{subject to}\quad A x \le b

    Parameters
    ----------
    hessian : ndarray, shape (n, n)
        Symmetric positive definite.
    linear : ndarray, shape (n,)
    matrix : ndarray, shape (p, n)
    bound : ndarray, shape (p,)

    Returns
    -------
    ndarray, shape (n,)

    Raises
    ------
    InfeasibleConstraints

    Examples
    --------
    >>> import numpy as np
    >>> minimize_quadratic(np.eye(2), np.array([2.0, 1.0]), np.array([[1.0, 1.0]]), np.ones(1))
    array([1., 0.])
    """
    return minimize_quadratics(hessian[None], linear[None], matrix, bound)[0]


def minimize_quadratics(hessians, linear, matrix, bound):
    """Minimise several quadratics (K, n, n), (K, n) under the same inequalities.

    As :func:`minimize_quadratic`, one solution a row.
    """
    solutions, status = _minimize_each(hessians, linear, matrix, bound)
    if status == INDEFINITE:
        raise np.linalg.LinAlgError("The Hessian of a quadratic program must be positive definite.")
    if status != SOLVED:
        raise InfeasibleConstraints(_SENTENCE)
    return solutions


def project_rows(points, matrix, bound):
    r"""Project each row on a polyhedron, :math:`\min_x \|x - p\|_2` subject to :math:`A x \le b`.

    Parameters
    ----------
    points : ndarray, shape (k, n)
    matrix : ndarray, shape (p, n)
    bound : ndarray, shape (p,)

    Returns
    -------
    ndarray, shape (k, n)

    Raises
    ------
    InfeasibleConstraints

    Examples
    --------
    >>> import numpy as np
    >>> project_rows(np.array([[2.0, 3.0]]), np.array([[1.0, 0.0]]), np.ones(1))
    array([[1., 3.]])
    """
    projected, status = _project_rows(points, matrix, bound)
    if status != SOLVED:
        raise InfeasibleConstraints(_SENTENCE)
    return projected


@njit(cache=True, error_model="numpy")
def satisfied(points, matrix, bound):
    """Whether ``matrix @ x <= bound`` for each row ``x`` of ``points``."""
    for point in points:
        for i in range(len(bound)):
            total = 0.0
            for j in range(len(point)):
                total += matrix[i, j] * point[j]
            if not total <= bound[i]:
                return False
    return True


_SENTENCE = (
    "No parameter satisfies the constraints together: remove or loosen the linear inequalities."
)


@njit(cache=True, error_model="numpy")
def _project_rows(points, matrix, bound):
    out = np.empty_like(points)
    for k in range(len(points)):
        out[k], status = _project(points[k], matrix, bound)
        if status != SOLVED:
            return out, status
    return out, SOLVED


@njit(cache=True, error_model="numpy")
def _minimize_each(hessians, linear, matrix, bound):
    out = np.empty_like(linear)
    for k in range(len(linear)):
        out[k], status = _minimize(hessians[k], linear[k], matrix, bound)
        if status != SOLVED:
            return out, status
    return out, SOLVED


@njit(cache=True, error_model="numpy")
def _minimize(hessian, linear, matrix, bound):
    """Project in the metric of the Hessian, through its Cholesky factor."""
    n = len(linear)
    factor = np.zeros((n, n))
    for j in range(n):
        for i in range(j, n):
            total = hessian[i, j]
            for k in range(j):
                total -= factor[i, k] * factor[j, k]
            if i == j:
                if total <= 0.0:
                    return linear, INDEFINITE
                factor[j, j] = np.sqrt(total)
            else:
                factor[i, j] = total / factor[j, j]
    start, scaled = linear.copy(), matrix.copy()
    forward_substitution(factor, n, start)
    for i in range(len(scaled)):
        forward_substitution(factor, n, scaled[i])
    x, status = _project(start, scaled, bound)
    back_substitution(factor, n, x)
    return x, status


@njit(cache=True, error_model="numpy")
def _project(start, matrix, bound):
    """Return the projection of a point on ``matrix @ y <= bound`` and a status."""
    p, n = matrix.shape
    y = start.copy()
    reach = np.sqrt(np.sum(start**2))
    lengths = np.empty(p)
    for i in range(p):
        lengths[i] = np.sqrt(np.sum(matrix[i] ** 2))
    active = np.empty(n + 1, np.int64)
    multipliers = np.zeros(n + 1)
    weights = np.empty(n + 1)
    gram = np.empty((n + 1, n + 1))
    direction = np.empty(n)
    size = 0
    for _ in range(50 * (p + n) + 50):
        entering = _most_violated(matrix, bound, lengths, y, reach)
        if entering < 0:
            return y, SOLVED
        if size > n or lengths[entering] == 0.0:
            return y, INFEASIBLE
        multipliers[size] = 0.0
        while True:
            _split(matrix, active, size, entering, gram, weights, direction)
            squared = np.sum(direction**2)
            independent = squared > _DEPENDENT * lengths[entering] ** 2 and size < n
            full = np.inf
            if independent:
                full = (np.dot(matrix[entering], y) - bound[entering]) / squared
            partial, leaving = np.inf, -1
            for j in range(size):
                if weights[j] > 0.0 and multipliers[j] < partial * weights[j]:
                    partial, leaving = multipliers[j] / weights[j], j
            step = min(full, partial)
            if step == np.inf:
                return y, INFEASIBLE
            for j in range(size):
                multipliers[j] -= step * weights[j]
            multipliers[size] += step
            if independent:
                y -= step * direction
            if full <= partial:
                active[size] = entering
                size += 1
                break
            for j in range(leaving, size):
                multipliers[j] = multipliers[j + 1]
                if j + 1 < size:
                    active[j] = active[j + 1]
            size -= 1
    return y, INFEASIBLE


@njit(cache=True, error_model="numpy")
def _most_violated(matrix, bound, lengths, y, reach):
    """Return the constraint farthest from being satisfied, -1 when all are to rounding.

    ``reach`` is the length of the vector from which ``y`` was computed.
    """
    worst, which = 0.0, -1
    for i in range(len(bound)):
        size = abs(bound[i])
        gap = -bound[i]
        for q in range(len(y)):
            term = matrix[i, q] * y[q]
            gap += term
            size += abs(term)
        gap -= _FEASIBLE * (size + reach * lengths[i])
        if gap > 0.0:
            distance = gap / lengths[i]
            if distance > worst:
                worst, which = distance, i
    return which


@njit(cache=True, error_model="numpy")
def _split(matrix, active, size, entering, gram, weights, direction):
    """Write the normal of ``entering`` as a combination of active normals plus a remainder.

    ``weights`` are the coefficients of the least-squares combination, ``direction`` the remainder.
    """
    n = matrix.shape[1]
    for i in range(size):
        weights[i] = np.dot(matrix[active[i]], matrix[entering])
        for j in range(i + 1):
            gram[i, j] = np.dot(matrix[active[i]], matrix[active[j]])
    for j in range(size):
        for i in range(j):
            gram[j, j] -= gram[j, i] ** 2
        gram[j, j] = np.sqrt(max(gram[j, j], 1e-300))
        for k in range(j + 1, size):
            for i in range(j):
                gram[k, j] -= gram[k, i] * gram[j, i]
            gram[k, j] /= gram[j, j]
    forward_substitution(gram, size, weights)
    back_substitution(gram, size, weights)
    for q in range(n):
        direction[q] = matrix[entering, q]
        for j in range(size):
            direction[q] -= weights[j] * matrix[active[j], q]
