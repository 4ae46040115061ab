r"""Starting points of factor models: each rule is a function of the data, the rank and a generator.

Every returned factor is C-contiguous, in the dtype of the data.
"""

import numpy as np
import scipy.sparse as sp

from multiconvex.operands import SparseMatrix, TuckerTensor, model_norm2


def random_factors(operand, rank, rng, *, nonnegative):
    """Return factors with uniform or Gaussian entries, at the best common scale."""
    draw = rng.random if nonnegative else rng.standard_normal
    factors = [draw((n, rank)).astype(operand.dtype, copy=False) for n in operand.shape]
    return scaled_to_data(operand, factors)


def scaled_to_data(operand, factors):
    """Rescale all factors by one number so that the model is as close as it can be."""
    inner = float(np.vdot(operand.mttkrp(factors, 0), factors[0]))
    norm2 = model_norm2(factors)
    if inner <= 0.0 or norm2 <= 0.0:
        return tuple(factors)
    scale = (inner / norm2) ** (1.0 / len(factors))
    return tuple((scale * factor).astype(operand.dtype, copy=False) for factor in factors)


def nndsvd(operand, rank, rng):
    r"""Nonnegative double singular value decomposition of a matrix.

    Component q keeps the heavier nonnegative part of the q-th singular pair [1]_. Components
    beyond the rank of the data, and singular pairs with no usable part, are filled with small
    random entries.

    References
    ----------
    .. [1] C. Boutsidis and E. Gallopoulos, "SVD based initialization: a head start for
       nonnegative matrix factorization", Pattern Recognition 41, 2008.
    """
    left, singular, right = truncated_svd(operand, min(rank, *operand.shape), rng)
    W = np.zeros((operand.shape[0], rank), operand.dtype)
    H = np.zeros((operand.shape[1], rank), operand.dtype)
    for q, value in enumerate(singular):
        u, v = _heavier_part(left[:, q], right[q])
        W[:, q], H[:, q] = np.sqrt(value) * u, np.sqrt(value) * v
    for q in range(rank):
        if not (W[:, q].any() and H[:, q].any()):
            W[:, q] = rng.random(len(W)) * max(W.mean(), np.finfo(W.dtype).eps)
            H[:, q] = rng.random(len(H)) * max(H.mean(), np.finfo(H.dtype).eps)
    return scaled_to_data(operand, (W, H))


def truncated_svd(operand, rank, rng):
    """Return the leading singular triplets of a dense, sparse or compressed matrix."""
    from sklearn.utils.extmath import randomized_svd

    if isinstance(operand, TuckerTensor):
        small = truncated_svd(operand.core, rank, rng)
        return operand.bases[0] @ small[0], small[1], small[2] @ operand.bases[1].T
    matrix = operand.matrix if isinstance(operand, SparseMatrix) else operand.array
    if sp.issparse(matrix):
        matrix = sp.csr_matrix(matrix)
    seed = int(rng.integers(2**31))
    return randomized_svd(matrix, rank, n_oversamples=10, n_iter=2, random_state=seed)


def hosvd(operand, rank, rng):
    """Return the leading left singular vectors of every unfolding, at the best common scale.

    Modes shorter than the rank are completed with Gaussian columns.
    """
    array, factors = operand.array, []
    for mode, n in enumerate(array.shape):
        unfolded = np.moveaxis(array, mode, 0).reshape(n, -1)
        vectors = np.linalg.eigh(unfolded @ unfolded.T)[1][:, ::-1][:, :rank]
        extra = rng.standard_normal((n, rank - vectors.shape[1])) / np.sqrt(n)
        factors.append(np.hstack([vectors, extra]).astype(operand.dtype, copy=False))
    return scaled_to_data(operand, factors)


def nonnegative_parts(operand, factors):
    """Replace each column by the heavier of its positive and negative parts, kept off zero."""
    parts = []
    for factor in factors:
        flipped = np.where(
            np.square(np.maximum(factor, 0)).sum(0) >= np.square(np.minimum(factor, 0)).sum(0),
            factor,
            -factor,
        )
        positive = np.maximum(flipped, 0.0)
        parts.append(np.ascontiguousarray(np.maximum(positive, 1e-2 * positive.mean(axis=0))))
    return scaled_to_data(operand, parts)


def filled(factors):
    """Replace zeros by a small positive number, for updates that cannot leave zero."""
    return tuple(
        np.where(factor > 0, factor, max(factor.mean(), 1e-12) * 1e-2) for factor in factors
    )


def _heavier_part(u, v):
    positive = np.maximum(u, 0.0), np.maximum(v, 0.0)
    negative = np.maximum(-u, 0.0), np.maximum(-v, 0.0)
    weights = [np.linalg.norm(a) * np.linalg.norm(b) for a, b in (positive, negative)]
    a, b = positive if weights[0] >= weights[1] else negative
    weight = max(weights)
    if weight == 0.0:
        return np.zeros_like(u), np.zeros_like(v)
    scale = np.sqrt(weight)
    return scale * a / np.linalg.norm(a), scale * b / np.linalg.norm(b)
