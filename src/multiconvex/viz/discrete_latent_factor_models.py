"""Figures of the chapter on discrete latent factor models."""

import numpy as np

from .labels import label_lines
from .palette import CYCLE, INK, MUTED, SURFACE
from .picture import Picture
from .styling import MARKERS, figure, style

_WIDTHS = np.array([1.9, 4.5])
_ROUNDING = 1e-14  # below it, differences of objectives are rounding


def question(flowers, fit):
    """One line through all flowers, and the laws that a fit found.

    Parameters
    ----------
    flowers : Flowers
    fit : LatentFactorFit
        Of lines to the flowers.
    """
    with style():
        fig, (left, right) = figure(ncols=2, height=3.3, sharex=True, sharey=True)
        left.plot(flowers.sepal, flowers.petal, "o", color=MUTED, alpha=0.6, markersize=5)
        left.plot(_WIDTHS, np.polyval(flowers.trend, _WIDTHS), color=INK)
        left.set(title="one law", ylabel="petal width (cm)", xlabel="sepal width (cm)")
        _draw_laws(right, flowers, fit)
        right.set(title="two laws", xlabel="sepal width (cm)", ylim=(-0.1, 2.8))
    slopes = " and ".join(f"{law[0]:.2f}" for law in fit.parameters)
    return Picture(
        fig,
        f"Petal width against sepal width of {len(flowers.sepal)} flowers. Left, one line of slope "
        f"{flowers.trend[0]:.2f}. Right, two lines of slopes {slopes} through "
        f"{_sizes(fit)} flowers; circles are setosa, squares the other species.",
    )


def clocks(times):
    """Seconds of the listing and of the model against the number of samples.

    Parameters
    ----------
    times : CompileTimes
    """
    with style():
        fig, axes = figure(height=3.2)
        for number, seconds in enumerate((times.listing, times.model)):
            axes.plot(
                times.sizes, seconds, color=CYCLE[number], marker=MARKERS[number],
                markeredgecolor=SURFACE,
            )  # fmt: skip
        axes.set(xscale="log", yscale="log", xlabel="samples", ylabel="processor seconds")
        axes.set_xticks(times.sizes, [str(size) for size in times.sizes])
        axes.minorticks_off()
        label_lines(axes, ["listing: compile", "model: whole fit"])
    return Picture(
        fig,
        f"From {times.sizes[0]} to {times.sizes[-1]} samples the compilation of the listing goes "
        f"from {times.listing[0]:.2g} to {times.listing[-1]:.2g} seconds, a whole fit of the model "
        f"from {times.model[0]:.2g} to {times.model[-1]:.2g} seconds.",
    )


def stopping(run):
    """The gap of the data term, and what the objective still falls, while it falls.

    Parameters
    ----------
    run : StoppingRun
    """
    falls = run.excess > _ROUNDING
    sweeps = np.arange(1, len(run.gap) + 1)[falls]
    gaps = np.maximum(np.abs(run.gap), _ROUNDING)
    curves = {"|P \N{MINUS SIGN} F|": gaps[falls], "still to fall": run.excess[falls]}
    with style():
        fig, axes = figure(height=3.2)
        for number, values in enumerate(curves.values()):
            axes.plot(
                sweeps, values, color=CYCLE[1 - number], marker=MARKERS[number],
                markeredgecolor=SURFACE,
            )  # fmt: skip
        axes.set(yscale="log", xlabel="sweep", ylabel="fall of the objective", xticks=sweeps)
        label_lines(axes, list(curves))
    return Picture(
        fig,
        f"After the first sweep the gap between the data terms is {abs(run.gap[0]):.0e} while the "
        f"objective has still {run.excess[0]:.2f} to fall; after the second they are "
        f"{abs(run.gap[1]):.2g} and {run.excess[1]:.2g}.",
    )


def variants(flowers, fits):
    """Several models of the flowers side by side.

    Parameters
    ----------
    flowers : Flowers
    fits : dict of str to LatentFactorFit
    """
    with style():
        fig, axes = figure(ncols=len(fits), height=2.9, sharex=True, sharey=True)
        for panel, (name, fit) in zip(axes, fits.items()):
            _draw_laws(panel, flowers, fit)
            panel.set(title=name, xlabel="sepal width (cm)", ylim=(-0.1, 2.8))
        axes[0].set_ylabel("petal width (cm)")
    described = "; ".join(f"{name}: {_sizes(fit)} flowers" for name, fit in fits.items())
    return Picture(fig, f"Two laws for the flowers, under different rules. {described}.")


def starts(spread, count):
    """Final objectives of many starts, and where the best of a few of them ends.

    Parameters
    ----------
    spread : StartSpread
    count : int
        Number of starts that one can afford.
    """
    least, largest = spread.objectives[0], spread.objectives[-1]
    low, high = spread.best_of(count, 0.1), spread.best_of(count, 0.9)
    with style():
        fig, axes = figure(height=3.0)
        axes.hist(
            spread.objectives, bins=np.linspace(least, largest, 40), color=MUTED, alpha=0.45,
            edgecolor=SURFACE, linewidth=0.6,
        )  # fmt: skip
        axes.axvspan(low, max(high, low + 0.02), color=CYCLE[0], alpha=0.25, linewidth=0)
        axes.axvline(spread.best_of(count, 0.5), color=CYCLE[0])
        axes.set(
            xlabel="final objective", ylabel="starts",
            title=f"best of {count}: {spread.best_of(count, 0.5):.2f} (least {least:.2f})",
        )  # fmt: skip
    return Picture(
        fig,
        f"Final objectives of {len(spread.objectives)} starts, from {least:.2f} to {largest:.2f}. "
        f"The best of {count} starts is below {spread.best_of(count, 0.5):.2f} with probability "
        f"one half, and below {high:.2f} with probability 0.9.",
    )


def labels_in_time(series, fitted):
    """Weight of the second law in time under two penalties, above the true law.

    Parameters
    ----------
    series : Series
    fitted : WeightedLabels
    """
    times = np.arange(len(series.labels))
    with style():
        fig, axes = figure(nrows=len(fitted.second), height=4.0, sharex=True)
        for number, (panel, (name, second)) in enumerate(zip(axes, fitted.second.items())):
            panel.fill_between(
                times, series.labels, step="mid", color=MUTED, alpha=0.25, linewidth=0
            )
            panel.step(times, second, where="mid", color=CYCLE[number], linewidth=1.6)
            panel.set(
                title=f"{name}: {fitted.accuracy[name]:.0%} right", ylim=(-0.04, 1.04),
                yticks=(0, 1), ylabel="second law",
            )  # fmt: skip
        axes[-1].set_xlabel("sample")
    found = "; ".join(f"{name} {value:.0%}" for name, value in fitted.accuracy.items())
    return Picture(
        fig,
        f"Labels of {len(times)} samples with penalties of weight {fitted.weight:g}. Right labels: "
        f"{found}.",
    )


def _draw_laws(axes, flowers, fit):
    for k, law in enumerate(fit.parameters):
        for species, marker in ((flowers.setosa, "o"), (~flowers.setosa, "s")):
            chosen = species & (fit.labels == k)
            axes.plot(
                flowers.sepal[chosen], flowers.petal[chosen], marker, color=CYCLE[k], alpha=0.6,
                markersize=4.5, markeredgecolor=SURFACE, markeredgewidth=0.4,
            )  # fmt: skip
        axes.plot(_WIDTHS, np.polyval(np.atleast_1d(law), _WIDTHS), color=CYCLE[k])


def _sizes(fit):
    return " and ".join(map(str, np.bincount(fit.labels, minlength=len(fit.parameters))))
