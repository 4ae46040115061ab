"""Losses as likelihoods: densities that integrate to one, scales of largest likelihood."""

import numpy as np
import pytest
from contracts.latent import draw_loss
from scipy.integrate import quad
from scipy.stats import laplace, norm

from multiconvex.models.latent.designs import choice_loss
from multiconvex.models.latent.likelihood import (
    fit_scale,
    label_weights,
    log_normaliser,
    mixture_log_likelihood,
    negative_log_likelihoods,
)
from multiconvex.models.latent.links import Huber, Power, Square
from multiconvex.models.latent.sample_losses import AffineLoss, CentreLoss, SquaredLoss

RESIDUALS = [Square(), Power(1.0), Power(1.5), Power(3.0), Huber(0.5), Huber(2.0)]


def residual_loss(link, m=400, q=1, seed=0):
    """Return a loss whose values at 0 are those of the residuals ``offset``."""
    rng = np.random.default_rng(seed)
    design, offset = np.zeros((m, q, 1)), 0.7 * rng.standard_t(4, size=(m, q))
    return SquaredLoss(design, offset) if link == Square() else AffineLoss(link, design, offset)


def at_zero(loss):
    return loss.values(np.zeros((1, loss.n_parameters)))


@pytest.mark.parametrize("link", RESIDUALS, ids=repr)
@pytest.mark.parametrize("scale", [0.1, 1.0, 7.0])
def test_densities_integrate_to_one(link, scale):
    def density(u):
        loss = float(link.value(np.full((1, 1, 1), u))[0, 0])
        return np.exp(-loss / scale - log_normaliser(link, scale))

    assert 2.0 * quad(density, 0.0, 200.0, points=[1.0, 10.0], limit=500)[0] == pytest.approx(1.0)


def test_known_densities():
    u = np.array([[0.3], [-1.2]])
    for link, scale, expected in (
        (Square(), 2.0 * 0.8**2, norm(scale=0.8)), (Power(1.0), 0.4, laplace(scale=0.4)),
    ):  # fmt: skip
        loss = AffineLoss(link, np.zeros((2, 1, 1)), u)
        costs = negative_log_likelihoods(loss, at_zero(loss), scale)
        np.testing.assert_allclose(-costs, expected.logpdf(u))


@pytest.mark.parametrize("link", RESIDUALS, ids=repr)
@pytest.mark.parametrize("q", [1, 3])
def test_scale_has_the_largest_likelihood(link, q):
    loss = residual_loss(link, q=q)
    losses = at_zero(loss)
    best = fit_scale(loss, losses)
    total = negative_log_likelihoods(loss, losses, best).sum()
    for ratio in (0.9, 0.999, 1.001, 1.1):
        assert negative_log_likelihoods(loss, losses, ratio * best).sum() > total
    assert link != Square() or best == pytest.approx(2.0 * np.mean(loss.offset**2))


def test_centres_have_a_gaussian_of_one_variance():
    points = np.random.default_rng(1).normal(size=(50, 3))
    loss = CentreLoss(points)
    losses = at_zero(loss)
    scale = fit_scale(loss, losses)
    variance = np.mean(points**2)
    assert scale == pytest.approx(2.0 * variance)
    expected = norm(scale=np.sqrt(variance)).logpdf(points).sum(axis=1)
    np.testing.assert_allclose(-negative_log_likelihoods(loss, losses, scale)[:, 0], expected)


def test_choices_are_likelihoods_already():
    rng = np.random.default_rng(2)
    loss = choice_loss(rng.normal(size=(9, 1, 2)), rng.integers(2, size=9))
    losses = loss.values(np.ones((1, 2)))
    assert fit_scale(loss, losses) is None
    assert fit_scale(None, losses) is None
    np.testing.assert_array_equal(negative_log_likelihoods(loss, losses, None), losses)


def test_a_perfect_fit_has_a_positive_scale():
    for link in RESIDUALS:
        scale = fit_scale(draw_loss(link, np.random.default_rng(0), linear=False), np.zeros(4))
        assert scale > 0.0
        assert np.isfinite(scale)


def test_mixtures_sum_the_probabilities():
    rng = np.random.default_rng(3)
    losses, weights = rng.random((6, 3)), np.array([0.5, 0.3, 0.2])
    expected = np.log(np.exp(-losses) @ weights)
    np.testing.assert_allclose(mixture_log_likelihood(losses, weights), expected)
    assert np.isfinite(mixture_log_likelihood(losses + 2000.0, weights)).all()


def test_weights_are_shares_of_the_samples():
    z = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.6, 0.4, 0.0], [1.0, 0.0, 0.0]])
    np.testing.assert_array_equal(label_weights(z), [0.75, 0.25, 0.0])
