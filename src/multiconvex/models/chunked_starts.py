r"""Starting points of factor models of chunked matrices: no array with as many rows is local.

The numbers are those of :mod:`multiconvex.models.initialization`, chunk by chunk.
"""

from dataclasses import dataclass

import numpy as np

from multiconvex.checks import check_blocks, is_chunked
from multiconvex.operands_chunked import sum_of_rows

_OVERSAMPLING = 10
_POWERS = 2
_STREAMS = (np.random.PCG64, np.random.PCG64DXSM)


def given_start(X, init, rank):
    """Return checked blocks, the first of them in the chunks of the data."""
    import dask.array as da

    shapes = [(n, rank) for n in X.shape]
    W, H = check_blocks(init, shapes, ("W", "H"))
    chunks = (X.array.chunks[0], (rank,))
    W = W.rechunk(chunks) if is_chunked(W) else da.from_array(W, chunks=chunks)
    if W.dtype.char not in "fd":
        W = W.astype(float)
    if sum_of_rows(_count_missing, W, (1, 1))[0, 0]:
        raise ValueError("init of W has NaN or infinite entries: fill them in before fitting.")
    return W, H


def chunked_random(X, rank, rng, *, nonnegative):
    """Return factors with uniform or Gaussian entries, at the best common scale.

    Uniform entries are those that one generator would draw for the whole matrix, whatever the
    chunks; Gaussian ones depend on the chunks.
    """
    draw = uniform_rows if nonnegative else _gaussian_rows
    W = draw(X, rank, rng)
    H = (rng.random if nonnegative else rng.standard_normal)((X.shape[1], rank))
    return _scaled_to_data(X, W, H.astype(X.dtype, copy=False))


def uniform_rows(X, width, rng):
    """Return ``rng.random((m, width))`` in the chunks of the data, drawn where they are.

    Each chunk starts its own copy of the generator as many draws ahead as there are numbers above
    it; the generator itself ends behind all of them.
    """
    stream = rng.bit_generator
    if not isinstance(stream, _STREAMS):
        raise TypeError(
            f"Random starts in chunks need a generator that can skip ahead, which "
            f"{type(stream).__name__} cannot: pass random_state as an integer."
        )
    heights = X.array.chunks[0]
    first = np.cumsum([0, *heights[:-1]]) * width
    drawn = _Uniform(type(stream), stream.state, width)
    rows = _drawn(X, width, [(drawn, int(skip), n) for skip, n in zip(first, heights)])
    stream.advance(X.shape[0] * width)
    return rows


def chunked_nndsvd(X, rank, rng, *, nonnegative):
    """Return the nonnegative double singular value decomposition, as in memory.

    See :func:`multiconvex.models.initialization.nndsvd`. Where the data have at least as many rows
    as columns the result is the same, to rounding.
    """
    combine, singular, right = _leading_triplets(X, min(rank, *X.shape), rng)
    left = X.map_rows(_times, combine.shape[1], others=(combine,))
    sizes = np.sqrt(sum_of_rows(_parts2, left, (2, left.shape[1])))
    W_scales = np.zeros((2, rank), X.dtype)
    H = np.zeros((X.shape[1], rank), X.dtype)
    for q, value in enumerate(singular):
        parts = np.maximum(right[q], 0.0), np.maximum(-right[q], 0.0)
        lengths = np.array([np.linalg.norm(part) for part in parts])
        weights = sizes[:, q] * lengths
        side = int(weights[1] > weights[0])
        if weights[side] > 0.0:
            scale = np.sqrt(value * weights[side])
            W_scales[side, q] = scale / sizes[side, q]
            H[:, q] = scale / lengths[side] * parts[side]
    W = left.map_blocks(_chosen_parts, W_scales, dtype=X.dtype, chunks=(left.chunks[0], (rank,)))
    empty = np.flatnonzero(~(W_scales.any(axis=0) & H.any(axis=0)))
    if len(empty):
        mean = max(float(W.mean()), np.finfo(W.dtype).eps)
        noise = uniform_rows(X, len(empty), rng)
        W = W.map_blocks(_fill_columns, noise, empty, mean, dtype=X.dtype, meta=W._meta)
        H[:, empty] = rng.random((len(H), len(empty))) * max(H.mean(), np.finfo(H.dtype).eps)
    return _scaled_to_data(X, W, H)


