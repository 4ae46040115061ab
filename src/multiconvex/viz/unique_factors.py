"""Figures of the chapter on sets of nonnegative factorisations."""

import numpy as np
from matplotlib.patches import PathPatch, Polygon
from matplotlib.path import Path
from scipy.spatial import ConvexHull

from .palette import CYCLE, GRID, INK, MUTED, SURFACE
from .picture import Picture
from .styling import MARKERS, figure, style

_SHOWN = 60


def feasible(solutions, triangles=()):
    """The set of components of a :class:`~multiconvex.FeasibleSet` between its two polytopes.

    Parameters
    ----------
    solutions : FeasibleSet
    triangles : sequence of ndarray, shapes (3, 2)
        Factorisations of rank three that are drawn as well, as points.
    """
    return _DRAWINGS[min(solutions.rank, 4)](solutions, triangles)


def _draw_intervals(solutions, triangles):
    parts = solutions.parts
    with style():
        fig, axes = figure(height=1.7)
        axes.plot(solutions.plane.outer[:, 0], [0, 0], color=MUTED, linewidth=1.2)
        for number, (low, high) in enumerate(parts):
            axes.plot([low, high], [0, 0], color=CYCLE[number], linewidth=9, solid_capstyle="butt")
        axes.plot(solutions.plane.inner[:, 0], [0, 0], color=INK, linewidth=4)
        axes.set(yticks=[], xlabel="coordinate of a column", ylim=(-1, 1))
        axes.grid(False)
    lengths = " and ".join(f"{high - low:.3g}" for low, high in parts)
    return Picture(fig, f"Two intervals of lengths {lengths}, on both sides of the data.")


def _draw_regions(solutions, triangles):
    with style():
        fig, axes = figure(height=3.8)
        _plane(axes, solutions)
        for number, corners in enumerate(triangles):
            axes.add_patch(Polygon(corners, fill=False, edgecolor=CYCLE[1 + number], linewidth=1.6))
            axes.plot(*corners.T, "o", color=CYCLE[1 + number], markersize=5)
        _name_regions(axes, solutions)
    shown = f" {len(triangles)} factorisations are drawn as triangles." if len(triangles) else ""
    return Picture(fig, _in_words(solutions) + shown)


def _draw_cloud(solutions, triangles):
    met = solutions.met
    with style():
        fig, panels = figure(ncols=2, height=3.1)
        for axes, (i, j) in zip(panels, ((0, 1), (0, 2))):
            axes.plot(*solutions.plane.outer[:, [i, j]].T, "x", color=MUTED, markersize=5)
            axes.plot(*solutions.plane.inner[:, [i, j]].T, ".", color=INK, markersize=4)
            for q, extent in enumerate(solutions.extents(met[0])):
                flat = extent[:, [i, j]]
                hull = flat[ConvexHull(flat).vertices]
                axes.add_patch(Polygon(hull, facecolor=CYCLE[q], alpha=0.35, edgecolor=CYCLE[q]))
                axes.plot(*flat[0], MARKERS[q], color=CYCLE[q], markersize=5)
            axes.set(xlabel=f"coordinate {i + 1}", ylabel=f"coordinate {j + 1}")
            axes.set_aspect("equal", adjustable="datalim")
    spread = ", ".join(f"{s:.3g}" for s in solutions.spread)
    return Picture(
        fig,
        f"Corners of {len(met)} simplices of rank {solutions.rank} in two views, with the corners "
        f"of both polytopes. Components move by up to {spread}.",
    )


_DRAWINGS = {2: _draw_intervals, 3: _draw_regions, 4: _draw_cloud}


def fits(starts, reaction):
    """Spectra found by exact fits from random starts, beside the true ones.

    Parameters
    ----------
    starts : Starts
    reaction : Reaction
    """
    plane = starts.solutions.plane
    truth = plane.points(reaction.W)
    shown = starts.found[:_SHOWN]
    with style():
        fig, panels = figure(ncols=3, height=2.7, sharey=True)
        for q, axes in enumerate(panels):
            for W in shown:
                nearest = np.linalg.norm(plane.points(W) - truth[q], axis=1).argmin()
                axes.plot(reaction.wavelengths, W[:, nearest], color=CYCLE[q], lw=0.7, alpha=0.5)
            axes.plot(reaction.wavelengths, reaction.W[:, q], ":", color=INK)
            axes.set_title("ABC"[q])
            axes.margins(x=0)
        panels[0].set(ylabel="absorbance", ylim=(0, None))
        panels[1].set_xlabel("wavelength (nm)")
    return Picture(
        fig,
        f"Spectra of A, B and C in {len(shown)} exact factorisations of the same data, as bundles "
        "of curves around the true spectra, dotted.",
    )


