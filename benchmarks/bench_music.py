"""Transcription: templates of fourteen notes, ten seconds of audio, and the updates themselves."""

import time

import numpy as np
from harness import Case, Limit

from multiconvex import KullbackLeibler, datasets, note_templates, template_activations, transcribe
from multiconvex.studies.music_transcription import SPECTROGRAM

_SECONDS, _SWEEPS = 10, 40


def recording():
    """Ten seconds of the bundled phrases, one after the other."""
    samples = [datasets.load_phrase(name).samples for name in ("promenade", "rehearsal")]
    return np.concatenate(samples)[: _SECONDS * SPECTROGRAM.rate]


def learn():
    notes = datasets.load_piano_notes()
    return note_templates(notes.sounds, notes.pitches, notes.onsets, SPECTROGRAM)


def seconds_of_training_and_transcribing():
    samples = recording()
    start = time.perf_counter()
    transcribe(samples, learn())
    return time.perf_counter() - start


def magnitudes_and_templates():
    return SPECTROGRAM.magnitude(recording()), learn().W


def ours(data):
    return template_activations(*data, max_iter=_SWEEPS, tol=0.0).H


def plain_updates(data):
    """The formulas in NumPy, one lag at a time."""
    X, W = data
    width, n = W.shape[1], X.shape[1]
    H = np.full((n, W.shape[2]), X.sum() / (W.sum() * n))
    for _ in range(_SWEEPS):
        model = np.full_like(X, 1e-77)
        for lag in range(width):
            model[:, lag:] += W[:, lag] @ H[: n - lag].T
        ratio = X / model
        top, bottom = np.zeros_like(H), np.zeros_like(H)
        for lag in range(width):
            top[: n - lag] += ratio[:, lag:].T @ W[:, lag]
            bottom[: n - lag] += W[:, lag].sum(axis=0)
        H = np.maximum(H * top / bottom, 1e-12 * H.max())
    KullbackLeibler().value(X, model)
    return H


CASES = (
    Limit(
        "14 note templates trained and 10 s of audio transcribed",
        seconds_of_training_and_transcribing,
        target=10.0,
    ),
    Case(
        "activations of 14 templates of 20 frames in 10 s of audio, 40 sweeps",
        ours=ours,
        peer=plain_updates,
        target=1.5,
        setup=magnitudes_and_templates,
        peer_name="multiplicative updates in NumPy, one lag at a time",
        gap=lambda ours, peer: np.abs(ours - peer).max() / np.abs(peer).max(),
        largest_gap=1e-6,
    ),
)
