"""Pictures that say how far a fit to data of your own is to be trusted."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from .palette import CYCLE, MUTED, SURFACE
from .picture import Picture
from .styling import DIVERGING, SEQUENTIAL, figure, style

__all__ = ["entries", "held_out", "objectives", "residuals", "similarity"]

_CLOSE = 1e-2
_FEW = 40
_LOWEST = 1e-9
_ALONE = "there is no other finished start to compare with"


def objectives(starts):
    """How much of the descent each start misses, along its sweeps and at its end.

    For fits whose objective does not rise on the way.

    Parameters
    ----------
    starts : Starts
        As :func:`multiconvex.fit_starts` returns them.

    Returns
    -------
    Picture
    """
    best = starts.best.objective
    scale = np.median([result.trace.objective[0] for result in starts.results]) - best
    scale = max(scale, np.finfo(float).tiny)
    ends = np.maximum(starts.gaps, _LOWEST)
    with style():
        fig, (left, right) = figure(ncols=2, height=3.2, sharey=True, width_ratios=(3, 2))
        for number, result in enumerate(starts.results):
            gap = np.maximum((result.trace.objective - best) / scale, _LOWEST)
            color, width = (MUTED, 0.9) if number else (CYCLE[0], 2.2)
            left.plot(
                result.trace.iteration, gap, color=color, linewidth=width, zorder=3 - bool(number)
            )
        places = np.arange(1, len(ends) + 1)
        right.plot(places, ends, "o", color=MUTED, markeredgecolor=SURFACE)
        right.plot(1, ends[0], "o", color=CYCLE[0], markersize=8, markeredgecolor=SURFACE)
        right.axhline(1e-3, color=CYCLE[1], linewidth=1.2, linestyle="--")
        right.text(
            len(ends) + 0.4, 1.3e-3, "0.1%", color=CYCLE[1], ha="right", va="bottom",
            fontsize=10,
        )  # fmt: skip
        left.set(yscale="log", xlabel="sweep", ylabel="share of the descent\nnot made")
        right.set(xlabel="start, best first", xlim=(0.4, len(ends) + 0.6))
        right.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    return Picture(
        fig,
        f"{len(ends)} starts: the best ends at an objective of {best:.4g}, and "
        f"{starts.agreeing()} of them, the best one included, miss at most 0.1% of the descent. "
        f"The worst misses {100 * starts.spread:.2g}%.",
    )


def held_out(measured, *, xlabel="rank"):
    """Errors on what was hidden from the fits for every rank, and the rank to take.

    Parameters
    ----------
    measured : HeldOutRanks
        As :func:`multiconvex.held_out_ranks` and :func:`multiconvex.held_out_states` return them.
    xlabel : str
        What a rank is.

    Returns
    -------
    Picture
    """
    mean, error = measured.mean, np.nan_to_num(measured.standard_error)
    chosen = measured.ranks.index(measured.chosen)
    with style():
        fig, axes = figure(height=3.2)
        axes.plot(
            measured.ranks, measured.errors, "o", color=MUTED, markersize=4, alpha=0.7,
            markeredgewidth=0,
        )  # fmt: skip
        axes.errorbar(
            measured.ranks, mean, yerr=error, color=CYCLE[0], marker="o", capsize=3,
            markeredgecolor=SURFACE,
        )  # fmt: skip
        axes.plot(
            measured.ranks[chosen], mean[chosen], "o", markersize=14, markerfacecolor="none",
            color=CYCLE[1],
        )  # fmt: skip
        is_last = chosen == len(mean) - 1
        axes.annotate(
            "chosen", (measured.ranks[chosen], mean[chosen]), xytext=(0 if is_last else 6, 11),
            textcoords="offset points", color=CYCLE[1], ha="center" if is_last else "left",
        )  # fmt: skip
        axes.set(xlabel=xlabel, ylabel="error on what was hidden,\n1 = predicting the mean")
        axes.set_yscale("log" if mean.max() > 20 * mean.min() else "linear")
        axes.margins(x=0.08, y=0.18)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    shown = ", ".join(f"{value:.3g} at {rank}" for rank, value in zip(measured.ranks, mean))
    return Picture(
        fig,
        f"Error on what was hidden, as a share of that of predicting the mean, for each {xlabel}: "
        f"{shown}. The lowest is at {measured.best}; the smallest within one standard error of it "
        f"is {measured.chosen}.",
    )


def similarity(agreement, *, names=None):
    """How alike the components of several starts are.

    Parameters
    ----------
    agreement : Stability
        As :func:`multiconvex.stability` returns it.
    names : sequence of str, optional
        Of the components.

    Returns
    -------
    Picture
    """
    rank = agreement.similarity.shape[1]
    names = [f"component {q + 1}" for q in range(rank)] if names is None else list(names)
    close = agreement.gaps <= _CLOSE
    kinds = (
        (close, CYCLE[0], "o", "starts within 1% of the best"),
        (~close, MUTED, "X", "starts that end worse"),
    )
    with style():
        fig, axes = figure(height=0.9 + 0.42 * rank)
        for number, (some, color, marker, label) in enumerate(kinds):
            if some.any():
                values = agreement.similarity[some]
                places = np.broadcast_to(np.arange(rank) - 0.15 + 0.3 * number, values.shape)
                axes.plot(
                    values.ravel(), places.ravel(), marker, color=color, label=label,
                    markersize=6, alpha=0.7, markeredgecolor=SURFACE,
                )  # fmt: skip
        axes.set(xlim=(-0.02, 1.02), ylim=(rank - 0.5, -0.5), xlabel="similarity")
        axes.set_yticks(range(rank), names)
        if len(close):
            axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=0.1)
        else:
            axes.text(0.5, 0.5, _ALONE, transform=axes.transAxes, ha="center", va="center")
    if not len(close):
        return Picture(fig, f"Nothing is known of how alike the starts are: {_ALONE}.")
    shown = ", ".join(f"{name} {value:.2f}" for name, value in zip(names, agreement.components))
    return Picture(
        fig,
        f"Median similarity with {len(agreement.similarity)} other starts, of which "
        f"{int(close.sum())} end within 1% of the best: {shown}.",
    )


def residuals(X, model):
    """What a model leaves of the data: in every row, in every column, and how it is distributed.

    Parameters
    ----------
    X, model : ndarray
        Of one shape; those of a tensor are unfolded along its first mode.

    Returns
    -------
    Picture
        Rows and columns are counted from 0, as in the code.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    X, model = np.asarray(X, float), np.asarray(model, float)
    if X.shape != model.shape or X.ndim < 2:
        raise ValueError(
            f"X and model must be arrays of one shape, got {X.shape} and {model.shape}."
        )
    X, model = X.reshape(len(X), -1), model.reshape(len(X), -1)
    gap = X - model
    shares = [_share_left(X, gap, axis) for axis in (1, 0)]
    with style():
        fig, panels = figure(ncols=3, height=2.9)
        for panel, share, side in zip(panels, shares, ("row", "column")):
            line = {"marker": "o", "linestyle": ""} if len(share) <= _FEW else {"linewidth": 1.0}
            panel.plot(
                np.arange(len(share)), 100 * share, color=CYCLE[0], markersize=4, **line,
                rasterized=len(share) > 2000,
            )  # fmt: skip
            panel.set(xlabel=side, title=f"by {side}", ylim=(0, None))
            panel.xaxis.set_major_locator(MaxNLocator(3, integer=True))
        panels[0].set_ylabel("left over (%)")
        spread = max(float(gap.std()), np.finfo(float).tiny)
        panels[2].hist(
            np.clip(gap / spread, -4, 4).ravel(), bins=41, color=CYCLE[0], density=True,
            linewidth=0,
        )  # fmt: skip
        grid = np.linspace(-4, 4, 81)
        normal = np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi)
        panels[2].plot(grid, normal, color=CYCLE[1], linewidth=1.6)
        panels[2].set(xlabel="standard deviations", title="all together", yticks=[])
    total = 100 * float((gap**2).sum() / max(float((X**2).sum()), np.finfo(float).tiny))
    worst = [int(share.argmax()) for share in shares]
    return Picture(
        fig,
        f"The model leaves {total:.3g}% of the sum of squares. Most is left in row {worst[0]} "
        f"({100 * shares[0].max():.3g}%) and in column {worst[1]} "
        f"({100 * shares[1].max():.3g}%). The standard deviation of what is left is "
        f"{spread:.3g}; a normal curve is drawn for comparison.",
    )


