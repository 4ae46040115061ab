"""Total variation of images: its value, its prox, and the accuracy that the prox promises."""

import numpy as np
import pytest
from contracts.penalty import ConvexPenaltyContract

from multiconvex import ImageTotalVariation

SHAPE = (3, 2)


class TestImageTotalVariation(ConvexPenaltyContract):
    penalty = ImageTotalVariation(SHAPE, 0.7, tol=1e-14)
    shape = (6, 2)

    def feasible(self, rng):
        return rng.exponential(size=self.shape)

    def in_cvxpy(self, u, cvxpy):
        images = [cvxpy.reshape(u[:, k], SHAPE, order="C") for k in range(self.shape[1])]
        value = sum(self.penalty.weight * cvxpy.tv(_bordered(image, cvxpy)) for image in images)
        return value, self.bound(u)

    def bound(self, u):
        return [u >= 0]


class TestUnbounded(TestImageTotalVariation):
    penalty = ImageTotalVariation(SHAPE, 0.7, lower=-np.inf, tol=1e-14)

    def feasible(self, rng):
        return rng.standard_normal(self.shape)

    def bound(self, u):
        return []

    def test_prox_keeps_the_mean(self):
        for _, v, step in self.cases():
            np.testing.assert_allclose(self.penalty.prox(v, step).mean(axis=0), v.mean(axis=0))


def _bordered(image, cvxpy):
    """Repeat the last row and column: cvxpy's ``tv`` leaves out what differs in one direction."""
    image = cvxpy.vstack([image, image[-1:, :]])
    return cvxpy.hstack([image, image[:, -1:]])


def test_two_pixels_in_closed_form():
    """The gap of two pixels shrinks by twice the weight, and a row of equal ones shares it."""
    penalty = ImageTotalVariation((1, 2), 0.5, tol=1e-14)
    np.testing.assert_allclose(penalty.prox(np.array([[1.0], [4.0]]), 1.0), [[1.5], [3.5]])
    np.testing.assert_allclose(penalty.prox(np.array([[1.0], [1.5]]), 1.0), [[1.25], [1.25]])


def test_the_value_is_isotropic():
    corner = np.array([0.0, 3.0, 4.0, 0.0]).reshape(4, 1)
    assert ImageTotalVariation((2, 2), 2.0).value(corner) == pytest.approx(2 * (5.0 + 3.0 + 4.0))
    assert ImageTotalVariation((2, 2), 2.0).value(-corner) == np.inf


@pytest.mark.parametrize("tol", [1e-2, 1e-4, 1e-6])
def test_the_promised_accuracy_is_kept(tol):
    v = np.random.default_rng(0).random((256, 1))
    rough, fine = (ImageTotalVariation((16, 16), 0.3, tol=t) for t in (tol, 1e-12))

    def cost(u):
        return fine.value(u) + 0.5 * np.sum((u - v) ** 2)

    best = cost(fine.prox(v, 1.0))
    assert best - 1e-12 <= cost(rough.prox(v, 1.0)) <= best * (1.0 + tol) + 1e-12


def test_a_noisy_edge_becomes_a_clean_one():
    edge = np.repeat([0.2, 0.8], 32).reshape(8, 8).T
    noisy = edge + 0.05 * np.random.default_rng(1).standard_normal((8, 8))
    clean = ImageTotalVariation((8, 8), 0.06).prox(noisy.reshape(-1, 1), 1.0).reshape(8, 8)
    assert np.linalg.norm(clean - edge) < 0.5 * np.linalg.norm(noisy - edge)


def test_degree_follows_the_bound():
    assert ImageTotalVariation((2, 2), 1.0).degree == 1.0
    assert ImageTotalVariation((2, 2), 1.0, lower=0.5).degree is None


def test_refusals():
    with pytest.raises(ValueError, match="weight must be a finite nonnegative number"):
        ImageTotalVariation((2, 2), -1.0)
    with pytest.raises(ValueError, match="shape must be an integer of at least 1"):
        ImageTotalVariation((0, 2), 1.0)
    with pytest.raises(ValueError, match="needs blocks with 4 rows, got 5"):
        ImageTotalVariation((2, 2), 1.0).prox(np.ones((5, 1)), 1.0)
