"""Figures of the chapter on alternating optimisation."""

import itertools

import numpy as np

from multiconvex.studies.alternating_optimization import kinked

from .labels import label_lines
from .palette import CYCLE, GRID, INK, MUTED, SURFACE
from .picture import Picture
from .styling import SEQUENTIAL, figure, style

_BAND = 40


def question(data, race):
    """The scene in one band, and the gap of the least and the most exact run.

    Parameters
    ----------
    data : multiconvex.studies.alternating_optimization.Corner
    race : multiconvex.studies.alternating_optimization.Race
        With runs named ``"1"`` and ``"exact"``.
    """
    names = {name: _named(name) for name in ("1", "exact")}
    with style():
        fig, (left, right) = figure(ncols=2, height=2.9, gridspec_kw={"width_ratios": [1, 1.25]})
        left.imshow(data.cube[:, :, _BAND], cmap=SEQUENTIAL)
        left.set(title=f"band {_BAND} of {data.cube.shape[2]}", xticks=[], yticks=[])
        left.grid(False)
        left.spines[:].set_visible(False)
        for color, name in zip(CYCLE, names):
            right.plot(race.gap(name), color=color)
        right.set(yscale="log", xlabel="sweep", title="relative gap")
        label_lines(right, list(names.values()))
    ends = "; ".join(f"{label} ends at {race.gap(name)[-1]:.1e}" for name, label in names.items())
    return Picture(
        fig,
        f"Left, fields and woods seen from the air, {data.cube.shape[0]} pixels wide. Right, the "
        f"relative gap of the objective along {len(race.gap('1')) - 1} sweeps: {ends}.",
    )


def majorant(run, k):
    """One step of alternation as majorisation: the marginal objective and its majorant at sweep k.

    Parameters
    ----------
    run : multiconvex.studies.alternating_optimization.Swamp
    k : int
    """
    grid = np.linspace(0, 1.35, 200)
    here, there = run.w[k], run.w[k + 1]
    with style():
        fig, axes = figure(height=3.4)
        axes.plot(grid, run.marginal(grid), color=INK)
        axes.plot(grid, run.majorant(grid, k), color=CYCLE[0])
        axes.set(ylim=(0, 0.42), xlabel="$w$", ylabel="objective")
        axes.vlines([here, there], 0, run.majorant(np.array([here, there]), k), GRID, lw=1.2)
        axes.plot(here, run.marginal(here), "o", color=CYCLE[0], ms=8, mec=SURFACE)
        axes.plot(there, run.majorant(there, k), "D", color=CYCLE[1], ms=8, mec=SURFACE)
        axes.plot(run.solution, run.marginal(run.solution), "*", color=INK, ms=11, mec=SURFACE)
        axes.annotate(
            "$w_k$", (here, 0), xytext=(0, 4), textcoords="offset points", ha="right", color=INK
        )
        axes.annotate("$w_{k+1}$", (there, 0), xytext=(3, 4), textcoords="offset points", color=INK)
        axes.annotate(
            "$G$", (1.2, run.marginal(1.2)), xytext=(0, 7), textcoords="offset points", color=INK
        )
        peak = grid[(grid > there) & (run.majorant(grid, k) < 0.36)][-1]
        axes.annotate(
            "majorant", (peak, run.majorant(peak, k)), xytext=(-8, 0), color=INK,
            textcoords="offset points", ha="right", va="center",
        )  # fmt: skip
    return Picture(
        fig,
        f"Sweep {k}: the majorant touches the marginal objective at w = {here:.3f}, where both are "
        f"{run.marginal(here):.3f}, and is least at {there:.3f}, where the marginal objective is "
        f"{run.marginal(there):.3f}. The solution is {run.solution:.3f}.",
    )


