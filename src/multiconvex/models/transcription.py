r"""Transcription of recorded notes: which pitch begins when.

Templates of single notes are learned one by one; a recording is then explained by their
activations, whose peaks are the notes.
"""

from dataclasses import dataclass, replace

import numpy as np

from multiconvex.acceleration import Extrapolation
from multiconvex.checks import check_array, check_count
from multiconvex.models.convolutive_nmf import (
    ConvolutiveFactorization,
    convolutive_nmf,
    template_activations,
)
from multiconvex.operators.spectrogram import Spectrogram

_NEIGHBOURS = 3


@dataclass(frozen=True, eq=False)
class NoteTemplates:
    """What single notes look like in a spectrogram.

    Attributes
    ----------
    pitches : ndarray, shape (r,)
        MIDI numbers, 69 for 440 Hz and 1 for a semitone.
    W : ndarray, shape (m, width, r)
        Templates, at the scale of the notes they were learned from.
    delays : ndarray, shape (r,)
        Seconds from the onset of a note to the frame in which its template begins; negative,
        since a window meets a note before its centre does.
    spectrogram : Spectrogram
    """

    pitches: np.ndarray
    W: np.ndarray
    delays: np.ndarray
    spectrogram: Spectrogram

    def __repr__(self):
        return f"NoteTemplates({len(self.pitches)} pitches, W {self.W.shape})"


@dataclass(frozen=True, eq=False)
class Transcription:
    """Notes heard in a recording, by onset.

    Attributes
    ----------
    onsets : ndarray, shape (k,)
        Seconds.
    pitches : ndarray, shape (k,)
        MIDI numbers.
    strengths : ndarray, shape (k,)
        Activations at the peaks; 1 for a note as loud as its template.
    samples : ndarray
        The recording.
    templates : NoteTemplates
    fit : ConvolutiveFactorization
        With the activations ``fit.H``.
    """

    onsets: np.ndarray
    pitches: np.ndarray
    strengths: np.ndarray
    samples: np.ndarray
    templates: NoteTemplates
    fit: ConvolutiveFactorization

    def __repr__(self):
        return f"Transcription({len(self.onsets)} notes of {len(set(self.pitches))} pitches)"

    def at(self, threshold):
        """Return the notes whose activations exceed another fraction of the largest one."""
        frames, which = activation_peaks(self.fit.H, threshold)
        times = self.templates.spectrogram.times(len(self.samples))[frames]
        onsets = np.maximum(times - self.templates.delays[which], 0.0)
        order = np.lexsort((which, onsets))
        return replace(
            self,
            onsets=onsets[order],
            pitches=self.templates.pitches[which][order],
            strengths=self.fit.H[frames, which][order],
        )

    def sounds(self):
        """Return the sound of each template, of shape (r, length); their sum is the recording."""
        return self.templates.spectrogram.split(self.samples, self.fit.components())


def note_templates(sounds, pitches, onsets, spectrogram, *, width=20, max_iter=30):
    r"""Learn the template of each note from a recording of that note alone.

    For each sound, with magnitudes :math:`X` of its spectrogram, solves approximately

    .. math:: \min_{W, h \ge 0} \; \mathrm{KL}\Bigl(X_{ft}, \sum_{\tau=0}^{T-1}
              W_{f \tau} h_{t - \tau}\Bigr), \qquad \max_t h_t = 1,

    a convolutive factorisation of rank one that starts from the loudest window.

    Parameters
    ----------
    sounds : sequence of ndarray
        One recording a note, each at least a window of the spectrogram long.
    pitches : sequence of float
        MIDI numbers.
    onsets : sequence of float
        Seconds at which each note begins in its recording.
    spectrogram : Spectrogram
    width : int, default 20
        Frames a template lasts; with 1, templates are plain spectra.
    max_iter : int, default 30
        Sweeps for each note.

    Returns
    -------
    NoteTemplates

    Raises
    ------
    ValueError
        For numbers of sounds, pitches and onsets that differ, or a silent recording.

    Notes
    -----
    Guarantee: the divergence of each note never increases.

    Cost: O(m n T) per sweep and note of n frames.

    Chapter: :doc:`/chapters/applications/music_transcription`

    References
    ----------
    H. Wu, A. Marmoret and J. E. Cohen, "Semi-supervised convolutive NMF for automatic piano
    transcription", Sound and Music Computing Conference, 2022.

    Examples
    --------
    >>> from multiconvex import Spectrogram, datasets, note_templates
    >>> notes = datasets.make_piano((60, 64), random_state=0)
    >>> spectrogram = Spectrogram(rate=notes.rate, window=2048, hop=441)
    >>> note_templates(notes.sounds, notes.pitches, notes.onsets, spectrogram, width=5)
    NoteTemplates(2 pitches, W (1025, 5, 2))
    """
    pitches, onsets = check_array("pitches", pitches, ndim=1), check_array("onsets", onsets, ndim=1)
    if not len(sounds) == len(pitches) == len(onsets):
        raise ValueError(
            "sounds, pitches and onsets must be as many, got "
            f"{len(sounds)}, {len(pitches)} and {len(onsets)}."
        )
    check_count("width", width)
    templates, delays = [], []
    for sound, pitch, onset in zip(sounds, pitches, onsets):
        magnitude = spectrogram.magnitude(sound)
        if not magnitude.any():
            raise ValueError(f"The recording of pitch {pitch:g} is silent: leave the pitch out.")
        fit = convolutive_nmf(magnitude, 1, width, max_iter=max_iter, tol=0.0)
        peak = fit.H[:, 0].argmax()
        templates.append(fit.W[:, :, 0] * fit.H[peak, 0])
        delays.append(spectrogram.times(len(sound))[peak] - onset)
    return NoteTemplates(pitches, np.stack(templates, axis=2), np.array(delays), spectrogram)


