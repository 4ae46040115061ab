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
        den = np.zeros_like(num)
        for slab, data, model in self._slabs(rows, columns):
            for total, half in zip((num, den), self.loss.halves(data, model)):
                _add_product(total, half, slab, rows, columns, k)
        return num, den

    def curvature_sums(self, rows, columns, k):
        """Return the row sums of the (nonnegative) second derivatives in factor ``k``."""
        other = (columns, rows)[k]
        total = np.zeros_like((rows, columns)[k])
        sums = other.sum(axis=1)
        for slab, data, model in self._slabs(rows, columns):
            bend = self.loss.curvature(data, model)
            bend *= sums if k == 0 else sums[slab, None]
            _add_product(total, bend, slab, rows, columns, k)
        return total

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


class DenseKullbackLeibler(DenseDivergence):
    """Kullback-Leibler divergence between a dense matrix and a factor model.

    One logarithm and one division per entry: what does not depend on the model is summed once,
    and one half of the gradient is a sum of the other factor.
    """

    @cached_property
    def _constant(self):
        step = max(1, _SLAB // self.shape[1])
        slabs = range(0, self.shape[0], step)
        return sum(_data_terms(self.array[start : start + step]) for start in slabs)

    def value(self, rows, columns):
        """Return the loss."""
        cross = 0.0
        for _, data, model in self._slabs(rows, columns):
            cross += float(np.vdot(data, np.log(model, out=model)))
        total = _model_sum(rows, columns) + self._floor * self.array.size
        value = self._constant - cross + total
        return value if _survives(value, cross, self.dtype) else super().value(rows, columns)

    def halves(self, rows, columns, k):
        """Return the two halves of the gradient in the factor ``k``: gradient = den - num."""
        num = np.zeros_like((rows, columns)[k])
        for slab, data, model in self._slabs(rows, columns):
            ratio = np.divide(data, model, out=model)
            _add_product(num, ratio, slab, rows, columns, k)
        return num, (columns, rows)[k].sum(axis=0)[None, :]


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

    @cached_property
    def _constant(self):
        return _data_terms(self.matrix.data)

    def value(self, rows, columns):
        """Return the loss."""
        data, indices, indptr = _csr(self.matrix)
        step = max(1, _SLAB * self.shape[0] // max(1, len(data)))
        cross = 0.0
        for start in range(0, self.shape[0], step):
            some = indptr[start : start + step + 1]
            model = sparse_model(indices, some, rows[start : start + step], columns, self._floor)
            cross += float(np.vdot(data[some[0] : some[-1]], np.log(model, out=model)))
        value = self._constant - cross + _model_sum(rows, columns)
        if _survives(value, cross, self.dtype):
            return value
        stored = sparse_divergence(data, indices, indptr, rows, columns, self._floor)
        return max(float(stored) + _model_sum(rows, columns), 0.0)

    def halves(self, rows, columns, k):
        """Return the two halves of the gradient in the factor ``k``: gradient = den - num."""
        num = np.zeros_like((rows, columns)[k])
        unused = np.zeros((0, num.shape[1]), num.dtype)
        outputs = (num, unused) if k == 0 else (unused, num)
        sparse_ratio_times(*_csr(self.matrix), rows, columns, self._floor, *outputs)
        return num, (columns, rows)[k].sum(axis=0)[None, :]

    def curvature_sums(self, rows, columns, k):
        """Return the row sums of the (nonnegative) second derivatives in factor ``k``."""
        bend = self.matrix.copy()
        bend.data /= sparse_model(*_csr(self.matrix)[1:], rows, columns, self._floor) ** 2
        other = (columns, rows)[k]
        weighted = other * other.sum(axis=1)[:, None]
        return (bend if k == 0 else bend.T) @ weighted

    def rows(self, k):
        """Return the CSR arrays of the data with the rows of factor ``k`` first."""
        return _csr(self.matrix if k == 0 else self._by_columns)

    def sums(self, k):
        """Return the sum of the data over each row of factor ``k``."""
        return np.asarray(self.matrix.sum(axis=1 - k)).ravel()


def ratio_products(divergence, rows, columns):
    """Return ``R @ columns`` and ``R.T @ rows``, with R the data over the model, in one pass."""
    products = np.zeros_like(rows), np.zeros_like(columns)
    if isinstance(divergence, SparseKullbackLeibler):
        matrix, floor = _csr(divergence.matrix), divergence._floor
        sparse_ratio_times(*matrix, rows, columns, floor, *products)
        return products
    for slab, data, model in divergence._slabs(rows, columns):
        ratio = np.divide(data, model, out=model)
        for k in range(2):
            _add_product(products[k], ratio, slab, rows, columns, k)
    return products


def divergence_of(data, loss):
    """Return the right class for dense or sparse data."""
    counts = isinstance(loss, KullbackLeibler)
    if not sp.issparse(data):
        return DenseKullbackLeibler(data, loss) if counts else DenseDivergence(data, loss)
    if not counts:
        raise TypeError(
            f"{type(loss).__name__} on sparse data would fill it in: pass X.toarray(), or use "
            "loss='kullback-leibler'."
        )
    return SparseKullbackLeibler(data)


def _csr(matrix):
    return matrix.data, matrix.indices, matrix.indptr


def _add_product(total, weights, slab, rows, columns, k):
    """Add to the gradient of factor ``k`` what a slab of rows contributes."""
    if k == 0:
        total[slab] += weights @ columns
    else:
        total += weights.T @ rows[slab]


def _survives(value, cross, dtype):
    """Return whether a difference of large sums still has its leading digits."""
    return value > 1e10 * float(np.finfo(dtype).eps) * abs(cross)


def _data_terms(y):
    """Return the sum of ``y log y - y``."""
    return float(np.vdot(y, np.log(np.maximum(y, np.finfo(y.dtype).tiny))) - y.sum())


def _model_sum(rows, columns):
    """Return the sum of all entries of the model."""
    return float(rows.sum(axis=0) @ columns.sum(axis=0))
