"""Figures of the chapter on low-rank models."""

import numpy as np
from matplotlib.patches import Circle, Polygon
from matplotlib.tri import Triangulation

from .images import image_grid
from .labels import label_lines
from .palette import CYCLE, GRID, INK, MUTED, SURFACE
from .picture import Picture
from .profiles import interrupted
from .simplices import barycentric
from .styling import MARKERS, SEQUENTIAL, figure, style


def truncation(found):
    """One band and one pixel of a truncated singular value decomposition.

    Parameters
    ----------
    found : Truncation

    Returns
    -------
    Picture
    """
    limits = np.array([found.original.min(), found.original.max()]) * [0.75, 1.25] / 1000
    with style():
        fig, (scene, profile) = figure(2, height=3.1, width_ratios=(1, 1.25))
        scene.imshow(found.image, cmap=SEQUENTIAL, vmin=1500, vmax=6500)
        scene.axis("off")
        scene.set_title(f"rank {found.rank}")
        for curve, options in (
            (found.original, {"color": MUTED, "linewidth": 1.2, "label": "measured"}),
            (found.spectrum, {"color": CYCLE[1], "label": f"rank {found.rank}"}),
        ):
            profile.plot(*interrupted(found.wavelengths, curve / 1000), **options)
        profile.set(xlabel="wavelength (nm)", ylabel="radiance (thousands)", ylim=limits)
        profile.set_title(f"error {found.error:.1%}, storage {found.share:.1%}")
        profile.legend(loc="upper right")
    alt = (
        f"Indian Pines at rank {found.rank}: one band as an image, and the spectrum of one pixel "
        f"against the measured one. The relative error is {found.error:.2%}; {found.share:.1%} of "
        "the numbers are stored."
    )
    return Picture(fig, alt)


def tails(curves, *, ranks=60):
    """Relative error of the best approximation against its rank.

    Parameters
    ----------
    curves : dict of str to ndarray
    ranks : int
        Largest rank shown.

    Returns
    -------
    Picture
    """
    with style():
        fig, axes = figure(height=3.2)
        for color, errors in zip(CYCLE, curves.values()):
            axes.semilogy(errors[: ranks + 1], color=color)
        axes.set(xlabel="rank", ylabel="relative error", ylim=(1e-4, 1.5), xlim=(0, ranks))
        label_lines(axes, list(curves))
    parts = [f"{name} {errors[10]:.2g}" for name, errors in curves.items()]
    return Picture(fig, f"Relative error of the best approximation of rank 10: {', '.join(parts)}.")


def stain_fan(fan):
    """Directions of pixels in the plane of two stains, and the columns that fits chose.

    Parameters
    ----------
    fan : StainFan

    Returns
    -------
    Picture
    """
    with style():
        fig, (hist, rows) = figure(1, 2, height=4.0, sharex=True)
        hist.stairs(fan.density, fan.edges, fill=True, color=MUTED, alpha=0.45)
        hist.set(ylabel="density", yticks=[])
        hist.set_title("where the pixels point")
        for axes in (hist, rows):
            for limit in fan.limits:
                axes.axvline(limit, color=INK, linewidth=1.2)
            for start, stop in zip(fan.limits, fan.bulk):
                axes.axvspan(start, stop, color=CYCLE[4], alpha=0.16, linewidth=0)
        named = {
            "published": fan.published[None],
            "placed starts": fan.placed,
            "random starts": fan.random,
            "penalised": fan.penalised[None],
        }
        looks = zip(MARKERS, (CYCLE[2], CYCLE[0], CYCLE[0], CYCLE[1]), named.values())
        for height, (marker, color, angles) in enumerate(looks):
            rows.plot(
                angles, np.full_like(angles, -height), marker, color=color, alpha=0.85,
                markeredgecolor=SURFACE, markersize=8,
            )  # fmt: skip
        rows.set(yticks=range(0, -4, -1), yticklabels=list(named), ylim=(-3.6, 0.6))
        rows.set(xlabel="direction in the plane (degrees)", xlim=(-32, 56))
        rows.set_title("where the columns of W point")
    spread = np.ptp(np.vstack([fan.placed, fan.random]), axis=0)
    alt = (
        f"Pixels point between {fan.bulk[0]:.0f} and {fan.bulk[1]:.0f} degrees, the plane leaves "
        f"the nonnegative orthant at {fan.limits[0]:.0f} and {fan.limits[1]:.0f} degrees. Columns "
        f"of plain fits lie between, spread over {spread[0]:.1f} and {spread[1]:.1f} degrees; the "
        f"penalised ones are at {fan.penalised[0]:.1f} and {fan.penalised[1]:.1f}, the published "
        f"stains at {fan.published.min():.1f} and {fan.published.max():.1f}."
    )
    return Picture(fig, alt)


