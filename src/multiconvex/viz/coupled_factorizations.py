"""Figures of the chapter on coupled factorisations."""

import numpy as np
from matplotlib.ticker import NullLocator

from multiconvex.diagnostics import match_components
from multiconvex.studies.coupled_factorizations import SPECIES, courses

from .palette import CYCLE, INK, MUTED, SURFACE
from .picture import Picture
from .styling import MARKERS, SEQUENTIAL, figure, style

_FAN_TITLES = {"alone": "matrix alone", "together": "matrix with the tensor"}


def instruments(reaction):
    """A frame of the tensor, the matrix, and when each instrument measures.

    Parameters
    ----------
    reaction : Reaction
    """
    slow, fast = reaction.minutes
    with style():
        fig, panels = figure(
            nrows=2, ncols=2, height=4.3, gridspec_kw={"height_ratios": [2.6, 1.0]}
        )
        frame, matrix = panels[0]
        frame.set_facecolor(MUTED)
        frame.imshow(reaction.tensor[2].T, aspect="auto", origin="lower", cmap=SEQUENTIAL)
        frame.set(xlabel="emission", ylabel="excitation", title=f"tensor, minute {slow[2]:.0f}")
        matrix.imshow(reaction.matrix, aspect="auto", origin="lower", cmap=SEQUENTIAL)
        matrix.set(xlabel="wavelength", ylabel="sample", title="matrix")
        for axes in (frame, matrix):
            axes.grid(visible=False)
        grid = panels[1, 0].get_gridspec()
        for axes in panels[1]:
            axes.remove()
        times = fig.add_subplot(grid[1, :])
        for k, minutes in enumerate(reaction.minutes):
            height = np.full(len(minutes), 1.0 - k)
            times.plot(minutes, height, "|", color=CYCLE[k], markersize=15, mew=1.6)
        times.set(ylim=(-0.6, 1.6), xlabel="minutes")
        times.set_yticks([1.0, 0.0], ["tensor", "matrix"])
        times.grid(axis="y", visible=False)
    return Picture(
        fig,
        f"One frame of {len(slow)}, emission by excitation, with a diagonal band and scattered "
        f"entries missing ({100 * reaction.missing:.0f}% in all); a matrix of {len(fast)} samples "
        f"in time by {reaction.matrix.shape[1]} wavelengths; and the minutes of both, none "
        "of which agree.",
    )


def fan(spectra):
    """Absorbance spectra of one matrix from several starts, alone and together.

    Parameters
    ----------
    spectra : SpectraFan
    """
    with style():
        fig, panels = figure(ncols=2, height=2.9, sharey=True)
        for axes, (name, fits) in zip(panels, spectra.fits.items()):
            for q in range(spectra.truth.shape[1]):
                for fit in fits:
                    axes.plot(fit[:, q], color=CYCLE[q], linewidth=1.1, alpha=0.8)
                axes.plot(spectra.truth[:, q], ":", color=INK, linewidth=1.2)
            axes.set(title=_FAN_TITLES[name], xlabel="wavelength")
            axes.margins(x=0)
        panels[0].set_ylabel("absorbance")
    parts = [f"{name} by up to {spread:.2g}" for name, spread in spectra.spread.items()]
    return Picture(
        fig,
        f"Spectra of three species from {len(spectra.fits['alone'])} starts, scaled to peaks of "
        f"one, with the true ones dotted. Starts differ {', '.join(parts)}.",
    )


def splitting(split):
    """Coupling gap and error of the objective against the number of steps.

    Parameters
    ----------
    split : Splitting
    """
    with style():
        fig, panels = figure(ncols=2, height=3.0)
        for axes, values, title in zip(
            panels, (split.gaps, np.abs(split.errors)), ("coupling gap", "error of the objective")
        ):
            for k, (strength, curve) in enumerate(zip(split.strengths, values)):
                shown = np.where(curve > 1e-15, curve, np.nan)
                axes.plot(
                    split.steps, shown, color=CYCLE[k], marker=MARKERS[k], markevery=3,
                    markeredgecolor=SURFACE, label=f"$c = {strength:g}$",
                )  # fmt: skip
            axes.set(xscale="log", yscale="log", xlabel="steps", title=title)
        panels[1].legend()
    parts = [
        f"strength {strength:g}: gap {gap[-1]:.1e}, distance {error[-1]:.1e}"
        for strength, gap, error in zip(split.strengths, split.gaps, np.abs(split.errors))
    ]
    return Picture(fig, f"After {split.steps[-1]} steps: {'; '.join(parts)}.")


