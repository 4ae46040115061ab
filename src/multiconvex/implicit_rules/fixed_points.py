r"""Solutions of :math:`x = (D x + b)_+` for many b at once.

Two maps have them as fixed points. A plain step of the rule is :math:`z \mapsto D [z]_+ + b` with
:math:`x = [z]_+`. The step of Peaceman and Rachford is :math:`u \mapsto C |u| + 2 V b` with
:math:`V = \alpha (I + \alpha (I - D))^{-1}`, :math:`C = (2/\alpha) V - I` and :math:`x = [u]_+`.
Both are one product with a matrix after the maximum of a number and a multiple of it.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

_BATCH = 256
_SUM = {"reassoc", "contract", "nsz", "arcp"}


class FixedPointMap(NamedTuple):
    r"""The map :math:`u \mapsto K \phi(u) + q` on rows, with :math:`\phi(t) = \max(t, s t)`."""

    matrix: np.ndarray
    shift: np.ndarray
    slope: float
    step: float

    def start(self, X, D, drive):
        """Return points from which states X, as far as they are solved, are found again."""
        return X - self.step * (X - X @ D.T - drive)


def plain_map(D, drive):
    """Return the rule itself as a map."""
    return FixedPointMap(D, drive, 0.0, 1.0)


def reflected_map(D, drive, step):
    """Return the map of Peaceman and Rachford with step alpha."""
    unit = np.eye(len(D))
    resolvent = step * np.linalg.inv(unit + step * (unit - D))
    return FixedPointMap((2.0 / step) * resolvent - unit, 2.0 * drive @ resolvent.T, -1.0, step)


def iterate(fixed, points, tol, max_iter, window):
    """Apply a map to each row until what a step changes in the states is small.

    Parameters
    ----------
    fixed : FixedPointMap
    points : ndarray, shape (m, h)
        Where to start, overwritten by where each row ends.
    tol : float
        Largest change of a state relative to it.
    max_iter : int
    window : int
        Differences that Anderson mixing combines; 0 for plain steps.

    Returns
    -------
    ndarray of int, shape (m,)
        Steps taken by each row.
    """
    counts = np.zeros(len(points), dtype=np.int64)
    transposed = np.ascontiguousarray(fixed.matrix.T)
    memory = _memory(min(_BATCH, len(points)), points.shape[1], window, points.dtype)
    slope = points.dtype.type(fixed.slope)
    for first in range(0, len(points), _BATCH):
        rows = slice(first, first + _BATCH)
        batch = points[rows]
        u, shift = batch.copy(), fixed.shift[rows].copy()
        image = np.empty_like(u)
        index, origin = np.arange(len(batch)), np.empty(len(batch), dtype=np.int64)
        memory.held[:] = -1
        left = len(batch)
        for _ in range(max_iter):
            np.dot(np.maximum(u[:left], slope * u[:left]), transposed, out=image[:left])
            left = advance(image, shift, u, batch, counts[rows], index, origin, left, tol)
            if left == 0:
                break
            if window:
                mix(image, u, origin, left, *memory)
            else:
                u[:left] = image[:left]
    return counts


class _Memory(NamedTuple):
    """What Anderson mixing keeps of a batch of rows."""

    before: np.ndarray
    residuals: np.ndarray
    images: np.ndarray
    changes: np.ndarray
    gram: np.ndarray
    sizes: np.ndarray
    held: np.ndarray


def _memory(rows, width, window, dtype):
    mixed = rows if window else 0
    return _Memory(
        np.empty((mixed, width), dtype),
        np.empty((mixed, width), dtype),
        np.empty((mixed, window, width), dtype),
        np.empty((mixed, window, width), dtype),
        np.empty((mixed, window, window)),
        np.empty(rows),
        np.empty(rows, dtype=np.int64),
    )


@njit(cache=True, fastmath=_SUM)
def advance(image, shift, u, out, counts, index, origin, left, tol):
    """Finish one step of the first `left` rows, given their product with the matrix.

    Rows that have settled leave, and the others move up; `origin` tells from where. Returns how
    many stay.
    """
    width = u.shape[1]
    kept = 0
    for i in range(left):
        k = index[i]
        change = scale = 0.0
        for j in range(width):
            new = image[i, j] + shift[i, j]
            image[kept, j] = new
            out[k, j] = new
            state = max(new, 0 * new)
            gap = state - max(u[i, j], 0 * new)
            change += gap * gap
            scale += state * state
        counts[k] += 1
        if change <= tol * tol * scale:
            continue
        index[kept], origin[kept] = k, i
        if kept != i:
            for j in range(width):
                shift[kept, j], u[kept, j] = shift[i, j], u[i, j]
        kept += 1
    return kept


@njit(cache=True, fastmath=_SUM)
def mix(image, u, origin, left, before, residuals, images, changes, gram, sizes, held):
    """Replace the first `left` points by their next ones, by Anderson mixing with a safeguard.

    Where the last combination has raised the residual, the row goes back to the plain step before
    it and forgets.
    """
    width, window = u.shape[1], images.shape[1]
    for row in range(left):
        i = origin[row]
        _move(i, row, before, residuals, images, changes, gram)
        stored, last = held[i], sizes[i]
        size = 0.0
        for j in range(width):
            size += (image[row, j] - u[row, j]) ** 2
        if stored > 0 and size > last:
            for j in range(width):
                u[row, j] = before[row, j]
            held[row], sizes[row] = 0, np.inf
            continue
        slot = stored % window
        for j in range(width):
            residual = image[row, j] - u[row, j]
            if stored >= 0:
                images[row, slot, j] = image[row, j] - before[row, j]
                changes[row, slot, j] = residual - residuals[row, j]
            residuals[row, j] = residual
            before[row, j] = u[row, j] = image[row, j]
        count = min(stored + 1, window)
        for other in range(count):
            product = 0.0
            for j in range(width):
                product += changes[row, slot, j] * changes[row, other, j]
            gram[row, slot, other] = gram[row, other, slot] = product
        held[row], sizes[row] = stored + 1, size
        weights = _least_squares(gram[row], changes[row], residuals[row], count)
        for other in range(count):
            for j in range(width):
                u[row, j] -= weights[other] * images[row, other, j]


@njit(cache=True)
def _move(i, row, before, residuals, images, changes, gram):
    """Copy what is remembered of one row to another place."""
    if i == row:
        return
    width, window = before.shape[1], images.shape[1]
    for j in range(width):
        before[row, j], residuals[row, j] = before[i, j], residuals[i, j]
    for slot in range(window):
        for j in range(width):
            images[row, slot, j] = images[i, slot, j]
            changes[row, slot, j] = changes[i, slot, j]
        for other in range(window):
            gram[row, slot, other] = gram[i, slot, other]


@njit(cache=True, fastmath=_SUM)
def _least_squares(gram, changes, residual, count):
    """Minimise the norm of the residual minus a combination of changes, by Cholesky."""
    factor = np.zeros((count, count))
    solution = np.zeros(count)
    trace = 0.0
    for p in range(count):
        trace += gram[p, p]
    for p in range(count):
        for q in range(p + 1):
            entry = gram[p, q]
            for s in range(q):
                entry -= factor[p, s] * factor[q, s]
            if p == q:
                factor[p, p] = np.sqrt(max(entry, 0.0) + 1e-12 * trace + 1e-300)
            else:
                factor[p, q] = entry / factor[q, q]
        value = 0.0
        for j in range(len(residual)):
            value += changes[p, j] * residual[j]
        for s in range(p):
            value -= factor[p, s] * solution[s]
        solution[p] = value / factor[p, p]
    for p in range(count - 1, -1, -1):
        value = solution[p]
        for s in range(p + 1, count):
            value -= factor[s, p] * solution[s]
        solution[p] = value / factor[p, p]
    return solution
