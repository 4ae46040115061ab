"""Figures of the chapter on matrices that do not fit one machine."""

import numpy as np

from .labels import label_lines
from .palette import CYCLE, INK, MUTED, SURFACE
from .picture import Picture
from .styling import MARKERS, figure, style

_UNITS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "bytes"))


def sizes(n_columns, rank=10, height=8192):
    """Bytes of data, factors and statistics against the number of rows.

    Parameters
    ----------
    n_columns, rank, height : int
    """
    rows = np.logspace(3, 9, 61)
    page = 8.0 * rank * (n_columns + rank)
    lines = {
        "X": 8.0 * rows * n_columns,
        "W": 8.0 * rows * rank,
        "one chunk of X": 8.0 * np.minimum(rows, height) * n_columns,
        "statistics of a chunk": np.full_like(rows, page),
        "H": np.full_like(rows, 8.0 * n_columns * rank),
    }
    with style():
        fig, axes = figure(height=3.7)
        for number, values in enumerate(lines.values()):
            axes.plot(rows, values, color=CYCLE[number])
        axes.axhline(16e9, color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)))
        axes.annotate(
            "16 GB", (1.2e3, 16e9), xytext=(0, 4), textcoords="offset points", color=MUTED,
            fontsize=9.5,
        )  # fmt: skip
        axes.set(xscale="log", yscale="log", xlabel="rows", ylabel="bytes", ylim=(3e3, 3e14))
        ticks = [1e3, 1e6, 1e9, 1e12]
        axes.set_yticks(ticks, [bytes_text(tick) for tick in ticks])
        axes.minorticks_off()
        label_lines(axes, list(lines))
    ends = "; ".join(f"{name} {bytes_text(values[-1])}" for name, values in lines.items())
    return Picture(
        fig,
        f"Bytes against rows for {n_columns} columns and rank {rank}. At a thousand million rows: "
        f"{ends}.",
    )


def heights(measured, height):
    """Objectives in memory and in chunks of one height, and their relative distance.

    Parameters
    ----------
    measured : HeightComparison
    height : int
    """
    local, chunked, gaps = measured.local, measured.chunked[height], measured.gaps(height)
    floor = 1e-17
    with style():
        fig, (left, right) = figure(ncols=2, height=3.0)
        left.plot(local.iteration, local.objective, color=CYCLE[0])
        left.plot(
            chunked.iteration, chunked.objective, MARKERS[0], color=CYCLE[1], markersize=4.5,
            markeredgecolor=SURFACE,
        )  # fmt: skip
        left.set(yscale="log", xlabel="sweep", title="objective")
        left.minorticks_off()
        right.plot(chunked.iteration, np.maximum(gaps, floor), MARKERS[0], color=CYCLE[1])
        right.axhline(1e-10, color=INK, linewidth=1.0, linestyle=(0, (4, 3)))
        right.set(yscale="log", ylim=(floor / 3, 1e-8), xlabel="sweep", title="relative distance")
    return Picture(
        fig,
        f"In chunks of {height} rows (dots) the objective follows the fit in memory (line) from "
        f"{local.objective[0]:.4g} to {local.objective[-1]:.4g}; the largest relative distance is "
        f"{gaps.max():.1e}, far below the dashed line at 1e-10.",
    )


