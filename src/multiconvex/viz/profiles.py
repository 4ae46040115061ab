"""Profiles along one axis, such as spectra."""

import numpy as np

from .labels import label_lines
from .palette import CYCLE
from .picture import Picture
from .styling import figure, style

_DASHES = ("-", (0, (6, 1.6)), (0, (1.2, 1.4)), (0, (6, 1.4, 1.2, 1.4)))


def spectra(
    spectra, *, x=None, names=None, xlabel="wavelength (nm)", ylabel="reflectance",
    reference=None, height=3.3,
):  # fmt: skip
    """The columns of a matrix as curves with their names at their ends.

    Parameters
    ----------
    spectra : ndarray of shape (points, r)
    x : ndarray of shape (points,), optional
        Positions along the axis, by default the index. The curve is interrupted where the
        positions go back (bands of two overlapping detectors) or leave out an interval.
    names : sequence of str, optional
    xlabel, ylabel : str
    reference : ndarray of shape (points, r), optional
        Drawn as thin dotted curves in the same colours.
    height : float
        Inches.

    Returns
    -------
    Picture
    """
    spectra = np.asarray(spectra, float)
    if spectra.ndim != 2:
        raise ValueError(f"spectra must have shape (points, r), got {spectra.shape}")
    x = np.arange(len(spectra)) if x is None else np.asarray(x, float)
    if x.shape != (len(spectra),):
        raise ValueError(f"x must have shape ({len(spectra)},), got {x.shape}")
    names = list(names or [f"component {k + 1}" for k in range(spectra.shape[1])])
    with style():
        fig, axes = figure(height=height)
        for k, curve in enumerate(spectra.T):
            axes.plot(*interrupted(x, curve), color=CYCLE[k % 8], linestyle=_DASHES[(k // 2) % 4])
        if reference is not None:
            for k, curve in enumerate(np.asarray(reference, float).T):
                axes.plot(*interrupted(x, curve), color=CYCLE[k % 8], linewidth=1.1, linestyle=":")
        axes.set(xlabel=xlabel, ylabel=ylabel)
        axes.margins(x=0)
        label_lines(axes, names)
    return Picture(fig, _describe(x, spectra, names, xlabel, ylabel))


def interrupted(x, y):
    """Insert NaN where `x` goes back or jumps by more than four typical steps.

    Examples
    --------
    >>> interrupted([1.0, 2.0, 3.0, 30.0, 31.0], [1.0, 1.0, 1.0, 2.0, 2.0])[1].tolist()
    [1.0, 1.0, 1.0, nan, 2.0, 2.0]
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    steps = np.diff(x)
    breaks = np.flatnonzero((steps <= 0) | (steps > 4 * np.median(steps))) + 1
    return np.insert(x, breaks, np.nan), np.insert(y, breaks, np.nan)


def _describe(x, spectra, names, xlabel, ylabel):
    peaks = [
        f"{name} peaks at {x[np.nanargmax(curve)]:.4g} with {np.nanmax(curve):.3g}"
        for name, curve in zip(names, spectra.T)
    ]
    return f"Curves of {ylabel} against {xlabel}: " + "; ".join(peaks) + "."
