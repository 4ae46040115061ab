"""Figures of the chapter on majorants with one curvature for each coordinate."""

import numpy as np

from .labels import label_lines
from .palette import CYCLE, GRID, INK, MUTED, SURFACE
from .picture import Picture
from .styling import MARKERS, SEQUENTIAL, figure, style


def water(lake, runs, steps):
    """The amounts of the dark material after some steps of two rules, and the exact ones.

    Parameters
    ----------
    lake : multiconvex.studies.median_majorants.Lake
    runs : multiconvex.studies.median_majorants.LakeRuns
    steps : int
    """
    rules = {"gradient": "one step size", "ones": "one for each"}
    shown = {title: runs.maps[rule][steps] for rule, title in rules.items()}
    shown["exact"] = runs.exact
    with style():
        fig, panels = figure(ncols=3, height=2.35)
        for axes, (title, image) in zip(panels, shown.items()):
            axes.imshow(image, cmap=SEQUENTIAL, vmin=0.0, vmax=1.2)
            axes.set(title=title)
            axes.axis("off")
    errors = {title: runs.errors(rule)[steps] for rule, title in rules.items()}
    listed = " and ".join(f"{error:.2f} with {title}" for title, error in errors.items())
    return Picture(
        fig,
        f"Maps of {lake.names[0]} after {steps} steps: relative distance to the exact amounts "
        f"{listed}.",
    )


def slices(sliced):
    """A loss along each coordinate through a point, below three majorants.

    Parameters
    ----------
    sliced : multiconvex.studies.median_majorants.Slices
    """
    dashes = ("-", (0, (5, 1.6)), (0, (1.2, 1.2)))
    with style():
        fig, panels = figure(ncols=3, height=3.1, sharey=True)
        for q, axes in enumerate(panels):
            axes.plot(sliced.moves, sliced.loss[q], color=INK)
            for color, dash, curve in zip(CYCLE, dashes, sliced.majorants.values()):
                axes.plot(sliced.moves, curve[q], color=color, linestyle=dash)
            axes.plot(0.0, 0.0, "o", color=INK, markeredgecolor=SURFACE)
            axes.set(title=f"$x_{q + 1} = {sliced.point[q]:.2f}$", xlabel=f"move of $x_{q + 1}$")
            axes.set(ylim=(-0.04, 0.16), xticks=[-0.4, 0, 0.4])
        panels[0].set(ylabel="change of the loss")
        handles = [*panels[0].lines[:4]]
        names = ["loss", *sliced.majorants]
        fig.legend(handles, names, loc="outside lower center", ncols=2)
    listed = "; ".join(
        f"{rule}: {', '.join(f'{value:.2f}' for value in values)}"
        for rule, values in sliced.curvatures.items()
    )
    return Picture(
        fig,
        f"At the point {', '.join(f'{value:.2f}' for value in sliced.point)}, curvatures of the "
        f"majorants along the three coordinates: {listed}.",
    )


def gamma_path(path):
    """Steps of one length in the plane, and how the length decides the rate.

    Parameters
    ----------
    path : multiconvex.studies.median_majorants.GammaPath
    """
    side = np.linspace(-0.5, 2.9, 80)
    gaps = np.stack(np.meshgrid(side, side)) - path.solution[:, None, None]
    loss = 0.5 * np.einsum("iab,ij,jab->ab", gaps, path.hessian, gaps)
    gammas = np.linspace(0.05, 2.2, 100)
    with style():
        fig, (left, right) = figure(ncols=2, height=3.1)
        left.contour(side, side, loss, levels=8, colors=[GRID], linewidths=1.0)
        left.plot(*path.points.T, color=CYCLE[0], marker="o", markersize=4, linewidth=1.3)
        left.plot(*path.solution, "*", color=CYCLE[1], markersize=14, markeredgecolor=SURFACE)
        left.set(xlim=(-0.5, 2.9), ylim=(-0.5, 2.9), aspect="equal", xlabel="$x_1$")
        left.set(ylabel="$x_2$", title=rf"$\gamma = {path.gamma:g}$")
        left.grid(visible=False)
        right.plot(gammas, path.predicted(gammas), color=MUTED)
        right.axhline(1.0, color=CYCLE[7], linewidth=1.0, linestyle=(0, (4, 3)))
        right.plot(path.gamma, path.measured, "o", color=CYCLE[0], markeredgecolor=SURFACE, ms=9)
        right.set(xlabel=r"$\gamma$", title="factor per step", ylim=(0.5, 1.2), xlim=(0, 2.25))
    return Picture(
        fig,
        f"With gamma {path.gamma:g} the distance to the solution is multiplied by "
        f"{path.measured:.3f} in a step; predicted {float(path.predicted(path.gamma)):.3f}.",
    )