def entries(matrix, *, rows, columns, label, xlabel=""):
    """A small matrix as colours: weights of hidden states, or memberships in groups.

    Parameters
    ----------
    matrix : ndarray, shape (m, n)
        Colours are centred on zero where there are negative entries.
    rows, columns : sequence of str
        Names.
    label : str
        What an entry is.
    xlabel : str

    Returns
    -------
    Picture
    """
    matrix = np.asarray(matrix, float)
    if matrix.shape != (len(rows), len(columns)):
        raise ValueError(
            f"matrix must have one row for each of {len(rows)} names and one column for each of "
            f"{len(columns)}, got shape {matrix.shape}."
        )
    top = max(float(np.abs(matrix).max()), np.finfo(float).tiny)
    signed = matrix.min() < 0
    with style():
        fig, axes = figure(height=min(1.1 + 0.3 * len(rows), 7.0))
        drawn = axes.imshow(
            matrix, cmap=DIVERGING if signed else SEQUENTIAL, vmin=-top if signed else 0.0,
            vmax=top, aspect="auto",
        )  # fmt: skip
        axes.set_yticks(range(len(rows)), rows)
        axes.set_xticks(range(len(columns)), columns)
        axes.set_xlabel(xlabel)
        axes.grid(visible=False)
        bar = fig.colorbar(drawn, ax=axes, aspect=24, pad=0.02)
        bar.set_label(label)
        bar.outline.set_visible(False)
    largest = [columns[place] for place in np.abs(matrix).argmax(axis=1)]
    shown = ", ".join(f"{row} in {column}" for row, column in zip(rows, largest))
    return Picture(
        fig,
        f"{label.capitalize()} of {len(rows)} rows and {len(columns)} columns, between "
        f"{matrix.min():.2g} and {matrix.max():.2g}. The largest of each row: {shown}.",
    )


def _share_left(X, gap, axis):
    """Return the share of the sum of squares that is left, along one axis."""
    whole = (X**2).sum(axis=axis)
    floor = np.finfo(float).eps * max(whole.max(initial=0.0), np.finfo(float).tiny)
    return (gap**2).sum(axis=axis) / np.maximum(whole, floor)
