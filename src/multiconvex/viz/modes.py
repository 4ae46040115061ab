"""The factor matrices of a tensor model, one panel a mode."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from .palette import CYCLE, MUTED, SURFACE
from .picture import Picture
from .styling import MARKERS, figure, style

_FEW = 16
"""A mode with at most this many entries is drawn as points, a longer one as curves."""


def factors(matrices, *, axes=None, names=None, reference=None, height=2.6):
    """Columns of each factor matrix against the axis of its mode.

    Parameters
    ----------
    matrices : sequence of ndarray of shape (n_k, rank)
    axes : sequence, optional
        For each mode a pair ``(label, values)`` (values may be None), or an object with
        ``label`` and ``values`` such as the axes of a data set.
    names : sequence of str, optional
        Names of the components.
    reference : sequence of ndarray, optional
        Matrices of the same shapes, drawn as thin dotted curves.
    height : float
        Inches.

    Returns
    -------
    Picture
    """
    matrices = [np.asarray(matrix, float) for matrix in matrices]
    ranks = {matrix.shape[-1] for matrix in matrices if matrix.ndim == 2}
    if not matrices or len(ranks) != 1 or any(matrix.ndim != 2 for matrix in matrices):
        shapes = [matrix.shape for matrix in matrices]
        raise ValueError(f"matrices must be (n_k, rank) with one rank, got shapes {shapes}")
    rank = ranks.pop()
    names = list(names or [f"component {q + 1}" for q in range(rank)])
    labelled = [_axis(axes, k, len(matrix)) for k, matrix in enumerate(matrices)]
    with style():
        fig, panels = figure(len(matrices), height=height, squeeze=False)
        for k, (panel, matrix, (label, values)) in enumerate(
            zip(panels[0], matrices, labelled, strict=True)
        ):
            for q in range(rank):
                if reference is not None:
                    panel.plot(values, reference[k][:, q], ":", color=MUTED, linewidth=1.4)
                _draw_column(panel, values, matrix[:, q], q, names[q])
            panel.set_xlabel(label)
            nbins = 3 if len(matrices) > 2 else 5
            panel.xaxis.set_major_locator(MaxNLocator(nbins, integer=len(matrix) <= _FEW))
            panel.locator_params(axis="y", nbins=4)
        handles, shown = panels[0][-1].get_legend_handles_labels()
        fig.legend(handles, shown, loc="outside upper center", ncols=min(rank, 4))
    return Picture(fig, _describe(matrices, labelled, names))


def _draw_column(panel, values, column, q, name):
    color = CYCLE[q % 8]
    if len(column) <= _FEW:
        panel.plot(
            values, column, color=color, marker=MARKERS[q % 8], markeredgecolor=SURFACE,
            linewidth=1.0, label=name,
        )  # fmt: skip
    else:
        panel.plot(values, column, color=color, label=name)


def _axis(axes, k, length):
    axis = None if axes is None else axes[k]
    if axis is None:
        label, values = f"mode {k + 1}", None
    elif hasattr(axis, "label"):
        label, values = axis.label, axis.values
    else:
        label, values = axis
    values = np.arange(1, length + 1) if values is None else np.asarray(values)
    if values.shape != (length,):
        raise ValueError(f"axes[{k}] must have {length} values, got {values.shape}")
    return label, values


def _describe(matrices, labelled, names):
    parts = []
    for matrix, (label, values) in zip(matrices, labelled):
        peaks = ", ".join(
            f"{name} at {values[np.argmax(column)]:.4g}" for name, column in zip(names, matrix.T)
        )
        parts.append(f"along {label} the largest entries are {peaks}")
    return f"Factors of {len(names)} components: " + "; ".join(parts) + "."
