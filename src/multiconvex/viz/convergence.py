"""Convergence curves."""

import numpy as np

from .labels import label_lines
from .palette import CYCLE, SURFACE
from .picture import Picture
from .styling import MARKERS, figure, style

_XLABELS = {"iteration": "sweep", "seconds": "seconds"}


def traces(results, *, x="iteration", best=None, xscale="linear", height=3.4):
    r"""Relative gap of the objective along one or several runs, on a logarithmic axis.

    .. math:: \frac{F(t) - F^\star}{\max(|F^\star|, \epsilon)}

    Parameters
    ----------
    results : dict
        From name to a result (with a ``trace``) or a trace (arrays ``iteration``, ``seconds``
        and ``objective``).
    x : {"iteration", "seconds"}
    best : float, optional
        The optimal value :math:`F^\star`, by default the least objective of all the runs; the
        run that attains it then ends one point early.
    xscale : {"linear", "log", "symlog"}
    height : float
        Inches.

    Returns
    -------
    Picture
    """
    if x not in _XLABELS:
        raise ValueError(f"x must be one of {sorted(_XLABELS)}, got {x!r}")
    runs = {name: getattr(result, "trace", result) for name, result in results.items()}
    if not runs:
        raise ValueError("results is empty: give at least one run to draw")
    floor = min(np.min(run.objective) for run in runs.values()) if best is None else best
    gaps = {name: _relative_gap(run.objective, floor) for name, run in runs.items()}
    with style():
        fig, axes = figure(height=height)
        for number, (name, run) in enumerate(runs.items()):
            axes.plot(
                getattr(run, x), gaps[name], color=CYCLE[number % 8],
                marker=MARKERS[number % 8], markevery=max(1, len(gaps[name]) // 8),
                markeredgecolor=SURFACE,
            )  # fmt: skip
        axes.set(xscale=xscale, yscale="log", xlabel=_XLABELS[x], ylabel="relative gap")
        label_lines(axes, list(runs))
    return Picture(fig, _describe(runs, gaps, x))


def _relative_gap(objective, best):
    gap = (np.asarray(objective, float) - best) / max(abs(best), np.finfo(float).tiny)
    return np.where(gap > 0, gap, np.nan)


def _describe(runs, gaps, x):
    sentences = []
    for name, run in runs.items():
        finite = gaps[name][np.isfinite(gaps[name])]
        last = getattr(run, x)[-1]
        unit = "sweeps" if x == "iteration" else "seconds"
        if len(finite):
            change = f"falls from {finite[0]:.1e} to {finite[-1]:.1e}"
        else:
            change = "is zero throughout"
        sentences.append(f"{name} {change} in {last:.3g} {unit}")
    return "Relative gap to the best objective, logarithmic: " + "; ".join(sentences) + "."
