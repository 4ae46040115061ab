"""Sounds of a piano: single notes and phrases, with the scores that were played."""

import struct
from dataclasses import dataclass
from fractions import Fraction
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from ._errors import DataCorrupted
from ._files import FILES, fetch
from .types import Dataset

RATE = 22_050
_PHRASES = ("promenade", "rehearsal")
_PIANOS = {
    "fluid": {
        "citation": "F. Wen. Fluid (R3) General MIDI SoundFont, first piano.",
        "licence": "MIT, copyright 2000-2002 and 2008 Frank Wen",
    },
    "splendid": {
        "citation": "Splendid Grand Piano, in the MuseScore General SoundFont of S. C. Collins.",
        "licence": "public domain samples in a font under MIT",
    },
}
_SALAMANDER = {
    "A3": 57, "C4": 60, "Ds4": 63, "Fs4": 66, "A4": 69, "C5": 72, "Ds5": 75, "Fs5": 78,
}  # fmt: skip
_AUDIBLE = 0.05
RELEASE = 0.05


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PianoNotes(Dataset):
    """Recordings of single notes.

    Attributes
    ----------
    sounds : tuple of ndarray
        Samples of each note, one channel.
    pitches : ndarray of shape (r,)
        MIDI numbers, 69 for 440 Hz and 1 for a semitone.
    onsets : ndarray of shape (r,)
        Seconds at which the note begins in its recording.
    rate : int
        Samples per second.
    """

    sounds: tuple
    pitches: np.ndarray
    onsets: np.ndarray
    rate: int


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Recording(Dataset):
    """A phrase, and the score it was played from.

    Attributes
    ----------
    samples : ndarray of shape (length,)
        One channel.
    score : ndarray of shape (k, 4)
        Onset and offset in seconds, MIDI pitch and velocity of each note.
    rate : int
        Samples per second.
    """

    samples: np.ndarray
    score: np.ndarray
    rate: int


def read_sound(path, *, rate=None, seconds=None):
    """Samples of a sound file, its channels averaged.

    Parameters
    ----------
    path : str or path
        WAV, FLAC, Ogg or MP3.
    rate : int, optional
        Samples per second to convert to; by default those of the file.
    seconds : float, optional
        Read no more than that.

    Returns
    -------
    samples : ndarray of shape (length,)
        Between -1 and 1.
    rate : int

    Raises
    ------
    DataCorrupted
        When the file is no sound, is empty, or ends before its header says, which those of WAV,
        FLAC and MP3 do.
    ImportError
        Where soundfile is not installed.

    Examples
    --------
    >>> from importlib.resources import files
    >>> samples, rate = read_sound(files("multiconvex") / "datasets/sounds/fluid_promenade.flac")
    >>> len(samples) / rate > 9
    True
    """
    soundfile = import_soundfile()
    _check_length(Path(path))
    try:
        with soundfile.SoundFile(path) as file:
            found, declared = file.samplerate, len(file)
            wanted = declared if seconds is None else min(round(seconds * found), declared)
            channels = file.read(wanted, always_2d=True)
    except soundfile.LibsndfileError as error:
        raise DataCorrupted(f"{path} cannot be read as sound: {error.error_string}") from error
    if len(channels) < wanted:
        raise _truncated(path)
    if not len(channels):
        raise DataCorrupted(f"{path} holds no samples")
    samples = channels.mean(axis=1)
    return (samples, found) if rate in (None, found) else (resampled(samples, rate, found), rate)


def load_piano_notes(piano="fluid"):
    """Fourteen single notes of a sampled piano, from G2 to F5.

    Parameters
    ----------
    piano : {"fluid", "splendid"}

    Returns
    -------
    PianoNotes
        1.6 seconds each, at one velocity, released after 1.25 seconds.
    """
    samples, score, provenance = _bundled("notes", piano)
    slots = np.split(samples, len(score))
    return PianoNotes(
        name=f"{piano} piano",
        **provenance,
        sounds=tuple(slots),
        pitches=score[:, 2],
        onsets=score[:, 0] - np.arange(len(score)) * len(slots[0]) / RATE,
    )


