"""The PARAFAC2 set and the projection on it."""

from itertools import pairwise

import numpy as np
import pytest
from contracts.instances import generators, read_only

from multiconvex import project_parafac2
from multiconvex.parafac2_set import orthonormalise, polar_factors


def blocks_of(rng, heights, rank=3):
    return [rng.random((height, rank)) for height in heights]


def spread(blocks):
    """Largest entry by which cross products differ."""
    products = np.array([block.T @ block for block in blocks])
    return np.abs(products - products[0]).max()


def plain_projection(blocks, core, rounds, weights=None):
    """Follow the definition with thin singular value decompositions."""
    weights = np.ones(len(blocks)) if weights is None else weights
    distances = []
    for _ in range(rounds):
        bases = []
        for block in blocks:
            left, _, right = np.linalg.svd(block @ core.T, full_matrices=False)
            bases.append(left @ right)
        terms = [w * basis.T @ block for w, basis, block in zip(weights, bases, blocks)]
        core = np.sum(terms, axis=0) / np.sum(weights)
        gaps = [np.sum((block - basis @ core) ** 2) for block, basis in zip(blocks, bases)]
        distances.append(np.dot(weights, gaps))
    return [basis @ core for basis in bases], distances


def square_projection(blocks, rounds):
    """Follow the listing of the source: square rotations of the mean of the matrices."""
    mean, distances = np.mean(blocks, axis=0), []
    for _ in range(rounds):
        turns = []
        for block in blocks:
            left, _, right = np.linalg.svd(block @ mean.T)
            turns.append(left @ right)
        mean = np.mean([turn.T @ block for turn, block in zip(turns, blocks)], axis=0)
        distances.append(sum(np.sum((b - t @ mean) ** 2) for b, t in zip(blocks, turns)))
    return distances


class TestProjection:
    def test_cross_products_agree_and_bases_are_orthonormal(self):
        for rng in generators(5):
            found = project_parafac2(blocks_of(rng, (6, 9, 4, 7)))
            assert spread(found.blocks) < 1e-13
            for basis, block in zip(found.bases, found.blocks):
                np.testing.assert_allclose(basis.T @ basis, np.eye(3), atol=1e-13)
                np.testing.assert_allclose(basis @ found.core, block, atol=1e-14)

    def test_every_round_is_that_of_the_definition_and_none_rises(self):
        for rng in generators(5):
            blocks, weights = blocks_of(rng, (6, 9, 4, 7)), 0.2 + rng.random(4)
            core = rng.standard_normal((3, 3))
            found = project_parafac2(blocks, weights=weights, core=core, max_iter=8, tol=0)
            expected, distances = plain_projection(blocks, core, len(found.distances), weights)
            np.testing.assert_allclose(found.distances, distances, rtol=1e-9)
            np.testing.assert_allclose(np.vstack(found.blocks), np.vstack(expected), atol=1e-8)
            assert np.diff(found.distances).max() <= 1e-13 * found.distances[0]

    def test_thin_and_square_forms_visit_the_same_distances(self):
        for rng in generators(5):
            blocks = blocks_of(rng, (10,) * 5)
            found = project_parafac2(blocks, max_iter=5, tol=0)
            expected = square_projection(blocks, len(found.distances))
            np.testing.assert_allclose(found.distances, expected, rtol=1e-12)

    def test_members_stay_where_they_are(self):
        for rng in generators(5):
            core = rng.standard_normal((3, 3))
            bases = [np.linalg.qr(rng.standard_normal((n, 3)))[0] for n in (5, 8, 3)]
            found = project_parafac2([basis @ core for basis in bases])
            assert found.distances[-1] < 1e-25
            for basis, block in zip(bases, found.blocks):
                np.testing.assert_allclose(block, basis @ core, atol=1e-12)

    def test_one_matrix_is_a_member(self):
        block = np.random.default_rng(0).random((7, 3))
        np.testing.assert_allclose(project_parafac2([block]).blocks[0], block, atol=1e-14)

    def test_no_nearby_member_is_nearer(self):
        for rng in generators(5):
            blocks = blocks_of(rng, (6, 9, 4))
            found = project_parafac2(blocks)
            for _ in range(20):
                core = found.core + 1e-3 * rng.standard_normal((3, 3))
                moved = [b + 1e-3 * rng.standard_normal(b.shape) for b in found.bases]
                bases = [left @ right for left, _, right in map(thin_svd, moved)]
                gaps = [np.sum((b - p @ core) ** 2) for b, p in zip(blocks, bases)]
                assert sum(gaps) > found.distances[-1]

    def test_two_matrices_of_one_column_meet_at_the_mean_length(self):
        found = project_parafac2([np.array([[3.0], [4.0]]), np.array([[1.0], [0.0]])])
        np.testing.assert_allclose(np.vstack(found.blocks).ravel(), [1.8, 2.4, 3.0, 0.0])

    def test_dependent_and_zero_columns_are_no_obstacle(self):
        blocks = blocks_of(np.random.default_rng(0), (8, 6, 7))
        blocks[0][:, 1], blocks[1][:, 2], blocks[2][:] = 0.0, blocks[1][:, 0], 0.0
        found = project_parafac2(blocks)
        assert spread(found.blocks) < 1e-13 and np.isfinite(found.distances).all()
        for basis in found.bases:
            np.testing.assert_allclose(basis.T @ basis, np.eye(3), atol=1e-13)

    def test_inputs_are_never_written_to_and_integers_are_read(self):
        blocks = read_only(*blocks_of(np.random.default_rng(0), (5, 4)))
        project_parafac2(blocks, core=read_only(np.eye(3))[0], weights=read_only(np.ones(2))[0])
        found = project_parafac2([np.eye(3, dtype=int), 2 * np.eye(4, 3, dtype=int)])
        np.testing.assert_allclose(found.blocks[0], 1.5 * np.eye(3))

    @pytest.mark.parametrize(
        ("blocks", "options", "message"),
        [
            ([], {}, "blocks is empty"),
            ([np.ones((2, 3))], {}, r"blocks\[0\] has 2 rows and 3 columns"),
            ([np.ones((3, 2)), np.ones((3, 1))], {}, "same number of columns"),
            ([np.ones((3, 2))], {"weights": [0.0]}, "weights must be 1 positive numbers"),
            ([np.ones((3, 2))], {"core": np.ones((2, 3))}, r"core must have shape \(2, 2\)"),
            ([np.full((3, 2), np.nan)], {}, r"blocks\[0\] has 6 NaN"),
            ([np.ones((3, 2))], {"max_iter": 0}, "max_iter must be an integer of at least 1"),
        ],
    )
    def test_what_cannot_be_projected_is_refused(self, blocks, options, message):
        with pytest.raises(ValueError, match=message):
            project_parafac2(blocks, **options)


