"""Phrases transcribed by templates of single notes, and by factors found in the phrase itself."""

from dataclasses import dataclass, replace

import numpy as np

from multiconvex import datasets
from multiconvex.models.nmf import nmf
from multiconvex.models.transcription import (
    NoteTemplates,
    Transcription,
    activation_peaks,
    note_templates,
    transcribe,
)
from multiconvex.studies._single_notes import SPECTROGRAM

THRESHOLDS = tuple(np.geomspace(0.04, 0.5, 23).tolist())
TOLERANCE = 0.05
_WIDTH = 20
_COMB = np.arange(36, 97)
_PARTIALS = 20
_WINDOW_DELAY = -0.02


@dataclass(frozen=True)
class Score:
    """How a transcription agrees with what was played.

    Attributes
    ----------
    precision, recall, F : float
        Of notes, right where pitch and onset are, the latter within 50 ms.
    """

    precision: float
    recall: float
    F: float


def score_notes(onsets, pitches, recording):
    """Score notes against a recording by mir_eval: pitch and onset, offsets ignored."""
    import mir_eval

    if not len(onsets):
        return Score(0.0, 0.0, 0.0)
    played = recording.score
    precision, recall, F, _ = mir_eval.transcription.precision_recall_f1_overlap(
        played[:, :2],
        mir_eval.util.midi_to_hz(played[:, 2]),
        np.column_stack([onsets, np.asarray(onsets) + 0.1]),
        mir_eval.util.midi_to_hz(np.asarray(pitches)),
        onset_tolerance=TOLERANCE,
        offset_ratio=None,
    )
    return Score(float(precision), float(recall), float(F))


def choose_threshold(transcription, recording):
    """Return the middle one of the thresholds that score best on a recording."""
    scores = []
    for threshold in THRESHOLDS:
        notes = transcription.at(threshold)
        scores.append(score_notes(notes.onsets, notes.pitches, recording).F)
    return _middle_of_best(scores)


