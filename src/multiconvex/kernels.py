r"""Compiled loops for the Kullback-Leibler divergence between data and a factor model.

In every kernel the rows of the data are modelled by ``z[i] = block[i] @ design.T`` and zeros of the
data cost nothing where the data are sparse.
"""

import numpy as np
from numba import njit

_TILE = 16
_FASTMATH = {"contract", "reassoc", "nsz", "arcp"}


@njit(cache=True, error_model="numpy")
def safe_step(t, total, weight, curvature, ridge):
    """Move ``t >= 0`` towards the zero of the derivative without passing it.

    The derivative at ``t`` is ``total + ridge * t - weight``, where ``total``, ``weight`` and
    ``curvature`` are the sums A, P and Q of :class:`multiconvex.ScalarNewton`. Where the model is
    almost zero P is so large that A cannot be had back from the derivative.
    """
    slope = total + ridge * t - weight
    if curvature <= 0.0:
        return 0.0 if slope > 0.0 else t
    if slope < 0.0:
        ratio = curvature / weight
        b = ridge + (total + ridge * t) * ratio
        return t - 2.0 * slope / (b + np.sqrt(b * b - 4.0 * ridge * ratio * slope))
    b = slope + ridge * t + curvature * t
    if b <= 0.0:
        return t
    return max(t - 2.0 * slope * t / (b + np.sqrt(max(b * b - 4.0 * ridge * slope * t, 0.0))), 0.0)


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def _advance(y, z, h, move, tiny, h_next):
    """Add ``move * h`` to the model, then return the sums P and Q of the next entry."""
    weight, curvature = y[0] * 0.0, y[0] * 0.0
    for j in range(len(y)):
        model = max(z[j] + move * h[j], tiny)
        z[j] = model
        u = h_next[j] / model
        v = y[j] * u
        weight += v
        curvature += v * u
    return weight, curvature


@njit(cache=True, error_model="numpy")
def _sweep_row(y, z, h, sums, l1, l2, sweeps, tiny, t):
    """Passes of safe coordinate steps over one row ``t``, whose model ``z`` follows."""
    previous, move = 0, 0.0
    for _ in range(sweeps):
        for q in range(len(t)):
            weight, curvature = _advance(y, z, h[previous], move, tiny, h[q])
            new = safe_step(t[q], sums[q] + l1, weight, curvature, l2)
            if new < tiny:
                new = 0.0
            previous, move = q, new - t[q]
            t[q] = new


@njit(cache=True, error_model="numpy")
def newton_rows(data, design, sums, l1, l2, sweeps, block):
    """Passes of safe coordinate steps over every row of ``block``, in place, dense data.

    Rows are copied a tile at a time, so that a transposed view costs no copy of the data.
    """
    n, columns = data.shape
    h = design.T.copy()
    tile = np.empty((_TILE, columns), data.dtype)
    z = np.empty(columns, data.dtype)
    tiny = np.finfo(data.dtype).tiny ** 0.25
    for first in range(0, n, _TILE):
        size = min(_TILE, n - first)
        tile[:size] = data[first : first + size]
        for i in range(size):
            t = block[first + i]
            z[:] = tiny
            for q in range(len(t)):
                _advance(tile[i], z, h[q], t[q], tiny, h[q])
            _sweep_row(tile[i], z, h, sums, l1, l2, sweeps, tiny, t)


@njit(cache=True, error_model="numpy")
def newton_sparse_rows(data, indices, indptr, design, sums, l1, l2, sweeps, block):
    """The same passes over sparse rows in CSR format: only stored entries are visited."""
    rank = design.shape[1]
    longest = 0
    for i in range(len(indptr) - 1):
        longest = max(longest, indptr[i + 1] - indptr[i])
    h = np.empty((rank, longest), design.dtype)
    z = np.empty(longest, design.dtype)
    tiny = np.finfo(design.dtype).tiny ** 0.25
    for i in range(len(indptr) - 1):
        first, size = indptr[i], indptr[i + 1] - indptr[i]
        t = block[i]
        if size == 0:
            t[:] = 0.0
            continue
        for j in range(size):
            total = tiny
            for q in range(rank):
                h[q, j] = design[indices[first + j], q]
                total += t[q] * h[q, j]
            z[j] = total
        y = data[first : first + size]
        _sweep_row(y, z[:size], h[:, :size], sums, l1, l2, sweeps, tiny, t)


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def sparse_ratio_times(data, indices, indptr, rows, columns, tiny, by_row, by_column):
    """Add (data / model) times the factors to ``by_row`` and its transpose to ``by_column``.

    Either output may be empty, in which case that product is not formed.
    """
    rank = rows.shape[1]
    want_rows, want_columns = len(by_row) > 0, len(by_column) > 0
    for i in range(len(indptr) - 1):
        for position in range(indptr[i], indptr[i + 1]):
            j = indices[position]
            total = tiny
            for q in range(rank):
                total += rows[i, q] * columns[j, q]
            ratio = data[position] / total
            if want_rows:
                for q in range(rank):
                    by_row[i, q] += ratio * columns[j, q]
            if want_columns:
                for q in range(rank):
                    by_column[j, q] += ratio * rows[i, q]


@njit(cache=True, error_model="numpy")
def sparse_divergence(data, indices, indptr, rows, columns, tiny):
    """Return the sum over stored entries of ``y log(y / z) - y``."""
    total = 0.0
    for i in range(len(indptr) - 1):
        for position in range(indptr[i], indptr[i + 1]):
            y = data[position]
            if y > 0.0:
                z = tiny
                for q in range(rows.shape[1]):
                    z += rows[i, q] * columns[indices[position], q]
                total += y * np.log(y / z) - y
    return total


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def sparse_model(indices, indptr, rows, columns, tiny):
    """Return the model at the stored entries of consecutive rows."""
    first = indptr[0]
    z = np.empty(indptr[-1] - first, rows.dtype)
    for i in range(len(indptr) - 1):
        for position in range(indptr[i], indptr[i + 1]):
            total = tiny
            for q in range(rows.shape[1]):
                total += rows[i, q] * columns[indices[position], q]
            z[position - first] = total
    return z
