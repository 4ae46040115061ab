"""Figures of the chapter on training implicit models block by block."""

import numpy as np

from .labels import label_lines
from .palette import CYCLE, INK, MUTED
from .picture import Picture
from .styling import MARKERS, figure, style

_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


def curvatures(measured):
    """Least curvature of the divergence along segments, against the eigenvalue of the inequality.

    Parameters
    ----------
    measured : Curvatures
    """
    order = np.argsort(measured.eigenvalues)
    x, worst = measured.eigenvalues[order], measured.along_worst[order]
    random = measured.along_random[order]
    with style():
        fig, axes = figure(height=3.2)
        axes.plot(x, worst, marker=MARKERS[0], markersize=4, color=CYCLE[1])
        axes.plot(x, random, marker=MARKERS[1], markersize=4, color=CYCLE[0])
        axes.axhline(0.0, color=INK, linewidth=1.0)
        axes.axvline(0.0, color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)))
        axes.set(xlabel="smallest eigenvalue of the matrix inequality", ylabel="least curvature")
        label_lines(axes, ["worst segment", "random segments"])
    return Picture(
        fig,
        f"Least curvature of the divergence for eigenvalues from {x.min():.2f} to {x.max():.2f}: "
        f"along the worst segment it equals the eigenvalue, along random segments it goes from "
        f"{random[0]:.2f} to {random[-1]:.2f}.",
    )


def variants(paths):
    """Training error of the trained states and test error of the equilibrium, sweep by sweep.

    Parameters
    ----------
    paths : dict of str to Path
    """
    with style():
        fig, panels = figure(ncols=2, height=3.2)
        for color, path in zip(CYCLE, paths.values()):
            panels[0].plot(np.arange(1, len(path.relaxed) + 1), path.relaxed, color=color)
            panels[1].plot(np.arange(len(path.test)), path.test, color=color)
        for panel, title in zip(panels, ("training error", "test error")):
            panel.set(title=title, xlabel="sweep", yscale="log")
        label_lines(panels[1], list(paths))
    ends = [
        f"{name} {path.relaxed[-1]:.4f} and {path.test[-1]:.3f}" for name, path in paths.items()
    ]
    first = next(iter(paths.values())).test[0]
    return Picture(
        fig,
        "Training error of the trained states and test error of the equilibrium after the last "
        f"sweep: {'; '.join(ends)}. All test errors start at {first:.3f}.",
    )


def relaxed(curves, lam):
    """What the trained states say of a noisy sine, and what the equilibrium predicts.

    Parameters
    ----------
    curves : dict of float to RelaxedCurve
    lam : float
    """
    curve = curves[lam]
    with style():
        fig, axes = figure(height=3.2)
        axes.plot(curve.inputs, curve.targets, ".", color=MUTED, markersize=3, alpha=0.35)
        axes.plot(curve.inputs, curve.relaxed, ".", color=CYCLE[1], markersize=3, alpha=0.6)
        axes.plot(curve.places, curve.exact, color=CYCLE[0])
        axes.plot(curve.places, curve.truth, ":", color=INK, linewidth=1.5)
        axes.set(
            title=f"gap {100 * curve.gap:.2g}%", xlabel="input", ylabel="target", ylim=(-1.5, 1.5)
        )
    fitted = np.sqrt(np.mean((curve.relaxed - curve.targets) ** 2))
    error = np.sqrt(np.mean((curve.exact - curve.truth) ** 2))
    return Picture(
        fig,
        f"Weight of the divergence {lam:g}: the trained states leave a training error of "
        f"{fitted:.3f}, where the noise is 0.1; the equilibrium (line) is {error:.3f} away from "
        f"the sine (dotted). The states are {100 * curve.gap:.2g}% away from the equilibrium.",
    )


def dual_steps(network):
    """Objective and smallest eigenvalue of the inequality along a fit with dual steps.

    Parameters
    ----------
    network : ImplicitNetwork
    """
    trace = network.trace
    raised = trace.event == "dual step"
    with style():
        fig, panels = figure(ncols=2, height=2.9)
        for panel, values in zip(panels, (trace.objective, network.eigenvalues)):
            for part in np.split(np.arange(len(trace)), np.flatnonzero(raised)):
                panel.plot(trace.iteration[part], values[part], color=CYCLE[0])
            panel.plot(trace.iteration[raised], values[raised], "o", color=CYCLE[1], markersize=5)
            panel.set_xlabel("sweep")
        panels[0].set(title="objective", yscale="log")
        panels[1].set(title="smallest eigenvalue", ylim=(-1e-4, None))
    values = network.eigenvalues
    return Picture(
        fig,
        f"The objective falls from {trace.objective[0]:.3f} to {trace.objective[-1]:.4f} and jumps "
        f"up at {raised.sum()} dual steps, marked. The smallest eigenvalue stays between "
        f"{abs(values.min()):.1e} and {values.max():.1e}.",
    )


def seeds(rows, names, *, ylabel):
    """Errors of several fits, one line for each seed, with the medians.

    Parameters
    ----------
    rows : sequence of SeedRow
    names : dict of str to str
        Attribute of a row, and its name in the figure.
    ylabel : str
    """
    values = np.array([[getattr(row, name) for name in names] for row in rows])
    places = np.arange(len(names))
    with style():
        fig, axes = figure(height=3.2)
        axes.plot(places, values.T, color=MUTED, linewidth=0.9, alpha=0.7)
        for k in places:
            axes.plot(np.full(len(rows), k), values[:, k], "o", color=CYCLE[k], markersize=4)
            axes.plot([k - 0.15, k + 0.15], 2 * [np.median(values[:, k])], color=CYCLE[k])
        axes.set_xticks(places, list(names.values()))
        axes.set(ylabel=ylabel, xlim=(-0.4, len(names) - 0.6))
        if values.max() > 3 * values.min():
            axes.set_yscale("log")
            ticks = [t for t in _TICKS if values.min() <= t <= values.max()]
            axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.minorticks_off()
    medians = [f"{name} {np.median(column):.3g}" for name, column in zip(names.values(), values.T)]
    return Picture(fig, f"Medians over {len(rows)} seeds: {', '.join(medians)}.")
