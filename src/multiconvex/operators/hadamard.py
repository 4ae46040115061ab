r"""Fast Walsh-Hadamard transforms, in natural and in sequency order.

The Sylvester-Hadamard matrix of order :math:`2^k` has entries :math:`\pm 1`,

.. math:: H_1 = (1), \qquad H_{2n} = \begin{pmatrix} H_n & H_n \\ H_n & -H_n \end{pmatrix},
          \qquad H_n H_n = n I .
"""

import numpy as np
from numba import njit

from multiconvex.checks import check_array, check_option

ORDERS = ("natural", "sequency")


def hadamard_transform(x, *, order="natural"):
    r"""Multiply vectors by the Hadamard matrix.

    .. math:: x \mapsto H x

    Parameters
    ----------
    x : ndarray, shape (..., n)
        The length n is a power of two.
    order : {"natural", "sequency"}
        Order of the rows of :math:`H`: as in Sylvester's construction, or by their numbers of
        sign changes. The matrix is symmetric in both, and its square is :math:`n I`.

    Returns
    -------
    ndarray, shape (..., n)

    Raises
    ------
    ValueError
        If n is not a power of two, or entries are not finite.

    Notes
    -----
    Cost: n log2(n) additions a vector.

    Examples
    --------
    >>> import numpy as np
    >>> hadamard_transform(np.array([1.0, 2.0, 3.0, 4.0]))
    array([10., -2., -4.,  0.])
    >>> hadamard_transform(np.array([1.0, 2.0, 3.0, 4.0]), order="sequency")
    array([10., -4.,  0., -2.])
    """
    x = check_array("x", x)
    check_option("order", order, ORDERS)
    check_power_of_two("The last axis of x", x.shape[-1])
    transformed = transform_rows(x.reshape(-1, x.shape[-1])).reshape(x.shape)
    if order == "natural":
        return transformed
    return transformed[..., sequency_places(x.shape[-1])]


def check_power_of_two(name, n):
    """Refuse a length that is not a power of two."""
    if n < 1 or n & (n - 1):
        raise ValueError(f"{name} must be a power of two, got {n}: pad with zeros, or crop.")


def sequency_places(n):
    """Return the number in natural order of each row in sequency order.

    Row s of the sequency order is the row whose number is the bit reversal of the Gray code of s.
    """
    gray = np.arange(n) ^ (np.arange(n) >> 1)
    places = np.zeros(n, dtype=np.int64)
    for bit in range(n.bit_length() - 1):
        places = 2 * places + ((gray >> bit) & 1)
    return places


def transform_rows(rows):
    """Return ``rows @ H`` in natural order: a row of length ab is a matrix of a rows, b columns."""
    count, n = rows.shape
    along = 1 << (n.bit_length() // 2)
    matrices = rows.reshape(count, along, n // along)
    return transform_sides(matrices, np.arange(along), np.arange(n // along)).reshape(count, n)


@njit(cache=True)
def transform_sides(matrices, row_places, column_places):
    """Return ``H @ matrix[row_places][:, column_places] @ H`` of each matrix.

    Both products are taken down the columns, where numbers that are combined alike are neighbours
    in memory; the matrix is turned after each.
    """
    count, n_rows, n_columns = matrices.shape
    out = np.empty_like(matrices)
    work = np.empty((n_rows, n_columns), matrices.dtype)
    turned = np.empty((n_columns, n_rows), matrices.dtype)
    as_they_are = np.arange(n_rows)
    for i in range(count):
        for r in range(n_rows):
            row = matrices[i, row_places[r]]
            for c in range(n_columns):
                work[r, c] = row[c]
        _transform_columns(work)
        _turn(work, column_places, turned)
        _transform_columns(turned)
        _turn(turned, as_they_are, out[i])
    return out


@njit(cache=True, inline="always")
def _transform_columns(x):
    n, m = x.shape
    size = 1
    while 4 * size <= n:
        for first in range(0, n, 4 * size):
            for k in range(first, first + size):
                for j in range(m):
                    a, b = x[k, j], x[k + size, j]
                    c, d = x[k + 2 * size, j], x[k + 3 * size, j]
                    x[k, j] = (a + b) + (c + d)
                    x[k + size, j] = (a - b) + (c - d)
                    x[k + 2 * size, j] = (a + b) - (c + d)
                    x[k + 3 * size, j] = (a - b) - (c - d)
        size *= 4
    if size < n:
        for k in range(size):
            for j in range(m):
                a, b = x[k, j], x[k + size, j]
                x[k, j] = a + b
                x[k + size, j] = a - b


@njit(cache=True, inline="always")
def _turn(x, places, y):
    """Write ``x[:, places].T`` to y, eight rows of x at a time: part of a cache line of y."""
    n, m = x.shape
    tiled = n - n % 8
    for first in range(0, tiled, 8):
        for j in range(m):
            row, place = y[j], places[j]
            for k in range(8):
                row[first + k] = x[first + k, place]
    for j in range(m):
        for k in range(tiled, n):
            y[j, k] = x[k, places[j]]