def load_phrase(name="promenade", piano="fluid"):
    """A phrase that a sampled piano plays from a known score.

    Parameters
    ----------
    name : {"promenade", "rehearsal"}
        The opening of the Promenade of Mussorgsky's *Pictures at an Exhibition*, up to its first
        two chords of five notes, or a phrase written for this project. Both use the pitches of
        :func:`load_piano_notes`, with velocities from 60 to 100.
    piano : {"fluid", "splendid"}

    Returns
    -------
    Recording
    """
    if name not in _PHRASES:
        raise ValueError(f"name must be one of {_PHRASES}, got {name!r}")
    samples, score, provenance = _bundled(name, piano)
    return Recording(name=f"{name}, {piano} piano", **provenance, samples=samples, score=score)


def load_salamander():
    """Eight recorded notes of a grand piano, a minor third apart.

    Returns
    -------
    PianoNotes
        The first four seconds from A3 to F#5, faded out, at half the rate of the files. Onsets are
        where the sound first exceeds a twentieth of its peak.

    Raises
    ------
    DataUnavailable
        When a file is not on this machine and cannot be fetched.
    """
    keys = ["salamander" if note == "A3" else f"salamander.{note}" for note in _SALAMANDER]
    sounds = tuple(_faded(read_sound(fetch(key), rate=RATE, seconds=4.0)[0]) for key in keys)
    file = FILES["salamander"]
    return PianoNotes(
        name="Salamander grand piano",
        units="amplitude",
        citation=file.citation,
        licence=file.licence,
        source=file.url,
        origin="fetched",
        sounds=sounds,
        pitches=np.array(list(_SALAMANDER.values()), float),
        onsets=np.array([_first_audible(sound) / RATE for sound in sounds]),
        rate=RATE,
    )


def import_soundfile():
    """Return the module, or say how to install it."""
    try:
        import soundfile
    except ImportError as error:
        raise ImportError(
            "Sound files are read and written with soundfile: pip install multiconvex[chapters]"
        ) from error
    return soundfile


def _bundled(name, piano):
    """Return samples, score and provenance of what a bundled piano plays."""
    if piano not in _PIANOS:
        raise ValueError(f"piano must be one of {tuple(_PIANOS)}, got {piano!r}")
    with as_file(files("multiconvex") / "datasets" / "sounds") as folder:
        samples, rate = read_sound(folder / f"{piano}_{name}.flac")
        score = np.loadtxt(folder / f"{name}.txt", ndmin=2)
    provenance = {
        "units": "amplitude",
        "source": "multiconvex.datasets.sounds, rendered by tools/render_phrases",
        "origin": "bundled",
        "rate": rate,
        **_PIANOS[piano],
    }
    return samples, score, provenance


def _check_length(path):
    """Refuse a WAV file that ends before its header says; libsndfile would return what there is."""
    with path.open("rb") as file:
        head = file.read(8)
    if head[:4] == b"RIFF" and len(head) == 8:
        (declared,) = struct.unpack("<I", head[4:])
        if path.stat().st_size < declared + 8:
            raise _truncated(path)


def _truncated(path):
    return DataCorrupted(
        f"{path} ends before its header says: the file is truncated, copy or record it again"
    )


def resampled(samples, rate, found):
    """Return samples at another rate, both in any unit."""
    from scipy.signal import resample_poly

    return resample_poly(samples, *Fraction(int(rate), int(found)).as_integer_ratio())


def _faded(sound):
    """Return the sound with an end that does not click."""
    left = np.arange(len(sound))[::-1] / RATE
    return sound * np.clip(left / RELEASE, 0.0, 1.0)


def _first_audible(sound):
    return int(np.argmax(np.abs(sound) > _AUDIBLE * np.abs(sound).max()))