def race(races):
    """Sweeps that each rule needs to one relative error, in several races, and their medians.

    Parameters
    ----------
    races : sequence of multiconvex.studies.median_majorants.FactorRace
    """
    rules = list(races[0].errors)
    counts = np.array([[one.sweeps(rule) for one in races] for rule in rules])
    medians = np.median(counts, axis=1)
    places = np.arange(len(rules))
    with style():
        fig, axes = figure(height=3.9)
        axes.barh(places, medians, color=CYCLE[0], alpha=0.45, height=0.6, linewidth=0)
        for place, row in zip(places, counts):
            axes.plot(row, np.full(len(row), place), "o", color=CYCLE[0], markersize=4)
        for place, median, row in zip(places, medians, counts):
            axes.annotate(
                f"{median:.0f}", (max(row.max(), median), place), xytext=(7, 0),
                textcoords="offset points", va="center",
            )  # fmt: skip
        axes.set_yticks(places, rules)
        axes.set(xscale="log", xlabel=f"sweeps to a relative error of {races[0].target:g}")
        axes.set_xlim(10, 2.2 * counts.max())
        axes.grid(axis="y", visible=False)
        axes.invert_yaxis()
    listed = "; ".join(f"{rule} {median:.0f}" for rule, median in zip(rules, medians))
    return Picture(fig, f"Median number of sweeps over {len(races)} races: {listed}.")


def divergence(sliced):
    """The divergence of one count and its second-order model at a point.

    Parameters
    ----------
    sliced : multiconvex.studies.median_majorants.DivergenceSlice
    """
    here, there = sliced.loss_at(sliced.point), sliced.loss_at(sliced.landing)
    outcome = "higher" if there > here else "lower"
    with style():
        fig, axes = figure(height=3.1)
        axes.plot(sliced.grid, sliced.loss, color=INK)
        axes.plot(sliced.grid, sliced.model, color=CYCLE[0], linestyle=(0, (5, 1.6)))
        axes.set(ylim=(-0.6, 2.6), xlim=(0, 4.6), xlabel="model $z$ of the count", ylabel="loss")
        label_lines(axes, ["divergence", "its model"])
        axes.plot(sliced.point, here, "o", color=CYCLE[0], markersize=9, markeredgecolor=SURFACE)
        axes.axvline(sliced.landing, color=CYCLE[1], linewidth=1.2, linestyle=(0, (2, 2)))
        axes.plot(
            sliced.landing, min(there, 2.5), MARKERS[2] if np.isfinite(there) else "^",
            color=CYCLE[1], markersize=9, markeredgecolor=SURFACE, clip_on=False,
        )  # fmt: skip
        axes.set_title(f"from {sliced.point:g} to {sliced.landing:.2f}: {outcome}")
    end = f"{there:.3f}" if np.isfinite(there) else "infinity"
    return Picture(
        fig,
        f"At {sliced.point:g} the divergence is {here:.3f}. The model is least at "
        f"{sliced.landing:.2f}, where the divergence is {end}: {outcome}.",
    )
