"""Experiments of the chapter on music transcription.

Spectrograms have the parameters of the source at half its sampling rate, which gives the lower half
of its frequencies, the same frames and the same numbers. Notes count as found where the pitch is
right and the onset within 50 ms.
"""

from multiconvex.studies._changed_pianos import (
    PianoRow,
    RecordedNotes,
    RecordedRow,
    TuningCurve,
    change_piano,
    detune,
    hear_recordings,
    random_score,
)
from multiconvex.studies._heard_phrases import (
    Heard,
    Listener,
    MethodRow,
    Score,
    choose_threshold,
    compare_methods,
    find_components,
    hear_blindly,
    learn_notes,
    name_pitch,
    only_chords,
    score_notes,
    train_listener,
    train_on,
)
from multiconvex.studies._single_notes import (
    SPECTROGRAM,
    IntervalRow,
    ModelRow,
    NoteModels,
    OctavePhases,
    compare_octave,
    measure_intervals,
    measure_models,
    model_note,
)
from multiconvex.studies._template_borders import BorderTraces, compare_borders

__all__ = [
    "SPECTROGRAM",
    "BorderTraces",
    "Heard",
    "IntervalRow",
    "Listener",
    "MethodRow",
    "ModelRow",
    "NoteModels",
    "OctavePhases",
    "PianoRow",
    "RecordedNotes",
    "RecordedRow",
    "Score",
    "TuningCurve",
    "change_piano",
    "choose_threshold",
    "compare_borders",
    "compare_methods",
    "compare_octave",
    "detune",
    "find_components",
    "hear_blindly",
    "hear_recordings",
    "learn_notes",
    "measure_intervals",
    "measure_models",
    "model_note",
    "name_pitch",
    "only_chords",
    "random_score",
    "score_notes",
    "train_listener",
    "train_on",
]
