"""Notes are found where they were played; templates, peaks and sounds are as documented."""

import numpy as np
import pytest

from multiconvex import (
    KullbackLeibler,
    NoteTemplates,
    Spectrogram,
    Transcription,
    convolutive_nmf,
    datasets,
    note_templates,
    transcribe,
)
from multiconvex.models.transcription import activation_peaks

SPECTROGRAM = Spectrogram(rate=22_050, window=2048, hop=441)
SCORE = [(0.3, 0.7, 60, 80), (0.8, 1.2, 64, 60), (0.8, 1.2, 67, 90), (1.3, 1.7, 64, 90)]


@pytest.fixture(scope="module")
def notes():
    return datasets.make_piano((60, 64, 67), seconds=1.2, random_state=1)


@pytest.fixture(scope="module")
def templates(notes):
    return note_templates(notes.sounds, notes.pitches, notes.onsets, SPECTROGRAM, width=10)


@pytest.fixture(scope="module")
def heard(notes, templates):
    return transcribe(datasets.perform(notes, SCORE).samples, templates, threshold=0.4)


def test_notes_are_heard_where_they_were_played(heard):
    assert isinstance(heard, Transcription)
    np.testing.assert_array_equal(heard.pitches[[0, -1]], [60, 64])
    assert sorted(heard.pitches) == [60, 64, 64, 67]
    np.testing.assert_allclose(heard.onsets, [0.3, 0.8, 0.8, 1.3], atol=0.03)
    assert np.all(np.diff(heard.onsets) >= 0)


def test_a_template_is_the_rank_one_fit_of_its_note(notes, templates):
    assert isinstance(templates, NoteTemplates) and templates.W.shape == (1025, 10, 3)
    X = SPECTROGRAM.magnitude(notes.sounds[1])
    fit = convolutive_nmf(X, 1, 10, max_iter=30, tol=0)
    np.testing.assert_allclose(templates.W[:, :, 1], fit.W[:, :, 0] * fit.H.max(), rtol=1e-12)
    peak = SPECTROGRAM.times(len(notes.sounds[1]))[fit.H.argmax()]
    np.testing.assert_allclose(templates.delays[1], peak - notes.onsets[1])


def test_loudness_and_delay_of_the_training_are_undone(notes, templates):
    """A note played as it was recorded has strength one and begins at its onset."""
    alone = transcribe(notes.sounds[2], templates, threshold=0.5, max_iter=100)
    assert alone.pitches[0] == 67
    assert alone.strengths[0] == pytest.approx(1.0, abs=0.2)
    assert alone.onsets[0] == pytest.approx(notes.onsets[2], abs=1e-9)
    loud = transcribe(3.0 * notes.sounds[2], templates, threshold=0.5, max_iter=100)
    np.testing.assert_allclose(loud.strengths, 3.0 * alone.strengths, rtol=1e-6)


def test_another_threshold_needs_no_other_fit(heard):
    lower = heard.at(0.02)
    assert lower.fit is heard.fit and len(lower.onsets) > len(heard.onsets)
    found = set(zip(heard.onsets, heard.pitches))
    assert found <= set(zip(lower.onsets, lower.pitches))


def test_sounds_of_the_notes_sum_to_the_recording(heard, notes):
    parts = heard.sounds()
    np.testing.assert_allclose(parts.sum(axis=0), heard.samples, atol=1e-12)
    early = slice(0, round(0.7 * 22_050))
    energy = np.sum(parts[:, early] ** 2, axis=1)
    assert energy[0] > 0.9 * energy.sum()


def test_the_fit_lowers_the_documented_objective(heard):
    X = SPECTROGRAM.magnitude(heard.samples)
    model = heard.fit.reconstruct()
    np.testing.assert_allclose(heard.fit.objective, KullbackLeibler().value(X, model), rtol=1e-6)
    assert np.diff(heard.fit.trace.objective).max() <= 0


def test_peaks_are_the_largest_of_seven_and_above_the_fraction():
    rng = np.random.default_rng(0)
    H = rng.random((60, 3))
    frames, which = activation_peaks(H, 0.5)
    expected = {
        (t, q)
        for t in range(60)
        for q in range(3)
        if H[t, q] > 0.5 * H.max() and H[t, q] == H[max(t - 3, 0) : t + 4, q].max()
    }
    assert set(zip(frames.tolist(), which.tolist())) == expected


def test_of_equal_neighbours_the_first_is_the_peak_and_silence_has_none():
    H = np.zeros((9, 1))
    H[4:6] = 1.0
    assert activation_peaks(H, 0.5)[0].tolist() == [4]
    assert len(activation_peaks(np.zeros((9, 2)), 0.5)[0]) == 0


def test_silence_is_transcribed_as_nothing(templates):
    assert len(transcribe(np.zeros(10_000), templates).onsets) == 0


def test_single_precision_hears_the_same(heard, templates):
    single = transcribe(heard.samples.astype(np.float32), templates, threshold=0.4)
    assert single.fit.H.dtype == np.float32
    np.testing.assert_array_equal(single.pitches, heard.pitches)


def test_errors_say_what_to_do(notes, templates):
    with pytest.raises(ValueError, match="must be as many, got 3, 2 and 3"):
        note_templates(notes.sounds, notes.pitches[:2], notes.onsets, SPECTROGRAM)
    with pytest.raises(ValueError, match="The recording of pitch 60 is silent"):
        note_templates([np.zeros(9000)], [60], [0.0], SPECTROGRAM)
    with pytest.raises(ValueError, match="threshold must lie strictly between 0 and 1, got 1"):
        transcribe(notes.sounds[0], templates, threshold=1.0)
    with pytest.raises(ValueError, match="samples must have 1 dimensions"):
        transcribe(np.zeros((2, 9000)), templates)
