"""Figures of the chapter on music transcription."""

import numpy as np

from .palette import CYCLE, GRID, INK, MUTED, SURFACE
from .picture import Picture
from .styling import SEQUENTIAL, figure, style

_FLOOR = -70.0
_NAMES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "B♭", "B")


def note_name(pitch):
    """Name of a MIDI pitch.

    Examples
    --------
    >>> note_name(69), note_name(58)
    ('A4', 'B♭3')
    """
    return f"{_NAMES[int(pitch) % 12]}{int(pitch) // 12 - 1}"


def spectrogram(recording, transform, highest=2500.0):
    """Magnitudes of a recording in decibels, and the onsets of its score.

    Parameters
    ----------
    recording : Recording
    transform : Spectrogram
    highest : float
        Hz.
    """
    magnitude = transform.magnitude(recording.samples)
    times = transform.times(len(recording.samples))
    with style():
        fig, axes = figure(height=3.4)
        drawn = _show(axes, magnitude, times, transform.frequencies, highest)
        axes.set(xlabel="time (s)", ylabel="frequency (kHz)")
        bar = fig.colorbar(drawn, ax=axes, aspect=24, pad=0.02)
        bar.set_label("dB")
        bar.outline.set_visible(False)
    score = recording.score
    onsets = np.unique(np.round(score[:, 0], 1))
    return Picture(
        fig,
        f"Magnitudes up to {highest / 1000:g} kHz over {times[-1]:.0f} seconds: {len(score)} notes "
        f"of {len(np.unique(score[:, 2]))} pitches, each a comb of lines that fade. They begin at "
        f"{len(onsets)} instants, the last two are chords.",
    )


def note_models(fitted, width, highest=4000.0):
    """A note as recorded, and a model of it.

    Parameters
    ----------
    fitted : NoteModels
    width : int
        Frames that the template of the model lasts.
    highest : float
        Hz.
    """
    panels = (("recorded", fitted.magnitude), (f"model, width {width}", fitted.models[width]))
    with style():
        fig, axes = figure(ncols=2, height=2.9, sharey=True)
        for panel, (title, values) in zip(axes, panels):
            reference = fitted.magnitude.max()
            _show(panel, values, fitted.times, fitted.frequencies, highest, reference)
            panel.set(title=title, xlabel="time (s)")
        axes[0].set_ylabel("frequency (kHz)")
    return Picture(
        fig,
        f"Spectrogram of {note_name(fitted.pitch)} and its model of rank one with a template of "
        f"{width} frames, whose relative divergence is {fitted.gaps[width]:.3f}.",
    )


def octave(phases, shown=600):
    """Magnitude of a sum against the angle between its terms, for two notes an octave apart.

    Parameters
    ----------
    phases : OctavePhases
    shown : int
        Largest number of points that are drawn.
    """
    some = np.linspace(0, len(phases.angle) - 1, min(shown, len(phases.angle))).astype(int)
    angle = np.linspace(0.0, np.pi, 60)
    with style():
        fig, axes = figure(height=3.3)
        axes.plot(angle, np.cos(angle / 2), color=MUTED, linewidth=1.4)
        axes.plot(phases.angle[some], phases.ratio[some], "o", color=CYCLE[0], markersize=3)
        axes.plot(
            phases.angle[phases.printed], phases.ratio[phases.printed], "D", color=CYCLE[1],
            markersize=5, markeredgecolor=SURFACE, label="product nearly real",
        )  # fmt: skip
        axes.set_xticks([0, np.pi / 2, np.pi], ["0", "π/2", "π"])
        axes.set(xlabel="angle between the two notes", ylabel="|sum| / sum of magnitudes")
        axes.legend(loc="lower left")
    return Picture(
        fig,
        f"{len(phases.angle)} spectral values of two notes an octave apart. The magnitude of the "
        f"sum falls from all of the sum of magnitudes at angle 0 to {phases.ratio.min():.2f} of it "
        f"near π. Where the product is nearly real the ratio goes down to "
        f"{phases.worst_promise:.2f}. The grey curve is the ratio for equal magnitudes.",
    )


