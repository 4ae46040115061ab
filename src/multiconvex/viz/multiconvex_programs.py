"""Figures of the chapter on multi-convex programs."""

import numpy as np

from .labels import label_lines
from .palette import CYCLE, GRID, INK, MUTED, SURFACE
from .picture import Picture
from .styling import MARKERS, figure, style

_VERDICTS = {
    "fixed": (MUTED, "--"),
    "affine": (INK, "-"),
    "convex": (CYCLE[0], "-"),
    "concave": (CYCLE[2], "-"),
    "unknown": (CYCLE[1], ":"),
}


def reaction(data, fan, known):
    """Courses and spectra of two products from several starts, and those of the whole record.

    Parameters
    ----------
    data : Reaction
    fan : Fan
    known : str
        What the fits were told.
    """
    whole = [factor / factor.max(axis=0) for factor in (data.courses, data.spectra)]
    shown = (data.minutes, fan.courses, whole[0]), (data.emission, fan.spectra, whole[1])
    with style():
        fig, panels = figure(ncols=2, height=3.4, sharey=True)
        for axes, (x, factors, reference) in zip(panels, shown):
            for k in range(2):
                axes.plot(x, factors[:, :, k].T, color=CYCLE[k], lw=1.3, alpha=0.8)
                axes.plot(x, reference[:, k], color=INK, ls=(0, (4, 2)), lw=1.6)
            axes.set(ylim=(-0.04, 1.06))
            axes.margins(x=0.02)
        panels[0].set(xlabel="time (min)", ylabel="share of the peak", title="courses")
        panels[1].set(xlabel="emission (nm)", title="spectra")
        lines = [panels[0].lines[number] for number in (0, len(fan.courses) + 1, len(fan.courses))]
        names = ["first product", "second product", "whole record"]
        fig.legend(lines, names, loc="outside upper center", ncols=3)
    middle = np.median(fan.angles, axis=0)
    return Picture(
        fig,
        f"Known: {known}. Factors of sample {data.sample} from {len(fan.courses)} starts (solid) "
        "and from the whole record (dashed). Median angles between them, first and second product: "
        f"courses {middle[2]:.0f} and {middle[3]:.0f} degrees, spectra {middle[0]:.0f} and "
        f"{middle[1]:.0f} degrees.",
    )


def tree(nodes, fixed):
    """The operations of an expression, each with its verdict.

    Parameters
    ----------
    nodes : sequence of Node
    fixed : str
        Names of what is fixed.
    """
    depth = max(node.depth for node in nodes)
    with style():
        fig, axes = figure(height=4.0)
        for node in nodes:
            if node.parent is not None:
                above = nodes[node.parent]
                ends = [node.place, above.place], [-node.depth, -above.depth]
                axes.plot(*ends, color=GRID, lw=1.4, zorder=1)
        for node in nodes:
            _draw_node(axes, node)
        places = [node.place for node in nodes]
        axes.set(
            xlim=(min(places) - 0.55, max(places) + 0.55), ylim=(-depth - 0.45, 0.45),
            title=f"fixed: {fixed}; the whole is {nodes[0].verdict}",
        )  # fmt: skip
        axes.axis("off")
    described = ", ".join(f"{node.text} {node.verdict}" for node in nodes)
    return Picture(fig, f"With {fixed} fixed, from the outermost operation inwards: {described}.")


def _draw_node(axes, node):
    color, line = _VERDICTS[node.verdict]
    axes.text(
        node.place, -node.depth, f"{node.text}\n{node.verdict}", ha="center", va="center",
        color=INK, fontsize=10, linespacing=1.15, zorder=2,
        bbox={"boxstyle": "round,pad=0.3", "fc": SURFACE, "ec": color, "ls": line, "lw": 1.8},
    )  # fmt: skip


