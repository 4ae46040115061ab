"""Labels along time, as coloured strips."""

import numpy as np
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path

from .palette import CYCLE, INK, SURFACE
from .picture import Picture
from .styling import figure, style

_THICKNESS = 0.74
_RECTANGLE = np.array([Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY])


def timeline(labels_by_name, *, breaks=(), names=None, xlabel="trial", height=None):
    """One strip for each sequence of labels, one colour for each label.

    Parameters
    ----------
    labels_by_name : dict of str to array of int, shape (m,)
        Labels from 0; -1 leaves a gap. Strips are drawn from the top in the order of the dict.
    breaks : sequence of int
        Where a new session begins: a thin line through all strips.
    names : sequence of str, optional
        What labels mean, for the legend; by default their numbers.
    xlabel : str
    height : float, optional
        Inches, by default what the number of strips needs.

    Returns
    -------
    Picture

    Raises
    ------
    ValueError
        When there are no labels, they are not integers from -1, differ in number, or more labels
        occur than there are names or colours.

    Examples
    --------
    >>> timeline({"fit": [0, 0, 1]}).alt
    'Labels of 3 trials: fit, 1 change, label 0 67%, label 1 33%.'
    """
    strips = _check(labels_by_name)
    count = max(max(strip.max() for strip in strips.values()) + 1, 1)
    names = [f"label {k}" for k in range(count)] if names is None else list(names)
    if not count <= len(names) <= len(CYCLE):
        raise ValueError(
            f"names must be {count} to {len(CYCLE)}, one for each label, got {len(names)}"
        )
    with style():
        fig, axes = figure(height=height or 0.95 + 0.42 * len(strips))
        draw_strips(axes, strips, names=names, breaks=breaks)
        axes.set_xlabel(xlabel)
    return Picture(fig, _describe(strips, names, xlabel))


def draw_strips(axes, strips, *, names, breaks=()):
    """Draw what :func:`timeline` shows into axes of a larger figure.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    strips : dict of str to ndarray of int, shape (m,)
    names : sequence of str
        Of the labels, for the legend.
    breaks : sequence of int
    """
    for row, strip in enumerate(strips.values()):
        for k in np.unique(strip[strip >= 0]):
            axes.add_patch(PathPatch(_runs(strip == k, row), facecolor=CYCLE[k], linewidth=0))
    for start in breaks:
        axes.axvline(start, color=SURFACE, linewidth=2.4)
        axes.axvline(start, color=INK, linewidth=0.8)
    axes.set(
        xlim=(0, len(next(iter(strips.values())))), ylim=(len(strips) - 0.5, -0.5),
        yticks=range(len(strips)), yticklabels=strips,
    )  # fmt: skip
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    axes.legend(
        handles=[Patch(color=CYCLE[k], label=name) for k, name in enumerate(names)],
        ncols=len(names), loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.1,
        handlelength=1.2, columnspacing=1.2,
    )  # fmt: skip


def _runs(present, row):
    """Rectangles over the runs of trials where `present`, in the strip number `row`."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], present, [False]])))
    left, right = edges[::2], edges[1::2]
    top, bottom = row - _THICKNESS / 2, row + _THICKNESS / 2
    x = np.stack([left, right, right, left, left], axis=1).ravel()
    y = np.tile([bottom, bottom, top, top, bottom], len(left))
    return Path(np.column_stack([x, y]).reshape(-1, 2), np.tile(_RECTANGLE, len(left)))


def _check(labels_by_name):
    if not labels_by_name:
        raise ValueError("labels_by_name is empty: give at least one sequence of labels")
    strips = {name: np.asarray(labels) for name, labels in labels_by_name.items()}
    for name, strip in strips.items():
        if strip.ndim != 1 or strip.dtype.kind not in "iu" or not len(strip) or strip.min() < -1:
            raise ValueError(
                f"labels {name!r} must be a sequence of integers from -1, got {strip.dtype} of "
                f"shape {strip.shape}"
            )
    lengths = {name: len(strip) for name, strip in strips.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"labels must be as many in every sequence, got {lengths}")
    return strips


def _describe(strips, names, xlabel):
    parts = []
    for title, strip in strips.items():
        changes = int(np.count_nonzero(np.diff(strip)))
        shares = [f"{name} {np.mean(strip == k):.0%}" for k, name in enumerate(names)]
        parts.append(f"{title}, {changes} change{'s' * (changes != 1)}, {', '.join(shares)}")
    count = len(next(iter(strips.values())))
    return f"Labels of {count} {xlabel}s: {'; '.join(parts)}."
