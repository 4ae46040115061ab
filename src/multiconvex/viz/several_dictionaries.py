"""Figures of the chapter on several dictionaries."""

import numpy as np
from matplotlib.patches import Rectangle

from .images import image_grid
from .palette import CYCLE, INK, MUTED, SURFACE
from .picture import Picture
from .profiles import interrupted
from .styling import MARKERS, SEQUENTIAL, figure, style


def question(scene, regions):
    """A scene with numbered regions, and the spectra that each region contains.

    Parameters
    ----------
    scene : HyperspectralImage
    regions : sequence of Region
    """
    x, xlabel = _axis_of(scene)
    with style():
        fig, (left, right) = figure(ncols=2, height=3.3, gridspec_kw={"width_ratios": [1.1, 1]})
        _draw_scene(left, scene, regions, range(len(regions)))
        medians = []
        for region, color in zip(regions, CYCLE):
            low, middle, high = np.quantile(region.pixels(scene), (0.05, 0.5, 0.95), axis=1)
            medians.append(middle.mean())
            place, low = interrupted(x, low)
            high = interrupted(x, high)[1]
            right.fill_between(place, low, high, color=color, alpha=0.22, linewidth=0)
            right.plot(*interrupted(x, middle), color=color, linewidth=1.5)
        right.set(xlabel=xlabel, title="spectra inside")
        _quiet(right)
    sizes = ", ".join(
        f"region {i} has {region.pixels(scene).shape[1]} pixels, {region.count} wanted, mean "
        f"{mean:.3g}"
        for i, (region, mean) in enumerate(zip(regions, medians), 1)
    )
    return Picture(fig, f"The scene {scene.name} with {len(regions)} rectangles: {sizes}.")


def picks(scene, found, separable):
    """Where pure pixels are and what they look like, with regions and without.

    Parameters
    ----------
    scene : HyperspectralImage
    found, separable : Unmixing
        With regions, and by successive projections.
    """
    x, xlabel = _axis_of(scene)
    with style():
        fig = figure(height=4.0)[0]
        fig.clear()
        panels = fig.subplot_mosaic(
            [["scene", "found"], ["scene", "separable"]], width_ratios=[1.35, 1]
        )
        firsts = [int(np.flatnonzero(found.owners == i)[0]) for i in range(len(found.regions))]
        _draw_scene(panels["scene"], scene, found.regions, firsts)
        _mark(panels["scene"], separable.places, "X", CYCLE)
        _mark(panels["scene"], found.places, "D", CYCLE)
        titles = {"found": "in regions (diamonds)", "separable": "SNPA (crosses)"}
        for (name, title), unmixing in zip(titles.items(), (found, separable)):
            for curve, color in zip(unmixing.spectra.T, CYCLE):
                panels[name].plot(*interrupted(x, curve), color=color, linewidth=1.3)
            panels[name].set_title(f"{title}: {unmixing.relative_error:.2%}", fontsize=10.5)
            _quiet(panels[name])
        panels["found"].sharey(panels["separable"])
        panels["found"].tick_params(labelbottom=False)
        panels["separable"].set_xlabel(xlabel)
    return Picture(
        fig,
        f"Pure pixels of {scene.name} in {len(found.regions)} regions at {_listed(found.places)}, "
        f"relative residual {found.relative_error:.2%}; those of SNPA at "
        f"{_listed(separable.places)}, relative residual {separable.relative_error:.2%}.",
    )


def maps(found, separable):
    """Abundances of the pure pixels of regions above, of those of SNPA below.

    Parameters
    ----------
    found, separable : Unmixing
        With the same number of components, in matching order.
    """
    titles = [f"region {owner + 1}" for owner in found.owners]
    twice = [title for title in titles if titles.count(title) > 1]
    above = [
        f"{title}{'ab'[titles[:q].count(title)] if title in twice else ''}"
        for q, title in enumerate(titles)
    ]
    below = [f"SNPA {q + 1}" for q in range(len(titles))]
    images = {
        title: image
        for unmixing, names in ((found, above), (separable, below))
        for title, image in zip(names, np.moveaxis(unmixing.maps, 2, 0))
    }
    return image_grid(images, ncols=len(titles), limits=(0.0, 1.0))


def starts(compared, separable):
    """Residual and angle of every start, one panel a scene.

    Parameters
    ----------
    compared : dict of str to dict of str to sequence of Score
        By scene and kind of dictionary.
    separable : dict of str to Score
        By scene.
    """
    parts = []
    with style():
        fig, panels = figure(
            ncols=len(compared), height=3.5, squeeze=False, sharex=True, sharey=True
        )
        for axes, (name, kinds) in zip(panels[0], compared.items()):
            drawn = {**kinds, "SNPA": (separable[name],)}
            for (kind, scores), color, marker in zip(drawn.items(), CYCLE, MARKERS):
                errors, angles = _errors_and_angles(scores)
                axes.plot(
                    errors, angles, marker, color=color, alpha=0.8, markeredgecolor=SURFACE,
                    markersize=8, label=kind,
                )  # fmt: skip
                parts.append(
                    f"{name}, {kind}: {len(scores)} fits, residuals from {errors.min():.2%} to "
                    f"{errors.max():.2%}, median angle {np.median(angles):.2f} degrees"
                )
            axes.set(title=name, xlabel="relative residual", xscale="log", yscale="log")
            _plain_ticks(axes)
        panels[0][0].set_ylabel("mean spectral angle (°)")
        fig.legend(
            *panels[0][0].get_legend_handles_labels(), loc="outside upper center", ncols=len(drawn)
        )
    return Picture(fig, "; ".join(parts) + ".")


