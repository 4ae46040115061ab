"""Figures of the chapter on extrapolation."""

import numpy as np

from multiconvex.studies.extrapolation import (
    best_weight,
    factor_per_sweep,
    largest_weight,
    pair,
)

from .labels import label_lines
from .palette import CYCLE, GRID, INK, MUTED, SURFACE
from .picture import Picture
from .styling import MARKERS, SEQUENTIAL, figure, style


def question(reaction, *, sample=20):
    """One sample of the reaction, and the relative error of both fits.

    Parameters
    ----------
    reaction : multiconvex.studies.extrapolation.Reaction
    sample : int
    """
    names = ("plain", "extrapolated")
    runs = (reaction.plain, reaction.fast)
    _, emission, excitation = (axis.values for axis in reaction.data.axes[:3])
    with style():
        fig, (left, right) = figure(ncols=2, height=3.1, gridspec_kw={"width_ratios": [1, 1.5]})
        left.pcolormesh(
            excitation, emission, reaction.data.tensor[sample], cmap=SEQUENTIAL, rasterized=True
        )
        left.grid(False)
        left.set(xlabel="excitation (nm)", ylabel="emission (nm)", title="one sample")
        for color, run in zip((MUTED, CYCLE[0]), runs):
            right.plot(run.iteration[1:], reaction.relative_error(run)[1:], color=color)
        right.set(xscale="log", xlabel="sweep", title="relative error", ylim=(0.028, 0.031))
        label_lines(right, names)
    errors = "; ".join(
        f"{name} {reaction.relative_error(run)[300]:.4f}" for name, run in zip(names, runs)
    )
    return Picture(
        fig,
        f"Left, the fluorescence of one of {len(reaction.data.tensor)} samples. Right, the "
        f"relative error of two fits along {len(reaction.plain) - 1} sweeps; after 300 sweeps: "
        f"{errors}.",
    )


def bowl(race):
    """The objective of four methods on one quadratic, with two guarantees.

    Parameters
    ----------
    race : multiconvex.studies.extrapolation.BowlRace
    """
    names = list(race.traces)
    with style():
        fig, axes = figure(height=3.4)
        for color, trace in zip(CYCLE, race.traces.values()):
            axes.plot(trace.iteration[1:], trace.objective[1:], color=color)
        for color, bound in zip(CYCLE, race.bounds().values()):
            axes.plot(np.arange(1, len(bound) + 1), bound, color=color, lw=1.1, ls=(0, (4, 3)))
        axes.set(
            xscale="log", yscale="log", xlabel="step", ylabel="objective", ylim=(1e-13, 3.0),
        )  # fmt: skip
        label_lines(axes, names)
    ends = ", ".join(f"{name} {trace.objective[-1]:.1e}" for name, trace in race.traces.items())
    return Picture(
        fig,
        f"Condition number {race.condition:g}. After {len(race.traces[names[0]]) - 1} steps: "
        f"{ends}. The dashed lines are the guarantees of the first two.",
    )


def two_numbers(run, *, shown=25):
    """The path of extrapolated alternation over two numbers, and its rate against the weight.

    Parameters
    ----------
    run : multiconvex.studies.extrapolation.PairRun
    shown : int
        Sweeps of the path that are drawn.
    """
    path = np.repeat(run.points[: shown + 1], 2, axis=0)
    path = np.column_stack([path[1:, 0], path[:-1, 1]])
    grid = np.linspace(-1.35, 1.35, 80)
    height = 0.5 * grid[:, None] ** 2 + 0.5 * grid**2 - run.rho * grid[:, None] * grid
    weights = np.linspace(0.0, 0.7, 71)
    factors = [factor_per_sweep(pair(run.rho), weight) for weight in weights]
    with style():
        fig, (left, right) = figure(ncols=2, height=3.2)
        left.contour(
            grid, grid, height, levels=np.geomspace(2e-3, 1.0, 9), colors=[GRID], linewidths=1.0
        )
        left.plot(*path.T, color=CYCLE[0], lw=1.4)
        left.plot(*run.points[0], "o", color=CYCLE[0], mec=SURFACE, ms=7)
        left.plot(0, 0, "*", color=INK, mec=SURFACE, ms=13)
        left.set(xlim=(-1.35, 1.35), ylim=(-1.35, 1.35), aspect="equal", xlabel="$x$", ylabel="$y$")
        left.grid(False)
        right.plot(weights, factors, color=MUTED)
        right.axhline(1.0, color=GRID, lw=1.0)
        right.plot(run.beta, run.measured, "o", color=CYCLE[0], mec=SURFACE, ms=9)
        right.set(xlabel=r"weight $\beta$", title="factor per sweep", ylim=(0.55, 1.25))
    return Picture(
        fig,
        f"Two numbers with correlation {run.rho:g} and weight {run.beta:g}: the distance to the "
        f"solution changes by {run.measured:.3f} per sweep, {run.predicted:.3f} in theory. The "
        f"best weight is {best_weight(run.rho):.3f}.",
    )


