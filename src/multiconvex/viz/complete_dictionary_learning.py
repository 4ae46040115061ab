"""Figures of the chapter on complete dictionary learning."""

import numpy as np

from .images import image_grid
from .palette import CYCLE, INK, MUTED, SURFACE
from .picture import Picture
from .styling import DIVERGING, MARKERS, figure, style

_SEEN = {"xlim": (-17.5, 17.5), "ylim": (-12.5, 18.5)}
_SEEN_CROSSING = {"xlim": (-26.0, 26.0), "ylim": (-16.0, 22.0)}
_EXACT = 1e-6


def question(samples, found):
    """Samples in the plane, and the atoms and facets that carry them.

    Parameters
    ----------
    samples : ndarray, shape (3, n)
    found : ndarray, shape (3, 3)
        Atoms.
    """
    points, atoms = _plane(samples), _plane(found)
    centre = atoms.mean(axis=1, keepdims=True)
    with style():
        fig, (left, right) = figure(ncols=2, height=2.9, sharex=True, sharey=True)
        left.set_title(f"{points.shape[1]} samples")
        right.set_title("atoms and facets")
        for i in range(3):
            start, end = np.delete(atoms, i, axis=1).T
            right.axline(start, end, color=CYCLE[i], linewidth=1.6)
            across = (start + end)[:, None] / 2 - centre
            place = centre + across * (1 + 3.1 / np.linalg.norm(across))
            right.text(*place[:, 0], f"$F_{i + 1}$", color=CYCLE[i], ha="center", va="center")
            away = atoms[:, i : i + 1] - centre
            place = centre + away * (1 + 3.4 / np.linalg.norm(away))
            right.text(*place[:, 0], f"$d_{i + 1}$", ha="center", va="center")
        right.plot(*atoms, "D", color=SURFACE, markeredgecolor=INK, markersize=8, mew=1.6)
        for axes in (left, right):
            axes.plot(*points, "o", color=INK, markersize=5, markeredgewidth=0, zorder=4)
            _bare(axes, _SEEN)
    return Picture(
        fig,
        f"{points.shape[1]} points in the plane, alone and on the three sides of a triangle with "
        f"corners {_places(atoms)}.",
    )


def crossing(shared):
    """Two triangles and the nine points in which their sides meet.

    Parameters
    ----------
    shared : Crossing
    """
    points = _plane(shared.points.T)
    with style():
        fig, axes = figure(height=4.4)
        for corners, color, marker in zip(shared.corners, CYCLE, MARKERS):
            corners = _plane(corners.T)
            for i in range(3):
                start, end = np.delete(corners, i, axis=1).T
                axes.axline(start, end, color=color, linewidth=0.8, linestyle=(0, (4, 3)))
                axes.plot(*np.stack([start, end]).T, color=color, linewidth=2.0)
            axes.plot(*corners, marker, color=SURFACE, markeredgecolor=color, markersize=9, mew=2)
        axes.plot(*points, "o", color=INK, markersize=6, markeredgewidth=0, zorder=4)
        _bare(axes, _SEEN_CROSSING)
    return Picture(
        fig,
        f"Two triangles, one turned by {shared.turn:.1f} degrees. Nine points, at "
        f"{_places(points)}, are on the lines of both, three on each of the six lines; "
        f"{shared.between_corners} of them are between corners of both triangles.",
    )


def repeats(panels):
    """Largest angle of an atom from its estimate, one dot for each seed.

    Parameters
    ----------
    panels : dict of str to sequence of Repeats
    """
    with style():
        fig, columns = figure(ncols=len(panels), height=3.4, sharey=True)
        for axes, (title, runs) in zip(columns, panels.items()):
            for place, run in enumerate(runs):
                angles = np.sort(np.maximum(run.angles, _EXACT))
                spread = place + np.linspace(-0.28, 0.28, len(angles))
                axes.plot(
                    spread, angles, MARKERS[place], color=CYCLE[place], markersize=5, mec=SURFACE
                )
            axes.set(
                title=title, yscale="log", ylim=(_EXACT / 3, 100), xlim=(-0.5, len(runs) - 0.5)
            )
            axes.set_xticks(range(len(runs)), [run.name for run in runs])
            axes.grid(False, axis="x")
        columns[0].set_ylabel("largest angle (degrees)")
    sentences = [
        f"{title}, {run.name}: median {np.median(run.angles):.2g}, "
        f"{run.recovered.sum()} of {len(run.angles)} below a hundredth"
        for title, runs in panels.items()
        for run in runs
    ]
    return Picture(fig, f"Largest angle in degrees by seed. {'; '.join(sentences)}.")


