"""Figures of the chapter on separable factorisation through an operator."""

import numpy as np
from matplotlib.patches import Polygon

from .labels import label_lines
from .palette import CYCLE, INK, MUTED, PIXELS
from .picture import Picture
from .simplices import barycentric
from .styling import MARKERS, figure, style

_COLOURS = np.array([[0.85, 0.33, 0.10], [0.00, 0.45, 0.70], [0.95, 0.85, 0.35]])
_TITLES = {
    "triangle": "coarsest",
    "square": "square",
    "random": "random",
}


def geometry(measured):
    """Shares of three materials in pixels and in measurements, one triangle each.

    Parameters
    ----------
    measured : Geometry
    """
    corners = barycentric(np.eye(3)).T
    with style():
        fig, panels = figure(ncols=len(measured.shares), height=2.4)
        for axes, (name, rows) in zip(panels, measured.shares.items()):
            axes.axis("off")
            axes.set_aspect("equal")
            axes.add_patch(Polygon(corners, closed=True, fill=False, edgecolor=MUTED, lw=1.2))
            points = np.unique(rows.round(3), axis=0)
            axes.plot(
                *barycentric(points.T), ".", color=PIXELS, markersize=4, alpha=0.6,
                rasterized=True,
            )  # fmt: skip
            axes.set_title(name.replace(" of ", " of\n", 1), fontsize=10.5)
    parts = [
        f"{name}: {len(rows)} points, largest share {measured.purest[name]:.2f}"
        for name, rows in measured.shares.items()
    ]
    return Picture(fig, f"Shares of three materials as points of a triangle. {'; '.join(parts)}.")


def unmixing(result):
    """Maps of the materials, mixed in three colours: the truth and two estimates.

    Parameters
    ----------
    result : Unmixing
    """
    side = len(result.scene.shown)
    images = {"truth": result.scene.maps} | result.maps
    with style():
        fig, panels = figure(ncols=len(images), height=2.4)
        for axes, (name, maps) in zip(panels, images.items()):
            axes.axis("off")
            colours = np.clip(maps, 0.0, 1.0) @ _COLOURS
            axes.imshow(np.clip(colours, 0.0, 1.0).reshape(side, side, 3))
            angle = result.angles.get(name)
            title = name.replace(", ", ",\n")
            title = title if angle is None else f"{title}: {angle:.1f}°"
            axes.set_title(title, fontsize=10)
    shown = int(result.scene.shown.sum())
    parts = [
        f"{name}: spectra {angle:.1f} degrees off, maps {result.errors[name]:.3f}"
        for name, angle in result.angles.items()
    ]
    return Picture(
        fig, f"Maps from {shown} of {side * side} patterns beside the truth. {'; '.join(parts)}."
    )


def recovery(curves):
    """Errors of the spectra against the fraction of patterns, one panel for each kind.

    Parameters
    ----------
    curves : dict of str to RecoveryCurve
    """
    names = ("baseline", "joint")
    with style():
        fig, (panels,) = figure(ncols=len(curves), height=3.1, sharey=True, squeeze=False)
        for axes, (kind, curve) in zip(panels, curves.items()):
            for k, name in enumerate(names):
                axes.plot(
                    100 * curve.fractions, curve.median(name), color=CYCLE[k], marker=MARKERS[k]
                )
            axes.set(xscale="log", yscale="log", ylim=(0.1, 60), xlim=(1.2, 130))
            axes.set_title(_TITLES[kind], fontsize=10)
            axes.set_xticks([2, 10, 100], ["2", "10", "100"])
            axes.set_yticks([0.1, 1, 10], ["0.1", "1", "10"])
            axes.minorticks_off()
        panels[0].set_ylabel("worst angle (degrees)")
        panels[len(panels) // 2].set_xlabel("patterns shown (%)")
        label_lines(panels[-1], names)
    parts = [
        f"{_TITLES[kind]}: baseline {_range(curve.median('baseline'))}, "
        f"joint {_range(curve.median('joint'))}"
        for kind, curve in curves.items()
    ]
    return Picture(fig, f"Median of the worst angle in degrees over scenes. {'; '.join(parts)}.")


def spectra(result):
    """True and estimated spectra of one scene.

    Parameters
    ----------
    result : Unmixing
    """
    with style():
        fig, panels = figure(ncols=2, height=2.7, sharey=True)
        for axes, (name, estimated) in zip(panels, result.spectra.items()):
            for q, (curve, truth) in enumerate(zip(estimated.T, result.scene.spectra.T)):
                axes.plot(curve, color=CYCLE[q])
                axes.plot(truth, ":", color=INK, linewidth=1.5)
            axes.set_title(f"{name}: {result.angles[name]:.1f}°", fontsize=10.5)
            axes.set(xlabel="band", ylim=(0, None))
            axes.margins(x=0)
    parts = [f"{name} {angle:.1f}" for name, angle in result.angles.items()]
    return Picture(
        fig,
        "Estimated spectra, solid, and true ones, dotted. Worst angles in degrees: "
        f"{', '.join(parts)}.",
    )


def _range(values):
    return f"{values[0]:.2g} to {values[-1]:.2g}"