def recording(recordings, instant):
    """The set of one recording, and the bands of spectra that it leaves open.

    Parameters
    ----------
    recordings : dict of float to Recording
    instant : float
    """
    shown = recordings[instant]
    widest = max(record.upper.max() for record in recordings.values())
    with style():
        fig, (left, right) = figure(ncols=2, height=3.0)
        _plane(left, shown.solutions)
        left.plot(*shown.solutions.plane.points(shown.reaction.W).T, "*", color=INK, markersize=8)
        for q in range(3):
            right.fill_between(
                shown.reaction.wavelengths, shown.lower[:, q], shown.upper[:, q],
                color=CYCLE[q], alpha=0.3, linewidth=0,
            )  # fmt: skip
            right.plot(shown.reaction.wavelengths, shown.reaction.W[:, q], color=CYCLE[q])
        right.set(xlabel="wavelength (nm)", ylim=(0, widest))
        right.margins(x=0)
        left.set_title("columns")
        right.set_title("spectra")
    return Picture(fig, f"Recorded from {instant:g} on. " + _in_words(shown.solutions))


def mixtures(seen):
    """Bands of spectra that mixtures leave open, and spectra of the pure substances.

    Parameters
    ----------
    seen : Mixtures
    """
    with style():
        fig, panels = figure(ncols=3, height=2.8)
        for q, axes in enumerate(panels):
            axes.fill_between(
                seen.wavelengths, seen.lower[:, q], seen.upper[:, q], color=CYCLE[q], alpha=0.3,
                linewidth=0,
            )  # fmt: skip
            axes.plot(seen.wavelengths, seen.reference[:, q], color=CYCLE[q])
            axes.set(title=seen.names[q], ylim=(0, None), yticks=[])
            axes.margins(x=0)
        panels[1].set_xlabel("emission (nm)")
    angles = ", ".join(f"{name} {angle:.0f}" for name, angle in zip(seen.names, seen.angles))
    return Picture(
        fig,
        "Reference spectra as lines in the bands of all spectra that fit the mixtures. Largest "
        f"angles in degrees: {angles}.",
    )


def _plane(axes, solutions):
    """Both polygons and the parts of the set between them."""
    plane = solutions.plane
    axes.add_patch(Polygon(plane.outer, fill=False, edgecolor=MUTED, linewidth=1.2))
    for number, part in enumerate(solutions.parts):
        path = Path.make_compound_path(
            *(Path(curve, closed=False) for curve in map(_closed, part.outline))
        )
        color = CYCLE[0] if part.encloses else CYCLE[number % len(CYCLE)]
        axes.add_patch(PathPatch(path, facecolor=color, alpha=0.3, edgecolor="none"))
        axes.plot(*part.near.T, color=color, linewidth=1.8, marker="o" if part.area < 1e-12 else "")
    axes.add_patch(Polygon(plane.inner, facecolor=GRID, edgecolor=INK, linewidth=1.0))
    axes.plot(*plane.inner.T, ".", color=INK, markersize=4, markeredgecolor=SURFACE)
    axes.set_aspect("equal")
    axes.autoscale_view()
    axes.axis("off")


def _closed(curve):
    return np.vstack([curve, curve[:1]])


def _name_regions(axes, solutions):
    axes.annotate(
        "data", solutions.plane.inner.mean(axis=0), ha="center", va="center", color=INK,
        fontsize=9.5,
    )  # fmt: skip
    corner = solutions.plane.outer[solutions.plane.outer[:, 1].argmax()]
    axes.annotate(
        "nonnegative columns", corner, xytext=(0, 6), textcoords="offset points", ha="center",
        color=MUTED, fontsize=9.5,
    )  # fmt: skip


def _in_words(solutions):
    if not solutions.parts:
        return "The set of components is empty."
    if solutions.parts[0].encloses:
        return f"The set of components is a ring of area {solutions.area:.3g} around the data."
    areas = ", ".join(f"{part.area:.2g}" for part in solutions.parts)
    return f"The set of components has {len(solutions.parts)} parts of areas {areas}."
