r"""Nodes of a tree of supports: their tableaus, their relaxations and their children.

A node allows some columns of a nonnegative regression and keeps some of those for good. It carries
a tableau: the Gram matrix of its columns after the elimination of those in use, that is, minus the
inverse on the columns in use, regression coefficients across, and Schur complements on the others;
beside it stand the coefficients and slopes. Exchanging or deleting a column is one rank-one update.

What a search calls all the time is inlined by force: a node takes about a microsecond, and passing
a dozen arrays from function to function would take longer than that. Only ``relax`` is not, which
few nodes call and which takes long to compile. Arguments are variables rather than constants,
because a function is compiled again for every constant it is called with.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

_FASTMATH = {"contract", "reassoc", "nsz"}
_DEPENDENT = 1e-11
_REMOVED, _ALLOWED, _KEPT = 0, 1, 2


class Path(NamedTuple):
    """Nodes on the way from the root to where a search stands, one a level.

    The last level is for single supports. Columns of a node are stored without gaps: entry p of
    its arrays belongs to column ``index[level, p]``, for p below ``size[level]``.
    """

    tableau: np.ndarray
    z: np.ndarray
    x: np.ndarray
    used: np.ndarray
    kept: np.ndarray
    index: np.ndarray
    branch: np.ndarray
    size: np.ndarray
    held: np.ndarray
    waiting: np.ndarray
    value: np.ndarray
    row: np.ndarray


def new_path(rank):
    """Return room for the longest path, from the root to a single support."""
    levels = rank + 2
    return Path(
        np.empty((levels, rank, rank)),
        np.empty((levels, rank)),
        np.empty((levels, rank)),
        np.zeros((levels, rank), np.bool_),
        np.zeros((levels, rank), np.bool_),
        np.zeros((levels, rank), np.int64),
        np.zeros((levels, rank), np.int64),
        np.zeros(levels, np.int64),
        np.zeros(levels, np.int64),
        np.zeros(levels, np.int64),
        np.zeros(levels),
        np.empty(rank),
    )


@njit(cache=True, error_model="numpy")
def begin(gram, start, path, level):
    """Let the root allow all columns but zeros, another level the support of a start."""
    for p in range(len(gram)):
        path.row[p] = gram[p, p] if level == 0 else start[p]
    collect(path.row, path, level)


@njit(cache=True, error_model="numpy", forceinline=True)
def line_up(path, level, most):
    """Order the columns that may be removed, the costliest first, and count the children.

    Child c removes column c and keeps those before it, hence no support is met twice. Removing
    the column p from a least-squares fit costs ``z_p**2 / (2 inverse_pp)``. Children that would
    keep more than ``most`` columns do not exist.
    """
    size = 0
    for p in range(path.size[level]):
        if path.used[level, p] and not path.kept[level, p]:
            cost = -(path.z[level, p] ** 2) / path.tableau[level, p, p]
            place = size
            while place > 0 and path.row[place - 1] < cost:
                path.branch[level, place] = path.branch[level, place - 1]
                path.row[place] = path.row[place - 1]
                place -= 1
            path.branch[level, place] = p
            path.row[place] = cost
            size += 1
    path.waiting[level] = min(size - 1, most - path.held[level])


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH, forceinline=True)
def preview(path, level, c, tol):
    """Return a lower bound for child c in linear time, and whether it is the relaxation itself.

    Without the removed column the other slopes may rise. If none becomes positive, the new
    least-squares fit solves the relaxation but for the signs of the columns in use.
    """
    j = path.branch[level, c]
    ratio = path.z[level, j] / path.tableau[level, j, j]
    settled = True
    for p in range(path.size[level]):
        new = path.z[level, p] - path.tableau[level, j, p] * ratio
        if p != j and path.used[level, p]:
            settled &= new > 0.0
        elif p != j and new > tol:
            return -np.inf, False
    return path.value[level] - 0.5 * path.z[level, j] * ratio, settled


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH, forceinline=True)
def delete(path, level, c):
    """Write child c, which lacks column ``branch[c]`` and keeps those before it, one level down."""
    child, j, size = level + 1, path.branch[level, c], path.size[level]
    inverse = 1.0 / path.tableau[level, j, j]
    to = 0
    for p in range(size):
        if p == j:
            continue
        weight = path.tableau[level, p, j] * inverse
        for q in range(j):
            path.tableau[child, to, q] = (
                path.tableau[level, p, q] - weight * path.tableau[level, j, q]
            )
        for q in range(j + 1, size):
            path.tableau[child, to, q - 1] = (
                path.tableau[level, p, q] - weight * path.tableau[level, j, q]
            )
        path.z[child, to] = path.z[level, p] - weight * path.z[level, j]
        path.x[child, to] = path.x[level, p]
        path.used[child, to] = path.used[level, p]
        path.kept[child, to] = path.kept[level, p]
        path.index[child, to] = path.index[level, p]
        to += 1
    for s in range(c):
        p = path.branch[level, s]
        path.kept[child, p - (p > j)] = True
    path.size[child] = to
    path.held[child] = path.held[level] + c
    path.value[child] = path.value[level] - 0.5 * path.z[level, j] ** 2 * inverse


@njit(cache=True, error_model="numpy")
def relax(path, level, tol):
    """Solve the relaxation by the method of Lawson and Hanson, from a feasible point ``x``.

    ``z`` holds the least-squares solution on the columns in use and slopes elsewhere, and
    ``value`` its objective. Columns that block the way from ``x`` to ``z`` leave, then the
    steepest one enters.
    """
    x, z, used, size = path.x[level], path.z[level], path.used[level], path.size[level]
    for _ in range(10 * size + 10):
        moving, step = size, 1.0
        for p in range(size):
            if used[p] and z[p] <= 0.0:
                ratio = x[p] / (x[p] - z[p]) if x[p] > 0.0 else 0.0
                if moving == size or ratio < step:
                    moving, step = p, ratio
        for p in range(size):
            if used[p]:
                x[p] += step * (z[p] - x[p])
        if moving < size:
            x[moving] = 0.0
        else:
            steepest = tol
            for p in range(size):
                if not used[p] and z[p] > steepest and path.tableau[level, p, p] > _DEPENDENT:
                    moving, steepest = p, z[p]
            if moving == size:
                return
        exchange(path, level, moving)


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH, forceinline=True)
def exchange(path, level, j):
    """Take column j into use, or out of it."""
    size, row = path.size[level], path.row
    inverse = 1.0 / path.tableau[level, j, j]
    sign = -1.0 if path.used[level, j] else 1.0
    z = path.z[level, j]
    path.value[level] -= 0.5 * z * z * inverse
    for q in range(size):
        row[q] = path.tableau[level, j, q]
    for p in range(size):
        weight = row[p] * inverse
        for q in range(size):
            path.tableau[level, p, q] -= weight * row[q]
        path.z[level, p] -= weight * z
    for q in range(size):
        path.tableau[level, j, q] = path.tableau[level, q, j] = sign * row[q] * inverse
    path.tableau[level, j, j] = -inverse
    path.z[level, j] = sign * z * inverse
    path.used[level, j] = not path.used[level, j]


@njit(cache=True, error_model="numpy")
def fit(gram, b, path, level, tol):
    """Solve the nonnegative problem in the columns ``index`` from nothing."""
    for p in range(path.size[level]):
        for q in range(path.size[level]):
            path.tableau[level, p, q] = gram[path.index[level, p], path.index[level, q]]
        path.z[level, p] = b[path.index[level, p]]
        path.x[level, p] = 0.0
        path.used[level, p] = False
    path.value[level] = 0.0
    relax(path, level, tol)


@njit(cache=True, error_model="numpy", forceinline=True)
def record(path, level, least, best, points):
    """Keep the solution of a node for each sparsity it serves best; return its nonzeros."""
    count = 0
    for p in range(path.size[level]):
        if path.used[level, p]:
            path.x[level, p] = path.z[level, p]
            count += 1
    s = max(count - least, 0)
    while s < len(best) and path.value[level] < best[s]:
        best[s] = path.value[level]
        points[s] = 0.0
        for p in range(path.size[level]):
            points[s, path.index[level, p]] = path.x[level, p]
        s += 1
    return count


@njit(cache=True, error_model="numpy")
def collect(marks, path, level):
    """Let a node allow the columns that are marked by positive numbers, and keep none."""
    size = 0
    for p in range(len(marks)):
        if marks[p] > 0.0:
            path.index[level, size] = p
            size += 1
        path.kept[level, p] = False
    path.size[level] = size
    path.held[level] = 0


@njit(cache=True, error_model="numpy", forceinline=True)
def keep_only(path, level, c, leaf):
    """Let the last level allow what child c of a node keeps."""
    size = 0
    for p in range(path.size[level]):
        if path.kept[level, p]:
            path.index[leaf, size] = path.index[level, p]
            size += 1
    for s in range(c):
        path.index[leaf, size] = path.index[level, path.branch[level, s]]
        size += 1
    path.size[leaf] = size


@njit(cache=True, error_model="numpy")
def save(path, level, state):
    """Write which columns a node allows and keeps."""
    state[:] = _REMOVED
    for p in range(path.size[level]):
        state[path.index[level, p]] = _KEPT if path.kept[level, p] else _ALLOWED


@njit(cache=True, error_model="numpy")
def restore(state, path, level):
    """Let a level allow and keep what a saved node did."""
    collect(state, path, level)
    for p in range(path.size[level]):
        path.kept[level, p] = state[path.index[level, p]] == _KEPT
        path.held[level] += path.kept[level, p]