def _leading_triplets(X, rank, rng):
    """Return ``P, s, V`` with ``X P`` the leading left singular vectors and ``V`` the right ones.

    The randomised method with two power steps that is used in memory [1]_, on the side of the
    columns: four passes over the data, and matrices of n (rank + 10) numbers.

    References
    ----------
    .. [1] N. Halko, P.-G. Martinsson and J. A. Tropp, "Finding structure with randomness",
       SIAM Review 53, 2011.
    """
    draws = np.random.RandomState(int(rng.integers(2**31)))
    probe = draws.normal(size=(X.shape[1], rank + _OVERSAMPLING)).astype(X.dtype, copy=False)
    for _ in range(_POWERS):
        probe = np.linalg.qr(X.reduce(_gram_times, probe.shape, others=(probe,)))[0]
    lengths, directions = np.linalg.svd(X.triangle(probe))[1:]
    kept = lengths > np.finfo(X.dtype).eps * X.shape[1] * lengths[0]
    whiten = directions[kept].T / lengths[kept]
    projected = whiten.T @ X.reduce(_gram_times, probe.shape, others=(probe,)).T
    left, singular, right = np.linalg.svd(projected, full_matrices=False)
    return probe @ whiten @ left[:, :rank], singular[:rank], right[:rank]


def _scaled_to_data(X, W, H):
    """Rescale both factors by one number so that the model is as close as it can be."""
    gram, products = X.row_sums(W)
    inner, norm2 = float(np.vdot(products, H)), float(np.vdot(gram, H.T @ H))
    scale = np.sqrt(inner / norm2) if inner > 0.0 and norm2 > 0.0 else 1.0
    return (scale * W).astype(X.dtype), (scale * H).astype(X.dtype, copy=False)


def _gaussian_rows(X, width, rng):
    heights = X.array.chunks[0]
    streams = rng.spawn(len(heights))
    calls = [(_Gaussian(width), stream, n) for stream, n in zip(streams, heights)]
    return _drawn(X, width, calls)


def _drawn(X, width, calls):
    """Return the chunks that ``draw(where, height)`` gives, in single precision where X is."""
    import dask
    import dask.array as da

    chunks = [
        da.from_delayed(dask.delayed(draw)(where, n), (n, width), dtype=float)
        for draw, where, n in calls
    ]
    return da.concatenate(chunks).astype(X.dtype)


@dataclass(frozen=True)
class _Uniform:
    """Rows of one large uniform draw, from so many numbers on."""

    kind: type
    state: dict
    width: int

    def __call__(self, skip, height):
        stream = self.kind()
        stream.state = self.state
        return np.random.Generator(stream.advance(skip)).random((height, self.width))


@dataclass(frozen=True)
class _Gaussian:
    """Rows of Gaussian numbers from a generator of their own."""

    width: int

    def __call__(self, stream, height):
        return stream.standard_normal((height, self.width))


def _gram_times(chunk, Z):
    return np.asarray(chunk.T @ (chunk @ Z))


def _times(chunk, combine):
    return np.asarray(chunk @ combine)


def _parts2(left):
    """Return the squared norms of the positive and negative parts of the columns."""
    return np.array([np.square(np.maximum(side, 0.0)).sum(axis=0) for side in (left, -left)])


def _chosen_parts(left, scales):
    """Return one side of each column at its scale, completed with columns of zeros."""
    out = np.zeros((len(left), scales.shape[1]), left.dtype)
    k = left.shape[1]
    out[:, :k] = np.maximum(left, 0.0) * scales[0, :k] + np.maximum(-left, 0.0) * scales[1, :k]
    return out


def _fill_columns(W, noise, columns, mean):
    out = W.copy()
    out[:, columns] = mean * noise
    return out


def _count_missing(rows):
    return np.array([[np.count_nonzero(~np.isfinite(rows))]], dtype=float)
