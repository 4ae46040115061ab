r"""Orthogonal matching pursuit from Gram matrices, with and without nonnegativity.

Each column of the codes solves approximately

.. math:: \min_x \; \tfrac12 x^T G x - b^T x \quad\text{subject to}\quad \|x\|_0 \le k
          \quad (\text{and } x \ge 0)

with :math:`G = D^T D` for atoms of unit norm and :math:`b = D^T v`: only correlations with atoms
matter, and the signal :math:`v` never appears.

R. Rubinstein, M. Zibulevsky and M. Elad, "Efficient implementation of the K-SVD algorithm using
batch orthogonal matching pursuit", Technion technical report, 2008; T. T. Nguyen, J. Idier,
C. Soussen and E.-H. Djermoune, "Non-negative orthogonal greedy algorithms", IEEE Transactions on
Signal Processing 67, 2019.
"""

import numpy as np
from numba import njit

from multiconvex.triangular import back_substitution, forward_substitution


def pursue(gram, correlations, k, *, nonnegative=False):
    """Code every column by at most ``k`` atoms, chosen one by one.

    Each time the atom that correlates most with what is left enters (most positively, with
    nonnegativity), and all coefficients are fitted again. With nonnegativity atoms whose
    coefficient would turn negative leave, as in the method of Lawson and Hanson. The atoms of
    ``k`` are a stage on the way to ``k + 1``, hence more atoms never fit worse.

    Parameters
    ----------
    gram : ndarray, shape (d, d)
        Inner products of atoms of unit norm.
    correlations : ndarray, shape (d, n)
        Inner products of the atoms with the signals.
    k : int
    nonnegative : bool

    Returns
    -------
    ndarray, shape (d, n)

    Examples
    --------
    >>> import numpy as np
    >>> pursue(np.eye(3), np.array([[1.0], [-3.0], [2.0]]), 2).ravel()
    array([ 0., -3.,  2.])
    >>> pursue(np.eye(3), np.array([[1.0], [-3.0], [2.0]]), 2, nonnegative=True).ravel()
    array([1., 0., 2.])
    """
    codes = np.zeros((correlations.shape[1], len(gram)), correlations.dtype)
    signals = np.ascontiguousarray(correlations.T)
    _pursue_rows(gram, signals, min(k, len(gram)), nonnegative, codes)
    return np.ascontiguousarray(codes.T)


@njit(cache=True, error_model="numpy")
def _pursue_rows(gram, signals, k, nonnegative, codes):
    """Write the codes of the signals, one a row, to ``codes``, which holds zeros."""
    eps = np.finfo(gram.dtype).eps
    support = np.empty(k, np.int64)
    factor = np.empty((k, k), gram.dtype)
    x = np.empty(k, gram.dtype)
    z = np.empty(k, gram.dtype)
    for i in range(len(signals)):
        b = signals[i]
        tol = 100.0 * eps * np.abs(b).max()
        left = b.copy()
        closed = np.zeros(len(b), np.bool_)
        size = 0
        for _ in range(10 * k + 10):
            entering = _steepest(left, closed, nonnegative, tol) if size < k else -1
            if entering < 0:
                break
            closed[entering] = True
            if not _append(gram, support, size, entering, factor):
                continue
            x[size] = 0.0
            size += 1
            _solve(factor, support, size, b, z)
            while nonnegative and z[:size].min() <= 0.0:
                leaving = _walk(x, z, size)
                if support[leaving] != entering:
                    closed[support[leaving]] = False
                for s in range(leaving, size - 1):
                    support[s], x[s] = support[s + 1], x[s + 1]
                size -= 1
                for s in range(leaving, size):
                    _append(gram, support, s, support[s], factor)
                if size == 0:
                    break
                _solve(factor, support, size, b, z)
            left[:] = b
            for s in range(size):
                x[s] = z[s]
                left -= z[s] * gram[support[s]]
        for s in range(size):
            codes[i, support[s]] = x[s]


@njit(cache=True, error_model="numpy")
def _steepest(left, closed, nonnegative, tol):
    """Return the atom that correlates most with what is left, -1 when none does."""
    entering, steepest = -1, tol
    for j in range(len(left)):
        slope = left[j] if nonnegative else abs(left[j])
        if slope > steepest and not closed[j]:
            entering, steepest = j, slope
    return entering


@njit(cache=True, error_model="numpy")
def _append(gram, support, size, atom, factor):
    """Extend the Cholesky factor of the support by an atom; False where it depends on the rest."""
    rest = gram[atom, atom]
    for s in range(size):
        total = gram[support[s], atom]
        for p in range(s):
            total -= factor[s, p] * factor[size, p]
        factor[size, s] = total / factor[s, s]
        rest -= factor[size, s] ** 2
    if rest <= 1e4 * np.finfo(gram.dtype).eps * gram[atom, atom]:
        return False
    factor[size, size] = np.sqrt(rest)
    support[size] = atom
    return True


@njit(cache=True, error_model="numpy")
def _solve(factor, support, size, b, z):
    """Write the least-squares coefficients on the support to ``z``."""
    for s in range(size):
        z[s] = b[support[s]]
    forward_substitution(factor, size, z)
    back_substitution(factor, size, z)


@njit(cache=True, error_model="numpy")
def _walk(x, z, size):
    """Move ``x`` towards ``z`` until an entry reaches zero; return which."""
    step, blocking = 2.0, -1
    for s in range(size):
        if z[s] <= 0.0:
            ratio = x[s] / (x[s] - z[s]) if x[s] > z[s] else 0.0
            if ratio < step:
                step, blocking = ratio, s
    for s in range(size):
        x[s] += step * (z[s] - x[s])
    return blocking
