"""Figures of the chapter on mixed sparse coding."""

import numpy as np

from .labels import label_lines
from .palette import CYCLE, GRID, INK, MUTED, SURFACE
from .picture import Picture
from .styling import MARKERS, figure, style

_COLORS = {"Trick-OMP": 0, "HOMP": 1, "Block-FISTA": 2, "IHT": 3}


def bounds(robustness):
    """Distances between codes over two bounds, against what the noise contributes to them.

    Parameters
    ----------
    robustness : Robustness
    """
    panels = (("printed", robustness.printed), ("corrected", robustness.corrected))
    with style():
        fig, axes = figure(ncols=2, height=3.2, sharey=True)
        for panel, (name, ratios) in zip(axes, panels):
            for aligned, color, marker in ((False, CYCLE[0], "o"), (True, CYCLE[1], "D")):
                here = robustness.aligned == aligned
                panel.plot(
                    robustness.share[here], ratios[here], marker, color=color, markersize=3.6,
                    markeredgewidth=0, alpha=0.8,
                )  # fmt: skip
            panel.axhline(1.0, color=INK, linewidth=1.2)
            panel.set(title=f"{name} bound", xlabel="$b / (a + b)$", xlim=(0, 1))
        axes[0].set(ylabel="distance / bound", ylim=(0, 1.5))
    false = robustness.printed > 1.0 + 1e-9
    return Picture(
        fig,
        f"{len(false)} pairs of codes. Their distance exceeds the printed bound in {false.sum()} "
        f"of them, by a factor of up to {robustness.printed.max():.3f}, in an arch over the share "
        f"of the noise. It reaches the corrected bound, a horizontal line, in the "
        f"{robustness.aligned.sum()} pairs that are aligned with the weakest directions, and "
        "stays below it in all others.",
    )


def recovery(measured, condition):
    """Planted nonzeros found by each heuristic, against the signal-to-noise ratio.

    Parameters
    ----------
    measured : Recovery
    condition : float
        One of ``measured.conditions``.
    """
    row = measured.conditions.index(condition)
    with style():
        fig, axes = figure(height=3.4)
        for name, found in measured.found.items():
            color = _COLORS[name]
            axes.plot(
                measured.snr, 100 * found[row], color=CYCLE[color], marker=MARKERS[color],
                markeredgecolor=SURFACE,
            )  # fmt: skip
        axes.set(
            xlabel="signal-to-noise ratio (dB)", ylabel="planted atoms found (%)", ylim=(0, 104),
            xticks=measured.snr,
        )  # fmt: skip
        label_lines(axes, list(measured.found))
    parts = [
        f"{name} finds {100 * found[row, 0]:.0f} to {100 * found[row, -1]:.0f}%"
        for name, found in measured.found.items()
    ]
    return Picture(
        fig,
        f"Condition number {condition:g}, from {measured.snr[0]:g} to {measured.snr[-1]:g} "
        f"decibels: {'; '.join(parts)} of the planted atoms.",
    )


def relaxed_columns(relaxations, fraction):
    """Columns of codes that two relaxations return, and the planted ones.

    Parameters
    ----------
    relaxations : Relaxations
    fraction : float
        One of ``relaxations.fractions``.
    """
    planted = relaxations.planted
    index = np.arange(1, len(planted) + 1)
    shown = (
        ("largest column", relaxations.largest[fraction]),
        ("each column", relaxations.separate[fraction]),
    )
    with style():
        fig, panels = figure(ncols=2, nrows=planted.shape[1], height=4.8, sharex=True, sharey="row")
        for column, (name, relaxed) in enumerate(shown):
            for q, axes in enumerate(panels[:, column]):
                here, values = planted[:, q] != 0, relaxed.codes[:, q]
                axes.vlines(index, 0, values, color=CYCLE[column], linewidth=1.8)
                axes.plot(
                    index[here], planted[here, q], "o", color=SURFACE, markeredgecolor=INK,
                    markersize=5, alpha=0.9,
                )  # fmt: skip
                axes.axhline(0, color=MUTED, linewidth=0.8)
                reach = 1.35 * np.abs(planted[:, q]).max()
                axes.set(ylim=(-reach, reach), xlim=(0, len(planted) + 1))
                axes.grid(axis="x", visible=False)
                title = f"{name}, " if q == 0 else ""
                axes.set_title(f"{title}nonzeros: {relaxed.counts[q]}")
            panels[-1, column].set_xlabel("atom")
    parts = [
        f"with a penalty on {name} the columns have {_listed(relaxed.counts)} nonzeros and "
        f"l1 norms {', '.join(f'{size:.2f}' for size in relaxed.sizes)}"
        for name, relaxed in shown
    ]
    sizes = ", ".join(f"{size:.0f}" for size in np.abs(planted).sum(axis=0))
    return Picture(
        fig,
        f"Weight {fraction:g} of the largest. Three planted columns with three nonzeros each and "
        f"l1 norms {sizes}: {'; '.join(parts)}.",
    )


