"""Numbers that say how good a solution is."""

import itertools

import numpy as np
import pytest
from contracts.instances import generators, scipy_nnls

from multiconvex import factor_match_score, kkt_residual, match_components, nnkl, spectral_angle
from multiconvex.diagnostics import match_labels, transition_matrix


class TestKKT:
    def test_zero_at_solutions_and_only_there(self):
        for rng in generators(10):
            W, y = rng.random((8, 4)), rng.standard_normal(8) + 0.5
            x = scipy_nnls(W, y)
            assert kkt_residual(W, y, x) < 1e-12
            assert kkt_residual(W, y, x + 0.1) > 1e-3
            assert kkt_residual(W, y, np.zeros(4)) > 1e-3 or x.max() == 0

    @pytest.mark.parametrize("loss", ["frobenius", "kullback-leibler"])
    def test_does_not_depend_on_the_scale(self, loss):
        rng = np.random.default_rng(0)
        W, y, x = rng.random((8, 4)), rng.random(8), rng.random(4)
        expected = kkt_residual(W, y, x, loss=loss)
        for c in (1e-6, 1e6):
            np.testing.assert_allclose(
                kkt_residual(W, c * y, c * x, loss=loss), expected, rtol=1e-9
            )

    def test_each_condition_is_seen(self):
        eye, y = np.eye(2), np.array([1.0, -2.0])
        assert kkt_residual(eye, y, np.array([1.0, -0.5])) == 0.375  # slope 1.5 times 0.5
        assert kkt_residual(eye, y, np.array([0.0, 0.0])) == 0.5  # slope -1
        assert kkt_residual(eye, y, np.array([1.0, 0.0])) == 0.0

    def test_weights_enter_the_gradient(self):
        x = np.array([(2.0 - 0.5) / (1.0 + 0.25), 0.0])
        assert kkt_residual(np.eye(2), np.array([2.0, 0.3]), x, l1=0.5, l2=0.25) < 1e-15
        assert kkt_residual(np.eye(2), np.array([2.0, 0.3]), x) > 0.1

    def test_kullback_leibler(self):
        rng = np.random.default_rng(1)
        W, Y = rng.random((8, 3)), rng.random((8, 5))
        x = nnkl(W, Y, update="scalar_newton", tol=1e-15).x
        assert kkt_residual(W, Y, x, loss="kullback-leibler") < 1e-6
        assert kkt_residual(W, Y, 1.1 * x, loss="kullback-leibler") > 1e-2


class TestMatching:
    @pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
    def test_order_scale_and_sign_do_not_matter(self, order):
        rng = np.random.default_rng(0)
        factors = [rng.standard_normal((n, 3)) for n in (5, 4, 6)]
        moved = [factor[:, order] * rng.standard_normal(3) for factor in factors]
        found, similarity = match_components(moved, factors)
        np.testing.assert_array_equal(np.array(order)[found], np.arange(3))
        np.testing.assert_allclose(similarity, 1.0, rtol=1e-14)
        assert factor_match_score(moved, factors) == pytest.approx(1.0, abs=1e-14)

    def test_total_similarity_is_the_largest(self):
        for rng in generators(10):
            a, b = rng.standard_normal((2, 5, 4))
            cosines = np.abs((b / np.linalg.norm(b, axis=0)).T @ (a / np.linalg.norm(a, axis=0)))
            best = max(
                sum(cosines[q, p[q]] for q in range(4)) for p in itertools.permutations(range(4))
            )
            np.testing.assert_allclose(factor_match_score(a, b), best / 4)

    def test_bounds_and_orthogonal_components(self):
        assert factor_match_score(np.eye(4)[:, :2], np.eye(4)[:, 2:]) == 0.0
        assert factor_match_score(np.zeros((3, 2)), np.ones((3, 2))) == 0.0

    def test_shapes_must_agree(self):
        with pytest.raises(ValueError, match=r"factors of the same shapes, got \[\(3, 2\)\] and"):
            factor_match_score(np.ones((3, 2)), np.ones((4, 2)))