def powell(path, updates):
    """Powell's iterates around the cube, and what an observer of the objective sees.

    Parameters
    ----------
    path : multiconvex.studies.alternating_optimization.Path
    updates : int
        Number of updates shown.
    """
    shown = _projected(path.points[: updates + 1])
    count = np.arange(len(path.points))
    place = ", ".join(f"{value:+.2f}" for value in path.points[updates])
    place = place.replace("-", "\N{MINUS SIGN}")
    with style():
        fig, (left, right) = figure(ncols=2, height=2.9)
        for one, other in _edges():
            left.plot(*_projected(np.array([one, other])).T, color=MUTED, lw=0.9)
        left.plot(*shown.T, color=CYCLE[0], lw=2.2)
        left.plot(*shown[0], "o", color=CYCLE[0], mec=SURFACE, ms=6)
        left.plot(*shown[-1], "D", color=CYCLE[1], mec=SURFACE, ms=9)
        left.set(xlim=(-2.1, 1.9), ylim=(-1.9, 1.6), aspect="equal")
        left.text(-0.1, -1.88, f"({place})", ha="center", color=INK)
        left.axis("off")
        right.plot(count, path.objective - 1, color=CYCLE[2])
        right.plot(count, path.slope, color=CYCLE[3])
        right.set(yscale="log", xlabel="update")
        label_lines(right, ["$f - 1$", r"$\|\nabla f\|$"])
        for values, color in ((path.objective - 1, CYCLE[2]), (path.slope, CYCLE[3])):
            right.plot(updates, values[updates], "o", color=color, mec=SURFACE, ms=8)
    return Picture(
        fig,
        f"After {updates} updates the point is ({place}), near a corner of the cube with corners "
        f"at plus and minus one. The objective is {path.objective[updates]:.4f} and the norm of "
        f"the gradient {path.slope[updates]:.2f}.",
    )


def _edges():
    corners = list(itertools.product((-1.0, 1.0), repeat=3))
    for one, other in itertools.combinations(corners, 2):
        if np.abs(np.subtract(one, other)).sum() == 2:
            yield one, other


def _projected(points):
    """Oblique projection of points in space on the page."""
    return np.column_stack([points[:, 0] + 0.42 * points[:, 1], points[:, 2] + 0.33 * points[:, 1]])


def stuck(paths, weight):
    """Level lines of the kinked function and runs that stop on the kink.

    Parameters
    ----------
    paths : sequence of ndarray of shape (points, 2)
    weight : float
        Of the kink.
    """
    grid = np.linspace(-2, 3.2, 160)
    values = kinked(grid[:, None], grid[None, :], weight).T
    ends = (max(1 - weight, -2), min(1 + weight, 3.2))
    with style():
        fig, axes = figure(height=4.0)
        axes.contour(grid, grid, values, levels=12, colors=[GRID], linewidths=1.0)
        axes.plot(ends, ends, color=CYCLE[1], lw=5, alpha=0.45, solid_capstyle="butt")
        for path in paths:
            axes.plot(*path.T, color=CYCLE[0], marker="o", ms=5, mec=SURFACE)
            axes.plot(*path[-1], "D", color=CYCLE[0], mec=SURFACE, ms=9)
        axes.plot(1, 1, "*", color=INK, mec=SURFACE, ms=16)
        axes.annotate("minimiser", (1, 1), xytext=(12, -5), textcoords="offset points", color=INK)
        axes.set(xlabel="$x$", ylabel="$y$", aspect="equal", xlim=(-2, 3.2), ylim=(-2, 3.2))
        axes.grid(False)
    halts = "; ".join(
        f"from ({a:g}, {b:g}) to ({x:.2g}, {y:.2g})"
        for (a, b), (x, y) in ((path[0], path[-1]) for path in paths)
    )
    return Picture(
        fig,
        f"Runs of exact alternation stop on the diagonal: {halts}. Every point of the diagonal "
        f"from {ends[0]:.2g} to {ends[1]:.2g} is a coordinatewise minimum; the minimiser is "
        "(1, 1).",
    )


