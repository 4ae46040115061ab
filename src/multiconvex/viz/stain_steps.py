"""The film of the first page: two stains of a slide, found in turns with their colours."""

import numpy as np
from PIL import Image

from .palette import CYCLE, GRID, INK
from .picture import Picture
from .styling import figure, style

LEVELS = 20
"""Shades of one stain in a picture: few enough for a small file."""
_COLOURS = {None: INK, "amounts": CYCLE[0], "colours": CYCLE[1]}


def stain_step(stains, history, step):
    r"""One half of a sweep: the colours of the stains were solved for, or their amounts.

    Light that passes two stains is weakened by both, so pictures of one stain multiply:

    .. math:: 10^{-X} \approx 10^{-w_1 h_1^T} \cdot 10^{-w_2 h_2^T}.

    Parameters
    ----------
    stains : StainImage
    history : sequence of Result or Sweep
        A factorisation ``X ≈ W Hᵀ`` of ``stains.matrix`` at rank two, from its start on, one entry
        for each sweep: their ``blocks`` are drawn.
    step : int
        Half-sweeps since the start, at most ``2 * (len(history) - 1)``.

    Returns
    -------
    Picture

    Raises
    ------
    ValueError
        If there is no such step.
    """
    if not 0 <= step <= 2 * (len(history) - 1):
        raise ValueError(
            f"step must be between 0 and {2 * (len(history) - 1)}, two for each sweep, got {step}"
        )
    points = [_halfway(history, k) for k in range(2 * len(history) - 1)]
    errors = [_relative_error(stains.matrix, *point) for point in points]
    W, H = points[step]
    solved = ("amounts", "colours")[step % 2] if step else None
    alone = [_alone(w, h, stains.rgb.shape[:2]) for w, h in zip(W.T, H.T)]
    with style():
        fig, axes = figure(3, 2, height=3.7, height_ratios=(3, 1))
        titles = ("the slide", "stain 1 alone", "stain 2 alone")
        for panel, picture, title in zip(axes[0], [_few_colours(stains.rgb), *alone], titles):
            panel.imshow(picture)
            panel.set_title(title)
            _frame(panel, CYCLE[0] if solved == "amounts" and title != titles[0] else None)
        for panel, w, h in zip(axes[0, 1:], W.T, H.T):
            _swatch(panel, w, h, CYCLE[1] if solved == "colours" else None)
        grid = axes[1, 0].get_gridspec()
        for panel in axes[1]:
            panel.remove()
        _descent(fig.add_subplot(grid[1, :]), errors, step)
        fig.suptitle(_say(step, solved), x=0.02, ha="left", fontsize=13, fontweight="bold",
                     color=_COLOURS[solved])  # fmt: skip
    alt = (
        f"{_say(step, solved)}. A stained slide, and what it would look like with each of two "
        f"stains alone. The relative misfit is {100 * errors[step]:.1f}%."
    )
    return Picture(fig, alt)


def _halfway(history, step):
    """The colours and the amounts after so many half-sweeps."""
    return history[(step + 1) // 2].blocks["W"], history[step // 2].blocks["H"]


def _relative_error(X, W, H):
    return float(np.linalg.norm(X - W @ H.T) / np.linalg.norm(X))


def _say(step, solved):
    if not step:
        return "The start: random colours, random amounts"
    fixed = "colours" if solved == "amounts" else "amounts"
    return f"Step {step}: {fixed} fixed, {solved} solved"


def _few_colours(rgb):
    """An image with so few colours that it makes a small file."""
    return np.asarray(Image.fromarray(rgb).quantize(4 * LEVELS, kmeans=2).convert("RGB"))


def _alone(w, h, shape):
    """The slide as it would be if it had been stained once, in few shades."""
    most = np.quantile(h, 0.995) or 1.0
    shades = np.round(np.clip(h / most, 0.0, 1.0) * (LEVELS - 1)) / (LEVELS - 1)
    light = 10.0 ** -np.outer(shades * most, w)
    return np.round(255 * light).astype(np.uint8).reshape(*shape, 3)


def _frame(panel, colour):
    """Leave nothing but the image, and a frame where the block was solved for."""
    panel.set(xticks=[], yticks=[])
    panel.grid(False)
    panel.spines[:].set_visible(colour is not None)
    panel.spines[:].set(color=colour or INK, linewidth=3)


def _swatch(panel, w, h, frame):
    """The colour of a stain, below its picture."""
    inset = panel.inset_axes((0.0, -0.19, 1.0, 0.12))
    inset.imshow(10.0 ** -(w * np.quantile(h, 0.9))[None, None], aspect="auto")
    _frame(inset, frame)


def _descent(axes, errors, step):
    steps = np.arange(len(errors))
    axes.plot(steps, errors, color=GRID)
    for k in steps[: step + 1]:
        solved = ("amounts", "colours")[k % 2] if k else None
        axes.plot(k, errors[k], "o", color=_COLOURS[solved], markersize=7, clip_on=False)
    axes.set(yscale="log", xticks=[], ylabel="misfit")
    axes.minorticks_off()
    ticks = [share for share in (0.5, 0.2, 0.1, 0.05, 0.02) if min(errors) <= share <= max(errors)]
    axes.set_yticks(ticks[::2], [f"{100 * share:.0f}%" for share in ticks[::2]])