def resumed(fits):
    """Objectives of fits that were stopped and resumed, above the best of all.

    Parameters
    ----------
    fits : ResumedFit
    """
    best = min(values.min() for values in (*fits.whole.values(), *fits.resumed.values()))
    with style():
        fig, panels = figure(ncols=2, height=3.0, sharey=True)
        for panel, (name, whole) in zip(panels, fits.whole.items()):
            rest = fits.resumed[name]
            sweeps = fits.stopped_after + np.arange(len(rest))
            panel.plot(1e-3 + whole / best - 1.0, color=CYCLE[0])
            panel.plot(
                sweeps, 1e-3 + rest / best - 1.0, MARKERS[0], color=CYCLE[1], markersize=4.5,
                markeredgecolor=SURFACE,
            )  # fmt: skip
            panel.axvline(fits.stopped_after, color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)))
            panel.set(title=name, xlabel="sweep", yscale="log")
            panel.minorticks_off()
        panels[0].set_ylabel("above the best, plus 1e-3")
    parts = [
        f"{name}: largest relative distance after the stop "
        f"{np.abs(fits.resumed[name] / whole[fits.stopped_after :] - 1).max():.1e}"
        for name, whole in fits.whole.items()
    ]
    return Picture(
        fig,
        f"Objectives of a fit that was not stopped (line) and of one that went on from its "
        f"checkpoint after sweep {fits.stopped_after} (dots). {'; '.join(parts)}.",
    )


def measured_sweeps(measured, n_workers):
    """Stored seconds of a sweep against rows, and what they predict for other workers.

    Parameters
    ----------
    measured : Measured
    n_workers : int
    """
    rows = np.logspace(4.5, 9, 46)
    runs = measured.runs
    here = runs[0].n_workers
    with style():
        fig, axes = figure(height=3.5)
        for number, workers in enumerate(sorted({here, n_workers})):
            seconds = [measured.sweep_seconds(m, workers) for m in rows]
            axes.plot(rows, seconds, color=CYCLE[number])
        axes.plot(
            [run.n_rows for run in runs], [run.sweep for run in runs], MARKERS[0], color=INK,
            markersize=6,
        )  # fmt: skip
        axes.set(xscale="log", yscale="log", xlabel="rows", ylabel="stored time of a sweep")
        ticks = [1.0, 60.0, 3600.0, 86400.0]
        axes.set_yticks(ticks, ["1 s", "1 min", "1 h", "1 day"])
        axes.minorticks_off()
        label_lines(axes, [f"{workers} workers" for workers in sorted({here, n_workers})])
    points = "; ".join(f"{run.n_rows} rows {run.sweep:.1f} s" for run in runs)
    end = measured.sweep_seconds(1e9, n_workers)
    return Picture(
        fig,
        f"Measured on {here} workers (dots): {points}. The lines extrapolate: {n_workers} workers "
        f"would need {end:.0f} s for a sweep over a thousand million rows.",
    )


def chunk_heights(n_columns=1000, rank=10):
    """What is sent, as a fraction of what is read, and the memory of a chunk, against its height.

    Parameters
    ----------
    n_columns, rank : int
    """
    tall = np.logspace(0, 6, 61)
    sent = rank * (n_columns + rank) * 8.0 / 7.0 / (2.0 * n_columns * tall)
    memory = 8.0 * n_columns * tall
    with style():
        fig, (left, right) = figure(ncols=2, height=3.0)
        left.plot(tall, sent, color=CYCLE[0])
        left.axhline(1.0, color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)))
        left.set(xscale="log", yscale="log", xlabel="rows of a chunk", title="sent / read")
        right.plot(tall, memory, color=CYCLE[1])
        right.axhline(2e9, color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)))
        right.set(xscale="log", yscale="log", xlabel="rows of a chunk", title="memory of a chunk")
        ticks = [1e3, 1e6, 1e9]
        right.set_yticks(ticks, [bytes_text(tick) for tick in ticks])
        for axes in (left, right):
            axes.minorticks_off()
    return Picture(
        fig,
        f"With {n_columns} columns and rank {rank}, chunks of one row send {sent[0]:.1f} times "
        f"what they read, chunks of a thousand rows {sent[30]:.4f} times; a chunk of a million "
        f"rows fills {bytes_text(memory[-1])}, more than the 2 GB of a worker.",
    )


def bytes_text(number):
    """Return a number of bytes with a unit.

    Examples
    --------
    >>> bytes_text(8.0e9), bytes_text(80.0)
    ('8 GB', '80 bytes')
    """
    for size, unit in _UNITS:
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.3g} bytes"