def stain_maps(stains, fan):
    """A stained image beside the amounts of its stains.

    Parameters
    ----------
    stains : StainImage
    fan : StainFan

    Returns
    -------
    Picture
        Each amount is divided by its 99th percentile.
    """
    amounts = fan.H / np.percentile(fan.H, 99, axis=0)
    maps = np.moveaxis(stains.maps(np.minimum(amounts, 1.0)), 2, 0)
    return image_grid({"image": stains.rgb, **dict(zip(stains.names, maps))}, limits=(0.0, 1.0))


def feasible(found):
    """Where the columns of an exact factorisation of rank three may lie.

    Parameters
    ----------
    found : FeasibleColumns

    Returns
    -------
    Picture
    """
    with style():
        fig, axes = _simplex_axes(height=3.7)
        grid = Triangulation(*barycentric(found.lattice))
        axes.tricontourf(
            grid, found.slack, levels=[0.0, 2.0], colors=[CYCLE[4]], alpha=0.35, zorder=1
        )
        _draw_triangle(axes, found.true, color=CYCLE[2], label="true", marker="^")
        for number, columns in enumerate(found.found):
            _draw_triangle(
                axes, columns, color=CYCLE[(0, 3)[number % 2]], linestyle=("--", ":")[number % 2],
                marker=MARKERS[1 + number], label=f"fit {number + 1}",
            )  # fmt: skip
        axes.plot(*barycentric(found.data), "o", color=INK, markersize=4.5, label="data")
        axes.add_patch(Polygon([(0, 0)], color=CYCLE[4], alpha=0.35, label="possible columns"))
        fig.legend(loc="outside right upper")
    alt = (
        f"Data in the simplex whose true columns reach {found.reach:.0%} of the way to its "
        f"corners. The columns of exact factorisations fill {found.share:.1%} of the simplex."
    )
    return Picture(fig, alt)


def choices(chosen, data, true):
    """Triangles around the same data, chosen by several principles.

    Parameters
    ----------
    chosen : dict of str to Choice
    data, true : ndarray, shapes (3, n) and (3, 3)

    Returns
    -------
    Picture
    """
    lines = ("--", ":", "-.", "-")
    with style():
        fig, axes = _simplex_axes(height=4.0)
        corners = barycentric(true)
        centre = corners.mean(axis=1)
        radius = np.linalg.norm(corners[:, :2].mean(axis=1) - centre)
        axes.add_patch(Circle(centre, radius, fill=False, edgecolor=MUTED, linewidth=1.0))
        axes.add_patch(
            Polygon(corners.T, closed=True, facecolor=CYCLE[2], alpha=0.14, edgecolor="none")
        )
        axes.plot(*barycentric(data), "o", color=INK, markersize=4.5, label="data")
        for number, (name, choice) in enumerate(chosen.items()):
            _draw_triangle(
                axes, choice.W, color=CYCLE[(0, 3, 5, 1)[number]], linestyle=lines[number],
                marker=MARKERS[number], label=name,
            )  # fmt: skip
        fig.legend(loc="outside right upper")
    parts = [
        f"{name} has error {choice.error:.1%} and differs from the true columns by up to "
        f"{choice.distance:.2f}"
        for name, choice in chosen.items()
    ]
    return Picture(fig, "Triangles in the simplex: " + "; ".join(parts) + ".")


def volume_paths(paths):
    """Log-determinants along two segments, against the chord.

    Parameters
    ----------
    paths : VolumePaths

    Returns
    -------
    Picture
    """
    middle = len(paths.position) // 2
    with style():
        fig, axes = figure(height=2.9)
        for curve, color, dashes, name in (
            (paths.in_gram, CYCLE[2], "-", "between Gram matrices"),
            (paths.chord, MUTED, (0, (4, 2)), "chord"),
            (paths.in_factor, CYCLE[1], "-", "between factors"),
        ):
            axes.plot(paths.position, curve, color=color, linestyle=dashes, label=name)
        axes.set(xlabel="position along the segment", ylabel=r"$\log\det$", xlim=(0, 1))
        axes.legend(loc="upper left")
    alt = (
        f"Half way, the log-determinant is {paths.in_gram[middle]:.2f} between the Gram matrices, "
        f"above the chord at {paths.chord[middle]:.2f}, and {paths.in_factor[middle]:.2f} between "
        "the factors, below it."
    )
    return Picture(fig, alt)