def transcribe(samples, templates, *, threshold=0.1, max_iter=20):
    r"""Transcribe a recording by the activations of note templates.

    .. math:: \min_{H \ge 0} \; \mathrm{KL}\Bigl(X_{ft}, \sum_{q, \tau} W_{f \tau q}
              H_{t - \tau, q}\Bigr)

    for the magnitudes :math:`X` of the spectrogram. A note is a largest activation among seven
    frames of its pitch that exceeds a fraction of the largest of all.

    Parameters
    ----------
    samples : ndarray, shape (length,)
        At the rate of ``templates.spectrogram``.
    templates : NoteTemplates
    threshold : float, default 0.1
        That fraction, in (0, 1); choose it on another recording.
    max_iter : int, default 20
        Extrapolated sweeps.

    Returns
    -------
    Transcription
        With ``.onsets``, ``.pitches``, ``.at(threshold)`` and ``.sounds()``.

    Raises
    ------
    ValueError
        For samples that are not a finite vector longer than a window, or a threshold outside
        (0, 1).

    Notes
    -----
    Guarantee: the objective never increases, and is convex in the activations.

    Cost: O(m n T r) per sweep for n frames.

    Chapter: :doc:`/chapters/applications/music_transcription`

    Examples
    --------
    >>> from multiconvex import Spectrogram, datasets, note_templates, transcribe
    >>> notes = datasets.make_piano((60, 64), random_state=0)
    >>> spectrogram = Spectrogram(rate=notes.rate, window=2048, hop=441)
    >>> templates = note_templates(notes.sounds, notes.pitches, notes.onsets, spectrogram)
    >>> phrase = datasets.perform(notes, [(0.3, 0.8, 64, 90), (0.9, 1.4, 60, 70)])
    >>> heard = transcribe(phrase.samples, templates, threshold=0.5)
    >>> heard.pitches, heard.onsets.round(1)
    (array([64., 60.]), array([0.3, 0.9]))
    """
    samples = check_array("samples", samples, ndim=1)
    magnitude = templates.spectrogram.magnitude(samples)
    fit = template_activations(
        magnitude, templates.W, acceleration=Extrapolation(), max_iter=max_iter, tol=0.0
    )
    nothing = np.empty(0)
    heard = Transcription(nothing, nothing, nothing, samples, templates, fit)
    return heard.at(threshold)


def activation_peaks(H, threshold):
    """Return frames and templates of the local maxima of activations, as two arrays.

    A peak is the largest of the seven frames around it, the first one where there are several, and
    exceeds ``threshold`` times the largest activation.
    """
    if not 0.0 < threshold < 1.0:
        raise ValueError(f"threshold must lie strictly between 0 and 1, got {threshold!r}.")
    padded = np.pad(H, ((_NEIGHBOURS, _NEIGHBOURS), (0, 0)))
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _NEIGHBOURS + 1, axis=0)
    first_largest = around.argmax(axis=2) == _NEIGHBOURS
    return np.nonzero(first_largest & (threshold * H.max(initial=0.0) < H))