def spoiled(scene, region, cases, purest):
    """What is left unexplained, and the spectrum found, when a region holds no purer pixel.

    Parameters
    ----------
    scene : HyperspectralImage
    region : Region
    cases : dict of float to Spoiled
        By largest abundance.
    purest : float
    """
    case, material = cases[purest], cases[purest].material
    x, xlabel = _axis_of(scene)
    largest = max(each.residual.max() for each in cases.values())
    with style():
        fig, (left, right) = figure(ncols=2, height=3.2, gridspec_kw={"width_ratios": [1, 1.15]})
        left.imshow(case.residual, cmap=SEQUENTIAL, vmin=0.0, vmax=largest)
        _outline(left, region, CYCLE[1])
        left.set_title(f"residual: {case.relative_error:.1%}")
        for curve, color, name in (
            (scene.spectra[:, material], CYCLE[0], "reference"),
            (case.spectrum, CYCLE[1], "found"),
        ):
            right.plot(*interrupted(x, curve / np.linalg.norm(curve)), color=color, label=name)
        right.set(title=f"{case.angle:.1f}° from the reference", xlabel=xlabel)
        _quiet(right)
        right.legend(loc="upper left")
    return Picture(
        fig,
        f"With {scene.names[material]} at most {case.purest:.2f} of a pixel in its region, the "
        f"spectrum found for it is {case.angle:.2f} degrees from the reference, and the residual "
        f"is {case.relative_error:.2%} of the scene.",
    )


def misplaced(scene, case):
    """Regions and pixels as printed, and those that were used.

    Parameters
    ----------
    scene : HyperspectralImage
    case : Misplacement
    """
    sides = (
        ("as printed", case.drawn, case.printed, case.printed_error),
        ("as computed", case.cut, case.places, case.error),
    )
    with style():
        fig, panels = figure(ncols=2, height=3.3)
        for axes, (title, regions, places, error) in zip(panels, sides):
            _draw_scene(axes, scene, regions, range(len(regions)))
            _mark(axes, places, "D", CYCLE)
            axes.set_title(f"{title}: {error:.1%}")
    return Picture(
        fig,
        f"Left, regions and pixels as printed, at {_listed(case.printed)}, which explain the "
        f"scene to {case.printed_error:.2%}. Right, those that were computed with, at "
        f"{_listed(case.places)}, to {case.error:.2%}.",
    )


def _draw_scene(axes, scene, regions, colors):
    """Show a scene in natural colours with numbered rectangles; ``colors`` count in the cycle."""
    axes.imshow(scene.preview())
    for number, (region, color) in enumerate(zip(regions, colors), 1):
        _outline(axes, region, CYCLE[color])
        top, left = region.rows[0], region.cols[0]
        wanted = f"{number}" if region.count == 1 else f"{number}: {region.count} wanted"
        above = top > 12
        axes.text(
            left + 0.5, top - 2.5 if above else top + 1.5, wanted, color=INK, fontsize=9,
            va="bottom" if above else "top", bbox={"facecolor": SURFACE, "lw": 0, "pad": 1.5},
        )  # fmt: skip


def _outline(axes, region, color):
    (top, bottom), (left, right) = region.rows, region.cols
    corner, size = (left - 0.5, top - 0.5), (right - left, bottom - top)
    for shade, width in ((SURFACE, 3.6), (color, 2.0)):
        axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=shade, linewidth=width))
    axes.axis("off")


def _mark(axes, places, marker, colors):
    for (row, col), color in zip(places, colors):
        axes.plot(
            col, row, marker, color=color, markersize=9, markeredgecolor=SURFACE, mew=1.3,
            clip_on=False, zorder=5,
        )  # fmt: skip


def _errors_and_angles(scores):
    errors = np.array([scored.unmixing.relative_error for scored in scores])
    return errors, np.array([scored.angles.mean() for scored in scores])


def _axis_of(scene):
    if scene.wavelengths is None:
        return np.arange(1, scene.cube.shape[2] + 1), "band"
    return scene.wavelengths, "wavelength (nm)"


def _quiet(axes):
    """Radiance has no unit that matters here: compare shapes."""
    axes.set(yticks=[], ylim=(0, None))
    axes.margins(x=0)
    axes.locator_params(axis="x", nbins=4)


def _plain_ticks(axes):
    low, high = axes.get_xlim()
    ticks = [t for t in (0.03, 0.04, 0.06, 0.1, 0.2) if low <= t <= high]
    axes.set_xticks(ticks, [f"{t:.0%}" for t in ticks])
    low, high = axes.get_ylim()
    ticks = [t for t in (1, 2, 3, 5, 10, 20) if low <= t <= high]
    axes.set_yticks(ticks, [str(t) for t in ticks])
    axes.minorticks_off()
    axes.tick_params(color=MUTED)


def _listed(places):
    return ", ".join(f"({row}, {col})" for row, col in places)