def inner_passes(race, passes):
    """The gap of all runs per sweep and per second, one of them highlighted.

    Parameters
    ----------
    race : multiconvex.studies.alternating_optimization.Race
    passes : str
        Name of the run to highlight.
    """
    with style():
        fig, panels = figure(ncols=2, height=3.2, sharey=True)
        for axes, attribute in zip(panels, ("iteration", "seconds")):
            for name, trace in race.traces.items():
                x = getattr(trace, attribute)[1:]
                chosen = name == passes
                axes.plot(
                    x, race.gap(name)[1:], color=CYCLE[0] if chosen else MUTED,
                    lw=2.8 if chosen else 0.7, zorder=3 if chosen else 1,
                )  # fmt: skip
            axes.set(xscale="log", yscale="log")
        panels[0].set(xlabel="sweep", ylabel="relative gap", title=_named(passes))
        panels[1].set(xlabel="seconds")
    gap = race.gap(passes)
    return Picture(
        fig,
        f"{_named(passes)} over each block: the relative gap falls from {gap[1]:.1e} after one "
        f"sweep to {gap[-1]:.1e} after {len(gap) - 1}, in {race.traces[passes].seconds[-1]:.2g} "
        "seconds.",
    )


def _named(passes):
    return {"1": "1 pass", "exact": "exact"}.get(passes, f"{passes} passes")


def swamps(runs):
    """Distance to the solution along exact alternation, with the predicted slopes.

    Parameters
    ----------
    runs : sequence of multiconvex.studies.alternating_optimization.Swamp
    """
    with style():
        fig, axes = figure(height=3.3)
        for color, run in zip(CYCLE, runs):
            distance = np.abs(run.h - run.solution)
            last = np.flatnonzero(distance > 1e-9)[-1]
            axes.plot(distance[: last + 1], color=color)
            axes.annotate(
                rf"$\lambda = {run.weight:g}$", (last, distance[last]), xytext=(5, 0),
                textcoords="offset points", va="center", color=INK,
            )  # fmt: skip
            steps = np.arange(last // 2, last + 1)
            line = 3 * distance[last] * run.predicted_rate ** (steps - last)
            axes.plot(steps, line, color=color, lw=1.2, ls=(0, (4, 3)))
        axes.set(yscale="log", xlabel="sweep", ylabel="distance to the solution")
    rates = "; ".join(
        f"weight {run.weight:g}, predicted {run.predicted_rate:.3f}, measured "
        f"{run.measured_rate:.3f}"
        for run in runs
    )
    return Picture(fig, f"Straight lines on a logarithmic axis. Factor per sweep: {rates}.")


def extrapolation(race, weight):
    """The gap with one extrapolation weight held, with the adaptive one, and without any.

    Parameters
    ----------
    race : multiconvex.studies.alternating_optimization.Race
    weight : float
    """
    held = f"{weight:g}"
    restarts = {name: np.flatnonzero(t.event == "restart") for name, t in race.traces.items()}
    with style():
        fig, axes = figure(height=3.4)
        for name, color in (("plain", MUTED), ("adaptive", CYCLE[1]), (held, CYCLE[0])):
            axes.plot(race.gap(name), color=color, lw=2.4 if name == held else 1.6)
        values = np.concatenate([race.gap(name) for name in race.traces])
        axes.set(
            yscale="log", xlabel="sweep", ylabel="relative gap",
            ylim=(0.5 * values.min(), 2 * values.max()),
        )  # fmt: skip
        label_lines(axes, ["plain", "adaptive", rf"$\beta = {held}$"])
        where = restarts[held]
        axes.plot(where, race.gap(held)[where], "D", color=CYCLE[0], mec=SURFACE, ms=7)
    gaps = "; ".join(f"{name} {race.gap(name)[-1]:.1e}" for name in ("plain", "adaptive"))
    return Picture(
        fig,
        f"Weight {held} held: {len(where)} restarts, final gap {race.gap(held)[-1]:.1e}. "
        f"For comparison: {gaps}, the adaptive run with {len(restarts['adaptive'])} restarts.",
    )
