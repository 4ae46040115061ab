"""What the chapter on music transcription claims."""

from dataclasses import replace

import numpy as np
import pytest

from multiconvex import datasets, transcribe, viz
from multiconvex.studies import music_transcription as study
from multiconvex.studies._heard_phrases import THRESHOLDS


@pytest.fixture(scope="module")
def listener():
    return study.train_on()


@pytest.fixture(scope="module")
def heard(listener):
    return listener.hear(datasets.load_phrase())


@pytest.fixture(scope="module")
def methods(listener):
    return study.compare_methods(listener, seeds=(0,), max_iter=25)


@pytest.fixture(scope="module")
def pianos(listener):
    return {row.piano: row for row in study.change_piano(listener)}


class TestSingleNotes:
    def test_a_note_is_nearly_rank_one_and_longer_templates_are_closer(self):
        rows = study.measure_models(max_iter=15)
        assert 0.9 < rows[0].energy < 0.99
        gaps = [row.divergence for row in rows]
        assert gaps == sorted(gaps, reverse=True) and gaps[-1] < 0.6 * gaps[0]

    def test_the_knob_shows_what_the_table_measures(self):
        fitted = study.model_note(max_iter=15)
        assert list(fitted.models) == [1, 5, 10, 20]
        gaps = list(fitted.gaps.values())
        assert gaps == sorted(gaps, reverse=True)
        total = fitted.magnitude.sum()
        np.testing.assert_allclose(fitted.models[1].sum(), total, rtol=1e-10)

    def test_octaves_miss_most(self):
        rows = {row.interval: row for row in study.measure_intervals()}
        others = max(row.missing for name, row in rows.items() if name != "octave")
        assert rows["octave"].missing > 1.5 * others > 0
        assert min(row.pairs for row in rows.values()) >= 7

    def test_magnitudes_add_where_phases_agree_and_nowhere_else(self):
        octave = study.compare_octave()
        bound = np.sqrt(1 + octave.balance**2 + 2 * octave.balance * np.cos(octave.angle))
        np.testing.assert_allclose(octave.ratio, bound / (1 + octave.balance), atol=1e-9)
        assert np.all(octave.ratio >= np.cos(octave.angle / 2) - 1e-9)
        agreeing = octave.printed & (octave.angle < 1.0)
        opposed = octave.printed & (octave.angle > 2.0)
        assert octave.ratio[agreeing].min() > 0.99
        assert opposed.any() and octave.worst_promise < 0.5


class TestBorders:
    def test_only_the_denominator_of_the_derivation_is_monotone(self):
        borders = study.compare_borders(n_runs=20)
        assert borders.rises[0] == 0 < borders.rises[1]
        assert borders.worse > 12 and borders.excess > 1.05


class TestTranscription:
    def test_the_phrase_with_chords_is_transcribed(self, listener, heard):
        assert 0 < listener.threshold < 0.3
        assert heard.score.F >= 0.95
        chords = study.only_chords(heard.recording)
        assert len(chords.score) == 10
        found = heard.transcription
        assert study.score_notes(found.onsets, found.pitches, chords).recall >= 0.9

    def test_the_threshold_comes_from_the_rehearsal(self, listener):
        rehearsal = datasets.load_phrase("rehearsal")
        practice = transcribe(rehearsal.samples, listener.templates)
        assert study.choose_threshold(practice, rehearsal) == listener.threshold
        tried = [practice.at(threshold) for threshold in THRESHOLDS]
        scores = [study.score_notes(heard.onsets, heard.pitches, rehearsal).F for heard in tried]
        best = [t for t, F in zip(THRESHOLDS, scores) if max(scores) == F]
        below = sum(t < listener.threshold for t in best)
        assert abs(2 * below - len(best) + 1) <= 1, "the middle one"
        templates = study.learn_notes(datasets.load_piano_notes())
        np.testing.assert_array_equal(templates.W, listener.templates.W)

    def test_thresholds_trade_false_notes_for_missed_ones(self, heard):
        low, high = heard.at(0.25 * heard.threshold), heard.at(4 * heard.threshold)
        assert low.score.precision < 0.8 < low.score.recall
        assert high.score.recall < 0.9 < high.score.precision

    def test_templates_beat_spectra_and_both_beat_blind_factorisation(self, methods):
        blind, spectra, short, templates = methods
        assert blind.F < 0.75 < spectra.F < templates.F
        assert min(short.F, templates.F) >= 0.95
        assert blind.chords < 0.5 < spectra.chords < templates.chords

    def test_a_blind_row_is_that_of_its_median_start(self, methods):
        phrases = [datasets.load_phrase(name) for name in ("rehearsal", "promenade")]
        assert study.hear_blindly(*phrases, 14, 0, max_iter=25) == methods[0]

    def test_scores_are_those_of_the_definition(self):
        phrase = datasets.load_phrase()
        onsets, pitches = phrase.score[:, 0], phrase.score[:, 2]
        assert study.score_notes(onsets, pitches, phrase).F == 1.0
        assert study.score_notes(onsets + 0.04, pitches, phrase).F == 1.0
        assert study.score_notes(onsets + 0.2, pitches, phrase).F < 0.3
        assert study.score_notes(onsets, pitches + 1, phrase).F < 0.2
        half = study.score_notes(onsets[::2], pitches[::2], phrase)
        assert half.precision == 1.0 and half.recall == pytest.approx(12 / 23)
        assert study.score_notes([], [], phrase).F == 0.0

    @pytest.mark.parametrize("pitch", [43, 57, 67, 77])
    def test_pitches_are_named_by_their_combs(self, pitch):
        notes = datasets.load_piano_notes()
        sound = notes.sounds[int(np.flatnonzero(notes.pitches == pitch)[0])]
        assert study.name_pitch(study.SPECTROGRAM.magnitude(sound).sum(axis=1)) == pitch

    def test_components_of_a_phrase_are_named(self):
        H, pitches = study.find_components(datasets.load_phrase(), 14, max_iter=20)
        assert H.shape[1] == len(pitches) == len(set(pitches.tolist())) <= 14
        melody = {65, 67, 70, 72, 74, 77}
        assert len(melody & set(pitches.tolist())) >= 4


