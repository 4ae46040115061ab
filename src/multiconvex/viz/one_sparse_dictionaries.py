"""Figures of the chapter on one-sparse dictionaries."""

import numpy as np
from matplotlib.patches import Polygon

from .images import image_grid
from .labels import label_lines
from .palette import CYCLE, INK, MUTED, SURFACE
from .picture import Picture
from .profiles import interrupted
from .styling import MARKERS, figure, style

# Where the axes of space appear on the page: the first to the right, the second away, the third up.
_VIEW = np.array([[1.0, 0.3, 0.0], [0.0, 0.62, 1.0]])


def picks(mixtures):
    """The pixels that are mixed, on the scene and as spectra.

    Parameters
    ----------
    mixtures : Mixtures
    """
    with style():
        fig, (left, right) = _scene_beside(mixtures)
        for k, atom in enumerate(mixtures.indices):
            row, col = mixtures.places[atom]
            left.plot(col, row, "o", color="none", markeredgecolor=CYCLE[k], markersize=11, mew=2.5)
            spectrum = mixtures.atoms[:, atom]
            curve = interrupted(mixtures.wavelengths, spectrum)
            right.plot(*curve, color=CYCLE[k], label=f"pixel {k + 1}")
        right.set(xlabel="wavelength (nm)", title="spectra", ylim=(0, None))
        right.legend()
    listed = ", ".join(f"({row}, {col})" for row, col in mixtures.places[mixtures.indices])
    return Picture(
        fig,
        f"A scene of {mixtures.band.shape[0]} by {mixtures.band.shape[1]} pixels with three of "
        f"them marked, at rows and columns {listed}, and their reflectance spectra.",
    )


def choice(mixtures, choices, number):
    """The atoms after one sweep, on the scene, and the objective of all sweeps.

    Parameters
    ----------
    mixtures : Mixtures
    choices : sequence of Choice
    number : int
        From 1.
    """
    shown = choices[number - 1]
    with style():
        fig, (left, right) = _scene_beside(mixtures)
        for atom in mixtures.indices:
            row, col = mixtures.places[atom]
            left.plot(col, row, "o", color="none", markeredgecolor=CYCLE[5], markersize=12, mew=2.5)
        for atom in shown.indices:
            row, col = mixtures.places[atom]
            left.plot(col, row, "X", color=CYCLE[1], markeredgecolor=SURFACE, markersize=9)
        sweeps = [state.sweep for state in choices]
        objectives = np.array([state.objective for state in choices])
        best = np.minimum.accumulate(objectives)
        right.plot(sweeps, objectives, color=MUTED, marker="o", markersize=4)
        right.plot(sweeps, best, color=CYCLE[0], linewidth=1.4, linestyle=(0, (4, 3)))
        right.set(yscale="log", xlabel="sweep", xticks=sweeps)
        right.set_title(f"objective: {shown.objective:.2f}")
        right.plot(number, shown.objective, "o", color=CYCLE[1], markersize=9, mec=SURFACE)
    found = mixtures.count_found(shown.indices)
    return Picture(
        fig,
        f"Sweep {number}: the atoms are the pixels {', '.join(map(str, shown.indices))}, of which "
        f"{found} of the three that were mixed; objective {shown.objective:.3g}, best so far "
        f"{best[number - 1]:.3g}.",
    )


def lifted(case):
    """Three atoms in space, data in the plane of two, and how well each pair explains them.

    Parameters
    ----------
    case : LiftedAtom
    """
    atoms, points = _VIEW @ case.atoms, _VIEW @ case.X
    ground = 1.25 * _VIEW[:, :2] @ np.array([[-1, 1, 1, -1], [-1, -1, 1, 1]])
    with style():
        fig, (left, right) = figure(ncols=2, height=2.7, gridspec_kw={"width_ratios": [1.5, 1]})
        left.add_patch(Polygon(ground.T, facecolor=MUTED, alpha=0.14, linewidth=0))
        left.plot(*points, "o", color=MUTED, markersize=4, markeredgewidth=0, alpha=0.8)
        for k, tip in enumerate(atoms.T):
            left.annotate(
                "", tip, (0, 0),
                arrowprops={"arrowstyle": "-|>", "color": CYCLE[k], "lw": 2.4, "shrinkA": 0,
                            "shrinkB": 0},
            )  # fmt: skip
            left.text(
                *(1.13 * tip), f"$d_{k + 1}$", ha="center", va="center", color=INK, fontsize=13
            )
        left.set(aspect="equal", xlim=(-1.65, 1.65), ylim=(-0.85, 1.3))
        left.axis("off")
        errors = np.array(list(case.errors.values())).round(12)
        places = np.arange(len(errors))
        right.barh(places, errors, color=CYCLE[0], alpha=0.6, height=0.55)
        for place, error in zip(places, errors):
            right.annotate(
                f"{error:.3f}", (error, place), xytext=(4, 0), textcoords="offset points",
                va="center",
            )  # fmt: skip
        right.set_yticks(places, list(case.errors))
        right.set(xlim=(0, 0.62), title="relative residual")
        right.invert_yaxis()
        right.grid(axis="y", visible=False)
    listed = ", ".join(f"{pair}: {error:.3f}" for pair, error in zip(case.errors, errors))
    return Picture(
        fig,
        f"Two atoms and data in a plane, a third atom {case.degrees:g} degrees off it. Relative "
        f"residual with each pair of atoms: {listed}.",
    )


def methods(curves):
    """Mean angle to the planted atoms against the noise, with pure pixels and without.

    Parameters
    ----------
    curves : MethodCurves
    """
    sentences = []
    with style():
        fig, panels = figure(nrows=2, height=4.6, sharex=True, sharey=True)
        names = [finder.method for finder in next(iter(curves.panels.values()))[0]]
        for axes, (title, table) in zip(panels, curves.panels.items()):
            for k, method in enumerate(names):
                angles = [finders[k].angle for finders in table]
                axes.plot(
                    curves.snr, angles, color=CYCLE[k], marker=MARKERS[k], markeredgecolor=SURFACE
                )
                listed = ", ".join(f"{angle:.2f}" for angle in angles)
                sentences.append(f"{title}, {method}: {listed}")
            axes.set(title=title, ylabel="angle (degrees)", xticks=curves.snr)
        panels[1].set_xlabel("signal-to-noise ratio (dB)")
        for axes in panels:
            label_lines(axes, names)
    return Picture(
        fig,
        "Mean angle to the true atoms in degrees, at "
        f"{', '.join(f'{decibel:g}' for decibel in curves.snr)} dB. {'; '.join(sentences)}.",
    )


def scene_maps(unmixed, methods):
    """Reference abundances of a scene, and those of some methods, one row each.

    Parameters
    ----------
    unmixed : UnmixedScene
    methods : dict of str to str
        From a short name to a key of its maps.
    """
    rows = {"reference": unmixed.scene.abundances}
    rows |= {short: unmixed.maps[method] for short, method in methods.items()}
    images = {
        f"{material}, {row}": maps[..., k]
        for row, maps in rows.items()
        for k, material in enumerate(unmixed.scene.names)
    }
    return image_grid(images, ncols=len(unmixed.scene.names), limits=(0.0, 1.0))


def _scene_beside(mixtures):
    """A figure with the scene on the left and empty axes on the right."""
    fig, (left, right) = figure(ncols=2, height=3.3, gridspec_kw={"width_ratios": [1.2, 1]})
    left.imshow(mixtures.band, cmap="gray")
    left.axis("off")
    return fig, (left, right)