class TestSpectralAngle:
    @pytest.mark.parametrize("degrees", [0.0, 1e-6, 30.0, 90.0, 179.0])
    def test_plane_angles(self, degrees):
        turned = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
        angle = spectral_angle(np.array([3.0, 0.0]), 0.1 * turned)
        np.testing.assert_allclose(angle, degrees, rtol=1e-9, atol=1e-12)

    def test_one_angle_for_each_column(self):
        rng = np.random.default_rng(0)
        a, b = rng.standard_normal((2, 5, 3))
        cosines = np.sum(a * b, axis=0) / (np.linalg.norm(a, axis=0) * np.linalg.norm(b, axis=0))
        np.testing.assert_allclose(spectral_angle(a, b), np.degrees(np.arccos(cosines)))


class TestMatchLabels:
    @pytest.mark.parametrize("n_labels", [1, 2, 3, 4])
    def test_no_permutation_agrees_more(self, n_labels):
        for rng in generators(20):
            estimated, reference = rng.integers(n_labels, size=(2, 12))
            match = match_labels(estimated, reference, n_labels)
            best = max(
                np.mean(np.array(names)[estimated] == reference)
                for names in itertools.permutations(range(n_labels))
            )
            assert match.accuracy == best
            np.testing.assert_array_equal(match.labels, match.permutation[estimated])
            assert np.mean(match.labels == reference) == best
            assert sorted(match.permutation) == list(range(n_labels))

    @pytest.mark.parametrize("names", list(itertools.permutations(range(3))))
    def test_renamed_labels_are_recovered(self, names):
        reference = np.array([0, 0, 1, 2, 2, 2, 1])
        match = match_labels(np.array(names)[reference], reference)
        np.testing.assert_array_equal(match.labels, reference)
        np.testing.assert_array_equal(match.permutation, np.argsort(names))
        assert match.accuracy == 1.0

    def test_more_labels_than_the_reference_has(self):
        match = match_labels([3, 3, 1, 0], [0, 0, 0, 1])
        assert match.accuracy == 0.75
        assert sorted(match.permutation) == [0, 1, 2, 3]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (([0, 1], [0, 1, 1]), "must label the same samples, got 2 and 3"),
            (([0.0, 1.0], [0, 1]), "estimated must be .* integers, got float64 .* take argmax"),
            (([0, 1], [[0, 1]]), r"reference must be a nonempty vector .* \(1, 2\)"),
            (([], []), "estimated must be a nonempty vector"),
            (([0, -1], [0, 1]), "estimated must be counted from 0, got -1"),
            (([0, 2], [0, 1], 2), "n_labels must be an integer of at least 3, got 2"),
        ],
    )
    def test_what_is_no_label_is_refused(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            match_labels(*arguments)


class TestTransitionMatrix:
    def test_counts_pairs_within_sequences(self):
        for rng in generators(20):
            labels, breaks = rng.integers(3, size=30), np.unique(rng.integers(1, 30, size=4))
            expected = np.zeros((4, 4))
            for t in range(29):
                if t + 1 not in breaks:
                    expected[labels[t], labels[t + 1]] += 1
            expected[expected.sum(axis=1) == 0] = 0.25
            expected = [row / sum(row) for row in expected]
            found = transition_matrix(labels, 4, tuple(breaks.tolist()))
            np.testing.assert_allclose(found, expected, rtol=1e-15)

    def test_the_chain_that_made_the_labels(self):
        rng = np.random.default_rng(0)
        P = np.array([[0.7, 0.3, 0.0], [0.1, 0.8, 0.1], [0.0, 0.5, 0.5]])
        labels = [0]
        for _ in range(40_000):
            labels.append(rng.choice(3, p=P[labels[-1]]))
        np.testing.assert_allclose(transition_matrix(labels, 3), P, atol=0.015)

    def test_nothing_follows(self):
        np.testing.assert_array_equal(transition_matrix([1], 2), np.full((2, 2), 0.5))
        np.testing.assert_array_equal(transition_matrix([0, 1], 2), [[0, 1], [0.5, 0.5]])
        np.testing.assert_array_equal(transition_matrix([0, 1], 2, [1]), np.full((2, 2), 0.5))

    @pytest.mark.parametrize("breaks", [[4], [0], [2, 1]])
    def test_breaks_are_increasing_indices(self, breaks):
        with pytest.raises(ValueError, match="breaks must be increasing row numbers from 1 to 3"):
            transition_matrix([0, 1, 1, 0], 2, breaks)

    def test_labels_must_fit(self):
        with pytest.raises(ValueError, match="n_labels must be an integer of at least 3, got 2"):
            transition_matrix([0, 2], 2)