def clocks(traces):
    """Seconds that several solvers have taken after each sweep.

    Parameters
    ----------
    traces : dict of str to Trace
    """
    with style():
        fig, axes = figure(height=3.2)
        for number, trace in enumerate(traces.values()):
            axes.plot(
                trace.iteration[1:], trace.seconds[1:], color=CYCLE[number],
                marker=MARKERS[number], markevery=3, mec=SURFACE,
            )  # fmt: skip
        axes.set(yscale="log", xlabel="sweep", ylabel="seconds")
        label_lines(axes, list(traces))
    ends = "; ".join(
        f"{name} {trace.seconds[1]:.2g} after the first sweep and {trace.seconds[-1]:.2g} after "
        f"sweep {trace.iteration[-1]}"
        for name, trace in traces.items()
    )
    return Picture(fig, f"Seconds on a logarithmic axis: {ends}.")


def damping(runs, weight):
    """The objective along runs with different proximal weights, one of them highlighted.

    Parameters
    ----------
    runs : Damping
    weight : float
    """
    chosen, reached = runs.objectives[weight], runs.sweeps_to(-8.99)[weight]
    with style():
        fig, axes = figure(height=3.2)
        for other, values in runs.objectives.items():
            axes.plot(values, color=INK if other == 0 else MUTED, lw=1.6 if other == 0 else 0.8)
        axes.plot(chosen, color=CYCLE[0], lw=2.6, marker="o", mec=SURFACE)
        axes.set(
            xlabel="sweep", ylabel="objective", xticks=range(0, len(chosen), 2),
            title="exact" if weight == 0 else f"weight {weight:g}: there after {reached} sweeps",
        )  # fmt: skip
        axes.annotate(
            "exact", (3, runs.objectives[0][3]), xytext=(0, 6), textcoords="offset points",
            color=INK,
        )  # fmt: skip
    return Picture(
        fig,
        f"Proximal weight {weight:g}: the objective is {chosen[1]:.2f} after one sweep and reaches "
        f"the least value, minus nine, after {reached} sweeps; without a proximal term it needs "
        f"{runs.sweeps_to(-8.99)[0]}.",
    )


def stuck(path):
    """Level lines of the product of magnitudes on a halfspace, and a run of alternation.

    Parameters
    ----------
    path : Walk
    """
    grid = np.linspace(-1.4, 2.4, 191)
    x, y = np.meshgrid(grid, grid)
    values = np.where(x + y >= 1 - 1e-9, np.abs(x * y), np.nan)
    start, end = path.points[0], path.points[-1]
    with style():
        fig, axes = figure(height=4.2)
        axes.fill_between(grid, -1.4, np.minimum(1 - grid, 2.4), color=MUTED, alpha=0.18, lw=0)
        levels = [0.05, 0.15, 0.25, 0.5, 1, 1.5, 2, 3]
        axes.contour(x, y, values, levels=levels, colors=[GRID], linewidths=1.1)
        for ray in (([1, 2.4], [0, 0]), ([0, 0], [1, 2.4])):
            axes.plot(*ray, color=CYCLE[2], lw=5, alpha=0.5, solid_capstyle="butt")
        axes.plot([0, 1], [1, 0], color=CYCLE[1], lw=5, alpha=0.5, solid_capstyle="butt")
        axes.plot(*path.points.T, color=CYCLE[0], lw=2.2)
        axes.plot(*start, "o", color=CYCLE[0], mec=SURFACE, ms=8)
        axes.plot(*end, "D", color=CYCLE[0], mec=SURFACE, ms=9)
        axes.set(
            xlabel="$x$", ylabel="$y$", aspect="equal", xlim=(-1.4, 2.4), ylim=(-1.4, 2.4),
            title=f"ends at {_number(path.objective)}",
        )  # fmt: skip
        axes.grid(False)
        axes.text(-0.75, -0.75, "not feasible", color=INK, ha="center")
    return Picture(
        fig,
        f"Alternation from ({_number(start[0])}, {_number(start[1])}) ends at ({_number(end[0])}, "
        f"{_number(end[1])}), where the objective is {_number(path.objective)}. It is least, zero, "
        "where an axis lies in the halfspace; on the segment from (0, 1) to (1, 0) no single block "
        "can improve.",
    )


def _number(value):
    return f"{value + 0.0:.2f}".replace("-0.00", "0.00").replace("-", "\N{MINUS SIGN}")
