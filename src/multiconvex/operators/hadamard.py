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


@njit(cache=True)
def transform_rows(rows):
    """Return ``rows @ H`` in natural order.

    Each pass combines four quarters of a row and interleaves the results, which after all passes
    leaves the bits of the index where they were.
    """
    count, n = rows.shape
    out = np.empty_like(rows)
    spare = np.empty(n, rows.dtype)
    passes, size = 0, n
    while size > 1:
        passes += 1
        size = size // 4 if size > 2 else 1
    for i in range(count):
        source = rows[i]
        size = n
        for step in range(passes):
            target = out[i] if (passes - step) % 2 else spare
            if size > 2:
                _combine_four(source, target)
                size //= 4
            else:
                _combine_two(source, target)
            source = target
        if passes == 0:
            out[i] = source
    return out


@njit(cache=True, inline="always")
def _combine_four(x, y):
    quarter = len(x) // 4
    for i in range(quarter):
        a, b = x[i], x[i + quarter]
        c, d = x[i + 2 * quarter], x[i + 3 * quarter]
        y[4 * i] = (a + b) + (c + d)
        y[4 * i + 1] = (a - b) + (c - d)
        y[4 * i + 2] = (a + b) - (c + d)
        y[4 * i + 3] = (a - b) - (c - d)


@njit(cache=True, inline="always")
def _combine_two(x, y):
    half = len(x) // 2
    for i in range(half):
        y[2 * i] = x[i] + x[i + half]
        y[2 * i + 1] = x[i] - x[i + half]
