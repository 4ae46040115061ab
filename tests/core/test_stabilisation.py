"""Transforms that stabilise the variance of counts, their inverse, and the losses of counts."""

import numpy as np
import pytest
from contracts.instances import read_only
from contracts.loss import LossContract
from scipy.special import xlogy

from multiconvex import (
    BetaDivergence,
    KullbackLeibler,
    ShiftedKullbackLeibler,
    StabilizedSquares,
    anscombe,
    inverse_anscombe,
)


class OffsetContract(LossContract):
    """A constant is one more component of the model, which is known: Jensen's bound with it."""

    def shifted(self, data, model):
        """Return the loss of each entry after the constant has been added."""
        raise NotImplementedError

    def documented(self, y, z):
        c = self.loss.offset
        return self.shifted(np.maximum(y + c, 0.0), z + c)

    def majorant(self, W, y, current, x):
        c = self.loss.offset
        model = W @ current + c
        shares = np.hstack([W * current.T, np.full_like(model, c)]) / model
        ratios = np.append(x / current, 1.0)
        return float(np.sum(shares * self.shifted(y + c, model * ratios)))

    def test_homogeneous(self):
        """Scaling data, model and constant together scales the loss."""
        for rng, y, z in self.cases():
            t = rng.uniform(0.1, 9.0)
            other = type(self.loss)(t * self.loss.offset)
            np.testing.assert_allclose(
                other.value(t * y, t * z), t * self.loss.value(y, z), rtol=1e-10
            )

    def test_data_below_the_constant_count_as_it(self):
        c = self.loss.offset
        z = np.array([1.0, 2.0])
        at, below = np.full(2, -c), np.array([-c - 0.1, -c - 7.0])
        assert self.loss.value(below, z) == self.loss.value(at, z)
        for one, other in zip(self.loss.halves(below, z), self.loss.halves(at, z)):
            np.testing.assert_array_equal(one, other)


class TestShiftedKullbackLeibler(OffsetContract):
    loss = ShiftedKullbackLeibler(0.7)

    def shifted(self, data, model):
        return xlogy(data, data) - xlogy(data, model) - data + model

    def test_no_background_is_the_divergence(self):
        for _, y, z in self.cases():
            plain, shifted = KullbackLeibler(), ShiftedKullbackLeibler(0.0)
            np.testing.assert_allclose(shifted.value(y, z), plain.value(y, z), rtol=1e-12)
            np.testing.assert_allclose(shifted.curvature(y, z), plain.curvature(y, z), rtol=1e-12)
        assert ShiftedKullbackLeibler(0.0).value(np.ones(1), np.zeros(1)) == np.inf


class TestStabilizedSquares(OffsetContract):
    loss = StabilizedSquares(0.7)
    penalties = ((0.0, 0.0), (0.3, 0.0))

    def shifted(self, data, model):
        return 2.0 * (np.sqrt(data) - np.sqrt(model)) ** 2

    def test_it_is_the_distance_of_transformed_data_and_model(self):
        for deviation in (0.0, 1.5):
            loss = StabilizedSquares(3.0 / 8.0 + deviation**2)
            for _, y, z in self.cases():
                gap = anscombe(y, deviation=deviation) - anscombe(z, deviation=deviation)
                np.testing.assert_allclose(loss.value(y, z), 0.5 * np.sum(gap**2), rtol=1e-12)

    def test_large_constants_give_squares(self):
        for _, y, z in self.cases():
            squares = np.sum((y - z) ** 2) / 2.0
            for loss in (StabilizedSquares(1e6), ShiftedKullbackLeibler(1e6)):
                np.testing.assert_allclose(1e6 * loss.value(y, z), squares, rtol=1e-4)

    def test_a_ridge_has_no_closed_form(self):
        one = np.ones((2, 1))
        with pytest.raises(ValueError, match="no closed form for StabilizedSquares with l2"):
            self.loss.majorant_minimizer(one, one, one, 0.0, 0.1)


class TestHellinger(TestStabilizedSquares):
    loss = StabilizedSquares(0.0)


@pytest.mark.parametrize("kind", [ShiftedKullbackLeibler, StabilizedSquares])
def test_negative_constants_are_refused(kind):
    with pytest.raises(ValueError, match="offset must be a finite nonnegative number"):
        kind(-0.1)


class TestTransform:
    def test_defaults_are_the_transform_of_anscombe(self):
        counts = np.arange(50)
        np.testing.assert_allclose(anscombe(counts), 2.0 * np.sqrt(counts + 0.375))

    def test_it_is_the_documented_formula(self):
        x = np.random.default_rng(0).uniform(-20.0, 80.0, 100)
        g, mean, deviation = 2.0, 5.0, 3.0
        inside = g * x + 0.375 * g**2 + deviation**2 - g * mean
        expected = 2.0 / g * np.sqrt(np.maximum(inside, 0.0))
        found = anscombe(x, gain=g, mean=mean, deviation=deviation)
        np.testing.assert_allclose(found, expected, atol=1e-12)

    def test_variance_is_nearly_one(self):
        """Published check: 1.04 at five photons, 1.00 at twenty, with gain 2 and noise 3."""
        rng = np.random.default_rng(0)
        for photons, wanted in ((5.0, 1.04), (20.0, 1.0)):
            x = 2.0 * rng.poisson(photons, 400_000) + rng.normal(5.0, 3.0, 400_000)
            found = anscombe(x, gain=2.0, mean=5.0, deviation=3.0).var()
            assert found == pytest.approx(wanted, abs=0.015)

    def test_the_inverse_is_unbiased(self):
        rng = np.random.default_rng(1)
        for photons in (0.2, 1.0, 7.0, 40.0, 90.0):
            for noise in (0.0, 2.0):
                x = 3.0 * rng.poisson(photons, 400_000) + rng.normal(9.0, noise, 400_000)
                known = {"gain": 3.0, "mean": 9.0, "deviation": noise}
                back = inverse_anscombe(anscombe(x, **known).mean(), **known)
                assert (back - 9.0) / 3.0 == pytest.approx(photons, rel=0.02, abs=0.01)

    def test_the_inverse_is_continuous_and_never_below_the_dark_level(self):
        y = np.linspace(0.0, 40.0, 4000)
        for noise in (0.0, 2.0):
            back = inverse_anscombe(y, deviation=noise)
            assert back.min() == 0.0
            assert np.all(np.diff(back) >= 0.0)
            assert np.diff(back).max() < 0.3

    def test_detectors_that_cannot_be_are_refused(self):
        for call in (anscombe, inverse_anscombe):
            with pytest.raises(ValueError, match="gain must be"):
                call(1.0, gain=0.0)
            with pytest.raises(ValueError, match="deviation must be"):
                call(1.0, deviation=-1.0)

    def test_inputs_are_never_written_to(self):
        (x,) = read_only(np.arange(5.0))
        anscombe(x), inverse_anscombe(x)


def test_losses_of_counts_are_between_their_relatives():
    """To second order around y = z, all losses of counts are squares over twice the variance."""
    z = np.linspace(1.0, 9.0, 20)
    y = z + 1e-3 * np.sin(np.arange(20.0))
    squares = np.sum((y - z) ** 2 / (2.0 * (z + 0.5)))
    for loss in (ShiftedKullbackLeibler(0.5), StabilizedSquares(0.5)):
        assert loss.value(y, z) == pytest.approx(squares, rel=1e-3)
    assert BetaDivergence(1.5).value(y, z) != pytest.approx(squares, rel=1e-1)
