r"""Matrices that do not fit one machine: Dask arrays, seen through sums over chunks of rows.

With ``X`` and ``W`` cut into the same chunks of rows, :math:`X H` stays where the rows are, and
everything else that a factor model needs is a sum of small matrices, one from each chunk:

.. math:: X^T W = \sum_c X_c^T W_c, \qquad W^T W = \sum_c W_c^T W_c, \qquad
          \|X\|_F^2 = \sum_c \|X_c\|_F^2 .
"""

from functools import cached_property

import numpy as np
import scipy.sparse as sp

from multiconvex.checks import is_chunked
from multiconvex.operands import DenseTensor, SparseMatrix

_ALIGNED = 64
FAN_IN = 8


class ChunkedMatrix:
    r"""A matrix in chunks of rows, each of which stays where it is.

    The products of :class:`~multiconvex.FactorProblem` with the data: :math:`X H` is lazy and in
    the same chunks as the rows, :math:`X^T W` is a sum over chunks.

    Parameters
    ----------
    array : dask.array.Array, shape (m, n)
        Of real numbers, dense or in chunks that are scipy.sparse arrays. Columns are put into one
        chunk and boundaries between rows on multiples of 64, where they are not: the updates
        handle 64 rows at a time, so that the chunks do not change what they do.

    Raises
    ------
    TypeError
        For what is not a Dask array of real numbers.
    ValueError
        For an array that is empty, not a matrix, or whose chunks have unknown sizes.

    Notes
    -----
    Guarantee: no chunk of the data leaves its worker, and none is filled in; what is sent is n r
    numbers a chunk.

    Cost: two passes over the data per sweep, O(mnr) dense or O(nnz r) sparse, and messages of n r
    numbers, two a chunk.

    Chapter: :doc:`/chapters/open_problems/scaling_out`

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from multiconvex import ChunkedMatrix
    >>> X = ChunkedMatrix(da.ones((256, 3), chunks=(64, 3)))
    >>> W, H = da.ones((256, 1), chunks=(64, 1)), np.ones((3, 1))
    >>> X.mttkrp((W, H), 1).ravel()
    array([256., 256., 256.])
    """

    def __init__(self, array):
        self.array = _in_row_chunks(array)
        self.shape = self.array.shape
        self.dtype = self.array.dtype
        self.is_sparse = sp.issparse(self.array._meta)

    @cached_property
    def norm2(self):
        """Squared Frobenius norm."""
        return float(self._census[0])

    def check(self, name, *, nonnegative):
        """Refuse NaN, infinity and, where asked, negative numbers, in one pass over the data."""
        _, missing, negative = self._census
        if missing:
            raise ValueError(
                f"{name} has {missing:.0f} NaN or infinite entries: remove them or fill them in "
                "before fitting."
            )
        if nonnegative and negative:
            raise ValueError(
                f"{name} must be nonnegative, got {negative:.0f} negative entries: shift or clip "
                "the data, or choose a model without nonnegativity."
            )

    def mttkrp(self, factors, k):
        """Return ``X @ H``, lazy, for ``k = 0`` and ``X.T @ W`` for ``k = 1``."""
        if k == 0:
            return self.map_rows(_product, factors[1].shape[1], others=(factors[1],))
        return self.row_sums(factors[0])[1]

    def row_sums(self, W):
        """Return ``W.T @ W`` and ``X.T @ W`` from one pass over the data."""
        rank = W.shape[1]
        both = self.reduce(_gram_and_product, (rank + self.shape[1], rank), (W,))
        return both[:rank], both[rank:]

    def distance2(self, factors):
        """Return the squared distance to the model, summed over chunks."""
        W, H = factors
        return float(self.reduce(_distance2, (1, 1), (W,), (H,), dtype=float)[0, 0])

    def map_rows(self, call, width, rows=(), others=()):
        """Return the lazy array with rows ``call(X_c, *rows_c, *others)`` in the chunks of X.

        Parameters
        ----------
        call : callable
        width : int
            Number of columns of what it returns.
        rows : sequence of dask.array.Array
            In the chunks of the rows of X.
        others : sequence of ndarray
            Small matrices that all chunks need.
        """
        return self._blockwise(call, "iw", {"w": width}, {}, rows, others, self.dtype)

    def reduce(self, call, shape, rows=(), others=(), dtype=None):
        """Return the sum over chunks of the matrices ``call(X_c, *rows_c, *others)``."""
        heights = dict(zip("vw", shape))
        one_each = {"i": lambda height: 1}
        dtype = dtype or self.dtype
        terms = self._blockwise(_Stacked(call), "ivw", heights, one_each, rows, others, dtype)
        return terms.sum(axis=0, split_every=FAN_IN).compute()

    def triangle(self, columns=None):
        """Return ``R`` of a QR factorisation of ``X``, or of ``X @ columns``, by a tree of them.

        Its columns have the inner products of those of the data.
        """
        width = self.shape[1] if columns is None else columns.shape[1]
        others = () if columns is None else (columns,)
        square = {"i": lambda height: width}
        stack = self._blockwise(_triangle, "iw", {"w": width}, square, (), others, self.dtype)
        while stack.numblocks[0] > 1:
            merged = stack.rechunk({0: FAN_IN * width})
            heights = (width,) * merged.numblocks[0]
            stack = merged.map_blocks(_triangle, dtype=self.dtype, chunks=(heights, (width,)))
        return stack.compute()

    def each(self, call, width, rows=(), others=()):
        """Return the single rows ``call(X_c, *rows_c, *others)`` of all chunks, stacked."""
        single = {"i": lambda height: 1}
        return self._blockwise(call, "iw", {"w": width}, single, rows, others, float).compute()

    def _blockwise(self, call, out, new_axes, adjusted, rows, others, dtype):
        import dask.array as da

        letters = iter("abcdefghklmnop")
        pairs = [self.array, "ij"]
        for array in rows:
            pairs += [array, "i" + next(letters)]
        for array in others:
            pairs += [da.from_array(array, chunks=array.shape), next(letters) + next(letters)]
        return da.blockwise(
            _Unpacked(call),
            out,
            *pairs,
            new_axes=new_axes,
            adjust_chunks=adjusted,
            dtype=dtype,
            meta=np.empty((0,) * len(out), dtype),
        )

    @cached_property
    def _census(self):
        """The squared norm and the numbers of entries that are not finite or negative."""
        return self.reduce(_count, (1, 3), dtype=float)[0]


