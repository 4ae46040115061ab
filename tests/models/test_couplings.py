"""Couplings: maps and adjoints from their definitions, named couplings, and what is refused."""

import numpy as np
import pytest
from contracts.coupled import KINDS, PAIR, random_coupling
from contracts.instances import generators

from multiconvex import Coupling


def linked(kind, rng):
    """Return a coupling with its link and the shapes of the factors of its members."""
    coupling, rows, ranks = random_coupling(kind, rng)
    shapes = list(zip(rows, ranks))
    return coupling, coupling.link(shapes), shapes


def definition(coupling, shared, j):
    """Return the factor of member j as the documentation has it."""
    if coupling.matrices is not None:
        return coupling.matrices[j] @ shared.ravel()
    left = np.eye(len(shared)) if coupling.left is None else coupling.left[j]
    right = np.eye(shared.shape[1]) if coupling.right is None else coupling.right[j]
    return (left @ shared @ right).ravel()


class TestMaps:
    @pytest.mark.parametrize("kind", KINDS)
    def test_factors_are_the_documented_images(self, kind):
        for rng in generators(3):
            coupling, link, shapes = linked(kind, rng)
            shared = rng.standard_normal(link.shape)
            for j, shape in enumerate(shapes):
                factor = link.image(shared, j)
                assert factor.shape == shape
                np.testing.assert_allclose(factor.ravel(), definition(coupling, shared, j))

    @pytest.mark.parametrize("kind", KINDS)
    def test_adjoints_and_norms(self, kind):
        for rng in generators(3, seed=1):
            _, link, shapes = linked(kind, rng)
            for j, shape in enumerate(shapes):
                shared, factor = rng.standard_normal(link.shape), rng.standard_normal(shape)
                forward = np.vdot(link.image(shared, j), factor)
                np.testing.assert_allclose(np.vdot(shared, link.adjoint(factor, j)), forward)
                units = np.eye(shared.size).reshape(-1, *link.shape)
                matrix = np.stack([link.image(unit, j).ravel() for unit in units], axis=1)
                np.testing.assert_allclose(link.norm2(j), np.linalg.norm(matrix, 2) ** 2)

    @pytest.mark.parametrize("kind", KINDS)
    def test_closest_is_weighted_least_squares(self, kind):
        for rng in generators(3, seed=2):
            _, link, shapes = linked(kind, rng)
            factors, weights = [rng.standard_normal(shape) for shape in shapes], [0.3, 2.0]
            units = np.eye(np.prod(link.shape)).reshape(-1, *link.shape)
            design = np.vstack(
                [
                    np.sqrt(w) * np.stack([link.image(u, j).ravel() for u in units], axis=1)
                    for j, w in enumerate(weights)
                ]
            )
            target = np.hstack([np.sqrt(w) * f.ravel() for w, f in zip(weights, factors)])
            expected = np.linalg.lstsq(design, target, rcond=None)[0]
            found = link.closest(factors, weights)
            np.testing.assert_allclose(found.ravel(), expected, rtol=1e-7, atol=1e-9)


class TestNamedCouplings:
    def test_columns_pick_components(self):
        coupling = Coupling.of_columns(PAIR, [[2, 0], [1, 2]])
        link = coupling.link([(4, 2), (4, 2)])
        A = np.random.default_rng(0).random((4, 3))
        assert link.selects
        np.testing.assert_array_equal(link.image(A, 0), A[:, [2, 0]])
        np.testing.assert_array_equal(link.image(A, 1), A[:, [1, 2]])

    def test_grids_interpolate_lines_exactly_and_nodes_to_themselves(self):
        grid, points = np.array([0.0, 1.0, 4.0]), np.array([0.0, 0.25, 3.0, 4.0])
        coupling = Coupling.on_grids(PAIR, grid, [points, grid])
        np.testing.assert_allclose(coupling.left[0] @ (3.0 - 2.0 * grid), 3.0 - 2.0 * points)
        np.testing.assert_array_equal(coupling.left[1], np.eye(3))

    def test_shared_slopes_leave_the_offsets_free(self):
        rng = np.random.default_rng(0)
        coupling = Coupling.of_slopes(PAIR, 7)
        link = coupling.link([(7, 2), (7, 2)])
        curves = rng.random((7, 2))
        shifted = curves + rng.random(2)
        shared = link.closest([curves, shifted], [1.0, 1.0])
        np.testing.assert_allclose(shared[:6], np.diff(curves, axis=0), atol=1e-12)
        np.testing.assert_allclose(shared[6:], [curves[0], shifted[0]], atol=1e-12)
        np.testing.assert_allclose(link.image(shared, 1), shifted, atol=1e-12)
        bent = curves * np.linspace(1, 2, 7)[:, None]
        assert np.abs(link.image(link.closest([curves, bent], [1, 1]), 1) - bent).max() > 0.1

    def test_shape_of_a_shared_factor_behind_matrices_is_found(self):
        matrices = [np.random.default_rng(j).random((8, 6)) for j in range(2)]
        assert Coupling(PAIR, matrices=matrices).link([(4, 2), (4, 2)]).shape == (3, 2)
        assert Coupling(PAIR, matrices=matrices, shape=(6, 1)).link([(4, 2)] * 2).shape == (6, 1)

    def test_matrices_are_copied_or_kept_but_never_changed(self):
        left = [np.arange(12).reshape(4, 3), np.eye(3)]
        coupling = Coupling(PAIR, left=left)
        assert coupling.left[0].dtype == float
        np.testing.assert_array_equal(left[0], np.arange(12).reshape(4, 3))


