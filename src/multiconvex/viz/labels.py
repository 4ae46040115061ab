"""Names beside the curves instead of a legend."""

import numpy as np
from matplotlib.transforms import blended_transform_factory

from .palette import INK

_BACKWARDS = np.linspace(0.0, 1.0, 101)


def label_lines(axes, names, *, spacing=None):
    """Write the names of the lines of `axes` at their right ends, without overlap.

    Call it after the limits and scales are final. Each name is joined to the last finite point
    of its line by a thin stroke in the colour of the line. Names of lines that end together are in
    the order in which the lines arrive.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    names : sequence of str
        Names of ``axes.lines`` in order.
    spacing : float, optional
        Least distance of two names as a fraction of the height of the axes, by default one line
        of text.
    """
    lines = list(axes.lines)[: len(names)]
    low, high = axes.get_xlim(), axes.get_ylim()
    axes.set_xlim(low)
    axes.set_ylim(high)
    paths = np.array([_path_from_end(axes, line) for line in lines])
    ends = paths[:, :2].clip(0.0, 1.0)
    if spacing is None:
        rows = axes.get_subplotspec().get_gridspec().nrows if axes.get_subplotspec() else 1
        spacing = 15.5 / (72 * axes.figure.get_figheight() / rows * 0.78)
    order = np.lexsort(paths[:, :0:-1].T)
    heights = np.empty(len(lines))
    heights[order] = spread(ends[order, 1], spacing)
    excess = max(heights.max() - 1.0, 0.0) + min(heights.min(), 0.0)
    heights = heights - excess
    side = blended_transform_factory(axes.transAxes, axes.transAxes)
    for line, name, (x, y), height in zip(lines, names, ends, heights):
        axes.plot(
            [x, 1.015, 1.03], [y, height, height], transform=side, clip_on=False,
            color=line.get_color(), linewidth=1.1, linestyle=(0, (1, 1.5)),
        )  # fmt: skip
        axes.text(
            1.04, height, name, transform=side, va="center", ha="left", color=INK, fontsize=10.5
        )


def spread(heights, spacing):
    """Move numbers in [0, 1] as little as possible until they are `spacing` apart.

    Neighbours that touch form a group centred on its mean, which is least squares subject to
    the order and the distances.

    Examples
    --------
    >>> spread([0.5, 0.5, 0.0], 0.2).round(2).tolist()
    [0.4, 0.6, 0.0]
    """
    heights = np.asarray(heights, float)
    order = np.argsort(heights, kind="stable")
    shifted = heights[order] - spacing * np.arange(len(order))
    groups = []
    for value in shifted:
        groups.append([value, 1])
        while len(groups) > 1 and groups[-2][0] > groups[-1][0]:
            (a, n), (b, m) = groups[-2:]
            groups[-2:] = [[(n * a + m * b) / (n + m), n + m]]
    fitted = np.repeat([g[0] for g in groups], [g[1] for g in groups])
    placed = np.empty_like(heights)
    placed[order] = fitted + spacing * np.arange(len(order))
    return placed


def _path_from_end(axes, line):
    """Return where a line ends, and its heights from there leftwards to a thousandth."""
    points = np.column_stack(line.get_data()).astype(float)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        points = np.array([[axes.get_xlim()[1], axes.get_ylim()[0]]])
    x, y = (axes.transScale + axes.transLimits).transform(points).T
    rising = np.argsort(x, kind="stable")
    heights = np.interp(x[-1] - _BACKWARDS, x[rising], y[rising]).round(3)
    return x[-1], y[-1].round(3), *heights[1:]
