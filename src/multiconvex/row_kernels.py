r"""One row of a Kullback-Leibler block at a time: what updates that solve rows have in common.

A row :math:`t` with stored data :math:`y > 0` and design ``h`` of shape (rank, entries) has value

.. math:: c^T t + \tfrac{\lambda_2}{2} \|t\|^2 - \sum_j y_j \log (h^T t)_j ,

where :math:`c` holds the sums of the whole design, zeros of the data included, plus
:math:`\lambda_1`.
"""

import numpy as np
import scipy.sparse as sp
from numba import njit

_FASTMATH = {"contract", "reassoc", "nsz"}


def stored_rows(rows):
    """Return the CSR arrays of dense rows or of CSR arrays; zeros of dense rows are left out.

    Examples
    --------
    >>> data, indices, indptr = stored_rows(np.array([[0.0, 2.0], [3.0, 0.0]]))
    >>> data.tolist(), indices.tolist(), indptr.tolist()
    ([2.0, 3.0], [1, 0], [0, 1, 2])
    """
    if isinstance(rows, tuple):
        return rows
    matrix = sp.csr_array(rows)
    return matrix.data, matrix.indices, matrix.indptr


@njit(cache=True, error_model="numpy")
def longest_row(indptr):
    """Return the largest number of entries of a row."""
    longest = 0
    for i in range(len(indptr) - 1):
        longest = max(longest, indptr[i + 1] - indptr[i])
    return longest


@njit(cache=True, error_model="numpy")
def gather_row(indices, design, h):
    """Copy the rows of a design that a row of the data uses to the columns of ``h``."""
    for j in range(len(indices)):
        for q in range(len(h)):
            h[q, j] = design[indices[j], q]


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def model_row(h, tiny, t, z):
    """Write the model of a row to ``z``."""
    z[:] = tiny
    for q in range(len(t)):
        for j in range(len(z)):
            z[j] += t[q] * h[q, j]


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def row_value(y, h, weights, l2, tiny, t, z):
    """Return the value of a row and leave its model in ``z``."""
    model_row(h, tiny, t, z)
    total = 0.0
    for q in range(len(t)):
        total += (weights[q] + 0.5 * l2 * t[q]) * t[q]
    for j in range(len(y)):
        total -= y[j] * np.log(z[j])
    return total


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def multiplicative_row(y, h, weights, l2, tiny, t, z):
    """Replace a row by its multiplicative update, in place; its model goes to ``z``."""
    model_row(h, tiny, t, z)
    for q in range(len(t)):
        share = 0.0
        for j in range(len(y)):
            share += y[j] * h[q, j] / z[j]
        a, b = t[q] * share, weights[q]
        root = b + np.sqrt(b * b + 4.0 * l2 * a)
        t[q] = 2.0 * a / root if root > 0.0 else 0.0
