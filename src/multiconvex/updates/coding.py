"""What rules for sparse codes share: their value, fits on a support, keeping the better codes."""

import numpy as np

from multiconvex.updates.active_set import enter_rows
from multiconvex.updates.least_squares import solve_symmetric


def keep_better(problem, x, k, codes):
    """Return a copy of the better of new codes and those in ``x``, which may be infeasible."""
    equations = problem.coding_equations(x, k)
    old_is_allowed = np.isfinite(problem.blocks[k].penalty.value(x[k]))
    if old_is_allowed and coding_value(equations, x[k]) <= coding_value(equations, codes):
        return x[k].copy()
    return codes


def coding_value(equations, codes):
    """Return the loss of codes, up to a constant."""
    atom_gram, gram, correlations = equations
    slope = 0.5 * (atom_gram @ codes @ gram) - correlations
    return float(np.vdot(slope, codes))


def refit(equations, codes, *, nonnegative):
    r"""Minimise the loss over all codes with the nonzeros of the given ones.

    With :math:`i_s, q_s` the rows and columns of the nonzeros, the Gram matrix of the coefficients
    is :math:`(D^T D)_{i_s i_t} M_{q_s q_t}`: one small regression for all columns together.
    """
    atom_gram, gram, correlations = equations
    rows, columns = np.nonzero(codes)
    matrix = atom_gram[np.ix_(rows, rows)] * gram[np.ix_(columns, columns)]
    rhs = correlations[rows, columns][None]
    fitted = np.zeros_like(codes)
    if not len(rows):
        return fitted
    if nonnegative:
        values = np.empty_like(rhs)
        tol = 16.0 * np.finfo(rhs.dtype).eps
        enter_rows(matrix, rhs, np.maximum(codes[rows, columns], 0.0)[None], tol, values)
    else:
        values = solve_symmetric(matrix, rhs.T).T
    fitted[rows, columns] = values[0]
    return fitted