class TestOtherPianos:
    def test_another_piano_costs_and_training_on_it_repairs(self, pianos):
        assert pianos["fluid, as trained"].F >= 0.95
        assert pianos["splendid"].F > 0.85
        assert pianos["synthetic"].F < pianos["splendid"].F - 0.05
        assert min(row.retrained for row in pianos.values()) >= 0.95

    def test_most_false_notes_are_octaves(self, pianos):
        row = pianos["synthetic"]
        assert row.false >= 3 and row.octaves > 0.4 * row.false

    def test_detuning_brings_false_notes(self, listener):
        curve = study.detune(listener, cents=(0, 30))
        assert curve.F[1] < curve.F[0] - 0.05
        assert curve.recall[1] > 0.85 > curve.precision[1]

    def test_recorded_notes_or_their_stand_in(self):
        recorded = study.hear_recordings(n_phrases=2)
        same, neighbours = recorded.rows
        assert same.F >= 0.9 and neighbours.F > 0.7
        assert bool(recorded.notes.note) == (recorded.notes.origin == "simulated")
        assert recorded.notes.note or neighbours.F < same.F

    def test_random_scores_end_with_chords(self):
        score = study.random_score(np.arange(60, 68), np.random.default_rng(0))
        assert len(score) == 11 + 10 and np.all(score[:, 1] > score[:, 0])
        assert len(set(score[-5:, 2])) == 5 and np.ptp(score[-5:, 0]) < 0.012

    def test_a_trained_listener_knows_its_phrase(self):
        notes = datasets.make_piano((57, 60, 63, 66, 69), seconds=1.5, random_state=3)
        phrase = datasets.perform(
            notes, study.random_score(notes.pitches, np.random.default_rng(1))
        )
        assert study.train_listener(notes, phrase, width=10).hear(phrase).score.F >= 0.9


class TestFigures:
    def test_every_figure_follows_the_theme_and_describes_itself(self, heard):
        draw = viz.music_transcription
        pictures = [
            draw.spectrogram(heard.recording, study.SPECTROGRAM),
            draw.note_models(study.model_note(max_iter=5), 10),
            draw.octave(study.compare_octave()),
            draw.borders(study.compare_borders(n_runs=3, n_sweeps=20)),
            draw.piano_roll(heard.at(0.03)),
            draw.tuning(study.TuningCurve(np.array([0, 30]), *np.ones((3, 2)))),
        ]
        for picture in pictures:
            assert picture.strays() == ()
            assert picture.alt.endswith(".") and any(c.isdigit() for c in picture.alt)

    def test_the_roll_says_what_was_right(self, heard):
        roll = viz.music_transcription.piano_roll(heard)
        found = len(heard.transcription.onsets)
        right = round(heard.score.precision * found)
        assert f"{right} of {found} notes heard are right" in roll.alt

    def test_names_of_pitches(self):
        names = [viz.music_transcription.note_name(pitch) for pitch in (43, 60, 69, 70)]
        assert names == ["G2", "C4", "A4", "B♭4"]

    def test_the_page_plays_what_was_separated(self, heard):
        parts = heard.transcription.sounds()
        np.testing.assert_allclose(parts.sum(axis=0), heard.recording.samples, atol=1e-12)
        sounds = {"all": heard.recording.samples} | {str(k): part for k, part in enumerate(parts)}
        page = viz.players(sounds, heard.recording.rate, alt="The parts.").html()
        assert len(page) < 2_000_000 and page.count("<audio") == 15


def test_a_note_without_template_is_heard_an_octave_lower(listener):
    phrase, templates = datasets.load_phrase(), listener.templates
    kept = templates.pitches != 67
    fewer = replace(
        templates, pitches=templates.pitches[kept], W=templates.W[:, :, kept],
        delays=templates.delays[kept],
    )  # fmt: skip
    instead = transcribe(phrase.samples, fewer, threshold=listener.threshold)
    first = phrase.score[phrase.score[:, 2] == 67, 0][0]
    assert 55 in instead.pitches[np.abs(instead.onsets - first) < 0.1]