def _middle_of_best(scores):
    best = np.flatnonzero(np.array(scores) == max(scores))
    return THRESHOLDS[int(best[len(best) // 2])]


def learn_notes(notes, width=_WIDTH):
    """Learn the templates of all notes at the settings of the chapter."""
    return note_templates(notes.sounds, notes.pitches, notes.onsets, SPECTROGRAM, width=width)


@dataclass(frozen=True, eq=False)
class Heard:
    """A phrase, what was heard in it, and how that scores.

    Attributes
    ----------
    recording : Recording
    transcription : Transcription
    threshold : float
        Chosen on another phrase.
    score : Score
    """

    recording: datasets.Recording
    transcription: Transcription
    threshold: float
    score: Score

    def at(self, threshold):
        """Return the same with another threshold."""
        notes = self.transcription.at(threshold)
        score = score_notes(notes.onsets, notes.pitches, self.recording)
        return replace(self, transcription=notes, threshold=threshold, score=score)


@dataclass(frozen=True, eq=False)
class Listener:
    """Templates, and the threshold that a rehearsal chose for them."""

    templates: NoteTemplates
    threshold: float

    def hear(self, recording):
        """Transcribe a recording."""
        heard = transcribe(recording.samples, self.templates, threshold=self.threshold)
        score = score_notes(heard.onsets, heard.pitches, recording)
        return Heard(recording, heard, self.threshold, score)


def train_listener(notes, rehearsal, width=_WIDTH):
    """Learn templates from single notes and a threshold from a rehearsal."""
    templates = learn_notes(notes, width)
    threshold = choose_threshold(transcribe(rehearsal.samples, templates), rehearsal)
    return Listener(templates, threshold)


def train_on(piano="fluid", width=_WIDTH):
    """Train on what a bundled piano plays, the test phrase aside."""
    rehearsal = datasets.load_phrase("rehearsal", piano)
    return train_listener(datasets.load_piano_notes(piano), rehearsal, width)


@dataclass(frozen=True)
class MethodRow:
    """Scores of a method on the phrase that it was trained with and on the test phrase.

    Attributes
    ----------
    method : str
    threshold : float
        Chosen on the rehearsal.
    rehearsal : float
        F on that phrase.
    precision, recall, F : float
        On the test phrase.
    chords : float
        Recall of those of its notes that begin together with others.
    """

    method: str
    threshold: float
    rehearsal: float
    precision: float
    recall: float
    F: float
    chords: float


def compare_methods(listener, widths=(1, 10), rank=14, seeds=(0, 1, 2), max_iter=40):
    """Compare templates of several widths, and blind factorisation over several starts."""
    phrases = [datasets.load_phrase(name) for name in ("rehearsal", "promenade")]
    blind = [hear_blindly(*phrases, rank, seed, max_iter) for seed in seeds]
    rows = [sorted(blind, key=lambda row: row.F)[len(blind) // 2]]
    for trained in (*(train_on(width=width) for width in widths), listener):
        rehearsed, heard = (trained.hear(phrase) for phrase in phrases)
        width = trained.templates.W.shape[1]
        name = "trained spectra" if width == 1 else f"trained templates, {width} frames"
        notes = heard.transcription.onsets, heard.transcription.pitches
        rows.append(_row(name, trained.threshold, rehearsed.score.F, notes, phrases[1]))
    return rows


def _row(method, threshold, rehearsal, notes, test):
    score = score_notes(*notes, test)
    return MethodRow(
        method, float(threshold), rehearsal, score.precision, score.recall, score.F,
        score_notes(*notes, only_chords(test)).recall,
    )  # fmt: skip


def only_chords(recording):
    """Return a recording whose score keeps the notes that begin within 50 ms of two others."""
    onsets = recording.score[:, 0]
    together = np.sum(np.abs(onsets[:, None] - onsets) < TOLERANCE, axis=1) > 2
    return replace(recording, score=recording.score[together])


def hear_blindly(rehearsal, test, rank, seed, max_iter=40):
    """Factorise each phrase by itself and name the components by the pitch of their spectra."""
    found = [find_components(phrase, rank, seed, max_iter) for phrase in (rehearsal, test)]

    def heard(which, threshold):
        H, pitches = found[which]
        frames, columns = activation_peaks(H, threshold)
        onsets = SPECTROGRAM.times(len((rehearsal, test)[which].samples))[frames] + _WINDOW_DELAY
        return np.maximum(onsets, 0.0), pitches[columns]

    scores = [score_notes(*heard(0, threshold), rehearsal).F for threshold in THRESHOLDS]
    threshold = _middle_of_best(scores)
    return _row(f"blind, {rank} components", threshold, max(scores), heard(1, threshold), test)


def find_components(recording, rank, random_state=0, max_iter=40):
    """Factorise a spectrogram; return activations by pitch, and the pitches."""
    X = SPECTROGRAM.magnitude(recording.samples)
    fit = nmf(
        X, rank, loss="kullback-leibler", init="random", max_iter=max_iter, tol=0.0,
        random_state=random_state,
    )  # fmt: skip
    named = np.array([name_pitch(spectrum) for spectrum in fit.W.T])
    pitches = np.unique(named)
    heights = fit.H * fit.W.max(axis=0)
    H = np.stack([heights[:, named == pitch].sum(axis=1) for pitch in pitches], axis=1)
    return H, pitches


def name_pitch(spectrum):
    """Return the MIDI pitch whose comb of partials stands out most in a spectrum."""
    standing_out = [_standing_out(spectrum, 440.0 * 2.0 ** ((p - 69) / 12)) for p in _COMB]
    return int(_COMB[int(np.argmax(standing_out))])


def _standing_out(spectrum, base):
    """Return how much higher partials are than what lies between them, the first ones most."""
    k = np.arange(1, min(_PARTIALS, int(0.45 * SPECTROGRAM.rate / base)) + 1)
    at = np.interp([k * base, (k - 0.5) * base], SPECTROGRAM.frequencies, spectrum)
    return float(((at[0] - at[1]) * 0.8**k).sum())