def sum_of_rows(call, array, shape):
    """Return the sum over chunks of the matrices ``call(rows)`` of a chunked array."""
    return ChunkedMatrix(array).reduce(call, shape)


class _Unpacked:
    """A call on chunks, which Dask hands over in lists where an index is summed over."""

    def __init__(self, call):
        self.call = call

    def __call__(self, *chunks):
        return self.call(*map(_only, chunks))


class _Stacked:
    """A call whose result becomes one page of a stack."""

    def __init__(self, call):
        self.call = call

    def __call__(self, *chunks):
        return self.call(*chunks)[None]


def _only(chunk):
    while isinstance(chunk, list):
        (chunk,) = chunk
    return chunk


def local_operand(chunk):
    """Return a chunk as the operand of its own rows."""
    return SparseMatrix(chunk) if sp.issparse(chunk) else DenseTensor(np.ascontiguousarray(chunk))


def _product(chunk, H):
    return np.asarray(chunk @ H)


def _triangle(chunk, columns=None):
    """Return the triangular factor of a chunk, completed with rows of zeros to a square."""
    tall = chunk if columns is None else np.asarray(chunk @ columns)
    triangle = np.linalg.qr(tall, mode="r")
    missing = triangle.shape[1] - len(triangle)
    return np.vstack([triangle, np.zeros((missing, triangle.shape[1]), triangle.dtype)])


def _gram_and_product(chunk, W):
    return np.vstack([W.T @ W, np.asarray(chunk.T @ W)])


def _distance2(chunk, W, H):
    return np.array([[local_operand(chunk).distance2((W, H))]])


def _count(chunk):
    entries = chunk.data if sp.issparse(chunk) else chunk
    missing = np.count_nonzero(~np.isfinite(entries))
    norm2 = local_operand(chunk).norm2
    return np.array([[norm2, missing, np.count_nonzero(entries < 0)]])


def _in_row_chunks(array):
    """Return a Dask matrix in aligned chunks of whole rows."""
    if not is_chunked(array):
        raise TypeError(f"ChunkedMatrix needs a Dask array, got {type(array).__name__}.")
    if array.dtype.kind == "c":
        raise TypeError("The chunks must hold real numbers: their entries are complex.")
    if array.ndim != 2:
        raise ValueError(f"A chunked matrix must have 2 dimensions, got shape {array.shape}.")
    if np.isnan(array.shape).any():
        raise ValueError("The sizes of the chunks are unknown: call array.compute_chunk_sizes().")
    if 0 in array.shape:
        raise ValueError(f"The chunked matrix is empty: its shape is {array.shape}.")
    if array.dtype.char not in "fd":
        array = array.astype(float)
    if array.numblocks[1] > 1 and array.shape[1] > array.shape[0]:
        raise ValueError(
            f"The chunks cut the longer side, the columns, of shape {array.shape}: pass the "
            "transpose, and swap the factors."
        )
    if array.numblocks[1] > 1:
        array = array.rechunk({0: "auto", 1: -1})
    return array.rechunk({0: _aligned(array.chunks[0])})


def _aligned(heights):
    """Return chunk heights whose boundaries are multiples of what updates handle at a time.

    Examples
    --------
    >>> _aligned((100, 100, 10, 30))
    (128, 64, 48)
    """
    ends = np.cumsum(heights)
    inner = np.unique(_ALIGNED * np.round(ends[:-1] / _ALIGNED).astype(int))
    bounds = [0, *inner[(inner > 0) & (inner < ends[-1])].tolist(), int(ends[-1])]
    return tuple(np.diff(bounds).tolist())