TWO = [np.eye(3), np.eye(3)]


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ({"members": [(0, 0)]}, "members must be at least two pairs"),
            ({"members": [(0, 0), (0, 0)]}, "two pairs .* of different data sets"),
            ({"members": [(0, 0), (0, 1)]}, "two pairs .* of different data sets"),
            ({"left": TWO, "matrices": TWO}, "Give either matrices, or left and right"),
            ({"left": TWO[:1]}, "left must hold one matrix for each of the 2 members, got 1"),
            ({"right": [np.eye(2), np.ones(3)]}, r"right\[1\] must have 2 dimensions"),
            ({"left": [np.eye(2), [[np.nan]]]}, r"left\[1\] has 1 NaN"),
        ],
    )
    def test_impossible_couplings(self, arguments, sentence):
        with pytest.raises(ValueError, match=sentence):
            Coupling(**{"members": PAIR, **arguments})

    @pytest.mark.parametrize(
        ("arguments", "shapes"),
        [
            ({}, [(4, 2), (5, 2)]),
            ({}, [(4, 2), (4, 3)]),
            ({"left": [np.ones((4, 3)), np.ones((5, 2))]}, [(4, 2), (5, 2)]),
            ({"left": [np.ones((4, 3)), np.ones((5, 3))]}, [(4, 2), (6, 2)]),
            ({"left": [np.ones((4, 3)), np.ones((5, 3))]}, [(4, 2), (5, 3)]),
            ({"right": [np.ones((3, 2)), np.ones((3, 3))]}, [(4, 2), (4, 2)]),
            ({"right": [np.ones((3, 2)), np.ones((2, 2))]}, [(4, 2), (4, 2)]),
            ({"matrices": [np.ones((8, 6)), np.ones((9, 6))]}, [(4, 2), (4, 2)]),
        ],
    )
    def test_shapes_that_do_not_fit(self, arguments, shapes):
        with pytest.raises(ValueError, match=r"cannot make the factor of data set \d, mode 0"):
            Coupling(PAIR, **arguments).link(shapes)

    @pytest.mark.parametrize(
        "coupling",
        [
            Coupling.on_grids(PAIR, np.linspace(0, 1, 30), [[0.0, 0.5, 1.0], [0.2, 0.8, 0.9]]),
            Coupling(PAIR, right=[np.ones((3, 2)), np.ones((3, 2))]),
            Coupling(PAIR, matrices=[np.ones((6, 6)), np.ones((6, 6))]),
        ],
    )
    def test_a_shared_factor_that_is_not_determined(self, coupling):
        with pytest.raises(ValueError, match="does not determine its shared factor"):
            coupling.link([(3, 2), (3, 2)])

    def test_two_coarse_grids_may_determine_what_neither_does(self):
        coupling = Coupling.on_grids(PAIR, np.arange(4.0), [[0.0, 1.0], [1.5, 2.5, 2.75]])
        assert coupling.link([(2, 1), (3, 1)]).shape == (4, 1)

    def test_points_and_grids(self):
        with pytest.raises(ValueError, match="points must lie between the ends of the grid, 0 and"):
            Coupling.on_grids(PAIR, [0, 1], [[0, 1], [0, 2]])
        with pytest.raises(ValueError, match="grid must be strictly increasing"):
            Coupling.on_grids(PAIR, [0, 0], [[0], [0]])
        with pytest.raises(ValueError, match="size must be an integer of at least 2"):
            Coupling.of_slopes(PAIR, 1)

    def test_ranks_that_leave_the_shape_open(self):
        coupling = Coupling(PAIR, matrices=[np.ones((8, 6)), np.ones((12, 6))])
        with pytest.raises(ValueError, match=r"shape is needed for a shared factor of 6 entries"):
            coupling.link([(4, 2), (4, 3)])
