"""Figures of the chapter on projected and compressed CP."""

import numpy as np
from matplotlib.patches import Polygon

from .palette import CYCLE, INK, MUTED, SURFACE
from .picture import Picture
from .styling import MARKERS, figure, style

_PLANE = (-1.6, 2.0, -1.1, 2.5)


def core_and_spectra(fits):
    """A block of the core as numbers, and the spectra that it stands for.

    Parameters
    ----------
    fits : FluorescenceFits
    """
    with style():
        fig, (left, right) = figure(ncols=2, height=3.0, gridspec_kw={"width_ratios": [1, 1.45]})
        places = np.arange(len(fits.core))
        block = fits.core / np.abs(fits.core).max(axis=0)
        for k, column in enumerate(block.T):
            left.bar(places + 0.36 * (k - 0.5), column, width=0.34, color=CYCLE[k])
        left.axhline(0.0, color=MUTED, linewidth=0.8)
        left.set(title="block in the core", xlabel="coordinate", xticks=places)
        for k in range(fits.raw.shape[1]):
            right.plot(fits.wavelengths, fits.raw[:, k], color=CYCLE[k])
        for k, spectrum in enumerate(fits.spectra.T):
            right.plot(
                fits.wavelengths, spectrum, color=CYCLE[k], linestyle="none", marker=MARKERS[k],
                markeredgecolor=SURFACE,
            )  # fmt: skip
        right.set(title="what it stands for", xlabel="emission (nm)", ylim=(0, None))
    gap = np.abs(fits.raw - fits.spectra).max()
    return Picture(
        fig,
        f"Left, two columns of {len(fits.core)} numbers of both signs. Right, the spectra that "
        f"they stand for and, as markers, those of a fit of the data: at most {gap:.2g} apart.",
    )


def plane(case):
    """Contours of a regression in the plane, with its three solutions.

    Parameters
    ----------
    case : PlaneRegression
    """
    left, right, bottom, top = _PLANE
    with style():
        fig, axes = figure(height=4.2)
        grid = np.meshgrid(np.linspace(left, right, 61), np.linspace(bottom, top, 61))
        costs = np.sqrt(case.cost(np.stack(grid)))
        axes.contour(*grid, costs, levels=12, colors=MUTED, linewidths=0.7, alpha=0.8)
        axes.plot([0, 0, right], [top, 0, 0], color=CYCLE[1], linewidth=2.6)
        shown = {"least squares": case.free, "projected": case.projected, "nonnegative": case.best}
        for k, (name, (x, y)) in enumerate(shown.items()):
            axes.plot(
                x, y, MARKERS[k], color=(INK, CYCLE[1], CYCLE[0])[k], markersize=10, mec=SURFACE,
                label=name, clip_on=False, zorder=3,
            )  # fmt: skip
        axes.plot(*np.stack([case.free, case.projected]).T, color=INK, linewidth=1.0, linestyle=":")
        axes.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
        axes.set(xlabel="$x_1$", ylabel="$x_2$")
        axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0)
        axes.grid(visible=False)
    return Picture(
        fig,
        f"Contours of a least-squares cost, turned by {case.degrees:g} degrees and stretched by "
        f"{1 / case.stretch:g}. Least squares at ({case.free[0]:g}, {case.free[1]:g}), its "
        f"projection at the origin, nonnegative least squares at ({case.best[0]:.2f}, "
        f"{case.best[1]:.2f}); the projection costs {case.ratio:.3g} times as much.",
    )


def cone(case):
    """Ways from a point of the plane into a cone: at once, by one step, and by many.

    Parameters
    ----------
    case : Cone
    """
    with style():
        fig, axes = figure(height=3.9)
        corners = np.column_stack([np.zeros(2), 3.0 * case.edges])
        axes.add_patch(Polygon(corners.T, closed=True, facecolor=CYCLE[0], alpha=0.16, linewidth=0))
        for edge in case.edges.T:
            axes.plot([0, 3 * edge[0]], [0, 3 * edge[1]], color=CYCLE[0], linewidth=1.1)
        for path, color in ((case.path, CYCLE[1]), (case.dykstra, CYCLE[3])):
            stops = np.vstack([case.point, path])
            axes.plot(*stops.T, color=color, linewidth=1.0, marker="o", markersize=3)
        marks = {
            "point": (case.point, INK, "o"),
            "one step": (case.step, CYCLE[1], "s"),
            "alternating": (case.path[-1], CYCLE[1], "X"),
            "projection": (case.nearest, CYCLE[2], "D"),
        }
        for name, (place, color, marker) in marks.items():
            axes.plot(
                *place, marker, color=color, markersize=7.5, mec=SURFACE, label=name, zorder=3
            )
        axes.plot([], [], color=CYCLE[3], label="Dykstra")
        axes.set(xlim=(-1.1, 1.2), ylim=(-1.1, 1.2), aspect="equal")
        axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0)
        axes.grid(visible=False)
    gaps = (np.linalg.norm(end - case.nearest) for end in (case.step, case.path[-1]))
    return Picture(
        fig,
        "A point at ({:.2f}, {:.2f}) and a cone of the plane. From the projection at ({:.2f}, "
        "{:.2f}), one step ends {:.2g} away and alternating projections {:.2g}.".format(
            *case.point, *case.nearest, *gaps
        ),
    )
