"""One matplotlib style for every figure, and the figure factory that goes with it."""

from contextlib import contextmanager

import matplotlib
import matplotlib.style
from cycler import cycler
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from .palette import CYCLE, GRID, INK, MUTED

WIDTH = 6.0
"""Width of every figure in inches: 576 CSS pixels, in which text is readable on a phone too."""

MARKERS = ("o", "s", "D", "^", "v", "P", "X", "p")

SEQUENTIAL = LinearSegmentedColormap.from_list(
    "mbx-sequential",
    ["#0d1330", "#16306b", "#1f559c", "#2480ac", "#46aca5", "#93d2a0", "#e3f0b9", "#fdfde6"],
    N=128,
)
DIVERGING = LinearSegmentedColormap.from_list(
    "mbx-diverging",
    ["#123a8c", "#4f80cf", "#b3cbeb", "#f6f4f0", "#f0bfa6", "#cf6a3f", "#8a2606"],
    N=128,
)

_STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.grid.which": "major",
    "axes.labelcolor": INK,
    "axes.labelsize": 11.5,
    "axes.linewidth": 0.8,
    "axes.prop_cycle": cycler(color=CYCLE),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlepad": 7,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.formatter.use_mathtext": True,
    "boxplot.boxprops.color": INK,
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.06,
    "figure.facecolor": "none",
    "font.family": "DejaVu Sans",
    "font.size": 11.5,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "hatch.color": MUTED,
    "image.cmap": "gray",
    "image.composite_image": False,
    "image.interpolation": "none",
    "image.lut": 128,
    "legend.edgecolor": GRID,
    "legend.fontsize": 10.5,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.color": INK,
    "lines.linewidth": 2.0,
    "lines.markeredgewidth": 0.9,
    "lines.markersize": 6,
    "mathtext.fontset": "dejavusans",
    "patch.edgecolor": INK,
    "patch.linewidth": 1.0,
    "path.simplify_threshold": 0.25,
    "savefig.facecolor": "none",
    "svg.fonttype": "path",
    "svg.hashsalt": "multiconvex",
    "text.color": INK,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 10.5,
    "xtick.major.size": 3.5,
    "xtick.minor.visible": False,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 10.5,
    "ytick.major.size": 3.5,
    "ytick.minor.visible": False,
}


@contextmanager
def style():
    """Draw with the book's style, whatever the reader's matplotlib settings are.

    Examples
    --------
    >>> with style():
    ...     fig, axes = figure()
    ...     _ = axes.plot([0, 1], [1, 0])
    """
    with matplotlib.style.context("default"), matplotlib.rc_context(_STYLE):
        yield


def figure(ncols=1, nrows=1, *, height=3.3, **subplots):
    """A figure as wide as the text column, and its axes.

    Parameters
    ----------
    ncols, nrows : int
        Number of panels.
    height : float
        Height of the whole figure in inches.
    **subplots
        Options of :meth:`matplotlib.figure.Figure.subplots`, such as ``sharey=True``.

    Returns
    -------
    fig : matplotlib.figure.Figure
        A figure that pyplot knows nothing about.
    axes : matplotlib.axes.Axes or ndarray of them
        An array when there is more than one panel.
    """
    fig = Figure(figsize=(WIDTH, height))
    return fig, fig.subplots(nrows, ncols, **subplots)
