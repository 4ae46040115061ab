"""The probability simplex with three coordinates, as a triangle."""

import numpy as np
from matplotlib.patches import Polygon

from .palette import CYCLE, INK, MUTED, SURFACE
from .picture import Picture
from .styling import MARKERS, figure, style

_CORNERS = np.array([[0.0, 1.0, 0.5], [0.0, 0.0, np.sqrt(0.75)]])


def barycentric(points):
    """Coordinates in the plane of nonnegative columns scaled to sum one.

    Examples
    --------
    >>> barycentric([[2.0], [2.0], [0.0]]).ravel().tolist()
    [0.5, 0.0]
    """
    points = np.asarray(points, float)
    if points.ndim != 2 or points.shape[0] != 3:
        raise ValueError(f"points must have shape (3, n), got {points.shape}")
    sums = points.sum(axis=0)
    if (sums <= 0).any():
        raise ValueError("every column of points must have a positive sum")
    return _CORNERS @ (points / sums)


def simplex(points, *, polygons=None, vertices=("$e_1$", "$e_2$", "$e_3$"), height=4.0):
    """Points of the probability simplex and polygons among them.

    Parameters
    ----------
    points : ndarray of shape (3, n)
        Columns are scaled to sum one.
    polygons : dict, optional
        From name to an array ``(3, k)`` whose columns are the corners.
    vertices : sequence of three str
    height : float
        Inches.

    Returns
    -------
    Picture
    """
    flat = barycentric(points)
    polygons = {name: barycentric(corners) for name, corners in (polygons or {}).items()}
    with style():
        fig, axes = figure(height=height)
        axes.axis("off")
        axes.set_aspect("equal")
        axes.add_patch(Polygon(_CORNERS.T, closed=True, fill=False, edgecolor=MUTED, lw=1.2))
        centre = _CORNERS.mean(axis=1)
        for corner, name in zip(_CORNERS.T, vertices):
            away = corner - centre
            axes.annotate(
                name, corner, xytext=14 * away / np.linalg.norm(away),
                textcoords="offset points", ha="center", va="center", color=INK,
            )  # fmt: skip
        dense = flat.shape[1] > 1500
        axes.plot(
            *flat, "o", color=CYCLE[0], alpha=0.35 if flat.shape[1] > 60 else 0.9,
            markersize=4 if flat.shape[1] > 60 else 6, markeredgewidth=0, rasterized=dense,
        )  # fmt: skip
        for number, (name, corners) in enumerate(polygons.items(), start=1):
            color = CYCLE[number % 8]
            axes.add_patch(
                Polygon(corners.T, closed=True, facecolor=color, alpha=0.12, edgecolor="none")
            )
            axes.plot(
                *np.column_stack([corners, corners[:, :1]]), color=color, linewidth=1.8,
                marker=MARKERS[number % 8], markeredgecolor=SURFACE, markersize=7, label=name,
            )  # fmt: skip
        if polygons:
            axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        axes.margins(0.05)
    return Picture(fig, _describe(flat, polygons))


def _describe(flat, polygons):
    text = f"{flat.shape[1]} points in the probability simplex of three coordinates"
    area = np.sqrt(0.75) / 2
    shares = [
        f"{name}, {corners.shape[1]} corners, {_area(corners) / area:.1%} of the area"
        for name, corners in polygons.items()
    ]
    return text + (" with polygons: " + "; ".join(shares) if shares else "") + "."


def _area(corners):
    x, y = corners
    return 0.5 * abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))
