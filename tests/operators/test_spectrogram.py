"""The spectrogram is the documented transform, inverts exactly and shares sounds without a rest."""

import numpy as np
import pytest
from scipy.signal import stft
from scipy.signal.windows import hann

from multiconvex import Spectrogram

SMALL = Spectrogram(rate=8000, window=64, hop=16)


def noise(length=500, seed=0):
    return np.random.default_rng(seed).standard_normal(length)


def test_values_are_the_documented_sums():
    samples = noise()
    spectra, times = SMALL.forward(samples), SMALL.times(500)
    window = hann(64, sym=False)
    j = np.arange(-32, 32)
    padded = np.pad(samples, 200)
    for frame in (0, 5, spectra.shape[1] - 1):
        centre = round(times[frame] * 8000)
        piece = window * padded[200 + centre + j]
        for f in (0, 7, 32):
            expected = np.sum(piece * np.exp(-2j * np.pi * f * j / 64)) / window.sum()
            np.testing.assert_allclose(spectra[f, frame], expected, atol=1e-12)
    np.testing.assert_allclose(np.diff(times), 16 / 8000)
    np.testing.assert_allclose(SMALL.frequencies, np.arange(33) * 125.0)


def test_the_defaults_are_the_settings_of_the_source():
    samples = noise(20_000)
    ours = Spectrogram()
    f, t, theirs = stft(samples, fs=44100, nperseg=4096, noverlap=4096 - 882)
    where = np.searchsorted(ours.times(20_000), t[5:15] - 1e-9)
    mine = ours.magnitude(samples)[:, where]
    np.testing.assert_allclose(ours.frequencies, f)
    np.testing.assert_allclose(mine, np.abs(theirs[:, 5:15]), atol=1e-12)


def test_half_the_rate_gives_the_lower_half_of_the_frequencies():
    """Of a sound that has nothing else, sampled at both rates."""
    clock = np.arange(44_100) / 44_100
    samples = np.sin(2 * np.pi * 440 * clock) + 0.3 * np.sin(2 * np.pi * 5000.5 * clock)
    full = Spectrogram(44_100, 4096, 882)
    half = Spectrogram(22_050, 2048, 441)
    A, B = full.magnitude(samples)[:1024, 10:40], half.magnitude(samples[::2])[:1024, 10:40]
    np.testing.assert_allclose(full.times(44_100)[10:40], half.times(22_050)[10:40])
    np.testing.assert_allclose(A, B, atol=1e-6)


@pytest.mark.parametrize("shape", [(500,), (3, 257), (2, 2, 64)])
def test_inverse_gives_the_sound_back(shape):
    samples = np.random.default_rng(1).standard_normal(shape)
    back = SMALL.inverse(SMALL.forward(samples), shape[-1])
    np.testing.assert_allclose(back, samples, atol=1e-12)


def test_linear_and_single_precision_is_kept():
    one, other = noise(seed=1), noise(seed=2)
    np.testing.assert_allclose(
        SMALL.forward(2 * one - other), 2 * SMALL.forward(one) - SMALL.forward(other), atol=1e-12
    )
    assert SMALL.magnitude(one.astype(np.float32)).dtype == np.float32


def test_parts_share_the_sound_in_proportion_and_without_a_rest():
    samples = noise()
    shape = SMALL.forward(samples).shape
    models = np.random.default_rng(3).random((3, *shape))
    models[:, :5] = 0.0
    parts = SMALL.split(samples, models)
    np.testing.assert_allclose(parts.sum(axis=0), samples, atol=1e-12)
    equal = SMALL.split(samples, np.ones((4, *shape)))
    np.testing.assert_allclose(equal, np.tile(samples / 4, (4, 1)), atol=1e-12)


def test_disjoint_sounds_are_separated_by_their_own_magnitudes():
    clock = np.arange(4000) / 8000
    low, high = np.sin(2 * np.pi * 500 * clock), np.sin(2 * np.pi * 3000 * clock)
    parts = SMALL.split(low + high, np.stack([SMALL.magnitude(low), SMALL.magnitude(high)]))
    assert np.linalg.norm(parts[0] - low) < 0.02 * np.linalg.norm(low)


def test_errors_say_what_to_do():
    with pytest.raises(ValueError, match="hop must be at most half of window = 64"):
        Spectrogram(8000, 64, 33)
    with pytest.raises(ValueError, match="samples must hold at least one window of 64, got 10"):
        SMALL.forward(np.zeros(10))
    with pytest.raises(ValueError, match="NaN or infinite"):
        SMALL.forward(np.full(100, np.nan))
    with pytest.raises(ValueError, match="spectra must end in 33 frequencies and the"):
        SMALL.inverse(np.zeros((33, 3), complex), 500)
    with pytest.raises(ValueError, match="parts must be nonnegative"):
        SMALL.split(noise(), -np.ones((1, *SMALL.forward(noise()).shape)))