def threshold(push):
    """Where fits with a held weight stop converging.

    Parameters
    ----------
    push : multiconvex.studies.extrapolation.Push
    """
    limits = {blocks: largest_weight(blocks) for blocks in push.excess}
    with style():
        fig, axes = figure(height=3.0)
        for number, (blocks, excess) in enumerate(push.excess.items()):
            axes.plot(
                push.weights, np.median(excess, axis=1), color=CYCLE[number],
                marker=MARKERS[number], mec=SURFACE,
            )  # fmt: skip
            axes.axvline(limits[blocks], color=CYCLE[number], lw=1.1, ls=(0, (4, 3)))
        axes.set(yscale="log", xlabel=r"weight $\beta$, held", ylabel="objective over plain")
        label_lines(axes, [f"{blocks} blocks" for blocks in push.excess])
    sentences = [
        f"with {blocks} blocks the median excess is {np.median(excess, axis=1)[0]:.2f} at weight "
        f"{push.weights[0]:g} and {np.median(excess, axis=1)[-1]:.0f} at {push.weights[-1]:g}, and "
        f"the limit in theory is {limits[blocks]:.3f}"
        for blocks, excess in push.excess.items()
    ]
    return Picture(fig, f"Objective over that of plain alternation: {'; '.join(sentences)}.")


def rules(traces):
    """The objective under each rule of restart on one problem.

    Parameters
    ----------
    traces : dict of str to Trace
    """
    with style():
        fig, axes = figure(height=3.6)
        for color, trace in zip((MUTED, *CYCLE), traces.values()):
            axes.plot(trace.objective, color=color, lw=1.7)
        values = np.concatenate([trace.objective for trace in traces.values()])
        axes.set(
            yscale="log", xlabel="sweep", ylabel="objective",
            ylim=(0.8 * values.min(), 1.3 * traces["plain"].objective[0]),
        )  # fmt: skip
        label_lines(axes, list(traces))
    ends = "; ".join(
        f"{name} {trace.objective[-1]:.3g}, {int(np.sum(np.diff(trace.objective) > 0))} rises"
        for name, trace in traces.items()
    )
    return Picture(fig, f"Objective after {len(traces['plain']) - 1} sweeps: {ends}.")


def speedups(found):
    """Ratio of plain to extrapolated work on every data set of every model.

    Parameters
    ----------
    found : multiconvex.studies.extrapolation.Speedups
    """
    models = list(found.costs)
    with style():
        fig, axes = figure(height=2.7)
        for place, model in enumerate(models):
            ratios = np.sort(found.ratios(model, "work"))
            shift = np.resize([-0.16, 0.0, 0.16], len(ratios))
            axes.plot(ratios, place + shift, "o", color=CYCLE[place], mec=SURFACE, ms=6, alpha=0.85)
            median = found.median(model, "work")
            axes.plot([median, median], [place - 0.34, place + 0.34], color=INK, lw=2.2)
        axes.axvline(1.0, color=MUTED, lw=1.0)
        axes.set_yticks(range(len(models)), models)
        axes.set(xlabel="plain sweeps over sweeps computed", ylim=(len(models) - 0.5, -0.5))
        axes.set_xlim(0, None)
        axes.grid(axis="y", visible=False)
    medians = ", ".join(f"{model} {found.median(model, 'work'):.1f}" for model in models)
    return Picture(
        fig,
        f"How many times less work extrapolation needs for the objective of {found.plain_sweeps} "
        f"plain sweeps, on {len(found.costs[models[0]])} data sets a model. Medians: {medians}.",
    )


def knobs(scan, beta):
    """Speed-up against the growth of the weight, for several reductions.

    Parameters
    ----------
    scan : multiconvex.studies.extrapolation.KnobScan
    beta : float
    """
    ratio = scan.ratio[scan.beta.index(beta)]
    growth = np.arange(len(scan.gamma))
    with style():
        fig, axes = figure(height=3.1)
        for number, values in enumerate(ratio):
            axes.plot(growth, values, color=CYCLE[number], marker=MARKERS[number], mec=SURFACE)
        axes.axhline(1.0, color=MUTED, lw=1.0)
        axes.set_xticks(growth, [f"{gamma:g}" for gamma in scan.gamma])
        axes.set(
            xlabel=r"growth $\gamma$", ylabel="speed-up in work", ylim=(0.8, 1.1 * scan.ratio.max())
        )
        label_lines(axes, [rf"$\eta = {eta:g}$" for eta in scan.eta])
    return Picture(
        fig,
        f"First weight {beta:g}: the median speed-up lies between {ratio.min():.1f} and "
        f"{ratio.max():.1f}, depending on growth and reduction.",
    )


def swamps(found):
    """Work with extrapolation against plain sweeps, on tensors with collinear components.

    Parameters
    ----------
    found : multiconvex.studies.extrapolation.Swamps
    """
    cosines = np.unique(found.cosine)
    line = np.geomspace(4.0, 1.3 * found.plain.max(), 50)
    with style():
        fig, axes = figure(height=3.5)
        for number, cosine in enumerate(cosines):
            those = found.cosine == cosine
            axes.plot(
                found.plain[those], found.work[those], MARKERS[number], color=CYCLE[number],
                mec=SURFACE, ms=7, label=f"{cosine:g}",
            )  # fmt: skip
        axes.plot(line, line, color=MUTED, lw=1.1)
        axes.plot(line, found.predicted(line), color=INK, lw=1.3, ls=(0, (4, 3)))
        axes.set(xscale="log", yscale="log", xlabel="plain sweeps", ylabel="sweeps computed")
        axes.legend(title="cosine", loc="center left", bbox_to_anchor=(1.0, 0.5))
    medians = "; ".join(
        f"cosine {cosine:g}, {np.median(found.plain[found.cosine == cosine]):.0f} and "
        f"{np.median(found.work[found.cosine == cosine]):.0f}"
        for cosine in cosines
    )
    return Picture(fig, f"Median sweeps, plain and extrapolated: {medians}.")
