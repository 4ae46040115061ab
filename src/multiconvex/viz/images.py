"""Images side by side."""

import math

import numpy as np

from .picture import Picture
from .styling import SEQUENTIAL, WIDTH, figure, style


def image_grid(images, *, ncols=None, limits=None, cmap=SEQUENTIAL, colorbar=None):
    """Images in a grid, all with one colour scale.

    Parameters
    ----------
    images : dict
        From title to an array ``(rows, cols)``, or ``(rows, cols, 3)`` for colours. A panel is at
        most 600 pixels wide on a page: subsample larger images, they weigh on it.
    ncols : int, optional
        Images in a row, by default at most four.
    limits : tuple of two floats, optional
        Values at the ends of the colour scale, by default the extremes of all images.
    cmap : matplotlib colormap
        `SEQUENTIAL` or `DIVERGING` of :mod:`multiconvex.viz`.
    colorbar : str, optional
        Draw the colour scale with this label.

    Returns
    -------
    Picture
    """
    if not images:
        raise ValueError("images is empty: give at least one image")
    arrays = {title: _image(title, array) for title, array in images.items()}
    scalar = [array for array in arrays.values() if array.ndim == 2]
    if limits is None and scalar:
        limits = (min(np.nanmin(a) for a in scalar), max(np.nanmax(a) for a in scalar))
    ncols = ncols or min(len(arrays), 4 if len(arrays) != 6 else 3)
    nrows = math.ceil(len(arrays) / ncols)
    aspect = max(array.shape[0] / array.shape[1] for array in arrays.values())
    side = min((WIDTH - (0.9 if colorbar else 0.0)) / ncols, 3.2)
    with style():
        fig, axes = figure(
            ncols, nrows, height=min(nrows * (side * aspect + 0.34), 7.0), squeeze=False
        )
        for panel in axes.flat:
            panel.axis("off")
        for panel, (title, array) in zip(axes.flat, arrays.items()):
            scale = dict(zip(("vmin", "vmax"), limits)) if array.ndim == 2 else {}
            drawn = panel.imshow(array, cmap=cmap, **scale)
            panel.set_title(title, fontsize=11)
            if array.ndim == 2:
                last = drawn
        if colorbar and scalar:
            bar = fig.colorbar(last, ax=list(axes.flat), shrink=0.85, aspect=24, pad=0.02)
            bar.set_label(colorbar)
            bar.outline.set_visible(False)
    return Picture(fig, _describe(arrays, colorbar))


def abundance_maps(maps, *, names=None):
    """Where each component is: one map a component, between zero and one.

    Parameters
    ----------
    maps : ndarray of shape (rows, cols, r)
    names : sequence of str, optional

    Returns
    -------
    Picture
    """
    maps = np.asarray(maps, float)
    if maps.ndim != 3:
        raise ValueError(f"maps must have shape (rows, cols, r), got {maps.shape}")
    names = names or [f"component {k + 1}" for k in range(maps.shape[2])]
    if len(names) != maps.shape[2]:
        raise ValueError(f"names must be {maps.shape[2]}, one for each map, got {len(names)}")
    limits = (0.0, max(1.0, float(np.nanmax(maps))))
    images = {name: maps[..., k] for k, name in enumerate(names)}
    return image_grid(images, limits=limits, colorbar="abundance")


def _image(title, array):
    array = np.asarray(array)
    if array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3):
        return array
    raise ValueError(
        f"image {title!r} must have shape (rows, cols) or (rows, cols, 3), got {array.shape}"
    )


def _describe(arrays, quantity):
    parts = []
    for title, array in arrays.items():
        size = f"{array.shape[0]} by {array.shape[1]} pixels"
        if array.ndim == 2:
            size += f", mean {np.nanmean(array):.3g}, largest {np.nanmax(array):.3g}"
        parts.append(f"{title} ({size})")
    return f"Images{f' of {quantity}' if quantity else ''}: " + "; ".join(parts) + "."
