r"""Jennrich's algorithm: a CP model from two eigenvalue problems."""

import numpy as np

from multiconvex.checks import check_array, check_rank
from multiconvex.models.initialization import scaled_to_data
from multiconvex.operands import DenseTensor, khatri_rao
from multiconvex.updates.least_squares import solve_symmetric


def jennrich(X, rank, *, random_state=None):
    r"""CP factors of a third-order tensor by simultaneous diagonalisation.

    Two random combinations of the slices of an exact model share their factors,

    .. math:: T_a = A \operatorname{diag}(C^T a) B^T, \qquad T_b = A \operatorname{diag}(C^T b) B^T,

    so the columns of :math:`A` are eigenvectors of :math:`T_a T_b^+` and those of :math:`B` of
    :math:`T_a^T (T_b^T)^+`, with the same eigenvalues
    :math:`\langle C_{:q}, a\rangle / \langle C_{:q}, b\rangle`. They are unique as soon as these
    ratios differ [1]_; :math:`C` then follows by least squares.

    Parameters
    ----------
    X : ndarray, shape (n0, n1, n2)
    rank : int
        At most ``min(n0, n1)``.
    random_state : int, numpy.random.Generator or None

    Returns
    -------
    tuple of ndarray, of shapes (n_k, rank)

    Raises
    ------
    ValueError
        For another order, or a rank above the first two dimensions.

    Notes
    -----
    Guarantee: exact on exact models with A and B of full column rank and distinct ratios; no
    guarantee under noise, where it serves as a starting point.

    Cost: O(n0 n1 n2) and a few factorisations of n0 by n1 matrices.

    Chapter: :doc:`/chapters/foundations/low_rank_models`

    References
    ----------
    .. [1] R. A. Harshman, "Foundations of the PARAFAC procedure", UCLA Working Papers in
       Phonetics 16, 1970 (which credits R. Jennrich).

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import factor_match_score, jennrich
    >>> rng = np.random.default_rng(0)
    >>> A, B, C = (rng.standard_normal((n, 3)) for n in (5, 6, 4))
    >>> X = np.einsum("iq,jq,kq->ijk", A, B, C)
    >>> round(factor_match_score(jennrich(X, 3, random_state=0), (A, B, C)), 8)
    1.0
    """
    X = check_array("X", X, ndim=3)
    rank = check_rank(rank)
    if rank > min(X.shape[:2]):
        raise ValueError(
            f"Jennrich's algorithm needs rank <= min(n0, n1) = {min(X.shape[:2])}, got {rank}."
        )
    rng = np.random.default_rng(random_state)
    first, second = (X @ weights for weights in rng.standard_normal((2, X.shape[2])))
    left, _, right = np.linalg.svd(X.sum(axis=2) if rank == 1 else first, full_matrices=False)
    U, V = left[:, :rank], right[:rank].T
    first, second = U.T @ first @ V, U.T @ second @ V
    values_a, A = np.linalg.eig(first @ np.linalg.pinv(second))
    values_b, B = np.linalg.eig(first.T @ np.linalg.pinv(second.T))
    A, B = U @ np.real(A[:, np.argsort(values_a)]), V @ np.real(B[:, np.argsort(values_b)])
    design = khatri_rao((A, B))
    unfolded = X.reshape(-1, X.shape[2])
    C = solve_symmetric((A.T @ A) * (B.T @ B), design.T @ unfolded).T
    factors = [np.ascontiguousarray(factor) for factor in (A, B, C)]
    return scaled_to_data(DenseTensor(X), factors)
