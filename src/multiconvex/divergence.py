r"""Sums over data and model that losses other than Frobenius need, a few rows at a time.

The data are a matrix ``X`` (dense, or sparse in CSR format) modelled by ``W @ H.T``. Nothing here
allocates an array of the size of the data.
"""

from functools import cached_property

import numpy as np
import scipy.sparse as sp

from multiconvex.kernels import sparse_divergence, sparse_model, sparse_ratio_times
from multiconvex.losses import KullbackLeibler

_SLAB = 2**15


def model_floor(dtype):
    """Return what is added to every model entry, far below rounding of any real model."""
    return float(np.finfo(dtype).tiny) ** 0.25


class DenseDivergence:
    """Any loss between a dense matrix and a factor model, by slabs of rows."""

    def __init__(self, array, loss):
        self.array = array
        self.loss = loss
        self.shape = array.shape
        self.dtype = array.dtype
        self._floor = model_floor(array.dtype)

    def value(self, rows, columns):
        """Return the loss."""
        return sum(self.loss.value(data, model) for _, data, model in self._slabs(rows, columns))

    def halves(self, rows, columns, k):
        """Return the two halves of the gradient in the factor ``k``: gradient = den - num."""
        num = np.zeros_like((rows, columns)[k])
        flat = isinstance(self.loss, KullbackLeibler)
        den = (columns, rows)[k].sum(axis=0)[None, :] if flat else np.zeros_like(num)
        for slab, data, model in self._slabs(rows, columns):
            halves = self.loss.halves(data, model)
            for total, half in zip((num,) if flat else (num, den), halves):
                if k == 0:
                    total[slab] = half @ columns
                else:
                    total += half.T @ rows[slab]
        return num, den

    def curvature(self, rows, columns, k):
        """Return the largest row sum of the (nonnegative) second derivatives in factor ``k``."""
        other = (columns, rows)[k]
        total = np.zeros_like((rows, columns)[k])
        sums = other.sum(axis=1)
        for slab, data, model in self._slabs(rows, columns):
            bend = self.loss.curvature(data, model)
            if k == 0:
                total[slab] = (bend * sums) @ columns
            else:
                total += (bend * sums[slab, None]).T @ rows[slab]
        return float(total.max())

    def rows(self, k):
        """Return the data with the rows of factor ``k`` first."""
        return self.array if k == 0 else self.array.T

    def sums(self, k):
        """Return the sum of the data over each row of factor ``k``."""
        return self.array.sum(axis=1 - k)

    def _slabs(self, rows, columns):
        step = max(1, _SLAB // self.shape[1])
        for start in range(0, self.shape[0], step):
            slab = slice(start, start + step)
            model = rows[slab] @ columns.T
            model += self._floor
            yield slab, self.array[slab], model


class SparseKullbackLeibler:
    """Kullback-Leibler divergence between a sparse matrix and a factor model."""

    def __init__(self, matrix):
        self.matrix = matrix
        self.shape = matrix.shape
        self.dtype = matrix.dtype
        self._floor = model_floor(matrix.dtype)

    @cached_property
    def _by_columns(self):
        return sp.csr_array(self.matrix.T)

    def value(self, rows, columns):
        """Return the loss."""
        stored = sparse_divergence(*_csr(self.matrix), rows, columns, self._floor)
        return float(stored + rows.sum(axis=0) @ columns.sum(axis=0))

    def halves(self, rows, columns, k):
        """Return the two halves of the gradient in the factor ``k``: gradient = den - num."""
        num = np.zeros_like((rows, columns)[k])
        unused = np.zeros((0, num.shape[1]), num.dtype)
        outputs = (num, unused) if k == 0 else (unused, num)
        sparse_ratio_times(*_csr(self.matrix), rows, columns, self._floor, *outputs)
        return num, (columns, rows)[k].sum(axis=0)[None, :]

    def curvature(self, rows, columns, k):
        """Return the largest row sum of the (nonnegative) second derivatives in factor ``k``."""
        bend = self.matrix.copy()
        bend.data /= sparse_model(*_csr(self.matrix), rows, columns, self._floor) ** 2
        other = (columns, rows)[k]
        weighted = other * other.sum(axis=1)[:, None]
        return float(((bend if k == 0 else bend.T) @ weighted).max())

    def rows(self, k):
        """Return the CSR arrays of the data with the rows of factor ``k`` first."""
        return _csr(self.matrix if k == 0 else self._by_columns)

    def sums(self, k):
        """Return the sum of the data over each row of factor ``k``."""
        return np.asarray(self.matrix.sum(axis=1 - k)).ravel()


def divergence_of(data, loss):
    """Return the right class for dense or sparse data."""
    if not sp.issparse(data):
        return DenseDivergence(data, loss)
    if not isinstance(loss, KullbackLeibler):
        raise TypeError(
            f"{type(loss).__name__} on sparse data would fill it in: pass X.toarray(), or use "
            "loss='kullback-leibler'."
        )
    return SparseKullbackLeibler(data)


def _csr(matrix):
    return matrix.data, matrix.indices, matrix.indptr
