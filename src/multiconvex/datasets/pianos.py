"""Phrases and pianos made of recorded or synthetic notes."""

from dataclasses import replace
from fractions import Fraction

import numpy as np

from .music import RATE, RELEASE, PianoNotes, Recording, resampled


def perform(notes, score):
    """Play a score by adding recordings of single notes.

    Parameters
    ----------
    notes : PianoNotes
    score : array of shape (k, 4)
        Onset and offset in seconds, MIDI pitch and velocity of each note. Amplitudes are
        proportional to velocities, and as recorded at 80; a note fades in 50 ms after its offset.

    Returns
    -------
    Recording
        It ends half a second after the last offset.

    Raises
    ------
    ValueError
        When a pitch has not been recorded, or a note would begin before the recording does.

    Examples
    --------
    >>> phrase = perform(make_piano((60, 64)), [(0.2, 0.5, 64, 80), (0.6, 1.0, 60, 80)])
    >>> phrase.samples.shape, phrase.score.shape
    ((33075,), (2, 4))
    """
    score = np.asarray(score, float).reshape(-1, 4)
    missing = sorted(set(score[:, 2].tolist()) - set(notes.pitches.tolist()))
    if missing:
        raise ValueError(f"pitches {missing} have not been recorded: leave them out of the score")
    samples = np.zeros(round((score[:, 1].max(initial=0.0) + 0.5) * notes.rate))
    for onset, offset, pitch, velocity in score:
        k = int(np.flatnonzero(notes.pitches == pitch)[0])
        first = round((onset - notes.onsets[k]) * notes.rate)
        if first < 0:
            raise ValueError(f"a note at {onset:g} s begins before the recording: start later")
        sound = notes.sounds[k][: len(samples) - first]
        clock = first / notes.rate + np.arange(len(sound)) / notes.rate
        fade = np.clip(1.0 - (clock - offset) / RELEASE, 0.0, 1.0)
        samples[first : first + len(sound)] += velocity / 80.0 * fade * sound
    provenance = {field: getattr(notes, field) for field in ("citation", "licence", "origin")}
    return Recording(
        name=f"a phrase on {notes.name}",
        units=notes.units,
        source=notes.source,
        note=notes.note,
        **provenance,
        samples=samples,
        score=score,
        rate=notes.rate,
    )


def retune(notes, semitones):
    """Recordings of other pitches, made by playing these faster or slower.

    Parameters
    ----------
    notes : PianoNotes
    semitones : float
        Positive for higher, and shorter, notes.

    Returns
    -------
    PianoNotes

    Examples
    --------
    >>> notes = make_piano((60,))
    >>> higher = retune(notes, 12)
    >>> higher.pitches, len(notes.sounds[0]) / len(higher.sounds[0])
    (array([72.]), 2.0)
    """
    ratio = Fraction(2.0 ** (semitones / 12)).limit_denominator(64)
    return replace(
        notes,
        name=f"{notes.name}, {semitones:+g} semitones",
        sounds=tuple(
            resampled(sound, ratio.denominator, ratio.numerator) for sound in notes.sounds
        ),
        pitches=notes.pitches + semitones,
        onsets=notes.onsets / float(ratio),
    )


def make_piano(pitches=(57, 60, 63, 66, 69, 72, 75, 78), *, seconds=2.0, random_state=None):
    r"""Synthetic notes of a piano that does not exist.

    .. math:: s(t) = \sum_k a_k \bigl(0.8\, e^{-t / \tau_k} + 0.2\, e^{-t / 6 \tau_k}\bigr)
              \sin(2 \pi f_k t + \phi_k) + \text{hammer}, \qquad
              f_k = k f_0 \sqrt{1 + B k^2}

    Stiffness :math:`B` makes the partials sharp, they decay in two stages, the high ones faster,
    and a burst of noise stands for the hammer. A seed is a piano: its stiffness, its decays and how
    its soundboard answers to each frequency.

    Parameters
    ----------
    pitches : sequence of float
        MIDI numbers.
    seconds : float
        Length of each note, which begins after 50 ms.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    PianoNotes

    Examples
    --------
    >>> notes = make_piano((60, 72), random_state=0)
    >>> len(notes.sounds), notes.rate
    (2, 22050)
    """
    rng = np.random.default_rng(random_state)
    stiffness, decay = rng.uniform(1e-4, 5e-4), rng.uniform(0.3, 0.6)
    board = rng.uniform(-0.8, 0.8, 24)
    clock = np.arange(round(seconds * RATE)) / RATE - 0.05
    after = np.maximum(clock, 0.0)
    attack = np.clip(clock / 0.003, 0.0, 1.0)
    sounds = []
    for pitch in pitches:
        base = 440.0 * 2.0 ** ((pitch - 69) / 12)
        k = np.arange(1, int(8000 / base) + 1)
        k = k[k * np.sqrt(1 + stiffness * k**2) * base < 0.48 * RATE][:, None]
        frequency = k * base * np.sqrt(1 + stiffness * k**2)
        answer = np.interp(frequency, np.linspace(0, RATE / 2, len(board)), board)
        loudness = np.exp(answer - 0.35 * (k - 1)) * (0.2 + np.abs(np.sin(np.pi * k / 8)))
        tau = decay * (261.6 / base) ** 0.3 / (1 + 0.15 * (k - 1))
        stages = 0.8 * np.exp(-after / tau) + 0.2 * np.exp(-after / (6 * tau))
        phase = rng.uniform(0, 2 * np.pi, k.shape)
        tones = loudness * stages * np.sin(2 * np.pi * frequency * clock + phase)
        hammer = 0.05 * np.exp(-after / 0.01) * rng.standard_normal(len(clock))
        sounds.append(0.1 * attack * (tones.sum(axis=0) + hammer))
    return PianoNotes(
        name="simulated piano",
        units="amplitude",
        citation="",
        licence="none needed",
        source=f"make_piano(random_state={random_state!r})",
        origin="simulated",
        sounds=tuple(sounds),
        pitches=np.array(pitches, float),
        onsets=np.full(len(sounds), 0.05),
        rate=RATE,
    )