def course_panels(comparison):
    """Courses of each instrument alone and of both together, with the true ones.

    Parameters
    ----------
    comparison : Comparison
    """
    reaction, results = comparison.reaction, comparison.results
    shown = {
        "tensor alone": (reaction.minutes[0], results["tensor alone"].factors[0][0]),
        "matrix alone": (reaction.minutes[1], results["matrix alone"].factors[0][0]),
        "together": (reaction.grid, results["together"].shared[0]),
    }
    fine = np.linspace(0.0, 30.0, 301)
    truth = courses(fine)
    with style():
        fig, panels = figure(ncols=3, height=2.9, sharey=True)
        for axes, (name, (minutes, found)) in zip(panels, shown.items()):
            at_nodes = courses(minutes)
            found = found[:, match_components(found, at_nodes)[0]]
            found = found * (found * at_nodes).sum(axis=0) / (found**2).sum(axis=0)
            for q, species in enumerate(SPECIES):
                axes.plot(fine, truth[:, q], ":", color=INK, linewidth=1.2)
                axes.plot(
                    minutes, found[:, q], color=CYCLE[q], marker=MARKERS[q], markersize=3.5,
                    markeredgewidth=0, linewidth=1.3, label=species,
                )  # fmt: skip
            axes.set(title=name, xlabel="minutes", xlim=(-0.5, 20))
        panels[0].set_ylabel("amount")
        handles, labels = panels[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center", ncols=3)
    parts = [f"{score.fit} {score.course_error:.3f}" for score in comparison.scores]
    return Picture(
        fig,
        "Courses of reactant, intermediate and product against time, with the true ones dotted. "
        f"Relative errors: {', '.join(parts)}.",
    )


def weights(curve):
    """Error of the shared courses against the weight of the matrix.

    Parameters
    ----------
    curve : WeightCurve
    """
    with style():
        fig, axes = figure(height=3.1)
        axes.plot(
            curve.weights, curve.errors, color=CYCLE[0], marker=MARKERS[0], markeredgecolor=SURFACE
        )
        axes.axvline(1.0, color=MUTED, linewidth=1.3, linestyle=(0, (4, 3)))
        axes.axvline(curve.estimated, color=CYCLE[1], linewidth=1.6)
        axes.set(
            xscale="log", yscale="log", xlabel="weight of the matrix",
            ylabel="error of the courses", xlim=(1e-5, 1e4), ylim=(0.01, 0.4),
        )  # fmt: skip
        axes.set_yticks([0.02, 0.05, 0.1, 0.2], ["0.02", "0.05", "0.1", "0.2"])
        axes.yaxis.set_minor_locator(NullLocator())
        top = axes.get_xaxis_transform()
        sides = ("right", "left") if curve.estimated < 1.0 else ("left", "right")
        for place, name, height, side in (
            (curve.estimated, "from the noise", 0.95, sides[0]),
            (1.0, "equal", 0.83, sides[1]),
        ):
            axes.annotate(
                name, (place, height), xycoords=top, xytext=(5 if side == "left" else -5, 0),
                textcoords="offset points", ha=side, fontsize=10.5, color=INK,
            )  # fmt: skip
    tensor, matrix = (100 * level for level in curve.noise)
    return Picture(
        fig,
        f"Noise of {tensor:.0f}% in the tensor and {matrix:.0f}% in the matrix. The error is "
        f"least, {curve.errors.min():.3f}, at weight {curve.weights[curve.errors.argmin()]:.2g}; "
        f"the variances ask for {curve.best:.2g}, separate fits estimate {curve.estimated:.2g}, "
        f"and the error varies up to {curve.errors.max():.3f}.",
    )


def lag(curve):
    """Error of the courses and misfit against the lag between two clocks.

    Parameters
    ----------
    curve : LagCurve
    """
    with style():
        fig, (left, right) = figure(ncols=2, height=3.0)
        for k, name in enumerate(("together", "alone")):
            left.plot(
                curve.lags, getattr(curve, name), color=CYCLE[k], marker=MARKERS[k],
                markeredgecolor=SURFACE, label=name,
            )  # fmt: skip
        left.set(xlabel="lag (minutes)", title="error of the courses", ylim=(0, None))
        left.legend()
        right.plot(
            curve.lags, curve.misfit, color=CYCLE[2], marker=MARKERS[2], markeredgecolor=SURFACE
        )
        right.set(xlabel="lag (minutes)", title="misfit", ylim=(0, None))
    listed = ", ".join(
        f"{lag:g} minutes: {error:.3f}, misfit {misfit:.2f}"
        for lag, error, misfit in zip(curve.lags, curve.together, curve.misfit)
    )
    return Picture(
        fig,
        f"Error of the courses from the tensor alone {curve.alone[0]:.3f}; together at a lag of "
        f"{listed}.",
    )
