"""Sounds: what is bundled, what is synthetic, and what is said of files that are broken."""

import builtins
import inspect

import numpy as np
import pytest
import soundfile

from multiconvex import datasets
from multiconvex.datasets import music

PIANOS = ("fluid", "splendid")


def loudest_frequency(sound, rate, pitch):
    """The peak of the spectrum within a semitone of a pitch."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 8 * len(sound)))
    f = np.fft.rfftfreq(8 * len(sound), 1 / rate)
    base = 440.0 * 2.0 ** ((pitch - 69) / 12)
    near = np.abs(np.log2(f[1:] / base)) < 1 / 12
    return f[1:][near][spectrum[1:][near].argmax()], base


@pytest.mark.parametrize("piano", PIANOS)
def test_bundled_notes_sound_at_their_pitch_from_their_onset(piano):
    notes = datasets.load_piano_notes(piano)
    assert notes.origin == "bundled" and notes.licence and notes.rate == 22_050
    assert len(notes.sounds) == len(notes.pitches) == len(notes.onsets) == 14
    for sound, pitch, onset in zip(notes.sounds, notes.pitches, notes.onsets):
        start = round(onset * notes.rate)
        assert np.abs(sound[: start - 10]).max() < 0.01 * np.abs(sound).max()
        assert np.abs(sound[start : start + 2000]).max() > 0.2 * np.abs(sound).max()
        found, base = loudest_frequency(sound[start:], notes.rate, pitch)
        assert abs(1200 * np.log2(found / base)) < 25


@pytest.mark.parametrize("piano", PIANOS)
@pytest.mark.parametrize("name", ["promenade", "rehearsal"])
def test_phrases_use_the_notes_and_follow_their_score(piano, name):
    phrase = datasets.load_phrase(name, piano)
    assert set(phrase.score[:, 2]) <= set(datasets.load_piano_notes().pitches)
    assert np.all(phrase.score[:, 1] > phrase.score[:, 0])
    assert len(phrase.samples) / phrase.rate > phrase.score[:, 1].max()
    first = round(phrase.score[:, 0].min() * phrase.rate)
    assert np.abs(phrase.samples[: first - 10]).max() < 0.01 * np.abs(phrase.samples).max()
    onsets = phrase.score[:, 0]
    sizes = [int(np.sum(np.abs(onsets - onset) < 0.05)) for onset in onsets]
    assert sizes.count(5) == 10, "two chords of five notes"


def test_both_pianos_play_the_same_score_and_sound_different():
    one, other = (datasets.load_phrase(piano=piano) for piano in PIANOS)
    np.testing.assert_array_equal(one.score, other.score)
    alike = abs(np.corrcoef(one.samples, other.samples)[0, 1])
    assert alike < 0.9


def test_bundled_sounds_are_small():
    folder = music.files("multiconvex") / "datasets" / "sounds"
    assert sum(len(path.read_bytes()) for path in folder.iterdir()) < 1_500_000


def test_recorded_notes(shared):
    notes = datasets.load_salamander()
    assert notes.origin == "fetched" and notes.licence == "CC-BY 3.0" and "Holm" in notes.citation
    np.testing.assert_array_equal(np.diff(notes.pitches), 3)
    for sound, pitch, onset in zip(notes.sounds, notes.pitches, notes.onsets):
        assert len(sound) == 4 * notes.rate and 0.005 < onset < 0.02 and sound[-1] == 0
        found, base = loudest_frequency(sound, notes.rate, pitch)
        assert abs(1200 * np.log2(found / base)) < 15


def test_a_synthetic_note_has_sharp_partials_and_two_stages_of_decay():
    notes = datasets.make_piano((60,), seconds=4.0, random_state=0)
    sound, rate = notes.sounds[0], notes.rate
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    f = np.fft.rfftfreq(len(sound), 1 / rate)

    def partial(k):
        near = np.abs(f - k * 261.63 * np.sqrt(1 + 3e-4 * k**2)) < 60
        return f[near][spectrum[near].argmax()] / k

    assert partial(10) > partial(4) > partial(1)
    envelope = np.array([np.sqrt(np.mean(piece**2)) for piece in np.array_split(sound, 80)])
    rates = -np.diff(np.log(envelope[2:]))
    assert rates[:8].mean() > 2 * rates[-20:].mean() > 0


def test_a_seed_is_a_piano():
    one, same, other = (datasets.make_piano((60,), random_state=s).sounds[0] for s in (0, 0, 1))
    assert one.tobytes() == same.tobytes() and not np.allclose(one, other)


def test_a_performance_is_the_sum_of_its_notes():
    notes = datasets.make_piano((60, 67), random_state=0)
    low, high = (0.2, 0.6, 60, 80), (0.5, 0.9, 67, 40)
    both = datasets.perform(notes, [low, high]).samples
    parts = [datasets.perform(notes, [note]).samples for note in (low, high)]
    expected = np.pad(parts[0], (0, len(both) - len(parts[0]))) + parts[1]
    inner = slice(0, len(parts[0]))
    np.testing.assert_allclose(both[inner], expected[inner], atol=1e-12)
    first = round((0.2 - notes.onsets[0]) * notes.rate)
    np.testing.assert_allclose(both[first : first + 5000], notes.sounds[0][:5000], atol=1e-12)


def test_retuned_notes_are_higher_and_shorter():
    notes = datasets.make_piano((60,), random_state=0)
    higher = datasets.retune(notes, 3)
    found, base = loudest_frequency(higher.sounds[0], higher.rate, 63)
    assert higher.pitches[0] == 63 and abs(1200 * np.log2(found / base)) < 10
    assert len(higher.sounds[0]) == pytest.approx(len(notes.sounds[0]) * 2 ** (-3 / 12), rel=1e-3)
    assert higher.onsets[0] == pytest.approx(notes.onsets[0] * 2 ** (-3 / 12), rel=1e-3)


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_what_was_written_is_read(tmp_path, kind):
    path = tmp_path / f"sound.{kind}"
    samples = 0.5 * np.sin(np.arange(4410) / 7.0)
    soundfile.write(path, np.column_stack([samples, 0.5 * samples]), 44_100)
    read, rate = datasets.read_sound(path)
    assert rate == 44_100
    np.testing.assert_allclose(read, 0.75 * samples, atol=1e-4)
    half, rate = datasets.read_sound(path, rate=22_050)
    assert rate == 22_050
    np.testing.assert_allclose(half[100:-100], 0.75 * samples[200:-200:2], atol=2e-3)
    assert len(datasets.read_sound(path, seconds=0.01)[0]) == 441


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3"])
def test_a_truncated_file_is_refused(tmp_path, kind):
    path = tmp_path / f"sound.{kind}"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 20_000), 22_050)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(datasets.DataCorrupted, match=r"truncated|cannot be read as sound"):
        datasets.read_sound(path)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no sound at all" * 100])
def test_what_is_no_sound_is_refused(tmp_path, content):
    path = tmp_path / "sound.wav"
    path.write_bytes(content)
    with pytest.raises(datasets.DataCorrupted, match="cannot be read as sound"):
        datasets.read_sound(path)


def test_a_header_without_samples_is_refused(tmp_path):
    path = tmp_path / "sound.wav"
    soundfile.write(path, np.zeros(0), 22_050)
    with pytest.raises(datasets.DataCorrupted, match="holds no samples"):
        datasets.read_sound(path)


def test_without_soundfile_the_error_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def missing(name, *args, **kwargs):
        if name == "soundfile":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ImportError, match=r"pip install multiconvex\[chapters\]"):
        datasets.load_phrase()


def test_errors_say_what_to_do():
    notes = datasets.make_piano((60,))
    with pytest.raises(ValueError, match="name must be one of"):
        datasets.load_phrase("lullaby")
    with pytest.raises(ValueError, match="piano must be one of"):
        datasets.load_piano_notes("toy")
    with pytest.raises(ValueError, match=r"pitches \[61\.0\] have not been recorded"):
        datasets.perform(notes, [(0.5, 1.0, 61, 80)])
    with pytest.raises(ValueError, match="begins before the recording: start later"):
        datasets.perform(notes, [(0.0, 1.0, 60, 80)])


def test_the_stand_in_has_the_pitches_of_the_recorded_notes():
    default = inspect.signature(datasets.make_piano).parameters["pitches"].default
    assert tuple(music._SALAMANDER.values()) == default
