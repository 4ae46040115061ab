"""One note in a spectrogram, and two: how near they are to what a factorisation can say."""

from dataclasses import dataclass

import numpy as np

from multiconvex import datasets
from multiconvex.losses import KullbackLeibler
from multiconvex.models.convolutive_nmf import convolutive_nmf
from multiconvex.models.rank_one import rank_one
from multiconvex.operators.spectrogram import Spectrogram

SPECTROGRAM = Spectrogram(rate=22_050, window=2048, hop=441)
WIDTHS = (1, 5, 10, 20)
_INTERVALS = {"octave": 12, "fifth": 7, "fourth": 5, "whole tone": 2}
_SOUNDING = slice(25, 55)
_AUDIBLE = 1e-3


@dataclass(frozen=True)
class ModelRow:
    """How well models of single notes fit, on the average over notes.

    Attributes
    ----------
    model : str
    divergence : float
        Kullback-Leibler divergence from the spectrogram, relative to its sum.
    energy : float or None
        Share of the squared magnitudes, where the model is the best one of rank one.
    """

    model: str
    divergence: float
    energy: float | None


def measure_models(piano="fluid", max_iter=30):
    """Fit each of fourteen notes by rank one and by templates of several widths."""
    notes = datasets.load_piano_notes(piano)
    spectra = [SPECTROGRAM.magnitude(sound) for sound in notes.sounds]
    energies = [np.linalg.norm(X, 2) ** 2 / np.sum(X**2) for X in spectra]
    rows = []
    for width in WIDTHS:
        gaps = [divergence(X, note_model(X, width, max_iter)) for X in spectra]
        name = "one spectrum" if width == 1 else f"{width} frames"
        energy = float(np.mean(energies)) if width == 1 else None
        rows.append(ModelRow(name, float(np.mean(gaps)), energy))
    return rows


def note_model(X, width, max_iter=30):
    """Return the model of one note; a width of one has a closed form."""
    if width == 1:
        w, h = rank_one(X, loss="kullback-leibler")
        return w @ h.T
    return convolutive_nmf(X, 1, width, max_iter=max_iter, tol=0.0).reconstruct()


def divergence(X, model):
    """Return the Kullback-Leibler divergence relative to the sum of the data."""
    return KullbackLeibler().value(X, model) / float(X.sum())


@dataclass(frozen=True, eq=False)
class NoteModels:
    """The spectrogram of a note and models of it.

    Attributes
    ----------
    pitch : int
    magnitude : ndarray, shape (m, n)
    models : dict of int to ndarray
        By width.
    gaps : dict of int to float
        Relative divergences.
    times, frequencies : ndarray
    """

    pitch: int
    magnitude: np.ndarray
    models: dict
    gaps: dict
    times: np.ndarray
    frequencies: np.ndarray


def model_note(pitch=57, piano="fluid", max_iter=30):
    """Fit one note by templates of several widths."""
    notes = datasets.load_piano_notes(piano)
    sound = notes.sounds[int(np.flatnonzero(notes.pitches == pitch)[0])]
    X = SPECTROGRAM.magnitude(sound)
    models = {width: note_model(X, width, max_iter) for width in WIDTHS}
    gaps = {width: divergence(X, model) for width, model in models.items()}
    times = SPECTROGRAM.times(len(sound))
    return NoteModels(pitch, X, models, gaps, times, SPECTROGRAM.frequencies)


@dataclass(frozen=True)
class IntervalRow:
    """What is missing when two notes sound together.

    Attributes
    ----------
    interval : str
    pairs : int
    missing : float
        Sum of the magnitudes of both notes minus that of their sum, relative to the former.
    """

    interval: str
    pairs: int
    missing: float


def measure_intervals(piano="fluid"):
    """Compare magnitudes of sums with sums of magnitudes for all pairs of some intervals."""
    notes = datasets.load_piano_notes(piano)
    spectra = {
        int(pitch): SPECTROGRAM.forward(sound)[:, _SOUNDING]
        for pitch, sound in zip(notes.pitches, notes.sounds)
    }
    rows = []
    for name, semitones in _INTERVALS.items():
        pairs = [(low, low + semitones) for low in spectra if low + semitones in spectra]
        gaps = [_missing(spectra[low], spectra[high]) for low, high in pairs]
        rows.append(IntervalRow(name, len(pairs), float(np.mean(gaps))))
    return rows


def _missing(one, other):
    apart = (np.abs(one) + np.abs(other)).sum()
    return (apart - np.abs(one + other).sum()) / apart


@dataclass(frozen=True, eq=False)
class OctavePhases:
    """Two notes an octave apart, entry by entry of their spectrograms, where both are audible.

    Attributes
    ----------
    angle : ndarray
        Between the two complex values, in [0, pi].
    ratio : ndarray
        Magnitude of the sum over the sum of magnitudes.
    balance : ndarray
        Smaller magnitude over larger one.
    printed : ndarray of bool
        Where the criterion of the source (a product that is nearly real) promises a ratio of one.
    """

    angle: np.ndarray
    ratio: np.ndarray
    balance: np.ndarray
    printed: np.ndarray

    @property
    def worst_promise(self):
        """Smallest ratio where the source promises one."""
        return float(self.ratio[self.printed].min())


def compare_octave(low=60, piano="fluid"):
    """Look at the phases of two notes an octave apart."""
    notes = datasets.load_piano_notes(piano)
    by_pitch = dict(zip(notes.pitches, notes.sounds))
    one, other = (SPECTROGRAM.forward(by_pitch[p])[:, _SOUNDING] for p in (low, low + 12))
    sizes = np.abs(one), np.abs(other)
    loud = np.minimum(*sizes) > _AUDIBLE * max(sizes[0].max(), sizes[1].max())
    one, other = one[loud], other[loud]
    product = np.conj(one) * other
    return OctavePhases(
        angle=np.abs(np.angle(product)),
        ratio=np.abs(one + other) / (np.abs(one) + np.abs(other)),
        balance=np.minimum(np.abs(one), np.abs(other)) / np.maximum(np.abs(one), np.abs(other)),
        printed=np.abs(product.imag) < 0.05 * np.abs(product),
    )