def borders(traces):
    """Objectives with the denominator of the derivation and with that of whole templates.

    Parameters
    ----------
    traces : BorderTraces
    """
    reference = traces.exact[:, -1:]
    panels = (("cut at the border", traces.exact, 0), ("whole templates", traces.full, 1))
    with style():
        fig, axes = figure(ncols=2, height=2.9, sharey=True)
        for panel, (title, values, color) in zip(axes, panels):
            panel.plot((values / reference).T, color=CYCLE[color], linewidth=0.9, alpha=0.6)
            panel.axhline(1.0, color=INK, linewidth=1.0)
            panel.set(title=title, xlabel="sweep", ylim=(0.9, 2.4))
        axes[0].set_ylabel("objective / best")
    return Picture(
        fig,
        f"Objectives of {len(traces.exact)} runs divided by where the run on the left ends. With "
        f"denominators cut at the border {traces.rises[0]} rise, with those of whole templates "
        f"{traces.rises[1]}; these end {traces.excess:.2f} times as high in the median.",
    )


def piano_roll(heard):
    """What was played, and what was heard at one threshold.

    Parameters
    ----------
    heard : Heard
    """
    score, found = heard.recording.score, heard.transcription
    pitches = np.unique(np.concatenate([score[:, 2], found.pitches]))
    row = {pitch: k for k, pitch in enumerate(pitches)}
    near = np.abs(found.onsets[:, None] - score[:, 0]) <= 0.05
    right = (near & (found.pitches[:, None] == score[:, 2])).any(axis=1)
    with style():
        fig, axes = figure(height=3.9)
        for onset, offset, pitch, _ in score:
            axes.plot([onset, offset], [row[pitch]] * 2, color=GRID, linewidth=7)
        for chosen, mark, color, label in (
            (right, "o", CYCLE[0], "heard"),
            (~right, "X", CYCLE[1], "not played"),
        ):
            axes.plot(
                found.onsets[chosen], [row[p] for p in found.pitches[chosen]], mark, color=color,
                markeredgecolor=SURFACE, label=label,
            )  # fmt: skip
        axes.plot([], [], color=GRID, linewidth=7, label="played")
        axes.set_yticks(range(len(pitches)), [note_name(pitch) for pitch in pitches])
        axes.set(xlabel="time (s)", ylim=(-0.7, len(pitches) - 0.3))
        axes.set_title(f"F = {heard.score.F:.2f}")
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, borderaxespad=0.2)
    return Picture(
        fig,
        f"Piano roll of {heard.recording.name}: {len(score)} notes were played; with threshold "
        f"{heard.threshold:.2g}, {int(right.sum())} of {len(right)} notes heard are right. "
        f"Precision {heard.score.precision:.2f}, recall {heard.score.recall:.2f}.",
    )


def tuning(curve):
    """Scores against how far the piano is tuned from its templates.

    Parameters
    ----------
    curve : TuningCurve
    """
    with style():
        fig, axes = figure(height=3.0)
        for name, color, mark in (("recall", 2, "s"), ("F", 0, "o"), ("precision", 1, "D")):
            axes.plot(
                curve.cents, getattr(curve, name), color=CYCLE[color], marker=mark, label=name
            )
        axes.set(xlabel="tuning (cents)", ylabel="score", ylim=(0, 1.05))
        axes.set_xticks(curve.cents)
        axes.legend(loc="lower center", ncols=3)
    parts = [f"{F:.2f} at {cents:g} cents" for cents, F in zip(curve.cents, curve.F)]
    return Picture(fig, f"F of the test phrase on a detuned piano: {', '.join(parts)}.")


def _show(axes, magnitude, times, frequencies, highest, reference=None):
    """Draw magnitudes in decibels below the largest one, or below a reference."""
    rows = int(np.searchsorted(frequencies, highest))
    reference = magnitude.max() if reference is None else reference
    relative = np.maximum(magnitude[:rows] / reference, 10.0 ** (_FLOOR / 20.0))
    extent = (times[0], times[-1], 0.0, frequencies[rows - 1] / 1000.0)
    axes.grid(False)
    return axes.imshow(
        20.0 * np.log10(relative), origin="lower", aspect="auto", extent=extent, cmap=SEQUENTIAL,
        vmin=_FLOOR, vmax=0.0,
    )  # fmt: skip
