"""Systems with a lower triangular factor, solved in place in its leading rows and columns."""

from numba import njit


@njit(cache=True, error_model="numpy")
def forward_substitution(factor, size, x):
    """Replace ``x`` by the solution of ``L z = x``."""
    for i in range(size):
        for j in range(i):
            x[i] -= factor[i, j] * x[j]
        x[i] /= factor[i, i]


@njit(cache=True, error_model="numpy")
def back_substitution(factor, size, x):
    """Replace ``x`` by the solution of ``L^T z = x``."""
    for i in range(size - 1, -1, -1):
        for j in range(i + 1, size):
            x[i] -= factor[j, i] * x[j]
        x[i] /= factor[i, i]
