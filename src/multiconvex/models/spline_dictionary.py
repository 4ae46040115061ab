"""Dictionaries of smooth bumps."""

import numpy as np
from scipy.interpolate import BSpline

from multiconvex.checks import check_count


def bspline_dictionary(n_points, counts=(10, 20, 40), *, degree=3):
    r"""Stack B-splines of several widths as the atoms of a dictionary.

    For each entry :math:`d_i` of ``counts``, the :math:`d_i` B-splines of the given degree on
    :math:`d_i - \text{degree}` intervals of equal length, sampled at ``n_points`` equally spaced
    points from end to end and scaled to unit Euclidean norm. Before the scaling those of one width
    sum to one at every point and span the piecewise polynomials with all derivatives but the last
    continuous; a sparse combination of the stack is wide where a signal is smooth and narrow
    where it is not.

    Parameters
    ----------
    n_points : int
    counts : sequence of int
        Number of splines of each width; a larger number means narrower splines.
    degree : int, default 3
        Of the polynomials; 1 gives triangles.

    Returns
    -------
    ndarray, shape (n_points, sum(counts))
        Nonnegative atoms of unit norm, those of the first width first and each width from left to
        right.

    Raises
    ------
    ValueError
        For a width with fewer than ``degree + 1`` splines or more than ``n_points``.

    Notes
    -----
    Guarantee: the splines of one width are independent; a stack is not, since the polynomials of
    that degree belong to every width.

    Cost: O(n_points sum(counts)), the size of the result.

    Chapter: :doc:`/chapters/theory/mixed_sparse_coding`

    References
    ----------
    C. de Boor, "A practical guide to splines", revised ed., Springer, 2001, chapter 9.

    Examples
    --------
    >>> from multiconvex import bspline_dictionary
    >>> bspline_dictionary(5, counts=(3,), degree=1).round(2)
    array([[0.89, 0.  , 0.  ],
           [0.45, 0.41, 0.  ],
           [0.  , 0.82, 0.  ],
           [0.  , 0.41, 0.45],
           [0.  , 0.  , 0.89]])
    """
    n_points = check_count("n_points", n_points, least=2)
    degree = check_count("degree", degree)
    points = np.linspace(0.0, 1.0, n_points)
    atoms = np.hstack([_basis(points, count, degree) for count in _checked(counts, points, degree)])
    return atoms / np.linalg.norm(atoms, axis=0)


def _basis(points, count, degree):
    """Return the B-splines whose knots are repeated at both ends, as columns."""
    inner = np.linspace(0.0, 1.0, count - degree + 1)
    knots = np.concatenate([np.zeros(degree), inner, np.ones(degree)])
    return BSpline.design_matrix(points, knots, degree).toarray()


def _checked(counts, points, degree):
    if not isinstance(counts, tuple | list) or not counts:
        raise ValueError(f"counts must be a sequence such as (10, 20, 40), got {counts!r}.")
    for i, count in enumerate(counts):
        count = check_count(f"counts[{i}]", count, least=degree + 1)
        if count > len(points):
            raise ValueError(
                f"counts[{i}] must be at most the number of points, {len(points)}, got {count}: "
                "narrower splines could not be told apart."
            )
    return counts