class TestKernels:
    def test_polar_factors_are_those_of_the_svd(self):
        for rng in generators(5):
            matrices = rng.standard_normal((6, 4, 4)) * 10.0 ** rng.integers(-8, 8, (6, 1, 1))
            left, _, right = np.linalg.svd(matrices)
            np.testing.assert_allclose(polar_factors(matrices.copy()), left @ right, atol=1e-11)

    def test_polar_factors_of_singular_matrices_attain_the_sum_of_singular_values(self):
        rng = np.random.default_rng(0)
        matrices = rng.standard_normal((5, 4, 2)) @ rng.standard_normal((5, 2, 4))
        matrices[4] = 0.0
        turns = polar_factors(matrices.copy())
        np.testing.assert_allclose(turns.transpose(0, 2, 1) @ turns, np.tile(np.eye(4), (5, 1, 1)),
                                   atol=1e-14)  # fmt: skip
        attained = np.einsum("kij,kij->k", turns, matrices)
        sums = np.linalg.svd(matrices, compute_uv=False).sum(axis=1)
        np.testing.assert_allclose(attained, sums, atol=1e-13)

    def test_slices_are_bases_times_roots(self):
        rng = np.random.default_rng(0)
        stacked, bounds = rng.random((20, 3)), np.array([0, 5, 12, 20])
        stacked[:5, 2] = stacked[:5, 0] + 1e-6 * rng.random(5)
        bases, roots = orthonormalise(stacked, bounds)
        for k, (first, last) in enumerate(pairwise(bounds)):
            basis = bases[first:last]
            np.testing.assert_allclose(basis.T @ basis, np.eye(3), atol=1e-12)
            np.testing.assert_allclose(basis @ roots[k], stacked[first:last], atol=1e-14)


def thin_svd(matrix):
    return np.linalg.svd(matrix, full_matrices=False)
