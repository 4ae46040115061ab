"""Figures of the comparison of implicit rules with other methods."""

import numpy as np

from multiconvex.studies.implicit_comparison import NETWORK

from .palette import CYCLE, INK, MUTED
from .picture import Picture
from .styling import MARKERS, figure, style

_KINDS = (("implicit", 1), ("biconvex", 1), ("network", 0), ("", 2))


def errors(comparison):
    """Test errors of every method, one dot a division of the data, and their medians.

    Parameters
    ----------
    comparison : multiconvex.studies.implicit_comparison.Comparison
    """
    methods = comparison.methods
    peer = np.median(comparison.errors(NETWORK))
    with style():
        fig, axes = figure(height=0.6 + 0.33 * len(methods))
        rng = np.random.default_rng(0)
        for row, method in enumerate(methods):
            color = next(k for word, k in _KINDS if method.startswith(word))
            values = comparison.errors(method)
            heights = row + rng.uniform(-0.17, 0.17, len(values))
            axes.plot(
                values, heights, linestyle="", marker=MARKERS[color], markersize=4,
                color=CYCLE[color], alpha=0.75,
            )  # fmt: skip
            axes.plot(2 * [np.median(values)], [row - 0.36, row + 0.36], color=INK, linewidth=2)
        axes.axvspan(peer, 1.1 * peer, color=MUTED, alpha=0.22, linewidth=0)
        axes.set(
            yticks=range(len(methods)), yticklabels=methods, ylim=(len(methods) - 0.4, -0.6),
            xlabel=f"test error ({comparison.unit})", xscale="log",
        )  # fmt: skip
        axes.grid(axis="y", visible=False)
        low, high = axes.get_xlim()
        ticks = _round_numbers(low, high)
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.set_xlim(low, high)
    medians = ", ".join(f"{m} {np.median(comparison.errors(m)):.3g}" for m in methods)
    return Picture(
        fig,
        f"Median test errors on {comparison.data} in {comparison.unit}: {medians}. The grey band "
        "begins at the ordinary network and is 10% wide.",
    )


def _round_numbers(low, high):
    """Return four or so numbers between two, evenly spaced and short to write."""
    spread = high / low
    steps = [1, 2, 5] if spread > 4 else [1, 1.5, 2, 3, 4, 5, 7] if spread > 1.6 else None
    if steps is None:
        width = 10.0 ** np.floor(np.log10((high - low) / 2))
        width *= next(k for k in (1, 2, 5, 10) if (high - low) / (k * width) <= 6)
        return np.arange(np.ceil(low / width), high / width) * width
    decades = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    ticks = np.sort(np.outer(10.0**decades, steps).ravel())
    return ticks[(ticks >= low) & (ticks <= high)]
