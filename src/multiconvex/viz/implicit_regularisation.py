"""Figures of the chapter on implicit regularisation."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from .labels import label_lines
from .palette import CYCLE, GRID, INK, MUTED, SURFACE
from .picture import Picture
from .styling import MARKERS, figure, style
from .tables import format_value

_DASHED = (0, (4, 3))


def softening(found):
    """Singular values of ridge models against the weight, and those of the data, softened.

    Parameters
    ----------
    found : Softening
    """
    fine = np.linspace(0.0, found.weights.max(), 400)
    with style():
        fig, axes = figure(height=3.2)
        for number, value in enumerate(found.data):
            color = CYCLE[number]
            axes.plot(fine, np.maximum(value - fine, 0.0), color=color, linewidth=1.3)
        for number in range(len(found.data)):
            axes.plot(
                found.weights, found.models[:, number], MARKERS[number], color=CYCLE[number],
                markeredgecolor=SURFACE, markersize=6,
            )  # fmt: skip
        axes.set(xlabel="ridge weight", ylabel="singular values of the model", ylim=(-0.4, None))
    return Picture(
        fig,
        f"The {len(found.data)} leading singular values of ridge models for "
        f"{len(found.weights)} weights. They lie on those of the data, "
        f"{_listed(found.data)}, less the weight, to {format_value(found.error)}.",
    )


def thresholds(curves):
    """Size of a component against its price, for several exponents.

    Parameters
    ----------
    curves : sequence of Shrinkage
    """
    with style():
        fig, panels = figure(ncols=len(curves), height=2.7, sharey=True)
        for panel, curve in zip(panels, curves):
            kept = curve.sizes >= curve.switch
            cut = curve.prices[kept][-1]
            panel.plot(
                curve.prices[~kept], curve.sizes[~kept], color=CYCLE[1], linestyle=_DASHED,
                linewidth=1.8,
            )  # fmt: skip
            panel.plot(curve.prices[kept], curve.sizes[kept], color=CYCLE[0], linewidth=2.4)
            panel.plot([cut, 1.15], [0.0, 0.0], color=CYCLE[0], linewidth=2.4)
            panel.set(
                xlabel="price c", title=f"a = {_fraction(curve.exponent)}", xticks=[0, 0.5, 1]
            )
        panels[0].set_ylabel("size left")
    lasts = [
        f"{_fraction(curve.exponent)} it drops to zero from {curve.switch:.2f}, and as a local "
        f"minimum it lasts down to {curve.sizes.min():.2f}"
        for curve in curves
        if curve.exponent < 1
    ]
    return Picture(
        fig,
        "Size of a component, one in the data, against the price of size to the power a. "
        f"With exponent one it falls continuously to zero. With exponent {'; with '.join(lasts)}.",
    )


def path(found, weight):
    """Both factors at one weight, and the sizes of the components along the path.

    Parameters
    ----------
    found : Path
    weight : float
    """
    fit, sizes = found.at(weight), found.sizes
    with style():
        fig, panels = figure(ncols=3, height=2.8, gridspec_kw={"width_ratios": [1, 1, 1.35]})
        for panel, factor, label in zip(panels, fit.factors, ("row", "column")):
            for q, column in enumerate(factor.T):
                panel.plot(np.arange(1, len(column) + 1), column, color=CYCLE[q], linewidth=1.7)
            panel.set(xlabel=label, ylim=(-0.05, 1.6))
        panels[0].set_title("W")
        panels[1].set_title("H")
        _draw_sizes(panels[2], found.weights, sizes, fit.component_sizes, weight)
        panels[2].set_title("sizes")
    return Picture(
        fig,
        f"l1 weights {weight:g} on both factors: {_counted(fit.n_active)} of sizes "
        f"{_listed(fit.component_sizes)}. Along the path components vanish at "
        f"{_listed([lost.weight for lost in found.vanishings])}, from sizes "
        f"{_listed([lost.size for lost in found.vanishings])}.",
    )


def stability(found, best):
    """Components along the path and in the best fits, and what the path pays too much.

    Parameters
    ----------
    found : Path
    best : BestFits
    """
    followed = [found.at(weight) for weight in best.weights]
    excess = 100 * (np.array([fit.objective for fit in followed]) / best.objectives - 1)
    worst = int(excess.argmax())
    with style():
        fig, (left, right) = figure(ncols=2, height=3.0)
        left.plot(found.weights, found.counts, color=CYCLE[1], drawstyle="steps-post")
        left.plot(
            best.weights, best.counts, color=CYCLE[0], drawstyle="steps-post", linestyle=_DASHED
        )
        left.set(xlabel="l1 weight", title="components", yticks=range(found.counts.max() + 1))
        last = found.vanishings[-1].weight
        left.text(last + 0.1, 0.75, "path", ha="left", va="center")
        left.text(_last_change(best), 0.25, "best", ha="right", va="center")
        right.plot(best.weights, excess, color=CYCLE[1])
        right.set(xlabel="l1 weight", title="excess of the path (%)")
    return Picture(
        fig,
        f"The path loses components at {_listed([lost.weight for lost in found.vanishings])}; the "
        f"best fits have their last one up to {_last_change(best):.2g}. The objective of the path "
        f"exceeds the best by up to {excess[worst]:.0f} per cent, at weight "
        f"{best.weights[worst]:.2g}.",
    )


def swamp(runs):
    """Two numbers and their objective, sweep by sweep, plain and balanced.

    Parameters
    ----------
    runs : dict of str to Swamp
    """
    plain = runs["plain"]
    first = np.geomspace(0.15, 6.0, 100)
    with style():
        fig, (left, right) = figure(ncols=2, height=3.2)
        left.plot(first, plain.y / first, color=GRID, linewidth=3.5)
        left.plot(
            plain.solution, plain.solution, "o", color=INK, markersize=13, mfc="none", mew=1.6
        )
        sweeps = np.arange(len(plain.points))
        shown = np.unique(np.geomspace(1, len(sweeps), 40).astype(int)) - 1
        for number, run in enumerate(runs.values()):
            color, marker = CYCLE[1 - number], MARKERS[number]
            left.plot(*run.points[shown].T, marker, color=color, markersize=4, mew=0)
            gap = np.where(run.gap > 1e-13, run.gap, np.nan)
            right.plot(sweeps, gap, color=color, marker=marker, markevery=0.12, mec=SURFACE)
        left.set(xscale="log", yscale="log", xlabel="x₁", ylabel="x₂", aspect="equal")
        left.set(xlim=(0.15, 7.0), ylim=(0.15, 7.0))
        for axis in (left.xaxis, left.yaxis):
            axis.set_ticks([0.2, 1, 5], ["0.2", "1", "5"])
            axis.minorticks_off()
        right.set(yscale="log", xlabel="sweep", title="relative gap", ylim=(1e-13, 30))
        right.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        _label_decades(right.yaxis, (-12, -8, -4, 0))
        label_lines(right, list(runs))
    reached = ", ".join(
        f"{name} {run.points[-1][0]:.3f} and {run.points[-1][1]:.3f}" for name, run in runs.items()
    )
    return Picture(
        fig,
        f"Weight {plain.weight:g}: after {len(plain.points) - 1} sweeps the two numbers are "
        f"{reached}; the solution is {plain.solution:.3f} for both. The relative gap is "
        + ", ".join(
            f"{format_value(max(float(run.gap[-1]), 0.0))} {name}" for name, run in runs.items()
        )
        + ".",
    )


def scales(curves):
    """The objective along multiples of a start, for several weights.

    Parameters
    ----------
    curves : sequence of ScaleCurve
    """
    with style():
        fig, axes = figure(height=3.2)
        for number, curve in enumerate(curves):
            axes.plot(curve.scales, curve.objective, color=CYCLE[number])
        axes.set(xlabel="common scale of all factors", ylabel="objective / that of zero")
        axes.set_ylim(min(curve.objective.min() for curve in curves) - 0.06, 1.45)
        label_lines(axes, [f"weight {curve.weight:.1f}" for curve in curves])
        for number, curve in enumerate(curves):
            axes.plot(
                curve.best, np.interp(curve.best, curve.scales, curve.objective),
                MARKERS[number], color=CYCLE[number], markersize=9, mec=SURFACE,
            )  # fmt: skip
    parts = [
        f"weight {curve.weight:.2f} has {len(curve.roots)} positive stationary scales and is best "
        f"at {curve.best:.2f}"
        for curve in curves
    ]
    return Picture(fig, "Objective along multiples of one start: " + "; ".join(parts) + ".")


def analytes(selection, known, data, weight):
    """Sizes of the components against the weight, and the spectra found at one weight.

    Parameters
    ----------
    selection : RankSelection
    known : pair of ndarray
        Known emission and excitation spectra, with peaks of one.
    data : FluorescenceTensor
    weight : float
    """
    fit = selection.at(weight)
    with style():
        fig, panels = figure(ncols=3, height=3.0, gridspec_kw={"width_ratios": [1.25, 1, 1]})
        _draw_sizes(panels[0], selection.weights, selection.sizes, fit.component_sizes, weight)
        panels[0].set(yscale="log", xlabel="ridge weight", ylim=(0.003, 1.2))
        _label_decades(panels[0].yaxis, (-2, -1, 0))
        panels[0].set_title(_counted(fit.n_active))
        for panel, found, truth, axis in zip(panels[1:], fit.pruned()[1:], known, data.axes[1:]):
            for column in found.T:
                panel.plot(axis.values, column / column.max(), color=CYCLE[0], linewidth=1.5)
            for column in truth.T:
                panel.plot(axis.values, column, ":", color=CYCLE[1], linewidth=2.2)
            panel.set(xlabel=axis.label, yticks=[])
            panel.locator_params(axis="x", nbins=3)
    low, high = selection.plateau(known[0].shape[1])
    return Picture(
        fig,
        f"Ridge weight {weight:g}: {_counted(fit.n_active)} of sizes "
        f"{_listed(np.sort(fit.component_sizes)[::-1])}. Between the weights {low:g} and {high:g} "
        f"{known[0].shape[1]} components are left, with the known spectra.",
    )


def _draw_sizes(panel, weights, sizes, shown, weight):
    """Sizes against weights on a logarithmic axis, with one weight marked."""
    for q, column in enumerate(sizes.T):
        alive = np.where(column > 0, column, np.nan)
        panel.plot(weights, alive, color=CYCLE[q] if len(sizes.T) <= 3 else MUTED, linewidth=1.7)
    panel.axvline(weight, color=INK, linewidth=1.0)
    for q, size in enumerate(shown):
        if size > 0:
            color = CYCLE[q] if len(shown) <= 3 else CYCLE[0]
            panel.plot(weight, size, "o", color=color, markersize=6.5, mec=SURFACE)
    panel.set(xscale="log", xlabel="l1 weight")
    _label_decades(panel.xaxis, range(-5, 1, 1 if weights.min() > 1e-3 else 2))


def _label_decades(axis, exponents):
    """Label powers of ten as plain text, and nothing between them: mathematics is slow to draw."""
    low, high = axis.get_view_interval()
    shown = [k for k in exponents if low <= 10.0**k <= high]
    axis.set_ticks(
        [10.0**k for k in shown], [format_value(10.0**k).removeprefix("1 × ") for k in shown]
    )
    axis.minorticks_off()


def _last_change(best):
    return float(best.weights[best.counts > 0].max())


def _counted(number):
    return f"{number} component" + ("" if number == 1 else "s")


def _fraction(exponent):
    return {1.0: "1", 0.5: "1/2"}.get(exponent, "2/3")


def _listed(values):
    return ", ".join(f"{value:.3g}" for value in values)
