"""Phrases on pianos, strings and tunings that the templates were not trained on."""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from scipy.signal import resample_poly

from multiconvex import datasets
from multiconvex.studies._heard_phrases import train_listener

_CHORDS, _CHORD = 2, 5


@dataclass(frozen=True)
class PianoRow:
    """The test phrase on one piano, heard with templates of another and with its own.

    Attributes
    ----------
    piano : str
    F : float
        With the templates and the threshold of the first piano.
    false : int
        Notes that were not played.
    octaves : int
        Those of them that share their name with a note that begins with them.
    retrained : float
        F with templates and threshold of that piano.
    """

    piano: str
    F: float
    false: int
    octaves: int
    retrained: float


def change_piano(listener, random_state=0):
    """Let another sampled piano and a synthetic one play the test phrase."""
    test = datasets.load_phrase()
    rehearsal = datasets.load_phrase("rehearsal")
    synthetic = datasets.make_piano(listener.templates.pitches, random_state=random_state)
    played = {
        "splendid": (
            datasets.load_piano_notes("splendid"),
            datasets.load_phrase("rehearsal", "splendid"),
            datasets.load_phrase("promenade", "splendid"),
        ),
        "synthetic": (
            synthetic,
            datasets.perform(synthetic, rehearsal.score),
            datasets.perform(synthetic, test.score),
        ),
    }
    own = listener.hear(test)
    rows = [PianoRow("fluid, as trained", own.score.F, *_false_notes(own), own.score.F)]
    for piano, (notes, practice, phrase) in played.items():
        heard = listener.hear(phrase)
        retrained = train_listener(notes, practice).hear(phrase).score.F
        rows.append(PianoRow(piano, heard.score.F, *_false_notes(heard), retrained))
    return rows


def _false_notes(heard):
    """Return how many notes were not played, and how many of them are octaves of what was."""
    onsets, pitches = heard.transcription.onsets, heard.transcription.pitches
    near = np.abs(onsets[:, None] - heard.recording.score[:, 0]) < 0.1
    steps = pitches[:, None] - heard.recording.score[:, 2]
    played = (near & (steps == 0)).any(axis=1)
    octave = (near & (steps % 12 == 0)).any(axis=1)
    return int(np.sum(~played)), int(np.sum(~played & octave))


@dataclass(frozen=True, eq=False)
class TuningCurve:
    """F of the test phrase when the piano is tuned away from its templates.

    Attributes
    ----------
    cents : ndarray
        Hundredths of a semitone.
    precision, recall, F : ndarray
    """

    cents: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    F: np.ndarray


def detune(listener, cents=(-50, -30, -15, 0, 15, 30, 50)):
    """Play the recording of the test phrase a little faster or slower."""
    test = datasets.load_phrase()
    scores = [listener.hear(faster(test, 2.0 ** (shift / 1200))).score for shift in cents]
    columns = np.array([(score.precision, score.recall, score.F) for score in scores]).T
    return TuningCurve(np.array(cents), *columns)


def faster(recording, speed):
    """Return a recording played at another speed, and so at another pitch, with its old names."""
    ratio = Fraction(speed).limit_denominator(300)
    samples = resample_poly(recording.samples, ratio.denominator, ratio.numerator)
    score = recording.score.copy()
    score[:, :2] /= float(ratio)
    return replace(recording, samples=samples, score=score)


@dataclass(frozen=True)
class RecordedRow:
    """Random phrases made of recorded notes.

    Attributes
    ----------
    strings : str
    phrases : int
    F : float
        Mean over the phrases.
    lowest : float
    """

    strings: str
    phrases: int
    F: float
    lowest: float


@dataclass(frozen=True, eq=False)
class RecordedNotes:
    """What was recorded, and how phrases of it are heard."""

    notes: datasets.PianoNotes
    rows: tuple


def hear_recordings(n_phrases=3, random_state=0):
    """Train on recorded notes; hear phrases of the same recordings, and of their neighbours.

    Templates know eight strings, a minor third apart. The second kind of phrase plays the same
    pitches on the strings a minor third below, tuned up: none of them was heard in training.
    """
    rng = np.random.default_rng(random_state)
    notes = datasets.load_or_simulate("salamander", random_state=random_state)
    listener = train_listener(notes, datasets.perform(notes, random_score(notes.pitches, rng)))
    neighbours = datasets.retune(notes, 3)
    rows = []
    for strings, source in (("heard in training", notes), ("neighbours, tuned up", neighbours)):
        pitches = np.intersect1d(source.pitches, notes.pitches)
        phrases = [datasets.perform(source, random_score(pitches, rng)) for _ in range(n_phrases)]
        scores = [listener.hear(phrase).score.F for phrase in phrases]
        rows.append(RecordedRow(strings, n_phrases, float(np.mean(scores)), min(scores)))
    return RecordedNotes(notes, tuple(rows))


def random_score(pitches, rng, n_single=11, beat=0.4):
    """Return single notes and two chords of five, in one or two beats each, of uneven strength."""
    clock, score = 0.3, []
    for size in [1] * n_single + [_CHORD] * _CHORDS:
        length = beat * rng.integers(1, 3)
        for pitch in rng.choice(pitches, size, replace=False):
            onset = clock + rng.uniform(0.0, 0.012)
            score.append((onset, clock + 0.95 * length, pitch, rng.integers(60, 101)))
        clock += length
    return np.array(score)
