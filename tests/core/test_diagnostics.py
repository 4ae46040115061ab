"""Numbers that say how good a solution is."""

import itertools

import numpy as np
import pytest
from contracts.instances import generators, scipy_nnls

from multiconvex import factor_match_score, kkt_residual, match_components, nnkl, spectral_angle


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