def phases(diagram):
    """Fraction of dictionaries that come back, by samples and sparsity, with both counts.

    Parameters
    ----------
    diagram : PhaseDiagram
    """
    sizes = np.array(diagram.sizes)
    rows = np.arange(1, diagram.rank)
    with style():
        fig, axes = figure(height=3.3)
        for k, shares in zip(rows, diagram.recovered):
            ring = {"markerfacecolor": "none", "markeredgecolor": MUTED, "mew": 0.8}
            axes.plot(sizes, np.full(len(sizes), k), "o", markersize=16, **ring)
            for size, share in zip(sizes, shares):
                axes.plot(
                    size, k, "o", color=CYCLE[0], markersize=16 * np.sqrt(share), markeredgewidth=0
                )
        for counts, number, name in (
            (diagram.necessary, 1, "facets can be spanned"),
            (diagram.sufficient, 2, "theorem"),
        ):
            edges = np.repeat(np.append(rows, rows[-1] + 1) - 0.5, 2)[1:-1]
            shifted = np.repeat(np.asarray(counts, float), 2) / 1.09
            dashes = "-" if number == 2 else (0, (4, 2))
            axes.plot(shifted, edges, color=CYCLE[number], linestyle=dashes, label=name)
        axes.set(xscale="log", xlabel="samples", ylabel="nonzeros $k$", ylim=(0.5, rows[-1] + 0.5))
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.set_xticks([], minor=True)
        axes.set_yticks(rows)
        axes.grid(False)
        axes.legend(ncols=2, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)
    sentences = [
        f"k = {k}: {', '.join(f'{share:.0%} at {size}' for size, share in zip(sizes, shares))}; "
        f"counts {low} and {high}"
        for k, shares, low, high in zip(
            rows, diagram.recovered, diagram.necessary, diagram.sufficient
        )
    ]
    return Picture(
        fig, f"Dictionaries that come back, {diagram.rank} atoms. {'. '.join(sentences)}."
    )


def atoms(code):
    """The atoms of a page as small images, next to the cosines.

    Parameters
    ----------
    code : PageCode
    """
    shown = {name: _mosaic(code.dictionaries[name]) for name in ("cosines", "learned")}
    return image_grid(shown, ncols=2, limits=(-1.0, 1.0), cmap=DIVERGING)


def _mosaic(dictionary, ncols=5):
    """Atoms scaled to a largest entry of one, as tiles with gaps and a wider one behind them."""
    side = int(np.sqrt(len(dictionary)))
    scaled = dictionary / np.abs(dictionary).max(axis=0)
    tiles = scaled.T.reshape(-1, side, side)
    padded = np.pad(tiles, ((0, 0), (0, 1), (0, 1)), constant_values=np.nan)
    rows = padded.reshape(-1, ncols, side + 1, side + 1).swapaxes(1, 2)
    mosaic = rows.reshape(-1, ncols * (side + 1))[:-1, :-1]
    return np.pad(mosaic, ((0, 0), (0, side // 2)), constant_values=np.nan)


def _plane(columns):
    """Columns of homogeneous coordinates as points of the plane."""
    columns = np.asarray(columns)
    return (columns[:2] / columns[2]).astype(float)


def _bare(axes, window):
    axes.set(aspect="equal", xticks=[], yticks=[], **window)
    axes.spines[:].set_visible(False)


def _places(points):
    listed = ", ".join(f"({x:.1f}, {y:.1f})" for x, y in points.T + 0.0)
    return listed.replace("-", "\N{MINUS SIGN}")
