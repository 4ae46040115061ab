r"""A compiled problem as arrays, with the auxiliary variables of its squares eliminated.

CVXPY compiles a problem with parameters :math:`\theta` to

.. math:: \min_x \; \tfrac12 x^\top P x + q^\top x \quad\text{subject to}\quad
          b - A x \in \mathcal{K},

with entries that are affine in :math:`\theta` and a pattern that does not depend on it. A sum of
squares becomes one auxiliary variable and one equality for each term, which ``Condensed``
substitutes back: a problem over the user's own variables is left.
"""

from copy import copy

import numpy as np
import scipy.sparse as sp
from numba import njit

_LARGEST_DENSE = 2000
_LARGEST_FILL = 4


class ConeProgram:
    """The arrays of a compiled problem for any value of its parameters.

    Parameters
    ----------
    compiled : cvxpy's ParamConeProg
        Formatted for a conic solver.

    Attributes
    ----------
    dims : cvxpy's ConeDims
    P, A : scipy.sparse.csc_array of int
        Patterns; an entry is its position in the data. P is upper triangular.
    """

    def __init__(self, compiled):
        self.dims = compiled.cone_dims
        self._parameters = [
            (compiled.id_to_param[key], column)
            for key, column in compiled.param_id_to_col.items()
            if key in compiled.id_to_param
        ]
        self._n_parameters = compiled.total_param_size
        n, m = compiled.x.size, compiled.constr_size
        none = sp.coo_array((n * n, self._n_parameters + 1))
        both, entries = _split(none if compiled.P is None else compiled.P, n, n)
        upper, self.P = _renumbered(sp.triu(both).tocsc())
        self._P_entries = entries[upper]
        self.A, self._A_entries = _split(compiled.A, m, n)
        self._b = _rows_between(compiled.A, m * n, m * (n + 1))
        self._q = sp.csr_array(compiled.q)[:n]

    def theta(self):
        """Return the current values of the parameters, and the 1 that multiplies constants."""
        theta = self.no_parameters()
        for parameter, column in self._parameters:
            theta[column : column + parameter.size] = parameter.value.ravel(order="F")
        return theta

    def no_parameters(self):
        """Return the vector that leaves the constant part of each entry."""
        theta = np.zeros(self._n_parameters + 1)
        theta[-1] = 1.0
        return theta

    def fixed(self):
        """Return which entries of P and A do not depend on the parameters."""
        return tuple(
            np.diff(entries[:, :-1].tocsr().indptr) == 0
            for entries in (self._P_entries, self._A_entries)
        )

    def arrays(self, theta):
        """Return the data of P, q, the data of A, and b."""
        return (
            self._P_entries @ theta,
            self._q @ theta,
            -(self._A_entries @ theta),
            self._b @ theta,
        )

    def expand(self, x):
        """Return the solution of the compiled problem."""
        return x


