"""Lower triangular factors of symmetric systems, in place in leading rows and columns."""

import numpy as np
from numba import njit

_FASTMATH = {"contract", "reassoc", "nsz"}


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def forward_substitution(factor, size, x):
    """Replace ``x`` by the solution of ``L z = x``."""
    for i in range(size):
        total = x[i]
        for j in range(i):
            total -= factor[i, j] * x[j]
        x[i] = total / factor[i, i]


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def back_substitution(factor, size, x):
    """Replace ``x`` by the solution of ``L^T z = x``."""
    for i in range(size - 1, -1, -1):
        x[i] /= factor[i, i]
        for j in range(i):
            x[j] -= factor[i, j] * x[i]


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def cholesky(a, size):
    """Factor the leading block in place into its lower triangle; False where not definite."""
    for j in range(size):
        diagonal = a[j, j]
        rest = diagonal
        for p in range(j):
            rest -= a[j, p] * a[j, p]
        if rest <= 1e-14 * diagonal:
            return False
        pivot = np.sqrt(rest)
        a[j, j] = pivot
        inverse = 1.0 / pivot
        for i in range(j + 1, size):
            total = a[i, j]
            for p in range(j):
                total -= a[i, p] * a[j, p]
            a[i, j] = total * inverse
    return True
