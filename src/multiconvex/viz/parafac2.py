"""Figures of the chapter on PARAFAC2."""

import numpy as np

from .palette import CYCLE, MUTED, SURFACE
from .picture import Picture
from .styling import MARKERS, figure, style


def runs(chromatograms):
    """The absorbance of each run, summed over wavelengths.

    Parameters
    ----------
    chromatograms : Chromatograms
    """
    peaks = []
    with style():
        fig, axes = figure(height=3.0)
        for k, (clock, piece) in enumerate(zip(chromatograms.times, chromatograms.slices)):
            total = piece.sum(axis=0)
            axes.plot(clock, total / total.max(), color=CYCLE[k], label=chromatograms.samples[k])
            peaks.append(f"{chromatograms.samples[k]} at {clock[total.argmax()]:.2f}")
        axes.set(xlabel="minutes", ylabel="absorbance, scaled", ylim=(0, None))
        axes.margins(x=0)
        fig.legend(loc="outside upper center", ncols=4)
    return Picture(
        fig,
        "Absorbance of each run summed over wavelengths, against time. The highest peaks are "
        f"those of {', '.join(peaks)} minutes.",
    )


def profiles(fits, number):
    """Elution profiles of one run, nonnegative and free, with the sum of the data.

    Parameters
    ----------
    fits : RunFits
    number : int
        Of the run, from 1.
    """
    clock, piece = fits.runs.times[number - 1], fits.runs.slices[number - 1]
    total, sentences = piece.sum(axis=0), []
    with style():
        fig, panels = figure(ncols=2, height=3.0, sharey=True)
        for axes, kind in zip(panels, ("nonnegative", "free")):
            axes.fill_between(clock, total, color=MUTED, alpha=0.25, linewidth=0)
            columns = fits.profiles[kind][number - 1].T
            for q, column in enumerate(columns):
                axes.plot(clock, column, color=CYCLE[q])
            axes.axhline(0.0, color=MUTED, linewidth=0.8)
            axes.set(title=kind, xlabel="minutes")
            axes.margins(x=0)
            lowest = ", ".join(f"{column.min():.0f}" for column in columns)
            highest = ", ".join(f"{column.max():.0f}" for column in columns)
            sentences.append(f"{kind}: highest values {highest}, lowest {lowest}")
        extremes = [p for kind in fits.profiles for piece in fits.profiles[kind] for p in piece]
        highest = max(np.max(extremes), max(np.max(s.sum(axis=0)) for s in fits.runs.slices))
        panels[0].set(ylabel="absorbance, summed", ylim=(1.05 * np.min(extremes), 1.05 * highest))
    return Picture(
        fig,
        f"Elution profiles of {fits.runs.samples[number - 1]}, summed over wavelengths, over the "
        f"data, whose highest value is {total.max():.0f}. {'; '.join(sentences)}.",
    )


def projection(course):
    """Distance after each round of the projection, above the last.

    Parameters
    ----------
    course : ProjectionCourse
    """
    shown = course.excess[course.excess > 1e-14]
    with style():
        fig, axes = figure(height=2.8)
        rounds = np.arange(1, len(shown) + 1)
        axes.plot(rounds, shown, color=CYCLE[0], marker=MARKERS[0], markeredgecolor=SURFACE)
        axes.set(yscale="log", xlabel="round", ylabel="excess distance", xticks=rounds)
    listed = ", ".join(f"{value:.1e}" for value in shown)
    return Picture(
        fig,
        f"Excess of the squared distance over its limit, relative, on a logarithmic axis, after "
        f"rounds 1 to {len(shown)}: {listed}.",
    )


def scattered(case, number=1):
    """True and fitted profiles of one simulated run.

    Parameters
    ----------
    case : Scattered
    number : int
        Of the run, from 1.
    """
    clock = case.runs.times[number - 1]
    with style():
        fig, axes = figure(height=3.2)
        for q, name in enumerate(case.runs.names):
            axes.plot(clock, case.profiles[number - 1][:, q], color=CYCLE[q], label=name)
        for q in range(len(case.runs.names)):
            true = case.runs.profiles[number - 1][:, q]
            axes.plot(clock, true, color=CYCLE[q], linewidth=1.3, linestyle=":")
        axes.set(xlabel="minutes", ylabel="profile", ylim=(-0.05, 1.15))
        axes.set_title(f"error {100 * case.error:.1f}%, agreement {case.match:.3f}")
        axes.margins(x=0)
        fig.legend(loc="outside upper center", ncols=3)
    return Picture(
        fig,
        f"True and fitted profiles of a run whose peaks move by up to {case.scatter:g} minutes on "
        f"their own: true cross products differ by {100 * case.true_spread:.0f}%, the model "
        f"leaves {100 * case.error:.1f}% of the noiseless data, and agreement with the true "
        f"profiles is {case.match:.3f}.",
    )