def atom_counts(case, counted, count):
    """Spectra made of a few splines, and the error for each number of splines.

    Parameters
    ----------
    case : NoisyFluorescence
    counted : AtomCounts
    count : int
        One of ``counted.counts``.
    """
    place = counted.counts.index(count)
    with style():
        fig, (left, right) = figure(ncols=2, height=3.4)
        _draw_spectra(left, case, counted.spectra[count])
        for name, errors in counted.errors.items():
            color = _COLORS[name]
            right.plot(
                counted.counts, 1e5 * errors, color=CYCLE[color], marker=MARKERS[color],
                markersize=4.5, markeredgecolor=SURFACE, linewidth=1.5, label=name,
            )  # fmt: skip
        right.axvline(count, color=INK, linewidth=1.0, linestyle=(0, (4, 2)))
        right.axhline(1e5 * case.error(case.after.factors), color=MUTED, linewidth=1.2)
        right.set(xlabel="splines in each component", yscale="log", xticks=range(0, 11, 2))
        right.set(title="mean squared error (×10⁻⁵)", yticks=[20, 50, 100, 200, 500])
        right.set_yticklabels(["20", "50", "100", "200", "500"])
        right.minorticks_off()
        right.legend(fontsize=9.5, frameon=True, facecolor=SURFACE, edgecolor="none", framealpha=1)
    parts = [f"{name} {1e5 * errors[place]:.1f}" for name, errors in counted.errors.items()]
    return Picture(
        fig,
        f"With {count} splines in each component the mean squared errors, in units of 1e-5, are "
        f"{', '.join(parts)}; nonnegative CP has {1e5 * case.error(case.after.factors):.1f}. The "
        f"three emission spectra by Block-FISTA peak at {_peaks(case, counted.spectra[count])} nm.",
    )


def spline_parts(case, model):
    """The splines that add up to each spectrum.

    Parameters
    ----------
    case : NoisyFluorescence
    model : DictionaryFactorization
    """
    parts = case.parts(model)
    with style():
        fig, panels = figure(ncols=len(parts), height=2.9, sharey=True)
        for q, (axes, atoms, name) in enumerate(zip(panels, parts, case.names)):
            for atom in atoms.T:
                here = atom > 1e-3
                where = case.wavelengths[here]
                axes.fill_between(where, atom[here], color=CYCLE[q], alpha=0.22, linewidth=0)
                axes.plot(where, atom[here], color=CYCLE[q], linewidth=0.7)
            axes.plot(case.wavelengths, case.reference[:, q], ":", color=INK, linewidth=1.6)
            axes.plot(case.wavelengths, atoms.sum(axis=1), color=CYCLE[q])
            axes.set_title(name, fontsize=10.5)
            axes.grid(visible=False)
            axes.margins(x=0)
            axes.locator_params(axis="x", nbins=4)
        panels[0].set_ylabel("emission (relative)")
        panels[len(parts) // 2].set_xlabel("wavelength (nm)")
    listed = ", ".join(
        f"{name} of {atoms.shape[1]} splines" for name, atoms in zip(case.names, parts)
    )
    return Picture(fig, f"Emission spectra as sums of B-splines of several widths: {listed}.")


def _draw_spectra(axes, case, spectra):
    for q, name in enumerate(case.names):
        axes.plot(case.wavelengths, case.reference[:, q], color=GRID, linewidth=4.5)
        axes.plot(case.wavelengths, spectra[:, q], color=CYCLE[4 + q], linewidth=1.8, label=name)
    axes.set(xlabel="wavelength (nm)", title="emission (relative)", ylim=(-0.05, 1.45))
    axes.margins(x=0)
    axes.legend(fontsize=9.5, loc="upper right")


def _peaks(case, spectra):
    return ", ".join(f"{peak:.0f}" for peak in case.wavelengths[spectra.argmax(axis=0)])


def _listed(values):
    return ", ".join(map(str, values))
