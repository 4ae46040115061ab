r"""The PARAFAC2 set: collections of matrices whose cross products agree, and projection on it.

Matrices :math:`B_1, \dots, B_K` of shapes (n_k, r) are kept as one stacked array, slice k in the
rows ``bounds[k]`` to ``bounds[k + 1]``.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from multiconvex.checks import check_array, check_count, check_positive

_SAFE_PIVOT = 1e-4
_JACOBI_PASSES = 60
_ORTHOGONAL = 1e-30
_NEGLIGIBLE = 1e-14


class Parafac2Projection(NamedTuple):
    """Matrices with equal cross products, and how they were found.

    Attributes
    ----------
    blocks : list of ndarray, shapes (n_k, r)
        The matrices ``bases[k] @ core``.
    bases : list of ndarray, shapes (n_k, r)
        With orthonormal columns.
    core : ndarray, shape (r, r)
        Every ``blocks[k].T @ blocks[k]`` is ``core.T @ core``.
    distances : ndarray
        Weighted squared distance to the given matrices after each round.
    """

    blocks: list
    bases: list
    core: np.ndarray
    distances: np.ndarray


def project_parafac2(blocks, *, weights=None, core=None, max_iter=200, tol=1e-14):
    r"""Change matrices as little as possible so that their cross products agree.

    .. math:: \min_{\Delta,\, P_1, \dots, P_K} \; \sum_k \rho_k \|B_k - P_k \Delta\|_F^2
              \quad\text{subject to}\quad P_k^T P_k = I

    by alternating between the two exact solutions

    .. math:: P_k = U_k V_k^T \text{ from the SVD } B_k \Delta^T = U_k \Sigma_k V_k^T, \qquad
              \Delta = \frac{\sum_k \rho_k P_k^T B_k}{\sum_k \rho_k} .

    Parameters
    ----------
    blocks : sequence of ndarray, shapes (n_k, r)
        Matrices of any heights of at least r.
    weights : sequence of float, optional
        The positive :math:`\rho_k`, by default 1.
    core : ndarray, shape (r, r), optional
        First :math:`\Delta`; by default the triangular factor of the mean of the matrices where
        they have one height, and of the heaviest matrix otherwise.
    max_iter : int, default 200
    tol : float, default 1e-14
        Rounds end when one lowers the distance by less than this fraction of
        :math:`\sum_k \rho_k \|B_k\|_F^2`.

    Returns
    -------
    Parafac2Projection

    Raises
    ------
    ValueError
        For matrices that do not have one number of columns, or fewer rows than columns.

    Notes
    -----
    Guarantee: the distance never increases; exact for one matrix and for matrices that are in the
    set already. The problem is not convex: the limit is a stationary point.

    Cost: O(n_k r^2) once for each matrix, then O(r^3) for each and round, since the rounds see the
    matrices through their triangular factors only.

    Chapter: :doc:`/chapters/algorithms/parafac2`

    References
    ----------
    .. [1] M. Roald, C. Schenker, V. D. Calhoun, T. Adali, R. Bro, J. E. Cohen and E. Acar, "An
       AO-ADMM approach to constraining PARAFAC2 on all modes", SIAM Journal on Mathematics of
       Data Science 4, 2022.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> found = project_parafac2([rng.random((n, 2)) for n in (5, 4, 7)])
    >>> products = [block.T @ block for block in found.blocks]
    >>> bool(np.allclose(products[0], products[1]) and np.allclose(products[0], products[2]))
    True
    """
    check_count("max_iter", max_iter)
    check_positive("tol", tol, allow_zero=True)
    stacked, bounds = stack_slices("blocks", blocks)
    rank = stacked.shape[1]
    weights = np.ones(len(bounds) - 1) if weights is None else check_array("weights", weights)
    if weights.shape != (len(bounds) - 1,) or weights.min() <= 0:
        raise ValueError(f"weights must be {len(bounds) - 1} positive numbers, got {weights}.")
    bases, roots = orthonormalise(stacked, bounds)
    core = default_core(stacked, bounds, roots) if core is None else check_array("core", core)
    if core.shape != (rank, rank):
        raise ValueError(f"core must have shape {(rank, rank)}, got {core.shape}.")
    turns, core, distances = align(roots, weights, core, max_iter, tol)
    rotated = rotate(bases, turns, bounds)
    pieces = np.split(rotated, bounds[1:-1])
    return Parafac2Projection([piece @ core for piece in pieces], pieces, core, distances)


def stack_slices(name, blocks):
    """Return checked matrices of one width as one array, and the bounds of their rows."""
    blocks = [check_array(f"{name}[{k}]", block, ndim=2) for k, block in enumerate(blocks)]
    if not blocks:
        raise ValueError(f"{name} is empty: give at least one matrix.")
    widths = sorted({block.shape[1] for block in blocks})
    if len(widths) > 1:
        raise ValueError(f"{name} must have the same number of columns, got {widths}.")
    heights = [len(block) for block in blocks]
    if min(heights) < widths[0]:
        raise ValueError(
            f"{name}[{int(np.argmin(heights))}] has {min(heights)} rows and {widths[0]} columns: "
            "equal cross products need at least as many rows as columns."
        )
    return np.vstack(blocks), np.concatenate([[0], np.cumsum(heights)])


def default_core(stacked, bounds, roots):
    """Return a first core: the triangular factor of the mean, or of the heaviest slice."""
    heights = np.diff(bounds)
    if heights.min() == heights.max():
        mean = stacked.reshape(len(heights), heights[0], -1).mean(axis=0)
        return np.linalg.qr(mean)[1]
    return roots[np.square(roots).sum(axis=(1, 2)).argmax()].copy()


def orthonormalise(stacked, bounds):
    """Return bases Q_k with orthonormal columns, stacked, and R_k with B_k = Q_k R_k.

    Through the Gram matrix where it is far from singular, else by Householder's reflections,
    which give orthonormal columns for dependent ones too.
    """
    bases = np.empty_like(stacked)
    roots = np.zeros((len(bounds) - 1,) + (stacked.shape[1],) * 2)
    done = cholesky_qr(stacked, bounds, bases, roots)
    for k in np.flatnonzero(~done):
        rows = slice(bounds[k], bounds[k + 1])
        bases[rows], roots[k] = np.linalg.qr(stacked[rows])
    return bases, roots


def nearest_member(stacked, bounds, weights, core, max_iter=1, tol=0.0):
    """Return the stacked projection on the set after some rounds, and its core."""
    bases, roots = orthonormalise(stacked, bounds)
    turns, core, _ = align(roots, weights, core, max_iter, tol)
    return rotate(bases, turns @ core, bounds), core


@njit(cache=True, error_model="numpy")
def cholesky_qr(stacked, bounds, bases, roots):
    """Factor B_k^T B_k = R_k^T R_k and write B_k R_k^{-1}; return where the pivots allowed it."""
    n, rank = len(bounds) - 1, stacked.shape[1]
    done = np.ones(n, np.bool_)
    for k in range(n):
        root = roots[k]
        for i in range(bounds[k], bounds[k + 1]):
            for p in range(rank):
                for q in range(p, rank):
                    root[p, q] += stacked[i, p] * stacked[i, q]
        for p in range(rank):
            before = root[p, p]
            for s in range(p):
                root[p, p] -= root[s, p] ** 2
            if not root[p, p] > _SAFE_PIVOT * before:
                done[k] = False
                break
            root[p, p] = np.sqrt(root[p, p])
            for q in range(p + 1, rank):
                for s in range(p):
                    root[p, q] -= root[s, p] * root[s, q]
                root[p, q] /= root[p, p]
        if done[k]:
            for i in range(bounds[k], bounds[k + 1]):
                for q in range(rank):
                    value = stacked[i, q]
                    for p in range(q):
                        value -= bases[i, p] * root[p, q]
                    bases[i, q] = value / root[q, q]
    return done


@njit(cache=True, error_model="numpy")
def align(roots, weights, core, max_iter, tol):
    """Alternate between rotations O_k of the R_k and the core, at least once.

    O_k = U V^T from the SVD R_k core^T = U S V^T;
    core = sum_k w_k O_k^T R_k / sum_k w_k.
    Return rotations, core and the weighted squared distance after each round.
    """
    n, rank = roots.shape[0], roots.shape[1]
    turns = np.empty_like(roots)
    small = np.empty((rank, rank))
    distances = np.empty(max_iter)
    total, size = 0.0, 0.0
    for k in range(n):
        total += weights[k]
        for p in range(rank):
            for q in range(rank):
                size += weights[k] * roots[k, p, q] ** 2
    for done in range(max_iter):
        new = np.zeros((rank, rank))
        for k in range(n):
            share = weights[k] / total
            for p in range(rank):
                for q in range(rank):
                    small[p, q] = 0.0
                    for s in range(rank):
                        small[p, q] += roots[k, p, s] * core[q, s]
            polar_factor(small, turns[k])
            for p in range(rank):
                for q in range(rank):
                    for s in range(rank):
                        new[p, q] += share * turns[k, s, p] * roots[k, s, q]
        core = new
        distances[done] = 0.0
        for k in range(n):
            for p in range(rank):
                for q in range(rank):
                    gap = roots[k, p, q]
                    for s in range(rank):
                        gap -= turns[k, p, s] * core[s, q]
                    distances[done] += weights[k] * gap * gap
        if done > 0 and distances[done - 1] - distances[done] <= tol * size:
            return turns, core, distances[: done + 1]
    return turns, core, distances


@njit(cache=True, error_model="numpy")
def polar_factors(matrices):
    """Return U V^T for each square matrix U S V^T of a stack, which is used as work space."""
    out = np.empty_like(matrices)
    for k in range(matrices.shape[0]):
        polar_factor(matrices[k], out[k])
    return out


@njit(cache=True, error_model="numpy")
def polar_factor(matrix, out):
    """Write U V^T, where U S V^T is the SVD of a square matrix, by one-sided Jacobi rotations.

    The columns of the matrix are rotated until they are orthogonal, in place, then scaled to unit
    norm and rotated back.
    """
    rank = matrix.shape[0]
    right = np.zeros((rank, rank))
    for p in range(rank):
        right[p, p] = 1.0
    for _ in range(_JACOBI_PASSES):
        turned = False
        for p in range(rank):
            for q in range(p + 1, rank):
                a, b, c = 0.0, 0.0, 0.0
                for i in range(rank):
                    a += matrix[i, p] ** 2
                    b += matrix[i, q] ** 2
                    c += matrix[i, p] * matrix[i, q]
                if c * c <= _ORTHOGONAL * a * b:
                    continue
                turned = True
                zeta = (b - a) / (2.0 * c)
                tangent = 1.0 / (abs(zeta) + np.sqrt(1.0 + zeta * zeta))
                if zeta < 0.0:
                    tangent = -tangent
                cosine = 1.0 / np.sqrt(1.0 + tangent * tangent)
                _turn_columns(matrix, p, q, cosine, cosine * tangent)
                _turn_columns(right, p, q, cosine, cosine * tangent)
        if not turned:
            break
    _scale_columns(matrix)
    for p in range(rank):
        for q in range(rank):
            out[p, q] = 0.0
            for s in range(rank):
                out[p, q] += matrix[p, s] * right[q, s]


@njit(cache=True, error_model="numpy")
def _turn_columns(matrix, p, q, cosine, sine):
    """Rotate two columns of a matrix in place."""
    for i in range(matrix.shape[0]):
        x, y = matrix[i, p], matrix[i, q]
        matrix[i, p] = cosine * x - sine * y
        matrix[i, q] = sine * x + cosine * y


@njit(cache=True, error_model="numpy")
def _scale_columns(matrix):
    """Scale orthogonal columns to unit norm; complete those that are zero to a basis."""
    rank = matrix.shape[0]
    norms = np.zeros(rank)
    largest = 0.0
    for q in range(rank):
        for i in range(rank):
            norms[q] += matrix[i, q] ** 2
        norms[q] = np.sqrt(norms[q])
        largest = max(largest, norms[q])
    for q in range(rank):
        if norms[q] > _NEGLIGIBLE * largest:
            for i in range(rank):
                matrix[i, q] /= norms[q]
        else:
            norms[q] = 0.0
    trial = np.empty(rank)
    for q in range(rank):
        axis = 0
        while norms[q] == 0.0:
            trial[:] = 0.0
            trial[axis] = 1.0
            for p in range(rank):
                if norms[p] > 0.0:
                    inner = matrix[axis, p]
                    for i in range(rank):
                        trial[i] -= inner * matrix[i, p]
            size = 0.0
            for i in range(rank):
                size += trial[i] ** 2
            if size > 0.5 / rank:
                norms[q] = 1.0
                for i in range(rank):
                    matrix[i, q] = trial[i] / np.sqrt(size)
            axis += 1


@njit(cache=True, error_model="numpy")
def rotate(stacked, turns, bounds):
    """Multiply slice k of a stacked array by the matrix ``turns[k]`` from the right."""
    rank = stacked.shape[1]
    out = np.zeros_like(stacked)
    for k in range(len(bounds) - 1):
        for i in range(bounds[k], bounds[k + 1]):
            for p in range(rank):
                for q in range(rank):
                    out[i, q] += stacked[i, p] * turns[k, p, q]
    return out
