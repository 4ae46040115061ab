"""Every loss against its contract; expectation-maximisation and Burg's majorant beside it."""

import numpy as np
import pytest
from contracts.instances import generators
from contracts.loss import LossContract
from scipy.special import xlogy

from multiconvex import BetaDivergence, Frobenius, KullbackLeibler
from multiconvex.losses import as_loss


class TestFrobenius(LossContract):
    loss = Frobenius()
    degree = 2.0

    def documented(self, y, z):
        return (y - z) ** 2 / 2


class TestKullbackLeibler(LossContract):
    loss = KullbackLeibler()

    def documented(self, y, z):
        return xlogy(y, y) - xlogy(y, z) - y + z

    def test_infinite_where_the_model_misses_data(self):
        assert self.loss.value(np.ones(1), np.zeros(1)) == np.inf

    def test_step_is_the_m_step_of_expectation_maximisation(self):
        for _, W, y, x in self.regressions():
            expected_counts = y * W * x.T / (W @ x)
            m_step = expected_counts.sum(axis=0) / W.sum(axis=0)
            np.testing.assert_allclose(self.step(W, y, x).ravel(), m_step, rtol=1e-14, atol=1e-14)

    def test_em_majorant_differs_from_jensens_by_a_constant(self):
        for rng, W, y, current in self.regressions(10):
            counts = y * W * current.T / (W @ current)
            gaps = []
            for _ in range(4):
                x = rng.random(current.shape) + 0.1
                em = np.sum(W * x.T) - np.sum(xlogy(counts, W * x.T))
                gaps.append(self.majorant(W, y, current, x) - em)
            np.testing.assert_allclose(gaps, gaps[0], rtol=0, atol=1e-11 * (1 + abs(gaps[0])))

    def test_one_step_gives_the_model_the_mass_of_the_data(self):
        for _, W, y, x in self.regressions():
            np.testing.assert_allclose(np.sum(W @ self.step(W, y, x)), y.sum(), rtol=1e-13)

    def test_burgs_majorant_is_valid_and_never_below_jensens(self):
        for rng, W, y, current in self.regressions():
            x = rng.random(current.shape) + 0.01
            up, down = self.loss.halves(y, W @ current)
            slope, ratio = W.T @ (down - up), x / current
            burg = self.loss.value(y, W @ current) + np.vdot(slope, x - current)
            burg += y.sum() * np.sum(ratio - np.log(ratio) - 1.0)
            jensen = self.majorant(W, y, current, x)
            assert burg >= jensen - 1e-11 * (1.0 + abs(jensen))
            shares = y.sum() - current * (W.T @ up)
            gap = np.sum(shares * (ratio - 1.0 - np.log(ratio)))
            np.testing.assert_allclose(burg - jensen, gap, rtol=1e-8, atol=1e-10)


class BetaContract(LossContract):
    penalties = ((0.0, 0.0),)

    @property
    def degree(self):
        return self.loss.beta

    def documented(self, y, z):
        b = self.loss.beta
        return (y**b + (b - 1) * z**b - b * y * z ** (b - 1)) / (b * (b - 1))

    def test_weights_have_no_closed_form(self):
        one = np.ones((2, 1))
        with pytest.raises(ValueError, match="no closed form for a beta-divergence with l1 or l2"):
            self.loss.majorant_minimizer(one, one, one, 0.1, 0.0)


class TestBeta13(BetaContract):
    loss = BetaDivergence(1.3)


class TestBeta15(BetaContract):
    loss = BetaDivergence(1.5)


class TestBeta17(BetaContract):
    loss = BetaDivergence(1.7)


@pytest.mark.parametrize(
    ("beta", "limit"), [(1 + 1e-7, KullbackLeibler()), (2 - 1e-7, Frobenius())]
)
def test_beta_divergence_joins_the_other_two(beta, limit):
    for rng in generators(5):
        y, z = rng.exponential(size=(2, 20))
        near, end = BetaDivergence(beta), limit
        np.testing.assert_allclose(near.value(y, z), end.value(y, z), rtol=1e-5)
        for a, b in zip(near.halves(y, z), end.halves(y, z)):
            np.testing.assert_allclose(a, b, rtol=1e-5)


@pytest.mark.parametrize("beta", [1.0, 2.0, 0.5, 2.5, float("nan")])
def test_beta_outside_the_open_interval_is_refused(beta):
    with pytest.raises(ValueError, match="beta must lie strictly between 1 and 2"):
        BetaDivergence(beta)


def test_names_stand_for_losses():
    assert as_loss("frobenius") == Frobenius()
    assert as_loss("kullback-leibler") == KullbackLeibler()
    assert as_loss(BetaDivergence(1.2)) == BetaDivergence(1.2)
    with pytest.raises(ValueError, match="loss must be one of 'frobenius', 'kullback-leibler'"):
        as_loss("kl")
    with pytest.raises(TypeError, match="loss must be a name or a loss object, got int"):
        as_loss(2)