class Condensed:
    r"""A cone program without variables that are defined by one equality each.

    With :math:`u = d - C x` for the eliminated variables, whose quadratic term is
    :math:`\tfrac12 u^\top W u` with W diagonal,

    .. math:: P' = P_{xx} + C^\top W C, \qquad q' = q_x - C^\top (q_u + W d).

    Parameters
    ----------
    program : ConeProgram
    eliminated, rows : ndarray of int
        The variables and the equalities that define them, in the same order.
    """

    def __init__(self, program, eliminated, rows):
        self._program, self._eliminated, self._rows = program, eliminated, rows
        self._kept = np.setdiff1d(np.arange(program.P.shape[0]), eliminated)
        self._kept_rows = np.setdiff1d(np.arange(program.A.shape[0]), rows)
        self.dims = copy(program.dims)
        self.dims.zero -= rows.size
        P, _, A, _ = program.arrays(program.no_parameters())
        self._weights = _with_data(program.P, P).diagonal()[eliminated]
        self._pivots = _with_data(program.A, A).tocsr()[rows, eliminated]

        definitions = program.A.tocsr()[rows][:, self._kept]
        self._C_from, self._C = definitions.data, definitions
        self._pivot_of_entry = np.repeat(self._pivots, np.diff(definitions.indptr))
        self._A_from, self.A = _renumbered(program.A[self._kept_rows][:, self._kept])
        own = program.P[self._kept][:, self._kept]
        self._P_from, self._own_columns = own.data, _columns(own)
        self._own_rows = own.indices
        ones = _with_data(definitions, np.ones(definitions.nnz))
        together = sp.triu(ones.T @ ones + _with_data(own, np.ones(own.nnz))).tocsc()
        together.sort_indices()
        self.P, self._out_columns = together, _columns(together)
        self._inner = None

    def is_worthwhile(self):
        """Return whether eliminating makes the problem smaller rather than fuller."""
        before = self._C.nnz + self._rows.size
        return self._kept.size <= _LARGEST_DENSE and self.P.nnz <= _LARGEST_FILL * before

    def theta(self):
        """Return the current values of the parameters."""
        return self._program.theta()

    def arrays(self, theta):
        """Return the data of P, q, the data of A, and b, as :meth:`ConeProgram.arrays`."""
        P, q, A, b = self._program.arrays(theta)
        C = _with_data(self._C, A[self._C_from] / self._pivot_of_entry)
        d = b[self._rows] / self._pivots
        square = np.zeros((self._kept.size, self._kept.size))
        square[self._own_rows, self._own_columns] = P[self._P_from]
        _add_weighted_gram(C.data, C.indices, C.indptr, self._weights, square)
        slope = q[self._eliminated] + self._weights * d
        self._inner = C, d
        return (
            square[self.P.indices, self._out_columns],
            q[self._kept] - C.T @ slope,
            A[self._A_from],
            b[self._kept_rows],
        )

    def expand(self, x):
        """Return the solution of the compiled problem, for the last arrays."""
        C, d = self._inner
        full = np.empty(self._program.P.shape[0])
        full[self._kept] = x
        full[self._eliminated] = d - C @ x
        return full


def condensed(program):
    """Return the program without the variables worth eliminating, if there are any."""
    fixed_P, fixed_A = program.fixed()
    P, A = program.P, program.A
    P_columns, A_columns = _columns(P), _columns(A)
    coupled = (P.indices != P_columns) | ~fixed_P[P.data]
    linked = np.zeros(P.shape[0], bool)
    linked[P.indices[coupled]] = linked[P_columns[coupled]] = True
    alone = np.diff(A.indptr)[A_columns] == 1
    defining = alone & fixed_A[A.data] & (A.indices < program.dims.zero) & ~linked[A_columns]
    rows, first = np.unique(A.indices[defining], return_index=True)
    if rows.size == 0:
        return program
    smaller = Condensed(program, A_columns[defining][first], rows)
    return smaller if smaller.is_worthwhile() else program


def _split(tensor, n_rows, n_columns):
    """Return the pattern of a matrix and its entries as affine functions of the parameters.

    CVXPY stacks the columns of a matrix; row ``i + n_rows * j`` of its tensor is entry (i, j).
    """
    tensor = sp.coo_array(tensor)
    inside = tensor.row < n_rows * n_columns
    filled, place = np.unique(tensor.row[inside], return_inverse=True)
    entries = sp.csr_array(
        (tensor.data[inside], (place, tensor.col[inside])), shape=(filled.size, tensor.shape[1])
    )
    columns, rows = np.divmod(filled, n_rows)
    pointers = np.searchsorted(columns, np.arange(n_columns + 1))
    pattern = sp.csc_array((np.arange(rows.size), rows, pointers), shape=(n_rows, n_columns))
    return pattern, entries


def _rows_between(tensor, first, last):
    """Return rows of a matrix with so many that pointers to all of them would cost too much."""
    tensor = sp.coo_array(tensor)
    inside = (tensor.row >= first) & (tensor.row < last)
    entries = tensor.data[inside], (tensor.row[inside] - first, tensor.col[inside])
    return sp.csr_array(entries, shape=(last - first, tensor.shape[1]))


def _with_data(pattern, data):
    return type(pattern)((data, pattern.indices, pattern.indptr), shape=pattern.shape)


def _renumbered(pattern):
    return pattern.data, _with_data(pattern, np.arange(pattern.nnz))


def _columns(pattern):
    return np.repeat(np.arange(pattern.shape[1]), np.diff(pattern.indptr))


@njit(cache=True)
def _add_weighted_gram(data, indices, pointers, weights, out):
    """Add the upper triangle of C' W C to a square array, C in sorted CSR format."""
    for row in range(weights.size):
        for a in range(pointers[row], pointers[row + 1]):
            scaled = weights[row] * data[a]
            for b in range(a, pointers[row + 1]):
                out[indices[a], indices[b]] += scaled * data[b]
