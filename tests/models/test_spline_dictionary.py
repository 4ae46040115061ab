"""The atoms are the B-splines of the recursion that defines them."""

import numpy as np
import pytest

from multiconvex import bspline_dictionary

CASES = pytest.mark.parametrize(
    ("n_points", "count", "degree"), [(40, 10, 3), (31, 31, 3), (25, 4, 3), (30, 12, 1), (50, 9, 5)]
)


def by_recursion(points, knots, j, degree):
    """The j-th B-spline by the formula of de Boor and Cox; 0/0 counts as 0."""
    if degree == 0:
        last = knots[j + 1] == knots[-1] and knots[j] < knots[j + 1]
        return ((knots[j] <= points) & ((points < knots[j + 1]) | last)).astype(float)
    value = np.zeros_like(points)
    rise, fall = knots[j + degree] - knots[j], knots[j + degree + 1] - knots[j + 1]
    if rise:
        value += (points - knots[j]) / rise * by_recursion(points, knots, j, degree - 1)
    if fall:
        rest = by_recursion(points, knots, j + 1, degree - 1)
        value += (knots[j + degree + 1] - points) / fall * rest
    return value


@CASES
def test_atoms_are_the_scaled_splines(n_points, count, degree):
    points = np.linspace(0.0, 1.0, n_points)
    inner = np.linspace(0.0, 1.0, count - degree + 1)
    knots = np.concatenate([np.zeros(degree), inner, np.ones(degree)])
    splines = np.column_stack([by_recursion(points, knots, j, degree) for j in range(count)])
    np.testing.assert_allclose(splines.sum(axis=1), 1.0, rtol=1e-12)
    atoms = bspline_dictionary(n_points, (count,), degree=degree)
    np.testing.assert_allclose(atoms, splines / np.linalg.norm(splines, axis=0), atol=1e-12)


@CASES
def test_before_the_scaling_they_sum_to_one(n_points, count, degree):
    atoms = bspline_dictionary(n_points, (count,), degree=degree)
    norms = np.linalg.lstsq(atoms, np.ones(n_points), rcond=None)[0]
    np.testing.assert_allclose(atoms @ norms, 1.0, rtol=1e-10)
    assert norms.min() > 0


@CASES
def test_nonnegative_unit_independent_and_symmetric(n_points, count, degree):
    atoms = bspline_dictionary(n_points, (count,), degree=degree)
    assert atoms.shape == (n_points, count)
    assert atoms.min() >= 0
    np.testing.assert_allclose(np.linalg.norm(atoms, axis=0), 1.0, rtol=1e-12)
    assert np.linalg.matrix_rank(atoms) == count
    np.testing.assert_allclose(atoms, atoms[::-1, ::-1], atol=1e-10)


@CASES
def test_each_lives_on_degree_plus_one_intervals(n_points, count, degree):
    atoms = bspline_dictionary(n_points, (count,), degree=degree)
    points, intervals = np.linspace(0.0, 1.0, n_points), count - degree
    for j, atom in enumerate(atoms.T):
        support = points[atom > 0]
        assert support.min() >= (j - degree) / intervals - 1e-12
        assert support.max() <= (j + 1) / intervals + 1e-12


@CASES
def test_polynomials_of_the_degree_are_reproduced(n_points, count, degree):
    atoms = bspline_dictionary(n_points, (count,), degree=degree)
    for power in range(degree + 1):
        target = np.linspace(-1.0, 1.0, n_points) ** power
        weights = np.linalg.lstsq(atoms, target, rcond=None)[0]
        np.testing.assert_allclose(atoms @ weights, target, atol=1e-10)


def test_a_stack_holds_the_widths_in_order_and_shares_the_polynomials():
    counts = (8, 15, 30)
    stack = bspline_dictionary(80, counts)
    parts = [bspline_dictionary(80, (count,)) for count in counts]
    np.testing.assert_array_equal(stack, np.hstack(parts))
    assert np.linalg.matrix_rank(np.hstack(parts[:2])) <= 8 + 15 - 4
    widths = [np.count_nonzero(part[:, part.shape[1] // 2]) for part in parts]
    assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"n_points": 1}, "n_points must be an integer of at least 2, got 1"),
        ({"degree": 0}, "degree must be an integer of at least 1, got 0"),
        ({"counts": ()}, "counts must be a sequence such as"),
        ({"counts": 10}, "counts must be a sequence such as .* got 10"),
        ({"counts": (10, 3)}, r"counts\[1\] must be an integer of at least 4, got 3"),
        ({"counts": (10, 51)}, r"counts\[1\] must be at most the number of points, 50, got 51"),
    ],
)
def test_impossible_splines_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        bspline_dictionary(**{"n_points": 50, **arguments})
