r"""Separable factorisation of chunked matrices.

Cut along rows, the data are replaced by the triangle of their QR factorisation, whose columns have
the same lengths and angles. Cut along columns, every chunk names its own best candidate.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from multiconvex.models.column_selection import (
    Chosen,
    check_independent,
    check_two,
    check_usable,
    hull_weights,
    separate,
)
from multiconvex.operands_chunked import ChunkedMatrix
from multiconvex.regression import nnls


def separate_chunks(X, rank, method):
    """Return the selection by a method of :func:`multiconvex.separable_nmf` from a Dask array."""
    if sp.issparse(X._meta):
        raise TypeError(
            "X has sparse chunks, which are not handled here: pass "
            "X.map_blocks(lambda chunk: chunk.toarray()) where the chunks fit into memory."
        )
    if _is_cut_along_columns(X):
        return _separate_columns(ChunkedMatrix(X.T), rank, method)
    return _separate_rows(ChunkedMatrix(X), rank, method)


def _is_cut_along_columns(X):
    return X.ndim == 2 and X.numblocks[1] > 1 and (X.numblocks[0] == 1 or X.shape[1] > X.shape[0])


def _separate_rows(X, rank, method):
    X.check("X", nonnegative=True)
    sums = X.reduce(_column_sums, (1, X.shape[1]))[0]
    chosen = separate(X.triangle(), sums, rank, method)
    return chosen._replace(W=X.array[:, chosen.indices])


def _separate_columns(columns, rank, method):
    """Select from a matrix whose rows are the columns of the data, in passes over its chunks."""
    columns.check("X", nonnegative=True)
    check_usable(int(columns.reduce(_count_usable, (1, 1))[0, 0]), rank)
    if method == "rank2":
        check_two(rank)
    first = np.cumsum([0, *columns.array.chunks[0][:-1]])
    vertices = np.zeros((columns.shape[1], 0), columns.dtype)
    indices, sums = [], []
    for _ in range(rank):
        found = columns.each(_Candidate(method, vertices), 3 + columns.shape[1])
        best = int(np.argmax(found[:, 0]))
        length2, index, total, *vertex = found[best]
        if method == "spa":
            check_independent(np.sqrt(length2), len(indices), rank, columns.dtype)
        indices.append(int(first[best] + index))
        if indices[-1] in indices[:-1]:
            raise ValueError(
                f"X has only {len(indices) - 1} columns that differ in direction, fewer than "
                f"rank={rank}: lower the rank."
            )
        sums.append(total)
        vertices = np.column_stack([vertices, vertex]).astype(columns.dtype)
    W = vertices * np.asarray(sums, columns.dtype)
    H = columns.map_rows(_Weights(W), rank).persist()
    objective = 0.5 * columns.distance2((H, W))
    return Chosen(np.array(indices), W, H, objective, 0.5 * columns.norm2)


@dataclass(frozen=True, eq=False)
class _Candidate:
    """The column of a chunk that is worst explained, with its length, place and sum."""

    method: str
    vertices: np.ndarray

    def __call__(self, chunk):
        sums = chunk.sum(axis=1)
        M = (chunk / np.where(sums > 0, sums, 1.0)[:, None]).T
        left = _LEFT[self.method](M, self.vertices) if self.vertices.size else M
        lengths = np.where(sums > 0, np.square(left).sum(axis=0), -1.0)
        best = int(np.argmax(lengths))
        return np.array([[lengths[best], best, sums[best], *M[:, best]]])


@dataclass(frozen=True, eq=False)
class _Weights:
    """The exact regression of the columns in a chunk on the selected ones."""

    W: np.ndarray

    def __call__(self, chunk):
        return np.ascontiguousarray(nnls(self.W, chunk.T).x.T)


def _left_by_projection(M, vertices):
    basis = np.linalg.qr(vertices)[0]
    return M - basis @ (basis.T @ M)


def _left_by_hull(M, vertices):
    start = np.zeros((M.shape[1], vertices.shape[1]), M.dtype)
    return M - vertices @ hull_weights(vertices, np.ascontiguousarray(M), start).T


def _left_by_first(M, vertices):
    return M - vertices[:, :1]


_LEFT = {"snpa": _left_by_hull, "spa": _left_by_projection, "rank2": _left_by_first}


def _column_sums(chunk):
    return chunk.sum(axis=0)[None, :]


def _count_usable(chunk):
    return np.array([[np.count_nonzero(chunk.sum(axis=1))]], dtype=float)