def border(pair, pairs):
    """Two terms that approach a tensor of rank three, and what the approach costs.

    Parameters
    ----------
    pair : BorderPair
        The one shown.
    pairs : sequence of BorderPair
        All of the approach.

    Returns
    -------
    Picture
    """
    with style():
        fig, (plane, cost) = figure(2, height=3.0, width_ratios=(1.5, 1))
        reach = 1.1 * max(np.abs(each.vectors).max() for each in pairs)
        for vector, color, name in zip(pair.vectors.T, CYCLE, ("first", "second")):
            plane.annotate(
                "", vector, (0, 0),
                arrowprops={"arrowstyle": "-|>", "color": color, "lw": 2.2, "shrinkA": 0,
                            "shrinkB": 0, "mutation_scale": 14},
            )  # fmt: skip
            plane.annotate(
                name, vector, xytext=(0, 12 if vector[1] > 0 else -12), color=color,
                textcoords="offset points", ha="center", va="center",
            )  # fmt: skip
        plane.set(xlim=(-reach, reach), ylim=(-0.3, 1.3), xlabel="along $a$", ylabel="along $b$")
        plane.set_title("the two terms")
        path = np.array([(each.error, each.size) for each in pairs]).T
        cost.loglog(*path, color=MUTED, linewidth=1.2, marker="o", markersize=3.5)
        cost.plot(pair.error, pair.size, "o", color=CYCLE[1], markersize=9, markeredgecolor=SURFACE)
        cost.set(xlabel="relative error", ylabel="size of a term")
        cost.set_yticks([3, 10, 30], ["3", "10", "30"])
        cost.minorticks_off()
        cost.set_title(f"error {pair.error:.1%}")
    alt = (
        f"With step {pair.step:g} the two terms have size {pair.size:.3g}, point in nearly "
        f"opposite directions and leave a relative error of {pair.error:.2g}."
    )
    return Picture(fig, alt)


def degeneracy(free, nonnegative):
    """Error and size of the terms of a free and of a nonnegative fit, sweep by sweep.

    Parameters
    ----------
    free, nonnegative : Degeneracy

    Returns
    -------
    Picture
    """
    fits = {"free": free, "nonnegative": nonnegative}
    with style():
        fig, panels = figure(2, height=3.0)
        for axes, quantity, title in zip(
            panels, ("error", "size"), ("relative error", "size of a term")
        ):
            for color, dashes, (name, fit) in zip(CYCLE, ("-", (0, (5, 2))), fits.items()):
                values = getattr(fit, quantity)
                axes.loglog(fit.iteration, values, color=color, linestyle=dashes, label=name)
            axes.set(xlabel="sweep")
            axes.set_title(title)
        panels[1].set_yscale("linear")
        panels[0].legend(loc="lower left")
    alt = (
        f"After {free.iteration[-1]} sweeps the free fit has error {free.error[-1]:.2g} and terms "
        f"of size {free.size[-1]:.3g}, both still moving; the nonnegative fit stands at error "
        f"{nonnegative.error[-1]:.2g} and size {nonnegative.size[-1]:.3g}."
    )
    return Picture(fig, alt)


def _simplex_axes(height):
    fig, axes = figure(height=height)
    axes.axis("off")
    axes.set_aspect("equal")
    corners = barycentric(np.eye(3))
    axes.add_patch(Polygon(corners.T, closed=True, fill=False, edgecolor=GRID, linewidth=1.4))
    axes.set(xlim=(-0.04, 1.04), ylim=(-0.04, 0.91))
    return fig, axes


def _draw_triangle(axes, columns, **options):
    flat = barycentric(columns)
    axes.plot(
        *np.column_stack([flat, flat[:, :1]]), linewidth=1.6, markersize=8,
        markeredgecolor=SURFACE, **options,
    )  # fmt: skip
